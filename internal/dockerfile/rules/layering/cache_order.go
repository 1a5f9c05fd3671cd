package layering

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func cacheOrder() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/cache-order",
				Title:    "Each change of a source file downloads the dependencies again",
				Practice: finding.Layering,
				Traits:   finding.Traits{CacheOrder: true},
				Severity: finding.Low,
				Why: "The cache ends at the first instruction whose input changed. Below a COPY of everything, that is the install of the dependencies with every edit of a source file. " +
					"Copy the manifest and its lock first, install, and copy the rest after it: the install is then made again only where the dependencies change.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY . .\nRUN npm ci\nCMD [\"node\", \"server.js\"]\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				for s := range in.File.Stages {
					st := &in.File.Stages[s]
					var all, some []inspect.Copied // of the whole context, and of parts of it, so far
					installed := map[string]bool{}
					for i := st.From + 1; i < st.End; i++ {
						if c, ok := inspect.CopyAt(in, i); ok && len(all)+len(some) < maxCopies {
							if whole(c) {
								all = append(all, c)
							} else if c.From == "" {
								some = append(some, c)
							}
						}
						run := &in.File.Instructions[i]
						if run.Cmd != "RUN" {
							continue
						}
						commands := in.Script(i).Commands
						for n := range commands {
							d, ok := inspect.InstallsDependencies(&commands[n])
							if !ok {
								// Whatever it was that the tool did first may have been this.
								if len(all) == 0 {
									installed[strings.TrimSuffix(commands[n].Program(), "w")+" before"] = true
								}
								continue
							}
							if installed[d.Tool] || d.Manifest == "" && installed[d.Tool+" before"] {
								continue
							}
							installed[d.Tool] = true
							k := slices.IndexFunc(all, func(c inspect.Copied) bool {
								return moved(commands[:n]) || inspect.Within(inspect.PathAt(in, i, "."), c.To)
							})
							if k < 0 || cached(run) || d.First != "" && !downloadsFirst(in, all[k], d) {
								continue
							}
							c := &commands[n]
							by := &in.File.Instructions[all[k].At]
							f := rule.At(c.Span, d.Tool, "%s downloads the dependencies again whenever any file changes, as line %d copies all of them first", d.Tool, by.Span.Line)
							f.At = append(f.At, finding.Location{Source: &by.Span})
							f.Evidence = append(f.Evidence, madeAnew(in, st, all[k].At))
							safety, edits := manifestFirst(in, all[k], some, i, n, d)
							if file := workspaceRoot(in, all[k], d); file != "" {
								f.Evidence = append(f.Evidence, finding.Evidence{
									Kind: finding.EvidenceNotRewritten,
									Text: file + " is the root of several packages: copy the manifest of each into its folder before the install, by hand",
								})
							}
							p.Report(rule.WithEdits(f, safety, "Copy the manifest, install, then copy the rest", edits))
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/17fd60c200f27543b58c698bb46042c642df536e.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1f119f5c316dd00bcc259ad72cd5d2ddceb3f72a.Dockerfile",
	}
}

// madeAnew says which steps of its stage a change of what a COPY copies makes anew, and,
// where the context is known, how many bytes they copy out of it.
func madeAnew(in *inspect.Input, st *dockerfile.Stage, at int) finding.Evidence {
	steps := 0
	var lines []string
	var copied int64
	known := true
	for i := st.From + 1; i < st.End; i++ {
		step := &in.File.Instructions[i]
		switch step.Cmd {
		case "RUN", "COPY", "ADD", "WORKDIR":
			if steps++; i < at {
				continue
			}
			lines = append(lines, strconv.Itoa(step.Span.Line))
		}
		if (step.Cmd == "COPY" || step.Cmd == "ADD") && i >= at && step.Flag("from") == "" && known {
			var n int64
			n, known = in.File.Copied(st, i, in.Scopes, in.Options.Context, maxWalked)
			copied += n
		}
	}
	text := fmt.Sprintf("a change of one file makes %d of the %s of its stage anew (lines %s)",
		len(lines), finding.Count(steps, "step"), strings.Join(lines, ", "))
	if known && copied > 0 {
		text += ", which copy " + finding.Bytes(copied) + " of the context"
	}
	return finding.Evidence{Kind: "cache", Text: text + "; layers --changed FILE lists them, with their bytes"}
}

// maxWalked is how many files of a context are counted to say how many bytes a change costs.
const maxWalked = 10_000

// whole reports whether it copies the context or a folder of it.
func whole(c inspect.Copied) bool {
	if c.Broad() {
		return true
	}
	if c.From != "" || len(c.Sources) != 1 {
		return false
	}
	return strings.HasSuffix(c.Sources[0], "/") && !strings.ContainsAny(c.Sources[0], "*?$:")
}

