package privilege

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func setuidBit() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/setuid",
				Title:    "A program is made to run as its owner, whoever starts it",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.8", "CIS-DI-0008"},
				Why: "With the setuid bit every process of the container becomes the file's owner, mostly root, by starting it: one mistake in the program undoes USER. " +
					"A capability of its own (setcap) gives a program the one right that it needs, and --security-opt no-new-privileges switches such bits off.",
				Bad:  "FROM debian:13-slim\nCOPY tool /usr/bin/tool\nRUN chmod u+s /usr/bin/tool\n",
				Good: "FROM debian:13-slim\nCOPY tool /usr/bin/tool\nRUN chmod 755 /usr/bin/tool\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachCommand(func(_ int, c *dockerfile.Command) {
					if !c.Is("chmod") {
						return
					}
					if mode, files, ok := chmodWords(c); ok && setsUser(mode.Text) && len(files) > 0 {
						p.Report(rule.At(c.Span, files[0].Text, "chmod %s makes %s run as its owner, whoever starts it", mode.Text, files[0].Text))
					}
				})
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					for _, fl := range inst.FlagWords {
						if fl.Name == "chmod" && setsUser(fl.Value) && (inst.Cmd == "COPY" || inst.Cmd == "ADD") {
							p.Report(rule.At(fl.Span, inst.Cmd+" --chmod", "%s --chmod=%s makes what is copied run as its owner, whoever starts it", inst.Cmd, fl.Value))
						}
					}
				}
				return nil
			},
		},
	}
}

// setsUser reports whether a mode sets the setuid bit. The bit of the group is left
// alone: on folders, where it is mostly meant, it is harmless.
func setsUser(mode string) bool {
	if strings.Trim(mode, "01234567") == "" {
		n := len(mode)
		return n >= 4 && (mode[n-4]-'0')&4 != 0
	}
	for clause := range strings.SplitSeq(mode, ",") {
		n := strings.IndexAny(clause, "+=")
		if n >= 0 && strings.Trim(clause, "ugoarwxXst+=") == "" && strings.Contains(clause[n:], "s") && (n == 0 || strings.ContainsAny(clause[:n], "ua")) {
			return true
		}
	}
	return false
}
