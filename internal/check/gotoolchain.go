package check

import (
	"cmp"
	goversion "go/version"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// goBuilder is a Go toolchain that a Dockerfile builds with.
type goBuilder struct {
	release string // "1.22.5"; empty: the image's tag does not name one
	by      string // "golang:1.22.5"
	choice  string // GOTOOLCHAIN: "local", "auto", "go1.22.5", "go1.22.5+auto"
	file    string // relative to the folder
	line    int
	idle    bool // no command of the stage builds, and nothing of the context is in it
}

// builds is the release that builds a module, with the word for who says so; empty:
// it is the one that the go.mod asks for. By GOTOOLCHAIN, Go takes another release
// than the one installed: the one named, or a newer one where go.mod asks for it.
func (b goBuilder) builds(said sbom.Package) (release, by string) {
	release, by = b.release, "the builder "+b.by
	named, rest, more := strings.Cut(b.choice, "+")
	newer := named == "auto" || named == "path" || more && (rest == "auto" || rest == "path")
	if v, ok := strings.CutPrefix(named, "go"); ok && goRelease(v) {
		release, by = v, "the GOTOOLCHAIN of "+by
	}
	if release == "" {
		return "", ""
	}
	older := said.Version != "" && goversion.Compare("go"+release, "go"+said.Version) < 0
	if older && (newer || catalog.GoLine(&said)) {
		return "", ""
	}
	return release, by
}

// later reports whether an image whose tag names no release is of a later series
// than a module asks for at least: it builds with a release of its own, and which
// one is not said.
func (b goBuilder) later(said sbom.Package) bool {
	_, tag, ok := strings.Cut(b.by, "golang:")
	series, _, _ := strings.Cut(tag, "-")
	return ok && b.release == "" &&
		goversion.IsValid("go"+series) && goversion.Compare(goversion.Lang("go"+series), goversion.Lang("go"+said.Version)) > 0
}

// goBuildersOf are the toolchains of the stages of a Dockerfile that build Go
// programs; where no stage says that it does, of all that have one.
func goBuildersOf(f *dockerfile.File) []goBuilder {
	scopes := f.Scopes(nil)
	var all, builds []goBuilder
	for i := range f.Stages {
		st := &f.Stages[i]
		g, ok := goOf(f, scopes, st)
		if !ok {
			continue
		}
		at, c := buildsGo(f, st)
		if choice := goChoice(f, scopes, st, at, c); choice != "" {
			g.choice = choice
		}
		g.idle = c == nil && !copiesContext(f, st)
		if !slices.Contains(all, g) {
			all = append(all, g)
		}
		if c != nil && !slices.Contains(builds, g) {
			builds = append(builds, g)
		}
	}
	if len(builds) > 0 {
		return builds
	}
	return all
}

// copiesContext reports whether a stage or one below it takes files of the context.
func copiesContext(f *dockerfile.File, st *dockerfile.Stage) bool {
	for _, s := range f.Chain(st) {
		for i := s.From + 1; i < s.End; i++ {
			in := &f.Instructions[i]
			switch {
			case in.Cmd == "COPY" && in.Flag("from") == "", in.Cmd == "RUN" && strings.Contains(in.Flag("mount"), "type=bind"):
				return true
			}
		}
	}
	return false
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
					g.line, g.choice = line, "auto" // the image's environment is not copied
					return g, true
				}
			}
			if r := goArchive(f, scopes, s, i); r != "" {
				return goBuilder{release: r, by: "go" + r + ".linux", choice: "auto", line: line}, true
			}
			if r := goPackage(f, in); r != "" {
				return goBuilder{release: r, by: "the package go " + r, choice: "local", line: line}, true
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

// goImages are how repositories of images with a Go toolchain are called, whose tag
// is its release.
var goImages = []string{"golang", "go", "go-toolset", "go-toolchain", "go-builder", "goreleaser-cross", "hardened-build-base"}

// goNamed is a release in the tag of an image of another purpose:
// "v1.30.0-go1.22.5-bullseye.0".
var goNamed = lazyregexp.New(`(?:^|[-_.])go(?:lang)?[-_]?(1\.[0-9]+(?:\.[0-9]+|rc[0-9]+))(?:$|[-_.])`)

// goImage tells a Go image by its repository's name, and its release by its tag.
func goImage(ref string) (goBuilder, bool) {
	r, err := base.ParseRef(ref)
	if err != nil {
		return goBuilder{}, false
	}
	r.Digest = ""
	// Images of Go set GOTOOLCHAIN, so that the release that is there builds.
	g := goBuilder{by: r.String(), choice: "local"}
	name := path.Base(r.Repository)
	g.release, _, _ = strings.Cut(r.Tag, "-")
	g.release = strings.TrimPrefix(strings.TrimPrefix(g.release, "v"), "go")
	if rest, build, ok := strings.Cut(g.release, "b"); ok && strings.Trim(build, "0123456789") == "" {
		g.release = rest // with BoringCrypto: "1.21.11b3"
	}
	if !goRelease(g.release) {
		g.release = ""
	}
	switch {
	case slices.Contains(goImages, name):
		return g, true
	case g.release != "" && (strings.HasPrefix(name, "golang-") || strings.HasSuffix(name, "-golang")):
		return g, true
	}
	if m := goNamed.FindStringSubmatch(r.Tag); m != nil {
		g.release = m[1]
		return g, true
	}
	return goBuilder{}, false
}

// goRelease reports whether v is one release: "1.22" is a line of them.
func goRelease(v string) bool {
	if !strings.HasPrefix(v, "1.") {
		return false
	}
	v = "go" + v
	return goversion.IsValid(v) && goversion.Lang(v) != v
}

var goArchiveName = lazyregexp.New(`(?:\bgo(1\.[0-9a-z.]+)|(?:\bgo|/)\$\{?(\w+)\}?)\.linux\b`)

// goArchive is the release whose archive an instruction fetches.
func goArchive(f *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, i int) string {
	in := &f.Instructions[i]
	if in.Cmd != "RUN" && in.Cmd != "ADD" {
		return ""
	}
	m := goArchiveName.FindStringSubmatch(in.Raw)
	if m == nil {
		return ""
	}
	release := m[1]
	if m[2] != "" {
		value := scopes.Variable(st, i, m[2]).Value
		for _, c := range f.Script(in, nil).Commands {
			for _, a := range c.Assigns {
				if a.Name == m[2] {
					value, _ = scopes.Expand(st, i, a.Value.Text)
				}
			}
		}
		release = strings.TrimPrefix(value, "go")
	}
	if !goRelease(release) {
		return ""
	}
	return release
}

// goPackage is the release of Alpine's package that an instruction pins: go=1.22.5-r0.
func goPackage(f *dockerfile.File, in *dockerfile.Instruction) string {
	commands := f.Script(in, nil).Commands
	for i := range commands {
		if c := &commands[i]; c.Is("apk", "add") {
			for _, w := range c.Args() {
				pinned, ok := strings.CutPrefix(w.Text, "go=")
				release, _, _ := strings.Cut(strings.TrimPrefix(pinned, "~"), "-")
				if ok && goRelease(release) {
					return release
				}
			}
		}
	}
	return ""
}

// goProgram is a release's own program: go1.22.5, as golang.org/dl installs it.
var goProgram = lazyregexp.New(`^go1(\.[0-9]+)*([a-z]+[0-9]+)?$`)

// buildsGo is the last command of a stage that builds a Go program of the folder,
// and the index of its instruction; where none says so, the stage's end.
func buildsGo(f *dockerfile.File, st *dockerfile.Stage) (at int, c *dockerfile.Command) {
	for i := st.End - 1; i > st.From; i-- {
		commands := f.Script(&f.Instructions[i], nil).Commands
		for n := range slices.Backward(commands) {
			c := &commands[n]
			name := c.Program()
			if name != "go" && !goProgram.MatchString(name) || !c.Is(name, "build", "install", "run", "test") {
				continue
			}
			remote := func(w dockerfile.ShellWord) bool { return strings.Contains(w.Text, "@") }
			if !slices.ContainsFunc(c.Args(), remote) {
				return i, c
			}
		}
	}
	return st.End, nil
}

const goToolchain = "GOTOOLCHAIN"

// goChoice is the GOTOOLCHAIN of a stage's build: as the command itself has it,
// else as an instruction or go env -w sets it; empty: nothing does.
func goChoice(f *dockerfile.File, scopes *dockerfile.Scopes, st *dockerfile.Stage, at int, c *dockerfile.Command) string {
	if c != nil {
		if name := c.Program(); name != "go" {
			return name
		}
		for _, a := range c.Assigns {
			if a.Name == goToolchain {
				value, _ := scopes.Expand(st, at, a.Value.Text)
				return value
			}
		}
	}
	if v := scopes.Variable(st, at, goToolchain); v.Set {
		return v.Value
	}
	for _, s := range slices.Backward(f.Chain(st)) {
		end := s.End
		if s == st {
			end = min(at+1, st.End)
		}
		for i := end - 1; i > s.From; i-- {
			if value := exportedChoice(f.Script(&f.Instructions[i], nil)); value != "" {
				value, _ = scopes.Expand(s, i, value)
				return value
			}
		}
	}
	return ""
}

// exportedChoice is the GOTOOLCHAIN that a script sets for what comes after.
func exportedChoice(s *dockerfile.Script) (value string) {
	for i := range s.Commands {
		c := &s.Commands[i]
		words := c.Args()
		if !c.Is("go", "env") && c.Program() != "export" {
			continue
		}
		for _, w := range words {
			if v, ok := strings.CutPrefix(w.Text, goToolchain+"="); ok {
				value = v
			}
		}
	}
	return value
}
