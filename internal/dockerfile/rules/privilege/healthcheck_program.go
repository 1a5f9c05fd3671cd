package privilege

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func healthcheckProgram() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/healthcheck-program",
				Title:    "HEALTHCHECK runs a program that the image has not",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Aliases:  []string{},
				Why: "A check by curl in an image without curl fails each time: the container is unhealthy for ever, and who restarts unhealthy ones restarts it for ever. " +
					"Use what is there (BusyBox has wget), or have the program itself answer: [\"/srv/app\", \"--health\"].",
				Bad:  "FROM alpine:3.22\nHEALTHCHECK CMD curl -f http://localhost:8080/ || exit 1\nCMD [\"/srv/app\"]\n",
				Good: "FROM alpine:3.22\nHEALTHCHECK CMD wget -q -O /dev/null http://localhost:8080/ || exit 1\nCMD [\"/srv/app\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				final := in.Final()
				missing := without(in, final)
				if missing == nil {
					return nil
				}
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Cmd != "HEALTHCHECK" || in.Stage(i) != final {
						continue
					}
					for _, c := range in.Script(i).Commands {
						program := c.Program()
						if !missing(program) || mentioned(in, final, program, i) {
							continue
						}
						p.Report(rule.At(c.Words[0].Span, program, "%s has no %s, and nothing here brings it: the container would never be healthy", inspect.BaseName(final), program))
						break
					}
				}
				return nil
			},
		},
	}
}

// without reports whether a stage's base lacks a program of those that health checks
// use; nil: nothing is known of it.
func without(in *inspect.Input, s *dockerfile.Stage) func(program string) bool {
	asked := []string{"curl", "wget", "nc", "netcat", "ncat", "telnet", "jq", "python", "python3", "node", "pg_isready", "redis-cli", "mysqladmin", "bash", "http"}
	facts := in.Scopes.Base(s)
	if facts != nil && facts.Programs != nil {
		return func(program string) bool {
			return slices.Contains(asked, program) && !slices.Contains(facts.Programs, program)
		}
	}
	var has []string
	brings := map[string][]string{ // beside what their distribution has; their builds remove what they fetched with
		"python": {"python", "python3"}, "node": {"node"}, "ruby": {},
	}
	image := strings.TrimPrefix(inspect.OfficialImage(s), "docker.io/library/")
	switch family := inspect.BaseFamilyOf(in, s); {
	case family == inspect.AlpineFamily && (image == "alpine" || brings[image] != nil):
		has = append([]string{"wget", "nc", "telnet"}, brings[image]...)
	case family == inspect.DebianFamily && (image == "debian" || image == "ubuntu"):
		has = []string{"bash"}
	case family == inspect.DebianFamily && brings[image] != nil && slimTag(s):
		has = append([]string{"bash"}, brings[image]...)
	case image == "scratch" || strings.HasPrefix(image, "gcr.io/distroless/static") || strings.HasPrefix(image, "gcr.io/distroless/base"):
	default:
		return nil
	}
	return func(program string) bool { return slices.Contains(asked, program) && !slices.Contains(has, program) }
}

// slimTag reports whether an image is one of the slim builds, which have no tool for the
// network.
func slimTag(s *dockerfile.Stage) bool {
	return slices.Contains(strings.Split(finding.ParseReference(inspect.BaseStage(s).Base).Tag, "-"), "slim")
}

// mentioned reports whether any other instruction of a stage, or of one below it,
// may bring a program: its name stands there, or a whole tree is copied.
func mentioned(in *inspect.Input, s *dockerfile.Stage, program string, but int) bool {
	for _, st := range in.File.Chain(s) {
		for n := st.From + 1; n < st.End; n++ {
			inst := &in.File.Instructions[n]
			switch inst.Cmd {
			case "RUN":
				if text := in.Text(inst.Span); n != but && (strings.Contains(text, program) || strings.Contains(text, ".sh") || in.Script(n).Err != nil) {
					return true
				}
			case "COPY", "ADD":
				to := "/"
				if len(inst.Words) > 1 {
					to = in.Destination(n, inst)
				}
				whole := slices.Contains([]string{"", "/", "/usr", "/usr/", "/usr/local", "/usr/local/", "/bin", "/bin/", "/usr/bin", "/usr/bin/", "/usr/local/bin", "/usr/local/bin/"}, to)
				if whole || strings.Contains(in.Text(inst.Span), program) || path.Base(to) == program {
					return true
				}
			}
		}
	}
	return false
}
