package report

import (
	"bytes"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/runtime"
)

// fixedResult is a run with all that a report can hold: what was applied and
// what was not, a proof that fell short, two images.
func fixedResult() *repair.Result {
	before := []byte("FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm install\nCMD npm start\n")
	after := []byte("FROM node:22\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD npm start\n")
	at := func(rule finding.RuleID, line int, s finding.Safety, title string) fix.Item {
		return fix.Item{
			Finding: finding.Finding{Rule: rule, Severity: finding.Low, Message: title, At: []finding.Location{{Source: &finding.Span{File: "Dockerfile", Line: line, Column: 1}}}},
			Fix:     finding.Fix{Title: title, Safety: s, Proof: finding.Ran},
		}
	}
	left := at("dockerfile/json-args-recommended", 5, finding.Behaviour, "Start the program without a shell")
	left.Unsafe, left.Why = true, "changes what runs: --unsafe applies it"
	failed := at("dockerfile/root-user", 5, finding.NeedsReview, "Run as node and not as root")
	failed.Failure = &fix.Failure{Step: "test after: npm test", Why: "exit code 1", Log: "starting\nError: EACCES: permission denied, open '/app/cache'\n"}
	failed.Why = failed.Failure.Why
	side := func(size int64, user string, c, h int) *fix.Side {
		return &fix.Side{Image: runtime.Image{User: user}, Measured: &fix.Measured{
			Size: size, Layers: 9, Packages: 412, Vulnerabilities: map[finding.Severity]int{finding.Critical: c, finding.High: h, finding.Medium: 4},
		}}
	}
	raised := at("vuln/language-package", 0, finding.Safe, "Raise lodash 4.17.20 to 4.17.21")
	for i, id := range []string{"CVE-1", "CVE-2", "CVE-3", "CVE-4", "CVE-5"} {
		x := finding.Finding{Severity: finding.Severity(i + 1), Vuln: &finding.Vuln{ID: id}}
		raised.Also = append(raised.Also, x)
	}
	return &repair.Result{
		Fixed: []repair.Fixed{
			{
				Subject: finding.Subject{Kind: finding.KindDockerfile, Name: "Dockerfile"}, Wanted: finding.Ran, ByHand: 2,
				Applied: []fix.Item{at("dockerfile/cache-order", 3, finding.Safe, "Copy the manifest, install, then copy the rest"), raised},
				Left:    []fix.Item{left, failed},
				Files:   []fix.File{{Name: "Dockerfile", Before: before, After: after, Hunks: fix.Diff(before, after), Written: true}, {Name: "new.conf", After: []byte("x"), New: true, Hunks: fix.Diff(nil, []byte("x")), Written: true}},
				Todo:    []string{"npm install"}, Notes: []string{"the lock is not edited"},
				Verdict: &fix.Verdict{
					Reached: finding.Ran,
					Steps:   []fix.Step{{Name: "recheck", Took: 12 * time.Millisecond, Did: "5 findings before, 3 after"}, {Name: "rebuild before", Took: 61500 * time.Millisecond, Did: "4 steps, 1 from the cache"}},
					Notes:   []string{"3 files differ as they should: development dependencies are not installed"},
					Before:  side(1_100_000_000, "", 3, 20), After: side(240_000_000, "node", 0, 2),
					Cache: &fix.CacheGain{File: "src/index.js", CachedBefore: 1, StepsBefore: 4, CachedAfter: 3, StepsAfter: 4},
				},
			},
			{Subject: finding.Subject{Kind: finding.KindDockerfile, Name: "other/Dockerfile"}, ByHand: 3},
		},
		Unknown: []finding.Unknown{{What: "the base of stage 1", Why: "it is an argument without a default"}},
	}
}

