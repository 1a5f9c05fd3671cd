package packages

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func useraddNoLogInit() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/useradd-no-log-init",
				Title:    "useradd with a high number makes a huge file",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3046"},
				Why: "useradd sets the new user's place in /var/log/lastlog and faillog, which are as long as the user's number is high. The files are sparse; " +
					"a layer's archive is not, and holds gigabytes of zeros. --no-log-init leaves them alone.",
				Bad:  "FROM debian:13-slim\nRUN useradd -u 1000000 app\n",
				Good: "FROM debian:13-slim\nRUN useradd --no-log-init -u 1000000 app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				p.Input.EachCommand(func(i int, c *dockerfile.Command) {
					if c.Program() != "useradd" || c.Has("-l", "--no-log-init") {
						return
					}
					uid, ok := userNumber(c)
					if !ok {
						return
					}
					value := uid.Text
					if means, told := inspect.Resolve(p.Input, i, nil, uid); told && len(means) == 1 {
						value = means[0]
					}
					if len(value) <= 5 || strings.Trim(value, "0123456789") != "" {
						return
					}
					name := c.Words[len(c.Words)-len(c.Args())-1]
					f := rule.At(c.Span, "useradd", "useradd with number %s writes login records that long into the layer", value)
					f = rule.WithEdits(f, finding.Safe, "Leave the login records alone", inspect.InsertWord(p.Input, i, c, name, "--no-log-init"))
					p.Report(rule.WithChanges(f, "the new user has no login records", "/var/log/lastlog", "/var/log/faillog"))
				})
				return nil
			},
		},
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/3baa694e951a960e8ec7c5a4f79de09b95883222.Dockerfile",
	}
}

// userNumber is what is given to -u: "-u 1000", "-mu 1000", "-u1000".
func userNumber(c *dockerfile.Command) (dockerfile.ShellWord, bool) {
	if w, ok := c.Value("-u", "--uid"); ok {
		return w, true
	}
	args := c.Args()
	for n, w := range args {
		if len(w.Text) < 3 || w.Text[0] != '-' || w.Text[1] == '-' {
			continue
		}
		if v, ok := strings.CutPrefix(w.Text, "-u"); ok {
			w.Text = v
			return w, true
		}
		if strings.HasSuffix(w.Text, "u") && n+1 < len(args) {
			return args[n+1], true
		}
	}
	return dockerfile.ShellWord{}, false
}
