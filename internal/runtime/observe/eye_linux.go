package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// local is the eye of this machine.
type local struct {
	t    tracer
	gate *gate
	raw  bool // keep paths as they are

	mu   sync.Mutex
	seen map[string]*looks // by container
}

// tracer is a way of seeing what the processes of containers do.
type tracer interface {
	// way is its name.
	way() string
	// unseen are the parts of an observation that it cannot see at all, by their names
	// in JSON.
	unseen() []string
	// expect says which container is about to be started.
	expect(id string) error
	// filters are the seccomp filters of a container's first process.
	filters(pid int) ([]seccomp.Filter, error)
	// holds reports whether a process must be held until it is ready for it.
	holds() bool
	// ready waits until a process of a container is seen.
	ready(ctx context.Context, l *looks, pid int) error
	// watch begins to record what a container does.
	watch(l *looks, w watching) error
	// phase says what a container is at from now on.
	phase(l *looks, p Phase) error
	// into adds what was seen so far to an observation.
	into(l *looks, o *Observation) error
	close() error
}

// watching says how a container is watched.
type watching struct {
	began   time.Time
	phase   Phase
	raw     bool     // keep paths as they are
	bare    bool     // it has no filter
	gate    int      // the process that waits at the start gate; 0: none
	running []int    // processes that began before
	health  []string // the command line of its health check
}

// looks are what is read of a container now and then.
type looks struct {
	subject
	in     cgroups
	root   root
	cgroup uint64
	began  time.Time
	lacks  []lack

	stop    context.CancelFunc
	samples sync.WaitGroup

	mu       sync.Mutex
	users    []User
	peaks    Peaks
	maxFiles int
}

// lack is something that keeps an observation from being complete.
type lack struct {
	status Status
	why    string
}

func newLocal(opt Options) (_ eye, err error) {
	e := &local{raw: opt.Raw, seen: map[string]*looks{}}
	if e.t, err = newTracer(opt.Via, opt.Engine.Rootless()); err != nil {
		return nil, err
	}
	if e.gate, err = newGate(opt.Ledger); err != nil {
		return nil, errors.Join(err, e.t.close())
	}
	return e, nil
}

func (e *local) way() string { return e.t.way() }

func (e *local) observer() string { return "" }

func (e *local) mount() runtime.Mount {
	return runtime.Mount{Source: e.gate.path, Target: gateFolder}
}

func (e *local) hold(context.Context) (string, error) { return e.gate.hold() }

func (e *local) filtered() bool {
	_, is := e.t.(*logger)
	return is
}

func (e *local) own(ctx context.Context, pid int, fifo string) (string, error) {
	l, is := e.t.(*logger)
	if !is {
		return "", nil
	}
	in, err := groups(pid)
	if err != nil {
		return "", err
	}
	if pid, err = waiting(ctx, in, fifo); err != nil {
		return "", err
	}
	filters, err := seccomp.Loaded(pid)
	if err != nil {
		return "", err
	}
	if len(filters) == 0 {
		return "", &Error{errors.New("the Engine loads no seccomp filter"), "--via bpf or ptrace sees what it starts"}
	}
	return l.own(filters)
}

func (e *local) expect(_ context.Context, id string) error { return e.t.expect(id) }

func (e *local) watch(ctx context.Context, s subject) (d Default, err error) {
	l := &looks{subject: s, began: time.Now()}
	if l.in, err = groups(s.PID); err != nil {
		return d, err
	}
	if l.root, err = rootOf(s.PID); err != nil {
		return d, err
	}
	defer func() {
		if err != nil {
			l.root.close()
		}
	}()
	how := watching{began: l.began, phase: Serving, raw: e.raw, health: s.Health}
	if s.FIFO != "" {
		how.phase = StartUp
		if how.gate, err = waiting(ctx, l.in, s.FIFO); err != nil { // before that, the filter may not be there
			return d, err
		}
	} else {
		how.running = l.in.processes()
		l.lacks = append(l.lacks, lack{Partial, "start-up not seen"})
	}
	filters, err := e.t.filters(s.PID)
	if err != nil && !errors.Is(err, errUnreadable) {
		return d, err
	}
	how.bare = !filteredBy(s.PID)
	if d, err = defaults(s.PID, filters, err == nil); err != nil {
		return d, err
	}
	if how.bare {
		l.lacks = append(l.lacks, lack{Partial, "the Engine loads no seccomp filter: what its runtime calls could not be told from what the container needs, and what io_uring does is no call"})
	}
	if err := e.t.watch(l, how); err != nil {
		return d, err
	}
	e.mu.Lock()
	e.seen[s.ID] = l
	e.mu.Unlock()
	l.sample()
	return d, nil
}

