package confine

import (
	"context"
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
	Filter   string            // what the Engine gets instead of the profile\'s filter: one in its own format
	Progress func(what string)
}

// maxRuns limits the runs of a search for the smallest profile.
const maxRuns = 64

// Prove runs the workload under the profile, with its exercise. Unless the profile
// is fixed, it is first made smaller: the user, then the capabilities, then the
// folders that can be written. The profile that is returned is the one proved. An
// exercise that fails under the whole profile is an error, a *[TooTight].
func Prove(ctx context.Context, draft *Profile, how Proving) (*Profile, *Proof, error) {
	began := time.Now()
	s, done, err := begin(ctx, how, draft.NoNewPrivileges)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	s.proof.Syscalls, s.proof.KernelCVEs = counts(draft, how.Default)
	p := draft.clone()
	if how.Fixed {
		err = s.fixed(ctx, p)
	} else {
		p, err = s.smallest(ctx, p)
	}
	s.proof.Seconds = time.Since(began).Seconds()
	if err != nil {
		return nil, s.proof, err
	}
	s.proof.Level = "ran"
	s.proof.Syscalls, s.proof.KernelCVEs = counts(p, how.Default) // the search may have learned of more
	return p, s.proof, nil
}

// begin is a search that has found nothing yet, and how it ends.
func begin(ctx context.Context, how Proving, noNewPrivileges bool) (s *search, done func(), err error) {
	on, err := how.Engine.Runtime(ctx)
	if err != nil {
		return nil, nil, err
	}
	s = &search{Proving: how, proof: &Proof{
		Level: "unproved", Exercise: how.Exercise, Capabilities: []Kept{}, Writable: []Kept{}, NotEnforced: []NotEnforced{},
		Runtime: &observe.Engine{
			Engine: how.Engine.Version, Name: on.Name, Version: on.Version, Kernel: on.Kernel, NoNewPrivileges: noNewPrivileges,
		},
	}}
	if s.follow, err = observe.Follow(); err != nil {
		s.note("what is refused", "nobody could watch: "+err.Error())
		return s, func() {}, nil
	}
	return s, func() { _ = s.follow.Close() }, nil // the proof stands
}

type search struct {
	Proving
	proof  *Proof
	follow *observe.Follower // nil: the kernel does not let us watch

	unknown bool // how the workload ends when nothing is taken from it

	// Of the last run:
	code   int
	up     time.Duration
	missed []string // what was refused, and was not when it was observed
}

// works reports whether the exercise passes under a profile; else why not.
func (s *search) works(ctx context.Context, p *Profile) (bool, string, error) {
	fail, err := s.run(ctx, p, nil)
	return fail == nil, reason(fail), err
}

// smallest takes away what is not needed.
func (s *search) smallest(ctx context.Context, p *Profile) (*Profile, error) {
	fail, err := s.run(ctx, p, nil)
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
	return p, s.fixed(ctx, p)
}

// fixed proves a profile as it is.
func (s *search) fixed(ctx context.Context, p *Profile) error {
	fail, err := s.replicas(ctx, p, replicas, s.enforced)
	if err != nil {
		return err
	}
	if fail != nil {
		return s.tooTight(ctx, p, fail)
	}
	s.proof.Tolerated, s.proof.Replicas = s.missed, replicas
	return nil
}

// replicas is how many containers a proof runs at a time: a limit that is not of one
// container alone, but of its user, fails with the second.
const replicas = 2

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
	return nil, s.tooTight(ctx, writable, first)
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
		if err == nil && !ok {
			ok, err = s.learn(ctx, next)
		}
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

// learn runs the workload as another user under the Engine's own filter, and adds to
// the profile what it calls as that: a program that is not root does other things. It
// reports whether the workload then works.
func (s *search) learn(ctx context.Context, p *Profile) (bool, error) {
	if s.follow == nil || p.Seccomp == nil {
		return false, nil
	}
	q := p.clone()
	q.Seccomp, q.Mode = nil, ""
	refused := s.Refused
	ok, _, err := s.works(ctx, q)
	if err != nil || !ok {
		return false, err
	}
	o, err := s.follow.Seen()
	if err != nil {
		return false, err
	}
	var names []string
	for _, c := range o.Calls {
		if slices.Contains(p.Seccomp.ABIs(), c.ABI) && c.Name != "" && !slices.Contains(p.Seccomp.Allowed(), c.Name) {
			names = append(names, c.Name)
		}
	}
	tight := p.Seccomp
	p.Seccomp = p.wider(names, o.Arguments)
	s.Refused = slices.Concat(s.Refused, o.Refused)
	if ok, _, err = s.works(ctx, p); err != nil || !ok {
		p.Seccomp, s.Refused = tight, refused
	}
	return ok, err
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

// writable finds the folders that must be, or that the whole root must.
func (s *search) writable(ctx context.Context, p *Profile) (*Profile, error) {
	if !p.ReadOnly {
		next := p.clone()
		next.ReadOnly = true
		ok, why, err := s.works(ctx, next)
		if err != nil {
			return nil, err
		}
		if !ok {
			s.proof.Writable = append(s.proof.Writable, Kept{Path: "/", Failure: why})
			return p, nil
		}
		p = next
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
