package check

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// Assessment is what is known of an image by what it holds.
type Assessment struct {
	Seen       *base.Seen      // its vulnerabilities are nil where the data lack its distribution
	Ecosystems map[string]bool // that were looked up, without their releases
	Lacking    string          // the distribution's release that the data do not have; empty: none
}

// Assess matches what is known of an image against the database. Where that does
// not have the image's distribution, what it is vulnerable to is not known: that
// nothing was found would mean nothing.
func Assess(ctx context.Context, e *base.Entry, stack *db.Stack, now time.Time) (Assessment, error) {
	a := Assessment{Seen: e.Sizes(), Ecosystems: map[string]bool{}}
	a.Seen.At = e.Created
	if e.Bare {
		return a, nil
	}
	inv := e.Inventory()
	a.Seen.Packages = len(inv.Packages)
	if a.Lacking = a.lacking(ctx, inv, stack); a.Lacking != "" {
		return a, nil
	}
	found, _, err := vuln.Match(ctx, inv, stack, vuln.Options{Now: now, EndOfLife: base.DistroEnds})
	if err != nil {
		return a, fmt.Errorf("match %s: %w", e.Ref, err)
	}
	a.Seen.Found = base.VulnsOf(found)
	return a, nil
}

// lacking is the distribution's release whose packages the database does not have
// advisories for; empty: it has them. What it has is noted as used.
func (a *Assessment) lacking(ctx context.Context, inv *sbom.Inventory, stack *db.Stack) string {
	for _, p := range inv.Packages {
		eco, _, ok := vuln.Ecosystem(p, inv.Distro)
		switch {
		case ok && stack.Knows(ctx, eco):
			name, _, _ := strings.Cut(eco, ":")
			a.Ecosystems[name] = true
		case !p.FromDistro():
		case ok:
			return eco
		case inv.Distro != nil:
			return strings.TrimSpace(inv.Distro.ID + " " + inv.Distro.VersionID)
		default:
			return p.Type + " packages of an unnamed distribution"
		}
	}
	return ""
}
