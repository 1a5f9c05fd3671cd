package rules

import (
	"context"
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

func developmentDependencies() Check {
	return Check{
		Fires: "STAR-RG+shipwright/data/broken-dockerfiles/ede2231873b7afc026327bb69bbfcc81baa68004.Dockerfile",
		Quiet: "STAR-RG+shipwright/data/broken-dockerfiles/1acbdb1b2ec33a5ea932ca0df6f7f10d01435c3b.Dockerfile",
		Check: finding.Check[*Input]{
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
			Run: func(_ context.Context, p *pass) error {
				in := p.Input
				if !startsSomething(in) || forDevelopment(in) {
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
						env := assignedOnce(commands)
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
					x := at(f.c.Span, f.what.tool, "%s installs development dependencies, too", f.what.tool)
					if tool := in.usesDevelopment(f.i, f.what.tool); tool != "" {
						x = fix(x, finding.NeedsReview, "Leave them out once "+tool+" is not run from them")
					} else if building {
						x = fix(x, finding.NeedsReview, "Build in an earlier stage, and install in the last one without them")
					} else {
						x = withFix(x, finding.Behaviour, "Leave development dependencies out", f.what.without(in, f.i, f.c))
						x = changing(x, "development dependencies are not installed", dependencyFolders(f.what.tool)...)
					}
					p.Report(x)
				}
				return nil
			},
		},
	}
}

// developmentInstall is an install with development dependencies.
type developmentInstall struct {
	tool string
	flag string                // that leaves them out; empty: none does
	drop *dockerfile.ShellWord // the word that asks for them
}

// without is the edit that leaves them out.
func (d developmentInstall) without(in *Input, i int, c *dockerfile.Command) []finding.Edit {
	switch {
	case d.drop != nil && !in.Script(i).Exec:
		return []finding.Edit{in.Edit(in.File.Span(d.drop.Span.Start-1, d.drop.Span.End), "")}
	case d.flag == "":
		return nil
	}
	after := c.Words[len(c.Words)-len(c.Args())-1]
	if m, ok := managed(c, d.tool); ok && m.verb.Text != "" {
		after = m.verb
	}
	return insertWord(in, i, c, after, d.flag)
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
	if m, ok := managed(c, "npm", "yarn", "pnpm", "bundle", "poetry", "composer"); ok {
		switch {
		case m.is("prune"), m.is("workspaces") && c.Has("--production"), m.is("config") && (option(c, "without") || option(c, "production") || option(c, "omit") || option(c, "only")):
			return m.program
		case m.program == "composer" && m.is("install", "update") && c.Has("--no-dev"):
			return m.program
		}
		if m.program == "npm" && m.is("install", "i", "ci") && c.Has("--production", "--only", "--omit") {
			return "npm"
		}
	}
	if removes(c, "node_modules") {
		return "npm"
	}
	return ""
}

var developmentRequirements = lazyregexp.New(`(^|[-_./])(dev|devel|development|test|tests|testing|lint)([-_./]|$)`)

// withDevelopment reports whether a command installs development dependencies.
func withDevelopment(in *Input, i int, env map[string]string, c *dockerfile.Command) (developmentInstall, bool) {
	set := func(name string) string {
		if v, ok := env[name]; ok {
			return v
		}
		return in.Scopes.Variable(in.Stage(i), i, name).Value
	}
	if m, ok := pipInstall(c); ok {
		if f, ok := c.Value("-r", "--requirement"); ok && developmentRequirements.MatchString(strings.TrimSuffix(f.Text, ".txt")+".") {
			return developmentInstall{tool: "pip"}, true
		}
		for _, w := range m.operands {
			if strings.HasPrefix(w.Text, ".[") && developmentRequirements.MatchString(strings.NewReplacer("[", "-", "]", "-", ",", "-").Replace(w.Text)) {
				return developmentInstall{tool: "pip"}, true
			}
		}
		return developmentInstall{}, false
	}
	d, ok := installsDependencies(c)
	if !ok || !hasDevelopment(in, d.tool) {
		return developmentInstall{}, false
	}
	switch d.tool {
	case "npm":
		flag := "--omit=dev"
		if major := nodeMajor(in.Stage(i)); major > 0 && major < 16 {
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

// nodeMajor is the major version of a stage's Node.js, by its base's tag; 0: it
// cannot be told.
func nodeMajor(s *dockerfile.Stage) int {
	ref := reference(baseName(s))
	if path.Base(ref.name) != "node" {
		return 0
	}
	major, _, _ := strings.Cut(ref.tag, ".")
	major, _, _ = strings.Cut(major, "-")
	n, err := strconv.Atoi(major)
	if err != nil {
		return 0
	}
	return n
}

// hasDevelopment reports whether the manifest of a tool in the context has
// development dependencies, as far as is known.
func hasDevelopment(in *Input, tool string) bool {
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
	b, err := in.Options.Context.Read(manifest, maxManifest)
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
