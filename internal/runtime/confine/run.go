package confine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// reason is what the kernel refused, else the line of the log that says why, else
// the failure itself.
func reason(f *exercise.Failure) string {
	if f == nil {
		return ""
	}
	if len(f.Refused) > 0 {
		return f.Refused[0]
	}
	var said string
	for line := range strings.Lines(f.Log) {
		low := strings.ToLower(line)
		for _, word := range []string{"not permitted", "denied", "read-only", "failed", "cannot", "error"} {
			if strings.Contains(low, word) {
				said = strings.TrimSpace(line)
			}
		}
	}
	if said == "" {
		return f.Error()
	}
	return f.Step + ": " + said
}

// run runs the workload once. What look returns of its first program, while that is
// held, is an error of the run.
func (s *search) run(ctx context.Context, p *Profile, look looking) (*exercise.Failure, error) {
	return s.replicas(ctx, p, 1, look)
}

// replicas runs the workload once, in n containers at a time; look is for the last of
// them, and what is refused to that one is seen.
func (s *search) replicas(ctx context.Context, p *Profile, n int, look looking) (fail *exercise.Failure, err error) {
	if s.proof.Runs++; s.proof.Runs > maxRuns {
		return nil, fmt.Errorf("no proof after %d runs", maxRuns)
	}
	if s.Progress != nil {
		writable := len(p.Tmpfs) + len(p.Volumes)
		s.Progress(fmt.Sprintf("run %d: %d capabilities, %d writable folders", s.proof.Runs, len(p.Capabilities), writable))
	}
	defer func() {
		clean, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, s.Engine.Clear(clean))
	}()
	x := s.Exercise
	if s.Up > 0 {
		x.Within = exercise.Duration(patience(s.Up))
	}
	run, err := s.start(p)
	if err != nil {
		return nil, err
	}
	run.Env = s.Env
	if run.Publish, err = x.Ports(p.Image.Exposed); err != nil {
		return nil, err
	}
	if p.Network != "none" || len(run.Publish) > 0 {
		if run.Network, err = s.Engine.Network(ctx, run.Labels); err != nil {
			return nil, err
		}
	}
	if s.follow != nil {
		run.Created = s.follow.Expect
	}
	all := make([]exercise.Workload, n)
	for i := range all {
		c, err := s.Engine.Start(ctx, run)
		if err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			return &exercise.Failure{Step: "start", Why: err.Error()}, nil
		}
		if i < n-1 {
			err = s.look(ctx, c, p, nil)
		} else {
			err = s.look(ctx, c, p, look)
		}
		if err != nil {
			return nil, err
		}
		all[i] = exercise.Workload{Container: c, Exposed: p.Image.Exposed, Health: p.Image.Health}
	}
	return s.together(ctx, x, all)
}

// together puts containers through the exercise at a time. Of each that fails, the last
// one's failure counts: what was refused to that is known.
func (s *search) together(ctx context.Context, x exercise.Exercise, all []exercise.Workload) (*exercise.Failure, error) {
	codes, errs := make([]int, len(all)), make([]error, len(all))
	var group sync.WaitGroup
	for i, w := range all[:len(all)-1] {
		group.Go(func() { codes[i], _, errs[i] = s.exercise(ctx, x, w, func() error { return nil }) })
	}
	last, up := len(all)-1, func() error { return nil }
	if s.follow != nil {
		up = s.follow.Serving
	}
	codes[last], s.up, errs[last] = s.exercise(ctx, x, all[last], up)
	group.Wait()
	s.code, s.missed = codes[last], s.refused()
	for i, w := range slices.Backward(all) {
		fail, err := s.judge(ctx, x, w, codes[i], errs[i])
		if fail != nil && len(all) > 1 {
			fail.Step += fmt.Sprintf(" (one of %d replicas)", len(all))
		}
		if fail != nil || err != nil {
			return fail, err
		}
	}
	return nil, nil
}

// judge is what became of a container's exercise.
func (s *search) judge(ctx context.Context, x exercise.Exercise, w exercise.Workload, code int, err error) (*exercise.Failure, error) {
	var fail *exercise.Failure
	if errors.As(err, &fail) {
		fail.Refused = s.missed
		return fail, nil
	}
	if err != nil || s.unknown {
		return nil, err
	}
	if code != s.Exit {
		log, _ := w.Container.Logs(ctx) // the failure is told without it, too
		why := fmt.Sprintf("it ends with exit code %d, and did with %d when it was observed", code, s.Exit)
		return &exercise.Failure{Step: "shutdown", Why: why, Log: log, Refused: s.missed}, nil
	}
	if x.Empty() && len(s.missed) > 0 {
		// An exit code tells little of a workload that goes on after an error.
		why := "the kernel refused what it did when it was observed"
		return &exercise.Failure{Step: "run", Why: why, Refused: s.missed}, nil
	}
	return nil, nil
}

