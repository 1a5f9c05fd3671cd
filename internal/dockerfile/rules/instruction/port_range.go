package instruction

import (
	"context"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func portRange() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/port-range",
				Title:    "A port is exposed that there is not",
				Practice: finding.LeastPrivilege,
				Severity: finding.High,
				Aliases:  []string{"DL3011", "DS008"},
				Why:      "Ports end at 65535. The build stops at one that is greater, and a number that was meant to be another stays hidden behind it.",
				Bad:      "FROM nginx:1.28-alpine\nEXPOSE 80800\n",
				Good:     "FROM nginx:1.28-alpine\nEXPOSE 8080\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachExposed(func(_ int, w dockerfile.Word, text string) {
					number, _, _ := strings.Cut(text, "/")
					first, last, isRange := strings.Cut(number, "-")
					for n, s := range []string{first, last} {
						if port, err := strconv.ParseUint(s, 10, 64); err == nil && port > 65535 {
							f := rule.At(w.Span, text, "there is no port %d, the greatest is 65535", port)
							switch {
							case text != strings.Trim(w.Text, `"'`):
								f.Aliases = []string{} // the others read no variables
							case isRange || n > 0:
								f.Aliases = []string{"DL3011"}
							}
							p.Report(f)
							return
						}
					}
				})
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/7b533a1928323517545d4961c8bcd8d1e2deaeee.Dockerfile",
	}
}
