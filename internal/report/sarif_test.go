package report

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// sarifOf is the one run of a SARIF report.
func sarifOf(t testing.TB, res *check.Result) sarifRun {
	t.Helper()
	var log sarifLog
	if err := json.Unmarshal([]byte(printed(t, "sarif", res, options())), &log); err != nil {
		t.Fatal(err)
	}
	if len(log.Runs) != 1 || log.Version != "2.1.0" {
		t.Fatalf("%d runs of version %s", len(log.Runs), log.Version)
	}
	return log.Runs[0]
}

// result is the first result of a rule.
func (r sarifRun) result(t testing.TB, rule string) sarifResult {
	t.Helper()
	for _, x := range r.Results {
		if x.RuleID == rule {
			return x
		}
	}
	t.Fatalf("no result of %s", rule)
	return sarifResult{}
}

// TestSARIFIsWhatCodeScanningTakes holds every result to the properties that
// GitHub's documentation of SARIF support asks for.
func TestSARIFIsWhatCodeScanningTakes(t *testing.T) {
	for name, res := range map[string]*check.Result{"realistic": realistic(t), "hostile": hostile(t)} {
		run := sarifOf(t, res)
		if len(run.Results) != len(res.Findings) {
			t.Errorf("%s: %d results of %d findings", name, len(run.Results), len(res.Findings))
		}
		ids := map[string]bool{}
		for _, r := range run.Tool.Driver.Rules {
			if ids[r.ID] {
				t.Errorf("%s: two rules %s", name, r.ID)
			}
			ids[r.ID] = true
			for what, text := range map[string]string{"short": r.ShortDescription.Text, "full": r.FullDescription.Text} {
				if n := len([]rune(text)); n == 0 || n > 1024+1 {
					t.Errorf("%s: %s: %s description of %d characters", name, r.ID, what, n)
				}
			}
			if r.Help.Text == "" || r.Help.Markdown == "" {
				t.Errorf("%s: %s has no help", name, r.ID)
			}
			if n := len(r.Properties.Tags); n == 0 || n > 10 || r.Properties.Tags[0] != "security" {
				t.Errorf("%s: %s has tags %q", name, r.ID, r.Properties.Tags)
			}
			if s := r.Properties.SecuritySeverity; s != "" {
				if f, err := strconv.ParseFloat(s, 64); err != nil || f < 0 || f > 10 {
					t.Errorf("%s: %s has security-severity %q", name, r.ID, s)
				}
			}
		}
		prints := map[string]bool{}
		for _, r := range run.Results {
			if run.Tool.Driver.Rules[r.RuleIndex].ID != r.RuleID {
				t.Errorf("%s: rule %d is not %s", name, r.RuleIndex, r.RuleID)
			}
			if p := r.PartialFingerprints["primaryLocationLineHash"]; p == "" || prints[p] {
				t.Errorf("%s: %s has fingerprint %q, empty or not its own", name, r.RuleID, p)
			} else {
				prints[p] = true
			}
			if len(r.Locations) == 0 {
				t.Errorf("%s: %s is nowhere", name, r.RuleID)
			}
			for _, l := range r.Locations {
				uri := l.PhysicalLocation.ArtifactLocation.URI
				if u, err := url.Parse(uri); err != nil || u.IsAbs() || u.Host != "" || strings.HasPrefix(uri, "/") || uri == "" {
					t.Errorf("%s: %s is at %q, not a relative reference: %v", name, r.RuleID, uri, err)
				}
				if l.PhysicalLocation.Region.StartLine < 1 {
					t.Errorf("%s: %s is on line %d", name, r.RuleID, l.PhysicalLocation.Region.StartLine)
				}
			}
			if strings.Contains(r.Message.Text, "](") && !strings.Contains(r.Message.Text, `\](`) {
				t.Errorf("%s: the message has a link in it: %s", name, r.Message.Text)
			}
		}
	}
}

func TestSARIFPointsAtTheDockerfile(t *testing.T) {
	run := sarifOf(t, realistic(t))
	at := run.result(t, "CVE-2022-0778").Locations
	if at[0].PhysicalLocation.ArtifactLocation.URI != "Dockerfile" || at[0].PhysicalLocation.Region.StartLine != 3 {
		t.Errorf("the first place is %+v", at[0].PhysicalLocation)
	}
	if at[1].PhysicalLocation.ArtifactLocation.URI != "var/lib/dpkg/status" {
		t.Errorf("the second place is %+v", at[1].PhysicalLocation)
	}
	if l := at[0].LogicalLocations; len(l) != 1 || !strings.HasSuffix(l[0].FullyQualifiedName, "/usr/lib/libssl.so.1.1") {
		t.Errorf("the layer is %+v", l)
	}
	if at := run.result(t, "CVE-2020-8203").Locations[0].PhysicalLocation; at.Region.StartLine != 812 || at.Region.StartColumn != 5 {
		t.Errorf("the lock file's line is %+v", at.Region)
	}
	if l := run.result(t, "image/root-user").Locations[0].LogicalLocations; len(l) != 1 || l[0].FullyQualifiedName != "/config/User" {
		t.Errorf("the configuration is %+v", l)
	}
}

