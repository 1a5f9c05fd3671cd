package observe

import (
	"context"
	"fmt"
	"time"

	"github.com/drydock-dev/drydock/internal/ledger"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// Options says what to observe and how the workload is exercised.
type Options struct {
	Engine    *runtime.Engine
	Ledger    *ledger.Ledger // of the start gate's files
	Image     string
	Container string   // the name or id of one that runs, instead of Image
	Args      []string // in place of the image's command
	Env       []string // "NAME=value"
	User      string   // in place of the image's
	Exercise  exercise.Exercise
	Via       string // the way of seeing, one of [Ways]; empty: the first that the machine allows

	Observer      string                 // the program that runs in a container, one for Linux; empty: this one
	Consent       func(what string) bool // asked before an observer is started as a container; nil: nobody agrees
	Raw           bool                   // keep paths as they were beside the generalised ones
	NewPrivileges bool                   // a set-user-ID program may gain some: the runtime then calls more
	Progress      func(what string)      // told what is going on; may be nil
	Now           func() time.Time

	// After is called when the exercise has passed, with what came of it, while the
	// container still runs and is watched; may be nil. Its error is the observation's.
	After func(ctx context.Context, w exercise.Workload, out exercise.Outcome) error
	// Failed is given what was seen of a workload that did not pass; may be nil.
	Failed func(*Observation)
}

// Ways are the names of the ways of seeing, in the order in which they are tried. The
// last is an observer that runs as a container of the Engine, and takes the first of the
// others that works there.
func Ways() []string { return []string{"bpf", "ptrace", "log", viaContainer} }

const viaContainer = "container"

// Error is an observation that cannot be made here, with the way out.
type Error struct {
	Err error
	Way string
}

func (e *Error) Error() string { return fmt.Sprintf("cannot observe: %v", e.Err) }

func (e *Error) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *Error) Hint() string { return e.Way }

func (o Options) progress(format string, args ...any) {
	if o.Progress != nil {
		o.Progress(fmt.Sprintf(format, args...))
	}
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// ends reports whether the end of ctx is the end of what is observed: there is no
// exercise that it would cut short.
func (o Options) ends(ctx context.Context) bool { return ctx.Err() != nil && o.Exercise.Empty() }

// Run starts the workload, watches it through its exercise, and stops it. What was
// made in the Engine is gone when it returns. An exercise that fails is an error:
// what was seen then is not what the workload needs.
//
// A container that runs already is left running, and nothing but the exercise
// touches it. Its observation is partial.
//
// Where there is no exercise, or the container is somebody's, the end of ctx is the end
// of watching, and what was seen until then is the observation.
func Run(ctx context.Context, opt Options) (*Observation, error) {
	opt = opt.withDefaults()
	if opt.Container != "" {
		return attach(ctx, opt)
	}
	return run(ctx, opt)
}

// grace is how long a workload has to stop when it is told to.
const grace = 10 * time.Second
