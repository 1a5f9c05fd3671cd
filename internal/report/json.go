package report

import (
	"io"
	"iter"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
	"github.com/drydock-dev/drydock/internal/policy/admission"
)

// Schema names the JSON contract's version.
const Schema = "drydock/v1"

// Document is the JSON report. Fields are only ever added.
type Document struct {
	Schema    string               `json:"schema"`
	Tool      DocTool              `json:"tool"`
	Subjects  []DocSubject         `json:"subjects"`
	Database  DocDatabase          `json:"database"`
	Findings  []DocFinding         `json:"findings"`
	Unknown   []DocUnknown         `json:"unknown"`
	Coverage  []DocCoverage        `json:"coverage,omitempty"`
	Bases     []DocKnownBase       `json:"bases,omitempty"`
	Support   []DocSupport         `json:"support,omitempty"`
	Undecided []DocUndecided       `json:"undecided,omitempty"`
	Warnings  []string             `json:"warnings,omitempty"`
	Card      []DocRow             `json:"card,omitempty"`
	Images    []DocImage           `json:"images,omitempty"`
	Decisions []admission.Decision `json:"decisions,omitempty"`
	Policies  []admission.Health   `json:"policies,omitempty"`
	Benchmark *DocBenchmark        `json:"benchmark,omitempty"`
	Summary   map[string]int       `json:"summary"`
}

// DocTool is who wrote the report.
type DocTool struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}

// DocSubject is what findings are about; they refer to it by its index.
type DocSubject struct {
	Kind   finding.SubjectKind `json:"kind"`
	Name   string              `json:"name"`
	Digest finding.Digest      `json:"digest,omitempty"`
}

// DocDatabase is the advisory data that was used: dates by source.
type DocDatabase struct {
	Date     string            `json:"date,omitempty"`
	Embedded bool              `json:"embedded"`
	Sources  map[string]string `json:"sources"`
}

// DocFinding is one finding. ID to InBase are there for vuln/ rules.
type DocFinding struct {
	Subject     int              `json:"subject"`
	Rule        finding.RuleID   `json:"rule"`
	Aliases     []string         `json:"aliases"`
	Key         string           `json:"key"`
	Practice    finding.Practice `json:"practice"`
	Severity    finding.Severity `json:"severity"`
	Message     string           `json:"message"`
	Fingerprint string           `json:"fingerprint"`
	ID          string           `json:"id,omitempty"`
	Title       string           `json:"title,omitempty"`
	TitleBy     string           `json:"titleSource,omitempty"`
	Package     string           `json:"package,omitempty"`
	FixedIn     *string          `json:"fixedIn,omitempty"` // "": no fix
	NoFix       string           `json:"noFix,omitempty"`
	CVSS        *DocCVSS         `json:"cvss,omitempty"`
	SeverityBy  string           `json:"severitySource,omitempty"`
	Unrated     string           `json:"unrated,omitempty"` // why there is no severity, where a source says
	EPSS        *DocEPSS         `json:"epss,omitempty"`
	KEV         *bool            `json:"kev,omitempty"`
	InBase      *bool            `json:"inBase,omitempty"`
	Dev         bool             `json:"dev,omitempty"`       // a development dependency
	Via         []string         `json:"via,omitempty"`       // the direct dependencies that bring the package
	Path        []string         `json:"path,omitempty"`      // the shortest way to it, from the project
	Use         *DocUse          `json:"use,omitempty"`       // of the package, while a container was watched
	Unshipped   string           `json:"unshipped,omitempty"` // what of a project it is in that no image holds
	Suppressed  *DocSuppression  `json:"suppressed"`
	At          []DocLocation    `json:"at"`
	Evidence    []DocEvidence    `json:"evidence"`
	Fixes       []DocFix         `json:"fixes"`
}

// DocUse is whether a package was in use: "used", "untouched", "unknown".
type DocUse struct {
	Status   finding.UseStatus `json:"status"`
	Path     string            `json:"path,omitempty"` // a file of it that was used
	Why      string            `json:"why,omitempty"`  // it is unknown
	Watched  string            `json:"watched"`        // for how long and how
	Complete bool              `json:"complete"`       // nothing was lost while it was watched
}

// DocCVSS is a vector, its base score and its source.
type DocCVSS struct {
	Vector string  `json:"vector"`
	Score  float64 `json:"score"`
	Source string  `json:"source"`
}

