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

func rootOwnedWorkdir() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/root-owned-workdir",
				Title:    "A user writes into a working directory that is root's",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "WORKDIR makes the folder for the user of that point. Set before USER it is root's, and what the user then installs into it fails with " +
					"\"permission denied\". Put WORKDIR after USER, which makes the folder the user's where BuildKit builds, or give the folder to the user.",
				Bad:  "FROM node:22-slim\nWORKDIR /srv/app\nCOPY --chown=node package*.json ./\nUSER node\nRUN npm ci\n",
				Good: "FROM node:22-slim\nWORKDIR /srv/app\nRUN chown node /srv/app\nCOPY --chown=node package*.json ./\nUSER node\nRUN npm ci\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for n := range in.File.Stages {
					rootWorkdir(in, &in.File.Stages[n], p.Report)
				}
				return nil
			},
		},
	}
}

// rootWorkdir reports the first command of a stage that writes into each folder
// that WORKDIR made as root.
func rootWorkdir(in *inspect.Input, s *dockerfile.Stage, report func(finding.Finding)) {
	if facts := in.Scopes.Base(s); facts != nil && facts.Config && facts.User != "" && !inspect.RootName(facts.User) {
		return
	}
	said := map[string]bool{}
	var named *mentions
	for i := s.From + 1; i < s.End; i++ {
		if in.File.Instructions[i].Cmd != "RUN" {
			continue
		}
		user, ok := in.WorkerUser(s, i)
		if !ok || user.By < s.From {
			continue
		}
		wd := in.Scopes.Workdir(s, i)
		if !wd.Known || wd.By < s.From || wd.By > user.By || said[wd.Value] || in.Scopes.User(s, wd.By).By >= 0 {
			continue
		}
		c := writesHere(in.Script(i))
		if c == nil {
			continue
		}
		if named == nil {
			named = mentionsOf(in, s)
		}
		if !named.madeByRoot(wd.Value, i) {
			continue
		}
		said[wd.Value] = true
		f := rule.At(c.Span, wd.Value, "%s writes into %s, which WORKDIR made as root before USER %s", c.Program(), wd.Value, user.Value)
		f.At = append(f.At, finding.Location{Source: &in.File.Instructions[wd.By].Span})
		inst := &in.File.Instructions[user.By]
		if !inspect.PlainWord(user.Value) || !inspect.PlainWord(wd.Value) {
			report(f)
			continue
		}
		f = rule.WithFix(f, finding.Behaviour, "Give the folder to "+user.Value, in.Insert(inst.Span.Start, "RUN chown "+user.Value+" "+wd.Value+in.LineEnd()))
		report(f)
	}
}

// mentions are the paths that a stage names in a way that may give them to
// someone, each with the first instruction that does.
type mentions struct {
	path    map[string]int // the path itself: all beneath it may be meant
	beneath map[string]int // a folder above one
	unclear int            // the first instruction of which it cannot be told
}

// mentionsOf reads the paths of a stage once, for all of its WORKDIRs.
func mentionsOf(in *inspect.Input, s *dockerfile.Stage) *mentions {
	m := &mentions{map[string]int{}, map[string]int{}, s.End}
	for i := s.From + 1; i < s.End; i++ {
		inst := &in.File.Instructions[i]
		switch inst.Cmd {
		case "RUN":
			sc := in.Script(i)
			if sc.Err != nil {
				m.unclear = min(m.unclear, i)
			}
			for n := range sc.Commands {
				c := &sc.Commands[n]
				changes := slices.Contains([]string{"chown", "chmod", "chgrp", "install", "useradd", "adduser", "usermod", "setfacl"}, c.Program())
				for _, w := range c.Words {
					m.add(w.Text, i)
					if changes && (!w.Literal || w.Text == "." || w.Text == "./") {
						m.unclear = min(m.unclear, i)
					}
				}
			}
		case "COPY", "ADD":
			if !inspect.HasFlag(inst, "chown") && !inspect.HasFlag(inst, "from") || len(inst.Words) < 2 {
				continue
			}
			// Where a copy makes the folder, or is of a whole one with its owner.
			to := in.Destination(i, inst)
			if to == "" {
				m.unclear = min(m.unclear, i)
			} else if len(inst.Words) == 2 && !file(inst.Words[0].Text) {
				m.add(to, i)
			}
		case "VOLUME":
			m.unclear = min(m.unclear, i)
		}
	}
	return m
}

// maxAbove is how many folders above a path count.
const maxAbove = 32

func (m *mentions) add(word string, i int) {
	if !strings.HasPrefix(word, "/") {
		return
	}
	p := path.Clean(strings.TrimSuffix(word, "*"))
	if _, ok := m.path[p]; !ok && p != "/" {
		m.path[p] = i
	}
	for n := 0; n < maxAbove && p != "/"; n++ {
		p = path.Dir(p)
		if _, ok := m.beneath[p]; !ok {
			m.beneath[p] = i
		}
	}
}

// madeByRoot reports whether nothing before instruction end gives a folder, one
// above or one beneath it to anybody, so that it is as WORKDIR made it.
func (m *mentions) madeByRoot(dir string, end int) bool {
	if slices.Contains([]string{"/", "/tmp", "/var/tmp", "/home", "/root", "/opt/app-root", "/usr/src"}, dir) ||
		strings.HasPrefix(dir, "/home/") || strings.HasPrefix(dir, "/tmp/") || strings.Contains(dir, "$") || m.unclear < end {
		return false
	}
	if i, ok := m.beneath[dir]; ok && i < end {
		return false
	}
	for n := 0; n < maxAbove && dir != "/"; n++ {
		if i, ok := m.path[dir]; ok && i < end {
			return false
		}
		dir = path.Dir(dir)
	}
	return true
}

// file reports whether a source of COPY looks like files, not a folder.
func file(source string) bool {
	base := path.Base(source)
	return strings.ContainsAny(base, "*?") && base != "*" || strings.Contains(strings.TrimLeft(base, "."), ".")
}

// writesHere is the first command of a script that writes into its working
// directory; nil: none does for sure.
func writesHere(s *dockerfile.Script) *dockerfile.Command {
	for n := range s.Commands {
		c := &s.Commands[n]
		switch {
		case c.Is("cd") || c.Is("pushd") || len(c.Via()) > 0 || c.Conditional():
			return nil
		case c.Is("npm", "install", "ci", "i") || c.Is("pnpm", "install", "i"), c.Is("yarn", "install") || c.Is("yarn") && len(c.Operands()) == 0:
			if c.Has("-g", "--global", "--prefix", "--cwd", "--dir", "-C") {
				return nil
			}
			return c
		case c.Is("composer", "install") && !c.Has("-d", "--working-dir"), c.Is("git", "clone") && len(c.Operands("-b", "--branch", "--depth")) == 2:
			return c
		}
	}
	return nil
}
