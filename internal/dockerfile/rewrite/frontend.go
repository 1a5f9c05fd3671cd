package rewrite

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// serving is a program that only hands files of a folder out, or a
// development server that could do with it.
type serving struct {
	port     string // where it listens if nothing says otherwise
	portEnv  bool   // the variable PORT says otherwise
	fallback bool   // what is no file is answered with index.html
	dev      bool   // it serves sources, and builds as it goes
}

// fileServer is what is known of a program that serves files; nil: it does not.
func fileServer(t tool) *serving {
	op := t.operand()
	switch t.name {
	case "vite":
		switch op {
		case "preview":
			return &serving{port: "4173", fallback: true}
		case "", "dev", "serve":
			return &serving{port: "5173", fallback: true, dev: true}
		}
	case "serve":
		return &serving{port: "3000", portEnv: true, fallback: t.has("-s", "--single")}
	case "http-server":
		return &serving{port: "8080", portEnv: true}
	case "react-scripts", "craco", "react-app-rewired":
		if op == "start" {
			return &serving{port: "3000", portEnv: true, fallback: true, dev: true}
		}
	case "vue-cli-service":
		if op == "serve" {
			return &serving{port: "8080", fallback: true, dev: true}
		}
	case "ng":
		if op == "serve" {
			return &serving{port: "4200", fallback: true, dev: true}
		}
	case "astro":
		if op == "preview" {
			return &serving{port: "4321"}
		}
	case "webpack-dev-server":
		return &serving{port: "8080", dev: true}
	case "webpack":
		if op == "serve" {
			return &serving{port: "8080", dev: true}
		}
	}
	return nil
}

// frameworks answer requests themselves, whatever serves them.
var frameworks = []string{"next", "nuxt", "nuxt3", "@sveltejs/kit", "@remix-run/node", "@remix-run/serve", "@react-router/serve", "@solidjs/start", "@angular/ssr", "@nguniversal/express-engine"}

// frontEnd puts what is built onto nginx.
func (a *nodeApp) frontEnd(t tool) error {
	at := &a.File.Instructions[a.start.at]
	s := fileServer(t)
	for _, f := range frameworks {
		if a.depends(f) {
			return refuse(at, "package.json depends on %s, which may answer requests itself: files alone do not do", f)
		}
	}
	for _, other := range a.tools[:len(a.tools)-1] {
		if bundler(other) == nil && !slices.Contains([]string{"tsc", "vue-tsc", "rimraf", "eslint", "echo", "rm"}, other.name) {
			return refuse(at, "before %s the container starts %s, and what that does cannot be told", t.name, other.name)
		}
	}
	if err := a.proxied(at, s); err != nil {
		return err
	}
	built, err := a.built(s)
	if err != nil {
		return err
	}
	port, err := a.port(t, s)
	if err != nil {
		return err
	}
	if s.dev {
		a.note("a development server (%s) was started; what it served is built once, and nginx serves that", t.name)
		a.undecided("whether anything relied on the development server alone (reloading, messages in the page): nginx serves the production build")
	}
	conf, err := a.newFile("nginx.conf", "nginx.default.conf", "nginx.site.conf")
	if err != nil {
		return err
	}
	a.create(conf, a.lines(siteText(port, s.fallback)))
	a.note("nginx listens on port %s, where %s listened", port, t.name)
	if s.fallback {
		a.note("what is no file is answered with index.html, as %s did", t.name)
	}
	return a.ontoNginx(built, conf, port)
}

// siteText is the configuration of the site.
func siteText(port string, fallback bool) string {
	missing := "=404"
	if fallback {
		missing = "/index.html"
	}
	return fmt.Sprintf(`server {
    listen %s;
    root %s;

    location / {
        try_files $uri $uri/ %s;
    }
}
`, port, siteRoot, missing)
}

// newFile is the first of some names that the context has not, and that its
// ignore file lets in.
func (a *nodeApp) newFile(names ...string) (string, error) {
	for _, name := range names {
		if _, err := fs.Stat(a.Context.FS, name); err == nil {
			continue
		}
		if a.Context.Ignored(name) {
			return "", refuse(nil, "%s keeps a new %s out of the build; let it in", a.Context.IgnoreFile, name)
		}
		return name, nil
	}
	return "", refuse(nil, "the build context has files of all the names that nginx's configuration could have")
}

