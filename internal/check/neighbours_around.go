package check

import (
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// around is what the files of a repository say of Dockerfiles elsewhere in it. Each is
// read once for all Dockerfiles of the repository: it holds those of the last one.
type around struct {
	root, dir string // that are listed; dir is empty where all of the repository counts
	files     []aroundFile
	said      map[string]said
}

// aroundFile is a Dockerfile, or a manifest of a cluster or a host of containers.
type aroundFile struct {
	name     string
	manifest bool
}

// said is what such a file says.
type said struct {
	bases []string // references after FROM
	ports []string // of containers
}

// maxSaid is how many files' words are held.
const maxSaid = 4 * maxNeighbours

// siblings takes in the Dockerfiles of the repository whose FROM names this one:
// by a tag or a last word that is its folder's name or its own suffix; and the
// ports that manifests say containers have.
func (n *neighbours) siblings(a *around) {
	dir := ""
	if !n.known {
		dir = filepath.Dir(n.name)
	}
	a.list(n.root, dir)
	names := calledBy(n.name)
	files, manifests := 0, 0
	for _, f := range a.files {
		if f.manifest {
			if manifests++; manifests <= maxSiblings {
				if ports := a.read(f).ports; len(ports) > 0 {
					n.uses = append(n.uses, dockerfile.Use{File: n.called(f.name), Ports: slices.Clone(ports)})
				}
			}
			continue
		}
		if f.name == n.name || len(names) == 0 {
			continue
		}
		if files++; files > maxSiblings {
			return
		}
		if slices.ContainsFunc(a.read(f).bases, func(ref string) bool { return means(ref, names) }) {
			n.uses = append(n.uses, dockerfile.Use{File: n.called(f.name), BuiltOn: true})
		}
	}
}

// means reports whether a reference may be to a Dockerfile of those names.
func means(ref string, names []string) bool {
	r := finding.ParseReference(ref)
	name, tag := r.Name, r.Tag
	own := strings.Contains(name, "/") || strings.Contains(name, "$")
	return slices.Contains(names, tag) && tag != "" ||
		slices.Contains(names, path.Base(name)) && (own || tag == "" || tag == "latest")
}

// list finds the files of a repository; with a dir those of that folder and of its
// siblings, where nobody knows how far the repository goes.
func (a *around) list(root, dir string) {
	if a.root == root && a.dir == dir && a.said != nil {
		return
	}
	if a.root != root || a.said == nil || len(a.said) > maxSaid {
		a.said = map[string]said{}
	}
	a.root, a.dir, a.files = root, dir, nil
	seen := 0
	_ = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if seen++; seen > maxNeighbours {
			return fs.SkipAll
		}
		switch {
		case err != nil:
			return fs.SkipDir
		case d.IsDir() && file != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "vendor"):
			return fs.SkipDir
		case d.IsDir() && dir != "" && filepath.Dir(filepath.Dir(file)) == root && filepath.Dir(file) != dir:
			return fs.SkipDir
		case d.IsDir() || !d.Type().IsRegular():
		case manifestFile(d.Name()):
			if dir == "" || strings.HasPrefix(file, dir+string(filepath.Separator)) {
				a.files = append(a.files, aroundFile{name: file, manifest: true})
			}
		case IsDockerfile(file):
			a.files = append(a.files, aroundFile{name: file})
		}
		return nil
	})
}

var fromLine = lazyregexp.New(`(?im)^\s*FROM\s+(?:--\S+\s+)*(\S+)`)

// read is what a file says; one that cannot be read says nothing.
func (a *around) read(f aroundFile) said {
	if s, ok := a.said[f.name]; ok {
		return s
	}
	var s said
	if f.manifest {
		if b, err := readLimited(f.name, maxReadme); err == nil {
			s.ports = distinct(hasPort.FindAllStringSubmatch(string(b), -1))
		}
	} else if b, err := readLimited(f.name, dockerfile.MaxBytes); err == nil {
		s.bases = distinct(fromLine.FindAllStringSubmatch(string(b), -1))
	}
	a.said[f.name] = s
	return s
}

// distinct are the first groups of matches, each once and without the text around it.
func distinct(matches [][]string) []string {
	var out []string
	for _, m := range matches {
		if !slices.Contains(out, m[1]) {
			out = append(out, strings.Clone(m[1]))
		}
	}
	return out
}
