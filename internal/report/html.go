package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

//go:embed page.html
var pageHTML string

type htmlPage struct {
	Title      string
	Now        string
	Doc        Document
	Severities []finding.Severity
	Subjects   []htmlSubject
	Counting   []htmlRow
	Suppressed []htmlRow
	Data       string
}

type htmlSubject struct {
	finding.Subject
	Counts []htmlCount
}

type htmlCount struct {
	Severity finding.Severity
	N        int
}

type htmlRow struct {
	Severity                          finding.Severity
	Name, Package, URL, Detail, Where string
	Fix, By, Reason                   string
	KEV                               bool
}

// HTML writes res as one page that needs nothing beside it.
func HTML(w io.Writer, res *check.Result, opt Options) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return err
	}
	p := htmlPage{Title: "report", Now: opt.Now.UTC().Format(time.DateOnly), Doc: NewDocument(res, opt), Severities: finding.Severities()}
	if len(res.Subjects) > 0 {
		p.Title = res.Subjects[0].Name
	}
	if len(res.Database.Sources) > 0 {
		p.Data = dataLine(res.Database)
	}
	for _, s := range res.Subjects {
		tl := tallyOf(res.Findings, func(f finding.Finding) bool { return f.Subject == s })
		hs := htmlSubject{Subject: s}
		for _, sev := range p.Severities {
			hs.Counts = append(hs.Counts, htmlCount{sev, tl[sev]})
		}
		p.Subjects = append(p.Subjects, hs)
	}
	for _, f := range res.Findings {
		row := htmlRowOf(f)
		if f.Suppressed != nil {
			row.By, row.Reason = f.Suppressed.By, f.Suppressed.Reason
			p.Suppressed = append(p.Suppressed, row)
		} else {
			p.Counting = append(p.Counting, row)
		}
	}
	return t.Execute(w, p)
}

func htmlRowOf(f finding.Finding) htmlRow {
	row := htmlRow{Severity: f.Severity, Name: string(f.Rule), Detail: f.Message, Where: place(f)}
	for _, x := range f.Fixes {
		row.Fix = x.Title
		break
	}
	v := f.Vuln
	if v == nil {
		return row
	}
	row.Name, row.Package, row.URL, row.KEV = v.ID, v.Name+" "+v.Version, v.URL, v.KEV
	row.Detail = string(f.Rule)
	if v.CVSS.Score > 0 {
		row.Detail = fmt.Sprintf("CVSS %.1f %s %s", v.CVSS.Score, v.CVSS.Source, v.CVSS.Vector)
	}
	switch {
	case v.FixedIn != "":
		row.Fix = v.FixedIn
	case v.NoFix != "":
		row.Fix = "none: " + v.NoFix
	default:
		row.Fix = "none"
	}
	return row
}
