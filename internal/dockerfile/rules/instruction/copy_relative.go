package instruction

import (
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func copyRelative() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-relative",
				Title:    "Files are copied to wherever the base image's working directory is",
				Practice: finding.Layering,
				Severity: finding.Medium,
				Aliases:  []string{"DL3045"},
				Why: "A relative destination is below the working directory, and the file never says which one that is: it is the base image's, " +
					"the root for most. A new base moves the files. Say WORKDIR first, or give the whole path.",
				Bad:  "FROM node:22-slim\nCOPY server.js app/\n",
				Good: "FROM node:22-slim\nWORKDIR /srv\nCOPY server.js app/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				said := foldersSaid(in)
				visit := func(t inspect.Transfer) {
					st := in.Stage(t.At)
					written := strings.Trim(t.Dest.Text, `"'`)
					if inspect.Rooted(written) || strings.HasPrefix(written, "$") || said[t.At] {
						return
					}
					if dest, known := in.Value(t.At, t.Dest); known && inspect.Rooted(dest) {
						return
					}
					f := rule.At(t.Dest.Span, t.Dest.Text, "%s to %s, and no WORKDIR says where that is", t.Cmd, t.Dest.Text)
					dir := in.Scopes.Workdir(st, t.At)
					if base := in.Scopes.Base(st); dir.Known && base != nil && st.Base != "scratch" {
						f = rule.WithEvidence(f, "base", "the working directory of %s is %s, says %s", base.Ref, dir.Value, base.Source)
					}
					if strings.HasPrefix(written, "~") {
						p.Report(rule.WithEvidence(f, "home", "no builder puts a home folder in the place of a tilde: a folder named ~ is made"))
						return
					}
					if dir.Known && !strings.ContainsAny(t.Dest.Text, `"'$\`) && !t.JSON {
						whole := path.Join(dir.Value, written)
						if strings.HasSuffix(written, "/") || path.Base(written) == "." || path.Base(written) == ".." {
							whole = strings.TrimSuffix(whole, "/") + "/"
						}
						f = rule.WithFix(f, finding.Safe, "Give the whole path", in.Edit(t.Dest.Span, whole))
					}
					if t.Cmd == "ADD" {
						f.Aliases = []string{} // hadolint looks at COPY only
					}
					p.Report(f)
				}
				in.EachTransfer("COPY", visit)
				in.EachTransfer("ADD", visit)
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/55acca2cbfa623ad10f86f44f6d87373f21798ff.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-nodejs-redis/web/Dockerfile",
	}
}

// foldersSaid says for each instruction whether the file sets a working
// directory before it, in its stage or in one that it stands on.
func foldersSaid(in *inspect.Input) []bool {
	out := make([]bool, len(in.File.Instructions))
	ends := make([]bool, len(in.File.Stages))
	for i := range in.File.Stages {
		s := &in.File.Stages[i]
		now := s.Parent != nil && ends[s.Parent.Index]
		for n := s.From + 1; n < s.End; n++ {
			out[n] = now
			now = now || in.File.Instructions[n].Cmd == "WORKDIR"
		}
		ends[i] = now
	}
	return out
}
