package report

import (
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/recommend"
)

// DocRecommendation is the JSON of a recommendation. Numbers that are not known
// are absent.
type DocRecommendation struct {
	Schema    string         `json:"schema"`
	Tool      DocTool        `json:"tool"`
	Subject   *DocSubject    `json:"subject,omitempty"`
	Database  DocDatabase    `json:"database"`
	Knowledge DocKnowledge   `json:"knowledge"`
	Bases     []DocBase      `json:"bases"`
	Findings  []DocFinding   `json:"findings"`
	Unknown   []DocUnknown   `json:"unknown"`
	Warnings  []string       `json:"warnings,omitempty"`
	Summary   map[string]int `json:"summary"`
}

// DocKnowledge says from when it is what the advice rests on.
type DocKnowledge struct {
	AsOf       string `json:"asOf,omitempty"`
	Library    string `json:"library"`   // month of the list of official images
	EndOfLife  string `json:"endOfLife"` // day of the end-of-life dates
	Registries bool   `json:"registries"`
}

// DocBase is one base and what could take its place.
type DocBase struct {
	Ref       string      `json:"ref"`
	By        string      `json:"by"`
	Stage     string      `json:"stage,omitempty"`
	Source    *DocSpan    `json:"source,omitempty"`
	Publisher string      `json:"publisher"`
	Channel   string      `json:"channel,omitempty"`
	Release   string      `json:"release,omitempty"`
	EOL       string      `json:"eol,omitempty"`
	Supported *bool       `json:"supported,omitempty"`
	Tag       string      `json:"tag,omitempty"` // as the list of official images has it: "built", "superseded", "unlisted", "gone"
	Today     DocHeld     `json:"today"`
	Options   []DocOption `json:"options"`
}

// DocHeld is what an image holds.
type DocHeld struct {
	Size            *int64         `json:"size,omitempty"`       // bytes, uncompressed
	Compressed      *int64         `json:"compressed,omitempty"` // bytes
	Packages        *int           `json:"packages,omitempty"`
	Vulnerabilities map[string]int `json:"vulnerabilities,omitempty"`
	From            string         `json:"from,omitempty"`
	At              string         `json:"at,omitempty"`
}

// DocOption is an image that could take the base's place.
type DocOption struct {
	Ref         string     `json:"ref"`
	Digest      string     `json:"digest,omitempty"`
	Group       base.Group `json:"group"`
	Recommended bool       `json:"recommended"`
	Assessed    bool       `json:"assessed"` // whether its vulnerabilities are known: one that is not assessed is not recommended
	Channel     string     `json:"channel,omitempty"`
	Release     string     `json:"release,omitempty"`
	EOL         string     `json:"eol,omitempty"`
	Listed      bool       `json:"listed"`
	DocHeld
	Why       []string  `json:"why"`
	Against   []string  `json:"against"`
	Check     []string  `json:"check"`
	TakesAway []DocVuln `json:"takesAway"`
	BringsIn  []DocVuln `json:"bringsIn"`
	Beside    string    `json:"beside,omitempty"` // what bringsIn is measured against
	Fix       *DocFix   `json:"fix,omitempty"`
}

// DocVuln is a vulnerability in a package.
type DocVuln struct {
	ID       string           `json:"id"`
	Package  string           `json:"package"`
	Severity finding.Severity `json:"severity"`
}

// Recommendation is what could stand in place of a target's bases as JSON has it.
func Recommendation(rec *recommend.Result, opt Options) DocRecommendation {
	whole := NewDocument(&rec.Result, opt)
	d := DocRecommendation{
		Schema: Schema, Tool: whole.Tool, Database: whole.Database, Findings: whole.Findings, Unknown: whole.Unknown,
		Warnings: whole.Warnings, Summary: whole.Summary, Bases: []DocBase{},
		Knowledge: DocKnowledge{AsOf: day(rec.AsOf), Library: base.LibraryDate(), EndOfLife: day(base.Date()), Registries: rec.Network},
	}
	if len(whole.Subjects) > 0 {
		d.Subject = &whole.Subjects[0]
	}
	for i := range rec.Places {
		d.Bases = append(d.Bases, docBase(&rec.Places[i]))
	}
	return d
}

