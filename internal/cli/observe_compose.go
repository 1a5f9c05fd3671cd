package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// args reads what is to be observed: an image, a container or the services of a compose
// file. What it returns are the arguments of the image, or the services.
func (o *observing) args(cmd *cobra.Command, args []string) ([]string, error) {
	what := func(err string) error { return usageError{errors.New(err), cmd.CommandPath() + " --help"} }
	running, project := o.opt.Container != "", len(o.project.Files) > 0
	switch {
	case running && project:
		return nil, what("--container and --compose are two things to observe")
	case !running && !project && len(args) == 0:
		return nil, what("observe requires at least 1 arg: an image")
	case (running || project) && (len(o.work.env) > 0 || o.opt.User != ""):
		return nil, what("--env and --user are for an image that is started")
	case !project && len(o.project.Profiles)+len(o.project.UnsafeUseVolumes) > 0:
		return nil, what("--profile and --unsafe-use-volumes are for --compose")
	}
	if !running && !project {
		if err := notEmpty(args[:1]); err != nil {
			return nil, err
		}
		o.opt.Image, args = args[0], args[1:]
	}
	var err error
	if project { // only names of services come last, and our options may be among them
		cmd.Flags().SetInterspersed(true)
		if err = cmd.Flags().Parse(args); err == nil {
			args = cmd.Flags().Args()
		}
	} else {
		args, err = afterImage(cmd.Flags(), args)
	}
	if err != nil {
		return nil, err
	}
	if running && len(args) > 0 {
		return nil, what("--container watches what runs: it takes no arguments")
	}
	var names []string // that a probe's host may have
	if running {
		names = []string{o.opt.Container}
	}
	for _, p := range o.work.Probes {
		if u, err := exercise.ParseProbe(p); err == nil && project {
			names = append(names, u.Hostname()) // the services are not known yet
		}
	}
	return args, o.work.check(names...)
}

// observeCompose observes the services of a compose file.
func (f *flags) observeCompose(cmd *cobra.Command, o *observing, p *compose.Project, bar *progress) error {
	all, err := observe.Compose(cmd.Context(), o.opt, p)
	bar.done()
	if err != nil {
		return failed(err)
	}
	if err := f.packages(cmd, o, all...); err != nil {
		return err
	}
	dir := ""
	if f.output != "" && f.output != "-" && !f.formats.set {
		dir, f.output = f.output, ""
		if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // an observation is no secret
			return usageError{err, "--output names a folder"}
		}
		for _, o := range all {
			file := filepath.Join(dir, o.Service+".json")
			if err := f.writeTo(file, func(w io.Writer) error { return report.Observation(w, "json", o, "", report.Options{}) }); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
		}
	}
	return f.write(func(to sink) error { return report.Observations(to, to.format, all, dir, f.options(to, "")) })
}
