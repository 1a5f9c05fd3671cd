package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime"
)

func newAudit(f *flags) *cobra.Command {
	var a check.Auditing
	var items bool
	c := &cobra.Command{
		Use:   "audit [TARGET]...",
		Short: "How containers are started: the Engine, its containers, compose files, pods, docker run lines",
		Long: `Look at how containers are started, with the rules of the CIS Docker Benchmark 1.6.0
(sections 1 to 5) and Drydock's own. Without a target, the local Engine is looked at,
its machine, every container that it has, and the images that they run. A target is a
compose file, a manifest of Kubernetes, a folder that holds either, container://NAME,
image://NAME, or -, which reads one of these or lines of docker run from standard input.

With an observation of a container (--observed, or SERVICE.json beside a compose
file), what it is given is compared with what it used.

What cannot be read is unknown, and never passes. What no program can tell is listed
as manual: --ids lists every item. A compose file is read as Compose does, with its
variables filled in; a fix for it is an edit that keeps its comments, order and
anchors.`,
		Example: `  drydock audit
  drydock audit compose.yaml --fail-on severity:high
  drydock audit container://web
  kubectl get deployments --output yaml | drydock audit -
  echo 'docker run --privileged alpine' | drydock audit -
  drydock audit --ids --only 'CIS-2.*,CIS-3.*'
  drydock audit --only runtime/privileged,CIS-5.32 compose.yaml`,
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
			var e *runtime.Engine
			a.Targets = args
			a.Engine = func(ctx context.Context) (_ *runtime.Engine, err error) {
				if e == nil {
					e, err = runtime.Dial(ctx, runtime.Options{Getenv: f.env.Getenv})
				}
				return e, err
			}
			res, err := p.Audit(cmd.Context(), a)
			if e != nil {
				err = errors.Join(err, e.Close())
			}
			if err != nil {
				return err
			}
			err = f.write(func(to sink) error {
				o := f.options(to, args...)
				o.View, o.Items = report.Audit, items
				return report.Write(to, to.format, res, o)
			})
			if err != nil {
				return err
			}
			return f.judge(res, false)
		},
	}
	s := c.Flags()
	s.StringSliceVar(&a.Only, "only", nil, "only these `RULES`: ids, CIS ids, globs (runtime/*)")
	s.StringSliceVar(&a.Ignore, "ignore", nil, "not these `RULES`")
	s.StringSliceVar(&a.Observed, "observed", nil, "compare what containers are given with what these `FILES` of drydock observe saw")
	s.BoolVar(&items, "ids", false, "list what became of each item of the CIS Docker Benchmark")
	s.BoolVar(&f.showSuppressed, "show-suppressed", false, "list what does not count, with the reason")
	return c
}
