package audit

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// DaemonCheck is a rule over an Engine. Its examples are a [Daemon] in JSON.
type DaemonCheck = finding.Check[*Daemon]

// DaemonChecks lists the rules over an Engine.
func DaemonChecks() []DaemonCheck {
	return []DaemonCheck{
		authorizationBypass(), daemonTCP(), daemonFileMode(), insecureRegistry(), daemonICC(), userNamespace(), daemonNewPrivileges(), daemonSeccomp(),
		liveRestore(), userlandProxy(), contentTrust(),
	}
}

// RunDaemon runs rules over an Engine.
func RunDaemon(ctx context.Context, d *Daemon, checks []DaemonCheck) ([]finding.Finding, []finding.Unknown) {
	found, unknown := finding.RunChecks(ctx, d, checks)
	return found, append(unknown, d.Unread...)
}

// daemonRule is a check of one rule. A setting is looked up in the daemon's
// configuration and arguments; run is not called where it is not known, and that is
// told.
func daemonRule(r finding.Rule, setting string, byDefault any, run func(d *Daemon, value any, report func(finding.Finding))) DaemonCheck {
	r.Practice = cmp.Or(r.Practice, finding.LeastPrivilege)
	return DaemonCheck{Rule: r, Run: func(_ context.Context, p *finding.Pass[*Daemon]) error {
		var value any
		if setting != "" {
			v, why := p.Input.setting(setting, byDefault)
			if why != "" {
				p.Unknown(finding.Unknown{What: "the daemon's setting " + setting, Why: why})
				return nil
			}
			value = v
		}
		run(p.Input, value, p.Report)
		return nil
	}}
}

// daemonFound is a finding of an Engine, with what is to be done.
func daemonFound(pointer, key, do, format string, args ...any) finding.Finding {
	f := finding.Finding{Key: key, Message: fmt.Sprintf(format, args...), At: []finding.Location{{Config: pointer}}}
	return fixed(f, finding.NeedsReview, do, nil)
}