// looking reads something of a container's first program while that is held; p is
// the profile under which it was started.
type looking func(ctx context.Context, c *runtime.Container, p *Profile) error

// look has the first program of a container held, looked at, and let go.
func (s *search) look(ctx context.Context, c *runtime.Container, p *Profile, look looking) error {
	st, err := c.State(ctx)
	if err != nil {
		return err
	}
	if s.follow != nil && st.PID != 0 {
		if err := s.follow.Held(ctx, st.PID); err != nil {
			if now, stateErr := c.State(ctx); stateErr == nil && !now.Running {
				return nil // the runtime gave up first; the exercise tells how it ended
			}
			return err
		}
	}
	if look != nil {
		err = look(ctx, c, p)
	}
	if s.follow != nil && st.PID != 0 {
		err = errors.Join(err, s.follow.Release(st.PID))
	}
	return err
}

// refused are the calls that the profile refused, and that were not refused when the
// workload was observed.
func (s *search) refused() []string {
	if s.follow == nil {
		return nil
	}
	var fresh []observe.Refusal
	for _, r := range s.follow.Refused() {
		same := func(o observe.Refusal) bool { return o.Call == r.Call && o.Path == r.Path && o.Errno == r.Errno }
		if r.Call != "madvise" && !slices.ContainsFunc(s.Refused, same) { // see [always]
			fresh = append(fresh, r)
		}
	}
	// A path says most; what the workload calls while it gives up says least.
	sorting.By(fresh, func(a, b observe.Refusal) int { return cmp.Compare(min(len(b.Path), 1), min(len(a.Path), 1)) })
	var out []string
	for _, r := range fresh {
		out = append(out, r.String())
	}
	return out
}

// patience is how long a workload may take to come up under a profile that took so
// long without one: a search should not wait a minute for each failure.
func patience(up time.Duration) time.Duration { return 4*up + 5*time.Second }

// exercise puts a container through the exercise, stops it, and returns its exit code
// and how long it took to come up, when up is told.
func (s *search) exercise(
	ctx context.Context, x exercise.Exercise, w exercise.Workload, up func() error,
) (code int, took time.Duration, err error) {
	began := time.Now()
	if err := x.Ready(ctx, w); err != nil {
		return 0, 0, err
	}
	took = time.Since(began)
	if err := up(); err != nil {
		return 0, took, err
	}
	out, err := x.Do(ctx, w)
	if err != nil {
		return 0, took, err
	}
	if x.Empty() && len(out.Statuses) > 0 {
		return out.Statuses[0], took, nil
	}
	st, err := w.Container.State(ctx)
	if err == nil && st.Running {
		code, err = w.Container.Stop(ctx, 10*time.Second)
		return code, took, err
	}
	return s.Exit, took, err
}

// start is the profile as the Engine is asked for it.
func (s *search) start(p *Profile) (runtime.Run, error) {
	filter := s.Filter
	if p.Seccomp == nil {
		filter = "" // the Engine's own
	} else if filter == "" {
		b, err := p.loaded().Marshal()
		if err != nil {
			return runtime.Run{}, err
		}
		filter = string(b)
	}
	tmpfs := map[string]string{}
	for _, dir := range p.Tmpfs {
		tmpfs[dir] = p.tmpfsOptions()
	}
	return runtime.Run{
		Image: p.Image.ID, Labels: map[string]string{"dev.drydock.confine": "1"}, Command: p.Image.Command,
		Memory: p.Memory, PIDs: p.PIDs,
		Confine: runtime.Confinement{
			Seccomp: filter, Capabilities: p.Capabilities, NewPrivileges: !p.NoNewPrivileges, ReadOnly: p.ReadOnly,
			Tmpfs: tmpfs, Volumes: p.Volumes, User: p.User, Nofile: p.Nofile, Nproc: p.Nproc, CPUs: p.CPUs,
		},
	}, nil
}

// tmpfsOptions are those of a folder that starts empty. Its files go with the
// container, and count towards its memory. It belongs to the user, since runtimes
// give it the mode of the image's folder whatever the options say.
func (p *Profile) tmpfsOptions() string {
	opt := "rw,noexec,nosuid,nodev,size=64m,mode=1777"
	if uid, gid, ok := ids(p.User); ok {
		opt += fmt.Sprintf(",uid=%d,gid=%d", uid, gid)
	}
	return opt
}
