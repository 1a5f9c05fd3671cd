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
		Name: "dotnet", Version: 4, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode&fs.ModeSymlink == 0 && strings.HasSuffix(p, ".deps.json")
		},
		Read: nugetRead,
	}
}

func nugetRead(_ context.Context, f layer.Input) ([]sbom.Package, error) {
	body, err := lockBody(f, layer.MaxBuffer)
	if err != nil {
		return nil, err
	}
	d := nugetDeps{j: newLockJSON(body), used: map[string]bool{}}
	if err := d.read(); err != nil {
		return nil, err
	}
	return d.found, errors.Join(someOf(d.bad)...)
}

// nugetDepsFile reads the *.deps.json of a build's output in a folder.
func nugetDepsFile() lockParser {
	wants := func(file string) bool { return strings.HasSuffix(file, ".deps.json") }
	return lockParser{Name: "dotnet-deps", Wants: wants, Read: func(file string, body []byte) (lockResult, error) {
		if err := lockText(body); err != nil {
			return lockResult{}, err
		}
		d := nugetDeps{j: newLockJSON(body), used: map[string]bool{}, file: file}
		d.lines = newLockLines(d.j.b)
		if err := d.read(); err != nil {
			return lockResult{}, err
		}
		d.odd.Packages = d.found
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
			return j.members("targets", func([]byte, int) error { return j.members("a target", d.target) })
		case "libraries":
			return j.members("libraries", d.library)
		}
		return j.skip()
	})
	if err == nil && d.told { // else no target says what it takes of a library
		d.found = slices.DeleteFunc(d.found, func(p sbom.Package) bool { return !d.used[p.Name+"/"+p.Version] })
	}
	return err
}

// nugetDeps gathers what a deps.json says.
type nugetDeps struct {
	j     *lockJSON
	found []sbom.Package
	told  bool            // a target names libraries
	bad   []error         // entries that are none
	used  map[string]bool // libraries, "name/version", that a target takes files of
	file  string          // empty: an image's
	lines lockLines
	odd   lockResult // entries of a folder's file that are none
}

// target reads a library of a target. One that brings no file to run is only
// named there: the runtime has it, or it was for the compiler.
func (d *nugetDeps) target(key []byte, _ int) error {
	j := d.j
	d.told = true
	if len(d.used) > maxPackages {
		return errLockMany
	}
	if j.kind() != '{' {
		return j.skip()
	}
	return j.object(func(member []byte, _ int) error {
		switch string(member) {
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
	if err != nil || typ != "package" && typ != "runtimepack" {
		return err // "project", "reference": built here, not a package
	}
	name, version, _ := strings.Cut(library, "/")
	name = strings.TrimPrefix(name, "runtimepack.")
	if !lockWord(name) || !lockVersion(version) {
		d.bad = append(d.bad, fmt.Errorf("not a library's name and version: %.80q", library))
		if d.file != "" {
			d.odd.odd(name, d.lines.at(at))
		}
		return nil
	}
	cataloger, line := "dotnet", 0
	if d.file != "" {
		cataloger, line = "dotnet-deps", d.lines.at(at)
	}
	d.found = append(d.found, lockPackage(cataloger, "nuget", name, version, d.file, line))
	return nil
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
	j := newLockJSON(body)
	lines := newLockLines(j.b)
	some := false
	err := j.document(func(key []byte, _ int) error {
		if string(key) != "dependencies" {
			return j.skip()
		}
		some = true
		return j.members("dependencies", func([]byte, int) error { // one for each target framework
			return j.members("a target framework", func(key []byte, at int) error {
				if r.full() {
					return errLockMany
				}
				name, version, typ := string(key), "", ""
				err := j.members(name, func(member []byte, _ int) (err error) {
					switch string(member) {
					case "type":
						typ, err = j.str()
					case "resolved":
						version, err = j.str()
					default:
						err = j.skip()
					}
					return err
				})
				if err != nil || typ == "Project" {
					return err
				}
				if !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version) {
					r.odd(name, lines.at(at))
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
	return r, nil
}
