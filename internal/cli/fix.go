package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/repair"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

func newFix(f *flags) *cobra.Command {
	opt := repair.Options{}
	var prove string
	var interactive, full bool
	var on onBranch
	c := &cobra.Command{
		Use:   "fix [FILE|DIR|IMAGE]...",
		Short: "Put right what lint, audit and cves find, and prove it: recheck, rebuild, run",
		Long: `Fix what is wrong in a Dockerfile, in those of a folder and in its manifests, or
(with --dockerfile) what an image brings; a compose file, or a manifest of Kubernetes,
is fixed where it is named. Without --write, the changes are shown.

Each change is proved as far as --prove says before it counts: parse (it is a
Dockerfile still), recheck (the finding is gone and no other came), rebuild (the
Docker Engine builds it as it built the old one, and the application's files are
the same), run (both versions pass --test, --probe or the image's HEALTHCHECK, and
answer alike). The services of a compose file are brought up as they are and as they
would be, with networks, volumes and ports of their own, beside whatever runs; a probe
names its service as the host, a test begins with it. What is not proved as far is not
written, and the exit code is 1.

--branch commits what is proved on a new branch of your repository, with the report as
the message: hooks run, and your files, your index and your branch stay as they are.`,
		Example: `  drydock fix
  drydock fix --write --only DL3008,dockerfile/maintainer Dockerfile
  drydock fix --unsafe --prove run --probe http://localhost:8080/ --write .
  drydock fix --unsafe --prove rebuild --branch drydock-fixes --per-fix .
  drydock fix --full web/Dockerfile api/Dockerfile
  drydock fix --prove run --test ./smoke-test --format markdown .
  drydock fix --unsafe --prove run --probe http://web:8080/ --test 'db: pg_isready' compose.yaml`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := notEmpty(args)
			if err == nil {
				opt.Prove, err = proofLevel(prove)
			}
			if err != nil {
				return err
			}
			for _, p := range opt.Work.Probes {
				if _, err := exercise.ParseProbe(p); err != nil {
					return usageError{err, "--probe http://localhost:8080/"}
				}
			}
			if opt.Prove < finding.Ran && len(opt.Work.Probes)+len(opt.Work.Tests) > 0 {
				return usageError{errors.New("--test and --probe run the image, and --prove " + prove + " does not"), "--prove run"}
			}
			p, err := f.pipeline()
			if err != nil {
				return err
			}
			opt.Dockerfile, opt.Environ = f.dockerfile, f.env.Environ()
			if err := on.open(cmd, f, args, &opt); err != nil {
				return err
			}
			bar := f.progress()
			opt.Note = func(what string) { bar.update(0, 0, what) }
			if interactive {
				opt.Choose = f.choose(bufio.NewReader(interruptible(cmd.Context(), f.env.Stdin)), bar)
			}
			res, err := repair.Fix(cmd.Context(), p, args, opt)
			bar.done()
			if res == nil {
				return err
			}
			if err == nil {
				err = on.commit(cmd.Context(), res)
			}
			stopped := err
			err = f.write(func(to sink) error {
				o := f.options(to, args...)
				o.Full = full
				return report.Fix(to, to.format, res, o)
			})
			if err = cmp.Or(stopped, err); err != nil {
				return err
			}
			if res.Short() || len(finding.Asked(res.Unknown)) > 0 {
				return exitError(1)
			}
			return nil
		},
	}
	s := c.Flags()
	s.BoolVarP(&opt.Write, "write", "w", false, "write what is proved, in place")
	s.StringVar(&on.name, "branch", "", "commit what is proved on a new branch `NAME`, and touch nothing else")
	s.BoolVar(&on.perFix, "per-fix", false, "with --branch, a commit for each fix")
	s.BoolVarP(&interactive, "interactive", "i", false, "ask before each fix: yes, no, all, quit")
	s.BoolVar(&full, "full", false, "show all that changes in lock files, too")
	s.StringSliceVar(&opt.Only, "only", nil, "only these `RULES`: ids, other tools' names, globs (dockerfile/*)")
	s.BoolVar(&opt.Unsafe, "unsafe", false, "also what changes behaviour or wants review")
	s.BoolVar(&opt.Force, "force", false, "also edit files that say that they are generated")
	s.StringVar(&prove, "prove", "recheck", "how far to prove each change: `LEVEL` parse, recheck, rebuild, run")
	s.StringArrayVar(&opt.Work.Tests, "test", nil, "`COMMAND` that must pass in both versions' containers; may be repeated")
	s.StringArrayVar(&opt.Work.Probes, "probe", nil, "`URL` that both versions must answer alike: http://localhost:PORT/path; may be repeated")
	s.StringVar(&opt.Context, "context", "", "the build's `DIR` (default the Dockerfile's folder)")
	s.StringVar(&opt.Stage, "target", "", "build this `STAGE` (default the last)")
	s.StringArrayVar(&opt.Args, "build-arg", nil, "build argument `NAME=VALUE`; may be repeated")
	s.DurationVar(&opt.Timeout, "timeout", 10*time.Minute, "the most that one build or one run may take")
	s.DurationVar(&opt.Work.Settle, "settle", 3*time.Second, "how long a container must stay up where nothing else tests it")
	return c
}

// proofLevel reads --prove, by the step or by the level that it reaches.
func proofLevel(s string) (finding.Proof, error) {
	switch strings.ToLower(s) {
	case "parse", "parsed":
		return finding.Parsed, nil
	case "recheck", "rechecked":
		return finding.Rechecked, nil
	case "rebuild", "rebuilt":
		return finding.Rebuilt, nil
	case "run", "ran":
		return finding.Ran, nil
	}
	return finding.Unproved, usageError{fmt.Errorf("--prove %q is no level", s), "one of parse, recheck, rebuild, run"}
}
