package report

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// DocRule is a rule's documentation as JSON.
type DocRule struct {
	ID       finding.RuleID   `json:"id"`
	Title    string           `json:"title"`
	Why      string           `json:"why"`
	Practice finding.Practice `json:"practice"`
	Severity finding.Severity `json:"severity"`
	Aliases  []string         `json:"aliases"`
	Bad      string           `json:"bad"`
	Good     string           `json:"good"`
}

func docRule(r finding.Rule) DocRule {
	return DocRule{
		ID: r.ID, Title: r.Title, Why: r.Why, Practice: r.Practice, Severity: r.Severity,
		Aliases: append([]string{}, r.Aliases...), Bad: r.Bad, Good: r.Good,
	}
}

// Rules prints the documentation of the rules of one name as text, json or
// markdown; as json, one rule is an object and several are an array.
func Rules(w io.Writer, format string, rules []finding.Rule, opt Options) error {
	if len(rules) > 1 && format == "json" {
		docs := make([]DocRule, len(rules))
		for i, r := range rules {
			docs[i] = docRule(r)
		}
		return jsonstream.Write(w, docs)
	}
	for i, r := range rules {
		if i > 0 {
			if _, err := fmt.Fprintln(w); err != nil {
				return err
			}
		}
		if err := Rule(w, format, r, opt); err != nil {
			return err
		}
	}
	return nil
}

// Rule prints a rule's documentation as text, json or markdown.
func Rule(w io.Writer, format string, r finding.Rule, opt Options) error {
	switch format {
	case "json":
		return jsonstream.Write(w, docRule(r))
	case "markdown":
		return ruleMarkdown(w, r)
	case "text":
	default:
		return fmt.Errorf("explain has no format %q (one of text, json, markdown)", format)
	}
	if opt.Width <= 0 {
		opt.Width = 100
	}
	return paged(w, opt, func(p *page) {
		p.line("%s  %s", p.paint(heading, string(r.ID)), p.severity(r.Severity, r.Severity.String()))
		p.line("%s", r.Title)
		if len(r.Aliases) > 0 {
			p.line("%s", p.paint(dim, "also known as "+strings.Join(r.Aliases, ", ")))
		}
		p.line("")
		p.wrap(0, r.Why)
		p.example("Fires on", bad, r.Bad)
		p.example("Quiet on", good, r.Good)
	})
}

func (p *page) example(title string, s style, text string) {
	if text == "" {
		return
	}
	p.line("")
	p.line("%s", p.paint(s, title))
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.line("    %s", l)
	}
}

func ruleMarkdown(w io.Writer, r finding.Rule) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "## %s\n\n%s. Severity %s, practice %s.", r.ID, strings.TrimSuffix(r.Title, "."), r.Severity, r.Practice)
	if len(r.Aliases) > 0 {
		fmt.Fprintf(b, " Also known as %s.", strings.Join(r.Aliases, ", "))
	}
	fmt.Fprintf(b, "\n\n%s\n", strings.TrimSpace(r.Why))
	for _, e := range [][2]string{{"Fires on", r.Bad}, {"Quiet on", r.Good}} {
		if e[1] != "" {
			fmt.Fprintf(b, "\n%s:\n\n```\n%s\n```\n", e[0], strings.TrimRight(e[1], "\n"))
		}
	}
	return b.Flush()
}

// DocKnown is what is known of a vulnerability as JSON.
type DocKnown struct {
	Schema     string        `json:"schema"`
	ID         string        `json:"id"`
	Title      string        `json:"title,omitempty"`
	TitleBy    string        `json:"titleSource,omitempty"`
	Rejected   string        `json:"rejectedBy,omitempty"` // who says that the number was taken back
	Aliases    []string      `json:"aliases"`
	CVSS       []DocCVSS     `json:"cvss"`
	EPSS       *DocEPSS      `json:"epss,omitempty"`
	KEV        bool          `json:"kev"`
	KEVAdded   string        `json:"kevAdded,omitempty"`
	Advisories []DocAdvisory `json:"advisories"`
	Touches    []DocFinding  `json:"touches"`
}

// DocAdvisory is what one source says of one package.
type DocAdvisory struct {
	ID        string   `json:"id"`
	Source    string   `json:"source"`
	Ecosystem string   `json:"ecosystem"`
	Package   string   `json:"package"`
	Affected  string   `json:"affected"`
	Fixed     []string `json:"fixed"`
	NoFix     string   `json:"noFix,omitempty"`
	URL       string   `json:"url,omitempty"`
}

