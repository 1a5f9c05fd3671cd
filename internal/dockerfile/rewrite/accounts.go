package rewrite

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
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
	case r.Name == "scratch":
		return "scratch"
	case strings.Contains(r.Name, "distroless/") || strings.HasPrefix(r.Name, "cgr.dev/chainguard/"):
		return "distroless"
	case r.alpine():
		return "alpine"
	case name == "composer":
		return "alpine"
	case name == "openjdk" && (r.has("oracle") || r.has("oraclelinux8")):
		return "rhel"
	case familyOf(name) != "":
		return familyOf(name)
	case slices.Contains(onDebian, name), strings.HasPrefix(r.Name, "mcr.microsoft.com/dotnet/"):
		return "debian"
	}
	return ""
}

// account is who a program could run as.
type account struct {
	name  string // for people
	user  string // of USER: its number where that is known
	owner string // of chown: "app:app"
	add   string // the commands that make it; empty: it is there
	why   string
	by    int // index of the RUN that makes it; -1: none of the file does
}

// newID is the number of a user that is made: one that distributions give nobody.
const newID = "10001"

// account chooses a user for the end of a stage.
func (d *draft) account(st *dockerfile.Stage) (account, bool) {
	r := parseReference(d.File.Chain(st)[0].Base)
	facts := d.Scopes.Base(st)
	if m := d.created(st); m.name != "" {
		called := cmp.Or(m.called, m.name)
		return account{called, cmp.Or(m.id, m.name), m.name, "", "the file makes the user " + called, m.by}, true
	}
	for _, known := range []struct{ image, user string }{{"node", "node"}, {"nginx", "nginx"}, {"php", "www-data"}, {"httpd", "www-data"}} {
		if r.official() != known.image {
			continue
		}
		if facts != nil && facts.Accounts != nil && facts.Accounts[known.user] == 0 {
			continue
		}
		a := account{known.user, known.user, known.user + ":" + known.user, "", "the image of " + known.image + " has the user " + known.user, -1}
		if facts != nil && facts.Accounts[known.user] > 0 {
			a.user = strconv.Itoa(facts.Accounts[known.user])
		}
		return a, true
	}
	if r.dotnet() >= 8 {
		return account{"app", "$APP_UID", "app:app", "", "images of .NET 8 and later have the user app, whose number is in APP_UID", -1}, true
	}
	family := d.family(st)
	if facts != nil && facts.Accounts["nonroot"] > 0 || family == "distroless" {
		return account{"nonroot", "nonroot", "nonroot:nonroot", "", "the image has the user nonroot", -1}, true
	}
	name := "app"
	if facts != nil && facts.Accounts != nil {
		if id, taken := facts.Accounts[name]; taken {
			if id > 0 {
				return account{name, strconv.Itoa(id), name, "", "the image has the user " + name, -1}, true
			}
			name = "appuser"
		}
	}
	const why = "no user of the base is made for this"
	useradd := "useradd --system --uid " + newID + " --user-group --create-home --shell %s " + name
	switch family {
	case "scratch":
		return account{"65532:65532", "65532:65532", "65532:65532", "", "an empty base has no names of users, and a number will do", -1}, true
	case "alpine":
		return account{name, newID, name + ":" + name, "addgroup -S -g " + newID + " " + name + " && adduser -S -u " + newID + " -G " + name + " " + name, why, -1}, true
	case "debian":
		return account{name, newID, name + ":" + name, fmt.Sprintf(useradd, "/usr/sbin/nologin"), why, -1}, true
	case "rhel":
		return account{name, newID, name + ":" + name, fmt.Sprintf(useradd, "/sbin/nologin"), why, -1}, true
	}
	return account{}, false
}

// dotnet is the major version of an image of .NET's; 0: it is none.
func (r reference) dotnet() int {
	if !strings.HasPrefix(r.Name, "mcr.microsoft.com/dotnet/") || strings.Contains(r.Name, "/core/") || strings.Contains(r.Name, "/framework/") {
		return 0
	}
	return r.major()
}

// chiseled reports whether an image of .NET's has neither a shell nor a package
// manager, and runs as app.
func (r reference) chiseled() bool {
	return r.dotnet() > 0 && (strings.Contains(r.Tag, "chiseled") || strings.Contains(r.Tag, "distroless"))
}

