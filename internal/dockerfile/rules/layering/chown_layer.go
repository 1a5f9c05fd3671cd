package layering

import (
	"context"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func chownLayer() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/chown-layer",
				Title:    "A recursive chown or chmod stores the files twice",
				Practice: finding.Layering,
				Severity: finding.Low,
				Why: "A layer holds every file that it changes, whole, though only its owner is another. chown -R or chmod -R of what an earlier instruction copied " +
					"puts all of it into the image a second time. COPY --chown and --chmod write it right at once.",
				Bad:  "FROM node:22-slim\nCOPY . /app\nRUN chown -R node:node /app\nUSER node\nCMD [\"node\", \"/app/server.js\"]\n",
				Good: "FROM node:22-slim\nCOPY --chown=node:node . /app\nUSER node\nCMD [\"node\", \"/app/server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for s := range in.File.Stages {
					st := &in.File.Stages[s]
					var copies []inspect.Copied // of the stage so far
					for i := st.From + 1; i < st.End; i++ {
						if c, ok := inspect.CopyAt(in, i); ok {
							if len(copies) < maxCopies {
								copies = append(copies, c)
							}
							continue
						}
						if in.File.Instructions[i].Cmd != "RUN" || len(copies) == 0 {
							continue
						}
						commands := in.Script(i).Commands
						for n := range min(len(commands), maxCopies) {
							reportChown(p, i, &commands[n], copies)
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/a7862c6e74310b88a30fb724e124e2fb7a161610.Dockerfile",
		Quiet: "docker+awesome-compose/nginx-wsgi-flask/flask/Dockerfile",
	}
}

// maxCopies is how many copies, and commands of a RUN, are compared.
const maxCopies = 200

// maxFolders is how many folders of one command are looked at.
const maxFolders = 20

// reportChown looks whether a command changes the owner or the mode of all that
// one of the copies wrote.
func reportChown(p *rule.Pass, i int, c *dockerfile.Command, copies []inspect.Copied) {
	in := p.Input
	program := c.Program()
	if program != "chown" && program != "chmod" && program != "chgrp" || !c.Has("-R", "--recursive") || c.Conditional() {
		return
	}
	ops := c.Operands()
	if len(ops) < 2 {
		return
	}
	var folders []string
	for _, w := range ops[1:min(len(ops), maxFolders)] {
		text, ok := inspect.Literal(in, i, w)
		if !ok {
			text = strings.TrimSuffix(w.Text, "/*") // all that is in a folder
			if strings.ContainsAny(text, "$`*?~") || text == "" {
				continue
			}
		}
		folders = append(folders, inspect.PathAt(in, i, text))
	}
	var hit []inspect.Copied
	for _, k := range copies {
		for _, folder := range folders {
			if inspect.Within(k.To, folder) {
				hit = append(hit, k)
				break
			}
		}
	}
	if len(hit) == 0 {
		return
	}
	last := in.File.Instructions[hit[len(hit)-1].At]
	f := rule.At(c.Span, program+" "+strings.Join(folders, " "), "%s -R puts all that the %s in line %d wrote into another layer", program, last.Cmd, last.Span.Line)
	safety, edits := copyWithOwner(in, i, c, ops[0], folders, copies, hit)
	p.Report(rule.WithEdits(f, safety, "Copy with the right owner or mode", edits))
}

var (
	ownerName = lazyregexp.New(`^[a-zA-Z0-9_.-]+(:[a-zA-Z0-9_.-]+)?$`)
	octalMode = lazyregexp.New(`^[0-7]{3,4}$`)
)

// copyWithOwner gives the copies the owner or mode that a RUN of that one
// command gives their files, and takes the RUN away; none: something may have
// been made in between, or the RUN does more.
func copyWithOwner(in *inspect.Input, i int, c *dockerfile.Command, what dockerfile.ShellWord, folders []string, copies, hit []inspect.Copied) (finding.Safety, []finding.Edit) {
	inst := &in.File.Instructions[i]
	flag := "chown"
	value, ok := inspect.Literal(in, i, what)
	if c.Program() == "chmod" {
		flag, ok = "chmod", ok && octalMode.MatchString(value)
	}
	if !ok || c.Program() == "chgrp" || !ownerName.MatchString(value) || len(in.Script(i).Commands) != 1 || len(folders) != len(c.Operands())-1 || len(inst.FlagWords) > 0 || len(inst.Heredocs) > 0 {
		return 0, nil
	}
	for n := hit[0].At + 1; n < i; n++ {
		if in.File.Instructions[n].Cmd == "RUN" {
			return 0, nil
		}
	}
	covered := map[string]bool{}
	safety := finding.Behaviour
	if flag == "chmod" && strings.TrimPrefix(value, "0") != "755" {
		safety = finding.NeedsReview // of the folder that COPY makes, --chmod leaves 755 as it is
	}
	var edits []finding.Edit
	for _, k := range hit {
		to := &in.File.Instructions[k.At]
		for _, f := range to.FlagWords {
			if f.Name == flag {
				return 0, nil
			}
		}
		if to.Cmd == "ADD" && !whole(k) {
			return 0, nil // of an archive, the owners are those within
		}
		if w := in.Scopes.Workdir(in.Stage(k.At), k.At); w.Known && inspect.Within(w.Value, k.To) || strings.HasPrefix(k.To, "?") {
			safety = finding.NeedsReview // the folder itself is WORKDIR's, and stays as it is
		}
		for _, folder := range folders {
			if k.To == folder {
				covered[folder] = true
			}
		}
		edits = append(edits, in.Insert(to.Keyword.Span.End, " --"+flag+"="+value))
	}
	if len(covered) != len(folders) {
		return 0, nil // there is more in the folder than was copied
	}
	return safety, append(edits, in.Remove(inst))
}
