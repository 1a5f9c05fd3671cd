package confine

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
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Proving says where a profile is proved, and what the workload must still do.
type Proving struct {
	Engine   *runtime.Engine
	Exercise exercise.Exercise
	Env      []string      // "NAME=value"
	Exit     int           // the code it ended with when it was observed
	Up       time.Duration // how long it took to come up then; 0: not known
	Default  observe.Default
	Users    []observe.User    // that it ran as, to try instead of the image's
	Refused  []observe.Refusal // that were refused when it was observed: it does without
	Fixed    bool              // prove the profile as it is, without a search
	Progress func(what string)
}

// maxRuns bounds a search.
const maxRuns = 64

// Prove runs the workload under the profile, with its exercise. Unless the profile
// is fixed, it is first made smaller: the user, then the capabilities, then the
// folders that can be written. The profile that is returned is the one proved. An
// exercise that fails under the whole profile is an error, a *[TooTight].
func Prove(ctx context.Context, draft *Profile, how Proving) (*Profile, *Proof, error) {
	began := time.Now()
	s := &search{Proving: how, proof: &Proof{
		Level: "ran", Exercise: how.Exercise, Capabilities: []Kept{}, Writable: []Kept{}, NotEnforced: []NotEnforced{},
	}}
	s.proof.Syscalls, s.proof.KernelCVEs = counts(draft, how.Default)
	p := draft.clone()
	var err error
	if s.follow, err = observe.Follow(); err != nil {
		s.note("what is refused", "nobody could watch: "+err.Error())
	} else {
		defer s.follow.Close() //nolint:errcheck // the proof stands
	}
	if how.Fixed {
		var fail *exercise.Failure
		if fail, err = s.run(ctx, p, true); err == nil && fail != nil {
			err = &TooTight{Failure: fail}
		}
	} else {
		p, err = s.smallest(ctx, p)
	}
	s.proof.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, s.proof, err
	}
	return p, s.proof, nil
}

// TooTight is a profile under which the exercise fails.
type TooTight struct {
	Failure *exercise.Failure
	Missing []string // what it seems to lack
}

func (e *TooTight) Error() string {
	s := "the profile is too tight: " + e.Failure.Error()
	if len(e.Missing) > 0 {
		s += "; it lacks " + strings.Join(e.Missing, ", ")
	}
	return s
}

func (e *TooTight) Unwrap() error { return e.Failure }

// Hint says what to do.
func (e *TooTight) Hint() string {
	return "observe the workload again with this exercise, and confine what was seen"
}

type search struct {
	Proving
	proof  *Proof
	follow *observe.Follower // nil: the kernel does not let us watch
}

// works reports whether the exercise passes under a profile; else why not.
func (s *search) works(ctx context.Context, p *Profile) (bool, string, error) {
	fail, err := s.run(ctx, p, false)
	return fail == nil, reason(fail), err
}

// smallest takes away what is not needed.
func (s *search) smallest(ctx context.Context, p *Profile) (*Profile, error) {
	fail, err := s.run(ctx, p, false)
	if err != nil {
		return nil, err
	}
	if fail != nil {
		if p, err = s.widen(ctx, p, fail); err != nil {
			return nil, err
		}
	}
	if p, err = s.user(ctx, p); err != nil {
		return nil, err
	}
	if p, err = s.capabilities(ctx, p); err != nil {
		return nil, err
	}
	if p, err = s.writable(ctx, p); err != nil {
		return nil, err
	}
	fail, err = s.run(ctx, p, true)
	if err == nil && fail != nil {
		err = &TooTight{Failure: fail}
	}
	return p, err
}

// widen tries the draft with less taken away, where the draft fails: folders that
// start as the image has them instead of empty, then a root that can be written.
func (s *search) widen(ctx context.Context, p *Profile, first *exercise.Failure) (*Profile, error) {
	volumes := p.clone()
	volumes.Volumes, volumes.Tmpfs = slices.Sorted(slices.Values(slices.Concat(p.Volumes, p.Tmpfs))), []string{}
	writable := volumes.clone()
	writable.ReadOnly = false
	for _, next := range []*Profile{volumes, writable} {
		ok, _, err := s.works(ctx, next)
		if err != nil {
			return nil, err
		}
		if ok {
			return next, nil
		}
	}
	return nil, &TooTight{Failure: first}
}

