package report

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/drydock-dev/drydock/internal/compare"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// DocDiff is the JSON of a comparison.
type DocDiff struct {
	Schema          string        `json:"schema"`
	Tool            DocTool       `json:"tool"`
	From            DocSide       `json:"from"`
	To              DocSide       `json:"to"`
	Packages        []DocChange   `json:"packages"`
	Vulnerabilities []DocVulnDiff `json:"vulnerabilities"`
	Unknown         []DocUnknown  `json:"unknown"` // Subject: 0 is from, 1 is to
}

// DocSide is one side of a comparison. Size and Layers are -1 where not known.
type DocSide struct {
	Subject DocSubject     `json:"subject"`
	Size    int64          `json:"size"`
	Layers  int            `json:"layers"`
	Summary map[string]int `json:"summary"`
}

// DocChange is a package that differs.
type DocChange struct {
	Kind   compare.Kind `json:"kind"`
	Type   string       `json:"type"`
	Name   string       `json:"name"`
	Before string       `json:"before,omitempty"`
	After  string       `json:"after,omitempty"`
}

// DocVulnDiff is a vulnerability that differs.
type DocVulnDiff struct {
	Kind     compare.Kind      `json:"kind"`
	ID       string            `json:"id"`
	Package  string            `json:"package"`
	Severity finding.Severity  `json:"severity"`
	Before   *finding.Severity `json:"severityBefore,omitempty"`
	FixedIn  string            `json:"fixedIn,omitempty"`
}

// Compare writes a comparison as text, json or markdown.
func Compare(w io.Writer, format string, d compare.Diff, opt Options) error {
	if opt.Width <= 0 {
		opt.Width = 120
	}
	switch format {
	case "json":
		return jsonstream.Write(w, docDiff(d, opt))
	case "markdown":
		return compareMarkdown(w, d)
	case "text":
		return paged(w, opt, func(p *page) { p.compare(cleanDiff(d)) })
	}
	return fmt.Errorf("compare has no format %q (one of text, json, markdown)", format)
}

// cleanDiff is a copy of d without anything that a terminal would act on.
func cleanDiff(d compare.Diff) compare.Diff {
	d.A.Subject, d.B.Subject = cleanSubject(d.A.Subject), cleanSubject(d.B.Subject)
	d.Packages = append([]compare.Package{}, d.Packages...)
	for i := range d.Packages {
		p := &d.Packages[i]
		p.Type, p.Name, p.Before, p.After = clean(p.Type), clean(p.Name), clean(p.Before), clean(p.After)
	}
	d.Vulnerabilities = append([]compare.Vulnerability{}, d.Vulnerabilities...)
	for i := range d.Vulnerabilities {
		v := &d.Vulnerabilities[i]
		v.ID, v.Name, v.FixedIn = clean(v.ID), clean(v.Name), clean(v.FixedIn)
		v.InstalledInA, v.InstalledInB = clean(v.InstalledInA), clean(v.InstalledInB)
	}
	return d
}

func docDiff(d compare.Diff, opt Options) DocDiff {
	doc := DocDiff{
		Schema: Schema, Tool: DocTool{Name: "drydock", Version: opt.Tool},
		From: docSide(d.A), To: docSide(d.B), Packages: []DocChange{}, Vulnerabilities: []DocVulnDiff{}, Unknown: []DocUnknown{},
	}
	for _, p := range d.Packages {
		doc.Packages = append(doc.Packages, DocChange(p))
	}
	for _, v := range d.Vulnerabilities {
		dv := DocVulnDiff{Kind: v.Kind, ID: v.ID, Package: v.Name, Severity: v.Severity, FixedIn: v.FixedIn}
		if v.Kind == compare.Changed {
			dv.Before = &v.Before
		}
		doc.Vulnerabilities = append(doc.Vulnerabilities, dv)
	}
	for _, u := range d.Unknown {
		side := 0
		if u.Subject == d.B.Subject {
			side = 1
		}
		doc.Unknown = append(doc.Unknown, DocUnknown{Subject: side, What: u.What, Why: u.Why, Beyond: u.Beyond})
	}
	return doc
}

func docSide(s compare.Side) DocSide {
	d := DocSide{Subject: DocSubject(s.Subject), Size: s.Size, Layers: s.Layers, Summary: map[string]int{}}
	t := tallyOf(s.Findings, isVuln)
	for _, sev := range finding.Severities() {
		d.Summary[sev.String()] = t[sev]
	}
	return d
}

// sizeOf is a size in words, and a dash where it is not known.
func sizeOf(n int64) string {
	if n < 0 {
		return "–"
	}
	return Bytes(n)
}

func count(n int) string {
	if n < 0 {
		return "–"
	}
	return fmt.Sprint(n)
}

