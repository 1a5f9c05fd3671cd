package catalog

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// dirLines shows what FromDir found, one line a package and unknown.
func dirLines(inv *sbom.Inventory) []string {
	var out []string
	for _, p := range inv.Packages {
		s := p.PURL()
		for _, l := range p.Locations {
			s += fmt.Sprintf(" %s:%d", l.Path, l.Line)
		}
		if p.Dev {
			s += " dev"
		}
		out = append(out, s)
	}
	for _, u := range inv.Unknown {
		out = append(out, "unknown: "+u.What+": "+u.Why)
	}
	return out
}

func dirScan(t testing.TB, dir string) *sbom.Inventory {
	t.Helper()
	inv, err := FromDir(t.Context(), dir, finding.Subject{Kind: finding.KindFolder, Name: dir})
	if err != nil {
		t.Fatal(err)
	}
	return inv
}

// The same dependencies, locked by npm, pnpm and yarn in every version of
// their formats, are the same packages.
func TestNPMLocksOfEveryKindAgree(t *testing.T) {
	want := map[string]bool{ // whether for development only
		"pkg:npm/%40babel/runtime@7.20.0": false, "pkg:npm/axios@0.21.0": false, "pkg:npm/client-only@0.0.1": false,
		"pkg:npm/debug@2.6.8": true, "pkg:npm/follow-redirects@1.16.3": false, "pkg:npm/js-tokens@4.0.0": false,
		"pkg:npm/lodash@4.17.15": false, "pkg:npm/loose-envify@1.4.0": false, "pkg:npm/minimist@1.2.0": false,
		"pkg:npm/ms@2.0.0": true, "pkg:npm/react@18.2.0": false, "pkg:npm/regenerator-runtime@0.13.11": false,
		"pkg:npm/styled-jsx@5.1.1": false, "pkg:npm/ws@7.4.5": true,
	}
	for _, kind := range []string{"npm1", "npm2", "npm3", "pnpm5", "pnpm6", "pnpm9", "yarn1", "yarn4"} {
		t.Run(kind, func(t *testing.T) {
			inv := dirScan(t, "testdata/shapes/"+kind)
			got := map[string]bool{}
			for _, p := range inv.Packages {
				got[p.PURL()] = p.Dev
				if len(p.Locations) != 1 || p.Locations[0].Line == 0 {
					t.Errorf("%s has locations %v", p.PURL(), p.Locations)
				}
			}
			want := want
			if kind[0] == 'y' { // yarn's locks do not say
				want = map[string]bool{}
				for k := range got {
					want[k] = false
				}
				if len(want) != 14 {
					t.Errorf("%d packages, want 14", len(want))
				}
			}
			if kind[0] == 'p' { // axios has debug as an optional peer, and pnpm fills it
				want = mapWith(want, "pkg:npm/debug@2.6.8", "pkg:npm/ms@2.0.0")
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Error(d)
			}
			if len(inv.Unknown) > 0 {
				t.Error(inv.Unknown)
			}
		})
	}
}

func mapWith(m map[string]bool, production ...string) map[string]bool {
	out := map[string]bool{}
	for k, v := range m {
		out[k] = v
	}
	for _, k := range production {
		out[k] = false
	}
	return out
}
