package confine

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
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
// left out: whatever would allow more.
func (p *Profile) Narrow(by *Profile) (narrow *Profile, leftOut []string) {
	n := p.clone()
	skip := func(format string, args ...any) { leftOut = append(leftOut, fmt.Sprintf(format, args...)) }
	if by.Seccomp != nil {
		var beyond []string
		if n.Seccomp, beyond = underFloor(by.Seccomp); len(beyond) > 0 {
			skip("calls beyond the Engine's default: %s", some(beyond))
		}
	}
	if by.Capabilities == nil {
		skip("the Engine's own capabilities")
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
	if by.Nproc > 0 {
		n.Nproc = by.Nproc
	}
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

// floor are the calls of x86_64 that every Engine's default filter allows: of what
// Engine 20.10 and Engine 29 load, what both have.
//
//go:embed floor.txt
var floor string

// underFloor is a stranger's filter without what an Engine's default may refuse, by
// calls or by their arguments; nil: nothing can be told of it. Of its own conditions
// those stay that compare one argument of a call.
func underFloor(f *seccomp.Profile) (narrow *seccomp.Profile, beyond []string) {
	native := seccomp.Native()
	if native != seccomp.X8664 {
		return nil, []string{"all, since this machine's defaults are not known"}
	}
	f, err := f.Resolve(seccomp.Machine{ABI: native, Kernel: "4.8"})
	if err != nil {
		return nil, []string{err.Error()}
	}
	names, only, free := f.Allowed(), seccomp.Ceilings(), map[string]bool{}
	if f.DefaultAction == seccomp.ActAllow { // it lists what is refused
		names = strings.Fields(floor)
	}
	for _, r := range f.Rules {
		for _, name := range r.Names {
			_, capped := seccomp.Ceilings()[name]
			switch {
			case len(r.Args) == 0 && r.Action != seccomp.ActAllow:
				names = slices.DeleteFunc(names, func(n string) bool { return n == name })
			case len(r.Args) == 0:
				free[name] = true
			case len(r.Args) == 1 && r.Action == seccomp.ActAllow && !capped:
				only[name] = append(only[name], r.Args[0])
			}
		}
	}
	for name := range free {
		if _, capped := seccomp.Ceilings()[name]; !capped {
			delete(only, name)
		}
	}
	names = slices.DeleteFunc(names, func(name string) bool {
		if slices.Contains(strings.Fields(floor), name) {
			return false
		}
		if _, ok := native.Number(name); ok {
			beyond = append(beyond, name)
		}
		return true
	})
	return seccomp.New([]seccomp.ABI{native}, names, only), beyond
}
