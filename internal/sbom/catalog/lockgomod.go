package catalog

import (
	"bytes"
	"fmt"
	goversion "go/version"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	goStdlib = "stdlib"

	goLine, toolchainLine = "the go line of ", "the toolchain line of "
)

// GoLine reports whether a release of the standard library is by a go line, which
// names only the oldest one that may build the module.
func GoLine(p *sbom.Package) bool { return strings.HasPrefix(p.VersionBy, goLine) }

// GoStdlib reports whether p is Go's standard library.
func GoStdlib(p *sbom.Package) bool {
	return p.Type == "golang" && p.Namespace == "" && p.Name == goStdlib
}

// GoStdlibOf is Go's standard library at a release that a line of a file other
// than go.mod names, by its word.
func GoStdlibOf(release, by, file string, line int) sbom.Package {
	p := lockPackage("go-mod", "golang", goStdlib, release, file, line)
	p.VersionBy = by
	return p
}

// goModLock reads go.mod. Since Go 1.17 it lists every module of the build; an
// older one leaves indirect modules out, which is said. The standard library is
// known where the file names a release, in "toolchain go1.22.3" or "go 1.22.3";
// a bare "go 1.22" is a language version and says nothing of the release. What
// builds the module may be another release: who says it stands beside it.
func goModLock() lockParser {
	return lockParser{Name: "go-mod", Wants: lockNamed("go.mod"), Read: goModRead, More: goModMore}
}

func goModRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	if bytes.Count(body, []byte("\n")) > 2*maxPackages {
		return lockResult{}, errLockMany
	}
	m, err := modfile.ParseLax(file, body, nil)
	if err != nil {
		return lockResult{}, err
	}
	// ParseLax passes over replace, which it holds to be the main module's own
	// business; here the file is the main module's.
	if full, err := modfile.Parse(file, body, nil); err == nil {
		m = full
	}
	var r lockResult
	add := func(name, version string, line int) {
		r.Packages = append(r.Packages, lockPackage("go-mod", "golang", name, version, file, line))
	}
	if std, ok := goAsked(m.Go, m.Toolchain, file); ok {
		r.Packages = append(r.Packages, std)
	}
	replaced := make(map[string]*modfile.Replace, 2*len(m.Replace))
	for _, p := range m.Replace {
		replaced[p.Old.Path+"@"+p.Old.Version] = p
	}
	for _, q := range m.Require {
		name, version, line := q.Mod.Path, q.Mod.Version, q.Syntax.Start.Line
		p := replaced[name+"@"+version]
		if p == nil {
			p = replaced[name+"@"]
		}
		if p != nil {
			r.replaced = append(r.replaced, name)
			if p.New.Version == "" {
				continue // a folder: the project's own code
			}
			name, version, line = p.New.Path, p.New.Version, p.Syntax.Start.Line
		}
		if lockWord(name) && lockVersion(version) {
			add(name, version, line)
		}
	}
	r.graph = goModGraph(m, r.Packages, file)
	if goModOld(m) && len(m.Require) > 0 {
		r.Unknown = []string{"indirect modules"}
		r.Why = "a go.mod from before Go 1.17 does not list them; run: go mod tidy -go=1.17"
	}
	return r, nil
}

// goAsked is the release that the lines of a go.mod or a go.work ask for.
func goAsked(line *modfile.Go, toolchain *modfile.Toolchain, file string) (std sbom.Package, ok bool) {
	switch {
	case toolchain != nil && strings.HasPrefix(toolchain.Name, "go1.") &&
		(line == nil || goversion.Compare(toolchain.Name, "go"+line.Version) >= 0): // else Go passes over it
		release, _, _ := strings.Cut(strings.TrimPrefix(toolchain.Name, "go"), "-")
		return GoStdlibOf(release, toolchainLine+path.Base(file), file, toolchain.Syntax.Start.Line), true
	case line != nil && strings.Count(line.Version, ".") == 2:
		return GoStdlibOf(line.Version, goLine+path.Base(file), file, line.Syntax.Start.Line), true
	}
	return sbom.Package{}, false
}

// goWork lets the go.work of the nearest folder above that has one say which release
// builds a module that it uses: Go then passes over the module's own toolchain line.
func goWork(w *dirWalk, file string, r *lockResult) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if body, err := w.body(path.Join(dir, "go.work")); err == nil {
			goWorkIn(path.Join(dir, "go.work"), body, file, r)
			return
		}
		if dir == "." {
			return
		}
	}
}

func goWorkIn(work string, body []byte, file string, r *lockResult) {
	if lockText(body) != nil {
		return
	}
	m, err := modfile.ParseWork(work, bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), nil)
	if err != nil {
		return
	}
	used := func(u *modfile.Use) bool { return path.Join(path.Dir(work), u.Path) == path.Dir(file) }
	if !slices.ContainsFunc(m.Use, used) {
		return
	}
	std, ok := goAsked(m.Go, m.Toolchain, work)
	if !ok {
		return
	}
	if len(r.Packages) > 0 && GoStdlib(&r.Packages[0]) {
		std.Locations = r.Packages[0].Locations
		r.Packages[0] = std
		return
	}
	std.Locations[0] = sbom.Location{Path: file, Line: 1} // where the module is
	node := r.graph.node(len(r.Packages))
	r.Packages = append(r.Packages, std)
	for n := range r.graph.nodes {
		if r.graph.isProject(int32(n)) {
			r.graph.nodes[n].needs = append(r.graph.nodes[n].needs, node)
		}
	}
}

