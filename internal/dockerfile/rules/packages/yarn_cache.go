package packages

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func yarnCache() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/yarn-cache",
				Title:    "yarn keeps what it downloads in the layer",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3060"},
				Why: "yarn keeps an archive of every package in its cache, beside node_modules: the layer has each package twice. " +
					"Clean the cache in the same RUN, mount one there, or install in a stage of which only the result is copied.",
				Bad:  "FROM node:22-slim\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile\n",
				Good: "FROM node:22-slim\nCOPY package.json yarn.lock ./\nRUN yarn install --frozen-lockfile && yarn cache clean\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := slices.IndexFunc(commands, func(c dockerfile.Command) bool {
						m, ok := inspect.ParsePackageCommand(&c, "yarn")
						folder, own := c.Value("--cache-folder")
						return ok && m.Is("install") && (!own || !strings.HasPrefix(folder.Text, "/dev/shm"))
					})
					if n < 0 || !shipped[p.Input.Stage(i).Index] || inspect.Mounts(run, "yarn", ".cache") || slices.ContainsFunc(commands, cleansYarn) {
						return
					}
					f := rule.At(commands[n].Span, "yarn install", "yarn install leaves its cache in the layer")
					f = rule.WithEdits(f, finding.Behaviour, "Clean the cache in the same RUN", inspect.AppendCommand(p.Input, i, "yarn cache clean"))
					p.Report(rule.WithChanges(f, "yarn's cache is cleaned", "/**/.cache/yarn", "/**/.yarn/berry"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/eb1802d65ed967700f2cbae4395910f8e98c6105.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/8c3bdc39348c860f7492d9039de0c42774a17b2e.Dockerfile",
	}
}

func cleansYarn(c dockerfile.Command) bool {
	m, ok := inspect.ParsePackageCommand(&c, "yarn")
	return ok && m.Is("cache") && len(m.Operands) > 0 && m.Operands[0].Text == "clean" || inspect.Removes(&c, ".cache") || inspect.Removes(&c, "yarn")
}
