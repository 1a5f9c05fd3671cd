package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// prover runs the workload of an observation under a profile.
func (x *confining) prover(cmd *cobra.Command, p *confine.Profile, o *observe.Observation) (*confine.Profile, *confine.Proof, error) {
	if unset := x.unset(o.Image.Env); unset != nil {
		return nil, nil, unset
	}
	e, err := x.engine(cmd)
	if err != nil {
		return nil, nil, err
	}
	defer e.Close() //nolint:errcheck // nothing is lost with it
	if err := x.sameRuntime(cmd, e, p); err != nil {
		return nil, nil, err
	}
	if err := x.sameImage(cmd, e, p); err != nil {
		return nil, nil, err
	}
	how := confine.Proving{
		Engine: e, Exercise: o.Exercise, Env: x.work.env, Default: o.Default, Users: o.Users, Refused: o.Refused,
		Up: time.Duration(o.Up * float64(time.Second)),
	}
	if !x.work.Empty() {
		how.Exercise = x.work.Exercise
	}
	if o.Exit != nil {
		how.Exit = o.Exit.Code
	}
	bar := x.progress()
	defer bar.done()
	how.Progress = func(what string) { bar.update(0, 0, what) }
	return confine.Prove(cmd.Context(), p, how)
}

// unset is an error if variables are not set with which the workload was observed.
func (x *confining) unset(names []string) error {
	var unset []string
	for _, name := range names {
		if !slices.ContainsFunc(x.work.env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			unset = append(unset, "--env "+name+"=…")
		}
	}
	if len(unset) == 0 {
		return nil
	}
	err := errors.New("the workload was observed with variables whose values are not in the observation")
	return usageError{err, strings.Join(unset, " ")}
}

// given proves a profile that the user already has. args are the image, unless
// --prove names it, and what takes the place of the image's command.
func (x *confining) given(cmd *cobra.Command, args []string) error {
	name := x.prove
	if name == "run" {
		name, args = args[0], args[1:]
	}
	g, proof, err := readProfile(x.profile)
	if err != nil {
		return err
	}
	e, err := x.engine(cmd)
	if err != nil {
		return err
	}
	defer e.Close() //nolint:errcheck // nothing is lost with it
	im, err := e.Inspect(cmd.Context(), name)
	if err != nil {
		return finding.WithHint(err, "docker pull "+name)
	}
	of := observe.Image{
		Name: name, ID: im.ID, ABI: string(seccomp.Native()), User: im.User, Volumes: im.Volumes, Exposed: im.Exposed,
		Health: im.Health != nil, Command: slices.Concat(im.Entrypoint, im.Command),
	}
	if p := g.Profile; p != nil {
		if err := x.sameRuntime(cmd, e, p); err != nil {
			return err
		}
		if unset := x.unset(p.Image.Env); unset != nil {
			return unset
		}
		if p.Image.ID == im.ID {
			of.Command = p.Image.Command
		}
	}
	if len(args) > 0 {
		of.Command = slices.Concat(im.Entrypoint, args)
	}
	if len(of.Command) == 0 {
		return finding.WithHint(fmt.Errorf("%s has no command", name), "name one: drydock confine --profile FILE --prove IMAGE COMMAND")
	}
	how := confine.Proving{Engine: e, Exercise: x.work.Exercise, Env: x.work.env}
	if x.work.Empty() && proof != nil {
		how.Exercise = proof.Exercise
	}
	bar := x.progress()
	how.Progress = func(what string) { bar.update(0, 0, what) }
	p, got, err := confine.ProveGiven(cmd.Context(), g, of, how)
	bar.done()
	if err != nil {
		return x.tooTight(p, got, err)
	}
	if g.Profile == nil {
		p.Runtime = *got.Runtime
	}
	return x.confined(p, got, nil)
}
