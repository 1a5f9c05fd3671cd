package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// cves prints the vulnerabilities of each subject, grouped by package: the
// base's first where the split is known, each package with its worst first.
func (p *page) cves() {
	for i, t := range p.res.Targets {
		if i > 0 {
			p.line("")
		}
		p.subject(t)
		for _, s := range aging(p.res, t.Subject) {
			p.wrap(2, p.paint(warn, "! "+s))
		}
		groups := p.groups(t.Subject)
		if len(groups) == 0 && t.Inventory != nil {
			switch {
			case t.Unmatched:
				p.line("  %s", p.paint(warn, "Nothing was matched: there are no advisories of these packages"))
			case !matched(t):
				p.line("  %s", p.paint(warn, "No package is known here: nothing was matched"))
			case whole(p.res, t.Subject):
				p.line("  %s", p.paint(good, "No vulnerabilities found that count here"))
			default:
				const none = "None of the recorded vulnerabilities count here; not all are recorded (see Coverage)"
				p.line("  %s", p.paint(warn, none))
			}
		}
		var last *bool
		for j, g := range groups {
			if g.inBase != nil && (j == 0 || last == nil || *last != *g.inBase) {
				p.line("")
				if *g.inBase {
					p.line("  %s", p.paint(heading, "From the base image")+baseName(t))
				} else {
					p.line("  %s", p.paint(heading, "From the application"))
				}
			}
			last = g.inBase
			p.group(t, g)
		}
	}
	p.line("")
	p.total()
	p.suppressed()
	p.footer(p.next()...)
}

func baseName(t check.Target) string {
	if t.Base == nil || t.Base.Ref == "" {
		return ""
	}
	return " " + t.Base.Ref
}

// subject prints what is looked at: its name, distribution and size.
func (p *page) subject(t check.Target) {
	var facts []string
	if inv := t.Inventory; inv != nil {
		if d := inv.Distro; d != nil {
			facts = append(facts, cmp.Or(d.PrettyName, strings.TrimSpace(d.ID+" "+d.VersionID)))
		}
		n := 0
		for _, pkg := range inv.Packages {
			if !pkg.Removed {
				n++
			}
		}
		facts = append(facts, finding.Count(n, "package"))
	}
	if t.Image != nil {
		if im := t.Image; im.Platform != "" {
			facts = append(facts, im.Platform)
		}
	}
	if t.From != nil && t.Base != nil {
		facts = append(facts, "FROM "+t.Base.Ref)
		if !t.AsOf.IsZero() {
			facts = append(facts, "as of "+day(t.AsOf))
		}
		if t.Reconstructed {
			facts = append(facts, "reconstructed")
		}
		if t.Attested {
			facts = append(facts, "attested")
		}
	}
	if d := t.Subject.Digest; t.Image != nil && t.Image.EngineID != "" {
		facts = append(facts, t.Image.EngineID.Short()) // as docker images has it
	} else if d != "" {
		facts = append(facts, d.Short())
	}
	name := shorten(shortDigests(p.title(t.Subject)), p.opt.Width)
	p.headed(p.paint(heading, name), p.paint(dim, shortDigests(strings.Join(facts, " · "))))
}

// headed prints a title with facts after it or, where they have no room there,
// below it.
func (p *page) headed(title, facts string) {
	switch {
	case facts == "":
		p.line("%s", title)
	case widthOf(title)+2+widthOf(facts) <= p.opt.Width:
		p.line("%s  %s", title, facts)
	default:
		p.line("%s", title)
		p.wrap(2, facts)
	}
}

// group is one package's findings.
type group struct {
	name, version string
	inBase        *bool
	findings      []finding.Finding
	worst         finding.Finding
}

