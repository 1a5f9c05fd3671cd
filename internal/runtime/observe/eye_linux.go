package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// local is the eye of this machine.
type local struct {
	t    *tracer
	gate *gate
	raw  bool // keep paths as they are

	mu   sync.Mutex
	seen map[string]*looks // by container
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

func newEye(opt Options) (_ eye, err error) {
	e := &local{raw: opt.Raw, seen: map[string]*looks{}}
	if e.t, err = newTracer(); err != nil {
		return nil, unavailable(err)
	}
	if e.gate, err = newGate(opt.Ledger); err != nil {
		return nil, errors.Join(err, e.t.close())
	}
	return e, nil
}

// unavailable says what to do where the kernel does not let us watch.
func unavailable(err error) error {
	way := "a kernel of 5.8 or later with BTF (CONFIG_DEBUG_INFO_BTF) is needed"
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) && os.Geteuid() != 0 {
		way = "run as root, or with the capabilities BPF, PERFMON and SYS_ADMIN: sudo drydock observe …"
	}
	return &Error{err, way}
}

func (e *local) way() string { return "bpf" }

func (e *local) mount() runtime.Mount {
	return runtime.Mount{Source: e.gate.folder.Path, Target: gateFolder}
}

func (e *local) hold(context.Context) (string, error) { return e.gate.hold() }

func (e *local) expect(context.Context, string) error { return nil }

func (e *local) watch(ctx context.Context, s subject) (d Default, err error) {
	l := &looks{subject: s, began: time.Now()}
	if l.cgroup, err = cgroupOf(s.PID); err != nil {
		return d, unavailable(err)
	}
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
	d, bare, err := defaults(s.PID)
	if err != nil {
		return d, err
	}
	if bare {
		l.lacks = append(l.lacks, lack{Partial, "the Engine loads no seccomp filter: what its runtime calls could not be told from what the container needs, and what io_uring does is no call"})
	}
	how := watching{began: l.began, phase: Serving, raw: e.raw, bare: bare, health: s.Health, mounted: newMounts(s.PID).at}
	if s.FIFO != "" {
		how.phase = StartUp
		if how.gate, err = waiting(ctx, l.in); err != nil {
			return d, err
		}
	} else {
		how.running = l.in.processes()
		l.lacks = append(l.lacks, lack{Partial, "start-up not seen"})
	}
	if err := e.t.watch(l.cgroup, how); err != nil {
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

func (e *local) open(ctx context.Context, id, program string) error {
	l, err := e.of(id)
	if err != nil {
		return err
	}
	return e.gate.open(ctx, l.FIFO, l.PID, program)
}

func (e *local) phase(_ context.Context, id string, p Phase) error {
	l, err := e.of(id)
	if err != nil {
		return err
	}
	l.look()
	return e.t.phase(l.cgroup, p)
}

func (e *local) finish(_ context.Context, id string) (*Observation, error) {
	l, err := e.of(id)
	if err != nil {
		return nil, err
	}
	l.look()
	l.stop()
	l.samples.Wait()
	e.t.settle()
	l.mu.Lock()
	o := &Observation{Status: Complete, Users: l.users, Peaks: l.peaks}
	o.Peaks.OpenFiles = l.maxFiles
	l.mu.Unlock()
	for _, lack := range l.lacks {
		o.lack(lack.status, lack.why)
	}
	if err := e.t.into(l.cgroup, o); err != nil {
		return nil, err
	}
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

// defaults reads what a container may do, of its first process: the filter and the
// capabilities. A bare one has no filter.
func defaults(pid int) (d Default, bare bool, err error) {
	filters, err := seccomp.Loaded(pid)
	if err != nil {
		return d, false, err
	}
	if d.Calls, err = seccomp.Reachable(filters, seccomp.Native()); err != nil {
		return d, false, err
	}
	if slices.Contains(seccomp.ABIs(), seccomp.I386) {
		calls, err := seccomp.Reachable(filters, seccomp.I386)
		if err != nil {
			return d, false, err
		}
		d.I386 = len(calls)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return d, false, fmt.Errorf("the container's process: %w", err)
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err != nil {
				return d, false, fmt.Errorf("capabilities of the container: %w", err)
			}
			d.Capabilities = seccomp.CapabilitySet(set).Names()
		}
	}
	return d, len(filters) == 0, nil
}
