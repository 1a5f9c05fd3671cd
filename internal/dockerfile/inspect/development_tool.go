package inspect

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// packageManifest is what a package.json says of scripts and of what is for
// development only.
type packageManifest struct {
	Scripts         map[string]string `json:"scripts"`
	DevDependencies map[string]string `json:"devDependencies"`
}

// UsesDevelopment is what runs a development dependency of a JavaScript project
// after the install in instruction i: a later step, or what is started. Where no
// manifest says what a script runs, any script may. "": nothing does.
func (in *Input) UsesDevelopment(i int, tool string) string {
	node := slices.Contains(NodeManagers, tool)
	var m *packageManifest
	only := in.forDevelopmentOnly(tool)
	if node && in.Options.Context != nil {
		if b, err := in.Options.Context.Read("package.json", MaxManifest); err == nil {
			m = &packageManifest{}
			if json.Unmarshal(b, m) != nil {
				m = nil
			}
		}
	}
	used := ""
	look := func(c *dockerfile.Command) {
		switch {
		case used != "":
		case node:
			used = m.developmentTool(c)
		default:
			used = runsDevelopment(c, tool, only)
		}
	}
	for _, st := range in.File.Chain(in.Final()) {
		for n := st.From + 1; n < st.End; n++ {
			if n <= i && st == in.Stage(i) || in.File.Instructions[n].Cmd != "RUN" {
				continue
			}
			for k := range in.Script(n).Commands {
				look(&in.Script(n).Commands[k])
			}
		}
	}
	after := false
	for k := range in.Script(i).Commands { // of the same RUN, after the install
		c := &in.Script(i).Commands[k]
		if after {
			look(c)
		}
		if d, ok := InstallsDependencies(c); ok && d.Tool == tool {
			after = true
		}
	}
	in.EachStarted(func(_ int, c *dockerfile.Command, _ int) { look(c) })
	return used
}

// developmentTool is what of a command comes from the development dependencies,
// as far as can be told; "": nothing.
func (m *packageManifest) developmentTool(c *dockerfile.Command) string {
	p := c.Program()
	args := c.Operands()
	switch p {
	case "npx", "pnpx", "bunx":
		if len(args) > 0 {
			return m.fromDevelopment(args[0].Text, true)
		}
		return ""
	case "npm", "yarn", "pnpm":
		if len(args) == 0 {
			return ""
		}
		script := args[0].Text
		switch {
		case (script == "run" || script == "run-script" || script == "exec" || script == "dlx") && len(args) > 1:
			script = args[1].Text
		case slices.Contains([]string{"start", "test", "restart"}, script):
		case p == "npm" || slices.Contains([]string{"install", "add", "ci", "cache", "config", "set", "global", "prune", "rebuild", "i"}, script):
			return ""
		}
		if m == nil {
			return p + " " + script
		}
		text, ok := m.Scripts[script]
		if !ok {
			return m.fromDevelopment(script, false)
		}
		for _, part := range []string{m.Scripts["pre"+script], text, m.Scripts["post"+script]} {
			for _, w := range strings.FieldsFunc(part, func(r rune) bool { return strings.ContainsRune(" \t&|;()", r) }) {
				if t := m.fromDevelopment(strings.Trim(w, `"'`), false); t != "" {
					return t
				}
			}
		}
		return ""
	}
	return m.fromDevelopment(p, false)
}

// developmentPrograms are programs of packages whose name is another, and those
// that are known to be for development where no manifest says so.
var developmentPrograms = map[string]string{
	"tsc": "typescript", "ts-node": "ts-node", "ts-node-dev": "ts-node-dev", "tsx": "tsx", "nodemon": "nodemon", "nest": "@nestjs/cli", "ng": "@angular/cli",
	"webpack": "webpack", "vite": "vite", "rollup": "rollup", "parcel": "parcel", "gulp": "gulp", "grunt": "grunt", "jest": "jest", "mocha": "mocha",
	"eslint": "eslint", "babel": "@babel/cli", "babel-node": "@babel/node", "vue-cli-service": "@vue/cli-service", "react-scripts": "react-scripts",
	"prisma": "prisma", "cross-env": "cross-env", "concurrently": "concurrently", "rimraf": "rimraf", "husky": "husky", "sequelize": "sequelize-cli",
}