// Vulnerability prints what is known of one vulnerability, as text or json.
func Vulnerability(w io.Writer, format string, k *check.Known, opt Options) error {
	switch format {
	case "json":
		return jsonstream.Write(w, docKnown(k))
	case "text":
	default:
		return fmt.Errorf("explain has no format %q (one of text, json)", format)
	}
	if opt.Width <= 0 {
		opt.Width = 100
	}
	return paged(w, opt, func(p *page) { p.known(cleanKnown(k)) })
}

// cleanKnown is a copy of k without anything that a terminal would act on.
func cleanKnown(k *check.Known) *check.Known {
	out := *k
	out.ID, out.Aliases, out.Touches = clean(k.ID), cleanAll(k.Aliases), cleanFindings(k.Touches)
	out.Meta.CVSS = slices.Clone(k.Meta.CVSS)
	for i, v := range out.Meta.CVSS {
		out.Meta.CVSS[i].Vector, out.Meta.CVSS[i].Source = clean(v.Vector), clean(v.Source)
	}
	out.Meta.Title, out.Meta.TitleBy = clean(k.Meta.Title), clean(k.Meta.TitleBy)
	out.Meta.EPSS.Date, out.Meta.KEVAdded = clean(k.Meta.EPSS.Date), clean(k.Meta.KEVAdded)
	if k.Last != nil {
		s := cleanSubject(*k.Last)
		out.Last = &s
	}
	return &out
}

// credit is the name of the database whose title is shown.
func credit(source string) string {
	switch source {
	case "ghsa":
		return "GitHub Advisory Database"
	case "go":
		return "Go vulnerability database"
	case "rustsec":
		return "RustSec"
	case "pypa":
		return "PyPA"
	case "bitnami":
		return "Bitnami"
	case "julia":
		return "Julia security advisories"
	case "hackage":
		return "Haskell security advisories"
	case "kev":
		return "CISA"
	}
	return source
}

func (p *page) known(k *check.Known) {
	p.line("%s", p.paint(heading, k.ID))
	if k.Meta.Title != "" {
		p.wrap(2, k.Meta.Title+" "+p.paint(dim, "("+credit(k.Meta.TitleBy)+")"))
	} else {
		p.wrap(2, p.paint(dim, "no database whose words may be passed on has a title for it"))
	}
	if k.Meta.Rejected != "" {
		p.wrap(2, p.paint(bad, "rejected")+": whoever assigned the number took it back ("+credit(k.Meta.Rejected)+"), so it is found nowhere")
	}
	if len(k.Aliases) > 0 {
		p.wrap(2, "also "+strings.Join(k.Aliases, " "))
	}
	for _, v := range k.Meta.CVSS {
		p.line("  CVSS %.1f %s  %s", v.Score, v.Source, p.paint(dim, v.Vector))
	}
	if e := k.Meta.EPSS; e.Date != "" {
		p.line("  EPSS %.1f%% as of %s", 100*e.Score, e.Date)
	}
	if k.Meta.KEV {
		p.line("  %s", p.paint(bad, "known to be exploited (CISA KEV, since "+k.Meta.KEVAdded+")"))
	}
	p.affects(k)
	p.line("")
	p.touches(k)
}

// affectsShown is how many packages the text lists.
const affectsShown = 20

// affects lists the packages, each with what is affected in how many releases
// of its ecosystem; those that the last scan has come first.
func (p *page) affects(k *check.Known) {
	type key struct{ ecosystem, name string }
	said := map[key][]string{}
	releases := map[key]int{}
	var order []key
	for _, a := range k.Advisories {
		eco, _, _ := strings.Cut(a.Ecosystem, ":")
		id := key{clean(eco), clean(a.Package)}
		if releases[id]++; releases[id] == 1 {
			order = append(order, id)
		}
		if text := clean(affected(a)); !slices.Contains(said[id], text) {
			said[id] = append(said[id], text)
		}
	}
	touched := map[string]bool{}
	for _, f := range k.Touches {
		if f.Vuln != nil {
			touched[f.Vuln.Name] = true
		}
	}
	sorting.By(order, func(a, b key) int {
		switch {
		case touched[a.name] == touched[b.name]:
			return 0
		case touched[a.name]:
			return -1
		}
		return 1
	})
	var rows [][]string
	for _, id := range order[:min(len(order), affectsShown)] {
		const most = 3
		what := strings.Join(said[id][:min(len(said[id]), most)], ", ")
		if n := len(said[id]) - most; n > 0 {
			what += fmt.Sprintf(" … %d more", n)
		}
		in := ""
		if n := releases[id]; n > 1 {
			in = fmt.Sprintf("%d releases", n)
		}
		rows = append(rows, []string{id.ecosystem, id.name, in, what})
	}
	if len(rows) == 0 {
		return
	}
	p.line("")
	p.table(2, []string{"ECOSYSTEM", "~PACKAGE", "", "AFFECTED"}, rows)
	if n := len(order) - affectsShown; n > 0 {
		p.line("  %s", p.paint(dim, "… and "+finding.Count(n, "package")+" more; --format json has all, with their advisories"))
	}
}