// proxied refuses what the server did besides serving files.
func (a *nodeApp) proxied(at *dockerfile.Instruction, s *serving) error {
	if len(a.Proxy) > 0 && s.dev {
		return refuse(at, "package.json has the development server pass requests on (proxy), which nginx would have to do")
	}
	if _, rest, ok := strings.Cut(strings.TrimPrefix(a.Homepage, "https://"), "/"); ok && s.dev && rest != "" {
		return refuse(at, "package.json says that the site is at %s, and not at the root of a server", a.Homepage)
	}
	if a.start.at >= 0 && s.dev {
		if _, _, ok := a.file(a.folder, a.stage.End, "src/setupProxy.js", "src/setupProxy.ts"); ok {
			return refuse(at, "src/setupProxy has the development server pass requests on, which nginx would have to do")
		}
	}
	return nil
}

// port is where the server listened.
func (a *nodeApp) port(t tool, s *serving) (string, error) {
	at := &a.File.Instructions[a.start.at]
	port := t.flag("--port", "-p")
	if t.name == "serve" && port == "" {
		port = t.flag("-l", "--listen")
		port = port[strings.LastIndexByte(port, ':')+1:]
	}
	if port == "" && s.portEnv {
		if port = t.env["PORT"]; port == "" {
			port = a.Scopes.Variable(a.stage, a.stage.End, "PORT").Value
		}
	}
	if port == "" && t.name == "vite" {
		_, text, _ := a.file(a.folder, a.stage.End, viteConfigs...)
		key := "preview.port"
		if s.dev {
			key = "server.port"
		}
		if v, there := find(settings(text), key); there {
			if !v.literal {
				return "", refuse(at, "which port vite listens on cannot be told: %s in its configuration is no plain number", key)
			}
			port = v.value
		}
	}
	if name, ok := strings.CutPrefix(port, "$"); ok {
		port = a.Scopes.Variable(a.stage, a.stage.End, strings.Trim(name, "{}")).Value
	}
	if port == "" {
		port = s.port
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", refuse(at, "which port %s listens on cannot be told (%q)", t.name, port)
	}
	a.each("EXPOSE", func(i int, in *dockerfile.Instruction) {
		for _, w := range in.Args {
			text, _ := a.Scopes.Expand(a.stage, i, w)
			if p, _, _ := strings.Cut(text, "/"); p != port {
				a.undecided("EXPOSE says %s, and %s listened on %s: nginx listens on %s, and EXPOSE is left as it is", text, t.name, port, port)
			}
		}
	})
	return port, nil
}

// ontoNginx makes the final stage.
func (a *nodeApp) ontoNginx(built, conf, port string) error {
	base, err := a.runtime(KindNginx, a.stage)
	if err != nil {
		return err
	}
	if a.base, err = a.healthOnNginx(base); err != nil {
		return err
	}
	a.copies = []string{
		"COPY " + conf + " " + siteConf,
		"COPY --from=build " + built + " " + siteRoot,
	}
	a.copyAt = a.stage.End
	for _, cmd := range []string{"EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL"} {
		a.each(cmd, func(i int, _ *dockerfile.Instruction) { a.copyAt = min(a.copyAt, i) })
	}
	a.startNginx()
	if err := a.userOnNginx(port); err != nil {
		return err
	}
	a.each("VOLUME", func(i int, in *dockerfile.Instruction) {
		a.places[i] = gone
		a.note("VOLUME %s is left out: nginx serves files that do not change", strings.Join(in.Args, " "))
	})
	a.unneeded()
	a.left(built)
	return nil
}

// startNginx puts nginx's command in the place of what was started.
func (a *nodeApp) startNginx() {
	const cmd = `CMD ["nginx", "-g", "daemon off;"]`
	last := max(a.last("CMD"), a.last("ENTRYPOINT"))
	for _, name := range []string{"CMD", "ENTRYPOINT"} {
		a.each(name, func(i int, _ *dockerfile.Instruction) {
			a.places[i] = gone
			if i == last {
				a.places[i] = moves
				a.replaced[i] = cmd
			}
		})
	}
}