// DocEPSS is an exploit probability and its date.
type DocEPSS struct {
	Score      float64 `json:"score"`
	Percentile float64 `json:"percentile,omitempty"`
	Date       string  `json:"date"`
}

// DocSuppression is why a finding does not count.
type DocSuppression struct {
	By     string `json:"by"`
	Source string `json:"source,omitempty"`
	Reason string `json:"reason"`
}

// DocLocation is one place.
type DocLocation struct {
	Layer     finding.Digest `json:"layer,omitempty"`
	Path      string         `json:"path,omitempty"`
	Config    string         `json:"config,omitempty"`
	Container string         `json:"container,omitempty"`
	Source    *DocSpan       `json:"source,omitempty"`
}

// DocSpan is a range of a file: line and column from 1, byte offsets from 0.
type DocSpan struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Start  int    `json:"start"`
	End    int    `json:"end"`
}

// DocEvidence is one reason.
type DocEvidence struct {
	Kind string `json:"kind"`
	Text string `json:"text"`
	URL  string `json:"url,omitempty"`
}

// DocFix is what can be done, and how far it has been proved.
type DocFix struct {
	Title  string         `json:"title"`
	Safety finding.Safety `json:"safety"`
	Proof  finding.Proof  `json:"proof"`
	// Offer: the fix is a decision of its own (a new release of a base), which
	// --unsafe applies only where its rule is named.
	Offer bool      `json:"offer,omitempty"`
	Edits []DocEdit `json:"edits"`
}

// DocEdit replaces bytes Start to End of the file whose digest is Base.
type DocEdit struct {
	File  string         `json:"file"`
	Base  finding.Digest `json:"base"`
	Start int            `json:"start"`
	End   int            `json:"end"`
	New   string         `json:"new"`
}

// DocUnknown is what could not be told.
type DocUnknown struct {
	Subject int    `json:"subject"`
	What    string `json:"what"`
	Why     string `json:"why"`
	Beyond  bool   `json:"beyond,omitempty"` // beyond what was asked: no reason to fail
}

// DocUndecided is a term of the filter that findings have no value for.
type DocUndecided struct {
	Filter string `json:"filter"` // the flag's name: "epss-score"
	Lacks  string `json:"lacks"`
	Count  int    `json:"count"`
	Kept   bool   `json:"kept"`
}

// DocRow is a practice's line on the card.
type DocRow struct {
	Practice finding.Practice `json:"practice"`
	Grade    string           `json:"grade,omitempty"`
	Reasons  []string         `json:"reasons"`
}

// JSON writes res as a [Document], finding by finding.
func JSON(w io.Writer, res *check.Result, opt Options) error {
	d := aboutFindings(res, opt)
	return jsonstream.Write(w, jsonstream.Value{V: &d, Lists: jsonstream.Lists{"findings": jsonstream.Map(docFindings(res), same)}})
}

func same[T any](v T) T { return v }

// NewDocument is res in the contract's form.
func NewDocument(res *check.Result, opt Options) Document {
	d := aboutFindings(res, opt)
	d.Findings = slices.AppendSeq(make([]DocFinding, 0, len(res.Findings)), docFindings(res))
	return d
}

func docFindings(res *check.Result) iter.Seq[DocFinding] {
	places := make(map[finding.Subject]int, len(res.Subjects))
	for i, s := range slices.Backward(res.Subjects) {
		places[s] = i
	}
	return func(yield func(DocFinding) bool) {
		for i := range res.Findings {
			if f := &res.Findings[i]; !yield(docFinding(*f, places[f.Subject])) {
				return
			}
		}
	}
}

