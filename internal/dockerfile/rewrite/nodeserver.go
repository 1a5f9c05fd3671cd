package rewrite

import (
	"path"
	"slices"
	"strings"
)

// nodePrograms do what they do within the application's folder.
var nodePrograms = []string{
	"npm", "yarn", "pnpm", "npx", "bun", "node", "tsc", "ng", "next", "nest", "nuxt", "vite", "webpack", "gulp", "grunt", "bower",
	"prisma", "react-scripts", "vue-cli-service", "node-gyp", "lerna", "nx", "turbo", "rollup", "parcel",
}

// binaries are programs whose package has another name.
var binaries = map[string]string{
	"nest": "@nestjs/cli", "ng": "@angular/cli", "tsc": "typescript", "dotenv": "dotenv-cli", "sequelize": "sequelize-cli", "vue-cli-service": "@vue/cli-service",
	"babel-node": "@babel/node", "remix-serve": "@remix-run/serve", "react-router-serve": "@react-router/serve", "swc-node": "@swc-node/register",
	"coffee": "coffee-script", "strapi": "@strapi/strapi", "pm2-runtime": "pm2", "pm2-docker": "pm2", "run-s": "npm-run-all", "run-p": "npm-run-all",
}

// server puts a server and the dependencies it runs with onto a slim Node.
func (a *nodeApp) server() error {
	at := &a.File.Instructions[a.start.at]
	if r := parseReference(a.stage.Base); r.official() != "node" {
		return refuse(a.from(), "a slim image for %s cannot be told: it is not the official image of Node", a.stage.BaseRaw)
	}
	if a.folder == "/" {
		return refuse(at, "the application lies in the root folder, and what of it is the application's cannot be told")
	}
	for _, t := range a.startTools() {
		if pkg := a.packageOf(t); a.devOnly(pkg) {
			return refuse(at, "the container starts %s, which package.json has for development only", t)
		}
	}
	if err := a.unseen(a.startTools()); err != nil {
		return err
	}
	if err := a.prune(); err != nil {
		return err
	}
	var err error
	if a.base, err = a.runtime(KindNode, a.stage); err != nil {
		return err
	}
	c := &carrying{conversion: a.conversion, folders: []string{a.folder}, programs: nodePrograms, tools: []string{"python", "python2", "python3", "python-is-python3"}, buildEnv: []string{"NPM_CONFIG_LOGLEVEL", "CYPRESS_INSTALL_BINARY", "HUSKY", "NODE_OPTIONS_BUILD"}}
	a.global()
	if manager := a.leftInBuild(); manager != "" {
		return refuse(at, "the container starts %s, which the image of Node has not and the build alone brings: start the program itself (node …)", manager)
	}
	if a.base != a.stage.BaseRaw {
		for _, k := range nodeClients {
			if a.depends(k.pkg...) && !slices.Contains(c.install, k.needs) {
				c.install = append(c.install, k.needs)
				a.note("%s needs %s, which the final stage installs", k.pkg[0], k.needs)
			}
		}
		if from, ok := a.source(a.folder, a.stage.End); ok {
			if err := c.startedBySources(from, nodeStarts, ".js", ".mjs", ".cjs", ".ts"); err != nil {
				return err
			}
		}
	}
	if err := c.carry(); err != nil {
		return err
	}
	c.fromBuild()
	if len(a.build) == 0 && len(c.dropped) == 0 && a.base == a.stage.BaseRaw {
		return refuse(nil, "nothing of the build would be left behind: the base is small, and no development dependencies are installed")
	}
	if a.base != a.stage.BaseRaw {
		a.undecided("whether the program starts others that the slim image has not (curl, git, python3, a compiler)")
	}
	return nil
}

// nodeClients are packages of npm that start a program of the system, or look
// for one: of the same name on Debian and on Alpine.
var nodeClients = []struct {
	pkg   []string
	needs string
}{
	{[]string{"prisma", "@prisma/client"}, "openssl"},
	{[]string{"simple-git"}, "git"},
	{[]string{"fluent-ffmpeg"}, "ffmpeg"},
	{[]string{"gm", "imagemagick"}, "imagemagick"},
}

// startTools are the programs that are started, wrappers included.
func (a *nodeApp) startTools() []string {
	var out []string
	add := func(name string) {
		if name != "" && !slices.Contains(out, name) {
			out = append(out, name)
		}
	}
	if len(a.start.words) > 0 {
		add(path.Base(a.start.words[0]))
	}
	for _, t := range a.tools {
		add(t.name)
	}
	for _, name := range []string{"prestart", "start"} {
		if a.started("start") {
			for _, cmd := range commandsOf(a.Scripts[name]) {
				add(cmd.Program()) // cross-env
			}
		}
	}
	for _, t := range a.tools {
		for i, arg := range t.args {
			if (arg == "-r" || arg == "--require" || arg == "--import" || arg == "--loader") && i+1 < len(t.args) {
				add(moduleOf(t.args[i+1]))
			}
		}
	}
	return out
}

