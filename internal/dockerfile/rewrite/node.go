package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// nodeApp is what is known of the application that a file builds with Node.
type nodeApp struct {
	*conversion
	*manifest
	folder string // of the application, in the image
	start  started
	tools  []tool // what is started, scripts followed

	globals []string // packages that the final stage installs for all
}

var nodeManagers = []string{"npm", "yarn", "pnpm", "bun", "npx"}

func isNode(c *conversion) bool {
	if r := parseReference(c.stage.Base); r.official() == "node" || strings.HasSuffix(r.Name, "/node") {
		return true
	}
	return slices.ContainsFunc(c.runs(), func(r run) bool { return slices.Contains(nodeManagers[:3], r.Program()) }) &&
		slices.Contains(nodeManagers, c.first())
}

// first is the program that a container starts; empty: it cannot be told.
func (c *conversion) first() string {
	if s := c.start(); len(s.words) > 0 {
		return path.Base(s.words[0])
	}
	return ""
}

func convertNode(c *conversion) error {
	if c.Context == nil {
		return refuse(nil, "the build context is not known, and package.json in it says what is built and started")
	}
	a := &nodeApp{conversion: c, start: c.start()}
	if a.start.at < 0 {
		return refuse(nil, "the file has neither CMD nor ENTRYPOINT: what a container of it is for cannot be told")
	}
	folder, ok := c.workdir(c.stage, c.stage.End)
	if !ok {
		return refuse(nil, "the working directory cannot be told")
	}
	a.folder = folder
	text, ok := c.read(path.Join(folder, "package.json"), c.stage.End)
	if !ok {
		return refuse(nil, "no package.json of the build context is copied to %s, where the container starts", folder)
	}
	var err error
	if a.manifest, err = parseManifest(text); err != nil {
		return refuse(nil, "package.json cannot be read (%v)", err)
	}
	if a.tools, ok = a.manifest.tools(a.commands(), 0); !ok || len(a.tools) == 0 {
		return refuse(&c.File.Instructions[a.start.at], "what is started cannot be told")
	}
	if last := a.tools[len(a.tools)-1]; fileServer(last) != nil {
		return a.frontEnd(last)
	}
	return a.server()
}

// commands are what the container starts.
func (a *nodeApp) commands() []dockerfile.Command {
	if a.start.words == nil {
		return a.script(a.start.at).Commands
	}
	cmd := dockerfile.Command{Input: -1}
	for _, w := range a.start.words {
		cmd.Words = append(cmd.Words, dockerfile.ShellWord{Text: w, Literal: true})
	}
	return []dockerfile.Command{cmd}
}

// manager is the package manager that installs the dependencies, and whether it
// is yarn of version 2 or later.
func (a *nodeApp) manager() (name string, berry bool) {
	name = "npm"
	for _, r := range a.runs() {
		if p := r.Program(); slices.Contains(nodeManagers[:4], p) && installs(r) {
			name = p
		}
	}
	v, _ := strings.CutPrefix(a.PackageManager, "yarn@")
	return name, name == "yarn" && v != "" && !strings.HasPrefix(v, "1") && v != a.PackageManager
}

// installs reports whether a command installs what package.json asks for.
func installs(r run) bool {
	ops := r.Operands("--prefix", "--cwd", "-C", "--dir", "--registry", "--network-timeout", "--cache", "--loglevel")
	switch r.Program() {
	case "yarn":
		return (len(ops) == 0 || ops[0].Text == "install") && !r.Has("--version", "-v")
	case "npm", "pnpm", "bun":
		return len(ops) == 1 && slices.Contains([]string{"ci", "install", "i", "clean-install", "add"}, ops[0].Text) && !r.Has("-g", "--global")
	}
	return false
}

// withoutDev reports whether an install leaves development dependencies out.
func (a *nodeApp) withoutDev(r run) bool {
	if v, ok := r.Value("--omit", "--only"); ok {
		return v.Text == "dev" || v.Text == "prod" || v.Text == "production"
	}
	if r.Has("--production", "--prod", "-P") {
		return true
	}
	for _, s := range r.Assigns {
		if s.Name == "NODE_ENV" {
			return s.Value.Text == "production"
		}
	}
	return a.Scopes.Variable(a.stage, r.at, "NODE_ENV").Value == "production" && !r.Has("--include")
}
