package seccomp

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Architecture is an ABI with others that come with it, in a profile that is for
// several kinds of machines.
type Architecture struct {
	Name string   `json:"architecture"`
	Subs []string `json:"subArchitectures"`
}

// Where says on which machines, and for which containers, a rule of Docker's own
// format is there.
type Where struct {
	Capabilities []string `json:"caps,omitempty"`   // "CAP_SYS_ADMIN"
	Machines     []string `json:"arches,omitempty"` // "amd64"
	Kernel       string   `json:"minKernel,omitempty"`
}

// Machine is where a profile is applied, and to what.
type Machine struct {
	ABI          ABI
	Kernel       string   // "6.18.5-cloud"
	Capabilities []string // that the container may have, without "CAP_"
}

// Resolve is the profile as an Engine hands it to its runtime on a machine: without
// conditions on machines, kernels and capabilities.
func (p *Profile) Resolve(on Machine) (*Profile, error) {
	if len(p.Architectures) > 0 && len(p.ArchMap) > 0 {
		return nil, errors.New("seccomp profile: it has both architectures and archMap")
	}
	q := &Profile{DefaultAction: p.DefaultAction, DefaultErrnoRet: p.DefaultErrnoRet, Architectures: slices.Clone(p.Architectures)}
	for _, a := range p.ArchMap {
		if a.Name == on.ABI.profileName() {
			q.Architectures = append([]string{a.Name}, a.Subs...)
		}
	}
	for i, r := range p.Rules {
		names := r.Names
		if r.Name != "" {
			if len(names) > 0 {
				return nil, fmt.Errorf("seccomp profile: syscalls[%d]: it has both name and names", i)
			}
			names = []string{r.Name}
		}
		there, err := r.there(on)
		if err != nil {
			return nil, fmt.Errorf("seccomp profile: syscalls[%d]: %w", i, err)
		}
		if there {
			q.Rules = append(q.Rules, Rule{Names: slices.Clone(names), Action: r.Action, ErrnoRet: r.ErrnoRet, Args: r.Args, Comment: r.Comment})
		}
	}
	return q, nil
}

// there reports whether a rule is there on a machine.
func (r Rule) there(on Machine) (bool, error) {
	if w := r.Includes; w != nil {
		new, err := w.kernel(on)
		if err != nil {
			return false, err
		}
		if len(w.Machines) > 0 && !slices.Contains(w.Machines, on.ABI.machine()) || !new ||
			slices.ContainsFunc(w.Capabilities, func(c string) bool { return !on.has(c) }) {
			return false, nil
		}
	}
	if w := r.Excludes; w != nil {
		new, err := w.kernel(on)
		if err != nil {
			return false, err
		}
		if slices.Contains(w.Machines, on.ABI.machine()) || w.Kernel != "" && new || slices.ContainsFunc(w.Capabilities, on.has) {
			return false, nil
		}
	}
	return true, nil
}

// has reports whether the container has a capability, named as profiles do.
func (on Machine) has(c string) bool {
	return slices.Contains(on.Capabilities, strings.TrimPrefix(c, "CAP_"))
}

// kernel reports whether the machine's kernel is as new as is asked for.
func (w *Where) kernel(on Machine) (bool, error) {
	if w.Kernel == "" {
		return true, nil
	}
	var major, minor, hasMajor, hasMinor int
	if n, err := fmt.Sscanf(w.Kernel, "%d.%d", &major, &minor); n != 2 || err != nil {
		return false, fmt.Errorf("%q is no version of a kernel", w.Kernel)
	}
	if n, err := fmt.Sscanf(on.Kernel, "%d.%d", &hasMajor, &hasMinor); n != 2 || err != nil {
		return false, fmt.Errorf("the machine's kernel %q has no version", on.Kernel)
	}
	return hasMajor > major || hasMajor == major && hasMinor >= minor, nil
}

// machine is what profiles call a machine of the ABI.
func (a ABI) machine() string {
	return map[ABI]string{X8664: "amd64", I386: "x86", X32: "x32", AArch64: "arm64", ARM: "arm"}[a]
}
