package privilege

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func npmAsInit() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/npm-as-init",
				Title:    "The container's first process is a package manager",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Why: "npm and yarn start the program below a shell of their own and are no init: a signal to stop does not reach it reliably, orphans are not reaped, and they " +
					"hold memory for nothing. Start what the script of package.json starts: CMD [\"node\", \"server.js\"].",
				Bad:  "FROM node:22-slim\nCMD [\"npm\", \"start\"]\n",
				Good: "FROM node:22-slim\nCMD [\"node\", \"server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachStarted(func(i int, c *dockerfile.Command, below int) {
					sc := in.Script(i)
					script, ok := packageScript(c)
					if !ok || c.Span != sc.Commands[len(sc.Commands)-1].Span || initProgram(in, below) {
						return
					}
					f := rule.At(c.Span, c.Program(), "%s does not hand signals on reliably, and is no init: start the program itself", c.Program())
					if text := scriptAsWords(in, script); text != "" && len(sc.Commands) == 1 {
						inst := &in.File.Instructions[i]
						p.Report(rule.WithFix(f, finding.Behaviour, "Start what the script "+script+" of package.json starts", in.Edit(arguments(in, inst), text)))
						return
					}
					p.Report(rule.WithFix(f, finding.NeedsReview, "Start what the script of package.json starts, as CMD [\"node\", …]"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/2549be80a9d6449e5d673611e60bd9462291ac2d.Dockerfile",
		Quiet: "docker+awesome-compose/react-nginx/Dockerfile",
	}
}

// arguments are all that stands after the instruction's name and flags, the
// brackets of the JSON form included.
func arguments(in *inspect.Input, inst *dockerfile.Instruction) finding.Span {
	start := inst.Words[0].Span.Start
	if inst.JSON {
		start = inst.Span.Start + strings.LastIndexByte(string(in.File.Bytes[inst.Span.Start:start]), '[')
	}
	return in.File.Span(start, inst.Span.End)
}

// packageScript is the script of package.json that a command of a package
// manager starts; false: it starts none that serves.
func packageScript(c *dockerfile.Command) (string, bool) {
	if !slices.Contains(inspect.NodeManagers, c.Program()) {
		return "", false
	}
	ops := c.Operands()
	switch {
	case len(ops) == 0:
		return "", false
	case len(ops) == 1 && slices.Contains([]string{"start", "serve", "dev", "server"}, ops[0].Text):
		return ops[0].Text, true
	case len(ops) >= 2 && (ops[0].Text == "run" || ops[0].Text == "run-script"):
		for _, ends := range []string{"test", "build", "lint", "migrate"} {
			if strings.Contains(ops[1].Text, ends) {
				return "", false
			}
		}
		return ops[1].Text, true
	}
	return "", false
}

// initProgram reports whether the ENTRYPOINT that starts a CMD is an init.
func initProgram(in *inspect.Input, entrypoint int) bool {
	return entrypoint >= 0 && len(in.Script(entrypoint).Commands) > 0 && slices.Contains([]string{"tini", "dumb-init"}, in.Script(entrypoint).Commands[0].Program())
}

// scriptAsWords is a script of the context's package.json as the JSON form;
// empty: there is none, or it is more than one call of node.
func scriptAsWords(in *inspect.Input, script string) string {
	if in.Options.Context == nil {
		return ""
	}
	b, err := in.Options.Context.Read("package.json", inspect.MaxReadme)
	if err != nil {
		return ""
	}
	var manifest struct {
		Scripts map[string]string `json:"scripts"`
	}
	if json.Unmarshal(b, &manifest) != nil || manifest.Scripts["pre"+script] != "" || manifest.Scripts["post"+script] != "" {
		return ""
	}
	words := strings.Fields(manifest.Scripts[script])
	if len(words) < 2 || words[0] != "node" || strings.ContainsAny(manifest.Scripts[script], "&|;<>$`\"'\\*?(){}~#") {
		return ""
	}
	for i, w := range words {
		words[i] = inspect.JSONString(w)
	}
	return "[" + strings.Join(words, ", ") + "]"
}
