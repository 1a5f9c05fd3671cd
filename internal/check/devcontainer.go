package check

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// devcontainer is what a devcontainer.json says of how its image is built and run.
// https://containers.dev/implementors/json_reference/
type devcontainer struct {
	Build struct {
		Dockerfile string         `json:"dockerfile"`
		Context    string         `json:"context"`
		Target     string         `json:"target"`
		Args       map[string]any `json:"args"`
	} `json:"build"`
	Dockerfile string `json:"dockerFile"` // before there was build
	Context    string `json:"context"`    // likewise
}

// devcontainers reads the descriptions of containers to work in of a folder:
// .devcontainer.json, and in .devcontainer and each folder of it.
func (n *neighbours) devcontainers(dir string) {
	n.devcontainer(filepath.Join(dir, ".devcontainer.json"))
	aside := filepath.Join(dir, ".devcontainer")
	n.devcontainer(filepath.Join(aside, "devcontainer.json"))
	entries, err := os.ReadDir(aside)
	if err != nil || len(entries) > maxNeighbours {
		return
	}
	for _, e := range entries {
		if e.IsDir() {
			n.devcontainer(filepath.Join(aside, e.Name(), "devcontainer.json"))
		}
	}
}

// devcontainer takes in one that is built from the Dockerfile.
func (n *neighbours) devcontainer(file string) {
	b, err := readFound(file, maxComposeBytes)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return
	}
	var doc devcontainer
	if err == nil {
		err = json.Unmarshal(plainJSON(b), &doc)
	}
	if err != nil {
		n.unread = append(n.unread, finding.Unknown{What: "how " + n.called(file) + " builds and runs the image", Why: err.Error(), Beyond: true})
		return
	}
	from, context := cmp.Or(doc.Build.Dockerfile, doc.Dockerfile), cmp.Or(doc.Build.Context, doc.Context, ".")
	if from == "" || strings.Contains(from+context, "${") {
		return
	}
	dir := filepath.Dir(file)
	if filepath.Join(dir, filepath.FromSlash(from)) != n.name {
		return
	}
	if context = filepath.Join(dir, filepath.FromSlash(context)); !slices.Contains(n.contexts, context) {
		n.contexts = append(n.contexts, context)
	}
	given := args{}
	for name, value := range doc.Build.Args {
		if text, ok := value.(string); ok && !strings.Contains(text, "$") {
			given[name] = &text
		}
	}
	n.args = append(n.args, givenArgs{file, context, given})
	n.uses = append(n.uses, dockerfile.Use{
		File: n.called(file), Stage: doc.Build.Target, WorkedIn: true, Args: slices.Sorted(maps.Keys(doc.Build.Args)),
	})
}

// plainJSON is JSON with comments and trailing commas ("JSONC") without either:
// each of their bytes is a blank, so that the others stay where they are.
func plainJSON(b []byte) []byte {
	out := bytes.Clone(b)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if out[i] != '\n' && out[i] != '\r' {
				out[i] = ' '
			}
		}
	}
	comma := -1 // the last, where nothing but blanks and comments follows so far
	for i := 0; i < len(out); i++ {
		switch c := out[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(out) && out[i] != '"'; i++ {
				if out[i] == '\\' {
					i++
				}
			}
		case c == '/' && bytes.HasPrefix(out[i:], []byte("//")):
			end := len(out)
			if n := bytes.IndexByte(out[i:], '\n'); n >= 0 {
				end = i + n
			}
			blank(i, end)
			i = end - 1
		case c == '/' && bytes.HasPrefix(out[i:], []byte("/*")):
			end := len(out)
			if n := bytes.Index(out[i+2:], []byte("*/")); n >= 0 {
				end = i + 2 + n + 2
			}
			blank(i, end)
			i = end - 1
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				out[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return bytes.TrimPrefix(out, []byte("\xef\xbb\xbf"))
}
