package audit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// A question is asked of an Engine and has one answer.
type question struct {
	finding.Rule
	setting string // that is asked for; empty: the Engine says it of itself
	field   string // beside it, or in its place
	normal  any    // what stands where nothing is set
	do      string
	// wrong is what is wrong with the value, where something is.
	wrong func(d *Daemon, value any) string
	// absent reports whether there is nothing to ask about.
	absent func(d *Daemon) bool
}

// settingChecks are the rules over what an Engine is set to.
func settingChecks() []Check[*Daemon] {
	var out []Check[*Daemon]
	for _, q := range questions() {
		var needs []string
		for _, n := range []string{q.setting, q.field} {
			if n != "" {
				needs = append(needs, n)
			}
		}
		out = append(out, daemonRule(q.Rule, needs, func(d *Daemon, p *pass) {
			if slices.ContainsFunc(needs, func(n string) bool { return d.missing(n) != "" }) {
				return
			}
			if q.absent != nil && q.absent(d) {
				p.Absent(q.Aliases...)
				return
			}
			var value any
			key := strings.TrimPrefix(string(q.ID), "runtime/daemon-")
			if q.setting != "" {
				value, _ = d.setting(q.setting, q.normal)
				key = q.setting
			}
			if text := q.wrong(d, value); text != "" {
				p.Report(daemonFound("/"+key, key, q.do, "%s", text))
			}
		}))
	}
	return out
}

// unless says what is wrong where a condition does not hold.
func unless(ok bool, format string, args ...any) string {
	if ok {
		return ""
	}
	return fmt.Sprintf(format, args...)
}

// IgnoredTrust is the rule that a client breaks which was asked to check signatures
// and does not.
func IgnoredTrust() finding.Rule {
	return finding.Rule{
		ID: "runtime/daemon-client-trust", Title: "DOCKER_CONTENT_TRUST is set, and docker takes no notice of it", Practice: finding.ContentTrust,
		Severity: finding.High, Aliases: []string{"CIS-4.5"},
		Why: "Docker's command line checks no signatures any more since version 29, and says nothing where DOCKER_CONTENT_TRUST asks it to. Who set the " +
			"variable believes to be protected, and pulls whatever the registry serves. drydock trust verify checks what is signed, and drydock trust migrate " +
			"carries old signatures over.",
		Bad: `{"Client": {"Major": 29, "ContentTrust": true}}`, Good: `{"Client": {"Major": 28, "ContentTrust": true}}`,
	}
}

