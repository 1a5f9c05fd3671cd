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

	"github.com/cilium/ebpf"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

func run(ctx context.Context, opt Options) (_ *Observation, err error) {
	on, err := opt.Engine.Runtime(ctx)
	if err != nil {
		return nil, err
	}
	if !on.Local {
		return nil, &Error{errors.New("the Engine runs on another machine"), "run drydock observe there: its kernel is the one that sees the calls"}
	}
	im, err := opt.Engine.Inspect(ctx, opt.Image)
	if err != nil {
		return nil, err
	}
	argv := slices.Concat(im.Entrypoint, im.Command)
	if len(opt.Args) > 0 {
		argv = slices.Concat(im.Entrypoint, opt.Args)
	}
	if len(argv) == 0 {
		return nil, &Error{fmt.Errorf("%s has no command", opt.Image), "name one: drydock observe IMAGE COMMAND"}
	}
	t, err := newTracer()
	if err != nil {
		return nil, unavailable(err)
	}
	defer func() { err = errors.Join(err, t.close()) }()

	o := &Observation{
		Schema: Schema, Way: "bpf", Status: Complete, Exercise: opt.Exercise,
		Image: Image{
			Name: opt.Image, ID: im.ID, ABI: string(seccomp.Native()), Command: argv, User: cmp.Or(opt.User, im.User),
			Volumes: im.Volumes, Exposed: im.Exposed, Health: im.Health != nil,
		},
		Runtime: Engine{
			Engine: opt.Engine.Version, Name: on.Name, Version: on.Version, Kernel: on.Kernel, NoNewPrivileges: !opt.NewPrivileges,
		},
	}
	for _, e := range opt.Env {
		name, _, _ := strings.Cut(e, "=")
		o.Image.Env = append(o.Image.Env, name)
	}
	w := watch{opt: opt, t: t, o: o, im: im}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, w.clean(clean))
	}()
	if err := w.start(ctx, argv); err != nil {
		return nil, err
	}
	if err := w.exercise(ctx); err != nil {
		return nil, err
	}
	if err := w.finish(ctx); err != nil {
		return nil, err
	}
	return o, nil
}

// unavailable says what to do where the kernel does not let us watch.
func unavailable(err error) error {
	way := "a kernel of 5.8 or later with BTF (CONFIG_DEBUG_INFO_BTF) is needed"
	if errors.Is(err, os.ErrPermission) || errors.Is(err, ebpf.ErrNotSupported) && os.Geteuid() != 0 {
		way = "run as root, or with the capabilities BPF, PERFMON and SYS_ADMIN: sudo drydock observe …"
	}
	return &Error{err, way}
}

// watch is one container that is observed.
type watch struct {
	opt Options
	t   *tracer
	o   *Observation
	im  runtime.Image

	gate   *gate
	c      *runtime.Container
	pid    int
	cgroup uint64
	in     cgroups
	began  time.Time

	stop     context.CancelFunc // of the samples
	samples  sync.WaitGroup
	users    []User
	maxFiles int
}

// start brings the container to its start gate, begins to watch it, and lets it
// go.
func (w *watch) start(ctx context.Context, argv []string) (err error) {
	if w.gate, err = newGate(w.opt.Ledger); err != nil {
		return err
	}
	network, err := w.opt.Engine.Network(ctx, map[string]string{"dev.drydock.observe": "1"})
	if err != nil {
		return err
	}
	ports, err := w.opt.Exercise.Ports(w.im.Exposed)
	if err != nil {
		return err
	}
	w.opt.progress("starts %s", w.opt.Image)
	w.c, err = w.opt.Engine.Start(ctx, runtime.Run{
		Image: w.im.ID, Labels: map[string]string{"dev.drydock.observe": "1"}, Network: network, Publish: ports,
		Command: w.gate.command(argv), Env: w.opt.Env, Mounts: []runtime.Mount{{Source: w.gate.folder.Path, Target: gateFolder}},
		Confine: runtime.Confinement{NewPrivileges: w.opt.NewPrivileges, User: w.opt.User},
	})
	if err != nil {
		return err
	}
	s, err := w.c.State(ctx)
	if err != nil {
		return err
	}
	if w.pid = s.PID; w.pid == 0 {
		return fmt.Errorf("the container ended at once with exit code %d", s.ExitCode)
	}
	if w.cgroup, err = cgroupOf(w.pid); err != nil {
		return unavailable(err)
	}
	if w.in, err = groups(w.pid); err != nil {
		return err
	}
	if err := w.defaults(); err != nil {
		return err
	}
	w.began = w.opt.Now()
	w.o.Began = w.began.UTC().Truncate(time.Second)
	if err := w.t.phase(phaseStartUp); err != nil {
		return err
	}
	if err := w.t.watch(w.cgroup, time.Now()); err != nil {
		return err
	}
	w.sample(ctx)
	return w.gate.open(ctx, w.pid, argv[0])
}

