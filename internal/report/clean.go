package report

import (
	"io"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Clean is foreign text as people may be shown it, on one line: white space is
// a space, and what a terminal or a browser would act on instead of showing
// (control characters, changes of direction, invisible ones, bytes that are not
// UTF-8) is U+FFFD. What is clean already is returned as it is.
func Clean(s string) string {
	i := 0
	for i < len(s) && s[i] >= ' ' && s[i] < 0x7f {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 8)
	b.WriteString(s[:i])
	for _, r := range s[i:] {
		b.WriteRune(shown(r))
	}
	return b.String()
}

// shown is the rune that stands for r.
func shown(r rune) rune {
	switch {
	case unicode.IsSpace(r), unicode.Is(unicode.Zl, r), unicode.Is(unicode.Zp, r):
		return ' '
	case unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r):
		return utf8.RuneError
	}
	return r
}

// clean is short for Clean within the package's many uses of it.
func clean(s string) string { return Clean(s) }

// cleanAll is clean of each; the slice itself is left alone.
func cleanAll(in []string) []string {
	if in == nil {
		return nil
	}
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = clean(s)
	}
	return out
}

// cut is s with at most n runes, the last of them an ellipsis where it was longer.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := range s {
		if n--; n < 0 {
			_, last := utf8.DecodeLastRuneInString(s[:i])
			return s[:i-last] + "…"
		}
	}
	return s
}

// webURL is a link that may be put where people click: absolute, http or
// https, in plain characters. Anything else is empty.
func webURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(s) > 2048 {
		return ""
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte("\"'<>`()[]{}|\\^", c) >= 0 {
			return ""
		}
	}
	return s
}

// forPeople makes a format of one that takes foreign text as it comes: all that
// a result says is cleaned first, and of what a terminal acts on only colours
// are let through, where they are wanted.
func forPeople(print writer) writer {
	return func(w io.Writer, res *check.Result, opt Options) error {
		g := newGuard(w, opt)
		if err := print(g, cleanResult(res), opt); err != nil {
			return err
		}
		return g.flush()
	}
}

// cleanResult is a copy of res without anything that a terminal would act on.
// What an image's layers hold (paths, history) is shared with res and is as it was.
func cleanResult(res *check.Result) *check.Result {
	out := *res
	out.Subjects, out.Findings = nil, cleanFindings(res.Findings)
	for _, s := range res.Subjects {
		out.Subjects = append(out.Subjects, cleanSubject(s))
	}
	out.Coverage = cleanCoverage(res.Coverage)
	out.Support = append([]check.Support{}, res.Support...)
	for i := range out.Support {
		out.Support[i].Subject = cleanSubject(out.Support[i].Subject)
	}
	out.Unknown = append([]finding.Unknown{}, res.Unknown...)
	for i, u := range out.Unknown {
		out.Unknown[i] = finding.Unknown{Subject: cleanSubject(u.Subject), What: clean(u.What), Why: clean(u.Why), Beyond: u.Beyond}
	}
	out.Warnings = cleanAll(res.Warnings)
	out.Card = append([]check.Row{}, res.Card...)
	for i, r := range out.Card {
		out.Card[i].Grade, out.Card[i].Reasons = clean(r.Grade), cleanAll(r.Reasons)
	}
	out.Targets = append([]check.Target{}, res.Targets...)
	for i := range out.Targets {
		cleanTarget(&out.Targets[i])
	}
	return &out
}

func cleanTarget(t *check.Target) {
	t.Subject, t.From, t.Base = cleanSubject(t.Subject), cleanSpan(t.From), cleanBase(t.Base)
	if t.Inventory != nil {
		t.Inventory = cleanInventory(t.Inventory)
	}
	if t.Spans != nil {
		spans := make(map[finding.Digest]*finding.Span, len(t.Spans))
		for d, s := range t.Spans {
			spans[d] = cleanSpan(s)
		}
		t.Spans = spans
	}
}

func cleanBase(b *base.Base) *base.Base {
	if b == nil {
		return nil
	}
	out := *b
	out.Ref = clean(b.Ref)
	return &out
}