func TestSARIFSaysWhatDoesNotCountAndWhatIsNotKnown(t *testing.T) {
	run := sarifOf(t, realistic(t))
	n := 0
	for _, r := range run.Results {
		if len(r.Suppressions) > 0 {
			n++
			if r.Suppressions[0].Justification == "" || r.Properties.SuppressedBy == "" {
				t.Errorf("%s is suppressed by %q because %q", r.RuleID, r.Properties.SuppressedBy, r.Suppressions[0].Justification)
			}
		}
	}
	if n != len(suppressedBy()) {
		t.Errorf("%d results are suppressed", n)
	}
	inv := run.Invocations[0]
	if inv.ExecutionSuccessful {
		t.Error("a run that could not tell everything calls itself successful")
	}
	var levels []string
	for _, x := range inv.Notifications {
		levels = append(levels, x.Level)
	}
	if diff := cmp.Diff([]string{"error", "error", "warning"}, levels); diff != "" {
		t.Error(diff)
	}
	res := realistic(t)
	res.Unknown = nil
	if !sarifOf(t, res).Invocations[0].ExecutionSuccessful {
		t.Error("a whole run is not successful")
	}
}

// TestSARIFFixesAreEdits applies what the report says to the bytes and gets
// what the finding's own edits give.
func TestSARIFFixesAreEdits(t *testing.T) {
	run := sarifOf(t, realistic(t))
	fixes := run.result(t, "image/root-user").Fixes
	if len(fixes) != 1 || len(fixes[0].Changes) != 1 || len(fixes[0].Changes[0].Replacements) != 2 {
		t.Fatalf("the fixes are %+v", fixes)
	}
	c := fixes[0].Changes[0]
	file := run.Files[*c.ArtifactLocation.Index]
	if file.Location.URI != "Dockerfile" || file.Hashes["sha-256"] != finding.DigestOf([]byte("a Dockerfile")).Hex() {
		t.Errorf("the file is %+v", file)
	}
	first := c.Replacements[0]
	if *first.DeletedRegion.ByteOffset != 58 || *first.DeletedRegion.ByteLength != 0 || first.InsertedContent.Text != "USER 10001\n" {
		t.Errorf("the first edit is %+v", first)
	}
	if b, err := base64.StdEncoding.DecodeString(first.InsertedContent.Binary); err != nil || string(b) != "USER 10001\n" {
		t.Errorf("its bytes are %q, %v", b, err)
	}
	if second := c.Replacements[1]; second.InsertedContent != nil || *second.DeletedRegion.ByteLength != 4 {
		t.Errorf("the second edit is %+v", second)
	}
	if len(run.result(t, "CVE-2020-8203").Fixes) != 0 {
		t.Error("a fix to do by hand is a fix without edits")
	}
	res := realistic(t)
	res.Findings[3].Fixes[0].Edits[1].End = -1
	if f := sarifOf(t, res).result(t, "image/root-user").Fixes; len(f) != 0 {
		t.Errorf("an edit that ends before it starts is %+v", f)
	}
}

// TestSecuritySeverity: code scanning must show the severity that we give.
func TestSecuritySeverity(t *testing.T) {
	band := func(s string) finding.Severity {
		f, _ := strconv.ParseFloat(s, 64)
		switch {
		case s == "":
			return finding.Unspecified
		case f >= 9:
			return finding.Critical
		case f >= 7:
			return finding.High
		case f >= 4:
			return finding.Medium
		case f > 0:
			return finding.Low
		}
		return finding.Negligible
	}
	for _, s := range finding.Severities() {
		for score := 0.0; score <= 10; score += 0.1 {
			if got := securitySeverity(s, score); band(got) != s {
				t.Errorf("%s with score %.1f is shown as %s (%s)", s, score, got, band(got))
			}
		}
	}
	if got := securitySeverity(finding.High, 7.5); got != "7.5" {
		t.Errorf("a score in its band became %s", got)
	}
	// A rule is as bad as its worst finding, and says all that it is in.
	for _, r := range sarifOf(t, realistic(t)).Tool.Driver.Rules {
		if r.ID == "CVE-2022-0778" && (r.Properties.SecuritySeverity != "7.5" || r.ShortDescription.Text != "CVE-2022-0778 in openssl, nodejs") {
			t.Errorf("the rule is %s, %q", r.Properties.SecuritySeverity, r.ShortDescription.Text)
		}
	}
}

func TestURIs(t *testing.T) {
	for in, want := range map[string]string{
		"/usr/lib/a b":       "usr/lib/a%20b",
		"//evil.example/x":   "evil.example/x",
		"/../../etc/passwd":  "etc/passwd",
		"a:b/c":              "a%3Ab/c",
		"/":                  ".",
		"/\x1b\xff?#%[é":     "%1B%FF%3F%23%25%5B%C3%A9",
		"javascript:alert()": "javascript%3Aalert()",
	} {
		if got := imageURI(in); got != want {
			t.Errorf("in an image %q is %q, not %q", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"Dockerfile":          "Dockerfile",
		"./a/../b/Dockerfile": "b/Dockerfile",
		"../x":                "../x",
		"/home/me/Dockerfile": "file:///home/me/Dockerfile",
		"//host/share":        "file:///host/share",
		"C:/x/Dockerfile":     "file:///C:/x/Dockerfile",
		"":                    "unknown",
	} {
		if got := fileURI(in); got != want {
			t.Errorf("of a user %q is %q, not %q", in, got, want)
		}
		if _, err := url.Parse(fileURI(in)); err != nil {
			t.Error(err)
		}
	}
}
