package fix

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
)

// Workload is what both versions must do. Without any of it, and without a
// health check in either image, that a container starts and stays up is all
// that is asked, and that proves no more than [finding.Rebuilt].
type Workload struct {
	Tests  []string      // commands that must end with 0: in the running container, or in one of their own where the program ends by itself
	Probes []string      // "http://localhost:8080/path": both must answer alike
	Settle time.Duration // how long "stays up" is; 0: 3 s
	Ready  time.Duration // how long until it must answer; 0: 1 minute
}

func (w Workload) settle() time.Duration { return orElse(w.Settle, 3*time.Second) }
func (w Workload) ready() time.Duration  { return orElse(w.Ready, time.Minute) }

func orElse(d, otherwise time.Duration) time.Duration {
	if d <= 0 {
		return otherwise
	}
	return d
}

// outcome is what one version did.
type outcome struct {
	ended   bool // the program ended by itself
	code    int  // with this code
	answers []exercise.Answer
	did     []string // what passed
}

// run starts both versions, and wants the workload to pass on both and alike.
func (r *proving) run(ctx context.Context) error {
	checks := r.healthChecks()
	if len(r.Work.Probes) > 0 && !r.engine.Local() {
		return r.short(Failure{
			Step: "run", Why: "the Docker Engine is on another machine, whose ports cannot be asked from here",
			Hint: "test from within: --test 'command'",
		})
	}
	var err error
	if r.net, err = r.engine.Network(ctx, r.labels); err != nil {
		return err
	}
	var out [2]outcome
	for i, after := range []bool{false, true} {
		name := "run " + version(after)
		err := r.step(name, func() (string, error) {
			limit, cancel := context.WithTimeout(ctx, r.timeout())
			defer cancel()
			o, err := r.runVersion(limit, after, checks[i], out[0].answers)
			if err != nil && ctx.Err() == nil && limit.Err() != nil {
				err = &Failure{Step: name, Why: fmt.Sprintf("not done after %s", r.timeout())}
			}
			out[i] = o
			return strings.Join(o.did, ", "), err
		})
		var f *Failure
		switch {
		case errors.As(err, &f) && after:
			return r.fail(*f)
		case errors.As(err, &f):
			f.Why = "the image as it is does not pass, so that nothing is proved by running: " + f.Why
			f.Hint = cmp.Or(f.Hint, "a proof's containers gain no privileges (no-new-privileges, no sudo), and have 2 processors, 2 GiB of memory and a network of their own")
			return r.short(*f)
		case err != nil:
			return err
		}
	}
	if !r.engine.LimitsDisk() {
		r.note("what the containers wrote had no limit: the Docker Engine's storage driver has none to set")
	}
	if err := r.alike(out[0], out[1]); err != nil {
		return err
	}
	if len(r.Work.Tests) == 0 && len(r.Work.Probes) == 0 && checks[0] == nil {
		return r.short(Failure{
			Step: "run", Why: "both versions start, and nothing says whether they work: no test, no probe, no HEALTHCHECK",
			Hint: "add --probe http://localhost:PORT/ or --test 'command'",
		})
	}
	return nil
}

// healthChecks are what the two versions are held to: each to its own check, and
// one that has none to the other's.
func (r *proving) healthChecks() [2]*runtime.HealthCheck {
	before, after := r.v.Before.Image.Health, r.v.After.Image.Health
	switch {
	case before != nil && after == nil:
		r.note("the image after has no HEALTHCHECK; it is held to the one before")
		after = before
	case before == nil:
		before = after
	case !slices.Equal(before.Test, after.Test):
		r.note("the HEALTHCHECK is another; each version is held to its own")
	}
	return [2]*runtime.HealthCheck{before, after}
}