// of is a container that is watched.
func (e *local) of(id string) (*looks, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if l := e.seen[id]; l != nil {
		return l, nil
	}
	return nil, fmt.Errorf("container %s is not watched", id)
}

func (e *local) open(ctx context.Context, id, fifo, program string) error {
	l, err := e.of(id)
	if err != nil {
		return err
	}
	pid, err := waiting(ctx, l.in, fifo)
	if err != nil {
		return err
	}
	if err := e.t.ready(ctx, l, pid); err != nil {
		return err
	}
	return e.gate.open(ctx, fifo, pid, program)
}

func (e *local) holds() bool { return e.t.holds() }

func (e *local) phase(_ context.Context, id string, p Phase) error {
	l, err := e.of(id)
	if err != nil {
		return err
	}
	l.look()
	return e.t.phase(l, p)
}

func (e *local) finish(_ context.Context, id string) (*Observation, error) {
	l, err := e.of(id)
	if err != nil {
		return nil, err
	}
	l.look()
	l.stop()
	l.samples.Wait()
	l.mu.Lock()
	o := &Observation{Status: Complete, Users: l.users, Peaks: l.peaks, Unseen: e.t.unseen()}
	o.Peaks.OpenFiles = l.maxFiles
	l.mu.Unlock()
	for _, lack := range l.lacks {
		o.lack(lack.status, lack.why)
	}
	if err := e.t.into(l, o); err != nil {
		return nil, err
	}
	sorting.By(o.Users, func(a, b User) int { return cmp.Or(a.UID-b.UID, a.GID-b.GID) })
	l.root.links(o)
	return o, nil
}

func (e *local) close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range e.seen {
		l.stop()
		l.samples.Wait()
		l.root.close()
	}
	return errors.Join(e.t.close(), e.gate.remove())
}

// sample looks at the container's processes now and then, until it is told to stop.
func (l *looks) sample() {
	ctx, stop := context.WithCancel(context.Background())
	l.stop = stop
	l.look()
	l.samples.Go(func() {
		for {
			wait := later
			if time.Since(l.began) < sooner {
				wait = soon
			}
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			l.look()
		}
	})
}

// look reads what the container uses at present.
func (l *looks) look() {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.in.peaks()
	l.peaks = Peaks{Memory: max(l.peaks.Memory, p.Memory), PIDs: max(l.peaks.PIDs, p.PIDs), CPU: max(l.peaks.CPU, p.CPU)}
	sample(l.in, &l.users, &l.maxFiles)
}

// defaults reads what a container may do, of its first process: the filter, if it is
// known, and the capabilities.
func defaults(pid int, filters []seccomp.Filter, known bool) (d Default, err error) {
	if d.Calls, err = seccomp.Reachable(filters, seccomp.Native()); err != nil {
		return d, err
	}
	if !known {
		d.Calls = nil
	}
	if known && slices.Contains(seccomp.ABIs(), seccomp.I386) {
		calls, err := seccomp.Reachable(filters, seccomp.I386)
		if err != nil {
			return d, err
		}
		d.I386, d.I386Calls = len(calls), calls
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return d, fmt.Errorf("the container's process: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err != nil {
				return d, fmt.Errorf("capabilities of the container: %w", err)
			}
			d.Capabilities = seccomp.CapabilitySet(set).Names()
		}
	}
	return d, nil
}