// healthOnNginx is the base with what HEALTHCHECK runs.
func (a *nodeApp) healthOnNginx(base string) (string, error) {
	i := a.last("HEALTHCHECK")
	if i < 0 {
		return base, nil
	}
	if raw := a.File.Instructions[i].Raw; strings.Contains(raw, "//localhost") {
		a.replaced[i] = strings.ReplaceAll(raw, "//localhost", "//127.0.0.1")
		a.note("HEALTHCHECK asks 127.0.0.1 and not localhost, which may be an address that nginx does not listen on")
	}
	for n := range a.script(i).Commands {
		cmd := &a.script(i).Commands[n]
		switch p := cmd.Program(); {
		case p == "curl" && strings.HasSuffix(base, nginxImage):
			a.note("HEALTHCHECK runs curl, which %s has not, and %s has", base, strings.TrimSuffix(base, "-slim"))
			base = strings.TrimSuffix(base, "-slim")
		case p == "curl":
			a.undecided("whether %s has curl, which HEALTHCHECK runs", base)
		case len(cmd.Words) == 0, slices.Contains(busybox, p):
		default:
			return "", refuse(&a.File.Instructions[i], "HEALTHCHECK runs %s, which nginx's image has not", cmd.Words[0].Text)
		}
	}
	return base, nil
}

// busybox has these, as far as checks and start scripts use them.
var busybox = []string{"sh", "wget", "nc", "exit", "test", "[", "true", "false", "echo", "cat", "grep", "sleep", "kill", "pgrep", "ps", "printf", ":"}

// userOnNginx keeps the final stage from root if the file did.
func (a *nodeApp) userOnNginx(port string) error {
	u := a.Scopes.User(a.stage, a.stage.End)
	at := a.last("USER")
	a.each("USER", func(i int, _ *dockerfile.Instruction) {
		if i > a.lastBuilding() {
			a.places[i] = gone
		}
	})
	if at < 0 || isRoot(u.Value) {
		return nil
	}
	if n, _ := strconv.Atoi(port); n < 1024 {
		a.undecided("whether port %s may be opened by a user that is not root: the engine's default lets it", port)
	}
	a.copies = append(a.copies, "", "RUN "+nginxOwns, "USER nginx")
	a.note("the final stage runs as nginx, since the file does not run as root (USER %s)", u.Value)
	return nil
}

func isRoot(user string) bool {
	name, _, _ := strings.Cut(user, ":")
	return name == "" || name == "root" || name == "0"
}

// lastBuilding is the last instruction that the build needs.
func (c *conversion) lastBuilding() int {
	at := c.stage.From
	for _, cmd := range []string{"RUN", "COPY", "ADD"} {
		at = max(at, c.last(cmd))
	}
	return at
}

// unneeded takes programs away that were installed to serve the files.
func (a *nodeApp) unneeded() {
	a.each("RUN", func(i int, _ *dockerfile.Instruction) {
		words := plainWords(a.script(i).Commands)
		if len(words) < 4 || !slices.Contains([]string{"npm", "pnpm"}, words[0]) || !slices.Contains(words, "-g") && !slices.Contains(words, "--global") {
			return
		}
		for _, w := range words[1:] {
			name, _, _ := strings.Cut(w, "@")
			if !strings.HasPrefix(w, "-") && !slices.Contains([]string{"install", "i", "add", "serve", "http-server"}, name) {
				return
			}
		}
		a.places[i] = gone
		a.note("%s is not installed any more: nginx serves the files", words[len(words)-1])
	})
}

// left says what of the image is not in the final stage.
func (a *nodeApp) left(built string) {
	a.moved(built, siteRoot, "nginx serves what was built from there")
	a.change(siteConf, "nginx's configuration of the site")
	a.leftBehind(ofTheBuild, path.Join(a.folder, "node_modules"))
	if m, _ := a.manager(); m != "" {
		a.change(path.Join(a.folder, map[string]string{"npm": "package-lock.json", "yarn": "yarn.lock", "pnpm": "pnpm-lock.yaml", "bun": "bun.lockb"}[m]), ofTheBuild)
	}
}
