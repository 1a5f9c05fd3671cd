package minify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Options says what is made smaller, and how it is known to work.
type Options struct {
	Engine *runtime.Engine // that runs containers: whatever it made is cleared again and again
	Images *runtime.Engine // the same one, for the images that are tried
	Ledger *ledger.Ledger
	Open   image.Options
	Scan   image.ScanOptions

	Image    string               // of the Engine
	Args     []string             // in place of the image's command
	Env      []string             // "NAME=value"
	Seen     *observe.Observation // what is known of it already; nil: nothing
	Exercise exercise.Exercise    // empty: that of Seen, or else that it starts
	Verify   exercise.Exercise    // the second one, from which nothing is learned; empty: health check, SIGHUP and stop

	Files    bool     // by files; false: by packages
	KeepBase bool     // the layers of the base stay as they are
	Keep     []string // paths that stay in any case
	DryRun   bool     // nothing is written but the report

	Tag     string // in the Engine; empty: none
	Force   bool   // an image that has the name may lose it
	Archive string // a file for `docker load`; empty: none
	Layout  string // the folder of an OCI layout; empty: none
	Recipe  string // the folder of a Dockerfile that makes the same image; empty: none

	// Find finds the vulnerabilities of an image of the Engine; nil: they are not looked for.
	Find     func(ctx context.Context, id string) ([]finding.Finding, error)
	Progress func(what string)
	Now      func() time.Time
}

// Count is how many vulnerabilities of each severity an image has.
type Count map[finding.Severity]int

// Refusal is an image that is not made smaller, and why.
type Refusal struct {
	Why  string
	What string // to do
	Err  error
}

func (r *Refusal) Error() string {
	if r.Err != nil {
		return r.Why + ": " + r.Err.Error()
	}
	return r.Why
}

func (r *Refusal) Unwrap() error { return r.Err }

// Hint says what to do.
func (r *Refusal) Hint() string { return r.What }

func (o *Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

// startsFor is how long a workload is watched that nobody exercises.
const startsFor = exercise.Duration(5 * time.Second)

// check refuses what cannot be done, before anything is.
func (o *Options) check(ctx context.Context, im runtime.Image) error {
	if o.Tag != "" && !o.Force {
		has, err := o.Images.Has(ctx, o.Tag)
		if err != nil {
			return err
		}
		if has {
			return &Refusal{Why: "the Engine has an image named " + o.Tag + " already", What: "name another one with -t, or replace it with --force"}
		}
	}
	if s := o.Seen; s != nil {
		switch {
		case s.Image.ID != im.ID:
			return &Refusal{
				Why:  fmt.Sprintf("the observation is of another image: %s, and not %s", finding.Digest(s.Image.ID).Short(), finding.Digest(im.ID).Short()),
				What: "drydock observe " + o.Image + " -o FILE.json makes one of this image",
			}
		case slices.Contains(s.Unseen, "files"):
			return &Refusal{Why: "the observation has no files: its way of seeing (" + s.Way + ") does not see them", What: "observe as root by BPF: --via bpf"}
		}
		if o.Exercise.Empty() {
			o.Exercise = s.Exercise
		}
	}
	if o.Exercise.Empty() {
		o.Exercise.For = startsFor
	}
	if o.Files && !o.exercised(im) {
		return &Refusal{
			Why:  "nothing says what the image is for: that it starts does not show which of its files it needs",
			What: "add --probe http://localhost:PORT/ or --test 'command', or leave --granularity file out",
		}
	}
	return nil
}

// exercised reports whether more is asked of the workload than that it starts.
func (o *Options) exercised(im runtime.Image) bool {
	return len(o.Exercise.Probes)+len(o.Exercise.Tests) > 0 || im.Health != nil
}
