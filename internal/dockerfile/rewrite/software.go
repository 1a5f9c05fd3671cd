package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// keepsData are images of software that keeps data on a volume in a form that
// the next major release does not read.
var keepsData = []string{"postgres", "mysql", "mariadb", "mongo", "elasticsearch", "cassandra", "couchdb", "neo4j", "influxdb", "arangodb", "rabbitmq", "percona", "rethinkdb"}

// software refuses a move to a release of the same software that does not do
// what the file has it do.
func (s *swap) software() error {
	from := &s.File.Instructions[s.stage.From]
	was, is := versionOf(s.old.Tag), s.version
	if !s.anew() {
		return nil
	}
	name := s.ref.official()
	major := len(was) > 0 && len(is) > 0 && was[0] != is[0]
	switch {
	case slices.Contains(keepsData, name) && major:
		return refuse(from, "%s %d does not read the data that %d has stored: dump and restore it, or upgrade in place, first", name, is[0], was[0])
	case name == "python" && len(was) > 0 && was[0] == 2 && major:
		return refuse(from, "Python 3 does not run programs for Python 2: port them first")
	case name == "gradle" && major:
		return refuse(from, "Gradle %d does not run every build script for Gradle %d: try it, or use the wrapper, first", is[0], was[0])
	case name == "tomcat" && major && was[0] < 10 && is[0] >= 10:
		return refuse(from, "Tomcat %d runs jakarta.* applications and no javax.* ones: move the application first", is[0])
	case name == "jetty" && major && was[0] < 11 && is[0] >= 11:
		return refuse(from, "Jetty %d runs jakarta.* applications unless its modules for javax.* ones are named: move the application first", is[0])
	}
	if old := s.Scopes.Base(s.stage); old != nil && len(old.OnBuild) > 0 {
		return refuse(from, "%s does a part of the build by ONBUILD: write that into the file first", s.stage.Base)
	}
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			in := &s.File.Instructions[i]
			sc := s.script(i)
			for n := range sc.Commands {
				if err := s.runsOn(name, is, in, &sc.Commands[n]); err != nil {
					return err
				}
			}
		}
	}
	return s.pinned(name, is)
}

// anew reports whether the move is to another release of the software: another
// major version, or where minor ones are releases of their own, such a one.
func (s *swap) anew() bool {
	was, is := versionOf(s.old.Tag), s.version
	if len(was) == 0 || len(is) == 0 || s.old.official() != s.ref.official() {
		return len(is) > 0
	}
	n := 1
	if slices.Contains([]string{"python", "golang", "ruby", "php", "rust", "nginx", "alpine", "ubuntu", "perl", "elixir", "pypy", "mariadb", "haproxy"}, s.ref.official()) {
		n = 2
	}
	return !slices.Equal(was[:min(n, len(was))], is[:min(n, len(is))])
}

// runsOn refuses a command that a release of the software does not do any more.
func (s *swap) runsOn(name string, is version, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	if len(is) == 0 || len(cmd.Words) == 0 {
		return nil
	}
	p := cmd.Program()
	switch name {
	case "node":
		return s.runsOnNode(is, in, cmd)
	case "golang":
		if p == "go" && cmd.Is("go", "get") {
			return s.goGet(is, in, cmd)
		}
		if slices.Contains([]string{"dep", "glide", "govendor", "godep", "gvt", "gb"}, p) {
			return refuse(in, "%s manages dependencies for a GOPATH, and Go %s builds modules: make a go.mod first", p, s.ref.Tag)
		}
	case "php":
		return s.runsOnPHP(is, in, cmd)
	case "python":
		if p == "python2" || p == "pip2" || p == "easy_install" {
			return refuse(in, "%s is not in %s: use Python 3 and pip first", p, s.ref.with(s.ref.Tag))
		}
	case "ruby":
		if p == "gem" && cmd.Is("gem", "install") {
			if v, ok := cmd.Value("-v", "--version"); ok {
				s.undecided("whether version %s of a gem installs on Ruby %s (line %d)", v.Text, s.ref.Tag, in.Span.Line)
			}
		}
	}
	return nil
}