// started reports whether a script of the package is what the container starts.
func (a *nodeApp) started(script string) bool {
	if len(a.start.words) == 0 {
		return false
	}
	t := tool{name: path.Base(a.start.words[0]), args: a.start.words[1:]}
	return slices.Contains(a.scriptNames(t), script)
}

// moduleOf is the package of a module: "ts-node/register" is ts-node's.
func moduleOf(name string) string {
	parts := strings.SplitN(name, "/", 3)
	if strings.HasPrefix(name, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func (a *nodeApp) packageOf(name string) string {
	if pkg, ok := binaries[name]; ok {
		return pkg
	}
	return name
}

// prune takes the development dependencies away at the end of the build.
func (a *nodeApp) prune() error {
	r := a.install()
	if r == nil {
		if len(a.Dependencies) > 0 {
			return refuse(nil, "no step is seen to install the dependencies in %s", a.folder)
		}
		return nil
	}
	for _, other := range a.runs() {
		if dir := path.Join(other.dir, a.prefix(other)); installs(other) && dir != a.folder {
			a.undecided("the dependencies in %s are kept as they are, development's too", dir)
		}
	}
	switch {
	case a.withoutDev(*r):
		a.note("development dependencies are not installed as it is")
		return nil
	case len(a.DevDependencies) == 0:
		a.note("package.json has no development dependencies")
		return nil
	}
	manager, berry := a.manager()
	var line string
	switch {
	case berry:
		return refuse(&a.File.Instructions[r.at], "yarn of version 2 and later cannot take development dependencies away again without a plugin")
	case manager == "npm" && old(a.stage.Base):
		line = "npm prune --production"
	case manager == "npm":
		line = "npm prune --omit=dev"
	case manager == "yarn":
		line = "yarn install --production --ignore-scripts --prefer-offline"
	case manager == "pnpm" && len(a.Workspaces) == 0:
		line = "pnpm prune --prod"
	default:
		return refuse(&a.File.Instructions[r.at], "how %s takes development dependencies away again is not known here", manager)
	}
	a.build = append(a.build, "RUN "+line)
	a.note("development dependencies are taken away when the build has ended: %s", line)
	why := "development dependencies are needed by the build alone"
	a.change(path.Join(a.folder, "node_modules"), why)
	return nil
}

// old reports whether an image of Node has an npm that does not know --omit.
func old(base string) bool {
	n := parseReference(base).major()
	return n > 0 && n < 16
}

// leftInBuild is a package manager that is started, and that the final stage would not
// have: one that corepack makes, or that no step which the stage takes over installs.
func (a *nodeApp) leftInBuild() string {
	corepack := slices.ContainsFunc(a.runs(), func(r run) bool { return r.Program() == "corepack" })
	for _, t := range a.startTools() {
		known := t == "pnpm" || t == "pnpx" || t == "bun" || t == "bunx"
		if !known && (t != "yarn" || !corepack) {
			continue
		}
		if !slices.ContainsFunc(a.globals, func(name string) bool {
			return name == a.packageOf(t) || name == "pnpm" && t == "pnpx" || name == "bun" && t == "bunx"
		}) {
			return t
		}
	}
	return ""
}

// global puts programs that are installed for all into the final stage where
// they are started.
func (a *nodeApp) global() {
	tools := a.startTools()
	for _, r := range a.runs() {
		if !slices.Contains([]string{"npm", "pnpm"}, r.Program()) || !r.Has("-g", "--global") {
			continue
		}
		for _, w := range r.Operands()[min(1, len(r.Operands())):] {
			name := moduleOf(w.Text)
			if i := strings.LastIndexByte(w.Text, '@'); i > 0 {
				name = w.Text[:i]
			}
			if slices.ContainsFunc(tools, func(t string) bool { return a.packageOf(t) == name || t == name }) && len(r.Within) == 0 {
				a.take(r.at)
				a.globals = append(a.globals, name)
				if len(a.script(r.at).Commands) > 1 {
					a.replaced[r.at] = "RUN " + string(a.File.Bytes[r.Span.Start:r.Span.End])
				}
				a.note("%s is installed for all, and started: the final stage installs it too", name)
			}
		}
	}
}
