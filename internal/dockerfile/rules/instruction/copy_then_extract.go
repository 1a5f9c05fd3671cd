package instruction

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

func copyThenExtract() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/copy-then-extract",
				Title:    "An archive is copied and then unpacked",
				Practice: finding.Layering,
				Severity: finding.Low,
				Aliases:  []string{"DL3010"},
				Why: "The archive stays in its layer even where a later step deletes it, beside everything that came out of it. ADD unpacks a tar archive " +
					"of the build context as it copies, and a bind mount (RUN --mount=type=bind) lends it to the step.",
				Bad:  "FROM debian:13-slim\nCOPY app.tar.gz /tmp/\nRUN tar -xzf /tmp/app.tar.gz -C /opt\n",
				Good: "FROM debian:13-slim\nADD app.tar.gz /opt/\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				copied := map[string][]inspect.Transfer{} // by the archive's name
				stage := -1
				for i := range in.File.Instructions {
					inst := &in.File.Instructions[i]
					if inst.Stage != stage {
						stage = inst.Stage
						clear(copied)
					}
					if inst.Cmd != "RUN" || len(copied) == 0 {
						if inst.Cmd == "COPY" {
							archivesOf(in, i, copied)
						}
						continue
					}
					s := in.Script(i)
					for n := range s.Commands {
						for _, name := range extracted(&s.Commands[n]) {
							for _, t := range copied[name] {
								f := rule.At(t.Span, name, "%s is copied here and unpacked at line %d, and stays in the image beside its content", name, inst.Span.Line)
								f.At = append(f.At, finding.Location{Source: &s.Commands[n].Span})
								p.Report(f)
							}
							delete(copied, name)
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/b4a1ba77ad7e1ab84d22cb40da6ff12e6bf16d1e.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/5e1ec311ab1d33488ef6addad8648d565d0691f5.Dockerfile",
	}
}

// archivesOf keeps the tar archives that a COPY from the build context brings,
// by the name that they have in the image.
func archivesOf(in *inspect.Input, i int, copied map[string][]inspect.Transfer) {
	inst := &in.File.Instructions[i]
	n := len(inst.Words) - 1
	if n < 1 || slices.ContainsFunc(inst.FlagWords, func(f dockerfile.Flag) bool { return f.Name == "from" }) {
		return
	}
	t := inspect.Transfer{Instruction: inst, At: i, Sources: inst.Words[:n], Dest: inst.Words[n]}
	dest, _ := in.Value(i, t.Dest)
	if inspect.IsArchive(dest) {
		copied[lastName(dest)] = append(copied[lastName(dest)], t)
		return
	}
	for _, w := range t.Sources {
		if source, _ := in.Value(i, w); inspect.IsArchive(source) {
			copied[lastName(source)] = append(copied[lastName(source)], t)
		}
	}
}

func lastName(p string) string { return path.Base(strings.ReplaceAll(p, `\`, "/")) }

// extracted are the names of the archives that a command unpacks. A file that
// is packed but no tar is nothing to ADD.
func extracted(c *dockerfile.Command) []string {
	tar := false
	switch c.Program() {
	case "tar", "bsdtar", "gtar":
		if !unpacks(c) {
			return nil
		}
		tar = true
	case "gunzip", "bunzip2", "unlzma", "unxz", "uncompress", "zcat", "gzcat", "unzip":
	default:
		return nil
	}
	var out []string
	for _, w := range c.Args() {
		name := lastName(strings.TrimPrefix(w.Text, "--file="))
		if inspect.IsArchive(name) && (tar || inspect.IsTar(name)) && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	return out
}

// unpacks reports whether tar is told to extract: "-xzf", "xzf", "--extract".
func unpacks(c *dockerfile.Command) bool {
	args := c.Args()
	if len(args) > 0 && !strings.HasPrefix(args[0].Text, "-") && strings.Contains(args[0].Text, "x") && !strings.ContainsAny(args[0].Text, "/.") {
		return true
	}
	return c.Has("-x", "--extract", "--get")
}
