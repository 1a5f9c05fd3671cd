package observe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/containerd/errdefs"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// watched is one container that is observed.
type watched struct {
	opt   Options
	eye   eye
	o     *Observation
	c     *runtime.Container
	began time.Time
	pid   int
	dirs  []string // of files that the Engine says were changed

	before []runtime.Change // what had changed before its program began

	checked bool // the Engine has made health checks
}

// blank is an observation in which nothing was seen yet.
func blank(ctx context.Context, opt Options) (*Observation, error) {
	on, err := opt.Engine.Runtime(ctx)
	if err != nil {
		return nil, err
	}
	return &Observation{
		Schema: Schema, Status: Complete, Exercise: opt.Exercise,
		Runtime: Engine{
			Engine: opt.Engine.Name(), Name: on.Name, Version: on.Version, Kernel: on.Kernel, NoNewPrivileges: !opt.NewPrivileges,
		},
	}, nil
}

// image writes down what is run.
func (o *Observation) image(name string, im runtime.Image, argv, env []string) {
	o.Image = Image{
		Name: name, ID: im.ID, ABI: string(seccomp.Native()), Command: argv, User: im.User,
		Volumes: im.Volumes, Exposed: im.Exposed, Health: im.Health != nil,
	}
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		o.Image.Env = append(o.Image.Env, name)
	}
}

// ofMachine is an error for an image that the Engine's machine runs by an emulator: the
// calls would be the emulator's.
func ofMachine(opt Options, name string, im runtime.Image) error {
	if on := opt.Engine.Architecture(); on != "" && im.Arch != "" && im.Arch != on {
		return &Error{
			fmt.Errorf("%s is for %s, and the Engine's machine is %s: the calls would be an emulator's", name, im.Arch, on),
			"observe it on a machine of its architecture, or take the image for this one: docker pull --platform linux/" + on,
		}
	}
	return nil
}

// run observes a container of an image that is made for it.
func run(ctx context.Context, opt Options) (_ *Observation, err error) {
	o, err := blank(ctx, opt)
	if err != nil {
		return nil, err
	}
	im, err := opt.Engine.Inspect(ctx, opt.Image)
	if errdefs.IsNotFound(err) {
		return nil, &Error{fmt.Errorf("the Engine has no image %s", opt.Image), "docker pull " + opt.Image}
	}
	if err != nil {
		return nil, err
	}
	if err := ofMachine(opt, opt.Image, im); err != nil {
		return nil, err
	}
	argv := slices.Concat(im.Entrypoint, im.Command)
	if len(opt.Args) > 0 {
		argv = slices.Concat(im.Entrypoint, opt.Args)
	}
	if len(argv) == 0 {
		return nil, &Error{fmt.Errorf("%s has no command", opt.Image), "name one: drydock observe IMAGE COMMAND"}
	}
	o.image(opt.Image, im, argv, opt.Env)
	o.Image.User = cmp.Or(opt.User, im.User)
	e, err := newEye(ctx, opt)
	if err != nil {
		return nil, err
	}
	w := watched{opt: opt, eye: e, o: o}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, e.close(), opt.Engine.Clear(clean))
	}()
	if err := w.start(ctx, im, argv); err != nil {
		return nil, err
	}
	load := exercise.Workload{Container: w.c, Exposed: im.Exposed, Health: im.Health != nil, Exec: w.exec(), Dial: w.dial()}
	failed := w.exercise(ctx, load)
	if opt.ends(ctx) {
		failed = nil
	}
	if failed != nil && (opt.Failed == nil || ctx.Err() != nil) {
		return nil, failed
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if failed != nil {
		if w.stop(late) == nil && w.finish(late) == nil {
			opt.Failed(o)
		}
		return nil, failed
	}
	if err := w.stop(late); err != nil {
		return nil, err
	}
	if err := w.finish(late); err != nil {
		return nil, err
	}
	return o, o.executed()
}

// executed is an error where the gate was opened and no program came after it.
func (o *Observation) executed() error {
	if len(o.Programs) > 0 || o.Exit == nil || !o.Exit.Own || o.Exit.Code != 127 {
		return nil
	}
	return &Error{
		fmt.Errorf("%s was not executed: the image has no such program, or it is none for this machine", o.Image.Command[0]),
		"docker run it by hand: the Engine says why",
	}
}