func (p *page) groups(s finding.Subject) []group {
	byPackage := map[string]*group{}
	for _, f := range p.res.Findings {
		if f.Vuln == nil || f.Suppressed != nil || f.Subject != s {
			continue
		}
		g := byPackage[f.Vuln.Package]
		if g == nil {
			g = &group{name: f.Vuln.Name, version: f.Vuln.Version, inBase: f.Vuln.InBase, worst: f}
			byPackage[f.Vuln.Package] = g
		}
		g.findings = append(g.findings, f)
	}
	all := make([]group, 0, len(byPackage))
	for _, g := range byPackage {
		all = append(all, *g)
	}
	sorting.By(all, func(a, b group) int {
		return cmp.Or(
			cmp.Compare(baseRank(a.inBase), baseRank(b.inBase)),
			finding.Compare(a.worst, b.worst),
			cmp.Compare(a.name, b.name), cmp.Compare(a.version, b.version),
		)
	})
	return all
}

func baseRank(in *bool) int {
	switch {
	case in == nil:
		return 2
	case *in:
		return 0
	}
	return 1
}

func (p *page) group(t check.Target, g group) {
	p.line("")
	counts := p.counts(tallyOf(g.findings, nil))
	name := shorten(p.paint(heading, g.name)+" "+g.version, max(leastShort, p.opt.Width-4-widthOf(counts)))
	p.line("  %s  %s", name, counts)
	if s := supported(g.worst); s != "" {
		p.line("%s", p.fit("    "+p.paint(warn, s)))
	}
	if b := presence(g.worst.Vuln); b != "" {
		p.wrap(4, p.paint(dim, b))
	}
	if where := p.where(t, g.worst); where != "" {
		p.wrap(4, p.paint(dim, where))
	}
	var rows [][]string
	for _, f := range g.findings {
		rows = append(rows, []string{p.rated(f.Severity), f.Vuln.ID, p.fixed(f.Vuln), p.reasons(f.Vuln)})
	}
	p.table(4, []string{"", "", "~", "+"}, rows)
}

// presence says why a package is there (for development only, which direct
// dependencies bring it), and whether it was in use.
func presence(v *finding.Vuln) string {
	var parts []string
	if v.Dev {
		parts = append(parts, "development dependency")
	}
	if len(v.Via) > 0 {
		if len(v.Path) == 2 { // another project of the target asks for it itself
			parts = append(parts, "direct, and "+viaText(v.Via))
		} else {
			parts = append(parts, viaText(v.Via))
		}
	}
	if s := v.Use.String(); s != "" {
		parts = append(parts, s)
	}
	return strings.Join(parts, ", ")
}

const viaShown = 3

// viaText names the first of what brings a package.
func viaText(via []string) string {
	if len(via) <= viaShown {
		return "via " + strings.Join(via, ", ")
	}
	return "via " + strings.Join(via[:viaShown], ", ") + " and more"
}

// where says which layer and line brought the package.
func (p *page) where(t check.Target, f finding.Finding) string {
	if len(f.At) == 0 {
		return ""
	}
	at := f.At[0]
	var parts []string
	if at.Layer != "" && t.Image != nil {
		for i, l := range t.Image.Layers {
			if l.DiffID == at.Layer {
				parts = append(parts, fmt.Sprintf("layer %d %s", i+1, at.Layer.Short()))
			}
		}
	}
	if s := at.Source; s != nil {
		parts = append(parts, span(s))
	}
	if at.Path != "" && (at.Source == nil || at.Source.File != at.Path) {
		parts = append(parts, at.Path)
	}
	if n := len(f.At) - 1; n > 0 {
		parts = append(parts, fmt.Sprintf("and %s more", finding.Count(n, "place")))
	}
	return strings.Join(parts, " · ")
}

