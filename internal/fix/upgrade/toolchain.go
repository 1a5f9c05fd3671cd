package upgrade

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

// maxLook is the most that is read of a file that is only looked at.
const maxLook = 1 << 20

// language is what a project is built with or runs on.
type language struct {
	name   string // for people
	image  string // of the official images, and of what files say versions for
	admits func(spec, version string) bool
	// samples are releases by which the requirements of two versions are compared.
	samples []string
}

// toolchain is a release of a language that the project names.
type toolchain struct {
	version string
	from    string // "rust-toolchain.toml says 1.65"
	floor   bool   // the lowest of a range that the project promises
	at      string // the folder that says so
}

// whole is the folder with what is not a manifest in it too.
func (p *planner) whole() fs.FS {
	if p.dir.Whole != nil {
		return p.dir.Whole
	}
	return p.dir.FS
}

// look reads a file that is not edited; "": it is not there, or not to be read.
func (p *planner) look(name string) string {
	r, err := p.whole().Open(name)
	if err != nil {
		return ""
	}
	defer r.Close() //nolint:errcheck // read only
	b, err := io.ReadAll(io.LimitReader(r, maxLook+1))
	if err != nil || len(b) > maxLook {
		return ""
	}
	return string(trimBOM(b))
}

// there reports whether the folder has a file or folder.
func (p *planner) there(name string) bool {
	_, err := fs.Stat(p.whole(), name)
	return err == nil
}

// upwards are a folder and those that it lies in.
func upwards(dir string) []string {
	out := []string{dir}
	for dir != "." {
		dir = path.Dir(dir)
		out = append(out, dir)
	}
	return out
}

// toolchains are the releases of a language that files name in a folder of the
// project or above it: files for that purpose, and Dockerfiles.
func (p *planner) toolchains(l language, dir string) []toolchain {
	var exact, floors []toolchain
	for _, at := range upwards(dir) {
		var out []toolchain
		for _, f := range rewrite.VersionFiles(l.image) {
			name := path.Join(at, f.File)
			said := f.Read(p.look(name))
			if t, ok := toolchainOf(said); ok {
				t.from = fmt.Sprintf("%s says %.40q", name, said)
				out = append(out, t)
			}
		}
		for _, name := range p.dockerfiles(at) {
			out = append(out, p.builders(l, name)...)
		}
		for _, t := range out {
			if !t.floor {
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
func toolchainOf(said string) (toolchain, bool) {
	m := toolchainText().FindStringSubmatch(strings.TrimSpace(said))
	if m == nil {
		return toolchain{}, false
	}
	return toolchain{version: m[2], floor: strings.ContainsAny(m[1], "<>~^=") || strings.ContainsAny(said, "|, ")}, true
}

func toolchainText() *regexp.Regexp {
	return regexp.MustCompile(`^([a-z<>=~^ -]*)([0-9]+(?:\.[0-9]+)*)`)
}

// dockerfiles are those of a folder by their usual names, and of a folder in it
// that is called after them.
func (p *planner) dockerfiles(dir string) []string {
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
func (p *planner) builders(l language, name string) []toolchain {
	text := p.look(name)
	if text == "" {
		return nil
	}
	f, err := dockerfile.Parse(name, []byte(text))
	if err != nil {
		return nil
	}
	var out []toolchain
	for _, s := range f.Stages {
		ref, err := base.ParseRef(s.Base)
		if err != nil || s.Base == "" || path.Base(ref.Repository) != l.image {
			continue
		}
		if m := toolchainText().FindStringSubmatch(ref.Tag); m != nil && m[1] == "" {
			out = append(out, toolchain{version: m[2], from: name + " builds on " + s.Base})
		}
	}
	return out
}

// builtWith makes a flat lock's plans keep to the releases of a language that the
// project names. Where it names none, a plan that asks for more than before is
// doubtful.
func (p *planner) builtWith(f *flat, l language, dir string) {
	all := p.toolchains(l, dir)
	f.suits = func(name string, of []Release) error {
		for _, r := range of {
			if t, ok := l.tooOld(r.Runtime, all); ok && r.Runtime != "" {
				return firm("%s %s needs %s %s, and %s", name, r.Version, l.name, r.Runtime, t.from)
			}
		}
		return nil
	}
	f.doubts = func(plan flatPlan) []string {
		var out []string
		for _, k := range f.keys(plan) {
			of, was := plan.to[k], f.runtimeOf(k)
			if len(all) > 0 || len(of) == 0 || was == "" || !l.narrower(was, of[0].Runtime) {
				continue
			}
			out = append(out, fmt.Sprintf("%s %s needs %s %s, where %s needed %s: which one it runs on is not said",
				f.name(plan, k), of[0].Version, l.name, of[0].Runtime, f.locked[k].version, was))
		}
		return out
	}
}

// runtimeOf is what a locked version asks of the language; "": nothing, or that
// is not known.
func (f *flat) runtimeOf(key string) string {
	l := f.locked[key]
	if l == nil {
		return ""
	}
	if spec := l.links["platform"]["php"]; spec != "" {
		return spec
	}
	if of := f.known[l.name][l.version]; len(of) > 0 {
		return of[0].Runtime
	}
	return ""
}

// narrower reports whether a requirement excludes what another one takes.
func (l language) narrower(was, is string) bool {
	return is != "" && is != was && slices.ContainsFunc(l.samples, func(v string) bool {
		return l.admits(was, floating(v)) && !l.admits(is, floating(v))
	})
}

// minors are releases of a language by their first two numbers.
func minors(major, from, to int) []string {
	var out []string
	for n := from; n <= to; n++ {
		out = append(out, fmt.Sprintf("%d.%d", major, n))
	}
	return out
}

// tooOld is the first release that a requirement does not take.
func (l language) tooOld(spec string, all []toolchain) (toolchain, bool) {
	for _, t := range all {
		if !l.admits(spec, t.version) && !l.admits(spec, floating(t.version)) {
			return t, true
		}
	}
	return toolchain{}, false
}

// floating is the latest that a version of which numbers are missing may be.
func floating(v string) string {
	for strings.Count(v, ".") < 2 {
		v += ".999"
	}
	return v
}

// rust is the language of Cargo's packages; what they ask for is the least.
func rust() language {
	return language{"Rust", "rust", func(least, version string) bool {
		return compareBy("crates.io", padded(version, 3), padded(least, 3)) >= 0
	}, minors(1, 20, 99)}
}