// goModGraph is what a go.mod says of which module needs which: what the main
// module does. What the others do is in files of theirs.
func goModGraph(m *modfile.File, ps []sbom.Package, file string) *lockGraph {
	g := &lockGraph{flat: true}
	for i := range ps {
		g.node(i)
	}
	direct := map[string]bool{}
	for _, q := range m.Require {
		direct[q.Mod.Path] = !q.Indirect
	}
	for _, p := range m.Replace {
		direct[p.New.Path] = direct[p.New.Path] || direct[p.Old.Path]
	}
	name := ""
	if m.Module != nil {
		name = m.Module.Mod.Path
	}
	n := g.project(name, "", file, "")
	for i := range ps {
		if GoStdlib(&ps[i]) || direct[ps[i].FullName()] {
			g.nodes[n].needs = append(g.nodes[n].needs, int32(i))
		}
	}
	return g
}

// goModMore adds the indirect modules of an old go.mod, which its vendor folder has,
// or the go.sum beside it. The latter may have some that no build takes.
func goModMore(w *dirWalk, file string, r *lockResult) {
	goWork(w, file, r)
	if len(r.Unknown) == 0 {
		return
	}
	sum, read := path.Join(path.Dir(file), "vendor/modules.txt"), goVendored
	body, err := w.body(sum)
	if err != nil {
		sum = path.Join(path.Dir(file), "go.sum")
		read = func(file string, body []byte) (lockResult, error) { return goSumPins(nil, file, body) }
		if body, err = w.body(sum); err != nil {
			return
		}
	}
	more, err := read(sum, body)
	if err != nil {
		w.unknown("packages of "+sum, err.Error())
		return
	}
	known := map[string]bool{}
	for _, p := range r.Packages {
		known[p.Namespace+"/"+p.Name] = true
	}
	for _, name := range r.replaced {
		known[name] = true
	}
	for _, p := range more.Packages {
		if !known[p.Namespace+"/"+p.Name] {
			r.graph.node(len(r.Packages))
			r.Packages = append(r.Packages, p)
		}
	}
	if r.Unknown, r.Why = nil, ""; len(more.Unknown) > 0 {
		r.Unknown, r.Why = more.Unknown, more.Why
	}
}

// goVendored reads vendor/modules.txt: "# example.com/a v1.0.0", with "=> other v1.0.1"
// where another takes its place.
func goVendored(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	err := lockLine(body, func(n int, line string) error {
		part := strings.Fields(line)
		if len(part) < 3 || part[0] != "#" {
			return nil
		}
		if r.full() {
			return errLockMany
		}
		for i, word := range part {
			if word == "=>" {
				part = part[i:]
				break
			}
		}
		if len(part) < 3 { // a folder: the project's own code
			return nil
		}
		if name, version := part[1], part[2]; lockWord(name) && semver.IsValid(version) {
			r.Packages = append(r.Packages, lockPackage("go-vendor", "golang", name, version, file, n))
		} else {
			r.odd(name, n)
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

// goSumPins reads go.sum: of each module the newest version whose content it has a
// hash of. Those with the hash of a go.mod alone were looked at, and not taken.
func goSumPins(_ *dirWalk, file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	var r lockResult
	at := map[string]int{} // by module: the index of its package
	err := lockLine(body, func(n int, line string) error {
		part := strings.Fields(line)
		if len(part) == 0 {
			return nil
		}
		if r.full() {
			return errLockMany
		}
		if len(part) != 3 || !strings.Contains(part[2], ":") {
			return fmt.Errorf("line %d: not a module, a version and a hash", n)
		}
		name, version := part[0], part[1]
		if strings.HasSuffix(version, "/go.mod") {
			return nil
		}
		if !lockWord(name) || !semver.IsValid(version) {
			r.odd(name, n)
			return nil
		}
		p := lockPackage("go-sum", "golang", name, version, file, n)
		if i, known := at[name]; !known {
			at[name] = len(r.Packages)
			r.Packages = append(r.Packages, p)
		} else if semver.Compare(version, r.Packages[i].Version) > 0 {
			r.Packages[i] = p
		}
		return nil
	})
	if err != nil {
		return lockResult{}, err
	}
	return r, nil
}

// goModOld reports whether the file is from before Go 1.17.
func goModOld(m *modfile.File) bool {
	if m.Go == nil {
		return true
	}
	minor, ok := strings.CutPrefix(m.Go.Version, "1.")
	minor, _, _ = strings.Cut(minor, ".")
	return ok && (len(minor) == 1 || len(minor) == 2 && minor < "17")
}
