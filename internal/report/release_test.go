package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/policy/admission"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// payloads are texts that GitHub or GitLab would act on.
func payloads() []string {
	return []string{
		"</details><img src=x onerror=alert(1)>", "a|b|c", "x\n\n# heading", "@octocat", "octo/cat#12", "#34", "!56", "GH-78", "gh-9",
		"[click](javascript:alert(1))", "![a](https://evil.example/pixel)", "https://evil.example/login", "see http://evil.example", "www.evil.example",
		"`code`", "**bold** ~~gone~~", "&lt;b&gt;", "<!-- hidden -->", "$\\href{x}{y}$", "\u202eevil", "\x1b[31mred", "| --- |", "\\",
	}
}

// released is a result whose every text is a payload.
func released(subject string, shift int) *check.Result {
	all := payloads()
	at := func(i int) string { return all[(i+shift)%len(all)] }
	s := finding.Subject{Kind: finding.KindImage, Name: subject + " " + at(0)}
	res := &check.Result{Subjects: []finding.Subject{s}}
	inv := &sbom.Inventory{Subject: s, Distro: &sbom.Distro{ID: at(1), VersionID: at(2)}}
	h := admission.Health{Image: s.Name, Grade: "B"}
	for i := range all {
		inv.Packages = append(inv.Packages, sbom.Package{Type: "npm", Name: at(i), Version: at(i + 3 + shift)})
		res.Findings = append(res.Findings, finding.Finding{
			Rule: "vuln/package", Subject: s, Key: at(i), Severity: finding.High,
			Vuln: &finding.Vuln{ID: "CVE-1 " + at(i), Name: at(i) + subject, Version: at(i + 1), FixedIn: at(i + 2), URL: "javascript:alert(1)"},
		}, finding.Finding{Rule: finding.RuleID("image/" + at(i)), Key: subject + at(i), Subject: s, Message: at(i)})
		res.Unknown = append(res.Unknown, finding.Unknown{Subject: s, What: at(i), Why: at(i + 1)})
		res.Card = append(res.Card, check.Row{Practice: finding.Practice(at(i)), Grade: string(rune('A' + shift)), Reasons: []string{at(i)}})
		outcome := []admission.Outcome{admission.Complies, admission.Violates}[(i+shift)%2]
		h.Results = append(h.Results, admission.Result{Policy: fmt.Sprint("p", i), Title: "in " + all[i], Outcome: outcome, Reason: at(i + 4)})
	}
	res.Targets, res.Health = []check.Target{{Subject: s, Inventory: inv}}, []admission.Health{h}
	return res
}

func releasedText(t *testing.T, before, after *check.Result) string {
	t.Helper()
	var b strings.Builder
	if err := Release(&b, before, after, check.Compare(before, after)); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestReleaseMeansNothingElse: whatever an image, an advisory or a policy says stays text.
func TestReleaseMeansNothingElse(t *testing.T) {
	out := releasedText(t, released("old", 0), released("new", 1))
	for _, must := range []string{"opened", "closed", "| Policy | Before | Now | Why |", "| Practice | Before | Now | Why |", "| new |", "| gone |", "Could not be told", "packages changed"} {
		if !strings.Contains(out, must) {
			t.Fatalf("no %q: the payloads are not where they should be tried\n%s", must, out)
		}
	}
	ours := strings.NewReplacer("<details><summary>", "", "</summary>", "", "</details>", "", "<!-- -->", "\u2060", releaseMark, "").Replace(out)
	for what, re := range map[string]string{
		"a tag":         `(^|[^\\])<`,
		"a mention":     `(^|\W)@\w`,
		"an issue":      `[#!][0-9]`,
		"another issue": `(?i)\bgh-[0-9]`,
		"an address":    `(?i)https?://|www\.\w`,
		"code":          "(^|[^\\\\])`",
		"a link":        `[^\\]\]\(`,
		"an entity":     `(^|[^\\])&[a-z#]`,
		"emphasis":      `(^|[^\\*])\*[^*\\]*evil`,
		"a terminal":    "\x1b|\u202e",
	} {
		if m := regexp.MustCompile(re).FindString(ours); m != "" {
			t.Errorf("%s: %q", what, m)
		}
	}
	want := 0
	for l := range strings.SplitSeq(out, "\n") {
		switch {
		case !strings.HasPrefix(l, "|"):
			want = 0
		case want == 0:
			want = bars(l)
		case bars(l) != want:
			t.Errorf("%d cells of %d in %q", bars(l)-1, want-1, l)
		}
	}
	if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
		t.Error("what is folded does not end")
	}
}

// TestReleaseFits: a comment has a limit, and what is left out is counted.
func TestReleaseFits(t *testing.T) {
	before, after := many(t, 3000), many(t, 3000)
	for i := range after.Findings {
		v := *after.Findings[i].Vuln
		v.ID = fmt.Sprintf("CVE-2026-%d", i)
		after.Findings[i].Vuln = &v
	}
	for i := range 5000 {
		after.Targets[0].Inventory.Packages = append(after.Targets[0].Inventory.Packages, sbom.Package{Type: "npm", Name: strings.Repeat("n", 99) + fmt.Sprint(i)})
		after.Unknown = append(after.Unknown, finding.Unknown{What: strings.Repeat("w", 200), Why: fmt.Sprint(i)})
	}
	out := releasedText(t, before, after)
	if n := utf8.RuneCountInString(out); n > 65536 || strings.Count(out, "… and ") < 3 {
		t.Errorf("%d characters, cut %d times", n, strings.Count(out, "… and "))
	}
	if strings.Count(out, "<details>") != strings.Count(out, "</details>") {
		t.Error("what is folded does not end")
	}
}
