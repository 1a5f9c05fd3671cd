package check

import (
	"context"
	"errors"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// lintEach looks at files one after the other, hands over what was found in each,
// and keeps what a gate and a summary ask for. A value that is secret in one file is
// not shown in another, so that all files are searched for those first.
func (r *run) lintEach(ctx context.Context, files []string, opt LintOptions) (*Result, error) {
	var secrets []string
	if len(files) > 1 {
		hiding := opt
		hiding.hides = true
		err := r.lintAll(ctx, files, hiding, func(d *linted) error {
			secrets = append(secrets, d.secrets...)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var omitted []finding.Unknown
	err := r.lintAll(ctx, files, opt, func(d *linted) error {
		one := &run{Surroundings: r.Surroundings, policy: r.policy, res: &Result{}}
		one.lintedAs(d)
		if len(files) > 1 {
			one.res.Secrets = secrets
		}
		one.filter()
		r.res.Subjects = append(r.res.Subjects, one.res.Subjects...)
		r.res.Targets = append(r.res.Targets, one.res.Targets...)
		r.res.Unknown = append(r.res.Unknown, one.res.Unknown...)
		omitted = append(omitted, finding.Omitted(one.res.Findings)...)
		for i := range one.res.Findings {
			r.res.Findings = append(r.res.Findings, outline(&one.res.Findings[i]))
		}
		return opt.Each(one.res)
	})
	if err := errors.Join(err, r.finish()); err != nil {
		return nil, err
	}
	if cfg := r.policy.Config; cfg != nil && len(r.res.Subjects) > 0 {
		r.res.Warnings = append(r.res.Warnings, cfg.Exceptions.Warnings...)
	}
	r.res.Unknown = append(r.res.Unknown, omitted...)
	return r.res, nil
}

// outline is a finding without what only a list of findings shows.
func outline(f *finding.Finding) finding.Finding {
	return finding.Finding{
		Rule: f.Rule, Key: f.Key, Practice: f.Practice, Subject: f.Subject, Severity: f.Severity,
		Suppressed: f.Suppressed, Unshipped: f.Unshipped, More: f.More, Traits: f.Traits,
	}
}

// single reports whether a finding counts or not whatever else is found.
func (p *Policy) single() bool {
	return len(p.VEX) == 0 && p.Baseline == "" && (p.Config == nil || len(p.Config.Exceptions.List) == 0)
}

// readTwice reports whether each file can be read twice, and is one subject.
func readTwice(files []string) bool {
	if len(files) > 1 && slices.Contains(files, "-") {
		return false
	}
	return len(slices.Compact(slices.Sorted(slices.Values(files)))) == len(files)
}
