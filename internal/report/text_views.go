package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// quickview is a row for the target, a row for its base where it is known, and
// the next command.
func (p *page) quickview() {
	head := []string{"~"}
	for _, s := range finding.Severities() {
		head = append(head, ">"+strings.ToUpper(s.String()))
	}
	var rows [][]string
	for _, t := range p.res.Targets {
		of := func(name string, known bool, keep func(finding.Finding) bool) {
			row := []string{name}
			tl := tallyOf(p.res.Findings, func(f finding.Finding) bool {
				return f.Vuln != nil && f.Subject == t.Subject && keep(f)
			})
			for _, s := range finding.Severities() {
				cell := fmt.Sprint(tl[s])
				switch {
				case !known:
					cell = p.paint(dim, "–")
				case tl[s] > 0:
					cell = p.severity(s, cell)
				}
				row = append(row, cell)
			}
			rows = append(rows, row)
		}
		name := p.paint(heading, shortDigests(p.local(p.title(t.Subject))))
		of(name, matched(t), func(finding.Finding) bool { return true })
		if t.Image == nil {
			continue
		}
		if t.Base == nil {
			of("  base image not known", false, func(finding.Finding) bool { return false })
			continue
		}
		base := "  base  " + shortDigests(cmp.Or(t.Base.Ref, "unnamed"))
		of(base, t.Base.Layers > 0 && matched(t), func(f finding.Finding) bool {
			return f.Vuln.InBase != nil && *f.Vuln.InBase
		})
	}
	p.table(0, head, rows)
	p.outOfSupport()
	p.suppressed()
	p.footer(p.next()...)
}

// packages lists the inventory of each target.
func (p *page) packages() {
	for i, t := range p.res.Targets {
		if i > 0 {
			p.line("")
		}
		p.subject(t)
		if t.Inventory == nil {
			continue
		}
		var rows [][]string
		ways := sbom.NewWays(t.Inventory)
		for i := range t.Inventory.Packages {
			pkg := &t.Inventory.Packages[i]
			var marks []string
			if pkg.Removed {
				marks = append(marks, "removed above")
			}
			if pkg.Owner != "" {
				marks = append(marks, "owned by "+strings.TrimPrefix(pkg.Owner, "pkg:"))
			}
			if pkg.Dev {
				marks = append(marks, "dev")
			}
			if !pkg.FromDistro() {
				if via := sbom.Via(ways.To(pkg, viaShown+1)); len(via) > 0 {
					marks = append(marks, viaText(via))
				}
			}
			at := ""
			if pkg.LayerIndex >= 0 && t.Image != nil && pkg.Layer != "" {
				at = fmt.Sprintf("layer %d", pkg.LayerIndex+1)
			}
			rows = append(rows, []string{
				pkg.Type, pkg.FullName(), pkg.Version, p.paint(dim, at),
				p.paint(dim, strings.Join(pkg.Licenses, ", ")), p.paint(warn, strings.Join(marks, "; ")),
			})
		}
		slices.SortStableFunc(rows, func(a, b []string) int {
			return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
		})
		p.table(2, []string{"TYPE", "~NAME", "~VERSION", "", "~LICENCE", ""}, rows)
	}
	p.footer(p.next()...)
}
