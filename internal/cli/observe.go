package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// observing is what the flags of observe say.
type observing struct {
	opt     observe.Options
	project compose.Options
	work    workload
	schema  bool
	inUse   bool // packages are looked at, too
	yes     bool // an observer may be started as a container
}

func newObserve(f *flags) *cobra.Command {
	var o observing
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

--via container has the observer run as a container of the Engine: for Docker Desktop,
Colima and a DOCKER_HOST on another machine, and where you may not watch yourself. It can
trace all processes of the Engine's machine, so you are asked first (--yes agrees).

--compose brings the services of a compose file up, or those named and what they need,
beside whatever else runs: with networks, volumes and free ports of their own. --output
then names a folder, and each service has a file there. A probe's host is the service
(http://web:8080/), and a test begins with it ('db: psql -c "select 1"').`,
		Example: `  drydock observe --probe http://localhost/ nginx:1.29 -o nginx.json
  drydock observe --test 'redis-cli set a 1' --for 10s redis:8 -o redis.json
  drydock observe alpine:3.22 sh -c 'echo hello'
  drydock observe --container web --for 5m -o web.json
  drydock observe --compose compose.yaml --probe http://web:8080/ -o seen`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.observe(cmd, &o, args) },
	}
	s := c.Flags()
	s.SetInterspersed(false) // what follows the image is its own
	o.work.flags(s)
	s.StringVar(&o.opt.Container, "container", "", "watch this container (`NAME` or id), which runs, instead of starting an image")
	s.StringArrayVar(&o.project.Files, "compose", nil, "watch the services of this compose `FILE`; may be repeated, later ones over earlier")
	s.StringSliceVar(&o.project.Profiles, "profile", nil, "the `PROFILES` of the compose file that are active")
	s.StringVar(&o.project.UnsafeUseVolumes, "unsafe-use-volumes", "", "let the compose file use, and change, what is not its own, for this `REASON`")
	s.StringVar(&o.opt.Via, "via", "", "see by this `WAY` instead of the first that works: "+strings.Join(observe.Ways(), ", "))
	s.StringVar(&o.opt.Observer, "observer", "", "with --via container: the `PROGRAM` that observes there, drydock for Linux (default this one)")
	s.BoolVarP(&o.yes, "yes", "y", false, "agree to an observer in a container")
	s.BoolVar(&o.opt.Raw, "raw", false, "keep all paths as they were, too, beside those that are generalised")
	s.BoolVar(&o.inUse, "packages", false, "read the image's inventory, too, and list which packages were in use")
	s.StringVar(&o.opt.User, "user", "", "run as this `UID[:GID]` instead of the image's")
	s.BoolVar(&o.opt.NewPrivileges, "new-privileges", false, "let set-user-ID programs gain privileges; a profile then allows that, too")
	s.BoolVar(&o.schema, "schema", false, "print the JSON schema of an observation, and do nothing else")
	c.AddCommand(newObserveMerge(f))
	return c
}

// observe runs the verb.
func (f *flags) observe(cmd *cobra.Command, o *observing, args []string) error {
	if o.schema {
		return f.write(func(to sink) error { _, err := to.Write(observe.JSONSchema()); return err })
	}
	args, err := o.args(cmd, args)
	if err != nil {
		return err
	}
	var p *compose.Project
	if len(o.project.Files) > 0 {
		o.project.Services, o.project.Environ = args, f.env.Environ()
		if p, err = compose.Load(cmd.Context(), o.project); err != nil {
			return err
		}
	}
	e, err := f.engine(cmd)
	if err != nil {
		return err
	}
	defer e.Close() //nolint:errcheck // nothing is lost with it
	bar := f.progress()
	o.opt.Engine, o.opt.Ledger, o.opt.Now, o.opt.Args = e, f.ledger, f.env.Now, args
	o.opt.Exercise, o.opt.Env, o.opt.Progress = o.work.Exercise, o.work.env, func(what string) { bar.update(0, 0, what) }
	o.opt.Consent = f.consent(o.yes, bar)
	if p != nil {
		return f.observeCompose(cmd, o, p, bar)
	}
	seen, err := observe.Run(cmd.Context(), o.opt)
	bar.done()
	if err != nil {
		return failed(err)
	}
	if err := f.packages(cmd, o, seen); err != nil {
		return err
	}
	return f.observed(seen)
}

// packages adds which packages were in use, if that is asked for.
func (f *flags) packages(cmd *cobra.Command, o *observing, all ...*observe.Observation) error {
	if !o.inUse {
		return nil
	}
	p, err := f.pipeline()
	if err != nil {
		return err
	}
	for _, seen := range all {
		if seen.Packages, err = p.InUse(cmd.Context(), seen); err != nil {
			return err
		}
	}
	return nil
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