// cached reports whether a RUN mounts a cache of any kind.
func cached(run *dockerfile.Instruction) bool {
	return slices.ContainsFunc(run.FlagWords, func(f dockerfile.Flag) bool {
		return f.Name == "mount" && strings.Contains(f.Value, "type=cache")
	})
}

// downloadsFirst reports whether a build downloads what could be downloaded before
// everything is copied: the context has its manifest and a lock, and no copy of
// what they name.
func downloadsFirst(in *inspect.Input, c inspect.Copied, d inspect.Dependencies) bool {
	ctx, folder := in.Options.Context, strings.TrimPrefix(path.Clean("/"+c.Sources[0]), "/")
	return ctx != nil && ctx.Exists(path.Join(folder, d.Manifest)) && ctx.Exists(path.Join(folder, d.Locks[0])) &&
		!ctx.Exists(path.Join(folder, "vendor")) && !strings.Contains(string(in.File.Bytes), "vendor")
}

// manifestFirst copies the manifest in the place of everything, and everything
// after the install, command n of RUN i; none: the one would not be enough for
// the other, or it cannot be told.
func manifestFirst(in *inspect.Input, c inspect.Copied, some []inspect.Copied, i, n int, d inspect.Dependencies) (finding.Safety, []finding.Edit) {
	first, run := &in.File.Instructions[c.At], &in.File.Instructions[i]
	commands := in.Script(i).Commands
	if d.Whole || len(c.Sources) != 1 || first.Cmd != "COPY" || first.JSON || len(first.Heredocs)+len(run.Heredocs) > 0 || inspect.PathAt(in, i, ".") != c.To || strings.ContainsAny(c.Sources[0], "*$") {
		return 0, nil
	}
	if d.First == "" && (n != 0 || in.Script(i).Exec || len(commands[0].Within) > 0 || commands[0].Span.Start != in.Script(i).Span.Start) {
		return 0, nil
	}
	dest := first.Args[len(first.Args)-1]
	for k := c.At + 1; k < i && d.First == ""; k++ {
		switch in.File.Instructions[k].Cmd {
		case "ENV", "ARG", "LABEL", "EXPOSE", "USER", "STOPSIGNAL", "CMD", "ENTRYPOINT", "HEALTHCHECK":
		case "WORKDIR":
			if !path.IsAbs(dest) {
				return 0, nil
			}
		default:
			return 0, nil
		}
	}
	files, safety := manifestFiles(in, c.Sources[0], d)
	if files == nil {
		return 0, nil
	}
	if folder := path.Dir(d.Manifest); folder != "." { // with what the manifest may refer to
		files, dest = []string{path.Join(c.Sources[0], folder) + "/"}, path.Join(dest, folder)
	}
	eol := in.LineEnd()
	text := string(in.File.Bytes[first.Span.Start:first.Span.End])
	flags := ""
	for _, f := range first.Flags {
		flags += f + " "
	}
	copyFiles := first.Keyword.Text + " " + flags + strings.Join(files, " ") + " " + strings.TrimSuffix(dest, "/") + "/"
	if d.First != "" {
		if inspect.PathAt(in, c.At, ".") != c.To {
			return 0, nil // it would run elsewhere
		}
		return safety, []finding.Edit{in.Insert(first.Span.Start, copyFiles+eol+run.Keyword.Text+" "+d.First+eol)}
	}
	edits := []finding.Edit{in.Edit(first.Span, copyFiles)}
	if slices.ContainsFunc(some, func(s inspect.Copied) bool { return s.At < c.At && s.To == c.To && brings(s, d) }) {
		edits[0] = in.Remove(first) // the manifest is there already
	}
	if len(commands) == 1 {
		return safety, append(edits, in.Insert(run.Span.End, eol+text))
	}
	if next := &commands[1]; next.After == "&&" && len(next.Within) == 0 && len(run.FlagWords) == 0 {
		between := in.File.Span(commands[0].Span.End, next.Span.Start)
		return safety, append(edits, in.Edit(between, eol+text+eol+run.Keyword.Text+" "))
	}
	return 0, nil
}

// brings reports whether the manifest, and its lock if it has one, are among the
// sources.
func brings(c inspect.Copied, d inspect.Dependencies) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(c.Sources, func(s string) bool {
			ok, err := path.Match(path.Base(s), name)
			return err == nil && ok
		})
	}
	return has(d.Manifest) && (len(d.Locks) == 0 || slices.ContainsFunc(d.Locks, has))
}

