package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// nugetTree finds .NET packages by the *.deps.json that the build puts
// beside a program: its packages and, of a self-contained one, the runtime.
func nugetTree() Cataloger {
	return Cataloger{
		Name: "dotnet", Version: 5, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && strings.HasSuffix(p, ".deps.json")
		},
		Read:  packagesOf(nugetLearn),
		learn: nugetLearn,
	}
}

func nugetLearn(_ context.Context, f layer.Input) (facts, error) {
	body, err := lockBody(f, layer.MaxBuffer)
	if err != nil {
		return facts{}, err
	}
	d := nugetDeps{j: newLockJSON(body), used: map[string]bool{}, cataloger: "dotnet"}
	if err := d.read(); err != nil {
		return facts{}, err
	}
	got := facts{packages: d.found}
	if len(d.uses) > 0 {
		got.graph = d.graph().told()
	}
	return got, errors.Join(someOf(d.bad)...)
}

// nugetDepsFile reads the *.deps.json of a build's output in a folder.
func nugetDepsFile() lockParser {
	wants := func(file string) bool { return strings.HasSuffix(file, ".deps.json") }
	return lockParser{Name: "dotnet-deps", Wants: wants, Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		d := nugetDeps{j: newLockJSON(body), used: map[string]bool{}, file: file, cataloger: "dotnet-deps"}
		d.lines = newLockLines(d.j.b)
		if err := d.read(); err != nil {
			return lockResult{}, err
		}
		d.odd.Packages, d.odd.graph = d.found, d.graph()
		return d.odd, nil
	}}
}

// read gathers the packages that the file says are used.
func (d *nugetDeps) read() error {
	j := d.j
	if j.kind() == '[' {
		return nil // another program's file of the same name
	}
	err := j.document(func(key []byte, _ int) error {
		switch string(key) {
		case "targets":
			return j.members("targets", d.framework)
		case "libraries":
			return j.members("libraries", d.library)
		}
		return j.skip()
	})
	if err == nil && d.told && !d.unsure { // else no target says what it takes of a library
		d.found = slices.DeleteFunc(d.found, func(p sbom.Package) bool { return !d.used[p.Name+"/"+p.Version] })
	}
	return err
}

// nugetDeps gathers what a deps.json says.
type nugetDeps struct {
	j      *lockJSON
	found  []sbom.Package
	told   bool            // a target names libraries
	unsure bool            // a target is none
	bad    []error         // entries that are none
	used   map[string]bool // libraries, "name/version", that a target takes files of
	file   string          // empty: an image's

	cataloger string
	lines     lockLines
	odd       lockResult // entries of a folder's file that are none

	projects []string // libraries that are built here
	uses     []nugetUse
	needs    int
}

// nugetUse is what a library needs in one target.
type nugetUse struct {
	target, library string
	needs           []string
}

func (d *nugetDeps) framework(name []byte, at int) error {
	if d.j.kind() != '{' { // which libraries it takes is not known: all of them may be
		d.unsure = true
		d.note(string(name), at)
	}
	return d.j.object(func(key []byte, at int) error { return d.target(string(name), key, at) })
}

// graph joins what each target says.
func (d *nugetDeps) graph() *lockGraph { return d.join().join() }

// join gathers what each target says. A name means one library of a target.
func (d *nugetDeps) join() *lockJoin {
	g := &lockJoin{}
	nodes := map[string]int32{}
	for i, p := range d.found {
		nodes[p.Name+"/"+p.Version] = g.node(i)
	}
	for _, library := range d.projects {
		name, version, _ := strings.Cut(library, "/")
		nodes[library] = g.project(name, version, d.file, "")
	}
	for _, u := range d.uses {
		if n, ok := nodes[u.library]; ok {
			name, _, _ := strings.Cut(u.library, "/")
			g.call(n, u.target+" "+strings.ToLower(name))
		}
	}
	for _, u := range d.uses {
		n, ok := nodes[u.library]
		for _, name := range u.needs {
			if ok {
				_ = g.want(n, false, u.target+" "+strings.ToLower(name), "") // as many as were read
			}
		}
	}
	return g
}