func docBase(pl *recommend.Place) DocBase {
	a := pl.Advice
	b := DocBase{
		Ref: a.Ref, By: pl.Base.By, Stage: pl.Stage, Publisher: pl.Publisher.Kind, Channel: a.Channel,
		Release: release(a.Release), EOL: day(a.Release.EOL), Today: docHeld(a.Seen), Options: []DocOption{},
	}
	if s := pl.At; s != nil {
		b.Source = &DocSpan{File: s.File, Line: s.Line, Column: s.Column, Start: s.Start, End: s.End}
	}
	if a.Release.Cycle != "" {
		yes := !a.Release.Ended(a.Now)
		b.Supported = &yes
	}
	b.Tag, _ = a.Status()
	for i := range a.Options {
		o := &a.Options[i]
		x := DocOption{
			Ref: o.Ref, Digest: string(o.Digest), Group: o.Group, Recommended: o.Recommended && o.Assessed(), Assessed: o.Assessed(), Channel: o.Channel, Release: release(o.Release),
			EOL: day(o.Release.EOL), Listed: o.Listed, DocHeld: docHeld(o.Seen), Beside: o.Beside,
			Why: append([]string{}, o.Why...), Against: append([]string{}, o.Against...), Check: append([]string{}, o.Check...),
			TakesAway: docVulns(o.TakesAway), BringsIn: docVulns(o.BringsIn),
		}
		if i < len(pl.Fixes) && pl.Fixes[i] != nil {
			fix := docFix(*pl.Fixes[i])
			x.Fix = &fix
		}
		b.Options = append(b.Options, x)
	}
	return b
}

func release(s base.Support) string {
	if s.Cycle == "" {
		return ""
	}
	return s.Name()
}

func docVulns(in []base.Vuln) []DocVuln {
	out := make([]DocVuln, 0, len(in))
	for _, v := range in {
		out = append(out, DocVuln(v))
	}
	return out
}

func docHeld(s *base.Seen) DocHeld {
	if s == nil {
		return DocHeld{}
	}
	d := DocHeld{From: s.From, At: day(s.At)}
	if s.Size > 0 {
		d.Size = &s.Size
	}
	if s.Compressed > 0 {
		d.Compressed = &s.Compressed
	}
	if s.Packages >= 0 {
		d.Packages = &s.Packages
	}
	if s.Found != nil {
		d.Vulnerabilities = map[string]int{}
		for _, sev := range finding.Severities() {
			d.Vulnerabilities[sev.String()] = s.Count(sev)
		}
	}
	return d
}

// recommendMarkdown is a table a base, and the reasons for the best options.
func recommendMarkdown(rec *recommend.Result) string {
	var b strings.Builder
	for i := range rec.Places {
		b.WriteString(placeMarkdown(&rec.Places[i]))
	}
	if len(rec.Places) > 0 {
		b.WriteString("\n" + cell(knowledge(rec)) + "\n")
	}
	return b.String() + markdownUnknown(&rec.Result)
}

func placeMarkdown(pl *recommend.Place) string {
	a := pl.Advice
	var b strings.Builder
	fmt.Fprintf(&b, "**%s**: %s, %s\n\n", cell(a.Ref), cell(publisher(pl.Publisher)), cell(foundBy(pl)))
	for _, s := range standing(a) {
		fmt.Fprintf(&b, "- %s\n", cell(s))
	}
	rows := []string{markdownRow("today", a.Ref, a.Seen, "")}
	for i := range a.Options {
		o := &a.Options[i]
		verdict := string(o.Group)
		why := o.Why
		switch {
		case !o.Recommended:
			verdict, why = "not recommended", o.Against
		case !o.Assessed():
			verdict += ", not assessed"
		}
		rows = append(rows, markdownRow(verdict, o.Ref, o.Seen, strings.Join(why, "; ")))
	}
	b.WriteString("\n" + table("| | Image | Size | Packages | C | H | M | L | Why |\n|---|---|--:|--:|--:|--:|--:|--:|---|\n", rows, findingsShare))
	for _, g := range base.Groups() {
		o := a.Best(g)
		if o == nil || len(o.Check) == 0 {
			continue
		}
		fmt.Fprintf(&b, "Before %s, check:\n\n", cell(o.Ref))
		for _, c := range o.Check {
			fmt.Fprintf(&b, "- %s\n", cell(c))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func markdownRow(what, ref string, s *base.Seen, why string) string {
	size, packages, counts := "–", "–", []string{"–", "–", "–", "–"}
	if s != nil {
		switch {
		case s.Size > 0:
			size = Bytes(s.Size)
		case s.Compressed > 0:
			size = Bytes(s.Compressed) + " compressed"
		}
		packages = orDash(s.Packages)
		for i, sev := range finding.Severities()[:4] {
			if s.Found != nil {
				counts[i] = fmt.Sprint(s.Count(sev))
			}
		}
	}
	return row(append(append([]string{what, ref, size, packages}, counts...), why)...)
}
