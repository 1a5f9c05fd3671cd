package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/minify"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// minifying is what the flags of minify say.
type minifying struct {
	*flags
	opt         minify.Options
	work        workload
	verify      []string
	seen        string
	granularity string
	to          []string
}

func newMinify(f *flags) *cobra.Command {
	m := &minifying{flags: f}
	c := &cobra.Command{
		Use:   "minify IMAGE [flags] [ARG…]",
		Short: "Make an image of what it uses, and prove that it still works",
		Long: `Watch an image of the local Engine while it is exercised, make a new image without
what it did not use, and run that one in the same way: it must answer alike. Paths that
were removed are watched: one that is looked for is put back, and the run repeated. A
second exercise, from which nothing is learned (--verify), must pass on both.

By packages, which is the default, a package of the distribution stays whole if a file of
it was used or a package that stays depends on it, and what no package owns stays. By
files (--granularity file) much less stays; it needs an exercise that says what the image
is for: --probe, --test or a HEALTHCHECK.

The databases of dpkg and apk are rewritten, so that a scanner finds what is there and
nothing else. Owners, modes, times, hard links and file capabilities stay. The image's
configuration and history stay, too. Signatures and attestations do not carry over.

Nothing is written unless all of that passes. --to archive://FILE and oci-dir://FOLDER
write the image there instead of into the Engine. --dockerfile FOLDER writes a Dockerfile
that makes the same image of the original, and what it needs beside it. --format openvex
states which vulnerabilities are gone with their packages.`,
		Example: `  drydock minify --probe http://localhost/ nginx:1.29 -t nginx:small
  drydock minify --granularity file --test 'redis-cli ping' --verify 'redis-cli set a 1' redis:8
  drydock minify --observation nginx.json --dry-run nginx:1.29
  drydock minify --probe http://localhost/ --to oci-dir://small nginx:1.29`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return m.minify(cmd, args) },
	}
	s := c.Flags()
	s.SetInterspersed(false) // options may follow the image, and what it is started with follows them
	m.work.flags(s)
	s.StringVar(&m.seen, "observation", "", "`FILE` of what is known of the image's use already, by drydock observe")
	s.StringArrayVar(&m.verify, "verify", nil, "`COMMAND` or URL of the second exercise, from which nothing is learned; may be repeated")
	s.StringVarP(&m.opt.Tag, "tag", "t", "", "`NAME` of the new image (default IMAGE-minified)")
	s.StringVar(&m.granularity, "granularity", "package", "remove whole `UNITS`: package, or file")
	s.StringArrayVar(&m.opt.Keep, "keep", nil, "`PATH` that stays with all that is in it; may be repeated")
	s.BoolVar(&m.opt.KeepBase, "keep-base", false, "leave the layers of the base as they are, so that images share them")
	s.BoolVar(&m.opt.DryRun, "dry-run", false, "say what would be removed, and write no image")
	s.BoolVar(&m.opt.Force, "force", false, "replace an image that has the new name")
	s.StringArrayVar(&m.to, "to", nil, "write the image to `WHERE`: archive://FILE or oci-dir://FOLDER")
	s.StringVar(&m.opt.Recipe, "dockerfile", "", "write a Dockerfile that makes the same image into `FOLDER`")
	return c
}

// minify runs the verb.
func (m *minifying) minify(cmd *cobra.Command, args []string) error {
	rest, err := m.args(cmd, args)
	if err != nil {
		return err
	}
	if m.seen != "" {
		if m.opt.Seen, err = readObservation(m.seen); err != nil {
			return err
		}
		if unset := (&confining{flags: m.flags, work: m.work}).unset(m.opt.Seen.Image.Env); unset != nil {
			return unset
		}
	}
	p, err := m.pipeline()
	if err != nil {
		return err
	}
	if m.opt.Engine, err = m.engine(cmd); err != nil {
		return err
	}
	defer m.opt.Engine.Close() //nolint:errcheck // nothing is lost with it
	if m.opt.Images, err = m.engine(cmd); err != nil {
		return err
	}
	defer m.close(cmd)
	bar := m.progress()
	defer bar.done()
	m.opt.Ledger, m.opt.Now, m.opt.Args, m.opt.Env, m.opt.Exercise = m.ledger, m.env.Now, rest, m.work.env, m.work.Exercise
	m.opt.Open, m.opt.Progress = p.ImageOptions(func(string) {}), func(what string) { bar.update(0, 0, what) }
	m.opt.Scan = image.ScanOptions{Cache: m.opt.Open.Cache, Log: p.Log}
	m.opt.Find = vulnerable(p)
	res, err := minify.Run(cmd.Context(), m.opt)
	bar.done()
	if err != nil {
		return failed(err)
	}
	return m.write(func(to sink) error { return report.Minified(to, to.format, res, m.options(to, "")) })
}

// close takes away what was tried and not named.
func (m *minifying) close(cmd *cobra.Command) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), time.Minute)
	defer cancel()
	_ = errors.Join(m.opt.Images.Clear(ctx), m.opt.Images.Close()) // what stays is in the ledger
}

// args reads what is to be done to which image, and returns its arguments.
func (m *minifying) args(cmd *cobra.Command, args []string) ([]string, error) {
	if err := notEmpty(args[:1]); err != nil {
		return nil, err
	}
	m.opt.Image = strings.TrimPrefix(args[0], "local://")
	rest, err := m.after(cmd, args[1:])
	if err != nil {
		return nil, err
	}
	if err := m.work.check(); err != nil {
		return nil, err
	}
	switch m.granularity {
	case "package", "file":
		m.opt.Files = m.granularity == "file"
	default:
		return nil, usageError{fmt.Errorf("--granularity %s is neither package nor file", m.granularity), "--granularity package"}
	}
	for _, v := range m.verify {
		if _, err := exercise.ParseProbe(v); err == nil {
			m.opt.Verify.Probes = append(m.opt.Verify.Probes, v)
		} else {
			m.opt.Verify.Tests = append(m.opt.Verify.Tests, v)
		}
	}
	m.opt.Verify.Within = m.work.Within
	return rest, errors.Join(m.recipe(), m.places())
}