// manifestFiles are the sources of a COPY of the manifest and its lock, and how
// safe it is to install with no more than these; nil: it is not.
func manifestFiles(in *inspect.Input, folder string, d inspect.Dependencies) ([]string, finding.Safety) {
	prefix := strings.TrimPrefix(path.Clean("/"+folder), "/")
	ctx := in.Options.Context
	if ctx == nil {
		var out []string
		for _, g := range d.Glob {
			out = append(out, path.Join(prefix, g))
		}
		return out, finding.Behaviour
	}
	if !ctx.Exists(path.Join(prefix, d.Manifest)) || ctx.Exists(path.Join(prefix, "node_modules")) {
		return nil, 0
	}
	out := []string{path.Join(prefix, d.Manifest)}
	for _, lock := range d.Locks {
		if ctx.Exists(path.Join(prefix, lock)) {
			out = append(out, path.Join(prefix, lock))
		}
	}
	b, err := ctx.Read(path.Join(prefix, d.Manifest), inspect.MaxManifest)
	if err != nil || workspace(ctx, prefix, b) {
		return nil, 0
	}
	switch d.Manifest {
	case "package.json":
		if runsOwnFiles(b) {
			return nil, 0
		}
		return out, nodeSafety(b)
	case "go.mod":
		if strings.Contains(string(b), "=> .") { // a module of the context
			return nil, 0
		}
	case "Gemfile":
		if strings.Contains(string(b), "gemspec") || strings.Contains(string(b), "path:") {
			return nil, 0
		}
	case "pyproject.toml", "Pipfile":
		if strings.Contains(string(b), "path =") || strings.Contains(string(b), "file:") {
			return nil, 0
		}
	default:
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "-") || strings.HasPrefix(line, ".") || strings.Contains(line, "file:") {
				return nil, 0 // other files of the context
			}
		}
	}
	return out, finding.Behaviour
}

// workspaceRoot is the manifest of what is copied where it is the root of several;
// empty: it is not, or that is not known.
func workspaceRoot(in *inspect.Input, c inspect.Copied, d inspect.Dependencies) string {
	ctx := in.Options.Context
	if ctx == nil || d.Manifest == "" || len(c.Sources) != 1 {
		return ""
	}
	prefix := strings.TrimPrefix(path.Clean("/"+c.Sources[0]), "/")
	name := path.Join(prefix, d.Manifest)
	if b, err := ctx.Read(name, inspect.MaxManifest); err != nil || !workspace(ctx, prefix, b) {
		return ""
	}
	return name
}

// workspace reports whether a manifest is the root of several: an install with it
// alone would install nothing of what the others name.
func workspace(ctx *dockerfile.Context, prefix string, manifest []byte) bool {
	for _, name := range []string{"pnpm-workspace.yaml", "lerna.json", "rush.json", "go.work", ".yarn", ".pnp.cjs", "patches"} {
		if ctx.Exists(path.Join(prefix, name)) {
			return true
		}
	}
	text := string(manifest)
	return slices.ContainsFunc([]string{`"workspaces"`, "[workspace]", "[tool.uv.workspace]", "[tool.uv.sources]", `"patchedDependencies"`}, func(s string) bool {
		return strings.Contains(text, s)
	})
}

// harmlessScripts are what scripts at an install do without a file of the project.
var harmlessScripts = []string{"husky", "is-ci", "echo", "true", "exit", "npx", "pnpm", "only-allow", "check-engine", "opencollective", "simple-git-hooks", "lefthook", "env-ci", "ngcc"}

// runsOwnFiles reports whether a script that an install runs is for the project's own
// files, which an install before they are copied has not.
func runsOwnFiles(manifest []byte) bool {
	var p struct{ Scripts map[string]string }
	if json.Unmarshal(manifest, &p) != nil {
		return false
	}
	for _, name := range []string{"preinstall", "install", "postinstall", "preprepare", "prepare", "postprepare"} {
		for _, part := range strings.FieldsFunc(p.Scripts[name], func(r rune) bool { return strings.ContainsRune("&|;()", r) }) {
			words := strings.Fields(part)
			if len(words) > 0 && (!slices.Contains(harmlessScripts, words[0]) || words[0] == "npx" && len(words) > 1 && !slices.Contains(harmlessScripts, words[1])) {
				return true
			}
		}
	}
	return false
}

// nodeSafety says how safe it is to install what package.json names without the
// project's other files: its own scripts may want them.
func nodeSafety(b []byte) finding.Safety {
	var p struct {
		Scripts                                    map[string]string
		Workspaces                                 json.RawMessage
		Dependencies, DevDependencies, Resolutions map[string]string
	}
	if json.Unmarshal(b, &p) != nil || p.Workspaces != nil {
		return finding.NeedsReview
	}
	for _, s := range []string{"preinstall", "install", "postinstall", "prepare", "prepublish"} {
		if p.Scripts[s] != "" {
			return finding.NeedsReview
		}
	}
	for _, deps := range []map[string]string{p.Dependencies, p.DevDependencies} {
		for _, v := range deps {
			if strings.HasPrefix(v, "file:") || strings.HasPrefix(v, "link:") || strings.HasPrefix(v, ".") {
				return finding.NeedsReview
			}
		}
	}
	return finding.Behaviour
}
