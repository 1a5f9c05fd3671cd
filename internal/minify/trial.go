package minify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

type writer = io.Writer

// run is how one image did.
type run struct {
	out   exercise.Outcome
	again exercise.Outcome // after SIGHUP
	hup   bool             // it lives on after SIGHUP
	ended bool             // it was not there any more when the exercise had passed
	seen  *observe.Observation
}

// seen is what a workload used.
type seen struct{ paths, programs, loaded, listed []string }

func (s *seen) take(o *observe.Observation) {
	for _, f := range o.Files {
		if f.Missing {
			continue
		}
		s.paths = append(s.paths, f.Path)
		if f.Target != "" {
			s.paths = append(s.paths, f.Target)
		}
		if f.Map || f.Execute {
			s.loaded = append(s.loaded, f.Path)
		}
		if f.Read {
			s.listed = append(s.listed, f.Path)
		}
	}
	s.paths, s.programs = append(s.paths, o.Programs...), append(s.programs, o.Programs...)
}

// pause is how long a workload has to do what a signal tells it to.
const pause = time.Second

// run watches an image through the exercise and a SIGHUP. like is how another one did that
// this one must do like; nil: there is none. What was seen of one that fails comes along.
func (j *job) run(ctx context.Context, name string, like *run) (run, error) {
	var r run
	o, err := observe.Run(ctx, observe.Options{
		Engine: j.Engine, Ledger: j.Ledger, Image: name, Args: j.Args, Env: j.Env, Exercise: j.Exercise, Now: j.Now,
		After: func(ctx context.Context, w exercise.Workload, out exercise.Outcome) error {
			r.out = out
			if like != nil {
				if err := j.alike("exercise", like.out, out); err != nil {
					return err
				}
			}
			return j.hangUp(ctx, w, &r, like)
		},
		Failed: func(o *observe.Observation) { r.seen = o },
	})
	if o != nil {
		r.seen = o
	}
	if err == nil && like != nil && like.seen.Exit != nil && o.Exit != nil && like.seen.Exit.Code != o.Exit.Code {
		err = &exercise.Failure{Step: "stop", Why: fmt.Sprintf("it ended with exit code %d before and ends with %d now", like.seen.Exit.Code, o.Exit.Code)}
	}
	return r, err
}

