package vuln

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Part is a piece of an inventory that can be matched by itself: [Match] finds in
// the parts of an inventory what it finds in the whole, but for what the graph
// tells (which dependency brings a package) and for where the packages lie. Images
// that hold the same packages share their parts, in whichever layers and folders
// they have them, so that what is known of a part is known of them all.
type Part struct {
	Inventory sbom.Inventory // without subject, graph, unknowns and places; the distribution where one built a package
	// Sourced tells that the inventory names the sources of its distribution
	// packages, and so that a package without one is its own source. It is
	// [Options.Sourced] of the part's match.
	Sourced bool
}

// Place is where a package lies in one image.
type Place struct {
	Layer     finding.Digest
	Index     int // of the layer; -1: not known
	Locations []sbom.Location
	InBase    *bool
}

// Split divides an inventory into the smallest parts that can be matched apart,
// in the order of their first packages, and tells of each part where its packages
// lie. Packages stay together that are one finding's, that tell of each other's
// module, or of which one excuses another.
func Split(inv *sbom.Inventory) (parts []Part, at [][]Place) {
	bare, builder := bareTypes(inv), newBuilder(inv.Distro)
	foreign, by := map[string]bool{}, make([]bool, len(inv.Packages))
	for i := range inv.Packages {
		if p := &inv.Packages[i]; isDistro(p.Type) && builder.foreign(p) != "" {
			foreign[p.PURL()], by[i] = true, true
		}
	}
	sets := newSets(len(inv.Packages))
	first := map[sourceKey]int{}
	join := func(i int, key sourceKey) {
		if j, ok := first[key]; ok {
			sets.join(i, j)
		} else {
			first[key] = i
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		join(i, partKey(p, bare, by[i]))
		if tag := buildTag(p.Version); tag != "" && p.Type == "rpm" {
			join(i, sourceKey{typ: "module", version: tag})
		}
		if len(foreign) > 0 {
			if id := p.PURL(); foreign[id] {
				join(i, sourceKey{typ: "owner", name: id})
			}
		}
		if foreign[p.Owner] {
			join(i, sourceKey{typ: "owner", name: p.Owner})
		}
	}
	parts = make([]Part, 0, len(inv.Packages))
	of := make(map[int]int, len(inv.Packages))
	for i := range inv.Packages {
		p, root := inv.Packages[i], sets.root(i)
		j, ok := of[root]
		if !ok {
			j = len(parts)
			of[root] = j
			parts = append(parts, Part{Inventory: sbom.Inventory{Distro: inv.Distro}})
		}
		parts[j].Sourced = parts[j].Sourced || isDistro(p.Type) && !bare[p.Type]
		parts[j].Inventory.Packages = append(parts[j].Inventory.Packages, p)
	}
	at = make([][]Place, len(parts))
	for j := range parts {
		at[j] = parts[j].Lift()
	}
	return parts, at
}

// Lift takes the places out of a part, and with them what it says of the rest of its
// image.
func (p *Part) Lift() []Place {
	built := false
	at := make([]Place, len(p.Inventory.Packages))
	for i := range p.Inventory.Packages {
		q := &p.Inventory.Packages[i]
		built = built || isDistro(q.Type)
		*q, at[i] = apart(*q)
	}
	if !built {
		p.Inventory.Distro = nil // a library is the same one on every distribution
	}
	return at
}

// partKey is the group that a package is matched in.
func partKey(p *sbom.Package, bare map[string]bool, foreign bool) sourceKey {
	if !isDistro(p.Type) {
		return sourceKey{p.Type, p.Namespace, p.Name, p.Version, p.Origin}
	}
	if bare[p.Type] {
		return sourceKey{typ: p.Type} // what its source is, the database tells
	}
	version, _ := builtVersion(p)
	key := sourceKey{typ: p.Type, namespace: p.Namespace, name: sourceName(*p), version: version}
	if p.Type == "rpm" {
		_, key.version = rpmEpoch(version)
	}
	if foreign {
		program, v := upstreamOf(p)
		key.name, key.version = "another's "+program, v
	}
	return key
}

// apart takes a package and its place apart, and leaves out what hangs on the rest
// of its inventory. The layers above the one that brought a distribution's package
// write its database again: where the package came in is what tells, and what images
// share.
func apart(p sbom.Package) (sbom.Package, Place) {
	at := Place{p.Layer, p.LayerIndex, p.Locations, p.InBase}
	if isDistro(p.Type) && p.Layer != "" {
		at.Locations = slices.Clone(p.Locations)
		for i := range at.Locations {
			at.Locations[i].Layer = p.Layer
		}
		sorting.By(at.Locations, func(a, b sbom.Location) int {
			return cmp.Or(strings.Compare(a.Path, b.Path), cmp.Compare(a.Line, b.Line))
		})
		at.Locations = slices.Compact(at.Locations)
	}
	p.Node, p.Carried, p.Layer, p.LayerIndex, p.Locations, p.InBase = 0, nil, "", 0, nil, nil
	return p, at
}

// Lay is a package of a part where it lies.
func (a *Place) Lay(p sbom.Package) sbom.Package {
	p.Layer, p.LayerIndex, p.Locations, p.InBase = a.Layer, a.Index, a.Locations, a.InBase
	return p
}

// Placed is a finding of the part as it is of an image that has its packages in
// these places.
func (p *Part) Placed(f finding.Finding, at []Place) finding.Finding {
	all := p.Inventory.Packages
	laid := make([]*sbom.Package, len(all))
	lay := func(i int) *sbom.Package {
		q := at[i].Lay(all[i])
		laid[i] = &q
		return &q
	}
	var members []*sbom.Package
	if f.Rule == RuleOS {
		f.Evidence = slices.Clone(f.Evidence)
		for k := range f.Evidence {
			e := f.Evidence[k].Package
			if e == nil {
				continue
			}
			for i := range all {
				if q := &all[i]; laid[i] == nil && q.Name == e.Name && q.Version == e.Version && q.Arch == e.Arch {
					members = append(members, lay(i))
					f.Evidence[k], _ = member(f.Rule, laid[i])
					break
				}
			}
		}
	} else {
		for i := range all {
			if sbom.SourcePURL(all[i], p.Inventory.Distro) == f.Vuln.Package {
				members = append(members, lay(i))
			}
		}
	}
	if len(members) == 0 {
		return f
	}
	f.At = places(members)
	v := *f.Vuln
	v.InBase = inBase(members)
	f.Vuln = &v
	if s := f.Suppressed; s != nil && s.By == byRemoval {
		f.Suppressed = removal(members[0])
	}
	return f
}

// Name is a package of an ecosystem, release included, as advisories are kept by
// it.
type Name struct{ Ecosystem, Package string }

// Names are all names that the match of a part may ask advisories of, whichever
// ecosystems a database has today.
func (p *Part) Names(ctx context.Context, l Lookup) ([]Name, error) {
	m := newMatcher(&p.Inventory, everywhere{l}, Options{Sourced: p.Sourced})
	if err := m.collect(ctx); err != nil {
		return nil, err
	}
	out := make([]Name, 0, len(m.queries))
	for i := range m.queries {
		if n := (Name{m.queries[i].eco, m.queries[i].name}); !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out, nil
}

// Match is [Match] over a part.
func (p *Part) Match(ctx context.Context, l Lookup, opt Options) ([]finding.Finding, []finding.Unknown, error) {
	opt.Sourced = p.Sourced
	return Match(ctx, &p.Inventory, l, opt)
}

// everywhere is a Lookup that says to know every ecosystem.
type everywhere struct{ Lookup }

func (everywhere) Knows(context.Context, string) bool { return true }

// SourceOf implements [Packager], where the Lookup does.
func (e everywhere) SourceOf(ctx context.Context, ecosystem, binary string) (string, bool, error) {
	if from, ok := e.Lookup.(Packager); ok {
		return from.SourceOf(ctx, ecosystem, binary)
	}
	return "", false, nil
}

// sets are disjoint sets of numbers.
type sets []int

func newSets(n int) sets {
	s := make(sets, n)
	for i := range s {
		s[i] = i
	}
	return s
}

func (s sets) root(i int) int {
	for s[i] != i {
		s[i] = s[s[i]]
		i = s[i]
	}
	return i
}

func (s sets) join(i, j int) {
	a, b := s.root(i), s.root(j)
	s[max(a, b)] = min(a, b)
}
