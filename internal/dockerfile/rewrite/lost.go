package rewrite

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// fullHas are packages that the full images of languages have, as they stand on
// buildpack-deps, and their slim ones do not.
var fullHas = strings.Fields(`git imagemagick libmagickwand-6.q16-6 libpq5 libmariadb3 libxml2 libxslt1.1 libmagic1 libcurl4 openssl gnupg curl wget unzip
	mercurial subversion libyaml-0-2 libglib2.0-0 libwebp7 libjpeg62-turbo libpng16-16 libfreetype6 libgmp10 libevent-2.1-7 python3 openssh-client xz-utils libicu72`)

// fullImages are the languages whose full images are like that.
var fullImages = []string{"python", "node", "ruby", "golang", "rust", "perl", "openjdk", "gcc", "erlang", "elixir", "haskell", "pypy"}

// compiled are packages of languages that are built where they are installed,
// which takes a compiler.
var compiled = map[string][]string{
	"python": {"psycopg2", "mysqlclient", "uwsgi", "python-ldap", "pycurl", "pygraphviz", "dbus-python", "pyaudio", "pysqlite3", "pyodbc", "xmlsec", "netifaces"},
	"node":   {"node-sass", "node-rdkafka", "ibm_db", "robotjs", "fibers", "deasync", "microtime", "sodium-native", "grpc", "kerberos", "leveldown", "node-libcurl"},
	"ruby": {
		"pg", "mysql2", "bcrypt", "puma", "nio4r", "bootsnap", "msgpack", "eventmachine", "thin", "unicorn", "byebug", "websocket-driver", "redcarpet", "rmagick", "rails",
		"charlock_holmes", "bigdecimal", "jekyll", "sassc", "unf_ext", "hiredis", "racc", "http_parser.rb", "puma_worker_killer", "sinatra-puma",
	},
}

// lost refuses a smaller image of the same system where a dependency starts, or
// loads, what the old one has and the new has not, and the file does not install.
func (s *swap) lost() error {
	language := s.old.official()
	if s.Context == nil || s.old.has("slim") || s.old.alpine() || !slices.Contains(fullImages, language) {
		return nil
	}
	from := &s.File.Instructions[s.stage.From]
	have := map[string]bool{}
	installs := false
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			for _, cmd := range s.script(i).Commands {
				for _, w := range packagesOf(&cmd).names {
					have[packageName(w.Text)] = true
				}
				p := cmd.Program()
				installs = installs || slices.Contains([]string{"pip", "pip3", "poetry", "uv", "pipenv", "bundle", "gem", "npm", "yarn", "pnpm"}, p)
			}
		}
	}
	for _, x := range s.clients() {
		for _, name := range x.on(s.to) {
			if have[name] || have[strings.TrimSuffix(name, "-client")] || s.hasProgram(name) || !slices.Contains(fullHas, strings.Fields(x.debian)[0]) {
				continue
			}
			return refuse(from, "%s needs %s, which %s has and %s has not: install it first", x.by, name, s.stage.Base, s.ref.with(s.ref.Tag))
		}
	}
	if tools := []string{"gcc", "g++", "build-essential", "build-base"}; installs && !slices.ContainsFunc(tools, func(t string) bool { return have[t] }) {
		deps := s.dependencies()
		for _, pkg := range slices.Sorted(maps.Keys(deps)) {
			if file := deps[pkg]; slices.Contains(compiled[language], pkg) {
				return refuse(from, "%s (%s) is built where it is installed, and %s has no compiler: build it in a stage of its own first", pkg, file, s.ref.with(s.ref.Tag))
			}
		}
	}
	return nil
}

// clients are what the dependencies of the context need of the system, in the
// order of their names.
func (d *draft) clients() []want {
	var out []want
	deps := d.dependencies()
	for _, pkg := range slices.Sorted(maps.Keys(deps)) {
		var p parcel
		switch path.Base(deps[pkg]) {
		case "package.json":
			for _, k := range nodeClients {
				if slices.Contains(k.pkg, pkg) {
					p = same(k.needs)
				}
			}
		case "Gemfile", "Gemfile.lock":
			p = rubyClients[pkg]
		case "composer.json":
			p = phpClients[pkg]
		case "go.mod":
			for m, c := range goClients {
				if pkg == m || strings.HasPrefix(pkg, m+"/") || strings.HasPrefix(pkg, m+".v") {
					p = c
				}
			}
		default:
			if l, ok := nativeLibraries[pkg]; ok {
				p = parcel{l[0], l[1]}
			}
		}
		if p.debian != "" {
			out = append(out, want{pkg + " (" + deps[pkg] + ")", p})
		}
	}
	return out
}

var (
	pythonDependency = lazyregexp.New(`(?m)^\s*["']?([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]\n]*\])?\s*(?:[=<>~!;"',]|$)`)
	rubyDependency   = lazyregexp.New(`(?m)^\s*gem\s+["']([^"']+)["']`)
	rubyLocked       = lazyregexp.New(`(?m)^    ([a-z][\w.-]*) \(`)
	goDependency     = lazyregexp.New(`(?m)^(?:require\s+)?\s*([a-z][\w.-]*\.[a-z]+/\S+)\s+v`)
)

// dependencies are the packages of languages that manifests in the folders of
// the context name, each with its file.
func (d *draft) dependencies() map[string]string {
	out := map[string]string{}
	for _, dir := range d.folders() {
		for _, m := range []struct {
			name    string
			pattern *lazyregexp.Regexp
		}{
			{"Gemfile.lock", rubyLocked},
			{"Gemfile", rubyDependency},
			{"requirements.txt", pythonDependency},
			{"pyproject.toml", pythonDependency},
			{"Pipfile", pythonDependency},
			{"go.mod", goDependency},
			{"package.json", nil},
			{"composer.json", nil},
		} {
			full, pattern := path.Join(dir, m.name), m.pattern
			b, err := d.Context.Read(full, maxText)
			if err != nil {
				continue
			}
			if pattern == nil {
				var m struct{ Dependencies, Require map[string]any }
				_ = json.Unmarshal(b, &m) // what is no manifest names nothing
				for _, set := range []map[string]any{m.Dependencies, m.Require} {
					for pkg := range set {
						out[pkg] = full
					}
				}
				continue
			}
			for _, m := range pattern.FindAllSubmatch(b, -1) {
				pkg := string(m[1])
				if pattern == pythonDependency {
					pkg = strings.ReplaceAll(strings.ToLower(pkg), "_", "-")
				}
				out[pkg] = full
			}
		}
	}
	return out
}