// alike wants both versions to end, and to answer, in the same way.
func (r *proving) alike(before, after outcome) error {
	f := Failure{Step: "run after"}
	switch {
	case before.ended && !after.ended:
		f.Why = fmt.Sprintf("the program ended with exit code %d before, and goes on running now", before.code)
	case after.ended && !before.ended:
		f.Why = fmt.Sprintf("the program went on running before, and ends with exit code %d now", after.code)
	case before.code != after.code:
		f.Why = fmt.Sprintf("the program ended with exit code %d before, and ends with %d now", before.code, after.code)
	default:
		for i, a := range before.answers {
			why, note := a.Unlike(after.answers[i])
			if note != "" {
				r.note("%s: %s", a.URL, note)
			}
			if why != "" {
				return r.fail(Failure{Step: "probe " + a.URL, Why: why})
			}
		}
		return nil
	}
	return r.fail(f)
}

// runVersion runs one version and its workload. What the version did wrong is a
// [*Failure].
func (r *proving) runVersion(ctx context.Context, after bool, health *runtime.HealthCheck, want []exercise.Answer) (outcome, error) {
	side := r.v.Before
	if after {
		side = r.v.After
	}
	v := running{proving: r, side: side, after: after, health: health}
	if len(side.Image.Entrypoint)+len(side.Image.Command) == 0 {
		return v.job(ctx, outcome{ended: true})
	}
	var err error
	if v.probes, err = exercise.Targets(r.Work.Probes, side.Image.Exposed); err != nil {
		return outcome{}, err
	}
	o, err := v.service(ctx, want)
	if err == nil && o.ended {
		if len(v.probes) > 0 || health != nil {
			return o, v.failed(ctx, fmt.Sprintf("the program ended with exit code %d", o.code))
		}
		return v.job(ctx, o)
	}
	return o, err
}

// running is a version that is being run.
type running struct {
	*proving
	side   *Side
	after  bool
	health *runtime.HealthCheck
	probes []exercise.Target
	c      *runtime.Container
}

// failed is a failure of this version, with the end of its log.
func (v *running) failed(ctx context.Context, why string) *Failure {
	f := &Failure{Step: "run " + version(v.after), Why: why}
	if v.c != nil {
		if log, err := v.c.Logs(ctx); err == nil {
			f.Log = log
		}
	}
	return f
}

func (v *running) spec() runtime.Run {
	run := runtime.Run{Image: v.side.Image.ID, Labels: v.labels, Network: v.net}
	for _, t := range v.probes {
		run.Publish = append(run.Publish, t.Port)
	}
	if v.health != nil {
		h := *v.health
		h.Interval = time.Second // instead of the 30 that are usual: somebody waits
		run.Health = &h
	}
	return run
}

// service starts the image's own program and asks of it what is to be asked.
func (v *running) service(ctx context.Context, want []exercise.Answer) (o outcome, err error) {
	if v.c, err = v.engine.Start(ctx, v.spec()); err != nil {
		if ctx.Err() != nil {
			return o, ctx.Err()
		}
		return o, &Failure{Step: "run " + version(v.after), Why: err.Error()}
	}
	defer func() {
		c, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if rerr := v.c.Remove(c); rerr != nil && err == nil {
			err = rerr
		}
	}()
	state, err := v.stays(ctx)
	if err != nil {
		return o, err
	}
	if !state.Running {
		o.ended, o.code = true, state.ExitCode
		if state.OOM {
			return o, v.failed(ctx, "it was killed: 2 GiB of memory are not enough")
		}
		if o.code != 0 {
			return o, v.failed(ctx, fmt.Sprintf("the program ended with exit code %d", o.code))
		}
		o.did = append(o.did, "ended with 0")
		return o, nil
	}
	if v.health != nil {
		if err := v.healthy(ctx); err != nil {
			return o, err
		}
		o.did = append(o.did, "healthy")
	}
	for i, t := range v.probes {
		var like *exercise.Answer
		if i < len(want) {
			like = &want[i]
		}
		a, err := v.ask(ctx, t, state.Ports[t.Port], like)
		if err != nil {
			return o, err
		}
		o.answers = append(o.answers, a)
		o.did = append(o.did, fmt.Sprintf("%s answers %d", t.URL, a.Status))
	}
	for _, test := range v.Work.Tests {
		if err := v.test(ctx, test); err != nil {
			return o, err
		}
		o.did = append(o.did, "passes "+test)
	}
	if state, err = v.c.State(ctx); err != nil {
		return o, err
	}
	if !state.Running {
		return o, v.failed(ctx, fmt.Sprintf("the program ended with exit code %d while it was tested", state.ExitCode))
	}
	o.did = append(o.did, "stays up")
	return o, nil
}