func cleanInventory(inv *sbom.Inventory) *sbom.Inventory {
	out := *inv
	out.Subject = cleanSubject(inv.Subject)
	if inv.Distro != nil {
		d := *inv.Distro
		d.ID, d.VersionID, d.Codename, d.PrettyName = clean(d.ID), clean(d.VersionID), clean(d.Codename), clean(d.PrettyName)
		out.Distro = &d
	}
	out.Packages = append([]sbom.Package{}, inv.Packages...)
	for i := range out.Packages {
		p := &out.Packages[i]
		p.Type, p.Namespace, p.Name, p.Version, p.Owner = clean(p.Type), clean(p.Namespace), clean(p.Name), clean(p.Version), clean(p.Owner)
		p.Licenses = cleanAll(p.Licenses)
	}
	out.Components = append([]sbom.Component{}, inv.Components...)
	for i := range out.Components {
		c := &out.Components[i]
		c.Name, c.Version, c.Path, c.Folder = clean(c.Name), clean(c.Version), clean(c.Path), clean(c.Folder)
	}
	return &out
}

func cleanSubject(s finding.Subject) finding.Subject {
	return finding.Subject{Kind: finding.SubjectKind(clean(string(s.Kind))), Name: clean(s.Name), Digest: finding.Digest(clean(string(s.Digest)))}
}

func cleanSpan(s *finding.Span) *finding.Span {
	if s == nil {
		return nil
	}
	out := *s
	out.File = clean(s.File)
	return &out
}

func cleanFindings(in []finding.Finding) []finding.Finding {
	out := make([]finding.Finding, len(in))
	for i, f := range in {
		f.Rule, f.Key, f.Message, f.Subject = finding.RuleID(clean(string(f.Rule))), clean(f.Key), clean(f.Message), cleanSubject(f.Subject)
		f.Practice, f.Aliases = finding.Practice(clean(string(f.Practice))), cleanAll(f.Aliases)
		f.At = append([]finding.Location{}, f.At...)
		for j, l := range f.At {
			f.At[j] = finding.Location{
				Source: cleanSpan(l.Source), Layer: finding.Digest(clean(string(l.Layer))),
				Path: clean(l.Path), Config: clean(l.Config), Container: clean(l.Container),
			}
		}
		f.Evidence = append([]finding.Evidence{}, f.Evidence...)
		for j, e := range f.Evidence {
			f.Evidence[j] = finding.Evidence{Kind: finding.EvidenceKind(clean(string(e.Kind))), Text: clean(e.Text), URL: webURL(e.URL)}
		}
		f.Fixes = append([]finding.Fix{}, f.Fixes...)
		for j := range f.Fixes {
			f.Fixes[j].Title = clean(f.Fixes[j].Title)
		}
		if s := f.Suppressed; s != nil {
			f.Suppressed = &finding.Suppression{By: clean(s.By), Source: clean(s.Source), Reason: clean(s.Reason)}
		}
		f.Vuln = cleanVuln(f.Vuln)
		out[i] = f
	}
	return out
}

func cleanVuln(v *finding.Vuln) *finding.Vuln {
	if v == nil {
		return nil
	}
	c := *v
	c.Via, c.Path = cleanAll(v.Via), cleanAll(v.Path)
	c.ID, c.Package, c.Name, c.Version, c.PackageType = clean(v.ID), clean(v.Package), clean(v.Name), clean(v.Version), clean(v.PackageType)
	c.Title, c.TitleSource = clean(v.Title), clean(v.TitleSource)
	c.Unrated = clean(v.Unrated)
	c.FixedIn, c.NoFix, c.SeveritySource, c.Aliases, c.URL = clean(v.FixedIn), clean(v.NoFix), clean(v.SeveritySource), cleanAll(v.Aliases), webURL(v.URL)
	c.CVSS.Vector, c.CVSS.Source, c.EPSS.Date, c.KEVAdded = clean(v.CVSS.Vector), clean(v.CVSS.Source), clean(v.EPSS.Date), clean(v.KEVAdded)
	return &c
}
