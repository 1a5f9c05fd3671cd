package audit

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/runtime/confine"
	"github.com/drydock-dev/drydock/internal/runtime/observe"
)

// Fits reports whether an observation is one of this container: of its service, or of
// its image.
func (c *Container) Fits(o *observe.Observation) bool {
	if c.Form == Compose && o.Service != "" {
		_, service, _ := strings.Cut(c.Subject.Name, "#")
		return service == o.Service
	}
	same := o.Image.ID != "" && (o.Image.ID == c.Image || o.Image.ID == c.ImageID)
	return o.Service == "" && (same || o.Image.Name != "" && tagged(o.Image.Name) == tagged(c.Image))
}

// tagged is a reference as people mean it.
func tagged(ref string) string {
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "docker.io/"), "library/")
	if ref != "" && strings.LastIndexByte(ref, ':') <= strings.LastIndexByte(ref, '/') && !strings.Contains(ref, "@") {
		ref += ":latest"
	}
	return ref
}

// spent is what an observation says of a container. Only what was seen from its start
// to its end says that something was not used.
type spent struct {
	*observe.Observation
	mounted bool // the container was started as it says, and not its image alone
}

// used is what was seen of a container, where that is all that it did.
func (c *Container) used(p *pass) (spent, bool) {
	o := c.Observed
	if o == nil {
		return spent{}, false
	}
	if o.Status != observe.Complete {
		p.Unknown(finding.Unknown{
			What: "what it uses of all that it is given", Why: fmt.Sprintf("the observation is %s: %s", o.Status, strings.Join(o.Reasons, "; ")), Beyond: true,
		})
		return spent{}, false
	}
	return spent{o, o.Service != ""}, true
}

// asked reports whether a capability was asked for, granted or not.
func (s spent) asked(name string) bool {
	return slices.ContainsFunc(s.Capabilities, func(c observe.Capability) bool { return c.Name == name })
}

// belowRoot are the folders that were written, and are of no mount.
func (s spent) belowRoot(c *Container) []string {
	return slices.DeleteFunc(slices.Clone(s.Writable), func(dir string) bool {
		return slices.ContainsFunc(c.Mounts, func(m Mount) bool {
			return m.Target != "" && (dir == m.Target || strings.HasPrefix(dir, strings.TrimSuffix(m.Target, "/")+"/"))
		})
	})
}

// at reports whether a path, or one below it, was used, and whether it was written.
func (s spent) at(dir string) (used, written bool) {
	below := func(p string) bool { return p == dir || strings.HasPrefix(p, strings.TrimSuffix(dir, "/")+"/") }
	for _, f := range s.Files {
		if !f.Missing && (below(f.Path) || below(f.Target)) {
			used, written = true, written || f.Write
		}
	}
	for _, socket := range slices.Concat(s.Listens, s.Connects) {
		if socket.Family == "unix" && below(socket.Address) {
			used, written = true, true
		}
	}
	return used || slices.ContainsFunc(s.Writable, below), written || slices.ContainsFunc(s.Writable, below)
}

func unusedPrivilege() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/unused-privilege",
		Title:    "A privilege is given and was not used",
		Severity: finding.Low,
		Why: "drydock observe saw what the container does. What it is given beyond that, a capability, a mount, a port, serves nobody but an attacker. " +
			"The observation knows what the exercise reached: what nothing tried is not in it.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    read_only: true\n    cap_drop:\n      - ALL\n    cap_add:\n      - SYS_TIME\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    read_only: true\n    cap_drop:\n      - ALL\n",
	}, nil, func(c *Container, p *pass) {
		s, ok := c.used(p)
		if !ok {
			return
		}
		report := func(field, key, title string, edits []finding.Edit, format string, args ...any) {
			p.Report(fixed(c.found(field, key, format, args...), finding.NeedsReview, title, edits))
		}
		c.unusedCapabilities(s, report)
		if !c.ReadOnly && c.knows("read_only") {
			below := s.belowRoot(c)
			if len(below) == 0 {
				report("read_only", "read_only", c.start("Start it with --read-only", "Set read_only", "Set readOnlyRootFilesystem"), c.edit.set("read_only", "true"),
					"nothing was written below the root, which can be written")
			} else {
				report("read_only", "read_only", "Make the root read-only, with a tmpfs or a volume for "+strings.Join(below, ", "), nil,
					"of the root, which can be written, only %s", were(below))
			}
		}
		if !slices.ContainsFunc(s.Users, func(u observe.User) bool { return u.UID == 0 }) && len(s.Users) > 0 && c.User != "" && isRoot(c.User) {
			report("user", "user", fmt.Sprintf("Set the user %d:%d", s.Users[0].UID, s.Users[0].GID), nil, "it is started as root, and nothing ran as root")
		}
		if _, i, off := c.securityOpt("seccomp"); off && strings.HasSuffix(c.SecurityOpt[i], "unconfined") && s.withinDefault() {
			report(itemOf("security_opt", i), "seccomp", "Leave it out: the Engine's own profile allows all that was called", c.edit.remove(itemOf("security_opt", i)),
				"seccomp is switched off, and nothing was called that the Engine's own profile blocks")
		}
		if s.mounted {
			c.unusedOutside(s, report)
		}
	})
}