// attach observes a container that somebody else started, until its exercise is over,
// it ends, or ctx is: what was seen until then is what there is to know.
func attach(ctx context.Context, opt Options) (_ *Observation, err error) {
	o, err := blank(ctx, opt)
	if err != nil {
		return nil, err
	}
	c, has, err := opt.Engine.Attach(ctx, opt.Container)
	if err != nil {
		return nil, err
	}
	if has.State == nil || !has.State.Running || has.Config == nil || has.HostConfig == nil {
		return nil, &Error{fmt.Errorf("the container %s does not run", opt.Container), "start it, or let drydock observe IMAGE start one"}
	}
	im, err := opt.Engine.Inspect(ctx, has.Image)
	if err != nil {
		return nil, err
	}
	o.image(has.Config.Image, im, append([]string{has.Path}, has.Args...), nil)
	o.Image.User = has.Config.User
	o.Runtime.NoNewPrivileges = slices.ContainsFunc(has.HostConfig.SecurityOpt, func(s string) bool {
		return s == "no-new-privileges" || strings.HasPrefix(s, "no-new-privileges") && strings.HasSuffix(s, "true")
	})
	if r := has.HostConfig.Runtime; r != "" && r != o.Runtime.Name {
		o.Runtime.Name, o.Runtime.Version = r, ""
	}
	e, err := newEye(ctx, opt)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, e.close()) }()
	w := watched{opt: opt, eye: e, o: o, c: c}
	health := im.Health
	if h := has.Config.Healthcheck; h != nil {
		health = &runtime.HealthCheck{Test: h.Test, Shell: has.Config.Shell}
	}
	if err := w.watch(ctx, "", health); err != nil {
		return nil, err
	}
	load := exercise.Workload{Container: c, Exposed: im.Exposed, Health: len(health.Line()) > 0, Within: true, Dial: w.dial()}
	err = w.exercise(ctx, load)
	if err != nil && ctx.Err() == nil && !errdefs.IsNotFound(err) {
		return nil, err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	s, err := c.State(late)
	if err == nil {
		err = w.wrote(late, s.Mounted)
	}
	switch {
	case errdefs.IsNotFound(err):
		o.lack(Partial, "the container was removed before the Engine was asked what it wrote")
	case err != nil:
		return nil, err
	case !s.Running:
		o.Exit = &Exit{Code: s.ExitCode, OOM: s.OOM, Own: true}
	}
	return o, w.finish(late)
}

// start brings the container to its start gate, begins to watch it, and lets it
// go.
func (w *watched) start(ctx context.Context, im runtime.Image, argv []string) error {
	network, err := w.opt.Engine.Network(ctx, map[string]string{"dev.drydock.observe": "1"})
	if err != nil {
		return err
	}
	ports, err := w.opt.Exercise.Ports(im.Exposed)
	if err != nil {
		return err
	}
	fifo, err := w.eye.hold(ctx)
	if err != nil {
		return err
	}
	profile, err := filter(ctx, w.opt, w.eye, im.ID)
	if err != nil {
		return err
	}
	w.opt.progress("starts %s", w.opt.Image)
	w.c, err = w.opt.Engine.Start(ctx, runtime.Run{
		Image: im.ID, Labels: map[string]string{"dev.drydock.observe": "1"}, Network: network, Publish: ports,
		Command: command(fifo, argv), Env: w.opt.Env, Mounts: []runtime.Mount{w.eye.mount()},
		Confine: runtime.Confinement{NewPrivileges: w.opt.NewPrivileges, User: w.opt.User, Seccomp: profile},
		Created: func(id string) error { return w.eye.expect(ctx, id) },
	})
	if err != nil {
		return err
	}
	if err := w.watch(ctx, fifo, im.Health); err != nil {
		return err
	}
	return w.eye.open(ctx, w.c.ID, fifo, argv[0])
}

// filter is the filter of the way of seeing, made of the Engine's own: a container that
// never goes beyond the gate shows it. Empty: the containers have the Engine's.
func filter(ctx context.Context, opt Options, e eye, image string) (string, error) {
	if !e.filtered() {
		return "", nil
	}
	fifo, err := e.hold(ctx)
	if err != nil {
		return "", err
	}
	opt.progress("looks at the Engine's filter")
	c, err := opt.Engine.Start(ctx, runtime.Run{
		Image: image, Labels: map[string]string{"dev.drydock.observe": "1"}, Command: command(fifo, []string{"none"}), Mounts: []runtime.Mount{e.mount()},
	})
	if err != nil {
		return "", err
	}
	s, err := c.State(ctx)
	profile := ""
	if err == nil {
		profile, err = e.own(ctx, s.PID, fifo)
	}
	return profile, errors.Join(err, c.Remove(ctx))
}

// watch begins to record what the container does.
func (w *watched) watch(ctx context.Context, fifo string, health *runtime.HealthCheck) error {
	s, err := w.c.State(ctx)
	if err != nil {
		return err
	}
	if s.PID == 0 {
		return &Error{
			fmt.Errorf("the container ended at once with exit code %d", s.ExitCode),
			"docker run it by hand: what it prints says why",
		}
	}
	if fifo != "" { // what has changed by now, the runtime has
		if w.before, err = w.c.Changes(ctx); err != nil {
			return err
		}
	}
	w.began = w.opt.Now()
	w.o.Began = w.began.UTC().Truncate(time.Second)
	w.pid = s.PID
	w.o.Default, err = w.eye.watch(ctx, subject{ID: w.c.ID, PID: s.PID, FIFO: fifo, Health: health.Line()})
	return err
}

// up waits until the workload is up.
func (w *watched) up(ctx context.Context, load exercise.Workload, x exercise.Exercise) error {
	w.opt.progress("waits until it is up")
	if err := x.Ready(ctx, load); err != nil {
		return err
	}
	w.o.Up = w.opt.Now().Sub(w.began).Seconds()
	return w.eye.phase(ctx, w.c.ID, Serving)
}

