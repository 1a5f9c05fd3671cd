package privilege

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func stopsignalKill() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/stopsignal-kill",
				Title:    "STOPSIGNAL that a program cannot act on",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "SIGKILL ends a program where it stands: requests are cut off, files are left half written. SIGSTOP and SIGCONT end nothing, so each stop waits " +
					"ten seconds and kills. Choose the signal by which the program shuts down: SIGTERM for most, SIGQUIT for nginx, SIGINT for some.",
				Bad:  "FROM debian:13-slim\nSTOPSIGNAL SIGKILL\nCMD [\"/srv/app\"]\n",
				Good: "FROM debian:13-slim\nSTOPSIGNAL SIGTERM\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachAnywhere("STOPSIGNAL", func(i int, inst *dockerfile.Instruction) {
					if len(inst.Words) != 1 || in.Stage(i) == nil {
						return
					}
					text, _ := in.Value(i, inst.Words[0])
					signal := strings.TrimPrefix(strings.ToUpper(text), "SIG")
					switch {
					case slices.Contains([]string{"KILL", "9"}, signal):
						p.Report(rule.At(inst.Words[0].Span, signal, "%s ends the program where it stands: it cannot finish what it does", text))
					case slices.Contains([]string{"STOP", "19", "CONT", "18", "CHLD", "17", "TSTP", "20"}, signal):
						p.Report(rule.At(inst.Words[0].Span, signal, "%s stops no program: each docker stop waits until it kills", text))
					}
				})
				return nil
			},
		},
	}
}
