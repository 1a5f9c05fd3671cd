package confine

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/exercise"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Missing is one thing that a profile lacks.
type Missing struct {
	Kind  string `json:"kind"`            // "call", "capability", "path", or a setting: "memory", "user" …
	Name  string `json:"name"`            // "flock", "CHOWN", "/var/lib/app"
	Where string `json:"where,omitempty"` // where it was needed: "at startup"

	runtime bool // only the runtime needed it
}

func (m Missing) String() string {
	s := m.Name
	if m.Kind != "call" {
		s = m.Kind + " " + s
	}
	if m.Where != "" {
		s += " (" + m.Where + ")"
	}
	return s
}

// TooTight is a profile under which the exercise fails.
type TooTight struct {
	Failure *exercise.Failure
	Missing []Missing // what it lacks; empty: nobody could find out
	Alone   bool      // the exercise fails without the profile, too
}

func (e *TooTight) Error() string {
	if e.Alone {
		return "the exercise fails without the profile, too: " + e.Failure.Error()
	}
	s := "the profile is too tight: " + e.Failure.Error()
	var lacks []string
	for _, m := range e.Missing {
		lacks = append(lacks, m.String())
	}
	if len(lacks) > 0 {
		s += "; it lacks " + some(lacks)
	}
	return s
}

// some are the first of a list.
func some(all []string) string {
	if n := len(all); n > 8 {
		return strings.Join(all[:8], ", ") + fmt.Sprintf(" and %d more", n-8)
	}
	return strings.Join(all, ", ")
}

func (e *TooTight) Unwrap() error { return e.Failure }

// Hint says what to do.
func (e *TooTight) Hint() string {
	if e.Alone {
		return "docker run it by hand: what it prints says why"
	}
	return "observe the workload again with this exercise, and confine what was seen"
}

// tooTight is the error for a profile under which the workload failed: with what it
// lacks, as far as anybody could watch.
func (s *search) tooTight(ctx context.Context, p *Profile, fail *exercise.Failure) error {
	e := &TooTight{Failure: fail}
	if s.follow == nil {
		return e
	}
	var err error
	if e.Missing, e.Alone, err = s.explain(ctx, p); err != nil {
		return errors.Join(e, err)
	}
	s.proof.Missing = e.Missing
	return e
}

// rounds is how often what a profile lacks is added before nothing else will do.
const rounds = 4

// explain finds out what a profile lacks. The workload is run under the Engine's own
// filter, which shows every call that the profile's would have refused, and gets
// what the kernel refuses it, round by round, until it works. Nothing that the
// Engine does not allow anyway is tried.
func (s *search) explain(ctx context.Context, p *Profile) (missing []Missing, alone bool, err error) {
	q := p.clone()
	q.Seccomp = nil
	var given []Missing
	for range rounds {
		works, err := s.attempt(ctx, p, q, &missing)
		if err != nil {
			return nil, false, err
		}
		if works {
			given, err = s.needed(ctx, p, q, given)
			return append(missing, given...), false, err
		}
		more := s.give(q)
		if len(more) == 0 {
			break
		}
		given = append(given, more...)
	}
	for _, r := range relaxations() {
		next := q.clone()
		name := r.apply(next)
		if name == "" {
			continue
		}
		works, err := s.attempt(ctx, p, next, &missing)
		if err != nil {
			return nil, false, err
		}
		if works {
			given, err = s.needed(ctx, p, next, given)
			given = append(given, Missing{Kind: r.what, Name: name, Where: "it works without"})
			return append(missing, given...), false, err
		}
	}
	bare := Unconfined(p.Image)
	bare.NoNewPrivileges = p.NoNewPrivileges
	works, err := s.attempt(ctx, p, bare, &missing)
	if works {
		missing = append(missing, given...)
	}
	return missing, !works, err
}

// attempt runs the workload under q, and adds to missing what p refuses of it.
func (s *search) attempt(ctx context.Context, p, q *Profile, missing *[]Missing) (works bool, err error) {
	fail, err := s.run(ctx, q, nil)
	if err != nil {
		return false, err
	}
	if fail != nil && fail.Step == "start" && len(fail.Refused) == 0 {
		return false, nil
	}
	o, err := s.follow.Seen()
	if err != nil {
		return false, err
	}
	for _, m := range p.lacksCalls(o) {
		if m.runtime && q.NoNewPrivileges != p.NoNewPrivileges { // the runtime then calls other things
			continue
		}
		if !slices.ContainsFunc(*missing, func(x Missing) bool { return x.Name == m.Name }) {
			*missing = append(*missing, m)
		}
	}
	return fail == nil, nil
}

