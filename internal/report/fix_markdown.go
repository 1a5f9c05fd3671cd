package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
)

// Shares of a comment, in bytes.
const (
	fixListShare = 12000
	fixDiffShare = 30000
)

// fixMarkdown is what a pull request says of itself: what was fixed, how far it
// is proved, before and after.
func fixMarkdown(res *repair.Result) string {
	var b strings.Builder
	for i := range res.Fixed {
		b.WriteString(fixedMarkdown(&res.Fixed[i]))
	}
	if len(res.Fixed) == 0 {
		b.WriteString("Nothing to fix.\n")
	}
	for _, u := range res.Unknown {
		fmt.Fprintf(&b, "- could not be told: %s: %s\n", cell(said(u.What)), cell(said(u.Why)))
	}
	return b.String()
}

func fixedMarkdown(f *repair.Fixed) string {
	var b strings.Builder
	b.WriteString(fixedSummary(f))
	for _, x := range f.Files {
		if len(f.Applied)+len(f.Left) > 0 {
			b.WriteString(diffMarkdown(x))
		}
	}
	return b.String()
}

// fixedSummary is the same without the diff.
func fixedSummary(f *repair.Fixed) string {
	var b strings.Builder
	fmt.Fprintf(&b, "### %s\n\n", cell(said(cmp.Or(f.Title, f.Subject.Name))))
	if len(f.Applied) == 0 && len(f.Left) == 0 {
		b.WriteString(nothingToFix(f) + ".\n\n")
		return b.String()
	}
	var rows []string
	for _, it := range f.Applied {
		rows = append(rows, row(said(placeOf(it)), string(it.Finding.Rule), said(titleOf(it)),
			it.Fix.Safety.String(), it.Fix.Proof.String()))
	}
	b.WriteString(table("| Place | Rule | Fix | Safety | Proof |\n|---|---|---|---|---|\n", rows, fixListShare))
	rows = nil
	for _, it := range f.Left {
		rows = append(rows, row(said(placeOf(it)), string(it.Finding.Rule), said(titleOf(it)), said(it.Why)))
	}
	b.WriteString(table("| Not applied | Rule | Fix | Why |\n|---|---|---|---|\n", rows, fixListShare))
	for _, it := range f.Left {
		if it.Failure != nil {
			b.WriteString(failureMarkdown(it.Failure))
		}
	}
	if v := f.Verdict; v != nil {
		b.WriteString(verdictMarkdown(f, v))
	}
	for _, t := range f.Todo {
		fmt.Fprintf(&b, "- run after: %s\n", cell(said(t)))
	}
	for _, n := range f.Notes {
		fmt.Fprintf(&b, "- %s\n", cell(said(n)))
	}
	if len(f.Todo)+len(f.Notes) > 0 {
		b.WriteString("\n")
	}
	return b.String()
}

func verdictMarkdown(f *repair.Fixed, v *fix.Verdict) string {
	var b strings.Builder
	fmt.Fprintf(&b, "**Proof: %s**", v.Reached)
	if v.Reached < f.Wanted {
		fmt.Fprintf(&b, " (%s was asked for)", f.Wanted)
	}
	b.WriteString("\n\n")
	var rows []string
	for _, s := range sides(v) {
		rows = append(rows, row(s...))
	}
	b.WriteString(table("| | Before | After | |\n|---|--:|--:|---|\n", rows, fixListShare))
	for _, s := range v.Steps {
		if s.Did != "" {
			fmt.Fprintf(&b, "- %s: %s\n", cell(s.Name), cell(said(s.Did)))
		}
	}
	for _, n := range v.Notes {
		fmt.Fprintf(&b, "- %s\n", cell(said(n)))
	}
	for _, x := range []*fix.Failure{v.Failed, v.Short} {
		if x == nil {
			continue
		}
		b.WriteString("\n" + failureMarkdown(x))
	}
	b.WriteString("\n")
	return b.String()
}

// failureMarkdown is a step that did not go well, with its log's end.
func failureMarkdown(x *fix.Failure) string {
	out := fmt.Sprintf("**%s**: %s\n\n", cell(said(x.Step)), cell(said(x.Why)))
	if lines := lastLines(x.Log, logLines); len(lines) > 0 {
		out += fenced("", strings.Join(lines, "\n")) + "\n"
	}
	if x.Hint != "" {
		out += "Hint: " + cell(said(x.Hint)) + "\n\n"
	}
	return out
}

func diffMarkdown(x fix.File) string {
	var b strings.Builder
	for _, h := range x.Hunks {
		b.WriteString(h.Head() + "\n")
		for _, l := range h.Lines {
			b.WriteString(string(l.Op) + said(l.Text) + "\n")
		}
	}
	text := strings.TrimSuffix(b.String(), "\n")
	if len(text) > fixDiffShare {
		text = text[:strings.LastIndexByte(text[:fixDiffShare], '\n')+1] + "…"
	}
	note := ""
	if x.Starred {
		note = "\n" + cell(starred) + "\n"
	}
	return fmt.Sprintf("<details><summary>%s</summary>\n\n%s%s\n</details>\n\n", cell(said(x.Name)), fenced("diff", text), note)
}

// fenced is a block of code that its text cannot end.
func fenced(kind, text string) string {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	return fence + kind + "\n" + text + "\n" + fence + "\n"
}
