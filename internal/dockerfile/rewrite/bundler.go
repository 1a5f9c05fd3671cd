package rewrite

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

var viteConfigs = []string{"vite.config.js", "vite.config.ts", "vite.config.mjs", "vite.config.mts", "vite.config.cjs", "vite.config.cts"}

// building is a program that makes a folder of files out of sources.
type building struct {
	pkg    string // the package that has it
	folder string // where it puts them if nothing says otherwise; empty: only a flag says
	flags  []string
	// configs and key say where the folder is configured.
	configs []string
	key     string
}

// bundler is what is known of a program that builds a site; nil: it does not.
func bundler(t tool) *building {
	op := t.operand()
	switch {
	case t.name == "vite" && op == "build":
		return &building{"vite", "dist", []string{"--outDir"}, viteConfigs, "build.outDir"}
	case (t.name == "react-scripts" || t.name == "craco" || t.name == "react-app-rewired") && op == "build":
		return &building{"react-scripts", "build", nil, nil, ""}
	case t.name == "vue-cli-service" && op == "build":
		return &building{"@vue/cli-service", "dist", []string{"--dest"}, []string{"vue.config.js", "vue.config.cjs"}, "outputDir"}
	case t.name == "ng" && op == "build":
		return &building{"@angular/cli", "", []string{"--output-path"}, nil, ""}
	case t.name == "astro" && op == "build":
		return &building{"astro", "dist", nil, []string{"astro.config.mjs", "astro.config.js", "astro.config.ts"}, "outDir"}
	case t.name == "parcel" && op == "build":
		return &building{"parcel", "dist", []string{"--dist-dir", "-d"}, nil, ""}
	case t.name == "webpack" && op != "serve" || t.name == "webpack-cli":
		return &building{"webpack", "", []string{"--output-path", "-o"}, nil, ""}
	}
	return nil
}

// built is the folder of the image that the build fills, and makes sure that
// there is a build.
func (a *nodeApp) built(s *serving) (string, error) {
	at := &a.File.Instructions[a.start.at]
	var found *tool
	dir := a.folder
	for _, r := range a.runs() {
		in := path.Join(r.dir, a.prefix(r))
		if r.dir == "" || in != a.folder {
			continue
		}
		tools, _ := a.manifest.tools(commandsAt(r), 0)
		for i := range tools {
			if bundler(tools[i]) != nil {
				found = &tools[i]
			}
		}
	}
	if found == nil {
		if found = a.buildLater(s); found == nil {
			return "", refuse(at, "no step builds the site, and no script of package.json is known to")
		}
	}
	b := bundler(*found)
	if r := a.install(); r != nil && a.withoutDev(*r) && a.devOnly(b.pkg) {
		return "", refuse(&a.File.Instructions[r.at], "development dependencies are not installed, and %s, which builds the site, is one", b.pkg)
	}
	out, err := a.output(*found, b)
	if err != nil {
		return "", err
	}
	if served := a.served(); served != "" && path.Join(dir, served) != path.Join(dir, out) {
		return "", refuse(at, "%s is served, and %s is what %s builds", served, out, found.name)
	}
	if path.IsAbs(out) {
		return path.Clean(out), nil
	}
	if out = path.Join(dir, out); out == dir {
		return "", refuse(at, "%s builds into %s itself, among the sources", found.name, dir)
	}
	a.note("%s builds the site into %s", found.name, out)
	return out, nil
}

// prefix is the folder that a package manager is told to work in.
func (a *nodeApp) prefix(r run) string {
	if v, ok := r.Value("--prefix", "--cwd", "--dir"); ok && slices.Contains(nodeManagers, r.Program()) {
		return v.Text
	}
	return ""
}

// buildLater adds the build that the start script, or nobody yet, does.
func (a *nodeApp) buildLater(*serving) *tool {
	manager, _ := a.manager()
	script := ""
	for _, name := range []string{"build", "build:prod", "build:production"} {
		if a.Scripts[name] != "" {
			script = name
			break
		}
	}
	if script == "" {
		return nil
	}
	line := manager + " run " + script
	tools, _ := a.manifest.tools(commandsOf(line), 0)
	for i := range tools {
		if bundler(tools[i]) != nil {
			a.build = append(a.build, "RUN "+line)
			a.note("the site is built by the script %q, which no step ran", script)
			return &tools[i]
		}
	}
	return nil
}

// install is the command that installs the application's dependencies.
func (a *nodeApp) install() *run {
	var out *run
	for _, r := range a.runs() {
		if installs(r) && path.Join(r.dir, a.prefix(r)) == a.folder {
			out = &r
		}
	}
	return out
}

