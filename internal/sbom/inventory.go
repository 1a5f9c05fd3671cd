package sbom

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Sort puts packages in order of purl, and each package's licences and places
// in theirs. What is sorted already stays as it is, so that the order is total
// for packages that differ only in what they carry.
func (inv *Inventory) Sort() { inv.sort(nil) }

// sort also unites the nodes of what became one.
func (inv *Inventory) sort(same map[int32]int32) {
	type keyed struct {
		key string
		p   Package
	}
	ks := make([]keyed, len(inv.Packages))
	for i, p := range inv.Packages {
		slices.Sort(p.Licenses)
		slices.SortStableFunc(p.Locations, compareLocations)
		ks[i] = keyed{p.PURL(), p}
	}
	slices.SortStableFunc(ks, func(a, b keyed) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.p.Origin, b.p.Origin), cmp.Compare(a.p.LayerIndex, b.p.LayerIndex))
	})
	for i, k := range ks {
		inv.Packages[i] = k.p
	}
	slices.SortStableFunc(inv.Components, compareComponents)
	inv.number(same)
}

// Merge makes one package of every purl, and sorts: places and licences are
// united, and the earliest layer is the one that introduced it. What would
// excuse a package counts only if it holds wherever the package was seen: it
// is removed, for development or owned by a distribution's package only if
// each record says so.
func (inv *Inventory) Merge() {
	at := make(map[string]int, len(inv.Packages))
	same := map[int32]int32{}
	out := inv.Packages[:0]
	for _, p := range inv.Packages {
		id := p.identity()
		if i, seen := at[id]; seen {
			node := cmp.Or(out[i].Node, p.Node)
			if p.Node != node && p.Node != 0 {
				same[p.Node] = node
			}
			out[i] = merge(out[i], p)
			out[i].Node = node
			continue
		}
		at[id] = len(out)
		out = append(out, p)
	}
	clear(inv.Packages[len(out):])
	inv.Packages = out
	inv.sort(same)
	for i := range inv.Packages {
		p := &inv.Packages[i]
		p.Licenses = slices.Compact(p.Licenses)
		p.Locations = slices.Compact(p.Locations)
	}
}

// merge unites two records of one package.
func merge(a, b Package) Package {
	if introducedBefore(b, a) {
		a, b = b, a
	}
	a.Source = orElse(a.Source, b.Source)
	a.SourceVersion = orElse(a.SourceVersion, b.SourceVersion)
	a.Module = firstSaid(a.Module, b.Module)
	a.Vendor = firstSaid(a.Vendor, b.Vendor)
	a.VersionBy = firstSaid(a.VersionBy, b.VersionBy)
	a.Licenses = slices.Concat(a.Licenses, b.Licenses)
	a.Locations = slices.Concat(a.Locations, b.Locations)
	a.Removed = a.Removed && b.Removed
	a.Dev = a.Dev && b.Dev
	a.Root = a.Root || b.Root
	if a.Carried == nil {
		a.Carried = b.Carried
	}
	if b.Owner == "" {
		a.Owner = ""
	}
	return a
}

// firstSaid is the first in order of what is said.
func firstSaid(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return min(a, b)
}

// OmitDev takes the development dependencies out, and tells how many there were.
func (inv *Inventory) OmitDev() int {
	had := len(inv.Packages)
	inv.Packages = slices.DeleteFunc(inv.Packages, func(p Package) bool { return p.Dev })
	inv.number(nil)
	return had - len(inv.Packages)
}

// introducedBefore reports whether a's layer is known and lower than b's; of
// records that do not differ in that, the one from the cataloger first by name
// speaks, so that the outcome does not hang on the order in which they came.
func introducedBefore(a, b Package) bool {
	if a.LayerIndex != b.LayerIndex {
		return a.LayerIndex >= 0 && (b.LayerIndex < 0 || a.LayerIndex < b.LayerIndex)
	}
	return cmp.Or(strings.Compare(a.Cataloger, b.Cataloger), strings.Compare(a.Owner, b.Owner)) < 0
}

func compareLocations(a, b Location) int {
	return cmp.Or(
		strings.Compare(a.Path, b.Path),
		strings.Compare(string(a.Layer), string(b.Layer)),
		cmp.Compare(a.Line, b.Line),
	)
}

// Find returns the packages that a finding's purl names: its own purl in any
// of the forms written here, or that of the source package they were built
// from. The order is the inventory's.
func (inv *Inventory) Find(purl string) []Package {
	var out []Package
	for _, p := range inv.Packages {
		if purl == p.PURL() || purl == p.PURLIn(inv.Distro) || purl == SourcePURL(p, inv.Distro) {
			out = append(out, p)
		}
	}
	return out
}

// unknown records something that could not be told about the target.
func (inv *Inventory) unknown(what, why string) {
	inv.Unknown = append(inv.Unknown, finding.Unknown{What: what, Why: why})
}