// target reads a library of a target. One that brings no file to run is only
// named there: the runtime has it, or it was for the compiler.
func (d *nugetDeps) target(framework string, key []byte, _ int) error {
	j := d.j
	d.told = true
	if len(d.used) > maxPackages || len(d.uses) > maxPackages {
		return errLockMany
	}
	if j.kind() != '{' {
		return j.skip()
	}
	use := nugetUse{target: framework, library: strings.TrimPrefix(string(key), "runtimepack.")}
	err := j.object(func(member []byte, _ int) error {
		switch string(member) {
		case "dependencies":
			return j.object(func(name []byte, _ int) error {
				if d.needs++; d.needs > maxLeaves {
					return errLockMany
				}
				use.needs = append(use.needs, strings.TrimPrefix(string(name), "runtimepack."))
				return j.skip()
			})
		case "runtime", "native", "runtimeTargets":
			return j.object(func(file []byte, _ int) error {
				if path.Base(string(file)) != "_._" { // which stands for no file
					d.used[strings.TrimPrefix(string(key), "runtimepack.")] = true
				}
				return j.skip()
			})
		}
		return j.skip()
	})
	d.uses = append(d.uses, use)
	return err
}

func (d *nugetDeps) library(key []byte, at int) error {
	j := d.j
	if len(d.found) >= maxPackages {
		return errLockMany
	}
	library, typ := string(key), ""
	err := j.object(func(member []byte, _ int) (err error) {
		if string(member) == "type" {
			typ, err = j.str()
			return err
		}
		return j.skip()
	})
	if err != nil || typ != "package" && typ != "runtimepack" { // "project", "reference": built here, not a package
		if typ == "project" && len(d.projects) < maxPackages {
			d.projects = append(d.projects, library)
		}
		return err
	}
	name, version, _ := strings.Cut(library, "/")
	name = strings.TrimPrefix(name, "runtimepack.")
	if !lockWord(name) || !lockVersion(version) {
		d.note(library, at)
		return nil
	}
	line := 0
	if d.file != "" {
		line = d.lines.at(at)
	}
	d.found = append(d.found, lockPackage(d.cataloger, "nuget", name, version, d.file, line))
	return nil
}

// note keeps an entry that is none.
func (d *nugetDeps) note(entry string, at int) {
	d.bad = append(d.bad, fmt.Errorf("not a library's name and version: %.80q", entry))
	if d.file != "" {
		name, _, _ := strings.Cut(entry, "/")
		d.odd.odd(name, d.lines.at(at))
	}
}

// nugetLock reads packages.lock.json.
func nugetLock() lockParser {
	return lockParser{Name: "nuget-lock", Wants: lockNamed("packages.lock.json"), Read: nugetLockRead}
}

func nugetLockRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	var g lockJoin
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	some := false
	project := g.project("", "", file, "")
	err := j.document(func(key []byte, _ int) error {
		if string(key) != "dependencies" {
			return j.skip()
		}
		some = true
		return j.members("dependencies", func(framework []byte, _ int) error { // one for each target framework
			return j.members("a target framework", func(key []byte, at int) error {
				if r.full() {
					return errLockMany
				}
				name, version, typ := string(key), "", ""
				called := func(name string) string { return string(framework) + " " + strings.ToLower(name) }
				var needs []string
				err := j.members(name, func(member []byte, _ int) (err error) {
					switch string(member) {
					case "type":
						typ, err = j.str()
					case "resolved":
						version, err = j.str()
					case "dependencies":
						err = j.object(func(name []byte, _ int) error {
							needs = append(needs, called(string(name)))
							return j.skip()
						})
					default:
						err = j.skip()
					}
					return err
				})
				if err != nil {
					return err
				}
				sound := lockWord(name) && !strings.Contains(name, "/") && lockVersion(version)
				var n int32
				switch {
				case typ == "Project":
					n = g.project(name, "", file, "")
				case sound:
					n = g.node(len(r.Packages))
				default:
					r.odd(name, lines.at(at))
					n = g.unlisted(name, file)
				}
				g.call(n, called(name))
				if typ == "Direct" || typ == "Project" {
					g.nodes[project].needs = append(g.nodes[project].needs, n)
				}
				for _, need := range needs {
					if err := g.want(n, false, need, ""); err != nil {
						return err
					}
				}
				if g.nodes[n].pkg < 0 {
					return nil
				}
				r.Packages = append(r.Packages, lockPackage("nuget-lock", "nuget", name, version, file, lines.at(at)))
				return nil
			})
		})
	})
	if err == nil && !some {
		err = errors.New("not a lock file of NuGet: it has no dependencies")
	}
	if err != nil {
		return lockResult{}, err
	}
	r.graph = g.join()
	return r, nil
}
