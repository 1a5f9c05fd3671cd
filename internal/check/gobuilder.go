package check

import (
	"cmp"
	"fmt"
	goversion "go/version"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// goBuilder is a Go toolchain that a Dockerfile builds with.
type goBuilder struct {
	release string // "1.22.5"; empty: the image's tag does not name one
	by      string // "golang:1.22.5"
	file    string // relative to the folder
	line    int
}

// builtWith judges the standard library of a folder's Go modules by the
// toolchain that a Dockerfile builds them with: the go line of a go.mod names
// only the oldest release that may. A builder older than that line cannot build
// the module without fetching a newer release, so that the line stands.
func builtWith(inv *sbom.Inventory, dir string, build *buildFiles) {
	byFolder := map[string][]goBuilder{}
	for _, name := range build.dockerfiles {
		rel := relative(dir, name)
		for _, b := range goBuildersOf(name) {
			b.file = rel
			at := goModuleOf(path.Dir(rel), build.goMods)
			byFolder[at] = append(byFolder[at], b)
		}
	}
	if len(byFolder) == 0 {
		return
	}
	for _, mod := range build.goMods {
		builders := goBuildersFor(path.Dir(mod), byFolder)
		if len(builders) > 0 {
			judgeBy(inv, mod, builders)
		}
	}
	inv.Merge()
}

// goModuleOf is the folder that the Dockerfiles of a folder build: the nearest
// one above with a go.mod, else the folder itself.
func goModuleOf(folder string, mods []string) string {
	for at := folder; ; at = path.Dir(at) {
		if slices.Contains(mods, path.Join(at, "go.mod")) {
			return at
		}
		if at == "." || at == "/" {
			return folder
		}
	}
}

// goBuildersFor are the builders of a module: those of its own Dockerfiles,
// else of the nearest folder above.
func goBuildersFor(folder string, byFolder map[string][]goBuilder) []goBuilder {
	for at := folder; ; at = path.Dir(at) {
		if b := byFolder[at]; len(b) > 0 || at == "." || at == "/" {
			return b
		}
	}
}

// judgeBy puts the releases of the builders in place of what the go.mod says.
func judgeBy(inv *sbom.Inventory, mod string, builders []goBuilder) {
	said, ok := takeStdlib(inv, mod)
	release := false
	for _, b := range builders {
		if b.release == "" {
			continue
		}
		if ok && said.VersionBy == catalog.GoLine && goversion.Compare("go"+b.release, "go"+said.Version) < 0 {
			continue
		}
		release = true
		inv.Packages = append(inv.Packages, catalog.GoStdlibOf(b.release, "the builder "+b.by, b.file, b.line))
	}
	if release || !ok {
		return
	}
	b := builders[0]
	why := "whose tag names no release"
	if b.release != "" {
		why = "which is older"
	}
	said.VersionBy = fmt.Sprintf("%s; %s:%d builds with %s, %s", said.VersionBy, b.file, b.line, b.by, why)
	inv.Packages = append(inv.Packages, said)
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

// goBuildersOf are the toolchains of the stages of a Dockerfile that build Go
// programs; where no stage says that it does, of all that have one.
func goBuildersOf(name string) []goBuilder {
	b, err := readLimited(name, dockerfile.MaxBytes)
	if err != nil {
		return nil // said where the Dockerfile is looked at
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return nil
	}
	scopes := f.Scopes(nil)
	var all, builds []goBuilder
	for i := range f.Stages {
		st := &f.Stages[i]
		g, ok := goOf(f, scopes, st)
		if !ok {
			continue
		}
		if !slices.Contains(all, g) {
			all = append(all, g)
		}
		if buildsGo(f, st) && !slices.Contains(builds, g) {
			builds = append(builds, g)
		}
	}
	if len(builds) > 0 {
		return builds
	}
	return all
}

// goOf is the toolchain of a stage: what it or a stage below it last copies or
// unpacks, else its base image's.
func goOf(f *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage) (goBuilder, bool) {
	for _, s := range slices.Backward(f.Chain(st)) {
		for i := s.End - 1; i > s.From; i-- {
			in := &f.Instructions[i]
			line := in.Span.Line
			if in.Cmd == "COPY" {
				from, _ := scopes.Expand(s, i, in.Flag("from"))
				copied, err := f.Target(cmp.Or(from, "\x00"))
				if err == nil && slices.ContainsFunc(in.Args, isGoRoot) {
					from, line = copied.Base, copied.Span.Line
				}
				if g, ok := goImage(from); ok {
					g.line = line
					return g, true
				}
			}
			if r := goArchive(scopes, s, i, in); r != "" {
				return goBuilder{release: r, by: "go" + r + ".linux", line: line}, true
			}
		}
		if s.Parent == nil {
			g, ok := goImage(s.Base)
			g.line = s.Span.Line
			return g, ok
		}
	}
	return goBuilder{}, false
}

func isGoRoot(folder string) bool { return path.Clean(folder) == "/usr/local/go" }

// goImages are how repositories of images with a Go toolchain are called.
var goImages = []string{"golang", "go", "go-toolset", "go-toolchain", "golang-fips"}

// goImage tells a Go image by its repository's name, and its release by its tag.
func goImage(ref string) (goBuilder, bool) {
	r, err := base.ParseRef(ref)
	if err != nil || !slices.Contains(goImages, path.Base(r.Repository)) {
		return goBuilder{}, false
	}
	release, _, _ := strings.Cut(r.Tag, "-")
	if release = strings.TrimPrefix(strings.TrimPrefix(release, "v"), "go"); !goRelease(release) {
		release = ""
	}
	r.Digest = ""
	return goBuilder{release: release, by: r.String()}, true
}

// goRelease reports whether v is one release: "1.22" is a line of them.
func goRelease(v string) bool {
	v = "go" + v
	return goversion.IsValid(v) && goversion.Lang(v) != v
}

var goArchiveName = regexp.MustCompile(`\bgo(?:(1\.[0-9a-z.]+)|\$\{?(\w+)\}?)\.linux\b`)

// goArchive is the release whose archive an instruction fetches.
func goArchive(scopes *dockerfile.Scopes, st *dockerfile.Stage, i int, in *dockerfile.Instruction) string {
	if in.Cmd != "RUN" && in.Cmd != "ADD" {
		return ""
	}
	m := goArchiveName.FindStringSubmatch(in.Raw)
	if m == nil {
		return ""
	}
	release := m[1]
	if m[2] != "" {
		release = scopes.Variable(st, i, m[2]).Value
	}
	if !goRelease(release) {
		return ""
	}
	return release
}

// buildsGo reports whether a stage says that it builds a Go program of the folder.
func buildsGo(f *dockerfile.File, st *dockerfile.Stage) bool {
	for i := range f.Of(st) {
		in := &f.Of(st)[i]
		for _, c := range f.Script(in, nil).Commands {
			if !c.Is("go", "build", "install", "run", "test") {
				continue
			}
			remote := func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "@") }
			if !slices.ContainsFunc(c.Args(), remote) {
				return true
			}
		}
	}
	return false
}

// isGoMod reports whether a path is a Go module's own file.
func isGoMod(name string) bool { return filepath.Base(name) == "go.mod" }
