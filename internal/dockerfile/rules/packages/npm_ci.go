package packages

import (
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func npmCI() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/npm-ci",
				Title:    "npm install may change what the lock file says",
				Practice: finding.TrustedBase,
				Severity: finding.Low,
				Why: "npm install treats package-lock.json as advice: where package.json allows more, it takes newer versions and rewrites the lock, in the image only. " +
					"npm ci installs exactly what is locked, fails where the two disagree, and is faster.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm install --omit=dev\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package.json package-lock.json ./\nRUN npm ci --omit=dev\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for s := range in.File.Stages {
					st := &in.File.Stages[s]
					lock := -1 // the instruction that copies it
					for i := st.From + 1; i < st.End; i++ {
						if c, ok := inspect.CopyAt(in, i); ok && copiesLock(in, c) {
							lock = i
						}
						if in.File.Instructions[i].Cmd != "RUN" || lock < 0 {
							continue
						}
						commands := in.Script(i).Commands
						for n := range commands {
							c := &commands[n]
							if c.Program() == "cd" {
								break // to another project
							}
							m, ok := inspect.ParsePackageCommand(c, "npm")
							if !ok || !m.Is("install", "i") || len(m.Operands) > 0 ||
								c.Has("-g", "--global", "--no-package-lock", "--package-lock-only", "--package-lock", "--no-save", "--prefix", "-C") {
								continue
							}
							f := rule.At(c.Span, "npm install", "npm install may take other versions than the lock file, which line %d copies, says", in.File.Instructions[lock].Span.Line)
							edits := inspect.ReplaceWord(in, i, c, m.Verb, "ci")
							if major := inspect.NodeMajor(in.File.Chain(st)[0]); major > 0 && major < 10 {
								edits = nil // its npm may not know ci
							}
							f = rule.WithEdits(f, finding.Behaviour, "Install what is locked, with npm ci", edits)
							p.Report(rule.WithChanges(f, "what is locked is installed", "/**/node_modules", "/**/package-lock.json"))
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/1f119f5c316dd00bcc259ad72cd5d2ddceb3f72a.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-nodejs-redis/web/Dockerfile",
	}
}

// copiesLock reports whether a COPY brings npm's lock file: by name or, where the
// context is known, with others.
func copiesLock(in *inspect.Input, c inspect.Copied) bool {
	if c.From != "" {
		return false
	}
	for _, s := range c.Sources {
		for _, lock := range []string{"package-lock.json", "npm-shrinkwrap.json"} {
			if path.Base(s) == lock {
				return true
			}
			if in.Options.Context == nil {
				continue
			}
			folder := s
			if strings.Contains(path.Base(s), "*") {
				if ok, err := path.Match(path.Base(s), lock); err != nil || !ok {
					continue
				}
				folder = path.Dir(s)
			}
			if in.Options.Context.Exists(path.Join(folder, lock)) {
				return true
			}
		}
	}
	return false
}
