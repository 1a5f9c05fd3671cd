package feed

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// MergeAlpine makes one list of what Alpine's secdb and OSV's Alpine bucket say.
// They overlap: OSV's records are made from a secdb of some earlier day, with
// dates and CVSS vectors added. So for a package of a release and a
// vulnerability that both name, secdb says which version fixed it (or that the
// package never was affected) and OSV says the rest; what only one names stays.
func MergeAlpine(secdb, osv []vuln.Advisory) []vuln.Advisory {
	heads := alpineHeads{}
	for i := range osv {
		heads.add(&osv[i])
	}
	return heads.merge(secdb, osv)
}

// alpineHeads are OSV's newest word on each vulnerability, whatever the package.
type alpineHeads map[string]vuln.Advisory

func (h alpineHeads) add(a *vuln.Advisory) {
	if old, ok := h[a.ID]; !ok || a.Modified.After(old.Modified) {
		h[a.ID] = vuln.Advisory{
			CVSS: a.CVSS, Published: a.Published, Modified: a.Modified, Related: a.Related, Aliases: a.Aliases,
			Severity: a.Severity, Urgency: a.Urgency,
		}
	}
}

// merge is what both say of some packages.
func (h alpineHeads) merge(secdb, osv []vuln.Advisory) []vuln.Advisory {
	type key struct{ ecosystem, name, id string }
	listed := make(map[key]bool, len(secdb))
	for i := range secdb {
		a := &secdb[i]
		listed[key{a.Ecosystem, a.Package, a.ID}] = true
		for _, id := range a.Aliases {
			listed[key{a.Ecosystem, a.Package, id}] = true
		}
	}
	out := make([]vuln.Advisory, 0, len(secdb)+len(osv)/4)
	for i := range osv {
		if a := &osv[i]; !listed[key{a.Ecosystem, a.Package, a.ID}] {
			out = append(out, *a)
		}
	}
	for _, a := range secdb {
		if h, ok := h[a.ID]; ok {
			a.CVSS, a.Published, a.Modified, a.Related = h.CVSS, h.Published, h.Modified, h.Related
			a.Aliases = ids(slices.Concat(a.Aliases, h.Aliases), a.ID)
			if a.Severity == 0 {
				a.Severity, a.Urgency = h.Severity, h.Urgency
			}
		}
		out = append(out, a)
	}
	return out
}
