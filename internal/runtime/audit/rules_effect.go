package audit

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// engineFlags are flags of docker run that no other program has; sharedFlags are
// those that some have, and count beside one of these or where no program stands
// before them.
var (
	engineFlags = []string{"--cap-drop", "--cap-add", "--security-opt", "--pids-limit", "--memory-swap", "--cpu-shares", "--icc", "--cgroup-parent", "--userns-remap"}
	sharedFlags = []string{"--read-only", "--privileged", "--memory", "--cpus", "--ulimit", "--userns", "--network", "--restart", "--no-new-privileges", "--tmpfs"}
)

// engines are programs whose arguments may well be such flags.
var engines = []string{"docker", "podman", "nerdctl", "dockerd", "crictl", "buildah", "dind"}

func noEffect() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/no-effect",
		Title:    "A hardening has no effect",
		Severity: finding.High,
		Why: "Docker takes some settings and does nothing with them: a flag that stands behind the image is an argument of the program; a profile for AppArmor or SELinux is ignored where the " +
			"kernel has neither; a limit where its cgroup has none; dropped capabilities and seccomp in a privileged container. Who reads the file believes to be protected.",
		Bad:  "services:\n  app:\n    image: nginx:1.28\n    command: [\"nginx\", \"-g\", \"daemon off;\", \"--cap-drop\", \"ALL\"]\n",
		Good: "services:\n  app:\n    image: nginx:1.28\n    command: [\"nginx\", \"-g\", \"daemon off;\"]\n    cap_drop:\n      - ALL\n",
	}, []string{"command", "entrypoint", "security_opt", "privileged", "network_mode"}, func(c *Container, p *pass) {
		report := func(field, key, title, format string, args ...any) {
			p.Report(fixed(c.found(field, key, format, args...), finding.NeedsReview, title, nil))
		}
		for _, i := range c.Ignored {
			report(i.Field, i.Field, i.Do, "%s", i.What)
		}
		for _, f := range flagsAmong(c.Words) {
			report("command", f, c.start("Say it to docker run before the image", "Say it as a field of the service", "Say it in the securityContext"), "%s is an argument of the program and has no effect on the container", f)
		}
		if c.Privileged {
			if len(c.CapDrop) > 0 {
				report("cap_drop", "cap_drop", "Leave privileged out", "capabilities are dropped, but the container is privileged and has them all")
			}
			for i, o := range c.SecurityOpt {
				if n, _, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "="); (n == "seccomp" || n == "apparmor") && !strings.HasSuffix(o, "unconfined") {
					report(itemOf("security_opt", i), n, "Leave privileged out", "a profile for %s is named, but the container is privileged and not confined", n)
				}
			}
		}
		if c.Network == "host" && len(c.Ports) > 0 {
			f := c.found(c.Ports[0].field, "ports", "the ports that are published have no effect: in the host's network every port is open that the program binds")
			f.Severity = finding.Medium
			p.Report(fixed(f, finding.NeedsReview, c.start("Leave --network host out, or the ports", "Take network_mode: host out, or the ports", "Take hostNetwork out, or hostPort"), nil))
		}
		if h := c.Host; h != nil {
			c.ignored(h, report)
			return
		}
		for _, o := range c.SecurityOpt {
			if n, v, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "="); (n == "apparmor" && v != "unconfined") || n == "label" && v != "disable" {
				p.Unknown(finding.Unknown{What: "whether " + o + " has an effect", Why: "the machine that it will run on was not looked at", Beyond: true})
			}
		}
	})
}

// ignored tells what a host takes and does nothing with.
func (c *Container) ignored(h *Host, report func(field, key, title, format string, args ...any)) {
	for i, o := range c.SecurityOpt {
		n, v, _ := strings.Cut(strings.Replace(o, ":", "=", 1), "=")
		field := itemOf("security_opt", i)
		switch {
		case n == "apparmor" && v != "unconfined" && !h.AppArmor:
			report(field, o, "Run it on a host with AppArmor", "the profile %q is ignored: the Engine's host has no AppArmor", v)
		case n == "label" && v != "disable" && !h.SELinux:
			report(field, o, "Run it on a host with SELinux", "the label %q is ignored: the Engine's host has no SELinux", v)
		case n == "seccomp" && v != "unconfined" && !h.Seccomp:
			report(field, "seccomp", "Run it on a kernel with seccomp", "the seccomp profile is ignored: the Engine's host has no seccomp")
		}
	}
	for _, l := range []struct {
		field    string
		set, can bool
		what     string
	}{
		{"mem_limit", c.Memory > 0, h.MemoryLimit, "memory"},
		{"pids_limit", c.PIDs > 0, h.PIDsLimit, "processes"},
		{"cpus", c.CPU, h.CPUQuota, "processor time"},
	} {
		if l.set && !l.can {
			report(l.field, l.field, "Give the host's kernel the cgroup controller", "the limit on %s is ignored: the host's cgroups have none", l.what)
		}
	}
}

// flagsAmong are the flags of docker run among the words of a program.
func flagsAmong(words []string) []string {
	var sure, maybe []string
	for i, w := range words {
		if i == 0 || !strings.HasPrefix(w, "-") {
			if slices.Contains(engines, path.Base(w)) {
				return nil
			}
		}
		name, _, _ := strings.Cut(w, "=")
		switch {
		case slices.Contains(engineFlags, name) && !slices.Contains(sure, name):
			sure = append(sure, name)
		case slices.Contains(sharedFlags, name) && !slices.Contains(maybe, name):
			maybe = append(maybe, name)
		}
	}
	if len(sure) > 0 || len(words) > 0 && strings.HasPrefix(words[0], "--") {
		return append(sure, maybe...)
	}
	return nil
}
