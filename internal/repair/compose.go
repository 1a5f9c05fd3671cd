package repair

import (
	"context"
	"fmt"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// compose fixes one compose file, or the pods of a manifest. What is wrong is counted
// by service or container, as each has its own.
func (f *fixer) compose(ctx context.Context, name string) error {
	if f.opt.Prove > finding.Rechecked {
		err := fmt.Errorf("%s: fixes of a compose file are not proved by running it", name)
		return finding.WithHint(err, "--prove recheck, and try what it starts")
	}
	b, err := fix.ReadFile(name)
	if err != nil {
		return err
	}
	s := f.subject(finding.KindService, name)
	s.Files[name] = b
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