// hangUp sends SIGHUP, on which many programs read their configuration anew, to one that
// is known to live on, or of which it is to be found out.
func (j *job) hangUp(ctx context.Context, w exercise.Workload, r, like *run) error {
	s, err := w.Container.State(ctx)
	if err != nil {
		return err
	}
	if r.ended = !s.Running; r.ended {
		if like != nil && !like.ended {
			return &exercise.Failure{Step: "exercise", Why: "it went on running before, and has ended now"}
		}
		return nil
	}
	if like != nil && !like.hup {
		return nil
	}
	if err := w.Container.Signal(ctx, "HUP"); err != nil {
		return err
	}
	if err := sleep(ctx, pause); err != nil {
		return err
	}
	if s, err = w.Container.State(ctx); err != nil {
		return err
	}
	if r.hup = s.Running; !r.hup {
		if like != nil {
			return &exercise.Failure{Step: "SIGHUP", Why: "it lived on before, and has ended now"}
		}
		return nil
	}
	probes := exercise.Exercise{Probes: j.Exercise.Probes, Within: j.Exercise.Within, For: 1}
	if err := probes.Ready(ctx, w); err != nil {
		return err
	}
	if r.again, err = probes.Do(ctx, w); err != nil {
		return err
	}
	if like != nil {
		return j.alike("after SIGHUP", like.again, r.again)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// alike wants two outcomes to be the same.
func (j *job) alike(step string, before, after exercise.Outcome) error {
	if !slices.Equal(before.Statuses, after.Statuses) {
		return &exercise.Failure{Step: step, Why: fmt.Sprintf("it came to %v before, and comes to %v now", before.Statuses, after.Statuses)}
	}
	for i, a := range before.Answers {
		why, note := a.Unlike(after.Answers[i])
		if note != "" {
			j.warn("%s: %s", a.URL, note)
		}
		if why != "" {
			return &exercise.Failure{Step: "probe " + a.URL, Why: why}
		}
	}
	return nil
}

// trap runs the smaller image, and returns the paths that it looked for in vain and that
// the image has.
func (j *job) trap(ctx context.Context, id string) ([]string, error) {
	r, err := j.run(ctx, id, &j.before)
	if r.seen == nil {
		return nil, err
	}
	return j.hits(r.seen), err
}

// hits are the paths that a workload looked for in vain and that the image has.
func (j *job) hits(o *observe.Observation) []string {
	var out []string
	wide := map[string]bool{}
	for _, f := range o.Files {
		switch {
		case !f.Missing:
		case strings.Contains(f.Path, "*"):
			wide[f.Path] = true
		case j.removed(f.Path):
			out = append(out, f.Path)
		}
	}
	if len(wide) > 0 {
		j.scan.Tree.Walk(func(p string, _ image.Node) bool {
			if p = "/" + p; wide[observe.Generalise(p)] && j.removed(p) {
				out = append(out, p)
			}
			return true
		})
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// removed reports whether the image has a path that the smaller one has not.
func (j *job) removed(p string) bool {
	at, _, err := j.scan.Tree.Resolve(p)
	return err == nil && at != "" && at != "." && !j.set.Keeps(at)
}

// verify puts a second exercise to both images. Nobody watches what it looks for.
func (j *job) verify(ctx context.Context, id string) error {
	if id == "" {
		return nil
	}
	x := j.Verify
	j.res.Verified = x.Steps()
	if x.Empty() {
		x = exercise.Exercise{For: exercise.Duration(pause), Within: j.Exercise.Within}
		j.res.Verified = []string{"it starts"}
		if j.is.Health != nil {
			j.res.Verified = []string{"its health check passes"}
		}
	}
	var out [2]second
	for i, name := range []string{j.is.ID, id} {
		j.progress("puts the second exercise to the %s image", []string{"original", "smaller"}[i])
		var err error
		if out[i], err = j.second(ctx, name, x); err != nil {
			if i == 0 {
				return &Refusal{Why: "the image as it is does not pass the second exercise", Err: err, What: "try it with: drydock observe"}
			}
			return &Refusal{Why: "the smaller image does not pass the exercise from which nothing was learned", Err: err, What: "add that exercise to --probe or --test, or keep what it needs with --keep PATH; no image was written"}
		}
	}
	err := j.alike("second exercise", out[0].Outcome, out[1].Outcome)
	if err == nil && out[0].code != out[1].code {
		err = &exercise.Failure{Step: "stop", Why: fmt.Sprintf("it ended with exit code %d before and ends with %d now", out[0].code, out[1].code)}
	}
	if err != nil {
		return &Refusal{Why: "the smaller image does not do as the image does in the second exercise", Err: err, What: "add that exercise to --probe or --test, or keep what it needs with --keep PATH; no image was written"}
	}
	if j.before.hup {
		j.res.Verified = append(j.res.Verified, "it lives on after SIGHUP")
	}
	j.res.Verified = append(j.res.Verified, fmt.Sprintf("it stops with exit code %d", out[1].code))
	return nil
}

// second is what came of a second exercise.
type second struct {
	exercise.Outcome
	code int // with which it stopped
}

// stopWithin is how long a workload has to stop when it is told to.
const stopWithin = 10 * time.Second

func (j *job) second(ctx context.Context, name string, x exercise.Exercise) (_ second, err error) {
	ports, err := x.Ports(j.is.Exposed)
	if err != nil {
		return second{}, err
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, j.Engine.Clear(clean))
	}()
	network, err := j.Engine.Network(ctx, map[string]string{"dev.drydock.minify": "1"})
	if err != nil {
		return second{}, err
	}
	do := runtime.Run{Image: name, Network: network, Publish: ports, Env: j.Env, Labels: map[string]string{"dev.drydock.minify": "1"}}
	if len(j.Args) > 0 {
		do.Command = slices.Concat(j.is.Entrypoint, j.Args)
	}
	if h := j.is.Health; h != nil {
		quick := *h
		quick.Interval = time.Second
		do.Health = &quick
	}
	c, err := j.Engine.Start(ctx, do)
	if err != nil {
		return second{}, err
	}
	w := exercise.Workload{Container: c, Exposed: j.is.Exposed, Health: j.is.Health != nil}
	if err := x.Ready(ctx, w); err != nil {
		return second{}, err
	}
	out, err := x.Do(ctx, w)
	if err != nil {
		return second{}, err
	}
	if s, err := c.State(ctx); err == nil && s.Running && j.before.hup {
		if err := c.Signal(ctx, "HUP"); err != nil {
			return second{}, err
		}
		if err := sleep(ctx, pause); err != nil {
			return second{}, err
		}
		if s, err = c.State(ctx); err == nil && !s.Running {
			return second{}, &exercise.Failure{Step: "SIGHUP", Why: fmt.Sprintf("it has ended with exit code %d", s.ExitCode)}
		}
	}
	code, err := c.Stop(ctx, stopWithin)
	return second{out, code}, err
}
