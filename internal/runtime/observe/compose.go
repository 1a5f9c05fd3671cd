package observe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/compose"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// Compose brings a project up, watches all its services through the exercise, and
// takes it down. Each service has an observation. A probe names its service as the
// host, a test begins with it: see [exercise.Exercise.Share].
func Compose(ctx context.Context, opt Options, p *compose.Project) (_ []*Observation, err error) {
	opt = opt.withDefaults()
	o, err := blank(ctx, opt)
	if err != nil {
		return nil, err
	}
	e, err := newEye(ctx, opt)
	if err != nil {
		return nil, err
	}
	v := &convoy{opt: opt, eye: e, blank: o, parts: map[string]exercise.Exercise{}, loads: map[string]exercise.Workload{}}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		err = errors.Join(err, e.close(), opt.Engine.Clear(clean))
		if v.up != nil {
			err = errors.Join(err, v.up.Remove())
		}
	}()
	labels := map[string]string{"dev.drydock.observe": "1"}
	v.up, err = p.Plan(ctx, opt.Engine, opt.Ledger, labels, compose.Hooks{Prepare: v.prepare, Started: v.started, Note: opt.progress})
	if err != nil {
		return nil, err
	}
	if err := v.share(); err != nil {
		return nil, err
	}
	if err := v.up.Start(ctx); err != nil {
		return nil, err
	}
	if err := v.exercise(ctx); err != nil && !opt.ends(ctx) {
		return nil, err
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	return v.finish(late)
}

// convoy are the services of a project that are observed together.
type convoy struct {
	opt   Options
	eye   eye
	blank *Observation
	up    *compose.Up
	parts map[string]exercise.Exercise // by service
	loads map[string]exercise.Workload // by service
	all   []*watched                   // in the order of their start
	fifo  string                       // at which the next one waits

	profile string // under which they run; empty: the Engine's
}

// share gives each service its part of the exercise, and its ports.
func (v *convoy) share() error {
	var parts []exercise.Part
	for _, r := range v.up.Services {
		parts = append(parts, exercise.Part{Name: r.Name, Exposed: r.Exposed})
	}
	var err error
	if v.parts, err = v.opt.Exercise.Share(parts); err != nil {
		return err
	}
	for _, r := range v.up.Services {
		part := v.parts[r.Name]
		part.Within = v.opt.Exercise.Within
		v.parts[r.Name] = part
		if r.Publish, err = part.Ports(r.Exposed); err != nil {
			return err
		}
	}
	return nil
}

// prepare puts a container's start gate before its program.
func (v *convoy) prepare(ctx context.Context, r *compose.Running, s *runtime.Spec) (err error) {
	if v.fifo, err = v.eye.hold(ctx); err != nil {
		return err
	}
	if err := ofMachine(v.opt, "service "+r.Name, r.Of); err != nil {
		return err
	}
	if v.eye.filtered() {
		if slices.ContainsFunc(s.Host.SecurityOpt, func(o string) bool { return strings.HasPrefix(o, "seccomp=") }) || s.Host.Privileged {
			return &Error{errors.New("service " + r.Name + " has a seccomp profile of its own"), "--via bpf or ptrace sees it"}
		}
		if v.profile == "" {
			if v.profile, err = filter(ctx, v.opt, v.eye, r.Of.ID); err != nil {
				return err
			}
		}
		s.Host.SecurityOpt = append(s.Host.SecurityOpt, "seccomp="+v.profile)
	}
	argv := command(v.fifo, r.Argv)
	s.Config.Entrypoint, s.Config.Cmd = argv[:1], argv[1:]
	s.Host.Mounts = append(s.Host.Mounts, v.eye.mount().API())
	if !v.opt.NewPrivileges && !slices.ContainsFunc(s.Host.SecurityOpt, narrows) {
		s.Host.SecurityOpt = append(s.Host.SecurityOpt, "no-new-privileges")
	}
	s.Created = func(id string) error { return v.eye.expect(ctx, id) }
	return nil
}

// narrows reports whether a security option is one about new privileges.
func narrows(opt string) bool { return strings.HasPrefix(opt, "no-new-privileges") }

// started watches a service that waits at its gate, and lets it go.
func (v *convoy) started(ctx context.Context, r *compose.Running) error {
	o := *v.blank
	o.image(r.Image, r.Of, r.Argv, nil)
	o.Service = r.Name
	o.Image.Env, o.Image.Exposed, o.Image.Health = r.Env, r.Exposed, r.Health != nil
	if r.User != "" {
		o.Image.User = r.User
	}
	o.Exercise = v.parts[r.Name]
	o.Exercise.For = v.opt.Exercise.For
	if why := v.up.UnsafeUseVolumes(); why != "" {
		o.Unsafe = []string{"volumes, containers and sockets that are not the project's: " + why}
	}
	for _, why := range r.Otherwise {
		o.lack(Partial, why)
	}
	w := &watched{opt: v.opt, eye: v.eye, o: &o, c: r.Container}
	v.all = append(v.all, w)
	if err := w.watch(ctx, v.fifo, r.Health); err != nil {
		return err
	}
	if err := v.eye.open(ctx, w.c.ID, v.fifo, r.Argv[0]); err != nil {
		return err
	}
	v.loads[r.Name] = exercise.Workload{Container: r.Container, Exposed: r.Exposed, Health: r.Health != nil, Exec: w.exec(), Dial: w.dial()}
	return w.up(ctx, v.loads[r.Name], v.parts[r.Name])
}

// exercise puts the services through their parts, and lets them run for as long as it
// says; without any, until all have ended.
func (v *convoy) exercise(ctx context.Context) error {
	v.opt.progress("exercises %d services", len(v.all))
	began := time.Now()
	for _, r := range v.up.Services {
		part := v.parts[r.Name]
		if len(part.Probes)+len(part.Tests) == 0 {
			continue
		}
		if _, err := part.Do(ctx, v.loads[r.Name]); err != nil {
			return err
		}
	}
	if v.opt.Exercise.Empty() {
		for _, w := range v.all {
			if _, err := w.c.Wait(ctx); err != nil {
				return err
			}
		}
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(time.Duration(v.opt.Exercise.For) - time.Since(began)):
		return nil
	}
}

// finish stops the services, those first that need others, and writes down what was
// seen.
func (v *convoy) finish(ctx context.Context) ([]*Observation, error) {
	for _, w := range slices.Backward(v.all) {
		if err := w.stop(ctx); err != nil {
			return nil, err
		}
	}
	var out []*Observation
	for _, w := range v.all {
		if err := w.finish(ctx); err != nil {
			return nil, err
		}
		out = append(out, w.o)
	}
	return out, nil
}
