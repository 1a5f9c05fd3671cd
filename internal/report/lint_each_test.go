package report_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/report"
)

// A lint that is written file by file is the text of all, a value that a later file
// says is secret included; and the gate says the same.
func TestLintFileByFile(t *testing.T) {
	const value = "s3cr3t-Valu3-99"
	dir := t.TempDir()
	for name, text := range map[string]string{
		"a.Dockerfile": "FROM debian:12\nRUN echo " + value + " | sudo tee /x\n",
		"b.Dockerfile": "FROM debian:12\nNOSUCH x\nWORKDIR ~/x\n",
		"c.Dockerfile": "FROM scratch\n",
		"d.Dockerfile": "FROM alpine\nENV DB_PASSWORD=" + value + "\n# hadolint ignore=DL3018\nRUN apk add curl\n",
		"e.Dockerfile": "FROM debian:12\n" + strings.Repeat("RUN apt-get install -y curl\n", 1100),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, exception := range []string{"", "ignore:\n  - id: DL3004\n    reason: ours\n"} {
		p := &check.Pipeline{Surroundings: check.Surroundings{Offline: true, Now: func() time.Time { return time.Unix(1790000000, 0) }}}
		var err error
		if p.Config, err = policy.ParseConfig(".drydock.yaml", []byte(exception)); err != nil {
			t.Fatal(err)
		}
		opt := report.Options{View: report.Lint, Width: 80, Program: "drydock", Target: dir}
		whole, err := p.Lint(t.Context(), []string{dir}, check.LintOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var want, got bytes.Buffer
		if err := report.Write(&want, "text", whole, opt); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(want.String(), value) || !strings.Contains(want.String(), "****") {
			t.Fatalf("the value is shown:\n%s", want.String())
		}
		text, parts := report.NewLintText(&got, opt), 0
		outline, err := p.Lint(t.Context(), []string{dir}, check.LintOptions{Each: func(res *check.Result) error {
			parts++
			return text.File(res)
		}})
		if err != nil {
			t.Fatal(err)
		}
		if err := text.End(outline); err != nil {
			t.Fatal(err)
		}
		if got.String() != want.String() {
			t.Errorf("file by file:\n%s\nwhole:\n%s", got.String(), want.String())
		}
		if wantParts := map[bool]int{true: 5}[exception == ""]; parts != wantParts {
			t.Errorf("%d files were handed over, want %d", parts, wantParts)
		}
		gate, err := policy.ParseGate("severity:low")
		if err != nil {
			t.Fatal(err)
		}
		a, b := check.Judge(whole, gate, false), check.Judge(outline, gate, false)
		if strings.Join(a.Reasons, "\n") != strings.Join(b.Reasons, "\n") || a.Code != b.Code || a.Code != 2 {
			t.Errorf("the gate says %v, of the whole %v", b, a)
		}
	}
}
