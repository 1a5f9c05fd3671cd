package observe

import (
	"context"
	"errors"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// eye sees what containers do, on the machine where they run.
type eye interface {
	// way is the name of the way of seeing: "bpf".
	way() string
	// observer is where it is; empty: it is a process of the Engine's machine.
	observer() string
	// mount is what a container must have to wait at the start gate.
	mount() runtime.Mount
	// hold is the FIFO at which the next container waits, within the mount.
	hold(ctx context.Context) (fifo string, err error)
	// filtered reports whether containers must run with a filter of its own; own is that
	// filter, by the Engine's filter of a process that waits at the gate's FIFO.
	filtered() bool
	own(ctx context.Context, pid int, fifo string) (profile string, err error)
	// expect says which container is about to be started.
	expect(ctx context.Context, id string) error
	// watch begins to record what a container does.
	watch(ctx context.Context, s subject) (Default, error)
	// open lets the process of a container that waits at a FIFO go on, as the program of
	// a name.
	open(ctx context.Context, id, fifo, program string) error
	// holds reports whether processes that are put beside the first must wait at the gate,
	// too: else they may be over before they are seen.
	holds() bool
	// phase says what a container is at from now on.
	phase(ctx context.Context, id string, p Phase) error
	// finish is what was seen of a container.
	finish(ctx context.Context, id string) (*Observation, error)
	close() error
}

// subject is a container that is to be watched.
type subject struct {
	ID     string   `json:"id"`
	PID    int      `json:"pid"`    // of its first process
	FIFO   string   `json:"fifo"`   // at which it waits; empty: it runs
	Health []string `json:"health"` // the command line of its health check
}

// newEye is the eye of this machine or, where that sees nothing, one in a container of
// the Engine.
func newEye(ctx context.Context, opt Options) (eye, error) {
	if opt.Via == viaContainer || opt.Via == "" && !opt.Engine.Local() {
		return newRemote(ctx, opt)
	}
	if !opt.Engine.Local() {
		return nil, &Error{errors.New("the Engine runs on another machine"), "--via container watches there; or run drydock observe on that machine"}
	}
	e, err := newLocal(opt)
	var unavailable *Error
	if opt.Via != "" || !errors.As(err, &unavailable) || opt.Consent == nil {
		return e, err
	}
	r, rerr := newRemote(ctx, opt)
	if rerr != nil {
		return nil, errors.Join(err, rerr)
	}
	return r, nil
}

// command is what the Engine starts in place of a command.
func command(fifo string, argv []string) []string {
	return append([]string{gateFolder + "/" + gateName, gateFolder + "/" + fifo}, argv...)
}

// gateFolder is where the start gate is mounted in a container, read only. It is
// in no observation and in no profile.
const gateFolder = "/.drydock-gate"

// gateName is the file name of the program there.
const gateName = "drydock-gate"

// The times between two looks at a container: close together at first, since some
// end soon.
const (
	soon   = 5 * time.Millisecond
	sooner = time.Second // how long that lasts
	later  = 100 * time.Millisecond
)

// maxUsers is how many users of one container are kept.
const maxUsers = 1024
