package catalog

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// lockJoin is a graph whose entries call each other by keys, in whichever order
// they come.
type lockJoin struct {
	lockGraph
	at     map[string]int32 // by key: the first that has it
	wanted []lockWant
}

// lockWant is that one node needs what has a key, or else what has another.
type lockWant struct {
	from int32
	dev  bool
	key  string
	or   string
}

// expect makes room for so many entries.
func (g *lockJoin) expect(n int) {
	g.nodes = slices.Grow(g.nodes, n)
	g.wanted = slices.Grow(g.wanted, n)
	g.at = make(map[string]int32, 2*n)
}

// call gives a node a key.
func (g *lockJoin) call(n int32, key string) int32 {
	if g.at == nil {
		g.at = map[string]int32{}
	}
	if _, taken := g.at[key]; !taken {
		g.at[key] = n
	}
	return n
}

// want notes that a node needs what a key stands for.
func (g *lockJoin) want(from int32, dev bool, key, otherwise string) error {
	if len(g.wanted) >= maxLeaves {
		return errLockMany
	}
	g.wanted = append(g.wanted, lockWant{from, dev, key, otherwise})
	return nil
}

// unlisted adds what the file names and gives no version that is one.
func (g *lockJoin) unlisted(name, file string) int32 {
	return g.other(sbom.Component{Kind: "library", Name: name, Path: file})
}

// join makes edges of what is wanted.
func (g *lockJoin) join() *lockGraph {
	for _, w := range g.wanted {
		to, ok := g.at[w.key]
		if !ok {
			to, ok = g.at[w.or]
		}
		if !ok {
			continue
		}
		if from := &g.nodes[w.from]; w.dev {
			from.dev = append(from.dev, to)
		} else {
			from.needs = append(from.needs, to)
		}
	}
	g.wanted = nil
	return &g.lockGraph
}
