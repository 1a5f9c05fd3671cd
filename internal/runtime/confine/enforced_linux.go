package confine

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// enforced reads what the kernel has in force for the container's first process,
// and notes what it does not enforce.
func (s *search) enforced(ctx context.Context, c *runtime.Container, p *Profile) error {
	st, here, err := s.here(ctx, c)
	if err != nil || !here {
		return err
	}
	at := "/proc/" + strconv.Itoa(st.PID)
	status, err := os.ReadFile(at + "/status")
	if err != nil {
		s.note("everything", "the container ended before anybody could look")
		return nil
	}
	e := &s.proof.Enforced
	field := func(name string) string {
		for line := range strings.Lines(string(status)) {
			if v, ok := strings.CutPrefix(line, name+":"); ok {
				return strings.TrimSpace(v)
			}
		}
		return ""
	}
	e.Seccomp, e.NoNewPrivs = field("Seccomp") == "2", field("NoNewPrivs") == "1"
	if ids := strings.Fields(field("Uid")); len(ids) > 1 {
		e.User = ids[1]
	}
	bounding, err := strconv.ParseUint(field("CapBnd"), 16, 64)
	if err != nil {
		return fmt.Errorf("capabilities of the container: %w", err)
	}
	e.Capabilities = seccomp.CapabilitySet(bounding).Names()
	filters, err := seccomp.Loaded(st.PID)
	if err != nil {
		if st, serr := c.State(ctx); serr == nil && !st.Running {
			s.note("everything", "the container ended before anybody could look")
			return nil
		}
		return err
	}
	if p.Seccomp != nil {
		if e.Differences, err = p.loaded().Differences(filters); err != nil {
			return err
		}
	}
	e.FilterEqualsProfile = p.Seccomp != nil && !slices.ContainsFunc(e.Differences, seccomp.Difference.Passes)
	if slices.Contains(seccomp.ABIs(), seccomp.I386) {
		calls, err := seccomp.Reachable(filters, seccomp.I386)
		if err != nil {
			return err
		}
		e.I386Reachable = len(calls)
	}
	if b, err := os.ReadFile(at + "/mountinfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			if f := strings.Fields(line); len(f) > 5 && f[4] == "/" {
				e.ReadOnly = slices.Contains(strings.Split(f[5], ","), "ro")
			}
		}
	}
	if b, err := os.ReadFile(at + "/limits"); err == nil {
		for line := range strings.Lines(string(b)) {
			// "unlimited" is 0: no limit
			if f := strings.Fields(line); strings.HasPrefix(line, "Max open files") && len(f) > 3 {
				e.Nofile, _ = strconv.ParseInt(f[3], 10, 64)
			} else if strings.HasPrefix(line, "Max processes") && len(f) > 2 {
				e.Nproc, _ = strconv.ParseInt(f[2], 10, 64)
			}
		}
	}
	if b, err := os.ReadFile(at + "/attr/current"); err == nil {
		e.LSM = strings.Trim(string(b), "\x00\n ")
	}
	limits, err := observe.Limits(st.PID)
	if err != nil {
		return err
	}
	e.Memory, e.PIDs, e.CPUs = limits.Memory, limits.PIDs, limits.CPUs
	s.compare(p)
	return nil
}

// here is how the container is, and whether its first process is one of this
// machine's; if not, that is noted.
func (s *search) here(ctx context.Context, c *runtime.Container) (st runtime.State, here bool, err error) {
	if st, err = c.State(ctx); err != nil {
		return st, false, err
	}
	if st.PID == 0 {
		s.note("everything", "the container ended before anybody could look")
		return st, false, nil
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(st.PID) + "/cgroup")
	if err != nil || !strings.Contains(string(b), c.ID) {
		s.note("everything", "the Engine runs on another machine, or in a virtual one")
		return st, false, nil
	}
	return st, true, nil
}

// compare notes where what is in force is not what was asked for.
func (s *search) compare(p *Profile) {
	e := s.proof.Enforced
	var passed, barred []string
	for _, d := range e.Differences {
		name := d.Name
		if d.ABI != seccomp.Native() {
			name += " of " + string(d.ABI)
		}
		switch {
		case !d.Passes():
		case d.Got.Passes():
			passed = append(passed, name)
		default:
			barred = append(barred, name)
		}
	}
	for _, c := range []struct {
		what string
		ok   bool
		why  string
	}{
		{"seccomp", e.Seccomp, "no filter is loaded"},
		{"seccomp", len(passed) == 0, "calls pass that the profile refuses: " + some(passed)},
		{"seccomp", len(barred) == 0, "calls are refused that the profile allows, as far as the runtime knows them: " + some(barred)},
		{"no-new-privileges", e.NoNewPrivs || !p.NoNewPrivileges, "the process does not have it"},
		{"capabilities", p.Capabilities == nil || slices.Equal(e.Capabilities, slices.Sorted(slices.Values(p.Capabilities))), "the process could have " + strings.Join(e.Capabilities, ", ")},
		{"read-only root", e.ReadOnly || !p.ReadOnly, "it is mounted to be written"},
		{"pids limit", p.PIDs == 0 || e.PIDs == p.PIDs, fmt.Sprintf("the cgroup has %d", e.PIDs)},
		{"memory limit", p.Memory == 0 || e.Memory == p.Memory, fmt.Sprintf("the cgroup has %d bytes", e.Memory)},
		{"cpu limit", p.CPUs == 0 || e.CPUs > 0 && e.CPUs <= p.CPUs, fmt.Sprintf("the cgroup has %.2f", e.CPUs)},
		{"open files limit", p.Nofile == 0 || e.Nofile == p.Nofile, fmt.Sprintf("the process has %d", e.Nofile)},
		{"nproc limit", p.Nproc == 0 || e.Nproc == p.Nproc, fmt.Sprintf("the process has %d", e.Nproc)},
	} {
		if !c.ok {
			s.note(c.what, c.why)
		}
	}
	if e.LSM == "" {
		s.note("AppArmor, SELinux", "no such security module is active on this machine")
	}
}

func (s *search) note(what, why string) {
	s.proof.NotEnforced = append(s.proof.NotEnforced, NotEnforced{what, why})
}
