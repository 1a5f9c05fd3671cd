package catalog

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// debNeeds is what one package of dpkg says: the clauses of Depends and
// Pre-Depends, "libc6 (>= 2.34)" or "a | b", and the names of Provides.
type debNeeds struct {
	name, arch string
	depends    []string
	recommends []string
	provides   []string
}

// manifest is the same of a package whose file is its own: see [imageGraph.debs].
func (d *debNeeds) manifest() manifest {
	m := manifest{needs: d.depends}
	for _, v := range d.provides {
		m.needs = append(m.needs, "="+debName(v))
	}
	return m
}

// debNames finds packages by the names that others have for them.
type debNames struct {
	real    map[string][]int32 // by name: one of each architecture
	virtual map[string][]int32 // by what is provided
	archs   []string           // by package
}

// debGraph is, by package, what each needs. Of a clause's alternatives the first
// that is installed counts, and what provides one after all that have its name:
// so the resolver had them.
func debGraph(ps []debNeeds) *lockGraph {
	names := debNames{real: make(map[string][]int32, len(ps)), virtual: map[string][]int32{}}
	for i, p := range ps {
		names.real[p.name] = append(names.real[p.name], int32(i))
		names.archs = append(names.archs, p.arch)
		for _, v := range p.provides {
			names.virtual[debName(v)] = append(names.virtual[debName(v)], int32(i))
		}
	}
	g := &lockGraph{}
	for i, p := range ps {
		node := &g.nodes[g.node(i)]
		node.needs = names.all([]int32{}, p.depends, p.arch)
		node.weak = names.all(nil, p.recommends, p.arch)
	}
	return g
}

// all adds what satisfies each of some clauses.
func (d *debNames) all(to []int32, clauses []string, arch string) []int32 {
	for _, clause := range clauses {
		if n := d.find(clause, arch); n >= 0 {
			to = append(to, n)
		}
	}
	return to
}

// find is the package that satisfies a clause, or -1.
func (d *debNames) find(clause, arch string) int32 {
	for _, by := range []map[string][]int32{d.real, d.virtual} {
		for alternative := range strings.SplitSeq(clause, "|") {
			found := by[debName(alternative)]
			for _, n := range found {
				if a := d.archs[n]; a == arch || a == "all" || arch == "all" || arch == "" {
					return n
				}
			}
			if len(found) > 0 {
				return found[0]
			}
		}
	}
	return -1
}

// debName is the name in a relation: "libc6 (>= 2.34)", "python3:any".
func debName(s string) string {
	s = strings.TrimSpace(s)
	if i := strings.IndexAny(s, " (:[<"); i >= 0 {
		s = s[:i]
	}
	return s
}

// debClauses takes a field apart at its commas.
func debClauses(to []string, value string) []string {
	for clause := range strings.SplitSeq(value, ",") {
		if clause = strings.TrimSpace(clause); clause != "" && len(to) < maxClauses {
			to = append(to, clause)
		}
	}
	return to
}

const maxClauses = 10_000 // of one package

// debs joins the packages of an image without a database, each with a file of its
// own. A need behind an equals sign is what the package provides.
func (in *imageGraph) debs(ms []*manifestFact, ps []sbom.Package) {
	all := make([]debNeeds, len(ms))
	for i, m := range ms {
		p := ps[place(m.of)]
		all[i] = debNeeds{name: p.Name, arch: p.Arch}
		for _, need := range m.needs {
			if v, ok := strings.CutPrefix(need, "="); ok {
				all[i].provides = append(all[i].provides, v)
			} else {
				all[i].depends = append(all[i].depends, need)
			}
		}
	}
	for i, node := range debGraph(all).nodes {
		from := place(ms[i].of)
		in.tell(from)
		for _, n := range node.needs {
			in.tell(from, place(ms[n].of))
		}
	}
}
