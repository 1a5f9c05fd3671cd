package rules

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

func yarnCache() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/eb1802d65ed967700f2cbae4395910f8e98c6105.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/8c3bdc39348c860f7492d9039de0c42774a17b2e.Dockerfile",
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				shipped := p.Input.Shipped()
				p.Input.eachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := slices.IndexFunc(commands, func(c dockerfile.Command) bool {
						m, ok := managed(&c, "yarn")
						folder, own := c.Value("--cache-folder")
						return ok && m.is("install") && (!own || !strings.HasPrefix(folder.Text, "/dev/shm"))
					})
					if n < 0 || !shipped[p.Input.Stage(i).Index] || mounts(run, "yarn", ".cache") || slices.ContainsFunc(commands, cleansYarn) {
						return
					}
					f := at(commands[n].Span, "yarn install", "yarn install leaves its cache in the layer")
					f = withFix(f, finding.Behaviour, "Clean the cache in the same RUN", appendCommand(p.Input, i, "yarn cache clean"))
					p.Report(changing(f, "yarn's cache is cleaned", "/**/.cache/yarn", "/**/.yarn/berry"))
				})
				return nil
			},
		},
	}
}

func cleansYarn(c dockerfile.Command) bool {
	m, ok := managed(&c, "yarn")
	return ok && m.is("cache") && len(m.operands) > 0 && m.operands[0].Text == "clean" || removes(&c, ".cache") || removes(&c, "yarn")
}
