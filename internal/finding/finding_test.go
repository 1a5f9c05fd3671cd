package finding

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"testing"
)

func TestFingerprintStaysWhatItIsAcrossBuilds(t *testing.T) {
	f := Finding{
		Rule: "vuln/os-package", Key: "CVE-1 pkg:deb/debian/openssl@1.1", Message: "a",
		Subject: Subject{Kind: KindImage, Name: "app:1", Digest: "sha256:aa"},
		At:      []Location{{Path: "/var/lib/dpkg/status", Layer: "sha256:bb"}},
	}
	want := f.Fingerprint()
	if len(want) != 32 {
		t.Fatalf("%q is not 32 hex digits", want)
	}
	same := map[string]func(*Finding){
		"tag":     func(f *Finding) { f.Subject.Name = "app:2" },
		"digest":  func(f *Finding) { f.Subject.Digest = "sha256:cc" },
		"message": func(f *Finding) { f.Message = "b" },
		"layer":   func(f *Finding) { f.At = []Location{{Path: "/var/lib/dpkg/status", Layer: "sha256:dd"}} },
		"version": func(f *Finding) { f.Key = "CVE-1 pkg:deb/debian/openssl@1.2" },
	}
	for what, change := range same {
		g := f
		change(&g)
		if g.Fingerprint() != want {
			t.Errorf("another %s makes another finding", what)
		}
	}
	other := map[string]func(*Finding){
		"rule":    func(f *Finding) { f.Rule = "vuln/program" },
		"id":      func(f *Finding) { f.Key = "CVE-2 pkg:deb/debian/openssl@1.1" },
		"package": func(f *Finding) { f.Key = "CVE-1 pkg:deb/debian/zlib@1.1" },
		"place":   func(f *Finding) { f.At = []Location{{Path: "/opt/status"}} },
		"kind":    func(f *Finding) { f.Subject.Kind = KindDockerfile },
	}
	for what, change := range other {
		g := f
		change(&g)
		if g.Fingerprint() == want {
			t.Errorf("another %s makes the same finding", what)
		}
	}
}

func TestFingerprintOfTwoVersionsInOneFile(t *testing.T) {
	a := Finding{Rule: "vuln/language-package", Key: "CVE-1 pkg:npm/x@1", At: []Location{{Source: &Span{File: "package-lock.json", Line: 1}}}}
	b := a
	b.Key = "CVE-1 pkg:npm/x@2"
	if a.Fingerprint() == b.Fingerprint() {
		t.Error("two versions in one lock file are one finding")
	}
}

func TestCompareIsForPeople(t *testing.T) {
	low := Finding{Rule: "low", Severity: Low}
	high := Finding{Rule: "high", Severity: High}
	exploited := Finding{Rule: "exploited", Severity: High, Vuln: &Vuln{KEV: true}}
	scored := Finding{Rule: "scored", Severity: High, Vuln: &Vuln{CVSS: CVSS{Score: 8}}}
	quiet := Finding{Rule: "quiet", Severity: Critical, Suppressed: &Suppression{}}
	all := []Finding{quiet, low, high, scored, exploited}
	slices.SortFunc(all, Compare)
	var got []RuleID
	for _, f := range all {
		got = append(got, f.Rule)
	}
	if want := []RuleID{"exploited", "scored", "high", "low", "quiet"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	for _, a := range all {
		if Compare(a, a) != 0 {
			t.Errorf("%s is not itself", a.Rule)
		}
		for _, b := range all {
			if Compare(a, b) != -Compare(b, a) {
				t.Errorf("%s and %s have no order", a.Rule, b.Rule)
			}
		}
	}
}

func TestWordsRoundTrip(t *testing.T) {
	for _, s := range Severities() {
		if got, err := ParseSeverity(s.String()); err != nil || got != s {
			t.Errorf("%s is read as %s, %v", s, got, err)
		}
	}
	for word, want := range map[string]Severity{"IMPORTANT": High, " moderate ": Medium, "warning": Medium, "style": Negligible, "unknown": Unspecified} {
		if got, err := ParseSeverity(word); err != nil || got != want {
			t.Errorf("%q is %s, %v", word, got, err)
		}
	}
	if _, err := ParseSeverity("awful"); err == nil {
		t.Error("awful is a severity")
	}
	type words struct {
		Severity Severity
		Safety   Safety
		Proof    Proof
	}
	in := words{High, Behaviour, Rebuilt}
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out words
	if err := json.Unmarshal(b, &out); err != nil || out != in {
		t.Errorf("%s is read as %+v, %v", b, out, err)
	}
	for _, bad := range []string{`{"Severity":"x"}`, `{"Safety":"x"}`, `{"Proof":"x"}`} {
		if json.Unmarshal([]byte(bad), &out) == nil {
			t.Errorf("%s is taken", bad)
		}
	}
}

func TestChecksFillInTheirRule(t *testing.T) {
	rule := Rule{ID: "area/x", Practice: Layering, Severity: Medium, Aliases: []string{"X1"}}
	checks := []Check[int]{
		{Rule: rule, Run: func(_ context.Context, p *Pass[int]) error {
			p.Report(Finding{Message: "plain"})
			p.Report(Finding{Message: "worse", Severity: Critical})
			p.Unknown(Unknown{What: "w"})
			return nil
		}},
		{Rule: Rule{ID: "area/broken"}, Run: func(context.Context, *Pass[int]) error { return errors.New("no") }},
	}
	found, unknown := RunChecks(context.Background(), 1, checks)
	if len(found) != 2 || found[0].Rule != "area/x" || found[0].Severity != Medium || found[1].Severity != Critical || found[0].Aliases[0] != "X1" {
		t.Errorf("%+v", found)
	}
	if len(unknown) != 2 || unknown[1].What != "area/broken" || unknown[1].Why != "no" {
		t.Errorf("a check that cannot run is silence: %+v", unknown)
	}
}

func TestDigest(t *testing.T) {
	d := DigestOf(nil)
	if d != "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" || d.Short() != "e3b0c44298fc" {
		t.Errorf("%s, %s", d, d.Short())
	}
	if Digest("").Short() != "" || Digest("x").Hex() != "" {
		t.Error("what is no digest has hex digits")
	}
}
