package rules

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
	"github.com/drydock-dev/drydock/internal/secret"
)

// call is a command of a package manager, taken apart.
type call struct {
	program  string
	verb     dockerfile.ShellWord   // "install"; no text: none
	operands []dockerfile.ShellWord // after it
}

// is reports whether the verb is one of those.
func (c call) is(verbs ...string) bool { return slices.Contains(verbs, c.verb.Text) }

// flagsWithValue are the flags of package managers whose next word is theirs.
var flagsWithValue = map[string][]string{
	"apt-get":    {"-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture", "-P", "--build-profiles"},
	"apt":        {"-t", "--target-release", "--default-release", "-o", "--option", "-c", "--config-file", "-a", "--host-architecture", "-P", "--build-profiles"},
	"aptitude":   {"-t", "--target-release", "--default-release", "-o", "-F", "-d", "-O", "-w"},
	"apk":        {"-t", "--virtual", "-X", "--repository", "-p", "--root", "--keys-dir", "--repositories-file", "--wait", "--arch", "--cache-dir", "--cache-max-age", "--timeout"},
	"yum":        {"-c", "--config", "--installroot", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--releasever", "--setopt", "-x", "--exclude", "--disableplugin", "--enableplugin", "--forcearch", "-d", "-e", "-R"},
	"dnf":        {"-c", "--config", "--installroot", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--releasever", "--setopt", "-x", "--exclude", "--disableplugin", "--enableplugin", "--forcearch", "-d", "-e", "-R"},
	"microdnf":   {"-c", "--config", "--installroot", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--releasever", "--setopt", "-x", "--exclude", "--disableplugin", "--enableplugin", "--forcearch", "-d", "-e", "-R"},
	"tdnf":       {"-c", "--config", "--installroot", "--enablerepo", "--disablerepo", "--repo", "--repoid", "--releasever", "--setopt", "-x", "--exclude", "--disableplugin", "--enableplugin", "--forcearch", "-d", "-e", "-R"},
	"zypper":     {"-c", "--config", "-R", "--root", "--installroot", "-r", "--repo", "--from", "-t", "--type", "-p", "--plus-repo", "--plus-content", "--releasever", "-D", "--reposd-dir"},
	"pacman":     {"-b", "--dbpath", "-r", "--root", "--cachedir", "--config", "--gpgdir", "--hookdir", "--logfile", "--ignore", "--ignoregroup"},
	"npm":        {"--prefix", "-C", "--registry", "--cache", "--userconfig", "--loglevel", "-w", "--workspace", "--include", "--omit", "--before", "--tag", "--maxsockets", "--fetch-retries", "--fetch-timeout", "--network-timeout", "--fetch-retry-maxtimeout", "--fetch-retry-mintimeout"},
	"yarn":       {"--cwd", "--network-timeout", "--registry", "--cache-folder", "--modules-folder", "--mutex", "--network-concurrency"},
	"pnpm":       {"--filter", "-F", "-C", "--dir", "--store-dir", "--registry", "--reporter", "--network-concurrency"},
	"bun":        {"--cwd", "--registry", "--cache-dir", "-c", "--config"},
	"gem":        {"-v", "--version", "-i", "--install-dir", "-n", "--bindir", "-s", "--source", "-P", "--trust-policy", "--platform", "--document", "-g", "--file", "--without", "-p", "--http-proxy"},
	"go":         {"-tags", "-ldflags", "-gcflags", "-o", "-p", "-mod", "-modfile", "-asmflags", "-installsuffix", "-pkgdir", "-exec", "-C", "-toolexec", "-overlay", "-pgo", "-buildmode", "-compiler"},
	"conda":      {"-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver", "--repodata-fn", "--subdir"},
	"mamba":      {"-n", "--name", "-p", "--prefix", "-c", "--channel", "--solver", "--repodata-fn", "--subdir"},
	"micromamba": {"-n", "--name", "-p", "--prefix", "-c", "--channel", "-r", "--root-prefix", "--platform"},
	"cargo":      {"--root", "--features", "-F", "--target", "--target-dir", "-j", "--jobs", "--index", "--registry", "--profile", "--bin", "--example", "--config", "--color"},
	"dotnet":     {"--tool-path", "--add-source", "--configfile", "--framework", "-v", "--verbosity"},
	"cpanm":      {"-l", "--local-lib", "-L", "--local-lib-contained", "--mirror", "--from", "-M"},
	"luarocks":   {"--tree", "--server", "--only-server", "--lua-version", "--lua-dir"},
	"composer":   {"-d", "--working-dir", "--prefer-install", "--ignore-platform-req"},
	"bundle":     {"--jobs", "-j", "--retry", "--without", "--with", "--path", "--gemfile", "--binstubs"},
	"poetry":     {"--with", "--without", "--only", "-E", "--extras", "-C", "--directory", "-P", "--project"},
	"uv":         {"--group", "--no-group", "--only-group", "--extra", "--project", "--directory", "--python", "-p", "--index-url", "--extra-index-url", "-r", "--requirement", "-c", "--constraint"},
}

// managed takes a command of one of the programs apart.
func managed(c *dockerfile.Command, programs ...string) (call, bool) {
	p := c.Program()
	if p == "" || !slices.Contains(programs, p) {
		return call{}, false
	}
	out := call{program: p}
	if ops := c.Operands(flagsWithValue[p]...); len(ops) > 0 {
		out.verb, out.operands = ops[0], ops[1:]
		if !out.verb.Literal {
			out.verb.Text = ""
		}
	}
	return out, true
}

// rpmInstall is an install of yum or its heirs: also of "module install".
func rpmInstall(c *dockerfile.Command, programs ...string) (m call, of string, ok bool) {
	m, ok = managed(c, programs...)
	if !ok {
		return m, "", false
	}
	if m.is("module", "group", "groups") && len(m.operands) > 0 && m.operands[0].Text == "install" {
		return call{m.program, m.operands[0], m.operands[1:]}, m.verb.Text, true
	}
	return m, "", m.is("install", "groupinstall", "localinstall")
}

var (
	pipName    = lazyregexp.New(`^pip[0-9.]*$`)
	pythonName = lazyregexp.New(`^(python|pypy)[0-9.]*$`)
)

// pipFlags are pip's flags whose next word is theirs.
var pipFlags = []string{
	"--abi", "-b", "--build", "-e", "--editable", "--extra-index-url", "-f", "--find-links", "-i", "--index-url", "--implementation",
	"--no-binary", "--only-binary", "--platform", "--prefix", "--progress-bar", "--proxy", "--python-version", "--root", "--src", "-t", "--target",
	"--trusted-host", "--upgrade-strategy", "-r", "--requirement", "-c", "--constraint", "--cache-dir", "--timeout", "--retries", "--cert",
	"--config-settings", "--root-user-action", "--global-option", "--install-option", "--use-feature", "--python", "--log", "--exists-action",
}

// pipInstall takes "pip install" or "python -m pip install" apart.
func pipInstall(c *dockerfile.Command) (call, bool) {
	p := c.Program()
	args := c.Args()
	switch {
	case pipName.MatchString(p):
	case pythonName.MatchString(p):
		n := slices.IndexFunc(args, func(w dockerfile.ShellWord) bool { return w.Text == "-m" })
		if n < 0 || n+1 >= len(args) || args[n+1].Text != "pip" {
			return call{}, false
		}
		args = args[n+2:]
	default:
		return call{}, false
	}
	rest := dockerfile.Command{Words: append([]dockerfile.ShellWord{{Text: "pip", Literal: true}}, args...)}
	ops := rest.Operands(pipFlags...)
	if len(ops) == 0 || ops[0].Text != "install" {
		return call{}, false
	}
	return call{program: "pip", verb: ops[0], operands: ops[1:]}, true
}

// pythonPackages takes what fetches packages of Python's index apart: pip install and
// what stands in for it.
func pythonPackages(c *dockerfile.Command) (call, bool) {
	if m, ok := pipInstall(c); ok {
		return m, true
	}
	p := c.Program()
	args := dockerfile.Command{Words: append([]dockerfile.ShellWord{{Text: p, Literal: true}}, c.Args()...)}
	ops := args.Operands(slices.Concat(pipFlags, []string{"--with", "-w", "--wheel-dir", "-d", "--dest", "--spec", "-p"})...)
	switch {
	case len(ops) < 2:
		return call{}, false
	case pipName.MatchString(p) && (ops[0].Text == "wheel" || ops[0].Text == "download"), p == "pipx" && ops[0].Text == "install":
		return call{program: p, verb: ops[0], operands: ops[1:]}, true
	case p == "uv" && ops[0].Text == "pip" && ops[1].Text == "install", p == "uv" && ops[0].Text == "tool" && ops[1].Text == "install":
		return call{program: p + " " + ops[0].Text, verb: ops[1], operands: ops[2:]}, true
	}
	return call{}, false
}

// configured reports whether a RUN at or before instruction i, of the stages that
// it is in, writes a setting of apt's: its name and one of the values.
func configured(in *Input, name string) func(i int) bool {
	first := map[int]int{} // by stage, the first instruction that does
	in.eachCommand(func(i int, c *dockerfile.Command) {
		s := in.File.Instructions[i].Stage
		if _, ok := first[s]; ok {
			return
		}
		for _, w := range c.Args() {
			if at := strings.Index(strings.ToLower(w.Text), name); at >= 0 && !strings.HasPrefix(w.Text, "-") {
				first[s] = i
			}
		}
	})
	return func(i int) bool {
		for s := in.Stage(i); s != nil; s = s.Parent {
			if n, ok := first[s.Index]; ok && n <= i {
				return true
			}
		}
		return false
	}
}

// option reports whether apt is given a setting with that name.
func option(c *dockerfile.Command, name string) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(strings.ToLower(w.Text), name) })
}

// texts are words as messages list them: a few, and how many more.
func texts(words []string) string {
	const most = 4
	if len(words) > most {
		return strings.Join(words[:most-1], ", ") + " and others"
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// unpinned is the finding that packages are installed without their version.
func unpinned(span finding.Span, program string, words []string, how string) finding.Finding {
	return at(span, program+" "+secret.Redact(strings.Join(words, " ")), "%s installs whatever version of %s is newest (%s)", program, secret.Redact(texts(words)), how)
}
