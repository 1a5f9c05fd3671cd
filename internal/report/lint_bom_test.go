package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// A byte order mark is neither shown nor does it move the caret.
func TestExcerptLeavesTheByteOrderMarkOut(t *testing.T) {
	text := []byte("\xef\xbb\xbfFROM node:18\n")
	s := finding.Subject{Kind: finding.KindDockerfile, Name: "Dockerfile"}
	res := &check.Result{Subjects: []finding.Subject{s}, Sources: map[string][]byte{"Dockerfile": text}, Findings: []finding.Finding{{
		Rule: "dockerfile/root-user", Subject: s, Severity: finding.Low, Message: "m",
		At: []finding.Location{{Source: &finding.Span{File: "Dockerfile", Start: 3, End: 15, Line: 1, Column: 4}}},
	}}}
	var b bytes.Buffer
	if err := Write(&b, "text", res, Options{View: Lint, Width: 80}); err != nil {
		t.Fatal(err)
	}
	pad := strings.Repeat(" ", gutter+1)
	if want := pad + "FROM node:18\n" + pad + "^^^^^^^^^^^^\n"; !strings.Contains(b.String(), want) {
		t.Errorf("%s\nwant\n%s", b.String(), want)
	}
}
