package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/base"
	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/recommend"
)

// recommendation is one of nginx 1.20 and of node 21 as known in March 2024,
// with made-up vulnerabilities.
func recommendation(t *testing.T) *recommend.Result {
	t.Helper()
	asOf := time.Date(2024, 3, 31, 0, 0, 0, 0, time.UTC)
	rec := &recommend.Result{AsOf: asOf}
	file := finding.Subject{Kind: finding.KindDockerfile, Name: "Dockerfile"}
	rec.Subjects = []finding.Subject{file}
	rec.Database = check.Database{Date: now, Sources: map[string]time.Time{"Debian": now}, Embedded: true}
	rec.Unknown = []finding.Unknown{{Subject: file, What: "the base of stage lint", Why: `Dockerfile:9: "$BASE" is a build argument without a default`}}
	rec.Warnings = []string{"docker.io did not answer, so what it has is not known: no such host"}
	held := map[string]*base.Seen{}
	hold := func(ref string, size int64, packages int, found ...base.Vuln) {
		held[ref] = &base.Seen{Size: size, Compressed: size / 3, Packages: packages, Found: append([]base.Vuln{}, found...), From: "embedded catalogue", At: asOf}
	}
	v := func(id, pkg string, s finding.Severity) base.Vuln {
		return base.Vuln{ID: id, Package: pkg, Severity: s}
	}
	openssl, zlib, curl := v("CVE-1", "openssl", finding.Critical), v("CVE-2", "zlib", finding.Medium), v("CVE-3", "curl", finding.High)
	hold("nginx:1.20", 141_450_000, 143, openssl, curl, zlib)
	hold("nginx:1.24", 142_300_000, 143, zlib)
	hold("nginx:1.24-alpine-slim", 11_520_000, 20)
	hold("nginx:1.25.3", 186_730_000, 150, v("CVE-9", "aom", finding.Critical), zlib)
	held["nginx:1.24-alpine"] = &base.Seen{Size: -1, Compressed: 17_000_000, Packages: -1, From: "registry"}
	for i, ref := range []string{"nginx:1.20", "node:21.6-alpine3.18"} {
		a, err := base.Advise(base.Question{Ref: ref, Now: asOf, AsOf: asOf})
		if err != nil {
			t.Fatal(err)
		}
		a.Seen = held[ref]
		p := recommend.Place{
			Base: base.Base{Ref: ref, By: "dockerfile"}, Advice: a, Publisher: recommend.Publisher{Kind: "official"}, Subject: file,
			At: &finding.Span{File: "Dockerfile", Line: 3 + i, Column: 6, Start: 30, End: 40}, Stage: map[int]string{1: "build"}[i], Packages: []string{"line 4: apt-get"},
		}
		for n := range a.Options {
			a.Options[n].Seen = held[a.Options[n].Ref]
		}
		a.Judge()
		for n := range a.Options {
			p.Fixes = append(p.Fixes, &finding.Fix{Title: "Build on it", Edits: []finding.Edit{{File: "Dockerfile", Base: finding.DigestOf(nil), Start: 30, End: 40, New: a.Options[n].Ref}}})
		}
		rec.Places = append(rec.Places, p)
	}
	return rec
}

func recommended(t *testing.T, format string, rec *recommend.Result, opt Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := Recommend(&b, format, rec, opt); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestGoldenRecommend(t *testing.T) {
	opt := options()
	opt.Target = "Dockerfile"
	var all strings.Builder
	for _, width := range []int{80, 120} {
		opt.Width, opt.Color = width, false
		out := recommended(t, "text", recommendation(t), opt)
		fmt.Fprintf(&all, "--- %d columns\n%s", width, out)
		for line := range strings.Lines(out) {
			if n := len([]rune(strings.TrimSuffix(line, "\n"))); n > width && !strings.Contains(line, " → drydock ") {
				t.Errorf("%d columns in %d: %q", n, width, line)
			}
		}
		opt.Color = true
		coloured := recommended(t, "text", recommendation(t), opt)
		if !strings.Contains(coloured, "\x1b[") {
			t.Errorf("no colour at %d columns", width)
		}
		for _, c := range colours() {
			coloured = strings.ReplaceAll(coloured, c, "")
		}
		if d := cmp.Diff(out, coloured); d != "" {
			t.Errorf("%d columns: another without its colours: %s", width, d)
		}
	}
	golden(t, "text-recommend.txt", all.String())
	golden(t, "recommend.md", recommended(t, "markdown", recommendation(t), opt))
	golden(t, "recommend.json", recommended(t, "json", recommendation(t), opt))
	if err := Recommend(&bytes.Buffer{}, "sarif", recommendation(t), opt); err == nil {
		t.Error("a format that recommend has not")
	}
}

// TestRecommendHostile: whatever a Dockerfile, a registry or a catalogue says is
// shown as text and nothing else.
func TestRecommendHostile(t *testing.T) {
	rec := recommendation(t)
	rec.Warnings, rec.Unknown[0].What = []string{evil}, evil
	p := &rec.Places[0]
	p.Publisher, p.Stage, p.At.File, p.Packages = recommend.Publisher{Kind: "verified", Name: evil}, evil, evil, []string{evil}
	p.Fixes[0].Edits[0].New = evil
	p.Advice.Ref = evil
	o := &p.Advice.Options[0]
	o.Ref, o.Why, o.Against, o.Check, o.Entry = evil, []string{evil}, []string{evil}, []string{evil + " package manager"}, &base.Entry{Ref: evil, Source: evil}
	o.BringsIn = []base.Vuln{{ID: evil, Package: evil, Severity: finding.Critical}}
	for _, format := range []string{"text", "markdown"} {
		opt := options()
		opt.Target, opt.Program = evil, evil
		for _, color := range []bool{false, true} {
			opt.Color = color
			out := recommended(t, format, rec, opt)
			if bad := actedOn(out, color && format == "text"); bad != "" {
				t.Errorf("%s, colour %v: %q", format, color, bad)
			}
			if format == "markdown" && (strings.Contains(out, "<script>") || strings.Contains(out, "[l](")) {
				t.Error("Markdown of a stranger's")
			}
		}
	}
	if out := recommended(t, "json", rec, options()); !json.Valid([]byte(out)) {
		t.Error("no JSON")
	}
}
