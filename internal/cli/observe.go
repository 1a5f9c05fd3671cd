package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

func newObserve(f *flags) *cobra.Command {
	opt := observe.Options{}
	var work workload
	var project compose.Options
	c := &cobra.Command{
		Use:   "observe [flags] IMAGE [ARG…]",
		Short: "Watch what a container calls, opens and needs, and write it down",
		Long: `Start an image on the Docker Engine of this machine as a user would, watch it while
it is exercised, and write down what it did: system calls, capabilities, files,
ports, users and peaks. "confine" makes the smallest profile of that.

The exercise is --probe, --test and --for, as often as you like; without any, the
workload is watched until it ends or you interrupt. What the exercise does not reach,
the profile will not allow. It needs Linux and, for the way that sees all (BPF), BTF and
root or the capabilities BPF, PERFMON and SYS_ADMIN. ARG takes the place of the image's
command; options that follow the image are its own, but for --output, --format, --probe,
--test and --for right after it.

--container watches one that runs already, until its exercise is over, it ends, or
you interrupt. It is left running. What it did before is not in the observation.

--compose brings the services of a compose file up, or those named and what they need,
beside whatever else runs: with networks, volumes and free ports of their own. --output
then names a folder, and each service has a file there. A probe's host is the service
(http://web:8080/), and a test begins with it ('db: psql -c "select 1"').`,
		Example: `  drydock observe --probe http://localhost/ nginx:1.29 -o nginx.json
  drydock observe --test 'redis-cli set a 1' --for 10s redis:8 -o redis.json
  drydock observe alpine:3.22 sh -c 'echo hello'
  drydock observe --container web --for 5m -o web.json
  drydock observe --compose compose.yaml --probe http://web:8080/ -o seen`,
		RunE: func(cmd *cobra.Command, args []string) error {
			args, err := f.observeArgs(cmd, &opt, &project, &work, args)
			if err != nil {
				return err
			}
			var p *compose.Project
			if len(project.Files) > 0 {
				project.Services, project.Environ = args, f.env.Environ()
				if p, err = compose.Load(cmd.Context(), project); err != nil {
					return err
				}
			}
			e, err := f.engine(cmd)
			if err != nil {
				return err
			}
			defer e.Close() //nolint:errcheck // nothing is lost with it
			bar := f.progress()
			opt.Engine, opt.Ledger, opt.Now = e, f.ledger, f.env.Now
			opt.Exercise, opt.Env, opt.Progress = work.Exercise, work.env, func(what string) { bar.update(0, 0, what) }
			if p != nil {
				return f.observeCompose(cmd, opt, p, bar)
			}
			opt.Args = args
			o, err := observe.Run(cmd.Context(), opt)
			bar.done()
			if err != nil {
				return failed(err)
			}
			return f.observed(o)
		},
	}
	c.Flags().SetInterspersed(false) // what follows the image is its own
	work.flags(c.Flags())
	c.Flags().StringVar(&opt.Container, "container", "", "watch this container (`NAME` or id), which runs, instead of starting an image")
	c.Flags().StringArrayVar(&project.Files, "compose", nil, "watch the services of this compose `FILE`; may be repeated, later ones over earlier")
	c.Flags().StringSliceVar(&project.Profiles, "profile", nil, "the `PROFILES` of the compose file that are active")
	c.Flags().StringVar(&project.UnsafeUseVolumes, "unsafe-use-volumes", "", "let the compose file use, and change, what is not its own, for this `REASON`")
	c.Flags().StringVar(&opt.Via, "via", "", "see by this `WAY` instead of the first that works: "+strings.Join(observe.Ways(), ", "))
	c.Flags().BoolVar(&opt.Raw, "raw", false, "keep all paths as they were, too, beside those that are generalised")
	c.Flags().StringVar(&opt.User, "user", "", "run as this `UID[:GID]` instead of the image's")
	c.Flags().BoolVar(&opt.NewPrivileges, "new-privileges", false, "let set-user-ID programs gain privileges; a profile then allows that, too")
	c.AddCommand(newObserveMerge(f))
	return c
}

// observed writes an observation: with --output as JSON into the file, and what it
// comes to on standard output.
func (f *flags) observed(o *observe.Observation) error {
	file := ""
	if f.output != "" && f.output != "-" && !f.formats.set {
		file, f.output = f.output, ""
		if err := f.writeTo(file, func(w io.Writer) error { return report.Observation(w, "json", o, "", report.Options{}) }); err != nil {
			return err
		}
	}
	return f.write(func(to sink) error { return report.Observation(to, to.format, o, file, f.options(to, "")) })
}

func newObserveMerge(f *flags) *cobra.Command {
	return &cobra.Command{
		Use:     "merge A B…",
		Short:   "Join observations of one image, made on one runtime",
		Example: "  drydock observe merge reads.json writes.json -o both.json",
		Args:    cobra.MinimumNArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			var all *observe.Observation
			for _, name := range args {
				o, err := readObservation(name)
				if err != nil {
					return err
				}
				if all != nil {
					if o, err = observe.Merge(all, o); err != nil {
						return fmt.Errorf("merge %s: %w", name, err)
					}
				}
				all = o
			}
			return f.observed(all)
		},
	}
}

func readObservation(name string) (*observe.Observation, error) {
	b, err := readSome(name, observe.MaxBytes)
	if err != nil {
		return nil, err
	}
	o, err := observe.Read(b)
	if err != nil {
		return nil, finding.WithHint(fmt.Errorf("%s: %w", name, err), "drydock observe IMAGE -o "+name+" writes one")
	}
	return o, nil
}
