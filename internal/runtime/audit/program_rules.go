package audit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// VersionChecks lists the rules that ask what is known of an Engine's programs.
func VersionChecks() []Check[*Daemon] { return []Check[*Daemon]{knownVulnerabilities()} }

func knownVulnerabilities() Check[*Daemon] {
	return daemonRule(finding.Rule{
		ID:       "runtime/daemon-vulnerable",
		Title:    "A program of the Engine has known vulnerabilities",
		Practice: finding.Vulnerabilities,
		Severity: finding.Medium,
		Aliases:  []string{"CIS-1.2.2"},
		Why: "The Engine, containerd and runc stand between every container and the host: what gets past one of them is root on the machine. " +
			"Versions that a distribution counts are looked up among its own fixes, others among those of the program; drydock explain has more on each.",
		Bad:  `{"Programs": [{"Name": "runc", "Version": "1.1.5", "Known": [{"ID": "CVE-2024-21626", "Severity": "high", "FixedIn": "1.1.12"}]}]}`,
		Good: `{"Programs": [{"Name": "runc", "Version": "1.3.6"}]}`,
	}, nil, func(d *Daemon, p *pass) {
		if len(d.Programs) == 0 {
			p.Unsure("CIS-1.2.2")
		}
		for _, g := range d.Programs {
			if g.Unread != "" {
				p.Unsure("CIS-1.2.2")
				p.Unknown(finding.Unknown{What: "vulnerabilities of " + g.Name + " " + g.Version, Why: g.Unread, Beyond: true})
			}
			if len(g.Known) > 0 {
				p.Report(g.finding())
			}
		}
	})
}

// finding tells of the vulnerabilities of a program, the worst by name.
func (g Program) finding() finding.Finding {
	all := slices.Clone(g.Known)
	sorting.By(all, func(a, b Vulnerability) int {
		if a.Exploited != b.Exploited {
			return map[bool]int{true: -1, false: 1}[a.Exploited]
		}
		return cmp.Or(a.Severity.Place()-b.Severity.Place(), strings.Compare(a.ID, b.ID))
	})
	var names, fixed []string
	for i, v := range all {
		if i < 3 {
			names = append(names, v.ID)
		}
		if in := strings.TrimSuffix(v.FixedIn, "-r0"); in != "" && !slices.Contains(fixed, in) {
			fixed = append(fixed, in)
		}
	}
	if len(all) > len(names) {
		names = append(names, fmt.Sprintf("%d more", len(all)-len(names)))
	}
	do := "Follow what its distribution says of them: no fix is known"
	if n := len(fixed); n > 3 {
		fixed = append(fixed[:3], fmt.Sprintf("%d more", n-3))
	}
	if len(fixed) > 0 {
		do = "Upgrade " + g.Name + ": fixes are in " + strings.Join(fixed, ", ")
	}
	f := daemonFound("/Components", g.Name, do, "%s %s has %s: %s", g.Name, g.Version, finding.Count(len(all), "known vulnerability"), strings.Join(names, ", "))
	for _, v := range all {
		f.Severity = max(f.Severity, v.Severity)
		text := v.ID
		if v.FixedIn != "" {
			text += ", fixed in " + v.FixedIn
		}
		if v.Exploited {
			text += ", known to be exploited"
			f.Severity = max(f.Severity, finding.High)
		}
		f.Evidence = append(f.Evidence, finding.Evidence{Kind: finding.EvidenceAdvisory, Text: text})
	}
	return f
}
