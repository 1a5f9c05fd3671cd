package rules

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

func secretEnv() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/secret-env",
			Title:    "A secret is in the environment",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"CIS-4.10", "CIS-DI-0010", "SecretsUsedInArgOrEnv"},
			Why: "ENV is part of the image: docker inspect shows it to everyone who has the image, and every process of the container inherits it. " +
				"Set it when the container starts, or mount a file.",
			Bad:  "FROM debian:13-slim\nENV DB_PASSWORD=correct-horse-battery\n",
			Good: "FROM debian:13-slim\nENV DB_PASSWORD_FILE=/run/secrets/db_password\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			for i, v := range p.Input.Image.Config.Config.Env {
				name, value, _ := strings.Cut(v, "=")
				if m, ok := secret.Assigned(name, value); ok {
					p.Report(finding.Finding{
						Key:      name,
						Severity: m.Severity,
						Message:  fmt.Sprintf("environment variable %s holds a secret (%s): %s", name, m.Kind, m.Redacted([]byte(value))),
						At:       []finding.Location{atConfig("config", "Env", fmt.Sprint(i))},
					})
				}
			}
			return nil
		},
	}
}

func secretLabel() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/secret-label",
			Title:    "A secret is in a label",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"CIS-4.10"},
			Why:      "Labels are public: registries list them without the image being pulled. Build tools sometimes put the address they cloned from there, with its password.",
			Bad:      "FROM debian:13-slim\nLABEL org.opencontainers.image.source=https://ci:tr0ub4dor-3@git.internal/app.git\n",
			Good:     "FROM debian:13-slim\nLABEL org.opencontainers.image.source=https://git.internal/app.git\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if !configured(p.Input) {
				return nil
			}
			labels := p.Input.Image.Config.Config.Labels
			for _, name := range slices.Sorted(maps.Keys(labels)) {
				if m, ok := secret.Assigned(name, labels[name]); ok {
					p.Report(finding.Finding{
						Key:      name,
						Severity: m.Severity,
						Message:  fmt.Sprintf("label %s holds a secret (%s): %s", name, m.Kind, m.Redacted([]byte(labels[name]))),
						At:       []finding.Location{atConfig("config", "Labels", name)},
					})
				}
			}
			return nil
		},
	}
}

func secretHistory() check {
	return check{
		Rule: finding.Rule{
			ID:       "image/secret-history",
			Title:    "A secret is in the history",
			Practice: finding.LeastPrivilege,
			Severity: finding.High,
			Aliases:  []string{"CIS-4.10", "CIS-DI-0010", "SecretsUsedInArgOrEnv"},
			Why: "The command of every RUN, and every ARG it was given, is kept in the image: docker history shows them. A build argument is no " +
				"secret; RUN --mount=type=secret is, and leaves no trace.",
			Bad:  "FROM debian:13-slim\nRUN curl --user-agent ci https://ci:tr0ub4dor-3@git.internal/app.tar.gz | tar xz\n",
			Good: "FROM debian:13-slim\nRUN --mount=type=secret,id=netrc,target=/root/.netrc curl --netrc https://git.internal/app.tar.gz | tar xz\n",
		},
		Run: func(_ context.Context, p *pass) error {
			if p.Input.Image == nil {
				return nil
			}
			for i, step := range p.Input.Image.Steps {
				// What ENV and LABEL set is in the configuration, and said there,
				// unless a later one replaced it.
				if settled(p.Input, step.CreatedBy) {
					continue
				}
				b := []byte(step.CreatedBy)
				seen := map[string]bool{}
				for _, m := range secret.FindCommand(b) {
					if seen[m.Kind] {
						continue
					}
					seen[m.Kind] = true
					p.Report(finding.Finding{
						Key:      fmt.Sprintf("%s step %d", m.Kind, i),
						Severity: m.Severity,
						Message:  fmt.Sprintf("the history holds a secret (%s): %s", m.Kind, shorten(secret.Redact(step.CreatedBy))),
						At:       []finding.Location{atStep(p.Input, i)},
					})
				}
			}
			return nil
		},
	}
}

// settled reports whether a step sets what the configuration still has.
func settled(s *scan, step string) bool {
	step = plainStep(step)
	set, ok := strings.CutPrefix(step, "ENV ")
	if !ok {
		set, ok = strings.CutPrefix(step, "LABEL ")
	}
	if !ok || !configured(s) {
		return false
	}
	name, value, _ := strings.Cut(set, "=")
	if slices.Contains(s.Image.Config.Config.Env, set) {
		return true
	}
	now, ok := s.Image.Config.Config.Labels[name]
	return ok && now == value
}

// plainStep is a step's instruction without what builders put around it.
func plainStep(step string) string {
	step = strings.TrimPrefix(step, "/bin/sh -c #(nop) ")
	return strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(step), "# buildkit"))
}

func shorten(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:119]) + "…"
	}
	return s
}
