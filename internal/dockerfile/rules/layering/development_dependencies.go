package layering

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func developmentDependencies() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/development-dependencies",
				Title:    "Development dependencies are in the image",
				Practice: finding.MultiStage,
				Severity: finding.Medium,
				Aliases:  []string{"CIS-4.3"},
				Why: "Compilers, linters and test frameworks are often more than the program itself, and most of the vulnerabilities that a scan of the image finds. " +
					"The image that runs needs none of them: leave them out, and build in an earlier stage where they are needed for that.",
				Bad:  "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
				Good: "FROM node:22-slim\nWORKDIR /app\nCOPY package*.json ./\nRUN npm ci --omit=dev\nCOPY . .\nCMD [\"node\", \"server.js\"]\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in := p.Input
				if !inspect.StartsSomething(in) || inspect.ForDevelopment(in) {
					return nil
				}
				type install struct {
					i    int
					c    *dockerfile.Command
					what developmentInstall
				}
				var found []install
				building := false
				for _, st := range in.File.Chain(in.Final()) {
					without := map[string]bool{} // tools that were told to leave them out
					for i := st.From + 1; i < st.End; i++ {
						if in.File.Instructions[i].Cmd != "RUN" {
							continue
						}
						commands := in.Script(i).Commands
						env := inspect.AssignedOnce(commands)
						for n := range commands {
							c := &commands[n]
							if tool := leavesOut(c); tool != "" {
								without[tool] = true
								kept := found[:0]
								for _, f := range found {
									if f.what.tool != tool {
										kept = append(kept, f)
									}
								}
								found = kept
							}
							building = building || buildsProgram(c) != ""
							if w, ok := withDevelopment(in, i, env, c); ok && !without[w.tool] {
								found = append(found, install{i, c, w})
							}
						}
					}
				}
				for _, f := range found {
					x := rule.At(f.c.Span, f.what.tool, "%s installs development dependencies, too", f.what.tool)
					if tool := in.UsesDevelopment(f.i, f.what.tool); tool != "" {
						x = rule.WithFix(x, finding.NeedsReview, "Leave them out once "+tool+" is not run from them")
					} else if building {
						x = rule.WithFix(x, finding.NeedsReview, "Build in an earlier stage, and install in the last one without them")
					} else {
						x = rule.WithEdits(x, finding.Behaviour, "Leave development dependencies out", f.what.without(in, f.i, f.c))
						x = rule.WithChanges(x, "development dependencies are not installed", dependencyFolders(f.what.tool)...)
					}
					p.Report(x)
				}
				return nil
			},
		},
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/ede2231873b7afc026327bb69bbfcc81baa68004.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1acbdb1b2ec33a5ea932ca0df6f7f10d01435c3b.Dockerfile",
	}
}

// developmentInstall is an install with development dependencies.
type developmentInstall struct {
	tool string
	flag string                // that leaves them out; empty: none does
	drop *dockerfile.ShellWord // the word that asks for them
}

// without is the edit that leaves them out.
func (d developmentInstall) without(in *inspect.Input, i int, c *dockerfile.Command) []finding.Edit {
	switch {
	case d.drop != nil && !in.Script(i).Exec:
		return []finding.Edit{in.Edit(in.File.Span(d.drop.Span.Start-1, d.drop.Span.End), "")}
	case d.flag == "":
		return nil
	}
	after := c.Words[len(c.Words)-len(c.Args())-1]
	if m, ok := inspect.ParsePackageCommand(c, d.tool); ok && m.Verb.Text != "" {
		after = m.Verb
	}
	return inspect.InsertWord(in, i, c, after, d.flag)
}

// dependencyFolders are the folders that a tool installs into.
func dependencyFolders(tool string) []string {
	switch tool {
	case "npm", "yarn", "pnpm":
		return []string{"/**/node_modules"}
	case "composer":
		return []string{"/**/vendor"}
	}
	return []string{"/**/site-packages", "/**/.venv", "/usr/local/bin"}
}

// leavesOut is the tool that a command tells to leave development dependencies
// out, or whose it removes; empty: none.
func leavesOut(c *dockerfile.Command) string {
	if m, ok := inspect.ParsePackageCommand(c, "npm", "yarn", "pnpm", "bundle", "poetry", "composer"); ok {
		switch {
		case m.Is("prune"), m.Is("workspaces") && c.Has("--production"), m.Is("config") && (inspect.HasAptOption(c, "without") || inspect.HasAptOption(c, "production") || inspect.HasAptOption(c, "omit") || inspect.HasAptOption(c, "only")):
			return m.Program
		case m.Program == "composer" && m.Is("install", "update") && c.Has("--no-dev"):
			return m.Program
		}
		if m.Program == "npm" && m.Is("install", "i", "ci") && c.Has("--production", "--only", "--omit") {
			return "npm"
		}
	}
	if inspect.Removes(c, "node_modules") {
		return "npm"
	}
	return ""
}

