package plan

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/rewrite"
)

// maxLook limits the bytes of a file that an upgrade only looks at.
const maxLook = 1 << 20

// Language is what a project is built with or runs on.
type Language struct {
	Name   string // for people
	Image  string // of the official images, and of what files say versions for
	Admits func(spec, version string) bool
	// samples are releases by which the requirements of two versions are compared.
	Samples []string
}

// Toolchain is a release of a language that the project names.
type Toolchain struct {
	Version string
	From    string // "rust-toolchain.toml says 1.65"
	Floor   bool   // the lowest of a range that the project promises
	at      string // the folder that says so
}

// whole is the folder with what is not a manifest in it too.
func (p *Planner) whole() fs.FS {
	if p.Dir.Whole != nil {
		return p.Dir.Whole
	}
	return p.Dir.FS
}

// Look reads a file that is not edited; "": it is not there, or not to be read.
func (p *Planner) Look(name string) string {
	r, err := p.whole().Open(name)
	if err != nil {
		return ""
	}
	defer r.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(r, maxLook+1))
	if err != nil || len(b) > maxLook {
		return ""
	}
	return string(TrimBOM(b))
}

// There reports whether the folder has a file or folder.
func (p *Planner) There(name string) bool {
	_, err := fs.Stat(p.whole(), name)
	return err == nil
}

// Upwards are a folder and those that it lies in.
func Upwards(dir string) []string {
	out := []string{dir}
	for dir != "." {
		dir = path.Dir(dir)
		out = append(out, dir)
	}
	return out
}

// Toolchains are the releases of a language that files name in a folder of the
// project or above it: files for that purpose, and Dockerfiles.
func (p *Planner) Toolchains(l Language, dir string) []Toolchain {
	var exact, floors []Toolchain
	for _, at := range Upwards(dir) {
		var out []Toolchain
		for _, f := range rewrite.VersionFiles(l.Image) {
			name := path.Join(at, f.File)
			said := f.Read(p.Look(name))
			if t, ok := toolchainOf(said); ok {
				t.From = fmt.Sprintf("%s says %.40q", name, said)
				out = append(out, t)
			}
		}
		for _, name := range p.dockerfiles(at) {
			out = append(out, p.builders(l, name)...)
		}
		for _, t := range out {
			if !t.Floor {
				exact = append(exact, t)
			} else if len(floors) == 0 || floors[0].at == at {
				t.at = at
				floors = append(floors, t)
			}
		}
		if len(exact) > 0 {
			return exact
		}
	}
	return floors
}

// toolchainOf reads what a file says: a release, or the least of a range.
func toolchainOf(said string) (Toolchain, bool) {
	m := toolchainText().FindStringSubmatch(strings.TrimSpace(said))
	if m == nil {
		return Toolchain{}, false
	}
	return Toolchain{Version: m[2], Floor: strings.ContainsAny(m[1], "<>~^=") || strings.ContainsAny(said, "|, ")}, true
}

func toolchainText() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z<>=~^ -]*)([0-9]+(?:\.[0-9]+)*)`)
}

// dockerfiles are those of a folder by their usual names, and of a folder in it
// that is called after them.
func (p *Planner) dockerfiles(dir string) []string {
	var out []string
	for _, at := range []string{dir, path.Join(dir, "docker"), path.Join(dir, ".docker")} {
		entries, err := fs.ReadDir(p.whole(), at)
		if err != nil {
			continue
		}
		for _, e := range entries {
			low := strings.ToLower(e.Name())
			named := strings.HasPrefix(low, "dockerfile") || strings.HasSuffix(low, ".dockerfile") || low == "containerfile"
			if !e.IsDir() && named {
				out = append(out, path.Join(at, e.Name()))
			}
		}
	}
	return out
}

// builders are the releases of a language that a Dockerfile's images have.
func (p *Planner) builders(l Language, name string) []Toolchain {
	text := p.Look(name)
	if text == "" {
		return nil
	}
	f, err := dockerfile.Parse(name, []byte(text))
	if err != nil {
		return nil
	}
	var out []Toolchain
	for _, s := range f.Stages {
		ref, err := base.ParseRef(s.Base)
		if err != nil || s.Base == "" || path.Base(ref.Repository) != l.Image {
			continue
		}
		if m := toolchainText().FindStringSubmatch(ref.Tag); m != nil && m[1] == "" {
			out = append(out, Toolchain{Version: m[2], From: name + " builds on " + s.Base})
		}
	}
	return out
}

// Narrower reports whether a requirement excludes what another one takes.
func (l Language) Narrower(was, is string) bool {
	return is != "" && is != was && slices.ContainsFunc(l.Samples, func(v string) bool {
		return l.Admits(was, floating(v)) && !l.Admits(is, floating(v))
	})
}

// Minors are releases of a language by their first two numbers.
func Minors(major, from, to int) []string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%d.%d", major, n))
	}
	return out
}

// TooOld is the first release that a requirement does not take.
func (l Language) TooOld(spec string, all []Toolchain) (Toolchain, bool) {
	for _, t := range all {
		if !l.Admits(spec, t.Version) && !l.Admits(spec, floating(t.Version)) {
			return t, true
		}
	}
	return Toolchain{}, false
}

// floating is the latest that a version of which numbers are missing may be.
func floating(v string) string {
	for strings.Count(v, ".") < 2 {
		v += ".999"
	}
	return v
}

// Rust is the language of Cargo's packages; what they ask for is the least.
func Rust() Language {
	return Language{"Rust", "rust", func(least, version string) bool {
		return CompareBy("crates.io", Padded(version, 3), Padded(least, 3)) >= 0
	}, Minors(1, 20, 99)}
}