func authorizationBypass() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-authorization-bypass",
		Title:    "The Engine's authorization plugins can be passed by",
		Severity: finding.High,
		Aliases:  []string{"CVE-2026-34040"},
		Why: "Engines before 29.3.1 hand a request whose body is too large to their authorization plugin without the body: a plugin that decides by the body then allows what it would refuse " +
			"(CVE-2026-34040).",
		Bad:  `{"Version": "28.5.2", "Plugins": ["opa"]}`,
		Good: `{"Version": "29.3.1", "Plugins": ["opa"]}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if len(d.Plugins) > 0 && older(d.Version, 29, 3, 1) {
			report(daemonFound("/Plugins", "plugins", "Raise the Engine to 29.3.1", "the authorization plugin %s can be passed by in Engine %s (CVE-2026-34040)", strings.Join(d.Plugins, ", "), d.Version))
		}
	})
}

// older reports whether a version's numbers are below others; one without numbers
// is not known to be.
func older(version string, than ...int) bool {
	parts := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	for i, want := range than {
		if i >= len(parts) {
			return i > 0
		}
		n, err := strconv.Atoi(parts[i])
		if err != nil {
			return false
		}
		if n != want {
			return n < want
		}
	}
	return false
}

func daemonTCP() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-tcp",
		Title:    "The Engine listens on TCP without certificates of its clients",
		Severity: finding.Critical,
		Aliases:  []string{"CIS-2.7"},
		Why: "Who reaches the Engine's port is root on its host. Only tlsverify, by which the Engine asks each client for a certificate of its own authority, keeps others out; " +
			"tls alone encrypts and lets everyone in. SSH (docker -H ssh://) needs no port at all.",
		Bad:  `{"Config": {"hosts": ["tcp://0.0.0.0:2375"]}, "Arguments": []}`,
		Good: `{"Config": {"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": true}, "Arguments": []}`,
	}, "hosts", []any{}, func(d *Daemon, value any, report func(finding.Finding)) {
		hosts, _ := value.([]any)
		if s, ok := value.(string); ok {
			hosts = []any{s}
		}
		verify, _ := d.setting("tlsverify", false)
		for _, h := range hosts {
			if s, ok := h.(string); ok && strings.HasPrefix(s, "tcp://") && verify != true {
				report(daemonFound("/hosts", s, "Set tlsverify with its certificates, or use ssh://", "the Engine listens on %s and asks its clients for no certificate", s))
			}
		}
	})
}

// guarded are the files that only root may change: how they may be at most, whose
// they are, and the ids for owner and mode.
var guarded = []struct {
	suffix, owner, cisOwner, cisMode string
	most                             fs.FileMode
}{
	{"docker.service", "root:root", "CIS-3.1", "CIS-3.2", 0o644},
	{"docker.socket", "root:root", "CIS-3.3", "CIS-3.4", 0o644},
	{"/etc/docker", "root:root", "CIS-3.5", "CIS-3.6", 0o755},
	{"docker.sock", "root:docker", "CIS-3.15", "CIS-3.16", 0o660},
	{"daemon.json", "root:root", "CIS-3.17", "CIS-3.18", 0o644},
	{"/etc/default/docker", "root:root", "CIS-3.19", "CIS-3.20", 0o644},
	{"/etc/sysconfig/docker", "root:root", "CIS-3.22", "CIS-3.21", 0o644},
	{"containerd.sock", "root:root", "CIS-3.23", "CIS-3.24", 0o660},
}

func daemonFileMode() DaemonCheck {
	var aliases []string
	for _, g := range guarded {
		aliases = append(aliases, g.cisOwner, g.cisMode)
	}
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-file-mode",
		Title:    "Others than root may change what the Engine trusts",
		Severity: finding.High,
		Aliases:  aliases,
		Why: "Who can write the Engine's socket, its configuration or its unit starts whatever he likes as root. The socket is root's and of the group docker, whose members " +
			"are root in all but name; everything else is root's alone.",
		Bad:  `{"Files": [{"Path": "/var/run/docker.sock", "Mode": 438, "Owner": "root:docker"}]}`,
		Good: `{"Files": [{"Path": "/var/run/docker.sock", "Mode": 432, "Owner": "root:docker"}]}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		for _, f := range d.Files {
			i := slices.IndexFunc(guarded, func(g struct {
				suffix, owner, cisOwner, cisMode string
				most                             fs.FileMode
			},
			) bool {
				return strings.HasSuffix(f.Path, g.suffix)
			})
			if i < 0 {
				continue
			}
			g := guarded[i]
			if over := f.Mode.Perm() &^ g.most; over != 0 {
				x := daemonFound("", f.Path+" mode", fmt.Sprintf("chmod %o %s", g.most, f.Path), "%s may be used by others than its owner and group: mode %04o, where %04o is the most", f.Path, f.Mode.Perm(), g.most)
				x.Aliases = []string{g.cisMode}
				if over&0o022 == 0 {
					x.Severity = finding.Low // read or execute alone
				}
				report(x)
			}
			if f.Owner != "" && f.Owner != g.owner && f.Owner != "root:root" && !d.is("rootless") {
				x := daemonFound("", f.Path+" owner", "chown "+g.owner+" "+f.Path, "%s belongs to %s, and not to %s", f.Path, f.Owner, g.owner)
				x.Aliases = []string{g.cisOwner}
				report(x)
			}
		}
	})
}

func insecureRegistry() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-insecure-registry",
		Title:    "The Engine pulls from a registry without TLS",
		Practice: finding.ContentTrust,
		Severity: finding.Medium,
		Aliases:  []string{"CIS-2.5"},
		Why:      "From a registry that is spoken to over HTTP, or whose certificate is not checked, whoever is in between hands out another image, and reads the credentials.",
		Bad:      `{"Insecure": ["registry.example.com:5000"]}`,
		Good:     `{"Insecure": []}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		for _, r := range d.Insecure {
			report(daemonFound("/insecure-registries", r, "Give the registry a certificate, and take it out of insecure-registries", "the registry %s is spoken to without a certificate that is checked", r))
		}
	})
}

func daemonICC() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-icc",
		Title:    "Containers of the default bridge reach one another",
		Severity: finding.Low,
		Aliases:  []string{"CIS-2.2"},
		Why: "In the default bridge network every container reaches every other on every port, whether anything is published or not. icc: false ends that; containers that belong together " +
			"share a network of their own.",
		Bad:  `{"ICC": true}`,
		Good: `{"ICC": false}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if d.ICC != nil && *d.ICC {
			report(daemonFound("/icc", "icc", `Set "icc": false in daemon.json`, "containers of the default bridge network reach one another"))
		}
	})
}