func questions() []question {
	return []question{
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-root", Title: "The Engine runs as root", Severity: finding.Negligible, Aliases: []string{"CIS-2.1"},
				Why: "A rootless Engine runs as an ordinary user, so neither it nor what breaks out of a container is root on the host. It cannot do everything: some networks, " +
					"storage drivers and limits need a machine that is set up for it.",
				Bad: `{"Security": ["name=seccomp,profile=default"]}`, Good: `{"Security": ["name=rootless"]}`,
			},
			do:    "Run a rootless Engine where its containers allow (dockerd-rootless-setuptool.sh)",
			wrong: func(d *Daemon, _ any) string { return unless(d.is("rootless"), "the Engine runs as root") },
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-icc", Title: "Containers of the default bridge reach one another", Severity: finding.Low, Aliases: []string{"CIS-2.2"},
				Why: "In the default bridge network every container reaches every other on every port, published or not. icc: false ends that; containers that belong together " +
					"share a network of their own.",
				Bad: `{"ICC": true}`, Good: `{"ICC": false}`,
			},
			field: ofBridge, do: `Set "icc": false in daemon.json`,
			absent: func(d *Daemon) bool { return d.NoBridge },
			wrong: func(d *Daemon, _ any) string {
				return unless(d.ICC == nil || !*d.ICC, "containers of the default bridge network reach one another")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-log-level", Title: "The Engine logs too much or too little", Severity: finding.Negligible, Aliases: []string{"CIS-2.3"},
				Why: "At debug, the Engine writes requests with what they hold into its log, and fills the disk. Above info, an attack leaves no trace there. " +
					"info is the default.",
				Bad: `{"Config": {"log-level": "debug"}, "Arguments": []}`, Good: `{"Config": {}, "Arguments": []}`,
			},
			setting: "log-level", normal: "info", do: `Set "log-level": "info" in daemon.json, and no "debug"`,
			wrong: func(d *Daemon, v any) string {
				if debug, _ := d.setting("debug", false); debug == true {
					v = "debug"
				}
				return unless(v == "info", "the Engine logs at level %v", v)
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-iptables", Title: "The Engine writes no firewall rules", Severity: finding.Medium, Aliases: []string{"CIS-2.4"},
				Why: "With iptables: false the Engine isolates no network from another and does not keep ports that are published on one address to it: that is left to rules which " +
					"somebody else must write, and change with each container.",
				Bad: `{"Config": {"iptables": false}, "Arguments": []}`, Good: `{"Config": {}, "Arguments": []}`,
			},
			setting: "iptables", normal: true, do: `Remove "iptables": false from daemon.json`,
			absent: func(d *Daemon) bool { v, _ := d.setting("firewall-backend", nil); return v == "nftables" },
			wrong: func(_ *Daemon, v any) string {
				return unless(v != false, "the Engine writes no firewall rules: networks are not isolated from one another")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-aufs", Title: "The storage driver is aufs", Severity: finding.Low, Aliases: []string{"CIS-2.6"},
				Why: "aufs was never part of the kernel, gets no fixes, and Docker removed it in Engine 24. It is known for crashes of the kernel. " +
					"overlay2, or containerd's overlayfs, takes its place.",
				Bad: `{"Driver": "aufs"}`, Good: `{"Driver": "overlay2"}`,
			},
			do: `Set "storage-driver": "overlay2" in daemon.json; images must be pulled again`,
			wrong: func(d *Daemon, _ any) string {
				return unless(d.Driver != "aufs", "the storage driver is aufs, which gets no fixes")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-default-ulimit", Title: "Containers have no default ulimits", Severity: finding.Negligible, Aliases: []string{"CIS-2.8"},
				Why: "A container that asks for no ulimit has the daemon's own, which is high on most machines. default-ulimits in daemon.json bounds the open files of all " +
					"that ask for nothing else.",
				Bad: `{"Config": {}, "Arguments": []}`, Good: `{"Config": {"default-ulimits": {"nofile": {"Name": "nofile", "Soft": 1024, "Hard": 4096}}}, "Arguments": []}`,
			},
			setting: "default-ulimits", do: `Set "default-ulimits" in daemon.json, for nofile at least`,
			wrong: func(_ *Daemon, v any) string {
				limits, _ := v.(map[string]any)
				return unless(len(limits)+len(texts(v)) > 0, "containers that ask for no ulimit have the daemon's own")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-user-namespace", Title: "Root of a container is root of the host", Severity: finding.Low, Aliases: []string{"CIS-2.9"},
				Why: "With userns-remap, or in a rootless Engine, the root user of a container is an ordinary user of the host: what breaks out owns nothing. Volumes then belong to other ids, " +
					"and a few containers need userns: host.",
				Bad: `{"Security": ["name=seccomp,profile=default"]}`, Good: `{"Security": ["name=seccomp,profile=default", "name=rootless"]}`,
			},
			do: `Set "userns-remap": "default" in daemon.json, or run a rootless Engine`,
			wrong: func(d *Daemon, _ any) string {
				return unless(d.is("userns") || d.is("rootless"), "root of a container is root of the host: user namespaces are not remapped")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-cgroup-parent", Title: "Containers are put below another cgroup", Severity: finding.Low, Aliases: []string{"CIS-2.10"},
				Why: "cgroup-parent in daemon.json moves all containers below another cgroup. Its limits then count for them, and those of the default one do not: " +
					"a container may share the limits of services that it was to be kept from.",
				Bad: `{"Config": {"cgroup-parent": "/system"}, "Arguments": []}`, Good: `{"Config": {}, "Arguments": []}`,
			},
			setting: "cgroup-parent", normal: "", do: `Remove "cgroup-parent" from daemon.json, or check the limits of that cgroup`,
			wrong: func(_ *Daemon, v any) string { return unless(v == "", "containers are put below the cgroup %v", v) },
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-base-size", Title: "The base device size is changed", Severity: finding.Low, Aliases: []string{"CIS-2.11"},
				Why: "dm.basesize makes the file system of every container larger, and each can then fill that much of the disk. It belongs to devicemapper, which Docker removed " +
					"in Engine 25.",
				Bad: `{"Config": {"storage-opts": ["dm.basesize=50G"]}, "Arguments": []}`, Good: `{"Config": {}, "Arguments": []}`,
			},
			setting: "storage-opts", do: `Remove dm.basesize from "storage-opts"`,
			wrong: func(_ *Daemon, v any) string {
				i := slices.IndexFunc(texts(v), func(s string) bool { return strings.HasPrefix(s, "dm.basesize") })
				if i < 0 {
					return ""
				}
				return "the base device size is changed: " + texts(v)[i]
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-authorization", Title: "Whoever reaches the Engine may do everything", Severity: finding.Negligible, Aliases: []string{"CIS-2.12"},
				Why: "The Engine knows no roles: who may use its socket is root on the host. An authorization plugin can allow some requests to some users. On a machine of one " +
					"developer it gains little.",
				Bad: `{"Plugins": []}`, Good: `{"Plugins": ["opa"]}`,
			},
			do: "Where several people use the Engine, set up an authorization plugin",
			wrong: func(d *Daemon, _ any) string {
				return unless(len(d.Plugins) > 0, "no plugin authorizes requests: whoever reaches the Engine may do everything")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-logging", Title: "Logs stay on the machine", Severity: finding.Negligible, Aliases: []string{"CIS-2.13"},
				Why: "Where containers' logs are kept on the machine alone, an attacker who gets root erases them, and docker rm does too. A driver such as journald with forwarding, syslog, " +
					"fluentd or gelf sends them elsewhere.",
				Bad: `{"Logging": "json-file"}`, Good: `{"Logging": "syslog"}`,
			},
			do: `Set "log-driver" in daemon.json to one that sends logs elsewhere`,
			wrong: func(d *Daemon, _ any) string {
				return unless(!slices.Contains([]string{"json-file", "local", "none"}, d.Logging), "the log driver is %s: logs are on this machine alone", d.Logging)
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-new-privileges", Title: "The Engine lets processes gain privileges where nothing else is said", Severity: finding.Low, Aliases: []string{"CIS-2.14"},
				Why: "With no-new-privileges in daemon.json every container has it, and one that needs a set-user-ID program asks for it (no-new-privileges=false). Without, " +
					"each container must ask to be safe.",
				Bad: `{"Config": {}, "Arguments": []}`, Good: `{"Config": {"no-new-privileges": true}, "Arguments": []}`,
			},
			setting: "no-new-privileges", normal: false, do: `Set "no-new-privileges": true in daemon.json`,
			wrong: func(_ *Daemon, v any) string {
				return unless(v == true, "containers may gain privileges where they do not say otherwise")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-live-restore", Title: "Containers stop with the Engine", Severity: finding.Low, Aliases: []string{"CIS-2.15"},
				Why: "Without live-restore every container stops when the Engine is restarted, so security updates of the Engine are put off. With it they go on. " +
					"A swarm has no use for it.",
				Bad: `{"LiveRestore": false}`, Good: `{"LiveRestore": true}`,
			},
			do:     `Set "live-restore": true in daemon.json`,
			absent: func(d *Daemon) bool { return d.Swarm },
			wrong: func(d *Daemon, _ any) string {
				return unless(d.LiveRestore, "containers stop when the Engine is restarted: live-restore is off")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-userland-proxy", Title: "A process of the host forwards published ports", Severity: finding.Low, Aliases: []string{"CIS-2.16"},
				Why: "The userland proxy is a process of root for each published port, and hides the client's address from the container. " +
					"Kernels that translate addresses on loopback, as all of the last ten years do, need none.",
				Bad: `{"Config": {}, "Arguments": []}`, Good: `{"Config": {"userland-proxy": false}, "Arguments": []}`,
			},
			setting: "userland-proxy", normal: true, do: `Set "userland-proxy": false in daemon.json`,
			wrong: func(_ *Daemon, v any) string {
				return unless(v != true, "published ports are forwarded by a process of the host: userland-proxy is on")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-seccomp", Title: "The Engine confines no container with seccomp", Severity: finding.High, Aliases: []string{"CIS-2.17"},
				Why: "The default seccomp profile blocks the system calls that hardly any program needs and by which most vulnerabilities of the kernel are reached. " +
					"An Engine without it, by its kernel or by its configuration, leaves them open to every container.",
				Bad: `{"Security": ["name=seccomp,profile=unconfined"]}`, Good: `{"Security": ["name=seccomp,profile=builtin"]}`,
			},
			do: "Remove seccomp-profile: unconfined, or run a kernel with seccomp",
			wrong: func(d *Daemon, _ any) string {
				return unless(d.is("seccomp") && !slices.Contains(d.Security, "name=seccomp,profile=unconfined"), "seccomp does not confine containers that name no profile")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-experimental", Title: "Experimental features are on", Severity: finding.Negligible, Aliases: []string{"CIS-2.18"},
				Why: "Experimental features may change or go, and fewer people look at them. They are for trying out, and not for what others rely on.",
				Bad: `{"Experimental": true}`, Good: `{"Experimental": false}`,
			},
			do: `Remove "experimental" from daemon.json`,
			wrong: func(d *Daemon, _ any) string {
				return unless(!d.Experimental, "experimental features of the Engine are on")
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-content-trust", Title: "The Engine runs images that nobody signed", Practice: finding.ContentTrust, Severity: finding.Low, Aliases: []string{"CIS-4.5"},
				Why: "DOCKER_CONTENT_TRUST=1 has this user's docker program pull only signed images; it is no setting of the Engine, which runs whatever another client sends. Docker's own signing service " +
					"is being shut down: an authorization plugin, or a check before images are started, is what enforces signatures.",
				Bad: `{"Plugins": []}`, Good: `{"Plugins": ["opa"]}`,
			},
			do: "Enforce signatures where images are pulled or started; DOCKER_CONTENT_TRUST=1 is this user's alone",
			wrong: func(d *Daemon, _ any) string {
				return unless(len(d.Plugins) > 0, "nothing keeps the Engine from running an image that nobody signed")
			},
		},
		{
			Rule: IgnoredTrust(), do: "Enforce signatures where images are pulled or started: drydock trust verify, or docker pull REPOSITORY@DIGEST",
			wrong: func(d *Daemon, _ any) string {
				return unless(!d.Client.Ignores(), "DOCKER_CONTENT_TRUST is set, and docker %d takes no notice of it: it pulls what nobody signed", d.Client.Major)
			},
		},
		{
			Rule: finding.Rule{
				ID: "runtime/daemon-swarm", Title: "The Engine is part of a swarm", Severity: finding.Negligible, Aliases: []string{"CIS-5.1"},
				Why: "A swarm opens ports for its managers and for its networks, and whoever manages it starts containers on all its machines. Leave swarm mode where no service uses it.",
				Bad: `{"Swarm": true}`, Good: `{"Swarm": false}`,
			},
			do:    "Leave the swarm, if nothing runs in it: docker swarm leave",
			wrong: func(d *Daemon, _ any) string { return unless(!d.Swarm, "the Engine is part of a swarm") },
		},
	}
}