// nobody is a user that no image has files of.
const nobody = 65532

// user tries to start the workload as a user that it became by itself, instead of
// as root, and then as one that nothing belongs to.
func (s *search) user(ctx context.Context, p *Profile) (*Profile, error) {
	if p.User != "" || p.Image.User != "" && !strings.HasPrefix(p.Image.User, "0") && p.Image.User != "root" {
		return p, nil
	}
	for _, u := range slices.Backward(slices.Concat([]observe.User{{UID: nobody, GID: nobody}}, s.Users)) {
		if u.UID == 0 {
			continue
		}
		next := p.clone()
		next.User = fmt.Sprintf("%d:%d", u.UID, u.GID)
		ok, why, err := s.works(ctx, next)
		if err != nil {
			return nil, err
		}
		if ok {
			s.proof.Users = nil
			return next, nil
		}
		s.proof.Users = append(s.proof.Users, Kept{Name: "root instead of " + next.User, Failure: why})
	}
	return p, nil
}

// capabilities finds those that are needed: none first, which is the usual case.
func (s *search) capabilities(ctx context.Context, p *Profile) (*Profile, error) {
	if len(p.Capabilities) == 0 {
		return p, nil
	}
	none := p.clone()
	none.Capabilities = []string{}
	ok, _, err := s.works(ctx, none)
	if err != nil || ok {
		return none, err
	}
	for _, c := range slices.Clone(p.Capabilities) {
		next := p.clone()
		next.Capabilities = slices.DeleteFunc(next.Capabilities, func(x string) bool { return x == c })
		ok, why, err := s.works(ctx, next)
		if err != nil {
			return nil, err
		}
		if ok {
			p = next
		} else {
			s.proof.Capabilities = append(s.proof.Capabilities, Kept{Name: c, Failure: why})
		}
	}
	return p, nil
}

// writable finds the folders that must be.
func (s *search) writable(ctx context.Context, p *Profile) (*Profile, error) {
	if !p.ReadOnly {
		return p, nil
	}
	for _, dir := range slices.Sorted(slices.Values(slices.Concat(p.Tmpfs, p.Volumes))) {
		is := func(x string) bool { return x == dir }
		next := p.clone()
		next.Tmpfs, next.Volumes = slices.DeleteFunc(next.Tmpfs, is), slices.DeleteFunc(next.Volumes, is)
		ok, why, err := s.works(ctx, next)
		if err != nil {
			return nil, err
		}
		if ok {
			p = next
		} else {
			s.proof.Writable = append(s.proof.Writable, Kept{Path: dir, Failure: why})
		}
	}
	return p, nil
}

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

// run runs the workload once. Of the last run, what the kernel enforces is read.
func (s *search) run(ctx context.Context, p *Profile, last bool) (fail *exercise.Failure, err error) {
	if s.proof.Runs++; s.proof.Runs > maxRuns {
		return nil, fmt.Errorf("no proof after %d runs", maxRuns)
	}
	if s.Progress != nil {
		s.Progress(fmt.Sprintf("run %d: %d capabilities, %d writable folders", s.proof.Runs, len(p.Capabilities), len(p.Tmpfs)+len(p.Volumes)))
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
	ports, err := x.Ports(p.Image.Exposed)
	if err != nil {
		return nil, err
	}
	run, err := p.run()
	if err != nil {
		return nil, err
	}
	run.Env, run.Publish = s.Env, ports
	if p.Network != "none" || len(ports) > 0 {
		if run.Network, err = s.Engine.Network(ctx, run.Labels); err != nil {
			return nil, err
		}
	}
	if s.follow != nil {
		run.Created = s.follow.Expect
	}
	c, err := s.Engine.Start(ctx, run)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return &exercise.Failure{Step: "start", Why: err.Error()}, nil
	}
	if err := s.look(ctx, c, p, last); err != nil {
		return nil, err
	}
	w := exercise.Workload{Container: c, Exposed: p.Image.Exposed, Health: p.Image.Health}
	err = s.exercise(ctx, x, w)
	refused := s.refused()
	if errors.As(err, &fail) {
		fail.Refused = refused
		return fail, nil
	}
	if err == nil && x.Empty() && len(refused) > 0 {
		// An exit code tells little of a workload that goes on after an error.
		why := "the kernel refused what it did when it was observed"
		return &exercise.Failure{Step: "run", Why: why, Refused: refused}, nil
	}
	if last {
		s.proof.Tolerated = refused
	}
	return nil, err
}