type reporting func(field, key, title string, edits []finding.Edit, format string, args ...any)

// unusedCapabilities tells of those that were given, and never asked for.
func (c *Container) unusedCapabilities(s spent, report reporting) {
	for i, name := range c.CapAdd {
		if name != "ALL" && !s.asked(name) {
			report(itemOf("cap_add", i), "cap_add "+name, "Take it away", c.edit.remove(itemOf("cap_add", i)), "the capability %s is added, and nothing asked for it", name)
		}
	}
	var kept, needed []string
	for _, name := range defaultCapabilities {
		if !slices.Contains(c.CapDrop, "ALL") && !slices.Contains(c.CapDrop, name) {
			kept = append(kept, name)
			if s.asked(name) {
				needed = append(needed, name)
			}
		}
	}
	if len(kept) == len(needed) || c.Privileged || !c.knows("cap_drop") {
		return
	}
	switch {
	case len(needed) == 0:
		report("cap_drop", "cap_drop", "Drop ALL", c.edit.add("cap_drop", "ALL"), "%s, and none was asked for", count(len(kept), "capability is kept", "capabilities are kept"))
	default:
		report("cap_drop", "cap_drop", "Drop ALL and add "+strings.Join(needed, ", ")+"; drydock confine finds out which of them it can do without", nil,
			"%s, of which only %s asked for", count(len(kept), "capability is kept", "capabilities are kept"), were(needed))
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

func were(names []string) string {
	if len(names) == 1 {
		return names[0] + " was"
	}
	return strings.Join(names, ", ") + " were"
}

// withinDefault reports whether all that was called is what the Engine allows anyway.
func (s spent) withinDefault() bool {
	return len(s.Default.Calls) > 0 && !slices.ContainsFunc(s.Calls, func(k observe.Call) bool { return !s.Default.Allows(k.ABI, k.Name) })
}

// unusedOutside tells of what of the machine is given and was not used.
func (c *Container) unusedOutside(s spent, report reporting) {
	for _, m := range c.Mounts {
		if m.Source == "" || m.Target == "" {
			continue
		}
		switch used, written := s.at(path.Clean(m.Target)); {
		case !used:
			report(m.field, "mount "+m.Target, "Leave the mount out", nil, "%s is mounted at %s, and nothing used it", m.Source, m.Target)
		case !written && !m.ReadOnly:
			report(m.field, "mount "+m.Target, "Mount it read-only", nil, "%s is mounted at %s to be written, and was only read", m.Source, m.Target)
		}
	}
	for i, d := range c.Devices {
		if strings.HasPrefix(d, "/dev/") && !slices.Contains(s.Devices, d) {
			report(itemOf("devices", i), "device "+d, "Leave the device out", c.edit.remove(itemOf("devices", i)), "the device %s is given, and nothing opened it", d)
		}
	}
	for _, port := range c.Ports {
		number, _, _ := strings.Cut(port.Inside, "/")
		n, err := strconv.Atoi(number)
		if err == nil && !slices.ContainsFunc(s.Listens, func(l observe.Socket) bool { return l.Port == n }) {
			report(port.field, "port "+port.Inside, "Leave the port out", nil, "port %s is published, and nothing listened on it", port.Inside)
		}
	}
}

func limitOffPeak() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/limit-off-peak",
		Title:    "A limit is far from what was used",
		Severity: finding.Negligible,
		Why: "A limit far above the peak that drydock observe saw stops nothing; one right above it stops the workload on a busy day. " +
			"Twice the peak is a start, and what confine writes.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    mem_limit: 8g\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    mem_limit: 32m\n    pids_limit: 16\n",
	}, nil, func(c *Container, p *pass) {
		o := c.Observed
		if o == nil {
			return
		}
		memory, pids, _, _ := confine.Margins(o)
		mib := func(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }
		plain := func(n int64) string { return strconv.FormatInt(n, 10) }
		for _, l := range []struct {
			field, what       string
			is, peak, margins int64
			say               func(int64) string
			value             string
		}{
			{"mem_limit", "memory", c.Memory, o.Peaks.Memory, memory, mib, c.start("", fmt.Sprintf("%dm", memory>>20), fmt.Sprintf("%dMi", memory>>20))},
			{"pids_limit", "processes", c.PIDs, o.Peaks.PIDs, pids, plain, plain(pids)},
		} {
			if l.is <= 0 || l.peak <= 0 {
				continue
			}
			var f finding.Finding
			switch {
			case l.is > 8*l.margins:
				f = c.found(l.field, l.field, "the limit on %s is %s, and the peak was %s", l.what, l.say(l.is), l.say(l.peak))
			case l.is < l.peak+l.peak/10:
				f = c.found(l.field, l.field, "the limit on %s is %s, hardly more than the peak of %s", l.what, l.say(l.is), l.say(l.peak))
				f.Severity = finding.Low
			default:
				continue
			}
			p.Report(fixed(f, finding.NeedsReview, "Set it to "+l.say(l.margins), c.edit.replace(l.field, l.value)))
		}
	})
}
