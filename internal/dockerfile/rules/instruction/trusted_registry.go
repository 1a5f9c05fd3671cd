package instruction

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func trustedRegistry() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/trusted-registry",
				Title:    "An image comes from a registry that is not on your list",
				Practice: finding.TrustedBase,
				Severity: finding.High,
				Aliases:  []string{"DL3026"},
				Why: "You said which registries images may come from (--trusted, or trustedRegistries in .hadolint.yaml). Whoever can push to " +
					"another one decides what runs in yours. Mirror the image into a registry of the list, or put the registry on it. Without a list the rule is silent.",
				Bad:  "FROM registry.example.org/team/app:1.2\n",
				Good: "FROM debian:13-slim\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				if len(in.Options.TrustedRegistries) == 0 {
					return nil
				}
				check := func(span finding.Span, image string) {
					if trusted(image, in.Options.TrustedRegistries) {
						return
					}
					host, _ := registryOf(image)
					p.Report(rule.At(span, image, "%s comes from %s, which is not among the trusted registries", image, host))
				}
				for i := range in.File.Stages {
					s := &in.File.Stages[i]
					switch {
					case s.Parent != nil || s.Base == "scratch":
					case s.Base == "":
						p.Unknown(finding.Unknown{What: "the registry of " + s.BaseRaw, Why: "it is a build argument without a default"})
					default:
						check(s.BaseWord.Span, s.Base)
					}
				}
				names := inspect.StageNames(in.File)
				for i := range in.File.Instructions {
					for _, f := range in.File.Instructions[i].FlagWords {
						for _, image := range inspect.FlagSources(f) {
							if image != "" && inspect.StageOf(in.File, names, image) == nil {
								check(f.Span, image)
							}
						}
					}
				}
				return nil
			},
		},
		Settings: inspect.Options{TrustedRegistries: []string{"docker.io"}},
	}
}

// registryOf is the registry of an image, and its repository there, as the
// engine reads them.
func registryOf(image string) (host, repository string) {
	name := finding.ParseReference(image).Name
	first, rest, ok := strings.Cut(name, "/")
	if ok && (strings.ContainsAny(first, ".:") || first == "localhost") {
		if first == "docker.io" && !strings.Contains(rest, "/") {
			rest = "library/" + rest
		}
		return first, rest
	}
	if !ok {
		name = "library/" + name
	}
	return "docker.io", name
}

// trusted reports whether an image comes from one of the registries: "docker.io",
// "*.gcr.io", "registry.*", "*", and with a path, "docker.io/library".
func trusted(image string, list []string) bool {
	host, repository := registryOf(image)
	hosts := []string{host}
	if host == "docker.io" || host == "index.docker.io" || host == "registry-1.docker.io" {
		hosts = []string{host, "docker.io", "hub.docker.com"}
	}
	for _, pattern := range list {
		want, folder, _ := strings.Cut(strings.TrimSuffix(pattern, "/"), "/")
		if folder != "" && repository != folder && !strings.HasPrefix(repository, folder+"/") {
			continue
		}
		for _, h := range hosts {
			before, after, star := strings.Cut(want, "*")
			if want == h || star && len(h) >= len(before)+len(after) && strings.HasPrefix(h, before) && strings.HasSuffix(h, after) {
				return true
			}
		}
	}
	return false
}