// lacksCalls are the calls of an observation that the profile's filter refuses.
func (p *Profile) lacksCalls(o *observe.Observation) []Missing {
	if p.Seccomp == nil {
		return nil
	}
	var out []Missing
	allowed, abis := p.Seccomp.Allowed(), p.Seccomp.ABIs()
	for _, c := range o.Calls {
		if p.Seccomp.Wants(seccomp.Call{ABI: c.ABI, Number: c.Number}).Passes() || slices.Contains(abis, c.ABI) && slices.Contains(allowed, c.Name) {
			continue
		}
		m := Missing{Kind: "call", Name: c.Name, Where: when(c.Phases), runtime: slices.Equal(c.Phases, []observe.Phase{observe.Runtime})}
		if c.Name == "" {
			m.Name = fmt.Sprint(c.Number)
		}
		if c.ABI != seccomp.ABI(o.Image.ABI) {
			m.Name += " of " + string(c.ABI)
		}
		out = append(out, m)
	}
	for _, a := range o.Arguments {
		nr, ok := seccomp.ABI(o.Image.ABI).Number(a.Name)
		call := seccomp.Call{ABI: seccomp.ABI(o.Image.ABI), Number: nr}
		if !ok || a.Index < 0 || a.Index > 5 || !slices.Contains(allowed, a.Name) {
			continue
		}
		call.Args[a.Index] = a.Value
		if !p.Seccomp.Wants(call).Passes() {
			out = append(out, Missing{Kind: "call", Name: fmt.Sprintf("%s with argument %d = %#x", a.Name, a.Index+1, a.Value)})
		}
	}
	return out
}

// when says in which phases something was needed.
func when(phases []observe.Phase) string {
	var all []string
	for _, p := range phases {
		if p == observe.Runtime {
			all = append(all, "by the runtime before the program starts")
		} else {
			all = append(all, "at "+string(p))
		}
	}
	return strings.Join(all, ", ")
}

// give gives q what the kernel refused it in the last run: capabilities that the
// Engine gives anyway, and folders that could not be written.
func (s *search) give(q *Profile) []Missing {
	var out []Missing
	o, err := s.follow.Seen()
	if err != nil {
		return nil
	}
	for _, c := range o.Capabilities {
		used := c.Refused > 0 && q.Capabilities != nil && !slices.Contains(q.Capabilities, c.Name) && slices.Contains(s.Default.Capabilities, c.Name)
		if uid, _, ok := ids(q.User); used && (!ok || uid == 0) {
			q.Capabilities = append(q.Capabilities, c.Name)
			out = append(out, Missing{Kind: "capability", Name: c.Name, Where: when(c.Phases)})
		}
	}
	for _, r := range o.Refused {
		if r.Errno != "EROFS" || r.Path == "" {
			continue
		}
		dir, _, _ := strings.Cut(path.Dir(r.Path), "*")
		dir = path.Clean(dir)
		if dir == "/" || !nameable(dir) || slices.ContainsFunc(slices.Concat(q.Volumes, q.Tmpfs), func(d string) bool { return within(dir, d) }) {
			continue
		}
		q.Tmpfs = append(q.Tmpfs, dir) // which belongs to the user
		out = append(out, Missing{Kind: "path", Name: dir, Where: r.String()})
	}
	return out
}

// needed leaves out what was given and was not needed.
func (s *search) needed(ctx context.Context, p, q *Profile, given []Missing) ([]Missing, error) {
	if len(given) < 2 {
		return given, nil
	}
	var out []Missing
	for _, m := range given {
		next := q.clone()
		is := func(name string) bool { return name == m.Name }
		next.Capabilities, next.Tmpfs = slices.DeleteFunc(next.Capabilities, is), slices.DeleteFunc(next.Tmpfs, is)
		works, err := s.attempt(ctx, p, next, new([]Missing))
		if err != nil {
			return nil, err
		}
		if works {
			q = next
		} else {
			out = append(out, m)
		}
	}
	return out, nil
}

// relaxation takes one setting away from a profile.
type relaxation struct {
	what  string
	apply func(p *Profile) string // what was taken; empty: there was nothing
}

func relaxations() []relaxation {
	number := func(n *int64, unit string) string {
		if *n == 0 {
			return ""
		}
		s := fmt.Sprint(*n, unit)
		*n = 0
		return s
	}
	return []relaxation{
		{"memory", func(p *Profile) string { return number(&p.Memory, " bytes") }},
		{"pids", func(p *Profile) string { return number(&p.PIDs, "") }},
		{"nofile", func(p *Profile) string { return number(&p.Nofile, "") }},
		{"cpus", func(p *Profile) string {
			if p.CPUs == 0 {
				return ""
			}
			s := fmt.Sprintf("%g", p.CPUs)
			p.CPUs = 0
			return s
		}},
		{"user", func(p *Profile) string {
			s := p.User
			p.User = ""
			return s
		}},
		{"read-only root", func(p *Profile) string {
			if !p.ReadOnly {
				return ""
			}
			p.ReadOnly = false
			return "/"
		}},
		{"capabilities", func(p *Profile) string {
			if p.Capabilities == nil {
				return ""
			}
			p.Capabilities = nil
			return "none"
		}},
		{"no new privileges", func(p *Profile) string {
			if !p.NoNewPrivileges {
				return ""
			}
			p.NoNewPrivileges = false
			return "a set-user-ID program"
		}},
	}
}