func packagesOf(s compare.Side) string {
	if s.Inventory == nil {
		return "–"
	}
	n := 0
	for _, p := range s.Inventory.Packages {
		if !p.Removed {
			n++
		}
	}
	return fmt.Sprint(n)
}

// sideCounts are a side's vulnerabilities by severity, and dashes where there was
// nothing to match.
func sideCounts(s compare.Side) []string {
	t := tallyOf(s.Findings, isVuln)
	var out []string
	for _, sev := range finding.Severities() {
		n := notLooked
		if s.Inventory != nil && len(s.Inventory.Packages) > 0 {
			n = fmt.Sprint(t[sev])
		}
		out = append(out, n)
	}
	return out
}

func (p *page) compare(d compare.Diff) {
	head := []string{"~", ">SIZE", ">LAYERS", ">PACKAGES"}
	for _, s := range finding.Severities() {
		head = append(head, ">"+letter(s))
	}
	var rows [][]string
	for _, s := range []compare.Side{d.A, d.B} {
		row := []string{p.paint(heading, shortDigests(s.Subject.Name)), sizeOf(s.Size), count(s.Layers), packagesOf(s)}
		for i, n := range sideCounts(s) {
			row = append(row, p.severity(finding.Severities()[i], n))
		}
		rows = append(rows, row)
	}
	p.table(0, head, rows)

	rows = nil
	for _, v := range d.Vulnerabilities {
		sev := strings.ToUpper(v.Severity.String())
		if v.Kind == compare.Changed {
			sev = strings.ToUpper(v.Before.String()) + " → " + sev
		}
		rows = append(rows, []string{p.sign(v.Kind, true), p.severity(v.Severity, sev), v.ID, v.Name, strings.TrimSpace(cmp.Or(v.InstalledInB, v.InstalledInA))})
	}
	p.line("")
	p.line("%s  %d the same", p.paint(heading, "Vulnerabilities"), d.SameVulns)
	p.table(2, []string{"", "", "~", "~", "~"}, rows)

	if len(d.Unknown) > 0 {
		p.line("")
		p.line("%s", p.paint(heading, "Could not be told"))
		for _, u := range d.Unknown {
			p.wrap(2, fmt.Sprintf("%s %s: %s", p.paint(warn, "?"), clean(u.What), clean(u.Why)))
		}
	}

	rows = nil
	for _, c := range d.Packages {
		version := c.Before + " → " + c.After
		switch c.Kind {
		case compare.Added:
			version = c.After
		case compare.Removed:
			version = c.Before
		}
		rows = append(rows, []string{p.sign(c.Kind, false), c.Type, c.Name, version})
	}
	p.line("")
	p.line("%s  %d the same", p.paint(heading, "Packages"), d.Same)
	p.table(2, []string{"", "", "~", "~"}, rows)
}

// sign marks a change; what came is bad only for vulnerabilities.
func (p *page) sign(k compare.Kind, worse bool) string {
	switch {
	case k == compare.Added && worse:
		return p.paint(bad, "+")
	case k == compare.Added:
		return "+"
	case k == compare.Removed && worse:
		return p.paint(good, "-")
	case k == compare.Removed:
		return "-"
	}
	return p.paint(warn, "~")
}

func compareMarkdown(w io.Writer, d compare.Diff) error {
	var rows []string
	for _, s := range []compare.Side{d.A, d.B} {
		cells := []string{s.Subject.Name, sizeOf(s.Size), count(s.Layers), packagesOf(s)}
		rows = append(rows, row(append(cells, sideCounts(s)...)...))
	}
	out := table("| | Size | Layers | Packages | C | H | M | L | N | ? |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n", rows, subjectsShare)
	rows = nil
	for _, v := range d.Vulnerabilities {
		severity := v.Severity.String()
		if v.Kind == compare.Changed {
			severity = v.Before.String() + " → " + severity
		}
		rows = append(rows, row(string(v.Kind), severity, v.ID, v.Name))
	}
	out += table("| | Severity | Vulnerability | Package |\n|---|---|---|---|\n", rows, (commentSize-subjectsShare)/2)
	rows = nil
	for _, u := range d.Unknown {
		rows = append(rows, fmt.Sprintf("- %s: %s\n", cell(u.What), cell(u.Why)))
	}
	if len(rows) > 0 {
		out += fill("**Could not be told**\n\n", rows, unknownShare) + "\n"
	}
	rows = nil
	for _, c := range d.Packages {
		rows = append(rows, row(string(c.Kind), c.Type+" "+c.Name, c.Before, c.After))
	}
	out += table("| | Package | Before | After |\n|---|---|---|---|\n", rows, commentSize-len(out))
	_, err := io.WriteString(w, out)
	return err
}
