package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// PackageCommand is a command of a package manager, taken apart.
type PackageCommand struct {
	Program  string
	Verb     dockerfile.ShellWord   // "install"; no text: none
	Operands []dockerfile.ShellWord // after it
}

// Is reports whether the verb is one of those.
func (c PackageCommand) Is(verbs ...string) bool { return slices.Contains(verbs, c.Verb.Text) }

// Package managers that are asked for together, by the names of their programs.
var (
	AptPrograms    = []string{"apt-get", "apt", "aptitude"}
	YumPrograms    = []string{"yum", "dnf", "microdnf"}
	NodeManagers   = []string{"npm", "yarn", "pnpm"}
	SystemManagers = slices.Concat(AptPrograms, []string{"apk"}, YumPrograms, []string{"zypper"})
)

// FlagsWithValue are the flags of package managers whose next word is theirs.
var FlagsWithValue = map[string][]string{
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

// ParsePackageCommand takes a command of one of the programs apart.
func ParsePackageCommand(c *dockerfile.Command, programs ...string) (PackageCommand, bool) {
	p := c.Program()
	if p == "" || !slices.Contains(programs, p) {
		return PackageCommand{}, false
	}
	out := PackageCommand{Program: p}
	if ops := c.Operands(FlagsWithValue[p]...); len(ops) > 0 {
		out.Verb, out.Operands = ops[0], ops[1:]
		if !out.Verb.Literal {
			out.Verb.Text = ""
		}
	}
	return out, true
}

// RPMInstall is an install of yum or its heirs: also of "module install".
func RPMInstall(c *dockerfile.Command, programs ...string) (m PackageCommand, of string, ok bool) {
	m, ok = ParsePackageCommand(c, programs...)
	if !ok {
		return m, "", false
	}
	if m.Is("module", "group", "groups") && len(m.Operands) > 0 && m.Operands[0].Text == "install" {
		return PackageCommand{m.Program, m.Operands[0], m.Operands[1:]}, m.Verb.Text, true
	}
	return m, "", m.Is("install", "groupinstall", "localinstall")
}

// The names that pip and Python are called by.
var (
	PipName    = lazyregexp.New(`^pip[0-9.]*$`)
	PythonName = lazyregexp.New(`^(python|pypy)[0-9.]*$`)
)

// pipFlags are pip's flags whose next word is theirs.
var pipFlags = []string{
	"--abi", "-b", "--build", "-e", "--editable", "--extra-index-url", "-f", "--find-links", "-i", "--index-url", "--implementation",
	"--no-binary", "--only-binary", "--platform", "--prefix", "--progress-bar", "--proxy", "--python-version", "--root", "--src", "-t", "--target",
	"--trusted-host", "--upgrade-strategy", "-r", "--requirement", "-c", "--constraint", "--cache-dir", "--timeout", "--retries", "--cert",
	"--config-settings", "--root-user-action", "--global-option", "--install-option", "--use-feature", "--python", "--log", "--exists-action",
}

// PipInstall takes "pip install" or "python -m pip install" apart.
func PipInstall(c *dockerfile.Command) (PackageCommand, bool) {
	p := c.Program()
	args := c.Args()
	switch {
	case PipName.MatchString(p):
	case PythonName.MatchString(p):
		n := slices.IndexFunc(args, func(w dockerfile.ShellWord) bool { return w.Text == "-m" })
		if n < 0 || n+1 >= len(args) || args[n+1].Text != "pip" {
			return PackageCommand{}, false
		}
		args = args[n+2:]
	default:
		return PackageCommand{}, false
	}
	rest := dockerfile.Command{Words: append([]dockerfile.ShellWord{{Text: "pip", Literal: true}}, args...)}
	ops := rest.Operands(pipFlags...)
	if len(ops) == 0 || ops[0].Text != "install" {
		return PackageCommand{}, false
	}
	return PackageCommand{Program: "pip", Verb: ops[0], Operands: ops[1:]}, true
}

// PythonPackages takes what fetches packages of Python's index apart: pip install and
// what stands in for it.
func PythonPackages(c *dockerfile.Command) (PackageCommand, bool) {
	if m, ok := PipInstall(c); ok {
		return m, true
	}
	p := c.Program()
	args := dockerfile.Command{Words: append([]dockerfile.ShellWord{{Text: p, Literal: true}}, c.Args()...)}
	ops := args.Operands(slices.Concat(pipFlags, []string{"--with", "-w", "--wheel-dir", "-d", "--dest", "--spec", "-p"})...)
	switch {
	case len(ops) < 2:
		return PackageCommand{}, false
	case PipName.MatchString(p) && (ops[0].Text == "wheel" || ops[0].Text == "download"), p == "pipx" && ops[0].Text == "install":
		return PackageCommand{Program: p, Verb: ops[0], Operands: ops[1:]}, true
	case p == "uv" && ops[0].Text == "pip" && ops[1].Text == "install", p == "uv" && ops[0].Text == "tool" && ops[1].Text == "install":
		return PackageCommand{Program: p + " " + ops[0].Text, Verb: ops[1], Operands: ops[2:]}, true
	}
	return PackageCommand{}, false
}

// AptConfigured reports whether a RUN at or before instruction i, of the stages that
// it is in, writes a setting of apt's: its name and one of the values.
func AptConfigured(in *Input, name string) func(i int) bool {
	first := map[int]int{} // by stage, the first instruction that does
	in.EachCommand(func(i int, c *dockerfile.Command) {
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

// HasAptOption reports whether apt is given a setting with that name.
func HasAptOption(c *dockerfile.Command, name string) bool {
	return slices.ContainsFunc(c.Args(), func(w dockerfile.ShellWord) bool { return strings.Contains(strings.ToLower(w.Text), name) })
}

// List are words as messages list them: a few, and how many more.
func List(words []string) string {
	const most = 4
	if len(words) > most {
		return strings.Join(words[:most-1], ", ") + " and others"
	}
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}

// IsInstall reports whether a package manager installs something.
func IsInstall(c *dockerfile.Command) bool {
	m, ok := ParsePackageCommand(c, SystemManagers...)
	return ok && slices.Contains([]string{
		"install", "add", "source-install", "reinstall", "groupinstall", "localinstall", "in", "upgrade", "dist-upgrade", "full-upgrade", "build-dep", "dup", "patch", "source", "download", "fetch", "si",
	}, m.Verb.Text)
}
