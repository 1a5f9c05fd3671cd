package check

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// LintText looks at a Dockerfile as an editor has it. texts are the versions of the
// files that are open there, by name; dir is the folder that the user works in, from
// which exceptions name files. No edit is withheld: the editor has the text already.
func (p *Pipeline) LintText(ctx context.Context, dir, name string, texts map[string][]byte) (*Result, error) {
	r := newRun(p, Ask{Rules: true})
	r.linter.versions, r.linter.fixing = texts, true
	r.lint(ctx, name, texts[name], LintOptions{})
	if err := errors.Join(r.finish(), r.policy.suppressIn(dir, r.res, r.Now())); err != nil {
		return nil, err
	}
	r.filter()
	r.res.Unknown = append(r.res.Unknown, finding.Omitted(r.res.Findings)...)
	return r.res, nil
}

// AuditText does the same for a compose file or a manifest of Kubernetes.
func (p *Pipeline) AuditText(ctx context.Context, dir, name string, texts map[string][]byte) (*Result, error) {
	u := p.auditing(Auditing{})
	u.fixing = true
	if err := errors.Join(u.text(ctx, name, texts[name]), u.finish()); err != nil {
		return nil, err
	}
	if err := u.policy.suppressIn(dir, u.res, u.Now()); err != nil {
		return nil, err
	}
	u.filter()
	u.res.Unknown = append(u.res.Unknown, finding.Omitted(u.res.Findings)...)
	return u.res, nil
}

// suppressIn gives the findings that do not count their reason, where exceptions name
// files as they are called in a folder.
func (p *Policy) suppressIn(dir string, res *Result, now time.Time) error {
	short := func(file string) string {
		if rel, err := filepath.Rel(dir, file); err == nil && filepath.IsLocal(rel) {
			return filepath.ToSlash(rel)
		}
		return file
	}
	found := res.Findings
	res.Findings = make([]finding.Finding, len(found))
	for i, f := range found {
		f.Subject.Name = short(f.Subject.Name)
		f.At = make([]finding.Location, len(f.At))
		for n, l := range found[i].At {
			if l.Source != nil {
				span := *l.Source
				span.File = short(span.File)
				l.Source = &span
			}
			f.At[n] = l
		}
		res.Findings[i] = f
	}
	if err := p.suppress(res, now); err != nil {
		return err
	}
	for i := range res.Findings { // who suppresses keeps the order
		res.Findings[i].Subject, res.Findings[i].At = found[i].Subject, found[i].At
	}
	return nil
}
