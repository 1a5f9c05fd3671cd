package base

import (
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// checks are what must be looked at before an option takes the base's place.
func (a *Advice) checks(o *Option) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	from, to := muslOr(a.distro()), muslOr(o.distro())
	switch {
	case from != to && to == "alpine":
		add("the C library: musl instead of glibc; native modules and programs built for glibc must be built anew")
		add("the package manager: apk instead of apt-get, with Alpine's package names")
		add("the shell: BusyBox's sh, no bash; adduser and addgroup instead of useradd and groupadd")
	case from != to:
		add("the C library: glibc instead of musl; native modules must be built anew")
		add("the package manager: apt-get instead of apk")
	}
	if was, is := a.distro(), o.distro(); was.ID == is.ID && was.VersionID != "" && is.VersionID != "" && was.VersionID != is.VersionID {
		x, okX := DistroSupport(was)
		y, okY := DistroSupport(is)
		if okX && okY && x.Cycle != y.Cycle {
			add("the system libraries: %s to %s", x.Name(), y.Name())
		}
	}
	if tools := a.lost(o); tools != "" {
		add("what is no longer there: %s", tools)
	} else if o.Build.variant() > a.Build.variant() && (o.Seen == nil || o.Entry == nil || a.Entry == nil) && from == to {
		add("what is no longer there: compilers, headers, git and curl may be missing")
	}
	kit := func(word string) func(string) bool { return func(w string) bool { return strings.HasPrefix(w, word) } }
	if slices.ContainsFunc(a.Build.Words, kit("jdk")) && slices.ContainsFunc(o.Build.Words, kit("jre")) {
		add("what is no longer there: javac, jar, jlink, jcmd (a Java runtime without its tools)")
	}
	if a.successor != "" {
		add("paths and variables: %s takes the place of %s", a.successor, a.Repository)
	}
	if o.Release.Cycle != "" && a.Release.Cycle != "" && o.Release.Cycle != a.Release.Cycle && distributions[a.Repository] == "" {
		add("the application on %s instead of %s", o.Release.Name(), a.Release.Cycle)
		if a.keepsData() {
			add("the stored data: a major release reads its predecessor's only after an upgrade or a dump")
		}
	}
	if arches := a.dropped(o); arches != "" {
		add("the architecture: not built for %s", arches)
	}
	return append(out, a.accounts(o)...)
}

// keepers are official images that keep data of their own on a volume.
var keepers = []string{"postgres", "mysql", "mariadb", "mongo", "elasticsearch", "cassandra", "couchdb", "neo4j", "influxdb", "solr", "rabbitmq", "arangodb"}

// keepsData reports whether the base has data of its own that another release of it does
// not simply read: that is then never the same software.
func (a *Advice) keepsData() bool { return slices.Contains(keepers, a.Repository) }

// muslOr is "alpine" for what has Alpine's C library and package manager.
func muslOr(d sbom.Distro) string {
	if d.ID == "alpine" {
		return "alpine"
	}
	return ""
}

// dropped lists the architectures that the base is built for and the option not.
func (a *Advice) dropped(o *Option) string {
	var out []string
	if o.Arches == nil {
		return ""
	}
	for _, x := range a.Tag.Architectures {
		if a.Tag.Listed && !slices.Contains(o.Arches, x) {
			out = append(out, x)
		}
	}
	return strings.Join(out, ", ")
}

// tools are what builds and entry points call, by the packages that have them.
var tools = []string{
	"bash", "curl", "wget", "git", "gcc", "g++", "make", "perl", "python3", "gnupg", "openssh-client", "xz-utils", "unzip", "procps", "ca-certificates", "tzdata",
}

// lost names what both inventories tell to be gone: the software's own modules
// and the tools that are called by name.
func (a *Advice) lost(o *Option) string {
	if a.Entry == nil || o.Entry == nil {
		return ""
	}
	has := map[string]bool{}
	for _, p := range o.Entry.Packages {
		has[p.Name] = true
	}
	var out []string
	for _, p := range a.Entry.Packages {
		module := strings.HasPrefix(p.Name, a.Repository+"-")
		busybox := o.distro().ID == "alpine" && p.Name == "wget"
		// Alpine splits what Debian's package of that name has.
		certificates := p.Name == "ca-certificates" && has["ca-certificates-bundle"]
		if (module || slices.Contains(tools, p.Name)) && !has[p.Name] && !busybox && !certificates && !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	const most = 12
	if more := len(out) - most; more > 1 {
		out = append(out[:most], "and "+finding.Count(more, "more package"))
	}
	return strings.Join(out, ", ")
}

// accounts says what is known to differ of whom the image runs as, of the
// accounts that Dockerfiles name, and of what it starts.
func (a *Advice) accounts(o *Option) []string {
	was, is := FactsOf(a.Ref), FactsOf(o.Ref)
	if was == nil || is == nil || !was.Config || !is.Config {
		return nil
	}
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if was.User != is.User {
		add("the user: it runs as %s instead of %s", rootOr(is.User), rootOr(was.User))
	}
	for _, name := range serviceAccounts {
		x, had := was.Accounts[name]
		y, has := is.Accounts[name]
		switch {
		case had && !has:
			add("the accounts: there is no %s", name)
		case had && x != y:
			add("the accounts: %s is %d instead of %d, which owns files on volumes", name, y, x)
		}
	}
	if was.Workdir != is.Workdir {
		add("the working directory: %s instead of %s", slashOr(is.Workdir), slashOr(was.Workdir))
	}
	if !slices.Equal(was.Entrypoint, is.Entrypoint) {
		add("the entry point: %q instead of %q", is.Entrypoint, was.Entrypoint)
	}
	return out
}

// serviceAccounts are those that Dockerfiles and volumes rely on.
var serviceAccounts = []string{"node", "nginx", "www-data", "postgres", "mysql", "redis", "mongodb", "rabbitmq", "cassandra", "rootless"}

func rootOr(user string) string {
	if user == "" {
		return "root"
	}
	return user
}

func slashOr(dir string) string {
	if dir == "" {
		return "/"
	}
	return dir
}