// stays waits until the program has ended, or has been up for the settling
// time. With a probe or a health check there is no need to wait: they do.
func (v *running) stays(ctx context.Context) (runtime.State, error) {
	wait := v.Work.settle()
	if len(v.probes) > 0 || v.health != nil {
		wait = 0
	}
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		s, err := v.c.State(ctx)
		if err != nil || !s.Running || limit.Err() != nil {
			return s, err
		}
		if err := pause(ctx, 100*time.Millisecond); err != nil {
			return s, err
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// healthy waits for the image's health check.
func (v *running) healthy(ctx context.Context) error {
	wait := v.Work.ready() + v.health.Start
	limit, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	for {
		s, err := v.c.State(ctx)
		switch {
		case err != nil:
			return err
		case s.Health == "healthy":
			return nil
		case !s.Running:
			return v.failed(ctx, fmt.Sprintf("the program ended with exit code %d", s.ExitCode))
		case limit.Err() != nil:
			why := fmt.Sprintf("its health check is %s after %s", s.Health, wait)
			if said := strings.TrimSpace(s.Check); said != "" {
				why += ": " + said
			}
			return v.failed(ctx, why)
		}
		if err := pause(ctx, 200*time.Millisecond); err != nil {
			return err
		}
	}
}

// test runs a command in the running container.
func (v *running) test(ctx context.Context, command string) error {
	argv, err := v.words(ctx, command)
	if err != nil {
		return err
	}
	code, out, err := v.c.Exec(ctx, argv)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return v.failed(ctx, "test "+command+": "+err.Error())
	}
	if code != 0 {
		return &Failure{Step: "test " + version(v.after) + ": " + command, Why: fmt.Sprintf("exit code %d", code), Log: out}
	}
	return nil
}

// words is how a command is run: by the container's shell, or word by word
// where there is none and the command does not need one.
func (v *running) words(ctx context.Context, command string) ([]string, error) {
	code, _, err := v.c.Exec(ctx, []string{"/bin/sh", "-c", ":"})
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if err == nil && code == 0 {
		return []string{"/bin/sh", "-c", command}, nil
	}
	return plainWords(version(v.after), command)
}

// plainWords splits a command that no shell is needed for.
func plainWords(version, command string) ([]string, error) {
	words := strings.Fields(command)
	if len(words) == 0 || strings.ContainsAny(command, "|&;<>()$`\\\"'*?[]#~{}!\n") {
		return nil, &Failure{Step: "test " + version + ": " + command, Why: "the image has no shell to run it", Hint: "name a program and its plain arguments"}
	}
	return words, nil
}

// job runs the tests of an image whose program ends by itself, or that has
// none: each in a container of its own.
func (v *running) job(ctx context.Context, o outcome) (outcome, error) {
	for _, test := range v.Work.Tests {
		if err := v.testAlone(ctx, test); err != nil {
			return o, err
		}
		o.did = append(o.did, "passes "+test)
	}
	return o, nil
}

func (v *running) testAlone(ctx context.Context, test string) (err error) {
	step := "test " + version(v.after) + ": " + test
	for _, argv := range [][]string{{"/bin/sh", "-c", test}, nil} {
		if argv == nil {
			if argv, err = plainWords(version(v.after), test); err != nil {
				return err
			}
		}
		c, err := v.engine.Start(ctx, runtime.Run{Image: v.side.Image.ID, Labels: v.labels, Network: v.net, Command: argv})
		if err != nil && ctx.Err() == nil && strings.Contains(err.Error(), "no such file or directory") && argv[0] == "/bin/sh" {
			continue // no shell
		}
		if err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return &Failure{Step: step, Why: err.Error()}
		}
		code, err := c.Wait(ctx)
		if err != nil {
			return err
		}
		if code != 0 {
			log, _ := c.Logs(ctx) // without it, the code says enough
			return &Failure{Step: step, Why: fmt.Sprintf("exit code %d", code), Log: log}
		}
		return nil
	}
	return nil
}
