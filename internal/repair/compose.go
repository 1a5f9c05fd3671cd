package repair

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// compose fixes one compose file, or the pods of a manifest. What is wrong is counted
// by service or container, as each has its own.
func (f *fixer) compose(ctx context.Context, name string, kind check.Kind) error {
	if kind == check.Manifest && f.opt.Prove > finding.Rechecked {
		return finding.WithHint(fmt.Errorf("%s: no cluster is here to run it", name), "--prove recheck, and try it in one")
	}
	b, err := fix.ReadFile(name)
	if err != nil {
		return err
	}
	of := finding.KindService
	if kind == check.Manifest {
		of = finding.KindPod
	}
	s := f.subject(of, name)
	s.Files[name] = b
	if kind == check.Compose {
		s.Project = name
		if over := check.ComposeOverride(name); over != "" {
			s.Merged = []string{over}
		}
	}
	s.Identity = func(x finding.Finding) string { return string(x.Rule) + " " + x.Subject.Name + " " + x.Key }
	s.Look = func(ctx context.Context, files map[string][]byte) ([]finding.Finding, []finding.Unknown, error) {
		res, err := f.AuditVersion(ctx, name, files[name])
		if err != nil {
			return nil, nil, err
		}
		return res.Findings, res.Unknown, nil
	}
	return f.finish(ctx, s)
}
