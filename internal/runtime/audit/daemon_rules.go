package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// DaemonChecks lists the rules over an Engine. Their examples are a [Daemon] in JSON.
func DaemonChecks() []Check[*Daemon] {
	return slices.Concat([]Check[*Daemon]{authorizationBypass(), knownVulnerabilities(), daemonTCP(), insecureRegistry(), daemonFileMode()}, machineChecks(), settingChecks())
}

// daemonRule is a check of an Engine that reports any number of findings.
func daemonRule(r finding.Rule, needs []string, look func(*Daemon, *pass)) Check[*Daemon] {
	r.Practice = cmp.Or(r.Practice, finding.LeastPrivilege)
	return Check[*Daemon]{Rule: r, Needs: needs, look: look}
}

// daemonFound is a finding of an Engine, with what is to be done.
func daemonFound(pointer, key, do, format string, args ...any) finding.Finding {
	f := finding.Finding{Key: key, Message: fmt.Sprintf(format, args...), At: []finding.Location{{Config: pointer}}}
	return fixed(f, finding.NeedsReview, do, nil)
}

func authorizationBypass() Check[*Daemon] {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-authorization-bypass",
		Title:    "A large request passes the Engine's authorization plugins",
		Severity: finding.High,
		Aliases:  []string{"CVE-2026-34040"},
		Why: "Engines before 29.3.1 hand a request whose body is too large to their authorization plugin without the body: a plugin that decides by the body then allows what it would refuse " +
			"(CVE-2026-34040).",
		Bad:  `{"Version": "28.5.2", "Plugins": ["opa"]}`,
		Good: `{"Version": "29.3.1", "Plugins": ["opa"]}`,
	}, nil, func(d *Daemon, p *pass) {
		if len(d.Plugins) > 0 && strings.HasPrefix(d.Version, "2.") { // the version of its module, which counts otherwise
			p.Unknown(finding.Unknown{What: "whether a large request passes the authorization plugins (CVE-2026-34040)", Why: "which release Engine " + d.Version + " is, is not known"})
			return
		}
		if len(d.Plugins) > 0 && older(d.Version, 29, 3, 1) {
			p.Report(daemonFound("/Plugins", "plugins", "Upgrade the Engine to 29.3.1",
				"a request whose body is too large passes the authorization plugin %s in Engine %s (CVE-2026-34040)", strings.Join(d.Plugins, ", "), d.Version))
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

func daemonTCP() Check[*Daemon] {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-tcp",
		Title:    "The Engine listens on TCP and asks clients for no certificate",
		Severity: finding.Critical,
		Aliases:  []string{"CIS-2.7"},
		Why: "Whoever reaches the Engine's port is root on its host. Only tlsverify, which asks each client for a certificate that the Engine's own authority signed, keeps others out; " +
			"tls alone encrypts and lets everyone in. SSH (docker -H ssh://) needs no port at all.",
		Bad:  `{"Config": {"hosts": ["tcp://0.0.0.0:2375"]}, "Arguments": []}`,
		Good: `{"Config": {"hosts": ["tcp://0.0.0.0:2376"], "tlsverify": true}, "Arguments": []}`,
	}, []string{"hosts"}, func(d *Daemon, p *pass) {
		verify, _ := d.setting("tlsverify", false)
		value, _ := d.setting("hosts", nil)
		tcp := false
		for _, h := range texts(value) {
			if !strings.HasPrefix(h, "tcp://") {
				continue
			}
			if tcp = true; verify != true {
				p.Report(daemonFound("/hosts", h, "Set tlsverify with its certificates, or use ssh://", "the Engine listens on %s and asks its clients for no certificate", h))
			}
		}
		if !tcp && d.missing("hosts") == "" {
			p.Absent("CIS-2.7")
		}
	})
}

// texts are the strings of a setting, which is one or a list.
func texts(value any) []string {
	switch v := value.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, one := range v {
			if s, ok := one.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

func insecureRegistry() Check[*Daemon] {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-insecure-registry",
		Title:    "The Engine pulls from a registry without TLS",
		Practice: finding.ContentTrust,
		Severity: finding.Medium,
		Aliases:  []string{"CIS-2.5"},
		Why: "Where a registry is reached over HTTP, or its certificate is not checked, anyone on the way can hand out another image and read the credentials. " +
			"Registries on the machine itself do not count.",
		Bad:  `{"Insecure": ["registry.example.com:5000"]}`,
		Good: `{"Insecure": []}`,
	}, nil, func(d *Daemon, p *pass) {
		for _, r := range d.Insecure {
			p.Report(daemonFound("/insecure-registries", r, "Give the registry a certificate, and remove it from insecure-registries", "the certificate of the registry %s is not checked", r))
		}
	})
}