// made is a user that a RUN makes, or renames another to.
type made struct {
	name, id string // as they are written; id empty: the file does not say
	called   string // for people; empty: its name
	by       int    // index of the RUN
}

// created is the user that a RUN of the stage makes; no name: none, or several.
func (d *draft) created(st *dockerfile.Stage) made {
	var found made
	for _, s := range d.File.Chain(st) {
		for i := s.From + 1; i < s.End; i++ {
			if d.File.Instructions[i].Cmd != "RUN" {
				continue
			}
			for _, cmd := range d.script(i).Commands {
				m := d.newUser(s, i, &cmd)
				if m.name == "" || cmd.Conditional() {
					continue
				}
				if found.name != "" && found.name != m.name && !renames(&cmd, found.name) {
					return made{}
				}
				if m.id == "" && found.name == m.name {
					m.id = found.id
				}
				found = m
			}
		}
	}
	return found
}

// renames reports whether a command gives a user another name.
func renames(cmd *dockerfile.Command, user string) bool {
	return cmd.Program() == "usermod" && slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return w.Text == user })
}

// newUser is the user that a command makes, or renames another to, with the
// values of variables that the file sets; no name: none, or it cannot be told.
func (d *draft) newUser(st *dockerfile.Stage, i int, cmd *dockerfile.Command) made {
	values := []string{"-u", "--uid", "-g", "--gid", "-G", "--ingroup", "--groups", "-s", "--shell", "-d", "--home-dir", "--home", "-h", "-c", "--comment", "--gecos", "-p", "--password", "-k", "-l", "--login", "-b", "--base-dir"}
	value := func(w dockerfile.ShellWord) string {
		if w.Literal {
			return w.Text
		}
		text, known := d.Scopes.Expand(st, i, w.Text)
		if known && !strings.ContainsAny(text, "$`*") {
			return text
		}
		if name := d.argument(st, i, w.Text); name != "" {
			return "${" + name + "}" // whoever builds may say otherwise than the default
		}
		return ""
	}
	m := made{by: i}
	if id, ok := cmd.Value("-u", "--uid"); ok {
		if text := value(id); text != "" && (strings.Trim(text, "0123456789") == "" || text[0] == '$') {
			m.id = text
		}
	}
	switch cmd.Program() {
	case "useradd":
		values = slices.DeleteFunc(values, func(f string) bool { return f == "-l" || f == "-h" })
	case "adduser":
		if cmd.Has("--group", "--disabled-login") && len(cmd.Operands(values...)) > 1 {
			return made{}
		}
	case "usermod":
		if name, ok := cmd.Value("-l", "--login"); ok {
			m.name = value(name)
			if ops := cmd.Operands(values...); m.id == "" && len(ops) == 1 {
				if b := d.Scopes.Base(st); b != nil && b.Accounts[ops[0].Text] > 0 {
					m.id = strconv.Itoa(b.Accounts[ops[0].Text])
				}
			}
			return m
		}
		return made{}
	default:
		return made{}
	}
	ops := cmd.Operands(values...)
	switch {
	case cmd.Program() == "adduser" && len(ops) == 2: // "adduser -S app app"
	case len(ops) != 1:
		return made{}
	}
	if m.name = value(ops[0]); m.name == "root" || strings.ContainsAny(m.name, " :/") {
		m.name = ""
	}
	if strings.HasPrefix(m.name, "$") {
		m.called, _ = d.Scopes.Expand(st, i, m.name)
	}
	return m
}

// argument is the build argument of the last stage that a word is, and nothing
// else; empty: it is none. It is seen to the stage's end.
func (d *draft) argument(st *dockerfile.Stage, i int, word string) string {
	name := strings.TrimPrefix(strings.Trim(word, `"`), "$")
	if name == strings.Trim(word, `"`) || st.Index != len(d.File.Stages)-1 {
		return ""
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "{"), "}")
	for n := st.From + 1; n < i; n++ {
		in := &d.File.Instructions[n]
		if in.Cmd != "ARG" {
			continue
		}
		for _, p := range in.Pairs() {
			if p.Key.Text == name {
				return name
			}
		}
	}
	return ""
}
