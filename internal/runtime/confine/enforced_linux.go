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
	st, err := c.State(ctx)
	if err != nil {
		return err
	}
	if st.PID == 0 {
		s.note("everything", "the container ended before anybody could look")
		return nil
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
	if e.Differences, err = p.Seccomp.Differences(filters); err != nil {
		return err
	}
	e.FilterEqualsProfile = !slices.ContainsFunc(e.Differences, seccomp.Difference.Passes)
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
			if f := strings.Fields(line); strings.HasPrefix(line, "Max open files") && len(f) > 3 {
				e.Nofile, _ = strconv.ParseInt(f[3], 10, 64) // "unlimited" is 0: no limit
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

// compare notes where what is in force is not what was asked for.
func (s *search) compare(p *Profile) {
	e := s.proof.Enforced
	for _, c := range []struct {
		what string
		ok   bool
		why  string
	}{
		{"seccomp", e.Seccomp && e.FilterEqualsProfile, fmt.Sprintf("the loaded filter differs from the profile in %d calls", len(e.Differences))},
		{"no-new-privileges", e.NoNewPrivs || !p.NoNewPrivileges, "the process does not have it"},
		{"capabilities", slices.Equal(e.Capabilities, slices.Sorted(slices.Values(p.Capabilities))), "the process could have " + strings.Join(e.Capabilities, ", ")},
		{"read-only root", e.ReadOnly || !p.ReadOnly, "it is mounted to be written"},
		{"pids limit", e.PIDs == p.PIDs, fmt.Sprintf("the cgroup has %d", e.PIDs)},
		{"memory limit", e.Memory == p.Memory, fmt.Sprintf("the cgroup has %d bytes", e.Memory)},
		{"cpu limit", e.CPUs > 0 && e.CPUs <= p.CPUs, fmt.Sprintf("the cgroup has %.2f", e.CPUs)},
		{"open files limit", e.Nofile == p.Nofile, fmt.Sprintf("the process has %d", e.Nofile)},
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
