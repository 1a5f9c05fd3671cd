package confine

import (
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/runtime/observe"
	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// selector is an argument that decides what a call does: a family of sockets, a
// request. A profile lets pass the values that were seen, and those that are harmless.
type selector struct {
	index    uint
	harmless []uint64
	// mask are the bits of the argument that the kernel looks at: of an int the
	// lower half, whatever the caller left in the upper one.
	mask uint64
	// unseen are the conditions where no value was seen: what no Engine refuses.
	unseen []seccomp.Condition
	names  map[uint64]string // for a person who reads the profile
	// most is how many values are told apart; with more, the call is not restricted.
	most int
	// runtime says that runtimes choose the values, too, each in its own way.
	runtime bool
}

const asInt = 0xffffffff

// selectors are the arguments that are restricted, by call: those that choose among
// many parts of the kernel. Flags of files and memory are not among them: they
// choose among few, and differ from run to run.
func selectors() map[string]selector {
	ceilings := seccomp.Ceilings()
	names := map[uint64]string{
		1: "AF_UNIX", 2: "AF_INET", 10: "AF_INET6", 16: "AF_NETLINK", 17: "AF_PACKET", 38: "AF_ALG", 40: "AF_VSOCK",
	}
	families := selector{mask: asInt, most: 16, names: names, unseen: ceilings["socket"]}
	return map[string]selector{
		"socket":     families,
		"socketpair": {runtime: true, mask: asInt, most: 16, names: names},
		"ioctl": {runtime: true, index: 1, mask: asInt, most: 48, harmless: []uint64{
			0x5401, 0x5402, 0x5403, 0x5404, // TCGETS, TCSETS, TCSETSW, TCSETSF: a terminal's settings
			0x540f, 0x5410, 0x5413, 0x5414, // TIOCGPGRP, TIOCSPGRP, TIOCGWINSZ, TIOCSWINSZ
			0x541b, 0x5421, 0x5450, 0x5451, 0x5452, // FIONREAD, FIONBIO, FIONCLEX, FIOCLEX, FIOASYNC
		}},
		"prctl": {runtime: true, mask: asInt, most: 32, harmless: []uint64{
			1, 2, 3, 4, // the signal at the parent's death, whether a core is dumped
			7, 8, 15, 16, // keeping capabilities over a change of user; the thread's name
			23, 24, 27, 28, // the bounding set, made smaller; secure bits
			22, 21, 38, 39, 47, // stricter filters, no new privileges, ambient capabilities
		}},
		"personality": {mask: asInt, most: 8, harmless: []uint64{0xffffffff}, unseen: ceilings["personality"]},
		"ptrace":      {mask: asInt, most: 16},
		"keyctl":      {mask: asInt, most: 16},
		"bpf":         {mask: asInt, most: 16},
	}
}

// wider is the filter with more calls, and with arguments that were seen.
func (p *Profile) wider(names []string, seen []observe.Argument) *seccomp.Profile {
	only, before := seccomp.Ceilings(), map[string][]seccomp.Condition{}
	for _, r := range p.Seccomp.Rules {
		if len(r.Args) == 1 && len(r.Names) == 1 && r.Action == seccomp.ActAllow {
			before[r.Names[0]] = append(before[r.Names[0]], r.Args[0].Because(r.Comment))
		}
	}
	had, known := p.Seccomp.Allowed(), selectors()
	for _, name := range had {
		only[name] = before[name] // none: it may ask for anything
	}
	for _, a := range seen {
		s, restricted := known[a.Name]
		fresh := !slices.Contains(had, a.Name)
		if !restricted || !fresh && (len(before[a.Name]) == 0 || before[a.Name][0].Op != seccomp.CmpMaskedEq) {
			continue
		}
		if fresh && len(before[a.Name]) == 0 {
			for _, v := range s.harmless {
				before[a.Name] = append(before[a.Name], s.equal(v))
			}
		}
		if c := s.equal(a.Value); !slices.Contains(before[a.Name], c) {
			before[a.Name] = append(before[a.Name], c)
		}
		only[a.Name] = before[a.Name]
	}
	return seccomp.New(p.Seccomp.ABIs(), append(had, names...), only)
}

// equal is the condition that the argument has a value.
func (s selector) equal(v uint64) seccomp.Condition {
	c := seccomp.Condition{Index: s.index, Value: s.mask, ValueTwo: v & s.mask, Op: seccomp.CmpMaskedEq}
	return c.Because(s.names[v&s.mask])
}

// loaded is the filter as the Engine gets it; nil: its own. In ModeLog the values of
// arguments are not told apart, since the kernel's records do not have them.
func (p *Profile) loaded() *seccomp.Profile {
	if p.Mode != ModeLog || p.Seccomp == nil || p.Default == nil {
		return p.Seccomp
	}
	abis := p.Seccomp.ABIs()
	return seccomp.NewLogging(abis, p.Seccomp.Allowed(), p.Default.Passing(abis), seccomp.Ceilings())
}

// arguments are the conditions on calls that are allowed. Values are recorded of the
// native ABI alone: a call that another one made may have any. What an Engine's default
// refuses by its arguments is refused whatever was seen, unless it was seen and a
// reason allows more.
func arguments(o *observe.Observation, allowed []string, opt Options) map[string][]seccomp.Condition {
	only := map[string][]seccomp.Condition{}
	seen := map[string][]uint64{}
	for _, a := range o.Arguments {
		seen[a.Name] = append(seen[a.Name], a.Value)
	}
	known, ceilings := selectors(), seccomp.Ceilings()
	for _, name := range slices.Sorted(maps.Keys(known)) {
		s := known[name]
		if !slices.Contains(allowed, name) {
			continue
		}
		values := seen[name]
		elsewhere := slices.ContainsFunc(o.Calls, func(c observe.Call) bool { return c.Name == name && string(c.ABI) != o.Image.ABI })
		if len(values) == 0 || elsewhere || o.Status == observe.Truncated || opt.Portable && s.runtime {
			only[name] = s.unseen
			continue
		}
		var all []uint64
		for _, v := range slices.Concat(values, s.harmless) {
			all = append(all, v&s.mask)
		}
		slices.Sort(all)
		if all = slices.Compact(all); len(all) > s.most {
			only[name] = s.unseen
			continue
		}
		for _, v := range all {
			only[name] = append(only[name], s.equal(v))
		}
	}
	namespaces := slices.ContainsFunc(seen["clone"], func(v uint64) bool { return v&seccomp.NewNamespaces != 0 })
	if slices.Contains(allowed, "clone") && (!namespaces || opt.UnsafeBeyondDefault == "") {
		only["clone"] = ceilings["clone"]
	}
	return only
}
