package catalog

import (
	"bytes"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// juliaLock reads Manifest.toml of Julia, formats 1 and 2: a table for each package,
// by its name. Packages of the standard library have no hash of their own and, up to
// Julia 1.9, no version either: these are Julia's own, and no packages here.
func juliaLock() lockParser {
	return lockParser{
		Name: juliaCataloger,
		Wants: func(file string) bool {
			base := path.Base(file)
			versioned, _ := path.Match("*Manifest-v*.toml", base)
			return base == "Manifest.toml" || base == "JuliaManifest.toml" || versioned
		},
		Read: juliaRead, Roots: juliaRoots,
	}
}

const juliaCataloger = "julia-manifest"

// juliaPackage is one table.
type juliaPackage struct {
	name, version, uuid, tree, folder, url, rev string
	line                                        int
	needs                                       []string // names, or UUIDs where several packages have one name
}

func juliaRead(file string, body []byte) (lockResult, error) {
	if !bytes.Contains(body, []byte("uuid")) && !bytes.Contains(body, []byte("[[deps.")) {
		return lockResult{}, nil // another program's, or one without packages
	}
	ps, err := juliaTables(body)
	if err != nil {
		return lockResult{}, err
	}
	var r lockResult
	g := lockJoin{lockGraph: lockGraph{open: true}}
	for _, p := range ps {
		var n int32
		switch named := lockWord(p.name) && !strings.Contains(p.name, "/") && lockWord(p.uuid); {
		case named && lockVersion(p.version):
			n = g.node(len(r.Packages))
			r.Packages = append(r.Packages, p.pkg(file))
		case named && p.version == "" && p.url+p.folder != "":
			n = g.project(p.name, "", file, lockFolderOf(p.folder)) // code that is not released
		case named && p.version == "" && p.tree == "":
			n = g.unlisted(p.name, file)
		default:
			r.odd(p.name, p.line)
			n = g.unlisted(p.name, file)
		}
		g.call(n, p.uuid)
		g.call(n, p.name)
		for _, need := range p.needs {
			if err := g.want(n, false, need, ""); err != nil {
				return lockResult{}, err
			}
		}
	}
	r.graph = g.join().told()
	r.at = g.at
	return r, nil
}

func (p *juliaPackage) pkg(file string) sbom.Package {
	out := lockPackage(juliaCataloger, "julia", p.name, p.version, file, p.line)
	out.UUID = p.uuid
	switch {
	case p.url != "" && lockArchive(p.url):
	case p.url != "":
		out.Origin = lockOrigin("git+" + strings.TrimPrefix(p.url, "git+") + "#" + p.rev)
	case p.folder != "":
		out.Origin = lockOrigin("file:" + p.folder)
	}
	return out
}

// juliaTables reads the tables: [[deps.Name]], or [[Name]] in format 1.
func juliaTables(body []byte) ([]juliaPackage, error) {
	if err := lockText(body); err != nil {
		return nil, err
	}
	t := newLockTOML(body)
	lines := newLockLines(t.b)
	var out []juliaPackage
	below, leaves := 0, 0 // parts of a key before the package's name
	open := false
	err := t.document(tomlVisit{
		header: func(path [][]byte, list bool, at int) error {
			if len(out) == 0 && string(path[0]) == "deps" {
				below = 1
			}
			switch {
			case list && len(path) == below+1:
				if len(out) >= maxPackages {
					return errLockMany
				}
				out = append(out, juliaPackage{name: string(path[below]), line: lines.at(at)})
				open = true
			case len(path) <= below+1:
				open = false
			}
			return nil
		},
		pair: func(path [][]byte, _ int) error {
			if !open || len(path) < below+2 || string(path[below]) != out[len(out)-1].name {
				return t.value(path, nil)
			}
			p := &out[len(out)-1]
			return t.value(path, func(path [][]byte, text []byte) error {
				if leaves++; leaves > maxLeaves {
					return errLockMany
				}
				p.leaf(string(path[below+1]), strings.ToValidUTF8(string(text), "\uFFFD"))
				return nil
			})
		},
	})
	return out, err
}

func (p *juliaPackage) leaf(key, text string) {
	switch key {
	case "version":
		p.version = text
	case "uuid":
		p.uuid = text
	case "git-tree-sha1":
		p.tree = text
	case "path":
		p.folder = text
	case "repo-url":
		p.url = text
	case "repo-rev":
		p.rev = text
	case "deps":
		p.needs = append(p.needs, text)
	}
}

// juliaRoots takes from the Project.toml beside it what the project depends on.
func juliaRoots(w besides, file string, r *lockResult) {
	name := "Project.toml"
	if strings.HasPrefix(path.Base(file), "Julia") {
		name = "JuliaProject.toml"
	}
	body, err := w.body(path.Join(path.Dir(file), name))
	if err != nil || lockText(body) != nil {
		return
	}
	t := newLockTOML(body)
	var project, version string
	var needs []int32
	err = t.document(tomlVisit{
		header: func([][]byte, bool, int) error { return nil },
		pair: func(path [][]byte, _ int) error {
			return t.value(path, func(path [][]byte, text []byte) error {
				switch {
				case len(path) == 1 && string(path[0]) == "name":
					project = string(text)
				case len(path) == 1 && string(path[0]) == "version":
					version = string(text)
				case len(path) == 2 && string(path[0]) == "deps":
					if n, ok := r.at[string(text)]; ok && len(needs) < maxPackages {
						needs = append(needs, n)
					}
				}
				return nil
			})
		},
	})
	if err != nil {
		return
	}
	slices.Sort(needs)
	n := r.graph.project(project, version, file, "")
	r.graph.nodes[n].needs = append([]int32{}, slices.Compact(needs)...)
	r.graph.open = false
}