func userNamespace() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-user-namespace",
		Title:    "Root of a container is root of the host",
		Severity: finding.Low,
		Aliases:  []string{"CIS-2.9"},
		Why: "With userns-remap, or in a rootless Engine, the root user of a container is an ordinary user of the host: what breaks out owns nothing. Volumes then belong to other ids, " +
			"and a few containers need userns: host.",
		Bad:  `{"Security": ["name=seccomp,profile=default"]}`,
		Good: `{"Security": ["name=seccomp,profile=default", "name=rootless"]}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if !d.is("userns") && !d.is("rootless") {
			report(daemonFound("/userns-remap", "userns-remap", `Set "userns-remap": "default" in daemon.json, or run a rootless Engine`, "root of a container is root of the host: user namespaces are not remapped"))
		}
	})
}

func daemonNewPrivileges() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-new-privileges",
		Title:    "The Engine lets processes gain privileges where nothing else is said",
		Severity: finding.Low,
		Aliases:  []string{"CIS-2.14"},
		Why: "With no-new-privileges in daemon.json every container has it, and one that needs a set-user-ID program asks for it (no-new-privileges=false). Without, " +
			"each container must ask to be safe.",
		Bad:  `{"Config": {}, "Arguments": []}`,
		Good: `{"Config": {"no-new-privileges": true}, "Arguments": []}`,
	}, "no-new-privileges", false, func(_ *Daemon, value any, report func(finding.Finding)) {
		if value != true {
			report(daemonFound("/no-new-privileges", "no-new-privileges", `Set "no-new-privileges": true in daemon.json`, "containers may gain privileges where they do not say otherwise"))
		}
	})
}

func daemonSeccomp() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-seccomp",
		Title:    "The Engine confines no container with seccomp",
		Severity: finding.High,
		Aliases:  []string{"CIS-2.17"},
		Why: "The default seccomp profile blocks the system calls that hardly any program needs and by which most vulnerabilities of the kernel are reached. " +
			"An Engine without it, by its kernel or by its configuration, leaves them open to every container.",
		Bad:  `{"Security": ["name=seccomp,profile=unconfined"]}`,
		Good: `{"Security": ["name=seccomp,profile=builtin"]}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if d.is("seccomp") && !slices.Contains(d.Security, "name=seccomp,profile=unconfined") {
			return
		}
		report(daemonFound("/seccomp-profile", "seccomp", "Take seccomp-profile: unconfined out, or run a kernel with seccomp", "containers are not confined by seccomp where they name no profile"))
	})
}

func liveRestore() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-live-restore",
		Title:    "Containers stop with the Engine",
		Severity: finding.Low,
		Aliases:  []string{"CIS-2.15"},
		Why: "Without live-restore every container stops when the Engine is restarted, and so security updates of the Engine are put off. With it they go on. " +
			"A swarm has no use for it.",
		Bad:  `{"LiveRestore": false}`,
		Good: `{"LiveRestore": true}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if !d.LiveRestore && !d.Swarm {
			report(daemonFound("/live-restore", "live-restore", `Set "live-restore": true in daemon.json`, "containers stop when the Engine is restarted: live-restore is off"))
		}
	})
}

func userlandProxy() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-userland-proxy",
		Title:    "A process of the host forwards published ports",
		Severity: finding.Low,
		Aliases:  []string{"CIS-2.16"},
		Why: "The userland proxy is a process of root for each published port, and hides the client's address from the container. Where the kernel can translate addresses on loopback " +
			"(it can since long), it is not needed.",
		Bad:  `{"Config": {}, "Arguments": []}`,
		Good: `{"Config": {"userland-proxy": false}, "Arguments": []}`,
	}, "userland-proxy", true, func(_ *Daemon, value any, report func(finding.Finding)) {
		if value == true {
			report(daemonFound("/userland-proxy", "userland-proxy", `Set "userland-proxy": false in daemon.json`, "published ports are forwarded by a process of the host: userland-proxy is on"))
		}
	})
}

func contentTrust() DaemonCheck {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-content-trust",
		Title:    "The Engine runs images that nobody signed",
		Practice: finding.ContentTrust,
		Severity: finding.Low,
		Aliases:  []string{"CIS-4.5"},
		Why: "DOCKER_CONTENT_TRUST=1 has this user's docker program pull only signed images; it is no setting of the Engine, which runs whatever another client sends. Docker's own signing service " +
			"is being shut down: an authorization plugin, or a check before images are started, is what enforces signatures.",
		Bad:  `{"Plugins": []}`,
		Good: `{"Plugins": ["opa"]}`,
	}, "", nil, func(d *Daemon, _ any, report func(finding.Finding)) {
		if len(d.Plugins) == 0 {
			report(daemonFound("/authorization-plugins", "content trust", "Enforce signatures where images are pulled or started; DOCKER_CONTENT_TRUST=1 is this user's alone", "nothing keeps the Engine from running an image that nobody signed"))
		}
	})
}
