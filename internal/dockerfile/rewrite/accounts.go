package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// family is the sort of system that an image is: "alpine", "debian", "rhel",
// "scratch", "distroless"; empty: not known. Ubuntu is of Debian's family.
func (d *draft) family(st *dockerfile.Stage) string {
	base := d.File.Chain(st)[0].Base
	if b := d.Scopes.Base(st); b != nil && b.Distribution != "" {
		if f := familyOf(b.Distribution); f != "" {
			return f
		}
	}
	return familyOfRef(parseReference(base))
}

func familyOf(distribution string) string {
	switch distribution {
	case "alpine", "debian", "rhel":
		return distribution
	case "ubuntu", "raspbian", "kali":
		return "debian"
	case "fedora", "centos", "rocky", "almalinux", "amzn", "ol", "amazonlinux", "rockylinux", "oraclelinux":
		return "rhel"
	}
	return ""
}

// onDebian are official images whose tags stand on Debian or Ubuntu unless they
// say alpine.
var onDebian = []string{
	"node", "python", "golang", "rust", "ruby", "php", "perl", "maven", "gradle", "eclipse-temurin", "nginx", "httpd",
	"buildpack-deps", "gcc", "tomcat", "haskell", "julia", "r-base", "composer", "bash", "pypy", "openjdk",
}

func familyOfRef(r reference) string {
	name := r.official()
	switch {
	case r.name == "scratch":
		return "scratch"
	case strings.Contains(r.name, "distroless/") || strings.HasPrefix(r.name, "cgr.dev/chainguard/"):
		return "distroless"
	case r.alpine():
		return "alpine"
	case name == "composer":
		return "alpine"
	case name == "openjdk" && (r.has("oracle") || r.has("oraclelinux8")):
		return "rhel"
	case familyOf(name) != "":
		return familyOf(name)
	case slices.Contains(onDebian, name), strings.HasPrefix(r.name, "mcr.microsoft.com/dotnet/"):
		return "debian"
	}
	return ""
}

// account is who a program could run as.
type account struct {
	user  string // of USER
	owner string // of chown: "app:app"
	add   string // the commands that make it; empty: it is there
	why   string
}

// account chooses a user for the end of a stage.
func (d *draft) account(st *dockerfile.Stage) (account, bool) {
	r := parseReference(d.File.Chain(st)[0].Base)
	facts := d.Scopes.Base(st)
	if u := d.created(st); u != "" {
		return account{u, u, "", "the file makes the user " + u}, true
	}
	for _, known := range []struct{ image, user string }{{"node", "node"}, {"nginx", "nginx"}, {"php", "www-data"}, {"httpd", "www-data"}} {
		if r.official() != known.image {
			continue
		}
		if facts != nil && facts.Accounts != nil && facts.Accounts[known.user] == 0 {
			continue
		}
		return account{known.user, known.user + ":" + known.user, "", "the image of " + known.image + " has the user " + known.user}, true
	}
	family := d.family(st)
	if facts != nil && facts.Accounts["nonroot"] > 0 || family == "distroless" {
		return account{"nonroot", "nonroot:nonroot", "", "the image has the user nonroot"}, true
	}
	name := "app"
	if facts != nil && facts.Accounts != nil {
		if _, taken := facts.Accounts[name]; taken {
			if facts.Accounts[name] > 0 {
				return account{name, name, "", "the image has the user " + name}, true
			}
			name = "appuser"
		}
	}
	switch family {
	case "scratch":
		return account{"65532:65532", "65532:65532", "", "an empty base has no names of users, and a number will do"}, true
	case "alpine":
		return account{name, name + ":" + name, "addgroup -S " + name + " && adduser -S -G " + name + " " + name, "no user of the base is made for this"}, true
	case "debian":
		return account{name, name + ":" + name, "useradd --system --user-group --create-home --shell /usr/sbin/nologin " + name, "no user of the base is made for this"}, true
	case "rhel":
		return account{name, name + ":" + name, "useradd --system --user-group --create-home --shell /sbin/nologin " + name, "no user of the base is made for this"}, true
	}
	return account{}, false
}

// created is the user that a RUN of the stage makes; empty: none, or several.
func (d *draft) created(st *dockerfile.Stage) string {
	found := ""
	for _, s := range d.File.Chain(st) {
		for i := s.From + 1; i < s.End; i++ {
			if d.File.Instructions[i].Cmd != "RUN" {
				continue
			}
			for _, cmd := range d.script(i).Commands {
				user := newUser(&cmd)
				if user == "" || cmd.Conditional() {
					continue
				}
				if found != "" && found != user {
					return ""
				}
				found = user
			}
		}
	}
	return found
}

// newUser is the user that a command makes; empty: none, or it cannot be told.
func newUser(cmd *dockerfile.Command) string {
	values := []string{"-u", "--uid", "-g", "--gid", "-G", "--ingroup", "--groups", "-s", "--shell", "-d", "--home-dir", "--home", "-h", "-c", "--comment", "--gecos", "-p", "--password", "-k"}
	switch cmd.Program() {
	case "useradd":
	case "adduser":
		if cmd.Has("--group", "--disabled-login") && len(cmd.Operands(values...)) > 1 {
			return ""
		}
	default:
		return ""
	}
	ops := cmd.Operands(values...)
	switch {
	case cmd.Program() == "adduser" && len(ops) == 2 && ops[0].Literal:
		return ops[0].Text // "adduser -S app app"
	case len(ops) != 1 || !ops[0].Literal || ops[0].Text == "root":
		return ""
	}
	return ops[0].Text
}