var developmentRequirements = lazyregexp.New(`(^|[-_./])(dev|devel|development|test|tests|testing|lint)([-_./]|$)`)

// withDevelopment reports whether a command installs development dependencies.
func withDevelopment(in *inspect.Input, i int, env map[string]string, c *dockerfile.Command) (developmentInstall, bool) {
	set := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return in.Scopes.Variable(in.Stage(i), i, name).Value
	}
	if m, ok := inspect.PipInstall(c); ok {
		if f, ok := c.Value("-r", "--requirement"); ok && developmentRequirements.MatchString(strings.TrimSuffix(f.Text, ".txt")+".") {
			return developmentInstall{tool: "pip"}, true
		}
		for _, w := range m.Operands {
			if strings.HasPrefix(w.Text, ".[") && developmentRequirements.MatchString(strings.NewReplacer("[", "-", "]", "-", ",", "-").Replace(w.Text)) {
				return developmentInstall{tool: "pip"}, true
			}
		}
		return developmentInstall{}, false
	}
	d, ok := inspect.InstallsDependencies(c)
	if !ok || !hasDevelopment(in, d.Tool) {
		return developmentInstall{}, false
	}
	switch d.Tool {
	case "npm":
		flag := "--omit=dev"
		if major := inspect.NodeMajor(in.Stage(i)); major > 0 && major < 16 {
			flag = "--only=production"
		}
		return developmentInstall{tool: "npm", flag: flag}, !c.Has("--production", "--prod", "--only", "--omit") && set("NODE_ENV") != "production" && set("NPM_CONFIG_PRODUCTION") == "" && set("NPM_CONFIG_OMIT") == "" && set("npm_config_production") == ""
	case "yarn":
		return developmentInstall{tool: "yarn", flag: "--production"}, !c.Has("--production", "--prod") && set("NODE_ENV") != "production"
	case "pnpm":
		return developmentInstall{tool: "pnpm", flag: "--prod"}, !c.Has("--prod", "--production", "-P") && set("NODE_ENV") != "production"
	case "composer":
		return developmentInstall{tool: "composer", flag: "--no-dev"}, !c.Has("--no-dev") && set("COMPOSER_NO_DEV") == ""
	case "bundle":
		return developmentInstall{tool: "bundle"}, !c.Has("--without", "--only", "--with") && set("BUNDLE_WITHOUT") == "" && set("BUNDLE_ONLY") == ""
	case "poetry":
		return developmentInstall{tool: "poetry", flag: "--only=main"}, !c.Has("--no-dev", "--only", "--without", "--only-root") && set("POETRY_INSTALLER_NO_DEV") == ""
	case "uv":
		return developmentInstall{tool: "uv", flag: "--no-dev"}, !c.Has("--no-dev", "--no-group", "--only-group", "--no-default-groups") && set("UV_NO_DEV") == ""
	case "pipenv":
		for _, w := range c.Args() {
			if w.Text == "--dev" || w.Text == "-d" {
				return developmentInstall{tool: "pipenv", drop: &w}, true
			}
		}
	}
	return developmentInstall{}, false
}

// hasDevelopment reports whether the manifest of a tool in the context has
// development dependencies, as far as is known.
func hasDevelopment(in *inspect.Input, tool string) bool {
	manifest, word := "", ""
	switch tool {
	case "npm", "yarn", "pnpm":
		manifest = "package.json"
	case "composer":
		manifest = "composer.json"
	case "bundle":
		manifest, word = "Gemfile", "group"
	case "poetry":
		manifest, word = "pyproject.toml", "group"
	}
	if in.Options.Context == nil || manifest == "" {
		return true
	}
	b, err := in.Options.Context.Read(manifest, inspect.MaxManifest)
	if err != nil {
		return true
	}
	if word != "" {
		return strings.Contains(string(b), word) || strings.Contains(string(b), "dev-dependencies")
	}
	var p struct {
		DevDependencies map[string]string
		RequireDev      map[string]string `json:"require-dev"`
	}
	return json.Unmarshal(b, &p) != nil || len(p.DevDependencies)+len(p.RequireDev) > 0
}
