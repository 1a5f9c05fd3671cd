package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

//go:embed page.html
var pageHTML string

//go:embed page.js
var pageJS string

type htmlPage struct {
	Title      string
	Now        string
	Doc        Document
	Subjects   []htmlSubject
	Card       []htmlPractice
	Looked     bool // something was looked at
	Counting   []htmlRow
	Suppressed []htmlRow
	Images     []htmlImage
	Coverage   []string
	Data       string
	Script     template.JS
	ScriptHash string
}

type htmlSubject struct {
	finding.Subject
	Counts  []htmlCount // those that are not zero
	Nothing string      // what is said where there are none
}

type htmlCount struct {
	Severity finding.Severity
	N        int
}

type htmlPractice struct {
	Name, Grade string
	Reasons     []string
}

type htmlRow struct {
	Severity                          finding.Severity
	Name, Package, URL, Detail, Where string
	Fix, By, Reason                   string
	Fixed, KEV                        bool
}

type htmlImage struct {
	Name, Platform, Base, Efficiency, Wasted, Reclaimable, Size string
	Count                                                       string // "7 layers"
	Layers                                                      []htmlLayer
}

type htmlLayer struct {
	Size, Wasted, CreatedBy string
}

// HTML writes res as one page that needs nothing beside it and loads nothing:
// its policy allows its own script by hash, and no other.
func HTML(w io.Writer, res *check.Result, opt Options) error {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return fmt.Errorf("parse the page: %w", err)
	}
	hash := sha256.Sum256([]byte(pageJS))
	p := htmlPage{
		Title: "Report", Now: opt.Now.UTC().Format(time.DateOnly), Doc: NewDocument(res, opt),
		// The script is this package's own file, in which nothing is filled in.
		Script: template.JS(pageJS), ScriptHash: "sha256-" + base64.StdEncoding.EncodeToString(hash[:]), //nolint:gosec // see above
	}
	if len(res.Subjects) > 0 {
		p.Title = clean(res.Title(res.Subjects[0]))
	}
	if len(res.Database.Sources) > 0 {
		p.Data = dataLine(res.Database)
	}
	for _, s := range res.Subjects {
		tl := tallyOf(res.Findings, func(f finding.Finding) bool { return f.Subject == s })
		hs := htmlSubject{Subject: s, Nothing: nothing(res, s)}
		hs.Name = clean(res.Title(s))
		for _, sev := range finding.Severities() {
			if tl[sev] > 0 {
				hs.Counts = append(hs.Counts, htmlCount{sev, tl[sev]})
			}
		}
		p.Subjects, p.Looked = append(p.Subjects, hs), p.Looked || hs.Nothing != notLooked
	}
	for i, u := range res.Unknown {
		p.Doc.Unknown[i].What = about(res, u.Subject) + u.What
	}
	p.Coverage = coverageLines(res)
	for _, r := range res.Card {
		p.Card = append(p.Card, htmlPractice{strings.TrimSpace(practiceName(r.Practice)), r.Grade, r.Reasons})
	}
	for _, f := range res.Findings {
		row := htmlRowOf(f, where(res, f))
		if f.Suppressed != nil {
			row.By, row.Reason = f.Suppressed.By, f.Suppressed.Reason+source(f.Suppressed)
			p.Suppressed = append(p.Suppressed, row)
		} else {
			p.Counting = append(p.Counting, row)
		}
	}
	for _, t := range res.Targets {
		if t.Scan != nil {
			p.Images = append(p.Images, htmlImageOf(docImage(t, 0), t.Subject.Name))
		}
	}
	return t.Execute(w, p)
}

func htmlRowOf(f finding.Finding, where string) htmlRow {
	row := htmlRow{Severity: f.Severity, Name: string(f.Rule), Detail: f.Message, Where: where}
	for _, x := range f.Fixes {
		row.Fix = x.Title
		break
	}
	v := f.Vuln
	if v == nil {
		return row
	}
	row.Name, row.Package, row.URL, row.KEV, row.Fixed = v.ID, v.Name+" "+v.Version, webURL(v.URL), v.KEV, v.FixedIn != ""
	var facts []string
	if b := presence(v); b != "" {
		facts = append(facts, b)
	}
	if v.Title != "" {
		facts = append(facts, v.Title+" ("+credit(v.TitleSource)+")")
	}
	if v.CVSS.Score > 0 {
		facts = append(facts, strings.TrimSpace(fmt.Sprintf("CVSS %.1f %s", v.CVSS.Score, v.CVSS.Source)))
	}
	if v.SeveritySource != "" && v.SeveritySource != v.CVSS.Source {
		facts = append(facts, "severity by "+v.SeveritySource)
	}
	if v.Unrated != "" {
		facts = append(facts, v.Unrated)
	}
	if v.EPSS.Score >= 0.01 {
		facts = append(facts, fmt.Sprintf("EPSS %.0f%%", 100*v.EPSS.Score))
	}
	row.Detail = strings.Join(facts, " · ")
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

func htmlImageOf(d DocImage, name string) htmlImage {
	im := htmlImage{
		Name: name, Platform: d.Platform, Base: d.Base, Efficiency: fmt.Sprintf("%.1f%%", 100*d.Efficiency),
		Wasted: Bytes(d.Wasted), Reclaimable: Bytes(d.Reclaimable), Size: Bytes(d.Size), Count: finding.Count(len(d.Layers), "layer"),
	}
	for _, l := range d.Layers {
		im.Layers = append(im.Layers, htmlLayer{Bytes(l.Size), Bytes(l.Wasted), clean(l.CreatedBy)})
	}
	return im
}
