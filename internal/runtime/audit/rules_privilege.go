package audit

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

func privileged() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/privileged",
		Title:    "The container is privileged",
		Severity: finding.High,
		Aliases:  []string{"CIS-5.5"},
		Why: "A privileged container has all capabilities and all devices of the host, and neither seccomp, AppArmor nor SELinux confines it. " +
			"Root in it is root on the host: it can mount the host's disk or load a kernel module. Give it the one capability or device that it needs.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    privileged: true\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    cap_add:\n      - NET_ADMIN\n",
	}, []string{"privileged"}, func(c *Container, p *pass) {
		if b := c.Building; b.Privileged != "" {
			f := c.found(b.Privileged, "build", "the image is built with all privileges: root of a step is root on the host")
			p.Report(fixed(f, finding.NeedsReview, "Build it without: what needs privileges is done when the container runs", nil))
		}
		if c.Pod != nil && c.Pod.HostProcess {
			f := c.found("host_process", "host process", "the container is a process of the host, with all that its user may do there")
			p.Report(fixed(f, finding.NeedsReview, "Take hostProcess out", nil))
		}
		if !c.Privileged {
			return
		}
		f := c.found("privileged", "", "the container is privileged: root in it is root on the host")
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it without --privileged, with the capability or device that it needs", "Set privileged to false, and add the capability or device that it needs",
			"Set privileged to false, and add the capability that it needs"),
			c.edit.replace("privileged", "false")))
	})
}

// defaultCapabilities are those that a container has where nothing is said.
var defaultCapabilities = []string{
	"AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
}

// hostCapabilities are those with which a container can take over the host, and how.
var hostCapabilities = map[string]string{
	"ALL":             "it has every capability",
	"SYS_ADMIN":       "it can mount file systems and leave its namespaces",
	"SYS_MODULE":      "it can load kernel modules",
	"SYS_PTRACE":      "it can read and change other processes, those of the host too where it sees them",
	"SYS_RAWIO":       "it can reach the machine's memory and ports",
	"DAC_READ_SEARCH": "it can open any file of the host by its handle",
	"BPF":             "it can load programs into the kernel",
	"SYS_BOOT":        "it can restart the machine or load another kernel",
	"NET_ADMIN":       "it can change interfaces, routes and firewall rules of its network namespace",
	"MAC_ADMIN":       "it can change the rules that confine it",
	"SYSLOG":          "it can read the kernel's log and addresses",
	"SYS_TIME":        "it can set the machine's clock",
	"PERFMON":         "it can watch the whole machine",
}

func addedCapability() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/added-capability",
		Title:    "A capability is added to the Engine's default",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.4"},
		Why: "The Engine's default set of capabilities is already more than most programs need. What is added to it widens what an attacker can do " +
			"who has taken over the process; SYS_ADMIN, SYS_MODULE and SYS_PTRACE lead to the host. Drop all and add back what fails without.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    cap_add:\n      - SYS_ADMIN\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    cap_drop:\n      - ALL\n    cap_add:\n      - NET_BIND_SERVICE\n",
	}, []string{"cap_add"}, func(c *Container, p *pass) {
		for i, name := range c.CapAdd {
			if slices.Contains(defaultCapabilities, name) {
				continue
			}
			field := itemOf("cap_add", i)
			f := c.found(field, name, "the capability %s is added", name)
			if why := hostCapabilities[name]; why != "" {
				f.Message += ": " + why
				f.Severity = finding.High
			}
			if name == "NET_ADMIN" || name == "SYSLOG" || name == "SYS_TIME" {
				f.Severity = finding.Medium
			}
			p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --cap-drop ALL, and add back what fails without", "Take "+name+" out of cap_add", "Take "+name+" out of capabilities.add"), c.edit.remove(field)))
		}
	})
}

