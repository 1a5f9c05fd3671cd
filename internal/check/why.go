package check

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Reason is why a target has a package.
type Reason struct {
	Subject finding.Subject
	Package *sbom.Package
	Ways    []sbom.Way // nearest first
	More    int        // ways that are not among them
	Unknown string     // why none is known; empty: they are, or it needs none
}

// waysShown bounds the ways to one package.
const waysShown = 100

// Why tells how the packages of a name come into the targets of a result. What is
// not known of one is in the result's Unknown then, too.
func Why(res *Result, name string) []Reason {
	var out []Reason
	for _, t := range res.Targets {
		if t.Inventory == nil {
			continue
		}
		ways := sbom.NewWays(t.Inventory)
		for _, p := range t.Inventory.Named(name) {
			r := Reason{Subject: t.Subject, Package: p, Ways: ways.To(p, waysShown)}
			if n := len(r.Ways); n > waysShown {
				r.Ways, r.More = r.Ways[:waysShown], n-waysShown
			}
			if len(r.Ways) == 0 && !p.Root {
				r.Unknown = untold(t.Inventory, p)
				res.Unknown = append(res.Unknown, finding.Unknown{Subject: t.Subject, What: "what brings " + p.Label(), Why: r.Unknown})
			}
			out = append(out, r)
		}
	}
	return out
}

// untold is why nothing is known of what brings a package.
func untold(inv *sbom.Inventory, p *sbom.Package) string {
	from := "its source"
	if len(p.Locations) > 0 {
		from = p.Locations[0].Path
	}
	if _, told := inv.Graph.Of(p.Node); !told {
		return from + " does not tell which package needs which"
	}
	return strings.TrimSpace(fmt.Sprintf("nothing that %s tells of needs it", from))
}