func (s *swap) runsOnNode(is version, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	p := cmd.Program()
	switch {
	case (p == "yarn" || p == "yarnpkg") && is[0] >= 26 && !s.installsGlobally("yarn"):
		return refuse(in, "images of Node.js 26 and later come without yarn: install it first")
	case p == "corepack" && is[0] >= 25 && !s.installsGlobally("corepack"):
		return refuse(in, "Node.js 25 and later come without Corepack: install it first")
	case p == "npm" && cmd.Is("npm", "install", "i", "add") && cmd.Has("-g", "--global"):
		for _, w := range cmd.Operands()[1:] {
			if at := strings.LastIndexByte(w.Text, '@'); at > 0 {
				if w.Text[:at] == "npm" {
					return refuse(in, "%s may not run on Node.js %d: take the version out first", w.Text, is[0])
				}
				s.undecided("whether %s runs on Node.js %d", w.Text, is[0])
			}
		}
	}
	return nil
}

// installsGlobally reports whether the stage, or one below or above it, installs a
// program by npm.
func (s *swap) installsGlobally(name string) bool {
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			for _, cmd := range s.script(i).Commands {
				if cmd.Is("npm", "install", "i", "add") && cmd.Has("-g", "--global") && slices.ContainsFunc(cmd.Operands(), func(w dockerfile.ShellWord) bool {
					return w.Text == name || strings.HasPrefix(w.Text, name+"@")
				}) {
					return true
				}
			}
		}
	}
	return false
}

// goGet refuses "go get" as a way to build or install programs, which it is not
// since Go 1.18, and outside of a module, where it does nothing since 1.22.
func (s *swap) goGet(is version, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	if is.before(version{1, 16}) {
		return nil
	}
	module := s.Context != nil && s.Context.Exists("go.mod")
	for _, w := range cmd.Operands("-tags", "-ldflags", "-p")[1:] {
		if !strings.HasPrefix(w.Text, ".") {
			return refuse(in, "go get %s builds and installs nothing since Go 1.18: use go install %s@version first", w.Text, w.Text)
		}
	}
	if !module {
		return refuse(in, "go get works in a module alone since Go 1.22, and no go.mod is in sight: make one first")
	}
	return nil
}

// runsOnPHP refuses extensions and their options that later releases of PHP have
// not.
func (s *swap) runsOnPHP(is version, in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	gone := map[string]version{
		"mcrypt": {7, 2}, "mysql": {7, 0}, "wddx": {7, 4}, "interbase": {7, 4}, "recode": {7, 4}, "xmlrpc": {8, 0}, "json": {8, 0},
		"imap": {8, 4}, "pspell": {8, 4}, "oci8": {8, 4}, "pdo_oci": {8, 4}, "hash": {7, 4}, "opcache": {8, 5},
	}
	p := cmd.Program()
	if !strings.HasPrefix(p, "docker-php-ext-") && p != "pecl" {
		return nil
	}
	for _, w := range cmd.Args() {
		name, pin, _ := strings.Cut(w.Text, "-")
		switch since, has := gone[w.Text]; {
		case has && p != "pecl" && !is.before(since):
			return refuse(in, "PHP %s has no extension %s to build: find what takes its place first", s.ref.Tag, w.Text)
		case p == "pecl" && pin != "" && pin[0] >= '0' && pin[0] <= '9':
			return refuse(in, "whether %s is for PHP %s is not known: name the version of %s that is, first", w.Text, s.ref.Tag, name)
		case p == "docker-php-ext-configure" && (strings.HasSuffix(name+"-"+pin, "-dir") || strings.Contains(w.Text, "-dir=")) && !is.before(version{7, 4}):
			return refuse(in, "PHP 7.4 and later know no %s: write the option of PHP %s first", w.Text, s.ref.Tag)
		}
	}
	return nil
}

// goPath refuses a build of Go without a module, which later releases do not do
// by themselves.
func (s *swap) goPath(is version) error {
	if is.before(version{1, 16}) || strings.Contains(string(s.File.Bytes), "GO111MODULE=off") {
		return nil
	}
	has := s.Context != nil && s.holds("go.mod")
	for _, st := range s.above() {
		for i := st.From + 1; i < st.End; i++ {
			in := &s.File.Instructions[i]
			if strings.Contains(in.Raw, "go.mod") || strings.Contains(in.Raw, "go mod init") || strings.Contains(in.Raw, "git clone") {
				return nil
			}
			for _, cmd := range s.script(i).Commands {
				if cmd.Is("go", "build", "install", "test", "run") && !has && !slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool {
					return strings.Contains(w.Text, "@")
				}) {
					return refuse(in, "Go 1.16 and later build modules, and no go.mod is in sight: make one, or say where the context is, first")
				}
			}
		}
	}
	return nil
}

// holds reports whether the context has a file of that name in its folder or in one
// that the file copies.
func (s *swap) holds(name string) bool {
	return slices.ContainsFunc(s.folders(), func(dir string) bool { return s.Context.Exists(path.Join(dir, name)) })
}
