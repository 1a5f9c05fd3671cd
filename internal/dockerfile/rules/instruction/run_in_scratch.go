package instruction

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func runInScratch() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/run-in-scratch",
				Title:    "RUN where there is no shell",
				Practice: finding.MultiStage,
				Severity: finding.High,
				Aliases:  []string{},
				Why: "scratch is empty: there is no /bin/sh to read a RUN, and no program for one in JSON form, until an instruction before it brings them. " +
					"Run it in a stage that has a system, and copy what it makes.",
				Bad:  "FROM scratch\nCOPY app /app\nRUN chmod 755 /app\n",
				Good: "FROM scratch\nCOPY --chmod=755 app /app\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for n := range in.File.Stages {
					s := &in.File.Stages[n]
					empty := strings.EqualFold(inspect.BaseStage(s).Base, "scratch")
					if !empty && !withoutShell(inspect.BaseStage(s)) {
						continue
					}
					for i := s.From + 1; i < s.End; i++ {
						inst := &in.File.Instructions[i]
						if inst.Cmd != "RUN" {
							continue
						}
						if !empty && inst.JSON {
							break // it may start a program of the base's
						}
						if !filled(in, s, i) && !slices.ContainsFunc(inst.FlagWords, func(f dockerfile.Flag) bool { return f.Name == "mount" }) {
							has := "no shell and no program that RUN could start"
							if !empty {
								has = "no shell to read a RUN"
							}
							p.Report(rule.At(inst.Span, "RUN", "%s stands on %s, which has %s", inspect.StageName(s), inspect.BaseName(s), has))
						}
						break // what comes after fails with it
					}
				}
				return nil
			},
		},
	}
}

// withoutShell reports whether a stage stands on an image that is published without a
// shell, but for its builds to debug with.
func withoutShell(s *dockerfile.Stage) bool {
	r := finding.ParseReference(s.Base)
	debug := strings.HasPrefix(r.Tag, "debug") || strings.HasSuffix(r.Tag, "-dev")
	return !debug && (strings.HasPrefix(r.Name, "gcr.io/distroless/") || r.Name == "cgr.dev/chainguard/static")
}

// filled reports whether anything before instruction i may bring a system into a
// stage that begins empty: an archive, a whole tree, or a file into a folder of
// programs.
func filled(in *inspect.Input, s *dockerfile.Stage, i int) bool {
	for _, st := range in.File.Chain(s) {
		for n := st.From + 1; n < min(st.End, i); n++ {
			inst := &in.File.Instructions[n]
			switch inst.Cmd {
			case "ADD":
				return true
			case "SHELL":
				return true // who says one has brought one
			case "COPY":
				to := "/"
				if len(inst.Words) > 1 {
					to = in.Destination(n, inst)
				}
				first := strings.SplitN(strings.Trim(to, "/"), "/", 2)[0]
				if slices.Contains([]string{"", ".", "bin", "usr", "sbin", "busybox", "lib"}, first) {
					return true
				}
			}
		}
	}
	return false
}
