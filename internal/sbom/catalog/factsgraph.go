package catalog

import "github.com/drydock-dev/drydock/internal/sbom"

// manifest is what one file says that a package of its own needs or, where the file
// is of no package, that a project does. What a need is called and means is each
// ecosystem's own: the join knows the files that it leads to.
type manifest struct {
	pkg           int    // its index among the file's packages; -1: a project's
	name, version string // of a project
	needs         []string
}

// encodeGraph appends what a file tells of needs.
func (f facts) encodeGraph(count func(int), put func(...string)) {
	g := f.graph
	if g == nil {
		count(0)
	} else {
		flags := 1
		if g.flat {
			flags |= 2
		}
		if g.open {
			flags |= 4
		}
		count(flags)
		count(len(g.others))
		for _, c := range g.others {
			put(c.Kind, c.Name, c.Version, c.Folder)
			role := 0
			if c.Root {
				role |= 1
			}
			if c.Guessed {
				role |= 2
			}
			count(role)
		}
		count(len(g.nodes))
		for _, n := range g.nodes {
			count(n.pkg + 1)
			count(n.other + 1)
			count(len(n.also))
			put(n.also...)
			if n.needs == nil {
				count(0)
				continue
			}
			count(1)
			for _, list := range [][]int32{n.needs, n.weak} {
				count(len(list))
				for _, to := range list {
					count(int(to))
				}
			}
		}
	}
	count(len(f.manifests))
	for _, m := range f.manifests {
		count(m.pkg + 1)
		put(m.name, m.version)
		count(len(m.needs))
		put(m.needs...)
	}
}

// decodeGraph reads what encodeGraph wrote. A number that stands for nothing makes
// the record a damaged one.
func (d *decoder) decodeGraph(f *facts) {
	if flags := d.number(); flags != 0 {
		g := &lockGraph{flat: flags&2 != 0, open: flags&4 != 0}
		for range d.count(5) {
			c := sbom.Component{Kind: d.str(), Name: d.str(), Version: d.str(), Folder: d.str()}
			role := d.number()
			c.Root, c.Guessed = role&1 != 0, role&2 != 0
			g.others = append(g.others, c)
		}
		n := d.count(4)
		g.nodes = make([]lockNode, n)
		for i := range g.nodes {
			node := &g.nodes[i]
			node.pkg, node.other = d.number()-1, d.number()-1
			if node.pkg >= len(f.packages) || node.other >= len(g.others) {
				d.bad = true
			}
			node.also = d.strings()
			if d.number() == 0 {
				continue
			}
			node.needs, node.weak = d.nodes(n), d.nodes(n)
		}
		f.graph = g
	}
	for range d.count(4) {
		f.manifests = append(f.manifests, manifest{d.number() - 1, d.str(), d.str(), d.strings()})
		d.bad = d.bad || f.manifests[len(f.manifests)-1].pkg >= len(f.packages)
	}
}

// nodes reads a list of numbers of nodes, of which there are n.
func (d *decoder) nodes(n int) []int32 {
	out := make([]int32, d.count(1))
	for i := range out {
		if out[i] = int32(d.number()); int(out[i]) >= n {
			d.bad = true
			return nil
		}
	}
	return out
}

// packages is how many packages the graph may be of.
func (g *lockGraph) packages() int {
	n := 0
	if g != nil {
		for _, node := range g.nodes {
			n = max(n, node.pkg+1)
		}
	}
	return n
}

// with is the graph with another's nodes behind its own; shift is the place of the
// other's first package.
func (g *lockGraph) with(other *lockGraph, shift int) *lockGraph {
	switch {
	case other == nil:
		return g
	case g == nil:
		g = &lockGraph{flat: other.flat}
	}
	g.flat = g.flat || other.flat
	base, others := int32(len(g.nodes)), len(g.others)
	for _, n := range other.nodes {
		if n.pkg >= 0 {
			n.pkg += shift
		}
		if n.other >= 0 {
			n.other += others
		}
		for _, list := range [][]int32{n.needs, n.dev, n.weak} {
			for i := range list {
				list[i] += base
			}
		}
		g.nodes = append(g.nodes, n)
	}
	g.others = append(g.others, other.others...)
	return g
}

// without takes packages out of the graph: to is, by package, its index among
// those that are kept, or -1.
func (g *lockGraph) without(to []int) {
	if g == nil {
		return
	}
	for i := range g.nodes {
		if n := &g.nodes[i]; n.pkg >= 0 {
			n.pkg = to[n.pkg]
		}
	}
}