func TestFixReports(t *testing.T) {
	for name, opt := range map[string]Options{"fix.txt": {Width: 80}, "fix-120.txt": {Width: 120, Color: true}, "fix.md": {}, "fix.json": {Tool: "v0.0.0-test"}} {
		format := map[string]string{".txt": "text", ".md": "markdown", ".json": "json"}[filepath.Ext(name)]
		opt.Target = "."
		var b bytes.Buffer
		if err := Fix(&b, format, fixedResult(), opt); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
}

// TestFixReportsShowNothingHostile: what a stranger's Dockerfile, log and names
// hold reaches no terminal, ends no fence, and shows no secret.
func TestFixReportsShowNothingHostile(t *testing.T) {
	token := "ghp_" + strings.Repeat("aB3dE6gH9", 4)
	evil := "\x1b]0;owned\x07\x1b[2Jx\r\u202e```\n@everyone <script> | " + token
	r := fixedResult()
	f := &r.Fixed[0]
	f.Subject.Name = evil
	f.Notes, f.Todo = []string{evil}, []string{evil}
	f.Left[1].Failure.Log, f.Left[1].Failure.Why, f.Left[1].Failure.Step, f.Left[1].Why = evil, evil, evil, evil
	f.Applied[0].Fix.Title, f.Applied[0].Finding.Message = evil, evil
	f.Verdict.Notes = []string{evil}
	f.Verdict.Short = &fix.Failure{Step: evil, Why: evil, Log: evil, Hint: evil}
	f.Verdict.Steps[0].Did = evil
	f.Verdict.Before.Image.User = evil
	f.Verdict.Cache.File = evil
	f.Files[0].Name = evil
	f.Files[0].Hunks = fix.Diff([]byte("a\n"), []byte(evil+"\n"))
	r.Unknown[0].Why = evil
	for _, format := range []string{"text", "markdown", "json"} {
		var b bytes.Buffer
		if err := Fix(&b, format, r, Options{Width: 100}); err != nil {
			t.Fatal(err)
		}
		out := b.String()
		if strings.Contains(out, token) {
			t.Errorf("%s shows a secret:\n%s", format, out)
		}
		if format == "json" {
			if !json.Valid(b.Bytes()) {
				t.Error("no JSON")
			}
			continue
		}
		if strings.ContainsAny(out, "\x1b\x07\r\u202e") {
			t.Errorf("%s has control characters: %q", format, out)
		}
		if format == "markdown" {
			fence := ""
			for line := range strings.Lines(out) {
				line = strings.TrimRight(line, "\n")
				switch mark := line[:len(line)-len(strings.TrimLeft(line, "`"))]; {
				case len(mark) >= 3 && fence == "":
					fence = mark
				case fence != "" && line == fence:
					fence = ""
				case fence == "" && (strings.Contains(line, "<script>") || strings.Contains(line, "@everyone") && !strings.Contains(line, "@<!-- -->everyone")):
					t.Errorf("outside of a fence: %q", line)
				}
			}
			if fence != "" {
				t.Error("a fence is not closed")
			}
		}
	}
}

// TestLocksAreSummed: nobody reads a lock file's diff; who wants to asks for it.
func TestLocksAreSummed(t *testing.T) {
	before, after := []byte("{\n \"a\": 1,\n \"b\": 1\n}\n"), []byte("{\n \"a\": 2,\n \"b\": 1,\n \"c\": 1\n}\n")
	for _, name := range []string{"app/package-lock.json", "go.sum", "Cargo.lock", "pnpm-lock.yaml"} {
		res := &repair.Result{Fixed: []repair.Fixed{{
			Subject: finding.Subject{Kind: finding.KindFolder, Name: "app"},
			Applied: []fix.Item{{Finding: finding.Finding{Rule: "vuln/language-package"}, Fix: finding.Fix{Title: "Raise a"}}},
			Files:   []fix.File{{Name: name, Before: before, After: after, Hunks: fix.Diff(before, after)}},
		}}}
		for _, full := range []bool{false, true} {
			var out bytes.Buffer
			opt := options()
			opt.Full = full
			if err := Fix(&out, "text", res, opt); err != nil {
				t.Fatal(err)
			}
			summed := strings.Contains(out.String(), "3 lines come, 2 go (a lock file: --full shows them)")
			if shown := strings.Contains(out.String(), `+ "c": 1`); shown != full || summed == full {
				t.Errorf("%s, full %v:\n%s", name, full, out.String())
			}
		}
	}
}
