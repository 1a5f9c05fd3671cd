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

func noHealthcheck() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/no-healthcheck",
				Title:    "A service is exposed and nothing says how to tell that it works",
				Practice: finding.LeastPrivilege,
				Severity: finding.Low,
				Aliases:  []string{"DL3057", "DS026", "CIS-4.6", "CIS-DI-0006"},
				Why: "A process that runs is not a service that answers. With HEALTHCHECK the engine asks it, Compose waits for it before it starts what needs it, and Swarm replaces " +
					"what is ill. Kubernetes has probes of its own and ignores this one. A proof that runs the image asks it, too.",
				Bad:  "FROM nginx:1.28\nEXPOSE 8080\n",
				Good: "FROM nginx:1.28\nEXPOSE 8080\nHEALTHCHECK CMD [\"curl\", \"-fsS\", \"http://localhost:8080/\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, final := p.Input, p.Input.Final()
				port, span, ok := exposes(in, final)
				if !ok || healthchecks(in)[final.Index] {
					return nil
				}
				facts := in.Scopes.Base(final)
				if facts != nil && facts.Config && facts.Healthcheck {
					return nil
				}
				f := rule.At(span, "HEALTHCHECK", "%s is exposed, and no HEALTHCHECK says whether the service answers", port)
				f.At = append(f.At, finding.Location{Source: &in.File.Instructions[final.From].Span}) // hadolint's place
				if facts == nil || !facts.Config {
					f = rule.WithEvidence(f, "base", "the configuration of %s is not known: it may have one", inspect.BaseName(final))
				} else {
					f = rule.WithEvidence(f, "base", "%s has none, says %s", facts.Ref, facts.Source)
				}
				p.Report(askService(in, f, final, facts))
				return nil
			},
		},
		Fires: "docker-library+tomcat/9.0/jre8/temurin-noble/Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1319f7d978ed9f127a7d309ecf160d1e181e32f8.Dockerfile",
	}
}

// webPorts are ports that a web server mostly listens on.
var webPorts = []string{"80", "3000", "4200", "5000", "8000", "8080", "8081", "8888"}

// askService offers a HEALTHCHECK: as an edit where the port is a web server's
// and the image is known to have a program that asks it.
func askService(in *inspect.Input, f finding.Finding, s *dockerfile.Stage, facts *dockerfile.BaseFacts) finding.Finding {
	title := "Add a HEALTHCHECK that asks the service, with a program that the image has"
	port, span, _ := exposes(in, s)
	port, _, _ = strings.Cut(strings.TrimPrefix(port, "port "), "/")
	if facts == nil || !slices.Contains(webPorts, port) || in.File.Instructions[s.From].Span == span {
		return rule.WithFix(f, finding.NeedsReview, title)
	}
	var ask string
	switch {
	case slices.Contains(facts.Programs, "curl"):
		ask = "curl -fsS -o /dev/null http://127.0.0.1:" + port + "/ || exit 1"
	case slices.Contains(facts.Programs, "wget"):
		ask = "wget -q -O /dev/null http://127.0.0.1:" + port + "/ || exit 1"
	default:
		return rule.WithFix(f, finding.NeedsReview, title)
	}
	return rule.WithFix(f, finding.NeedsReview, "Ask the service at port "+port+" whether it answers", in.Insert(span.End, in.LineEnd()+"HEALTHCHECK CMD "+ask))
}

// exposes is the first port that a stage, with those below it, exposes.
func exposes(in *inspect.Input, s *dockerfile.Stage) (string, finding.Span, bool) {
	for _, st := range in.File.Chain(s) {
		for i := st.From + 1; i < st.End; i++ {
			if inst := &in.File.Instructions[i]; inst.Cmd == "EXPOSE" && len(inst.Words) > 0 {
				port, ok := in.Scopes.Expand(st, i, inst.Words[0].Text)
				if !ok || port == "" {
					port = inst.Words[0].Text
				}
				return "port " + port, inst.Span, true
			}
		}
	}
	if b := in.Scopes.Base(s); b != nil && b.Config && len(b.Exposed) > 0 {
		return "port " + b.Exposed[0] + " of " + inspect.BaseName(s), in.File.Instructions[s.From].Span, true
	}
	return "", finding.Span{}, false
}

// healthchecks says which stages have a HEALTHCHECK, if only one that says NONE,
// of their own or from one below them.
func healthchecks(in *inspect.Input) []bool {
	out := make([]bool, len(in.File.Stages))
	for n := range in.File.Stages {
		s := &in.File.Stages[n]
		out[n] = s.Parent != nil && out[s.Parent.Index]
		for i := s.From + 1; i < s.End; i++ {
			out[n] = out[n] || in.File.Instructions[i].Cmd == "HEALTHCHECK"
		}
	}
	return out
}

func healthcheckMissing() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/healthcheck-missing",
				Title:    "A stage has no HEALTHCHECK",
				Practice: finding.LeastPrivilege,
				Severity: finding.Negligible,
				Aliases:  []string{"DL3057", "DS026", "CIS-4.6", "CIS-DI-0006"},
				Why: "For those who want one in every image: a stage without HEALTHCHECK, whether it exposes a port or not. An image that serves nothing has nothing to be asked, " +
					"so this is off unless it is chosen.",
				Bad:  "FROM debian:13-slim\nCMD [\"/srv/app\"]\n",
				Good: "FROM debian:13-slim\nCMD [\"/srv/app\"]\nHEALTHCHECK CMD [\"/srv/app\", \"--ping\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				_, _, exposed := exposes(in, in.Final())
				for n, has := range healthchecks(in) {
					s := &in.File.Stages[n]
					if has || s == in.Final() && exposed { // which is no-healthcheck's
						continue
					}
					p.Report(rule.At(in.File.Instructions[s.From].Span, strings.TrimPrefix(inspect.StageName(s), "stage "), "%s has no HEALTHCHECK", inspect.StageName(s)))
				}
				return nil
			},
		},
		Off:   true,
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/0bf8a378f058fabaf3dda435e5eaf758e6bd6847.Dockerfile",
		Quiet: "docker+awesome-compose/react-express-mysql/backend/Dockerfile",
	}
}