// aboutFindings is the document without its findings.
func aboutFindings(res *check.Result, opt Options) Document {
	d := Document{
		Schema:   Schema,
		Tool:     DocTool{Name: "drydock", Version: opt.Tool},
		Subjects: []DocSubject{},
		Database: DocDatabase{Date: day(res.Database.Date), Embedded: res.Database.Embedded, Sources: map[string]string{}},
		Findings: []DocFinding{},
		Unknown:  []DocUnknown{},
		Warnings: res.Warnings,
		Summary:  map[string]int{},
	}
	for name, t := range res.Database.Sources {
		d.Database.Sources[name] = day(t)
	}
	for _, s := range res.Subjects {
		d.Subjects = append(d.Subjects, DocSubject(s))
	}
	t := tallyOf(res.Findings, nil)
	for _, s := range finding.Severities() {
		d.Summary[s.String()] = t[s]
	}
	for _, u := range res.Unknown {
		d.Unknown = append(d.Unknown, DocUnknown{Subject: subjectIndex(res.Subjects, u.Subject), What: u.What, Why: u.Why, Beyond: u.Beyond})
	}
	for _, u := range res.Undecided {
		d.Undecided = append(d.Undecided, DocUndecided{Filter: u.Term, Lacks: u.Lacks, Count: u.Count, Kept: u.Kept})
	}
	for _, c := range res.Coverage {
		d.Coverage = append(d.Coverage, docCoverage(c, subjectIndex(res.Subjects, c.Subject)))
	}
	d.Bases, d.Support = docKnownBases(res), docSupports(res)
	for _, r := range res.Card {
		d.Card = append(d.Card, DocRow{Practice: r.Practice, Grade: r.Grade, Reasons: append([]string{}, r.Reasons...)})
	}
	for _, t := range res.Targets {
		if t.Scan != nil {
			d.Images = append(d.Images, docImage(t, subjectIndex(res.Subjects, t.Subject)))
		}
	}
	d.Decisions, d.Policies, d.Benchmark = res.Decisions, res.Health, docBenchmark(res)
	return d
}

// subjectIndex is s's place among the subjects; what names no subject is about
// the first.
func subjectIndex(all []finding.Subject, s finding.Subject) int {
	return max(0, slices.Index(all, s))
}

func docFinding(f finding.Finding, subject int) DocFinding {
	d := DocFinding{
		Subject: subject, Rule: f.Rule, Aliases: append([]string{}, f.Aliases...), Key: f.Key, Practice: f.Practice,
		Severity: f.Severity, Message: f.Message, Fingerprint: f.Fingerprint(),
		At: []DocLocation{}, Evidence: []DocEvidence{}, Fixes: []DocFix{}, Unshipped: f.Unshipped,
	}
	if v := f.Vuln; v != nil {
		d.Aliases = append(d.Aliases, v.Aliases...)
		d.Title, d.TitleBy = v.Title, v.TitleSource
		d.ID, d.Package, d.FixedIn, d.NoFix, d.SeverityBy = v.ID, v.Package, &v.FixedIn, v.NoFix, v.SeveritySource
		d.Unrated = v.Unrated
		d.KEV, d.InBase, d.Dev, d.Via, d.Path = &v.KEV, v.InBase, v.Dev, v.Via, v.Path
		if u := v.Use; u.Status != "" {
			d.Use = &DocUse{Status: u.Status, Path: u.Path, Why: u.Why, Watched: u.How, Complete: u.Complete}
		}
		if v.CVSS.Vector != "" || v.CVSS.Score > 0 {
			d.CVSS = &DocCVSS{Vector: v.CVSS.Vector, Score: v.CVSS.Score, Source: v.CVSS.Source}
		}
		if v.EPSS.Date != "" {
			d.EPSS = &DocEPSS{Score: v.EPSS.Score, Percentile: v.EPSS.Percentile, Date: v.EPSS.Date}
		}
	}
	if s := f.Suppressed; s != nil {
		d.Suppressed = &DocSuppression{By: s.By, Source: s.Source, Reason: s.Reason}
	}
	for _, l := range f.At {
		at := DocLocation{Layer: l.Layer, Path: l.Path, Config: l.Config, Container: l.Container}
		if s := l.Source; s != nil {
			at.Source = &DocSpan{File: s.File, Line: s.Line, Column: s.Column, Start: s.Start, End: s.End}
		}
		d.At = append(d.At, at)
	}
	for _, e := range f.Evidence {
		d.Evidence = append(d.Evidence, DocEvidence{Kind: string(e.Kind), Text: e.Text, URL: e.URL})
	}
	for _, x := range f.Fixes {
		d.Fixes = append(d.Fixes, docFix(x))
	}
	return d
}

func docFix(x finding.Fix) DocFix {
	d := DocFix{Title: x.Title, Safety: x.Safety, Proof: x.Proof, Offer: x.Offer != "", Edits: []DocEdit{}}
	for _, e := range x.Edits {
		d.Edits = append(d.Edits, DocEdit(e))
	}
	return d
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
