package observe

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Seen is what the container that was held last has done so far.
func (f *Follower) Seen() (*Observation, error) {
	f.t.settle()
	o := &Observation{Schema: Schema, Way: "bpf", Status: Complete, Image: Image{ABI: string(seccomp.Native())}}
	lost, err := f.t.tables(f.cgroup, o)
	if err != nil {
		return nil, err
	}
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	if s := f.t.seen[f.cgroup]; s != nil {
		s.into(o)
	}
	for _, n := range lost {
		if n > 0 {
			o.lack(Truncated, "events were lost")
		}
	}
	return o, nil
}

// DefaultOf reads what a process may do: by its filters, with all arguments 0, and by
// the capabilities that it can ever have.
func DefaultOf(pid int) (Default, error) {
	var d Default
	filters, err := seccomp.Loaded(pid)
	if err != nil {
		return d, err
	}
	if d.Calls, err = seccomp.Reachable(filters, seccomp.Native()); err != nil {
		return d, err
	}
	if slices.Contains(seccomp.ABIs(), seccomp.I386) {
		calls, err := seccomp.Reachable(filters, seccomp.I386)
		if err != nil {
			return d, err
		}
		d.I386 = len(calls)
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return d, err
	}
	for line := range strings.Lines(string(status)) {
		if v, ok := strings.CutPrefix(line, "CapBnd:"); ok {
			set, err := strconv.ParseUint(strings.TrimSpace(v), 16, 64)
			if err != nil {
				return d, fmt.Errorf("capabilities of process %d: %w", pid, err)
			}
			d.Capabilities = seccomp.CapabilitySet(set).Names()
		}
	}
	return d, nil
}
