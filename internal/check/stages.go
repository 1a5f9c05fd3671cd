package check

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Readable is a Dockerfile without the instructions that a build would refuse, all
// others in their places; nil: nothing of it can be read.
func Readable(name string, b []byte) *dockerfile.File {
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		f, _, _ = recovered(name, b, err)
	}
	return f
}

// Targets are the places in one compose file that name a stage of a Dockerfile.
type Targets struct {
	File string
	Text []byte
	At   []finding.Span
}

// StageTargets finds where compose files beside a Dockerfile, and in the folders above
// it up to the repository's, build that stage of it. texts are files in other versions,
// by name. A bake file that may name the stage is an error: what it means is not known
// here.
func StageTargets(name, stage string, texts map[string][]byte) ([]Targets, error) {
	dirs, _ := repository(filepath.Dir(name))
	for _, dir := range dirs {
		for _, aside := range asideFolders {
			if below := filepath.Join(dir, aside); below != filepath.Dir(name) {
				dirs = append(dirs, below)
			}
		}
	}
	var out []Targets
	seen := map[string]bool{}
	for _, dir := range dirs {
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) > maxNeighbours || seen[dir] {
			continue
		}
		seen[dir] = true
		for _, e := range entries {
			file := filepath.Join(dir, e.Name())
			bake := strings.HasPrefix(e.Name(), "docker-bake.")
			if !e.Type().IsRegular() || !bake && !IsCompose(file) {
				continue
			}
			b, open := texts[file]
			if !open {
				if b, err = readFound(file, maxComposeBytes); err != nil {
					return nil, fmt.Errorf("whether it names the stage: %w", err)
				}
			}
			if bake {
				if bytes.Contains(b, []byte(`"`+stage+`"`)) {
					return nil, errors.New(file + " may name the stage: rename it by hand")
				}
				continue
			}
			at, err := targetsIn(file, b, name, stage)
			if err != nil {
				return nil, err
			}
			if len(at) > 0 {
				out = append(out, Targets{file, b, at})
			}
		}
	}
	return out, nil
}

// targetsIn are the places of a compose file where a service's build has a stage of a
// Dockerfile as its target.
func targetsIn(file string, b []byte, dockerfileName, stage string) ([]finding.Span, error) {
	var root struct {
		Services map[string]yaml.Node `yaml:"services"`
	}
	if err := yaml.Unmarshal(b, &root); err != nil {
		return nil, fmt.Errorf("whether %s names the stage: %w", file, err)
	}
	var out []finding.Span
	for _, node := range root.Services {
		var s struct {
			Build build `yaml:"build"`
		}
		var t struct {
			Build struct {
				Target yaml.Node `yaml:"target"`
			} `yaml:"build"`
		}
		if node.Decode(&s) != nil || node.Decode(&t) != nil || !strings.EqualFold(t.Build.Target.Value, stage) {
			continue
		}
		if _, from := s.Build.paths(file); from != dockerfileName {
			continue
		}
		if at, ok := scalarAt(b, &t.Build.Target, file); ok {
			out = append(out, at)
		}
	}
	sorting.By(out, func(a, b finding.Span) int { return a.Start - b.Start })
	return slices.Compact(out), nil // an alias is written once
}

// scalarAt is the place of a scalar's text, without its quotes.
func scalarAt(b []byte, n *yaml.Node, file string) (finding.Span, bool) {
	at := 0
	for range n.Line - 1 {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return finding.Span{}, false
		}
		at += i + 1
	}
	line, _, _ := bytes.Cut(b[at:], []byte("\n"))
	from := 0 // columns count characters
	for range n.Column - 1 {
		if from >= len(line) {
			return finding.Span{}, false
		}
		from += len(string([]rune(string(line[from:]))[:1]))
	}
	i := bytes.Index(line[from:], []byte(n.Value))
	if i < 0 || i > 1 {
		return finding.Span{}, false
	}
	start := at + from + i
	return finding.Span{File: file, Start: start, End: start + len(n.Value), Line: n.Line, Column: n.Column + i}, true
}
