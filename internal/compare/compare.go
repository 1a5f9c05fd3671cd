package compare

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Side is one of the two.
type Side struct {
	Subject   finding.Subject
	Inventory *sbom.Inventory
	Findings  []finding.Finding // those with Vuln are compared; suppressed ones do not count
	Size      int64             // uncompressed bytes of all layers; -1: not known
	Layers    int               // -1: not known
}

// Kind says what happened to something on the way from A to B.
type Kind string

// The kinds of change.
const (
	Added   Kind = "added"
	Removed Kind = "removed"
	Changed Kind = "changed"
)

// Package is one package that differs. Several versions side by side are
// joined with a comma.
type Package struct {
	Kind   Kind
	Type   string
	Name   string // with its namespace where the ecosystem has one
	Before string // version in A; empty: not there
	After  string // version in B; empty: not there
}

// Vulnerability is one vulnerability of one package that differs. A change is
// of severity.
type Vulnerability struct {
	Kind         Kind
	ID           string
	Name         string           // of the package
	Severity     finding.Severity // in B; in A for a removed one
	Before       finding.Severity // in A, for a change
	FixedIn      string
	InstalledInA string
	InstalledInB string
}

// Diff is everything that differs.
type Diff struct {
	A, B            Side
	Packages        []Package       // by type, then name
	Vulnerabilities []Vulnerability // added first, then changed, then removed; worst first in each
	Same            int             // packages that are the same in both
	SameVulns       int
	Unknown         []finding.Unknown // what could not be told of either
}

// Sides compares a with b.
func Sides(a, b Side) Diff {
	d := Diff{A: a, B: b}
	d.packages()
	d.vulnerabilities()
	return d
}

type packageKey struct{ kind, name string }

func versions(inv *sbom.Inventory) map[packageKey][]string {
	all := map[packageKey][]string{}
	if inv == nil {
		return all
	}
	for _, p := range inv.Packages {
		if p.Removed {
			continue
		}
		name := p.Name
		if p.Namespace != "" && !distribution(p.Type) {
			name = p.Namespace + "/" + p.Name
		}
		k := packageKey{p.Type, name}
		all[k] = append(all[k], p.Version)
	}
	for k, v := range all {
		slices.Sort(v)
		all[k] = slices.Compact(v)
	}
	return all
}

// distribution reports whether a purl type's namespace is only the
// distribution's name, which two images may well differ in.
func distribution(purlType string) bool {
	return purlType == "deb" || purlType == "apk" || purlType == "rpm"
}

func (d *Diff) packages() {
	before, after := versions(d.A.Inventory), versions(d.B.Inventory)
	for k, vs := range before {
		ws, still := after[k]
		switch {
		case !still:
			d.Packages = append(d.Packages, Package{Kind: Removed, Type: k.kind, Name: k.name, Before: strings.Join(vs, ", ")})
		case slices.Equal(vs, ws):
			d.Same++
		default:
			d.Packages = append(d.Packages, Package{Kind: Changed, Type: k.kind, Name: k.name, Before: strings.Join(vs, ", "), After: strings.Join(ws, ", ")})
		}
	}
	for k, ws := range after {
		if _, was := before[k]; !was {
			d.Packages = append(d.Packages, Package{Kind: Added, Type: k.kind, Name: k.name, After: strings.Join(ws, ", ")})
		}
	}
	sorting.By(d.Packages, func(a, b Package) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Kind, b.Kind))
	})
}

type vulnKey struct{ id, name string }

func byVuln(findings []finding.Finding) map[vulnKey]finding.Finding {
	all := map[vulnKey]finding.Finding{}
	for _, f := range findings {
		if f.Vuln == nil || f.Suppressed != nil {
			continue
		}
		k := vulnKey{f.Vuln.ID, f.Vuln.Name}
		if old, dup := all[k]; !dup || f.Severity > old.Severity {
			all[k] = f
		}
	}
	return all
}

func (d *Diff) vulnerabilities() {
	before, after := byVuln(d.A.Findings), byVuln(d.B.Findings)
	for k, f := range before {
		g, still := after[k]
		switch {
		case !still:
			d.Vulnerabilities = append(d.Vulnerabilities, Vulnerability{Kind: Removed, ID: k.id, Name: k.name, Severity: f.Severity, FixedIn: f.Vuln.FixedIn, InstalledInA: f.Vuln.Version})
		case g.Severity != f.Severity:
			d.Vulnerabilities = append(d.Vulnerabilities, Vulnerability{
				Kind: Changed, ID: k.id, Name: k.name, Severity: g.Severity, Before: f.Severity,
				FixedIn: g.Vuln.FixedIn, InstalledInA: f.Vuln.Version, InstalledInB: g.Vuln.Version,
			})
		default:
			d.SameVulns++
		}
	}
	for k, g := range after {
		if _, was := before[k]; !was {
			d.Vulnerabilities = append(d.Vulnerabilities, Vulnerability{Kind: Added, ID: k.id, Name: k.name, Severity: g.Severity, FixedIn: g.Vuln.FixedIn, InstalledInB: g.Vuln.Version})
		}
	}
	order := []Kind{Added, Changed, Removed}
	sorting.By(d.Vulnerabilities, func(a, b Vulnerability) int {
		return cmp.Or(
			cmp.Compare(slices.Index(order, a.Kind), slices.Index(order, b.Kind)),
			cmp.Compare(a.Severity.Place(), b.Severity.Place()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name),
		)
	})
}
