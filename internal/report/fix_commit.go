package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/secret"
)

// longestSubject is how long the first line of a commit's message may be.
const longestSubject = 72

// Commits are what is proved, as commits with the report as their message, as a pull
// request takes it: one for all of it, or one a fix where the result has them apart.
func Commits(res *repair.Result) []fix.Commit {
	var out []fix.Commit
	var all fix.Commit
	var body strings.Builder
	fixes, in := 0, []string(nil)
	for i := range res.Fixed {
		f := &res.Fixed[i]
		if !f.Ready() {
			continue
		}
		for _, step := range f.Parts {
			part := *f
			part.Applied, part.Left = step.Items, nil
			out = append(out, fix.Commit{Message: message(f, stepSubject(step), fixedSummary(&part)), Files: step.Files})
		}
		if f.Parts != nil {
			continue
		}
		fixes, in = fixes+len(f.Applied), append(in, said(f.Subject.Name))
		all.Files = append(all.Files, f.Files...)
		body.WriteString(maskAll(fixedSummary(f), f.Secrets))
	}
	if fixes == 0 {
		return out
	}
	subject := "Fix " + finding.Count(fixes, "finding") + " in " + strings.Join(in, ", ")
	if len(subject) > longestSubject {
		subject = "Fix " + finding.Count(fixes, "finding") + " in " + finding.Count(len(in), "file")
	}
	all.Message = subject + "\n\n" + body.String()
	return append(out, all)
}

func message(f *repair.Fixed, subject, body string) string {
	return maskAll(subject+"\n\n"+body, f.Secrets)
}

func maskAll(text string, secrets []string) string { return secret.Masker(secrets)(text) }

// stepSubject is what one commit does, in a line.
func stepSubject(step fix.Part) string {
	var names []string
	for _, x := range step.Files {
		if n := said(x.Name); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	title := said(step.Items[0].Fix.Title)
	if n := len(step.Items) - 1; n > 0 {
		title += fmt.Sprintf(", and %d more", n)
	}
	subject := title
	if where := strings.Join(names, ", ") + ": "; len(where)+len(title) <= longestSubject {
		subject = where + title
	}
	if r := []rune(subject); len(r) > longestSubject {
		subject = string(r[:longestSubject-1]) + "…"
	}
	return subject
}