// served is the folder that the server was told to serve.
func (a *nodeApp) served() string {
	t := a.tools[len(a.tools)-1]
	switch t.name {
	case "serve", "http-server":
	case "vite":
		return t.flag("--outDir")
	default:
		return ""
	}
	skip := false
	for _, arg := range t.args {
		switch {
		case skip:
			skip = false
		case slices.Contains([]string{"-l", "--listen", "-p", "--port", "-c", "-a", "-d", "-e"}, arg):
			skip = t.name == "serve" || arg != "-d" // http-server's -d has no value
		case !strings.HasPrefix(arg, "-"):
			return arg
		}
	}
	return "."
}

// output is the folder that a build fills, relative to the application's.
func (a *nodeApp) output(t tool, b *building) (string, error) {
	at := &a.File.Instructions[a.start.at]
	if v := t.flag(b.flags...); v != "" {
		return v, nil
	}
	switch b.pkg {
	case "react-scripts":
		if v := a.Scopes.Variable(a.stage, a.stage.End, "BUILD_PATH"); v.Set {
			return v.Value, nil
		}
		if v := t.env["BUILD_PATH"]; v != "" {
			return v, nil
		}
		if t.name != "react-scripts" {
			a.undecided("whether the configuration of %s changes the folder of the build: %s is its default", t.name, b.folder)
		}
	case "@angular/cli":
		return a.angular(t)
	case "webpack":
		return "", refuse(at, "webpack builds, and which folder into only its configuration's code says")
	}
	name, text, ok := a.file(a.folder, a.stage.End, b.configs...)
	if !ok {
		return b.folder, nil
	}
	set := settings(text)
	for _, key := range []string{"base", "publicPath"} {
		if v, there := set[key]; there && (!v.literal || v.value != "/" && v.value != "./" && v.value != "") {
			return "", refuse(at, "%s in %s puts the site elsewhere than at the root of a server", key, name)
		}
		if v, there := find(set, key); there && v.literal && v.value != "/" && v.value != "./" && v.value != "" {
			return "", refuse(at, "%s in %s puts the site elsewhere than at the root of a server", key, name)
		}
	}
	for _, key := range []string{"proxy", "configureServer", "configurePreviewServer", "devServer.proxy"} {
		if _, there := find(set, key); there {
			return "", refuse(at, "%s in %s has the server do more than serve files", key, name)
		}
	}
	if v, there := find(set, "root"); there && (!v.literal || path.Clean(v.value) != ".") {
		return "", refuse(at, "root in %s moves the sources, and with them the folder that is built into", name)
	}
	v, there := find(set, b.key)
	switch {
	case !there:
		return b.folder, nil
	case !v.literal || v.value == "":
		return "", refuse(at, "which folder %s builds into cannot be told: %s in %s is no plain string", t.name, b.key, name)
	}
	return v.value, nil
}

// find looks a key up by the end of its path.
func find(set map[string]setting, key string) (setting, bool) {
	if v, ok := set[key]; ok {
		return v, true
	}
	var out setting
	found := false
	for k, v := range set {
		if strings.HasSuffix(k, "."+key) {
			if found && out != v {
				return setting{}, true
			}
			out, found = v, true
		}
	}
	return out, found
}

// angular reads the folder from angular.json.
func (a *nodeApp) angular(t tool) (string, error) {
	at := &a.File.Instructions[a.start.at]
	_, text, ok := a.file(a.folder, a.stage.End, "angular.json")
	if !ok {
		return "", refuse(at, "ng builds, and angular.json, which says into which folder, is not in the build context")
	}
	type target struct {
		Builder string
		Options struct{ OutputPath json.RawMessage }
	}
	var conf struct {
		DefaultProject string
		Projects       map[string]struct{ Architect, Targets map[string]target }
	}
	if err := json.Unmarshal([]byte(text), &conf); err != nil {
		return "", refuse(at, "angular.json cannot be read (%v)", err)
	}
	name := conf.DefaultProject
	if len(t.args) > 1 && !strings.HasPrefix(t.args[1], "-") {
		name = t.args[1]
	}
	if name == "" && len(conf.Projects) == 1 {
		for n := range conf.Projects {
			name = n
		}
	}
	project, ok := conf.Projects[name]
	if !ok {
		return "", refuse(at, "which project of angular.json is built cannot be told")
	}
	b, ok := project.Architect["build"]
	if !ok {
		b = project.Targets["build"]
	}
	browser := strings.HasSuffix(b.Builder, ":application")
	var plain string
	if json.Unmarshal(b.Options.OutputPath, &plain) != nil {
		object := struct {
			Base    string
			Browser *string
		}{}
		if json.Unmarshal(b.Options.OutputPath, &object) != nil && !browser {
			return "", refuse(at, "angular.json does not say which folder %s is built into", name)
		}
		if plain = object.Base; object.Browser != nil && plain != "" {
			return path.Join(plain, *object.Browser), nil
		}
	}
	if plain == "" {
		if !browser {
			return "", refuse(at, "angular.json does not say which folder %s is built into", name)
		}
		plain = "dist/" + name
	}
	if browser {
		plain = path.Join(plain, "browser")
	}
	return plain, nil
}
