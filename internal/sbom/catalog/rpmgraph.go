package catalog

import (
	"strings"

	"github.com/cespare/xxhash/v2"
)

// rpmGraph joins what packages require to what others provide, by name: a name,
// a library ("libc.so.6()(64bit)"), a file ("/bin/sh"), or anything else that
// packagers agreed upon.
type rpmGraph struct {
	ids      map[string]int32 // of capabilities
	provider []int32          // by capability: the package that has it, or -1
	requires [][]int32        // by package: capabilities
	files    []pathHashes     // by package
	many     int
}

// maxRPMNames limits the names that are kept of an RPM database. The largest have a tenth of it.
const maxRPMNames = 2_000_000

func (g *rpmGraph) id(name string) int32 {
	if n, ok := g.ids[name]; ok {
		return n
	}
	if g.ids == nil {
		g.ids = map[string]int32{}
	}
	n := int32(len(g.provider))
	g.ids[name] = n
	g.provider = append(g.provider, -1)
	return n
}

// add takes in a package.
func (g *rpmGraph) add(pkg int32, name string, h rpmHeader, files pathHashes) {
	provide := func(name string) {
		if n := g.id(name); g.provider[n] < 0 {
			g.provider[n] = pkg
		}
	}
	provide(name)
	for _, b := range h.provides.each {
		if g.many++; g.many > maxRPMNames || len(b) > maxName {
			continue
		}
		provide(string(b))
	}
	requires := []int32{}
	for _, b := range h.requires.each {
		if g.many++; g.many > maxRPMNames || len(b) > maxName {
			continue
		}
		for _, name := range rpmNames(string(b)) {
			requires = append(requires, g.id(name))
		}
	}
	g.requires, g.files = append(g.requires, requires), append(g.files, files)
}

// rpmNames are the names in a requirement. What rpm itself must be able to do is
// none; of a condition ("(a if b)") what depends on it, of alternatives all.
func rpmNames(s string) []string {
	switch {
	case strings.HasPrefix(s, "rpmlib("), strings.HasPrefix(s, "config("), s == "":
		return nil
	case s[0] != '(':
		return []string{s}
	}
	var out []string
	s = strings.Trim(s, "()")
	for _, condition := range []string{" if ", " unless "} {
		s, _, _ = strings.Cut(s, condition)
	}
	for part := range strings.SplitSeq(s, " ") {
		switch part = strings.Trim(part, "()"); part {
		case "or", "and", "with", "without", "else", "=", "<", ">", "<=", ">=", "":
		default:
			if part[0] < '0' || part[0] > '9' { // a version
				out = append(out, part)
			}
		}
	}
	return out
}

// join makes the graph.
func (g *rpmGraph) join() *lockGraph {
	g.owners()
	out := &lockGraph{}
	for i, requires := range g.requires {
		n := out.node(i)
		needs := []int32{}
		for _, r := range requires {
			if p := g.provider[r]; p >= 0 && p != int32(i) {
				needs = append(needs, p)
			}
		}
		out.nodes[n].needs = needs
	}
	return out
}

// owners finds the packages of files that are required by their paths and that no
// package provides by name.
func (g *rpmGraph) owners() {
	wanted := map[uint64][]int32{}
	for name, n := range g.ids {
		if name == "" || name[0] != '/' || g.provider[n] >= 0 {
			continue
		}
		p := name[1:] // since /usr was merged, a file has two names
		other, merged := strings.CutPrefix(p, "usr/")
		if !merged {
			other = "usr/" + p
		}
		for _, spelling := range []string{p, other} {
			h := xxhash.Sum64String(spelling)
			wanted[h] = append(wanted[h], n)
		}
	}
	if len(wanted) == 0 {
		return
	}
	for pkg, files := range g.files {
		for h := range files.each {
			for _, n := range wanted[h] {
				if g.provider[n] < 0 {
					g.provider[n] = int32(pkg)
				}
			}
		}
	}
}