func (p *page) touches(k *check.Known) {
	if k.Last == nil {
		p.line("Nothing has been scanned yet; %s says whether the image that you built last is touched", p.paint(command, p.opt.Program+" cves"))
		return
	}
	if len(k.Touches) == 0 {
		p.line("%s", p.paint(good, "Touches nothing in "+k.Last.Name+", the last target scanned"))
		return
	}
	p.line("%s %s, the last target scanned:", p.paint(heading, "Touches"), k.Last.Name)
	var rows [][]string
	for _, f := range k.Touches {
		if f.Vuln == nil {
			continue
		}
		note := ""
		if f.Suppressed != nil {
			note = p.paint(dim, "suppressed: "+f.Suppressed.Reason)
		}
		name := f.Vuln.Name + " " + f.Vuln.Version
		rows = append(rows, []string{p.rated(f.Severity), name, p.fixed(f.Vuln), place(f), note})
	}
	p.table(2, []string{"", "~", "~", "~", "+"}, rows)
}

// affected is an advisory's ranges as people write them: ">=1.0 <1.2.3".
func affected(a vuln.Advisory) string {
	if a.Withdrawn {
		return "withdrawn by " + a.Source
	}
	var parts []string
	for _, r := range a.Ranges {
		var one []string
		for _, e := range r.Events {
			switch {
			case e.Introduced == "0", e.Introduced == "" && e.Fixed == "" && e.LastAffected == "" && e.Limit == "":
			case e.Introduced != "":
				one = append(one, ">="+e.Introduced)
			case e.Fixed == "0":
				one = append(one, "not affected")
			case e.Fixed != "":
				one = append(one, "<"+e.Fixed)
			case e.LastAffected != "":
				one = append(one, "<="+e.LastAffected)
			case e.Limit != "":
				one = append(one, "<"+e.Limit)
			}
		}
		parts = append(parts, cmp.Or(strings.Join(one, " "), "every version"))
	}
	if n := len(a.Versions); n > 0 && len(parts) == 0 {
		parts = append(parts, strings.Join(a.Versions[:min(3, n)], ", "))
		if n > 3 {
			parts = append(parts, fmt.Sprintf("and %d more", n-3))
		}
	}
	return strings.Join(slices.Compact(parts), ", ")
}

func docKnown(k *check.Known) DocKnown {
	d := DocKnown{
		Schema: Schema, ID: k.ID, Title: k.Meta.Title, TitleBy: k.Meta.TitleBy, Rejected: k.Meta.Rejected, Aliases: append([]string{}, k.Aliases...), CVSS: []DocCVSS{},
		KEV: k.Meta.KEV, KEVAdded: k.Meta.KEVAdded, Advisories: []DocAdvisory{}, Touches: []DocFinding{},
	}
	for _, v := range k.Meta.CVSS {
		d.CVSS = append(d.CVSS, DocCVSS(v))
	}
	if e := k.Meta.EPSS; e.Date != "" {
		d.EPSS = &DocEPSS{Score: e.Score, Percentile: e.Percentile, Date: e.Date}
	}
	for _, a := range k.Advisories {
		da := DocAdvisory{ID: a.ID, Source: a.Source, Ecosystem: a.Ecosystem, Package: a.Package, Affected: affected(a), Fixed: []string{}, NoFix: a.NoFix, URL: a.URL}
		for _, r := range a.Ranges {
			for _, e := range r.Events {
				if e.Fixed != "" && e.Fixed != "0" {
					da.Fixed = append(da.Fixed, e.Fixed)
				}
			}
		}
		d.Advisories = append(d.Advisories, da)
	}
	for _, f := range k.Touches {
		d.Touches = append(d.Touches, docFinding(f, 0))
	}
	return d
}
