package rules

import (
	"context"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

func copyRelative() Check {
	return Check{
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				said := in.foldersSaid()
				visit := func(t transfer) {
					st := in.Stage(t.at)
					written := strings.Trim(t.dest.Text, `"'`)
					if rooted(written) || strings.HasPrefix(written, "$") || said[t.at] {
						return
					}
					if dest, known := in.value(t.at, t.dest); known && rooted(dest) {
						return
					}
					f := at(t.dest.Span, t.dest.Text, "%s to %s, and no WORKDIR says where that is", t.Cmd, t.dest.Text)
					dir := in.Scopes.Workdir(st, t.at)
					if base := in.Scopes.Base(st); dir.Known && base != nil && st.Base != "scratch" {
						f = why(f, "base", "the working directory of %s is %s, says %s", base.Ref, dir.Value, base.Source)
					}
					if strings.HasPrefix(written, "~") {
						p.Report(why(f, "home", "no builder puts a home folder in the place of a tilde: a folder named ~ is made"))
						return
					}
					if dir.Known && !strings.ContainsAny(t.dest.Text, `"'$\`) && !t.JSON {
						whole := path.Join(dir.Value, written)
						if strings.HasSuffix(written, "/") || path.Base(written) == "." || path.Base(written) == ".." {
							whole = strings.TrimSuffix(whole, "/") + "/"
						}
						f = fix(f, finding.Safe, "Give the whole path", in.Edit(t.dest.Span, whole))
					}
					if t.Cmd == "ADD" {
						f.Aliases = []string{} // hadolint looks at COPY only
					}
					p.Report(f)
				}
				in.eachTransfer("COPY", visit)
				in.eachTransfer("ADD", visit)
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/55acca2cbfa623ad10f86f44f6d87373f21798ff.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-nodejs-redis/web/Dockerfile",
	}
}

// foldersSaid says for each instruction whether the file sets a working
// directory before it, in its stage or in one that it stands on.
func (in *Input) foldersSaid() []bool {
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