func hostNamespace() Check[*Container] {
	k := rule(finding.Rule{
		ID:       "runtime/host-namespace",
		Title:    "The container shares a namespace of the host",
		Severity: finding.High,
		Aliases:  []string{"CIS-5.10", "CIS-5.16", "CIS-5.17", "CIS-5.21", "CIS-5.31"},
		Why: "Namespaces are what makes a container one. In the host's network it reaches services that listen on loopback only; in the host's process namespace it " +
			"sees every process with its arguments and can signal them; in the host's IPC namespace it reads shared memory; with userns: host the remapping of users is off.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    pid: host\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    pid: \"service:db\"\n",
	}, []string{"network_mode", "pid", "ipc", "uts", "userns_mode", "cgroup"}, func(c *Container, p *pass) {
		if c.Building.Network == "host" {
			f := c.found("build/network", "build", "the image is built in the host's network: a step reaches services that listen on loopback only")
			f.Severity, f.Aliases = finding.Low, []string{}
			p.Report(fixed(f, finding.NeedsReview, "Take network out of build", nil))
		}
		for _, n := range []struct {
			field, mode, what, cis string
			severity               finding.Severity
		}{
			{"network_mode", c.Network, "network", "CIS-5.10", finding.High},
			{"pid", c.PID, "process", "CIS-5.16", finding.High},
			{"ipc", c.IPC, "IPC", "CIS-5.17", finding.High},
			{"uts", c.UTS, "UTS", "CIS-5.21", finding.Medium},
			{"userns_mode", c.Userns, "user", "CIS-5.31", finding.Medium},
			{"cgroup", c.Cgroupns, "cgroup", "", finding.Low},
		} {
			if n.mode != "host" || n.field == "cgroup" && c.Form == Inspected {
				continue // Engines on cgroup v1 say host for every container
			}
			f := c.found(n.field, n.field, "the container shares the host's %s namespace", n.what)
			f.Severity = n.severity
			if n.cis != "" {
				f.Aliases = []string{n.cis}
			}
			p.Report(fixed(f, finding.NeedsReview, c.start("Start it without the flag", "Take "+n.field+" out", "Set "+strings.Join(inPod[n.field], "")+" to false"), c.edit.remove(n.field)))
		}
	})
	k.By = map[string][]string{
		"CIS-5.10": {"network_mode"}, "CIS-5.16": {"pid"}, "CIS-5.17": {"ipc"}, "CIS-5.21": {"uts"}, "CIS-5.31": {"userns_mode"},
	}
	return k
}

func newPrivileges() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/new-privileges",
		Title:    "A process may gain privileges",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-5.26"},
		Why: "Without no-new-privileges a process that is not root becomes root by running a set-user-ID program of the image, such as su or mount. " +
			"The option costs nothing but that: programs that rely on sudo or on file capabilities do not work with it.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    security_opt:\n      - no-new-privileges:true\n",
	}, []string{"security_opt"}, func(c *Container, p *pass) {
		if c.noNewPrivileges() || !c.knows("security_opt") {
			return
		}
		const option = "no-new-privileges:true"
		f := c.found("security_opt", "", "a set-user-ID program in the container gains privileges: no-new-privileges is not set")
		if c.Form == Kubernetes {
			f.Message = "a set-user-ID program in the container gains privileges: allowPrivilegeEscalation is not false"
			p.Report(fixed(f, finding.Behaviour, "Set allowPrivilegeEscalation to false", c.edit.set("no_escalation", "false")))
			return
		}
		edits := c.edit.add("security_opt", option)
		title := "Add " + option + " to security_opt"
		if _, item, said := c.securityOpt("no-new-privileges"); said {
			edits, title = c.edit.replace(itemOf("security_opt", item), option), "Set "+option
		}
		p.Report(fixed(f, finding.Behaviour, c.start("Start it with --security-opt "+option, title, ""), edits))
	})
}

func unconfined() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/unconfined",
		Title:    "A confinement of the Engine is switched off",
		Severity: finding.High,
		Aliases:  []string{"CIS-5.2", "CIS-5.3", "CIS-5.22"},
		Why: "The Engine's seccomp profile blocks the system calls by which kernel vulnerabilities are mostly reached; AppArmor and SELinux keep a container from the host's files. " +
			"Switched off, one vulnerability in the kernel is enough. If one call is missing, write a profile with it instead (drydock confine).",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    security_opt:\n      - seccomp:unconfined\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    security_opt:\n      - seccomp:./profile.json\n",
	}, []string{"security_opt"}, func(c *Container, p *pass) {
		if c.Form == Kubernetes {
			c.kubernetes(p)
		} else {
			c.modules(p)
		}
		for i, o := range c.SecurityOpt {
			var name, cis string
			switch strings.Replace(o, ":", "=", 1) {
			case "seccomp=unconfined":
				name, cis = "seccomp", "CIS-5.22"
			case "apparmor=unconfined":
				name, cis = "AppArmor", "CIS-5.2"
			case "label=disable", "label=type:spc_t":
				if c.Form == Inspected && (c.Privileged || c.PID == "host" || c.IPC == "host") {
					continue // the Engine adds it to such containers by itself
				}
				name, cis = "SELinux", "CIS-5.3"
			case "systempaths=unconfined":
				name = "the masking of paths in /proc and /sys"
			default:
				continue
			}
			field := itemOf("security_opt", i)
			f := c.found(field, o, "%s is switched off for the container", name)
			if cis != "" {
				f.Aliases = []string{cis}
			}
			p.Report(fixed(f, finding.NeedsReview, c.start("Start it without --security-opt "+o, "Take "+o+" out of security_opt", "Take it out of the securityContext"), c.edit.remove(field)))
		}
	})
}

