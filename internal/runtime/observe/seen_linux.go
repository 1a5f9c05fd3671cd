package observe

import "github.com/drydock-dev/drydock/internal/runtime/seccomp"

// Seen is what the container that was held last has done so far.
func (f *Follower) Seen() (*Observation, error) {
	o := &Observation{Schema: Schema, Way: "bpf", Status: Complete, Image: Image{ABI: string(seccomp.Native())}}
	return o, f.t.collect(f.cgroup, o)
}

// DefaultOf reads what a process may do: by its filters, with all arguments 0, and by
// the capabilities that it can ever have.
func DefaultOf(pid int) (Default, error) {
	filters, err := seccomp.Loaded(pid)
	if err != nil {
		return Default{}, err
	}
	return defaults(pid, filters, true)
}
