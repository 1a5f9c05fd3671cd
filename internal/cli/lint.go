package cli

import (
	"cmp"
	"context"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/policy"
	"github.com/drydock-dev/drydock/internal/report"
)

func newLint(f *flags) *cobra.Command {
	var opt check.LintOptions
	var noFail bool
	var threshold string
	c := &cobra.Command{
		Use:   "lint [FILE|DIR|-]...",
		Short: "What is wrong in Dockerfiles, line by line, with the fix where there is one",
		Long: `Look at Dockerfiles with the rules of BuildKit, hadolint, Trivy and the CIS
benchmark, and with Drydock's own. A folder is searched for Dockerfiles; - reads
standard input. The pragmas of BuildKit (# check=skip=…;error=true) and hadolint
(# hadolint ignore=DL3008) count, and so does a .hadolint.yaml.

Without --fail-on, findings of high severity (hadolint's errors) exit with 2.`,
		Example: `  drydock lint
  drydock lint Dockerfile --fail-on severity:medium
  drydock lint - < Dockerfile
  drydock lint --only DL3008,dockerfile/root-user --format github .`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(args); err != nil {
				return err
			}
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			p.Stdin = interruptible(cmd.Context(), f.env.Stdin)
			if err := f.asHadolint(p.Hadolint, threshold); err != nil {
				return err
			}
			res, err := f.lint(cmd.Context(), p, args, opt)
			if err != nil || noFail || p.Hadolint.NoFail {
				return err
			}
			return f.judge(res, false)
		},
	}
	s := c.Flags()
	s.StringVar(&opt.Context, "context", "", "the build's `DIR` (default: told from what the file copies)")
	s.StringSliceVar(&opt.Only, "only", nil, "only these `RULES`: ids, other tools' names, globs (dockerfile/*)")
	s.StringSliceVar(&opt.Ignore, "ignore", nil, "not these `RULES`")
	s.StringSliceVar(&opt.Trusted, "trusted-registry", nil, "bases may come from these `REGISTRIES` only")
	s.BoolVar(&opt.Experimental, "experimental", false, "the rules that are off by default, too")
	s.StringVar(&threshold, "failure-threshold", "", "hadolint's name for --fail-on severity:`LEVEL` (error, warning, info, style)")
	s.BoolVar(&noFail, "no-fail", false, "exit with 0 whatever is found")
	s.BoolVar(&f.showSuppressed, "show-suppressed", false, "list what does not count, with the reason")
	return c
}

// lint looks at Dockerfiles and prints what it finds: one text as it is made, in the
// memory of one file; other formats, and several, once all is known.
func (f *flags) lint(ctx context.Context, p *check.Pipeline, args []string, opt check.LintOptions) (res *check.Result, err error) {
	list, err := f.destinations()
	if err != nil {
		return nil, err
	}
	if len(list) != 1 || list[0].format != "text" {
		if res, err = p.Lint(ctx, args, opt); err != nil {
			return nil, err
		}
		return res, f.print(res, report.Lint, args...)
	}
	return res, f.write(func(to sink) error {
		text := report.NewLintText(to, f.options(to, args...))
		opt.Each = text.File
		if res, err = p.Lint(ctx, args, opt); err != nil {
			return err
		}
		return text.End(res)
	})
}

// asHadolint adds to the gate what hadolint's users say in its words; where
// nobody has said anything it is that tool's errors.
func (f *flags) asHadolint(cfg *policy.Lint, threshold string) error {
	term := cmp.Or(cfg.FailOn, "severity:high")
	switch {
	case threshold == "none" || threshold == "ignore": // hadolint's words for no gate
		term = "none"
	case threshold != "":
		term = "severity:" + threshold
	case f.failOn != "", f.exitCode != "":
		return nil
	}
	gate, err := policy.ParseGate(term)
	if err != nil {
		return usageError{err, "one of error, warning, info, style"}
	}
	f.gate = f.gate.And(gate)
	return nil
}
