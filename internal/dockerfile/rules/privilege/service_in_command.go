package privilege

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func serviceInCommand() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/service-in-command",
				Title:    "The container starts a machine's services",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Aliases:  []string{},
				Why: "A container is one process with its parts. A supervisor, an init or service … start runs several behind one another: when one dies the container looks well, " +
					"their logs go into files, all of them have the rights that one needs, and a stop reaches none of them. An SSH daemon is one more door, for which " +
					"docker exec is there already. Give each its own container.",
				Bad:  "FROM debian:13-slim\nCMD service nginx start && /srv/app\n",
				Good: "FROM debian:13-slim\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				in.EachStarted(func(_ int, c *dockerfile.Command, _ int) {
					if text := startsService(c); text != "" {
						p.Report(rule.At(c.Span, c.Program(), "%s", text))
					}
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/cf3326f2e568b2f5765553318bb160654cfa7da4.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1a959ac9198c5a561be21aad2bcb0292c68e8012.Dockerfile",
	}
}

// startsService says what a command that starts services does; empty: it is
// none.
func startsService(c *dockerfile.Command) string {
	switch name := c.Program(); name {
	case "supervisord", "runsvdir", "my_init", "monit":
		return name + " runs several programs in one container: when one of them dies, the container looks well"
	case "service", "rc-service", "invoke-rc.d":
		if ops := c.Operands(); len(ops) > 1 && slices.Contains([]string{"start", "restart"}, ops[1].Text) {
			return name + " starts " + ops[0].Text + " in the background, where its end is not noticed and no signal reaches it"
		}
	case "systemctl":
		if c.Is(name, "start", "restart") {
			return "systemctl needs a running systemd, which a container does not have"
		}
	case "systemd", "init":
		if name == "systemd" || c.Words[0].Text == "/sbin/init" || c.Words[0].Text == "/usr/sbin/init" {
			return c.Words[0].Text + " runs a machine's services in one container, and needs rights of the host's"
		}
	case "sshd":
		return "sshd is one more door into the container, for which docker exec is there already"
	}
	return ""
}
