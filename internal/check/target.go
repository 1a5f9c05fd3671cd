package check

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// Kind is what sort of thing a target is.
type Kind int

// The kinds.
const (
	Image      Kind = iota // an image or a root file system, wherever it lies: [image.Detect] knows more
	Folder                 // of sources; where Said, what a prefix calls a root file system and holds no system
	Dockerfile             // by its name, or what it holds
	Compose                // by its name, or compose://
	Manifest               // of Kubernetes: by what it holds
	Document               // an SBOM: by its first bytes, or sbom://
	File                   // one that is or lists packages, a jar, a program, a lock file: by its name, its first bytes, or file:
	Text                   // a file that is none of these, and no archive either
	Missing                // what could be a path or a reference, and is no path
)

// What is what a target is.
type What struct {
	Kind Kind
	Path string // of a file or folder, without its prefix; "-": standard input
	Dir  bool   // it is a folder, also as an image
	Said bool   // the prefix says it, and not the file's name or bytes
	Err  error  // why nothing lies there, of what is missing
}

// Resolve finds out what a target is: by its prefix, else by what lies there on
// the disk. It is the one place that does.
func Resolve(target string) What {
	scheme, rest, _ := strings.Cut(target, "://")
	switch {
	case rest != "" && scheme == "sbom":
		return What{Kind: Document, Path: rest, Said: true}
	case rest != "" && scheme == "compose":
		return What{Kind: Compose, Path: rest, Said: true}
	}
	if rest, ok := saidFile(target); ok {
		return What{Kind: File, Path: rest, Said: true}
	}
	if t := image.Detect(target); t.Kind == image.Rootfs && isDir(t.Ref) && !catalog.HoldsSystem(t.Ref) {
		return What{Kind: Folder, Path: t.Ref, Dir: true, Said: true}
	}
	info, err := os.Stat(target)
	switch {
	case err != nil:
		return What{Kind: Missing, Path: target, Err: err}
	case info.IsDir():
		if _, err := os.Stat(filepath.Join(target, "oci-layout")); err == nil {
			return What{Kind: Image, Path: target, Dir: true}
		}
		return What{Kind: Folder, Path: target, Dir: true}
	case IsDockerfile(target):
		return What{Kind: Dockerfile, Path: target}
	case IsCompose(target):
		return What{Kind: Compose, Path: target}
	case catalog.Reads(target):
		return What{Kind: File, Path: target}
	case isManifest(target):
		return What{Kind: Manifest, Path: target}
	case holdsServices(target):
		return What{Kind: Compose, Path: target}
	}
	kind := kindOf(target)
	if kind == Text && holdsStages(target) {
		kind = Dockerfile
	}
	return What{Kind: kind, Path: target}
}

// saidFile is what follows file: or file://, and fs:// where that is no folder.
// "file" is an image's name too, and what follows it then is a tag.
func saidFile(target string) (string, bool) {
	if rest, ok := strings.CutPrefix(target, "file://"); ok && rest != "" {
		return rest, true
	}
	if rest, ok := strings.CutPrefix(target, "fs://"); ok {
		info, err := os.Stat(rest)
		return rest, err == nil && info.Mode().IsRegular()
	}
	rest, ok := strings.CutPrefix(target, "file:")
	if !ok || rest == "" {
		return "", false
	}
	_, err := os.Stat(rest)
	return rest, err == nil || strings.ContainsAny(rest, `/\`)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// kindOf goes by a file's first bytes: an SBOM begins as JSON, XML or SPDX's tags
// do, and no archive does; a text has no zero byte.
func kindOf(path string) Kind {
	f, err := os.Open(path)
	if err != nil {
		return Text
	}
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	head = head[:n]
	zero := bytes.IndexByte(head, 0) >= 0
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return Text
	}
	start := bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(start, []byte("{")), bytes.HasPrefix(start, []byte("<")), bytes.HasPrefix(start, []byte("SPDXVersion:")):
		return Document
	case zero:
		return Image
	}
	return Text
}

// holdsStages reports whether a text is a Dockerfile, whatever it is called:
// nothing but what may stand there comes before a FROM.
func holdsStages(path string) bool {
	b, err := readFound(path, dockerfile.MaxBytes)
	if err != nil {
		return false
	}
	f, err := dockerfile.Parse(path, b)
	return err == nil && len(f.Stages) > 0 && f.Stages[0].BaseRaw != ""
}

// IsDockerfile goes by the names that docker build and editors know: Dockerfile,
// Dockerfile.prod, Dockerfile-windows.multi, app.Dockerfile, and the same of
// Containerfile. Sources, notes, copies and templates that are called after one are
// none.
func IsDockerfile(path string) bool {
	n := strings.ToLower(filepath.Base(path))
	for _, name := range []string{"dockerfile", "containerfile"} {
		rest, ok := strings.CutPrefix(n, name)
		switch {
		case ok && rest == "", strings.HasSuffix(n, "."+name):
			return true
		case ok && strings.ContainsRune(".-_", rune(rest[0])):
			return !slices.Contains(notDockerfiles(), strings.TrimPrefix(filepath.Ext(n), "."))
		}
	}
	return false
}

// notDockerfiles are the endings of files that are about Dockerfiles, or that make
// them.
func notDockerfiles() []string {
	return []string{
		"dockerignore", "md", "rst", "adoc", "html", "json", "yaml", "yml", "toml", "xml", "lock", "sha256", "sig", "asc",
		"bak", "orig", "old", "save", "swp", "swo", "rej", "patch", "diff", "tmp",
		"j2", "jinja", "jinja2", "tmpl", "tpl", "template", "in", "erb", "ejs", "gotmpl", "m4",
		"go", "py", "js", "mjs", "ts", "tsx", "jsx", "rb", "rs", "java", "kt", "ex", "exs", "php", "pl", "lua", "c", "h", "cpp", "cs", "swift", "scala", "sh", "bash", "ps1", "vim", "el",
	}
}

// isTemplate reports whether a file named like a Dockerfile is one that a template
// engine fills in first: a FROM, or a line, begins with braces.
func isTemplate(path string) bool {
	b, err := readFound(path, dockerfile.MaxBytes)
	if err != nil || !bytes.Contains(b, []byte("{{")) && !bytes.Contains(b, []byte("{%")) {
		return false
	}
	for line := range bytes.Lines(b) {
		line = bytes.TrimSpace(line)
		from := len(line) > 5 && strings.EqualFold(string(line[:5]), "FROM ")
		if bytes.HasPrefix(line, []byte("{{")) || bytes.HasPrefix(line, []byte("{%")) || from && bytes.Contains(line, []byte("{{")) {
			return true
		}
	}
	return false
}

// isManifest goes by the objects that a file holds.
func isManifest(path string) bool {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".yaml" && ext != ".yml" && ext != ".json" {
		return false
	}
	b, err := readFound(path, audit.MaxBytes)
	return err == nil && audit.IsManifest(b)
}

// holdsServices reports whether a file of YAML that is named is a compose file by what it
// says: stack.yml.
func holdsServices(path string) bool {
	if ext := strings.ToLower(filepath.Ext(path)); ext != ".yaml" && ext != ".yml" {
		return false
	}
	b, err := readFound(path, audit.MaxBytes)
	return err == nil && audit.IsCompose(b)
}

// IsCompose goes by the name alone.
func IsCompose(path string) bool {
	n := strings.ToLower(filepath.Base(path))
	ext := filepath.Ext(n)
	if ext != ".yaml" && ext != ".yml" {
		return false
	}
	n, _, _ = strings.Cut(n, ".")
	return n == "compose" || n == "docker-compose"
}
