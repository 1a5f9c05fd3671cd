package confine

import (
	"fmt"
	"slices"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Label is the label of an image that may hold a profile of it, as JSON.
const Label = "dev.drydock.profile"

// Limits of a container of which nothing is known.
const (
	hardenedMemory = 1 << 30
	hardenedPIDs   = 256
	hardenedFiles  = 1024
)

// Hardened is what a container may do of which nothing is known: the Engine's own
// filter, no capabilities, no new privileges, a root that is read only with empty
// /tmp and /run, and limits.
func Hardened() *Profile {
	return &Profile{
		Schema: Schema, Capabilities: []string{}, NoNewPrivileges: true, ReadOnly: true, Tmpfs: []string{"/run", "/tmp"}, Volumes: []string{},
		Memory: hardenedMemory, PIDs: hardenedPIDs, Nofile: hardenedFiles, Ports: []int{},
	}
}

// Unconfined is what the Engine lets an image do that asks for nothing.
func Unconfined(im observe.Image) *Profile {
	return &Profile{Schema: Schema, Image: im, Tmpfs: []string{}, Volumes: []string{}, Ports: []int{}}
}

// Narrow applies what a stranger's profile takes away, and returns what of it was
// left out: whatever would allow more. Its filter is left out, too: whether that is
// narrower than the Engine's is known only once it is loaded.
func (p *Profile) Narrow(by *Profile) (narrow *Profile, leftOut []string) {
	n := p.clone()
	skip := func(format string, args ...any) { leftOut = append(leftOut, fmt.Sprintf(format, args...)) }
	if by.Seccomp != nil {
		skip("its seccomp filter")
	}
	for _, c := range by.Capabilities {
		if !slices.Contains(p.Capabilities, c) {
			skip("capability %s", c)
		}
	}
	n.Capabilities = slices.DeleteFunc(n.Capabilities, func(c string) bool { return !slices.Contains(by.Capabilities, c) })
	if p.NoNewPrivileges && !by.NoNewPrivileges {
		skip("new privileges")
	}
	if p.ReadOnly && !by.ReadOnly {
		skip("a writable root")
	}
	for _, dir := range slices.Concat(by.Tmpfs, by.Volumes) {
		if !slices.Contains(p.Tmpfs, dir) && !slices.Contains(p.Volumes, dir) {
			skip("a writable %s", dir)
		}
	}
	n.Tmpfs = slices.DeleteFunc(n.Tmpfs, func(dir string) bool { return !slices.Contains(by.Tmpfs, dir) && !slices.Contains(by.Volumes, dir) })
	if uid, _, ok := ids(by.User); ok && uid != 0 {
		n.User = by.User
	} else if by.User != "" {
		skip("user %s", by.User)
	}
	n.Memory, n.PIDs, n.Nofile = smaller(p.Memory, by.Memory), smaller(p.PIDs, by.PIDs), smaller(p.Nofile, by.Nofile)
	if by.CPUs > 0 && (p.CPUs == 0 || by.CPUs < p.CPUs) {
		n.CPUs = by.CPUs
	}
	if by.Network == "none" {
		n.Network = "none"
	}
	return n, leftOut
}

// smaller is the smaller of two limits; 0, or less, is none.
func smaller(a, b int64) int64 {
	if b <= 0 || a > 0 && a < b {
		return a
	}
	return b
}
