package report

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// bars counts the cell delimiters of a table's row as GitHub does: a backslash
// takes the next punctuation with it.
func bars(line string) int {
	n := 0
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case '|':
			n++
		}
	}
	return n
}

func TestMarkdownTablesHoldTheirCells(t *testing.T) {
	for _, res := range []*check.Result{realistic(t), hostile(t)} {
		want := 0
		for l := range strings.SplitSeq(printed(t, "markdown", res, options()), "\n") {
			if !strings.HasPrefix(l, "|") {
				want = 0
				continue
			}
			if want == 0 {
				want = bars(l)
			}
			if got := bars(l); got != want {
				t.Errorf("%d cells of %d in %q", got-1, want-1, l)
			}
		}
	}
}

// TestMarkdownMeansNothingElse looks for what GitHub would act on: HTML, links
// that are not ours, mentions.
func TestMarkdownMeansNothingElse(t *testing.T) {
	out := printed(t, "markdown", hostile(t), options())
	for what, re := range map[string]string{
		"a tag":     `(^|[^\\])<[^!]`,
		"a comment": `<!--[^ ]|<!-- [^-]`,
		"a mention": `@[a-zA-Z]`,
		"code":      "(^|[^\\\\])`",
		"a link":    `[^\\]\]\([^h]`,
		"an entity": `(^|[^\\])&[a-z#]`,
		"a heading": `(?m)^\s*#`,
	} {
		if m := regexp.MustCompile(re).FindString(out); m != "" {
			t.Errorf("%s: %q", what, m)
		}
	}
	for in, want := range map[string]string{
		"@babel/core":    "@<!-- -->babel/core",
		"me@example.com": "me@example.com",
		"a_b_c __x__":    `a_b_c \_\_x\_\_`,
		`a\|b`:           `a\\\|b`,
		"1.1.1k-1+deb11": "1.1.1k-1+deb11",
		"x\n\n# y":       "x  # y",
	} {
		if got := cell(in); got != want {
			t.Errorf("cell(%q) is %q, not %q", in, got, want)
		}
	}
}

func TestMarkdownFitsAComment(t *testing.T) {
	most := many(t, 3000)
	for i := range most.Findings {
		most.Findings[i].At = []finding.Location{{Path: "/" + strings.Repeat("é", 500)}}
	}
	rest := many(t, 10)
	for i := range 2000 {
		rest.Findings = append(rest.Findings, finding.Finding{Rule: "image/setuid", Key: fmt.Sprint(i), Subject: rest.Subjects[0], Message: strings.Repeat("x|", 400)})
		rest.Unknown = append(rest.Unknown, finding.Unknown{What: fmt.Sprint("thing ", i), Why: strings.Repeat("why ", 100)})
		rest.Warnings = append(rest.Warnings, "a warning")
		rest.Subjects = append(rest.Subjects, finding.Subject{Kind: "folder", Name: fmt.Sprint("folder ", i)})
		rest.Card = append(rest.Card, check.Row{Practice: finding.Layering, Reasons: []string{strings.Repeat("reason", 100)}})
	}
	for name, res := range map[string]*check.Result{"vulnerabilities": most, "all the rest": rest, "hostile": hostile(t)} {
		out := printed(t, "markdown", res, options())
		if n := utf8.RuneCountInString(out); n > 65536 {
			t.Errorf("%s: %d characters", name, n)
		}
		if name != "hostile" && !strings.Contains(out, "… and ") {
			t.Errorf("%s: nothing is said of what is left out", name)
		}
	}
	// What is said to be left out and what is there is everything.
	out := printed(t, "markdown", most, options())
	var left int
	if m := regexp.MustCompile(`… and (\d+) more`).FindStringSubmatch(out); m == nil {
		t.Fatal("no count")
	} else if _, err := fmt.Sscan(m[1], &left); err != nil {
		t.Fatal(err)
	}
	if shown := strings.Count(out, "](https://"); shown+left != 3000 || shown < 50 {
		t.Errorf("%d are shown and %d more of 3000", shown, left)
	}
	// A small report is whole.
	if strings.Contains(printed(t, "markdown", realistic(t), options()), "… and") {
		t.Error("a small report is cut")
	}
}
