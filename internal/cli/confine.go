package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// confining is what the flags of confine say.
type confining struct {
	*flags
	opt            confine.Options
	work           workload
	prove, mode    string
	profile        string // one that one already has
	force, explain bool
	diff           bool // two observations or profiles are compared
	drift          bool // a profile is completed from what was logged
	programs       []string
	attachTo       string // an image in its registry
}

func newConfine(f *flags) *cobra.Command {
	x := &confining{flags: f}
	c := &cobra.Command{
		Use:   "confine OBSERVATION | --profile FILE --prove IMAGE | --diff OLD NEW | --drift PROFILE [LOG]",
		Short: "The smallest profile under which a workload still works, with its proof",
		Long: `Make the smallest profile of an observation, and prove it: the workload is run again
under it with the same exercise, one privilege less at a time, and each that stays
has the failure that was seen without it. --output names the folder into which it is
written for docker run, compose, Kubernetes, systemd, AppArmor and SELinux; README.md
there says what to type.

The proof states what the kernel had in force, not what was asked for. A profile
never allows more than the Engine does by default.

--profile FILE --prove IMAGE proves a profile that you already have: a folder or
profile.json of confine's, or a seccomp profile as docker run takes it. The exercise
is --probe, --test and --for, else that of the proof beside the profile. Where it is
too tight, what it lacks is named, with the phase in which it was needed; with
--explain as a report (exit code 2), and with what was refused and not missed.

--diff OLD NEW tells what a new release started to need, of two observations or
profiles: findings, for which the exit code is 2 unless --fail-on says otherwise.

--mode log is a stage before enforcing: the kernel logs what the profile would refuse
of what the Engine allows by default. --drift completes such a profile from the log:
of auditd, or what journalctl -k and dmesg print, or the kernel's own.`,
		Example: `  drydock confine nginx.json -o nginx-profile
  drydock confine --prove none nginx.json -o nginx-profile
  drydock confine --portable nginx.json -o nginx-profile
  drydock confine --profile seccomp.json --prove nginx:1.29 --probe http://localhost/
  drydock confine --profile nginx-profile --prove nginx:1.30 --explain
  drydock confine --diff nginx-1.28.json nginx-1.29.json
  drydock confine --drift nginx-profile /var/log/audit/audit.log -o nginx-profile`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := x.check(args); err != nil {
				return err
			}
			switch {
			case x.diff:
				return x.compare(args[0], args[1])
			case x.drift:
				return x.complete(cmd, args[0], args[1:])
			case x.attachTo != "":
				return x.attach(cmd, x.attachTo)
			case x.profile != "":
				return x.given(cmd, args)
			}
			return x.observation(cmd, args[0])
		},
	}
	x.register(c.Flags())
	return c
}

func (x *confining) register(s *pflag.FlagSet) {
	x.work.flags(s)
	s.StringVar(&x.prove, "prove", "run", "`HOW` to prove the profile: run, or none; with --profile, the IMAGE to prove it with")
	s.StringVar(&x.profile, "profile", "", "prove the profile in this `FILE` or folder, instead of making one of an observation")
	s.BoolVar(&x.diff, "diff", false, "tell what the second of two observations or profiles started to need")
	s.BoolVar(&x.drift, "drift", false, "complete a profile of --mode log from what was logged")
	s.StringVar(&x.attachTo, "attach", "", "attach the profile of --profile to this `IMAGE` in its registry, where run finds it")
	s.StringArrayVar(&x.programs, "program", nil, "with --drift, count what this `PATH` was logged for, too; may be repeated")
	s.BoolVar(&x.explain, "explain", false, "report what a profile lacks that is too tight, and what it refuses and nobody misses")
	s.StringVar(&x.mode, "mode", "enforce", "`MODE` of the filter: enforce, or log, which logs what it would refuse of the Engine's default")
	s.BoolVar(&x.opt.Portable, "portable", false, "allow calls that stand for each other in another libc or runtime")
	s.BoolVar(&x.force, "force", false, "prove on another runtime than the one that the observation, or the profile, is of")
	s.Int64Var(&x.opt.Nproc, "nproc", 0, "limit the processes of the user to this `NUMBER`, in all containers together")
	s.StringVar(&x.opt.UnsafeBeyondDefault, "unsafe-beyond-default", "", "allow what was seen beyond the Engine's default, for this `REASON`")
}

// observation makes a profile of one.
func (x *confining) observation(cmd *cobra.Command, name string) error {
	o, err := readObservation(name)
	if err != nil {
		return err
	}
	if o.Status != observe.Complete {
		why := strings.TrimSuffix("the observation is "+string(o.Status)+": "+strings.Join(o.Reasons, "; "), ": ")
		fmt.Fprintf(x.env.Stderr, "warning: %s; what was not seen is refused\n", foreign(why))
	}
	p, err := confine.Draft(o, x.opt)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if x.prove == "none" {
		return x.confined(p, confine.Unproved(p, o), o.Files)
	}
	proved, proof, err := x.prover(cmd, p, o)
	if err != nil {
		return x.tooTight(p, proof, err)
	}
	return x.confined(proved, proof, o.Files)
}