// exercise puts the workload through its exercise.
func (w *watched) exercise(ctx context.Context, load exercise.Workload) error {
	if err := w.up(ctx, load, w.opt.Exercise); err != nil {
		return err
	}
	w.opt.progress("exercises it")
	out, err := w.opt.Exercise.Do(ctx, load)
	if err == nil && w.opt.After != nil {
		err = w.opt.After(ctx, load, out)
	}
	return err
}

// exec runs a command of the exercise, held at the gate until it is seen; nil: there is
// no need.
func (w *watched) exec() func(ctx context.Context, argv []string) (int, string, error) {
	if !w.eye.holds() {
		return nil
	}
	return func(ctx context.Context, argv []string) (code int, said string, err error) {
		fifo, err := w.eye.hold(ctx)
		if err != nil {
			return 0, "", err
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			code, said, err = w.c.Exec(ctx, command(fifo, argv))
		}()
		opened := w.eye.open(ctx, w.c.ID, fifo, argv[0])
		if opened != nil {
			return 0, "", opened // what waits ends with the container
		}
		<-done
		return code, said, err
	}
}

// dial connects to a port of the container where the Engine's machine is another one;
// nil: to where the port is published.
func (w *watched) dial() func(ctx context.Context, port uint16) (net.Conn, error) {
	r, ok := w.eye.(*remote)
	if !ok || w.opt.Engine.Local() {
		return nil
	}
	return r.dial(w.pid)
}

// stop stops the workload, if it has not ended by itself.
func (w *watched) stop(ctx context.Context) error {
	s, err := w.c.State(ctx)
	if err != nil {
		return err
	}
	w.o.Exit, w.checked = &Exit{Code: s.ExitCode, OOM: s.OOM, Own: true}, s.Checks > 0
	if err := w.wrote(ctx, s.Mounted); err != nil { // before it clears up after itself
		return err
	}
	if !s.Running {
		return nil
	}
	w.opt.progress("stops it")
	if err := w.eye.phase(ctx, w.c.ID, Shutdown); err != nil {
		return err
	}
	code, err := w.c.Stop(ctx, grace)
	w.o.Exit = &Exit{Code: code}
	return err
}

// finish writes down what was seen.
func (w *watched) finish(ctx context.Context) error {
	seen, err := w.eye.finish(ctx, w.c.ID)
	if err != nil {
		return err
	}
	w.o.take(seen)
	w.o.Way, w.o.Observer = w.eye.way(), w.eye.observer()
	w.o.Seconds = w.opt.Now().Sub(w.began).Seconds()
	dirs := slices.Concat(w.o.Writable, w.dirs) // of some, no event tells: their paths were relative, or could not be read
	slices.Sort(dirs)
	w.o.Writable = outermost(slices.Compact(dirs))
	if len(w.o.Exercise.Tests) > 0 && !w.o.in(Exec) {
		w.o.lack(Partial, "what the tests ran was not seen")
	}
	if w.checked && !w.o.in(Health) {
		w.o.lack(Partial, "the health checks were not seen")
	}
	if w.o.Exit != nil && w.o.Exit.OOM {
		w.o.lack(Partial, "the container ran out of memory")
	}
	return nil
}

// in reports whether anything was seen in a phase.
func (o *Observation) in(p Phase) bool {
	return slices.ContainsFunc(o.Calls, func(c Call) bool { return slices.Contains(c.Phases, p) })
}

// take takes over what was seen.
func (o *Observation) take(seen *Observation) {
	o.Calls, o.Arguments, o.Capabilities = seen.Calls, seen.Arguments, seen.Capabilities
	o.Unseen = seen.Unseen
	o.Raw, o.Devices = seen.Raw, seen.Devices
	o.Files, o.Writable, o.Programs, o.Processes = seen.Files, seen.Writable, seen.Programs, seen.Processes
	o.Listens, o.Connects, o.Users, o.Refused = seen.Listens, seen.Connects, seen.Users, seen.Refused
	o.Peaks, o.LastNew, o.Items, o.ItemsAMinute = seen.Peaks, seen.LastNew, seen.Items, seen.ItemsAMinute
	for _, why := range seen.Reasons {
		o.lack(seen.Status, why)
	}
}

// wrote asks the Engine for what the container has changed so far. Where something is
// mounted, the runtime has made the folder.
func (w *watched) wrote(ctx context.Context, mounted []string) error {
	changes, err := w.c.Changes(ctx)
	if err != nil {
		return err
	}
	above := map[string]bool{} // folders change with what is in them
	for _, c := range changes {
		for at := c.Path; at != "/"; {
			at = parent(at)
			above[at] = true
		}
	}
	for _, c := range changes {
		if !above[c.Path] && !slices.Contains(w.before, c) && !slices.Contains(mounted, c.Path) && !kernelOwn(c.Path) && c.Path != gateFolder && !strings.HasPrefix(c.Path, gateFolder+"/") {
			w.dirs = append(w.dirs, parent(Generalise(c.Path)))
		}
	}
	return nil
}

func parent(p string) string {
	i := strings.LastIndexByte(p, '/')
	return p[:max(i, 1)]
}