// kubernetes looks at what a pod says of seccomp and of masked paths, both of which
// Docker has by default.
func (c *Container) kubernetes(p *pass) {
	if s := c.Pod.Seccomp; (s == "" || s == "Unconfined") && c.knows("seccomp") {
		f := c.found("seccomp", "seccomp", "seccomp is switched off for the container")
		f.Aliases = []string{"CIS-5.22"}
		if s == "" {
			f.Message, f.Severity = "no seccomp profile is asked for: unless the kubelet sets one, no system call is blocked", finding.Medium
		}
		p.Report(fixed(f, finding.Behaviour, "Set seccompProfile to RuntimeDefault", c.edit.set("seccomp", "RuntimeDefault")))
	}
	if c.Pod.Unmasked {
		f := c.found("proc_mount", "procMount", "the masking of paths in /proc and /sys is switched off for the container")
		f.Aliases = []string{}
		p.Report(fixed(f, finding.NeedsReview, "Take procMount out", c.edit.remove("proc_mount")))
	}
}

// modules looks at what the security modules of the host make of a container.
func (c *Container) modules(p *pass) {
	h, own := c.Host, c.Confined
	for _, m := range []struct {
		name, item string
		has        bool
		profile    string
		asked      string // the option by which it is switched off
	}{
		{"AppArmor", "CIS-5.2", h != nil && h.AppArmor, own.AppArmor, "apparmor"},
		{"SELinux", "CIS-5.3", h != nil && h.SELinux, own.SELinux, "label"},
	} {
		_, _, said := c.securityOpt(m.asked)
		switch {
		case h == nil:
			p.Unsure(m.item)
		case !m.has:
			p.Absent(m.item)
		case own.Known && (m.profile == "" || m.profile == "unconfined") && !said && !c.Privileged:
			f := c.found("security_opt", m.name, "%s confines containers of this host, and not this one", m.name)
			f.Aliases = []string{m.item}
			p.Report(fixed(f, finding.NeedsReview, "Start it again: the Engine may have begun to use "+m.name+" since", nil))
		}
	}
}

func writableRoot() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/writable-root",
		Title:    "The root file system can be written",
		Severity: finding.Low,
		Aliases:  []string{"CIS-5.13"},
		Why: "An attacker who can write the container's file system replaces programs and leaves tools there. Read only, with a tmpfs or a volume for each path that " +
			"the program writes, nothing of that lasts. drydock observe lists the paths that a workload writes.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    read_only: true\n    tmpfs:\n      - /tmp\n",
	}, []string{"read_only"}, func(c *Container, p *pass) {
		if c.ReadOnly || !c.knows("read_only") {
			return
		}
		f := c.found("read_only", "", "the container's root file system can be written")
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --read-only, and --tmpfs for what it writes", "Set read_only, with a tmpfs for each path that it writes",
			"Set readOnlyRootFilesystem, with an emptyDir for each path that it writes"), c.edit.set("read_only", "true")))
	})
}

// isRoot reports whether a user, "NAME:GROUP", is root.
func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "root" || name != "" && strings.TrimLeft(name, "0") == ""
}

func rootUser() Check[*Container] {
	return rule(finding.Rule{
		ID:       "runtime/root-user",
		Title:    "The container runs as root",
		Severity: finding.Medium,
		Aliases:  []string{"CIS-4.1"},
		Why: "Root in a container is root of the kernel that all containers share: what it breaks out to, it owns, unless user namespaces are remapped. " +
			"Most servers need no root; those that bind a port below 1024 do not either, since Docker lets any user do that.",
		Bad:  "services:\n  app:\n    image: alpine:3.22\n    user: root\n",
		Good: "services:\n  app:\n    image: alpine:3.22\n    user: \"1000:1000\"\n",
	}, []string{"user"}, func(c *Container, p *pass) {
		user, from := c.User, "user"
		if user == "" && c.knows("user") {
			switch {
			case c.Pod != nil && c.Pod.NonRoot:
				return // the kubelet starts no root then
			case c.Pod != nil && c.ImageUser == nil:
				f := c.found("non_root", "", "nothing keeps the container from running as root: neither runAsNonRoot nor runAsUser is set")
				f.Severity = finding.Low
				p.Report(fixed(f, finding.NeedsReview, "Set runAsNonRoot, if the image has a user of its own", c.edit.set("non_root", "true")))
				return
			case c.ImageUser != nil:
				user, from = *c.ImageUser, "image"
				if user == "" {
					user = "root"
				}
			case c.Built:
				p.Unknown(finding.Unknown{What: "the user that it runs as", Why: "its Dockerfile says: drydock lint looks at it", Beyond: true})
			default:
				p.Unknown(finding.Unknown{What: "the user that it runs as", Why: "the image says, and was not looked at: drydock check " + c.Image, Beyond: true})
			}
		}
		if !isRoot(user) {
			return
		}
		f := c.found(from, "", "the container runs as root")
		if from == "image" {
			f.Message += ": its image says no other user"
		}
		if c.Host != nil && (c.Host.Rootless || c.Host.Remapped) {
			f.Severity = finding.Low
			f.Message += ", which is no root of the host here"
		}
		p.Report(fixed(f, finding.NeedsReview, c.start("Start it with --user UID:GID, or say USER in its Dockerfile", "Say user: UID:GID, or USER in its Dockerfile", "Set runAsUser and runAsNonRoot, or say USER in its Dockerfile"), nil))
	})
}
