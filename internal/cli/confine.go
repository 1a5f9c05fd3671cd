package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/report"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

func newConfine(f *flags) *cobra.Command {
	opt := confine.Options{}
	var work workload
	var prove, mode string
	var force bool
	c := &cobra.Command{
		Use:   "confine OBSERVATION",
		Short: "The smallest profile under which a workload still works, with its proof",
		Long: `Make the smallest profile of an observation, and prove it: the workload is run again
under it with the same exercise, one privilege less at a time, and each that stays
has the failure that was seen without it. --output names the folder into which it is
written for docker run, compose, Kubernetes, systemd, AppArmor and SELinux; README.md
there says what to type.

The proof states what the kernel had in force, not what was asked for. A profile
never allows more than the Engine does by default.`,
		Example: `  drydock confine nginx.json -o nginx-profile
  drydock confine --prove none nginx.json -o nginx-profile
  drydock confine --portable nginx.json -o nginx-profile`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := notEmpty(args); err != nil {
				return err
			}
			if prove != "run" && prove != "none" {
				err := fmt.Errorf("--prove %q is no way to prove a profile", prove)
				return usageError{err, "--prove run, or --prove none"}
			}
			if mode != "enforce" && mode != "log" {
				return usageError{fmt.Errorf("--mode %q is none", mode), "--mode enforce, or --mode log"}
			}
			opt.Log = mode == "log"
			if err := work.check(); err != nil {
				return err
			}
			o, err := readObservation(args[0])
			if err != nil {
				return err
			}
			p, err := confine.Draft(o, opt)
			if err != nil {
				return err
			}
			proof := confine.Unproved(p, o)
			if prove == "run" {
				if p, proof, err = f.prove(cmd, p, o, &work, force); err != nil {
					return failed(err)
				}
			}
			return f.confined(p, proof, o)
		},
	}
	s := c.Flags()
	work.flags(s)
	s.StringVar(&prove, "prove", "run", "`HOW` to prove the profile: run, or none")
	s.StringVar(&mode, "mode", "enforce", "`MODE` of the filter: enforce, or log, which refuses nothing and writes to the kernel's log")
	s.BoolVar(&opt.Portable, "portable", false, "allow calls that stand for each other in another libc or runtime")
	s.BoolVar(&force, "force", false, "prove on another runtime than the one that the observation was made on")
	s.StringVar(&opt.UnsafeBeyondDefault, "unsafe-beyond-default", "", "allow what was seen beyond the Engine's default, for this `REASON`")
	return c
}

// prove runs the workload under the profile.
func (f *flags) prove(
	cmd *cobra.Command, p *confine.Profile, o *observe.Observation, work *workload, force bool,
) (*confine.Profile, *confine.Proof, error) {
	var unset []string
	for _, name := range o.Image.Env {
		if !slices.ContainsFunc(work.env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			unset = append(unset, "--env "+name+"=…")
		}
	}
	if len(unset) > 0 {
		err := errors.New("the workload was observed with variables whose values are not in the observation")
		return nil, nil, usageError{err, strings.Join(unset, " ")}
	}
	e, err := f.engine(cmd)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close() //nolint:errcheck // nothing is lost with it
	if err := confine.SameRuntime(cmd.Context(), e, p, force); err != nil {
		return nil, nil, err
	}
	how := confine.Proving{
		Engine: e, Exercise: o.Exercise, Env: work.env, Default: o.Default, Users: o.Users, Refused: o.Refused,
		Up: time.Duration(o.Up * float64(time.Second)),
	}
	if !work.Empty() {
		how.Exercise = work.Exercise
	}
	if o.Exit != nil {
		how.Exit = o.Exit.Code
	}
	bar := f.progress()
	defer bar.done()
	how.Progress = func(what string) { bar.update(0, 0, what) }
	return confine.Prove(cmd.Context(), p, how)
}

// confined writes a profile into the folder that --output names, and what it comes
// to on standard output.
func (f *flags) confined(p *confine.Profile, proof *confine.Proof, o *observe.Observation) error {
	dir := f.output
	f.output = ""
	if dir != "" {
		at, err := filepath.Abs(dir)
		if err != nil {
			return err
		}
		docs, err := p.Documents(at, proof, o.Files)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(at, 0o755); err != nil { //nolint:gosec // a profile is no secret
			return usageError{err, "--output names a folder"}
		}
		if err := confine.Write(at, docs, disk.Options{User: disk.Caller(f.env.Getenv), Record: f.ledger}); err != nil {
			return err
		}
	}
	return f.write(func(to sink) error { return report.Confinement(to, to.format, p, proof, dir, f.options(to, "")) })
}
