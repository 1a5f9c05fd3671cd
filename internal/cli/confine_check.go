package cli

import (
	"errors"
	"fmt"
)

// check reads what the flags said.
func (x *confining) check(args []string) error {
	if err := notEmpty(args); err != nil {
		return err
	}
	switch {
	case x.diff && (len(args) != 2 || x.profile != ""):
		return usageError{fmt.Errorf("--diff compares two observations or profiles, and was given %d", len(args)), "drydock confine --diff OLD NEW"}
	case x.drift && (len(args) == 0 || x.profile != ""):
		return usageError{errors.New("--drift completes a profile, and none is named"), "drydock confine --drift PROFILE [LOG]"}
	case x.attachTo != "" && (len(args) > 0 || x.profile == ""):
		return usageError{errors.New("--attach takes a profile and an image"), "drydock confine --profile DIR --attach IMAGE"}
	case x.diff, x.drift, x.attachTo != "":
	case x.profile == "" && len(args) != 1:
		return usageError{fmt.Errorf("confine takes one observation, and was given %d", len(args)), "drydock observe IMAGE -o seen.json makes one"}
	case x.profile == "" && x.prove != "run" && x.prove != "none":
		err := fmt.Errorf("--prove %q is no way to prove a profile", x.prove)
		return usageError{err, "--prove run, or --prove none; with --profile, the name of an image"}
	case x.profile != "" && (x.prove == "none" || x.prove == "run" && len(args) == 0 || x.prove == ""):
		return usageError{errors.New("--profile is proved with an image, and none is named"), "--profile FILE --prove IMAGE"}
	}
	if x.opt.Nproc < 0 {
		return usageError{errors.New("--nproc is a number of processes"), "--nproc 200"}
	}
	if x.opt.Nproc > 0 {
		fmt.Fprintln(x.env.Stderr, "warning: nproc counts the processes of a user in all containers and on the machine; "+
			"the limit of one container is pids")
	}
	if x.mode != "enforce" && x.mode != "log" {
		return usageError{fmt.Errorf("--mode %q is none", x.mode), "--mode enforce, or --mode log"}
	}
	x.opt.Log = x.mode == "log"
	return x.work.check()
}