func span(s *finding.Span) string {
	if s.Line == 0 {
		return s.File
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

func (p *page) fixed(v *finding.Vuln) string {
	switch {
	case v.FixedIn != "":
		return p.paint(good, "→ "+v.FixedIn)
	case v.NoFix != "":
		return p.paint(dim, "no fix: "+v.NoFix)
	}
	return p.paint(dim, "no fix")
}

// reasons says how bad and on whose word: score, exploitation.
func (p *page) reasons(v *finding.Vuln) string {
	var parts []string
	if v.KEV {
		parts = append(parts, p.paint(bad, "exploited (KEV)"))
	}
	if v.CVSS.Score > 0 {
		parts = append(parts, fmt.Sprintf("CVSS %.1f %s", v.CVSS.Score, v.CVSS.Source))
	}
	if v.SeveritySource != "" && v.SeveritySource != v.CVSS.Source {
		parts = append(parts, "by "+v.SeveritySource)
	}
	if v.Unrated != "" {
		parts = append(parts, v.Unrated)
	}
	if v.EPSS.Score >= 0.01 {
		parts = append(parts, fmt.Sprintf("EPSS %.0f%%", 100*v.EPSS.Score))
	}
	return strings.Join(parts, " · ")
}

func isVuln(f finding.Finding) bool { return f.Vuln != nil }

func (p *page) total() {
	t := tallyOf(p.res.Findings, isVuln)
	n, fixable, idle, watched := 0, 0, 0, ""
	packages, unused := map[string]bool{}, map[string]bool{}
	for _, f := range p.res.Findings {
		if f.Vuln == nil || f.Suppressed != nil {
			continue
		}
		n++
		packages[f.Vuln.Package] = true
		if f.Vuln.FixedIn != "" {
			fixable++
		}
		if f.Vuln.Use.Status == finding.Untouched {
			idle++
			watched = f.Vuln.Use.How
			unused[f.Vuln.Package] = true
		}
	}
	switch {
	case n == 0 && !slices.ContainsFunc(p.res.Targets, matched):
		p.line("%s", p.paint(heading, "Nothing was matched"))
		return
	case n == 0:
		p.line("%s", p.paint(heading, "0 vulnerabilities"))
		return
	}
	found := p.paint(heading, finding.Count(n, "vulnerability"))
	p.line("%s in %s  %s", found, finding.Count(len(packages), "package"), p.counts(t))
	p.line("%s a fix", oneOrMore(fixable, "of them has", "of them have"))
	if idle > 0 {
		are := oneOrMore(idle, "of them is", "of them are") + " in " + finding.Count(len(unused), "package")
		p.wrap(0, are+" never used while watched "+watched)
	}
	p.idle()
}

// idle says what minify would save, where an image was watched.
func (p *page) idle() {
	for _, t := range p.res.Targets {
		if n := t.Idle.Packages; n > 0 {
			p.wrap(0, fmt.Sprintf("Nothing of %s (%s) was used: minify makes an image without them, and proves it", finding.Count(n, "package"), Bytes(t.Idle.Bytes)))
		}
	}
}

// suppressed says how many findings do not count and, when asked, which.
func (p *page) suppressed() {
	by := map[string]int{}
	var rows [][]string
	for _, f := range p.res.Findings {
		s := f.Suppressed
		if s == nil {
			continue
		}
		by[s.By]++
		name := f.Key
		if f.Vuln != nil {
			name = f.Vuln.ID + " " + f.Vuln.Name
		}
		rows = append(rows, []string{name, s.By, s.Reason + source(s)})
	}
	if len(rows) == 0 {
		return
	}
	if !p.opt.ShowSuppressed {
		var parts []string
		for _, k := range slices.Sorted(mapKeys(by)) {
			parts = append(parts, fmt.Sprintf("%d %s", by[k], k))
		}
		by := strings.Join(parts, ", ")
		p.line("%s", p.paint(dim, fmt.Sprintf("%d suppressed (%s); --show-suppressed lists them", len(rows), by)))
		return
	}
	p.line("")
	p.line("%s", p.paint(heading, "Suppressed"))
	p.table(2, []string{"~WHAT", "BY", "+WHY"}, rows)
}

func source(s *finding.Suppression) string {
	if s.Source == "" || strings.Contains(s.Reason, s.Source) {
		return ""
	}
	return " (" + s.Source + ")"
}
