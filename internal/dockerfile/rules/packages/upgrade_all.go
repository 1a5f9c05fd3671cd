package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func upgradeAll() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/upgrade-all",
				Title:    "All packages of the base are upgraded",
				Practice: finding.TrustedBase,
				Severity: finding.Low,
				Aliases:  []string{"DL3005", "DL3017", "DL3031", "DL3035", "DL3039", "DS024", "DKL-DI-0003"},
				Why: "An upgrade of everything copies each replaced file into another layer, while the old one stays in the base's; and what it installs depends on the day. " +
					"A newer base has the same fixes without the copies. Until there is one, upgrade the packages that need it, by name. " +
					"dist-upgrade may also remove packages, and makes another release of it.",
				Bad:  "FROM debian:13-slim\nRUN apt-get update && apt-get dist-upgrade -y && rm -rf /var/lib/apt/lists/*\n",
				Good: "FROM debian:13-slim\nRUN apt-get update && apt-get install -y --only-upgrade openssl && rm -rf /var/lib/apt/lists/*\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachCommand(func(_ int, c *dockerfile.Command) {
					if op, ok := pacmanOperation(c); ok && strings.Contains(op, "u") && !pacmanOperands(c) {
						f := rule.At(c.Span, c.Program()+" -Su", "%s -S%s upgrades every package of the base, into a layer above it", c.Program(), op)
						f.Aliases = []string{}
						p.Report(f)
						return
					}
					m, ok := inspect.ParsePackageCommand(c, inspect.SystemManagers...)
					if !ok || len(m.Operands) > 0 || inspect.HasAptOption(c, "--security") || inspect.HasAptOption(c, "--advisory") {
						return
					}
					names, severity := upgrades(m)
					if names == nil || m.Program == "apk" && c.Has("--available") {
						return
					}
					f := rule.At(c.Span, m.Program+" "+m.Verb.Text, "%s %s upgrades every package of the base, into a layer above it", m.Program, m.Verb.Text)
					f.Severity, f.Aliases = severity, names
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/87dbd03a14e2955c30cb1955d4c856eb72401a07.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/48afc451aa25b73541b0c97112af131d590d716f.Dockerfile",
	}
}

// upgrades reports whether a command upgrades everything: its names in other
// tools, and how bad it is; nil: it does not.
func upgrades(m inspect.PackageCommand) ([]string, finding.Severity) {
	switch {
	case m.Program == "apt-get" && m.Is("upgrade"):
		return []string{"DL3005"}, finding.Low
	case m.Program == "apt-get" && m.Is("dist-upgrade"):
		return []string{"DL3005", "DS024", "DKL-DI-0003"}, finding.Medium
	case m.Program == "aptitude" && m.Is("upgrade", "safe-upgrade", "full-upgrade", "dist-upgrade"):
		return []string{}, finding.Low
	case m.Program == "apt" && m.Is("upgrade"), m.Program == "apt-get" && m.Is("full-upgrade"):
		return []string{}, finding.Low
	case m.Program == "apt" && m.Is("full-upgrade", "dist-upgrade"):
		return []string{}, finding.Medium
	case m.Program == "apk" && m.Is("upgrade"):
		return []string{"DL3017"}, finding.Low
	case m.Program == "yum" && m.Is("update", "upgrade", "update-to", "upgrade-to"):
		return []string{"DL3031"}, finding.Low
	case m.Program == "dnf" && m.Is("upgrade", "upgrade-minimal"):
		return []string{"DL3039"}, finding.Low
	case strings.HasSuffix(m.Program, "dnf") && m.Is("update", "upgrade"):
		return []string{}, finding.Low
	case m.Program == "zypper" && m.Is("dist-upgrade", "dup"):
		return []string{"DL3035"}, finding.Medium
	case m.Program == "zypper" && m.Is("update", "up", "patch"):
		return []string{}, finding.Low
	}
	return nil, 0
}