// defaults reads what the Engine lets a container do that asks for nothing: the
// filter and the capabilities of the process at the gate.
func (w *watch) defaults() error {
	filters, err := seccomp.Loaded(w.pid)
	if err != nil {
		return err
	}
	d := &w.o.Default
	if len(filters) == 0 {
		w.o.lack(Partial, "the Engine loads no seccomp filter: what its runtime calls could not be told from what the container needs")
	}
	if d.Calls, err = seccomp.Reachable(filters, seccomp.Native()); err != nil {
		return err
	}
	if slices.Contains(seccomp.ABIs(), seccomp.I386) {
		calls, err := seccomp.Reachable(filters, seccomp.I386)
		if err != nil {
			return err
		}
		d.I386 = len(calls)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(w.pid) + "/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err != nil {
				return fmt.Errorf("capabilities of the container: %w", err)
			}
			d.Capabilities = seccomp.CapabilitySet(set).Names()
		}
	}
	return nil
}

// sample looks at the container's processes now and then until it has ended.
func (w *watch) sample(ctx context.Context) {
	ctx, w.stop = context.WithCancel(ctx)
	w.samples.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			sample(w.in, &w.users, &w.maxFiles)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
}

// exercise puts the workload through its exercise.
func (w *watch) exercise(ctx context.Context) error {
	load := exercise.Workload{Container: w.c, Exposed: w.im.Exposed, Health: w.im.Health != nil}
	w.opt.progress("waits until it is up")
	if err := w.opt.Exercise.Ready(ctx, load); err != nil {
		return err
	}
	w.o.Up = w.opt.Now().Sub(w.began).Seconds()
	if err := w.t.phase(phaseServing); err != nil {
		return err
	}
	w.opt.progress("exercises it")
	_, err := w.opt.Exercise.Do(ctx, load)
	return err
}

// finish stops the workload and writes down what was seen.
func (w *watch) finish(ctx context.Context) error {
	s, err := w.c.State(ctx)
	if err != nil {
		return err
	}
	w.o.Peaks = w.in.peaks()
	changes, err := w.c.Changes(ctx)
	if err != nil {
		return err
	}
	w.o.Exit = &Exit{Code: s.ExitCode, OOM: s.OOM, Own: true}
	if s.Running {
		w.opt.progress("stops it")
		if err := w.t.phase(phaseShutdown); err != nil {
			return err
		}
		code, err := w.c.Stop(ctx, grace)
		if err != nil {
			return err
		}
		w.o.Exit = &Exit{Code: code}
	}
	w.stop()
	w.samples.Wait()
	w.t.settle()
	w.o.Seconds = w.opt.Now().Sub(w.began).Seconds()
	w.o.Users, w.o.Peaks.OpenFiles = w.users, w.maxFiles
	lost, err := w.t.tables(w.cgroup, w.o)
	if err != nil {
		return err
	}
	slices.SortFunc(w.o.Users, func(a, b User) int { return cmp.Or(a.UID-b.UID, a.GID-b.GID) })
	w.t.mu.Lock()
	w.t.seen[w.cgroup].into(w.o)
	w.t.mu.Unlock()
	w.wrote(changes)
	for i, what := range []string{"calls", "arguments", "paths", "capabilities"} {
		if lost[i] > 0 {
			w.o.lack(Truncated, fmt.Sprintf("%d events about %s were lost", lost[i], what))
		}
	}
	if w.o.Exit.OOM {
		w.o.lack(Partial, "the container ran out of memory")
	}
	return nil
}

// wrote adds the folders of files that the Engine says were written and that no
// event told of: their paths were relative, or could not be read.
func (w *watch) wrote(changes []runtime.Change) {
	above := map[string]bool{} // folders change with what is in them
	for _, c := range changes {
		for at := c.Path; at != "/"; {
			at = parent(at)
			above[at] = true
		}
	}
	dirs := slices.Clone(w.o.Writable)
	for _, c := range changes {
		if !above[c.Path] && !kernelOwn(c.Path) && c.Path != gateFolder && !strings.HasPrefix(c.Path, gateFolder+"/") {
			dirs = append(dirs, parent(Generalise(c.Path)))
		}
	}
	slices.Sort(dirs)
	w.o.Writable = outermost(slices.Compact(dirs))
}

// clean takes away whatever was made.
func (w *watch) clean(ctx context.Context) error {
	if w.stop != nil {
		w.stop()
		w.samples.Wait()
	}
	err := w.opt.Engine.Clear(ctx)
	if w.gate != nil {
		err = errors.Join(err, w.gate.remove())
	}
	return err
}

func parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	return p[:max(i, 1)]
}