// look reads what the kernel enforces for the first program of a container while it
// is held, and lets it go.
func (s *search) look(ctx context.Context, c *runtime.Container, p *Profile, last bool) error {
	st, err := c.State(ctx)
	if err != nil {
		return err
	}
	if s.follow == nil || st.PID == 0 {
		if !last {
			return nil
		}
		return s.enforced(ctx, c, p)
	}
	if err := s.follow.Held(ctx, st.PID); err != nil {
		return err
	}
	if last {
		err = s.enforced(ctx, c, p)
	}
	return errors.Join(err, s.follow.Release(st.PID))
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
		if !slices.ContainsFunc(s.Refused, same) {
			fresh = append(fresh, r)
		}
	}
	// A path says most; what the workload calls while it gives up says least.
	slices.SortStableFunc(fresh, func(a, b observe.Refusal) int { return cmp.Compare(min(len(b.Path), 1), min(len(a.Path), 1)) })
	var out []string
	for _, r := range fresh {
		out = append(out, r.String())
	}
	return out
}

// patience is how long a workload may take to come up under a profile that took so
// long without one: a search should not wait a minute for each failure.
func patience(up time.Duration) time.Duration { return 4*up + 5*time.Second }

func (s *search) exercise(ctx context.Context, x exercise.Exercise, w exercise.Workload) error {
	if err := x.Ready(ctx, w); err != nil {
		return err
	}
	if s.follow != nil {
		if err := s.follow.Serving(); err != nil {
			return err
		}
	}
	out, err := x.Do(ctx, w)
	if err != nil {
		return err
	}
	code := s.Exit
	if x.Empty() && len(out.Statuses) > 0 {
		code = out.Statuses[0]
	} else if st, serr := w.Container.State(ctx); serr == nil && st.Running {
		if code, err = w.Container.Stop(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	if code != s.Exit {
		log, _ := w.Container.Logs(ctx) // the failure is told without it, too
		return &exercise.Failure{Step: "shutdown", Why: fmt.Sprintf("it ends with exit code %d, and did with %d when it was observed", code, s.Exit), Log: log}
	}
	return nil
}

// run is the profile as the Engine is asked for it.
func (p *Profile) run() (runtime.Run, error) {
	sec, err := p.Seccomp.Marshal()
	if err != nil {
		return runtime.Run{}, err
	}
	tmpfs := map[string]string{}
	for _, dir := range p.Tmpfs {
		tmpfs[dir] = p.tmpfsOptions()
	}
	return runtime.Run{
		Image: p.Image.ID, Labels: map[string]string{"dev.drydock.confine": "1"}, Command: p.Image.Command,
		Memory: p.Memory, PIDs: p.PIDs,
		Confine: runtime.Confinement{
			Seccomp: string(sec), Capabilities: p.Capabilities, NewPrivileges: !p.NoNewPrivileges, ReadOnly: p.ReadOnly,
			Tmpfs: tmpfs, Volumes: p.Volumes, User: p.User, Nofile: p.Nofile, CPUs: p.CPUs,
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

// OtherRuntime is a profile that was observed on another runtime than the one here,
// which calls other things once the filter is loaded.
type OtherRuntime struct{ Observed, Here string }

func (e *OtherRuntime) Error() string {
	return fmt.Sprintf("the workload was observed on %s, and this Engine starts containers with %s", e.Observed, e.Here)
}

// Hint says what to do.
func (e *OtherRuntime) Hint() string {
	return "observe it here, or confine with --portable --force"
}

// SameRuntime is an *[OtherRuntime] unless the Engine starts containers with what
// the workload was observed on, or the user insists.
func SameRuntime(ctx context.Context, e *runtime.Engine, p *Profile, force bool) error {
	on, err := e.Runtime(ctx)
	if err != nil || force {
		return err
	}
	if on.Name != p.Runtime.Name || on.Version != p.Runtime.Version {
		return &OtherRuntime{p.Runtime.Name + " " + p.Runtime.Version, on.Name + " " + on.Version}
	}
	return nil
}
