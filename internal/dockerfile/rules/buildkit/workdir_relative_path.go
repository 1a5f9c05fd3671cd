package buildkit

import (
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func workdirRelativePath() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/workdir-relative-path",
				Title:    "WORKDIR is relative to what another file says",
				Practice: finding.TrustedBase,
				Severity: finding.Medium,
				Aliases:  []string{"WorkdirRelativePath", "DL3000", "DS009"},
				Why: "A relative WORKDIR continues the one before it, and the first one of a file that of the base image. When the base moves its " +
					"working directory, files land elsewhere and what expects them does not find them. After an absolute WORKDIR a relative one is exact, " +
					"but has to be added up by the reader.",
				Bad:  "FROM node:24\nWORKDIR app\n",
				Good: "FROM node:24\nWORKDIR /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				set := make([]bool, len(in.File.Stages)) // whether a stage has had a WORKDIR so far
				fixes := 0
				in.Each("WORKDIR", func(i int, inst *dockerfile.Instruction) {
					s := in.Stage(i)
					if s == nil || len(inst.Words) != 1 {
						return
					}
					word := inst.Words[0]
					first := !set[s.Index] && (s.Parent == nil || !setsWorkdir(in, s.Parent, set))
					set[s.Index] = true
					var aliases []string
					if first && relativePath(in, s, i, word.Text) {
						aliases = append(aliases, "WorkdirRelativePath")
					}
					if bare := strings.TrimLeft(word.Text, `"'`); bare != "" && !strings.ContainsRune("/$", rune(bare[0])) && !hasDrive(bare) {
						aliases = append(aliases, "DL3000", "DS009")
					}
					if aliases == nil {
						return
					}
					f := rule.At(word.Span, word.Text, "%s is relative to the working directory of the base image", word.Text)
					if aliases[0] != "WorkdirRelativePath" {
						f = rule.At(word.Span, word.Text, "%s is relative to the WORKDIR before it", word.Text)
						f.Severity = finding.Low
					}
					f.Aliases = aliases
					if fixes++; fixes > maxAdvised {
						p.Report(f)
						return
					}
					to := in.Scopes.Workdir(s, i+1)
					if strings.HasPrefix(strings.TrimLeft(word.Text, `"'`), "~") {
						p.Report(rule.WithEvidence(f, "home", "no builder puts a home folder in the place of a tilde: a folder named ~ is made"))
						return
					}
					if to.Known && path.IsAbs(to.Value) && !strings.ContainsAny(to.Value, "$\"'\\` \t\n") {
						f = rule.WithFix(f, finding.Safe, "Write the whole path", in.Edit(word.Span, to.Value))
					}
					p.Report(f)
				})
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/38b11a71d2547f6d28fe9b30d3051c194379279e.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1175ddea6148f3721f9cfbff0434e24f3a2ccda7.Dockerfile",
	}
}

// setsWorkdir reports whether a stage or one below it has a WORKDIR; set says
// which have one of their own. What is found out is written down in set.
func setsWorkdir(in *inspect.Input, s *dockerfile.Stage, set []bool) bool {
	for below := s; below != nil; below = below.Parent {
		if set[below.Index] {
			for ; s != below; s = s.Parent {
				set[s.Index] = true
			}
			return true
		}
	}
	return false
}

// relativePath reports whether a path of instruction i is relative, variables
// filled in; false also where that cannot be told.
func relativePath(in *inspect.Input, s *dockerfile.Stage, i int, word string) bool {
	value, known := in.Scopes.Expand(s, i, word)
	if base := in.Scopes.Base(s); !known && (base == nil || !base.Config) && undefined(in, s, i, word) {
		return false // the base image may say
	}
	if in.Windows(s) {
		if hasDrive(strings.Trim(word, `"'`)) {
			return false // what the lexer makes of its backslashes is another matter
		}
		value = strings.ReplaceAll(value, `\`, "/")
	}
	return !path.IsAbs(value)
}

func hasDrive(p string) bool {
	return len(p) > 1 && p[1] == ':' && (p[0] >= 'a' && p[0] <= 'z' || p[0] >= 'A' && p[0] <= 'Z')
}
