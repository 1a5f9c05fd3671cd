package packages

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func npmCache() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/npm-cache",
				Title:    "npm keeps what it downloads in the image",
				Practice: finding.Layering,
				Severity: finding.Low,
				Why: "npm keeps an archive of every package in ~/.npm, beside node_modules: the image has each package twice. " +
					"Clean the cache in the same RUN, mount one there, or install in a stage of which only the result is copied.",
				Bad:  "FROM node:22-slim\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\n",
				Good: "FROM node:22-slim\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev && npm cache clean --force\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				shipped := p.Input.Shipped()
				p.Input.EachRunText(func(i int, run *dockerfile.Instruction, commands []dockerfile.Command) {
					n := slices.IndexFunc(commands, func(c dockerfile.Command) bool {
						m, ok := inspect.ParsePackageCommand(&c, "npm")
						return ok && m.Is("install", "i", "ci", "add") && !c.Has("--cache", "--package-lock-only", "--dry-run")
					})
					if n < 0 || p.Input.File.Instructions[i].Cmd != "RUN" || !shipped[p.Input.Stage(i).Index] || inspect.Mounts(run, "npm", ".cache") || slices.ContainsFunc(commands, cleansNpm) {
						return
					}
					if v := p.Input.Scopes.Variable(p.Input.Stage(i), i, "NPM_CONFIG_CACHE"); v.Set {
						return
					}
					if v := p.Input.Scopes.Variable(p.Input.Stage(i), i, "npm_config_cache"); v.Set {
						return
					}
					m, _ := inspect.ParsePackageCommand(&commands[n], "npm")
					f := rule.At(commands[n].Span, "npm "+m.Verb.Text, "npm %s leaves its cache in the image", m.Verb.Text)
					f = rule.WithEdits(f, finding.Safe, "Clean the cache in the same RUN", inspect.AppendCommand(p.Input, i, "npm cache clean --force"))
					p.Report(rule.WithChanges(f, "npm's cache is cleaned", "/**/.npm"))
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/4bf7ad72fd515dda3d5c240dbbfa4f5383acd31e.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/c24a6d28e922166acfba6d1f6c83ebc82606bcfb.Dockerfile",
	}
}

func cleansNpm(c dockerfile.Command) bool {
	m, ok := inspect.ParsePackageCommand(&c, "npm")
	return ok && m.Is("cache", "config") || inspect.Removes(&c, "npm") || inspect.Removes(&c, "/root/.")
}
