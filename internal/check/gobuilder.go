package check

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// builtWith judges the standard library of a folder's Go modules by the
// toolchain that a Dockerfile builds them with: the go line of a go.mod names
// only the oldest release that may. A builder older than that line cannot build
// the module without fetching a newer release, so that the line stands.
func (r *run) builtWith(inv *sbom.Inventory, dir string, build *buildFiles) {
	if len(build.goMods) == 0 {
		return
	}
	byFolder := map[string][]goBuilder{}
	for _, name := range build.dockerfiles {
		f := r.goDockerfile(name)
		if f == nil {
			continue
		}
		builders := goBuildersOf(f)
		if len(builders) == 0 {
			continue
		}
		rel := relative(dir, name)
		for i := range builders {
			builders[i].file = rel
		}
		for _, at := range r.goContexts(f, dir, rel, build.goMods) {
			byFolder[at] = append(byFolder[at], builders...)
		}
	}
	for _, mod := range build.goMods {
		judgeBy(inv, mod, goBuildersFor(path.Dir(mod), byFolder))
	}
	inv.Merge()
}

// goDockerfile reads a Dockerfile with the arguments that compose files give it;
// nil: who looks at the Dockerfile itself says why not.
func (r *run) goDockerfile(name string) *dockerfile.File {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return nil
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return nil
	}
	if args, _ := r.buildArgs(f); len(args) > 0 {
		if with, err := dockerfile.ParseWith(name, b, args); err == nil {
			return with
		}
	}
	return f
}

// goContexts are the folders whose modules a Dockerfile builds: those of the
// contexts that compose files build it with, else the nearest folder at or above
// it that has a go.mod or of which it copies one, else its own.
func (r *run) goContexts(f *dockerfile.File, dir, rel string, mods []string) (folders []string) {
	abs, _ := filepath.Abs(f.Name)
	root, _ := filepath.Abs(dir)
	given := r.given[abs]
	if len(given) == 0 {
		given = r.linter.neighbours(f.Name).args
	}
	for _, of := range given {
		at := relative(root, of.context)
		if at == ".." || strings.HasPrefix(at, "../") {
			continue
		}
		folders = append(folders, goCopied(f, at, mods)...)
		if len(folders) == 0 {
			folders = append(folders, at)
		}
	}
	if len(folders) > 0 {
		slices.Sort(folders)
		return slices.Compact(folders)
	}
	for at := path.Dir(rel); ; at = path.Dir(at) {
		if slices.Contains(mods, path.Join(at, "go.mod")) {
			return []string{at}
		}
		if copied := goCopied(f, at, mods); len(copied) > 0 {
			return copied
		}
		if at == "." || at == "/" {
			return []string{path.Dir(rel)}
		}
	}
}

// goCopied are the folders of modules that a Dockerfile copies by name from a
// context: COPY services/api/go.mod ./, COPY services/api ./.
func goCopied(f *dockerfile.File, context string, mods []string) (folders []string) {
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd != "COPY" || in.Flag("from") != "" || len(in.Args) < 2 {
			continue
		}
		for _, arg := range in.Args[:len(in.Args)-1] {
			at := path.Join(context, strings.TrimPrefix(strings.TrimSuffix(arg, "*"), "/"))
			switch {
			case at == path.Clean(context):
			case slices.Contains(mods, at), strings.HasSuffix(at, "go.") && slices.Contains(mods, at+"mod"):
				folders = append(folders, path.Dir(at))
			case slices.Contains(mods, path.Join(at, "go.mod")):
				folders = append(folders, at)
			}
		}
	}
	return folders
}

// goBuildersFor are the builders of a module: those of its own Dockerfiles,
// else of the nearest folder above. One that has nothing of the module, as a
// container to develop in, counts where there is no other.
func goBuildersFor(folder string, byFolder map[string][]goBuilder) []goBuilder {
	for at := folder; ; at = path.Dir(at) {
		if b := byFolder[at]; len(b) > 0 || at == "." || at == "/" {
			idle := func(b goBuilder) bool { return b.idle }
			if busy := slices.DeleteFunc(slices.Clone(b), idle); len(busy) > 0 {
				return busy
			}
			return b
		}
	}
}

// judgeBy puts the releases of the builders in place of what the go.mod says.
func judgeBy(inv *sbom.Inventory, mod string, builders []goBuilder) {
	said, ok := takeStdlib(inv, mod)
	release := false
	for _, b := range builders {
		if v, by := b.builds(said); v != "" {
			release = true
			inv.AddFor(mod, catalog.GoStdlibOf(v, by, b.file, b.line))
		}
	}
	why := "its go line is that of the language, and no Dockerfile says what builds it"
	if len(builders) > 0 {
		b := builders[0]
		short := "whose tag names no release"
		if b.release != "" {
			short = "which is older"
		}
		short = fmt.Sprintf("%s:%d builds with %s, %s", b.file, b.line, b.by, short)
		why = short
		said.VersionBy = fmt.Sprintf("%s; %s", said.VersionBy, short)
	}
	switch {
	case release:
	case ok && !slices.ContainsFunc(builders, func(b goBuilder) bool { return b.later(said) }):
		inv.AddFor(mod, said)
	default:
		inv.Unknown = append(inv.Unknown, finding.Unknown{
			Subject: inv.Subject, What: "the release of Go's standard library in " + mod, Why: why, Beyond: true,
		})
	}
}

// takeStdlib takes the standard library that a go.mod names out of the inventory.
func takeStdlib(inv *sbom.Inventory, mod string) (said sbom.Package, ok bool) {
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !catalog.GoStdlib(p) {
			continue
		}
		n := slices.IndexFunc(p.Locations, func(l sbom.Location) bool { return l.Path == mod })
		if n < 0 {
			continue
		}
		said = *p
		said.Locations = []sbom.Location{p.Locations[n]}
		if len(p.Locations) == 1 {
			inv.Packages = slices.Delete(inv.Packages, i, i+1)
		} else {
			p.Locations = slices.Delete(slices.Clone(p.Locations), n, n+1)
		}
		return said, true
	}
	return sbom.Package{}, false
}

// isGoMod reports whether a path is a Go module's own file.
func isGoMod(name string) bool { return filepath.Base(name) == "go.mod" }
