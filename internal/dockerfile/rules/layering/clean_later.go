package layering

import (
	"context"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

func cleanLater() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/clean-later",
				Title:    "What is removed stays in the layer below",
				Practice: finding.Layering,
				Severity: finding.Low,
				Why: "A layer cannot make the one below it smaller: a file that a later instruction removes is hidden, and still downloaded with every pull. " +
					"Remove it in the RUN that makes it; mount what only the build needs (RUN --mount=type=bind) instead of copying it.",
				Bad:  "FROM debian:13\nCOPY tool.tar.gz /tmp/tool.tar.gz\nRUN tar -xzf /tmp/tool.tar.gz -C /opt && rm /tmp/tool.tar.gz\n",
				Good: "FROM debian:13\nRUN --mount=type=bind,source=tool.tar.gz,target=/tmp/tool.tar.gz tar -xzf /tmp/tool.tar.gz -C /opt\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				known := messes()
				made := map[string]int{} // path -> instruction that made it, in the chain so far
				for _, st := range in.File.Chain(in.Final()) {
					for i := st.From + 1; i < st.End; i++ {
						if c, ok := inspect.CopyAt(in, i); ok {
							for _, file := range c.Files() {
								made[file] = i
							}
							continue
						}
						if in.File.Instructions[i].Cmd == "RUN" {
							cleanedIn(p, i, known, made)
						}
					}
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/ac11a146d7d47af2d10cea8e84b3302b0873c148.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/30399b0a6f540d5d45970cc14b897814912a6f0c.Dockerfile",
	}
}

// mess is a cache that is made by one command and cleaned by another.
type mess struct {
	path, what string
	makes      func(*dockerfile.Command) bool
	cleans     func(*dockerfile.Command) bool
}

// messes are those that are known.
func messes() []mess {
	rpm := inspect.RPMFamilies()
	return []mess{
		{"apt's lists", "the package lists stay", inspect.UpdatesAptLists, func(c *dockerfile.Command) bool {
			return inspect.RemovesAptLists(*c) && !inspect.Removes(c, "/partial")
		}},
		{"rpm's cache", "the package manager's cache stays", rpm[0].Changes, rpm[0].Clean},
		{"zypper's cache", "zypper's cache stays", rpm[1].Changes, rpm[1].Clean},
		{"apk's cache", "apk's index stays", func(c *dockerfile.Command) bool {
			m, ok := inspect.ParsePackageCommand(c, "apk")
			return ok && (m.Is("update") || m.Is("add") && c.Has("-U", "--update", "--update-cache")) && !c.Has("--no-cache")
		}, func(c *dockerfile.Command) bool { return inspect.Removes(c, "/var/cache/apk") }},
		{"npm's cache", "npm's cache stays", func(c *dockerfile.Command) bool {
			m, ok := inspect.ParsePackageCommand(c, "npm")
			return ok && m.Is("install", "ci", "i")
		}, func(c *dockerfile.Command) bool {
			m, ok := inspect.ParsePackageCommand(c, "npm")
			return ok && m.Is("cache")
		}},
		{"yarn's cache", "yarn's cache stays", func(c *dockerfile.Command) bool {
			m, ok := inspect.ParsePackageCommand(c, "yarn")
			return ok && m.Is("install", "add")
		}, cleansYarnCache},
	}
}

func cleansYarnCache(c *dockerfile.Command) bool {
	m, ok := inspect.ParsePackageCommand(c, "yarn")
	return ok && m.Is("cache")
}

// cleanedIn reports what RUN i removes of earlier layers, and notes what it
// leaves.
func cleanedIn(p *rule.Pass, i int, known []mess, made map[string]int) {
	in := p.Input
	commands := in.Script(i).Commands
	run := in.RunAt(i)
	for _, m := range known {
		makes, cleans := -1, -1
		for n := range commands {
			switch c := &commands[n]; {
			case m.cleans(c):
				cleans = n
			case m.makes(c):
				makes = n
			}
		}
		by, dirty := made[m.path]
		switch {
		case cleans >= 0 && makes < 0 && dirty:
			f := rule.At(commands[cleans].Span, m.path, "%s in the layer of line %d, which this only hides", m.what, in.File.Instructions[by].Span.Line)
			p.Report(rule.WithFix(f, finding.NeedsReview, "Clean in the RUN that makes it"))
			delete(made, m.path)
		case cleans < 0 && makes >= 0 && !inspect.Mounts(run, "/var/lib/apt", "/var/cache", ".npm", "yarn"):
			made[m.path] = i
		case cleans >= 0 && makes >= 0 && cleans > makes:
			delete(made, m.path)
		}
	}
	elsewhere := false // not in the working directory
	for n := range commands {
		c := &commands[n]
		elsewhere = elsewhere || c.Program() == "cd" || c.Program() == "pushd"
		if file := downloadTo(in, i, c); file != "" {
			made[file] = i
		}
		if p := c.Program(); p != "rm" && p != "unlink" {
			continue
		}
		for _, w := range c.Operands() {
			text, ok := inspect.Literal(in, i, w)
			if !ok || elsewhere && !strings.HasPrefix(text, "/") {
				continue
			}
			file := inspect.PathAt(in, i, text)
			by, ok := made[file]
			if !ok || by == i {
				continue
			}
			f := rule.At(w.Span, file, "%s stays in the layer of line %d, which this only hides", strings.TrimPrefix(file, "?/"), in.File.Instructions[by].Span.Line)
			if in.File.Instructions[by].Cmd == "RUN" {
				f = rule.WithFix(f, finding.NeedsReview, "Remove it in the RUN that makes it")
			} else {
				f = rule.WithFix(f, finding.NeedsReview, "Mount it into the RUN that needs it, with --mount=type=bind, instead of copying it")
			}
			p.Report(f)
			delete(made, file)
		}
	}
}

// moved reports whether commands change the folder in which the next one runs.
func moved(commands []dockerfile.Command) bool {
	return slices.ContainsFunc(commands, func(c dockerfile.Command) bool { return c.Program() == "cd" || c.Program() == "pushd" })
}

// downloadTo is the path of the file that a command downloads; empty: none, or
// it cannot be told.
func downloadTo(in *inspect.Input, i int, c *dockerfile.Command) string {
	var to dockerfile.ShellWord
	ok := false
	switch c.Program() {
	case "curl":
		to, ok = c.Value("-o", "--output")
	case "wget":
		to, ok = c.Value("-O", "--output-document")
	}
	if !ok || to.Text == "-" {
		return ""
	}
	text, told := inspect.Literal(in, i, to)
	if !told || !strings.HasPrefix(text, "/") || strings.HasPrefix(text, "/dev/") {
		return ""
	}
	return inspect.PathAt(in, i, text)
}