// fromDevelopment is the program if a development dependency has it; likely: it
// is one of a package at any rate.
func (m *packageManifest) fromDevelopment(program string, likely bool) string {
	program = path.Base(program)
	owner, known := developmentPrograms[program]
	if m == nil {
		if known || likely {
			return program
		}
		return ""
	}
	for name := range m.DevDependencies {
		if name == program || path.Base(name) == program || known && name == owner || strings.TrimSuffix(path.Base(name), "-cli") == program {
			return program
		}
	}
	return ""
}

// testers are programs that are for development alone, in languages other than
// JavaScript.
var testers = strings.Fields(`pytest py.test tox nox mypy ruff black flake8 pylint isort coverage ipython debugpy bandit watchmedo rspec rubocop cucumber guard brakeman
	minitest phpunit phpstan phpcs pest psalm php-cs-fixer behat codecept phpcbf paratest infection`)

// runsDevelopment is what a command runs of the development dependencies that a
// tool of Python, Ruby or PHP installs; empty: nothing that is known. only says
// whether a word is the name of such a dependency.
func runsDevelopment(c *dockerfile.Command, tool string, only func(string) bool) string {
	words := c.Words
	for i, w := range words {
		name := path.Base(w.Text)
		switch {
		case name == "uv" && tool == "uv" && i+1 < len(words) && words[i+1].Text == "run" && !c.Has("--no-dev", "--no-sync", "--frozen-no-dev"):
			return "uv run, which installs them again"
		case slices.Contains(testers, name), only(name):
			return name
		}
	}
	return ""
}

// forDevelopmentOnly reports whether a name is that of a dependency that a manifest
// beside the Dockerfile has for development alone.
func (in *Input) forDevelopmentOnly(tool string) func(string) bool {
	file, starts := "", []string(nil)
	switch tool {
	case "poetry", "uv", "pdm":
		file, starts = "pyproject.toml", []string{"[tool.poetry.dev-dependencies]", "[tool.poetry.group.", "[dependency-groups]", "[tool.pdm.dev-dependencies]", "dev-dependencies = ["}
	case "pipenv":
		file, starts = "Pipfile", []string{"[dev-packages]"}
	case "bundle":
		file, starts = "Gemfile", []string{"group :development", "group :test"}
	case "composer":
		file, starts = "composer.json", []string{`"require-dev"`}
	}
	none := func(string) bool { return false }
	if file == "" || in.Options.Context == nil {
		return none
	}
	b, err := in.Options.Context.Read(file, MaxManifest)
	if err != nil {
		return none
	}
	names := map[string]bool{}
	within := false
	for line := range strings.Lines(string(b)) {
		text := strings.TrimSpace(line)
		switch {
		case slices.ContainsFunc(starts, func(s string) bool { return strings.HasPrefix(text, s) }):
			within = true
			continue
		case strings.HasPrefix(text, "[") && file != "composer.json", text == "end", text == "}", text == "},":
			within = false
		}
		if within {
			for _, w := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(` "'=<>~!;,[]{}():`, r) }) {
				if !slices.Contains([]string{"gem", "dev", "test", "docs", "lint", "version", "require", "false", "true", "python", "dependencies", "group", "ruby", "php"}, w) {
					names[path.Base(w)] = true
				}
			}
			if strings.HasPrefix(text, "gem ") {
				if _, rest, ok := strings.Cut(strings.ReplaceAll(text, "'", `"`), `"`); ok {
					name, _, _ := strings.Cut(rest, `"`)
					names[name] = true
				}
			}
		}
	}
	return func(name string) bool { return len(name) > 2 && names[name] }
}
