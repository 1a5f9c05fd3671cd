package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// newAccount is a command that makes a user or a group, or puts a user into a
// group, whatever dialect it is in.
type newAccount struct {
	what    string // "user", "group", "member"
	name    string
	system  bool
	home    string
	noHome  bool
	shell   string
	uid     string
	gid     string // of a group that is made
	group   string // of a user: name or number; of a member: the group
	own     bool   // a group of the user's own is made
	comment string
	groups  []string
}

// flag letters and words, by what they say.
var accountFlags = map[string]map[string]string{
	"useradd": {
		"-r": "system", "--system": "system", "-m": "-", "--create-home": "-", "-M": "nohome", "--no-create-home": "nohome", "-N": "-", "--no-user-group": "-",
		"-U": "own", "--user-group": "own", "-l": "-", "--no-log-init": "-", "-o": "-", "-u": "uid=", "--uid": "uid=", "-g": "group=", "--gid": "group=", "-G": "groups=",
		"--groups": "groups=", "-s": "shell=", "--shell": "shell=", "-d": "home=", "--home": "home=", "--home-dir": "home=", "-c": "comment=", "--comment": "comment=",
	},
	"groupadd": {"-r": "system", "--system": "system", "-g": "gid=", "--gid": "gid=", "-f": "-", "--force": "-", "-o": "-"},
	"usermod":  {"-a": "-", "--append": "-", "-G": "groups=", "--groups": "groups=", "-aG": "groups="},
	"adduser": { // Debian's
		"--system": "system", "--group": "own", "--disabled-password": "-", "--disabled-login": "-", "--no-create-home": "nohome", "--quiet": "-", "-q": "-", "--force-badname": "-",
		"--gecos": "comment=", "--comment": "comment=", "--home": "home=", "--shell": "shell=", "--uid": "uid=", "--gid": "group=", "--ingroup": "group=",
	},
	"addgroup": {"--system": "system", "--gid": "gid=", "--quiet": "-"},
	"busybox adduser": {
		"-S": "system", "-D": "-", "-H": "nohome", "-h": "home=", "-g": "comment=", "-s": "shell=", "-G": "group=", "-u": "uid=", "--system": "system",
		"--disabled-password": "-", "--no-create-home": "nohome", "--home": "home=", "--gecos": "comment=", "--shell": "shell=", "--ingroup": "group=", "--uid": "uid=",
	},
	"busybox addgroup": {"-S": "system", "-g": "gid=", "--system": "system", "--gid": "gid="},
}

// readAccount reads a command in the dialect of a family; why says what of it is
// not understood.
func readAccount(cmd *dockerfile.Command, family string) (a newAccount, why string) {
	p := cmd.Program()
	key := p
	if family == "alpine" && (p == "adduser" || p == "addgroup") {
		key = "busybox " + p
	}
	flags := accountFlags[key]
	var ops []string
	args := cmd.Args()
	for i := 0; i < len(args); i++ {
		text := args[i].Text
		if text == "" || text[0] != '-' {
			ops = append(ops, raw(args[i]))
			continue
		}
		name, value, given := strings.Cut(text, "=")
		if flags[name] == "" && len(text) > 2 && text[1] != '-' { // -rm, -SDH
			for n := 1; n < len(text); n++ {
				f := flags["-"+text[n:n+1]]
				switch {
				case f == "" || strings.HasSuffix(f, "=") && n < len(text)-1:
					return a, text
				case strings.HasSuffix(f, "="):
					if i++; i >= len(args) {
						return a, text
					}
					a.set(f, raw(args[i]))
				default:
					a.set(f, "")
				}
			}
			continue
		}
		f := flags[name]
		switch {
		case f == "":
			return a, text
		case strings.HasSuffix(f, "=") && !given:
			if i++; i >= len(args) {
				return a, text
			}
			value = raw(args[i])
		}
		a.set(f, value)
	}
	switch {
	case p == "usermod" && len(ops) == 1 && len(a.groups) == 1:
		a.what, a.name, a.group = "member", ops[0], a.groups[0]
	case (p == "adduser" || p == "addgroup") && len(ops) == 2:
		a.what, a.name, a.group = "member", ops[0], ops[1]
		if key == "busybox adduser" && a.system {
			return a, ops[1]
		}
	case len(ops) != 1:
		return a, "its arguments"
	case p == "groupadd" || p == "addgroup":
		a.what, a.name = "group", ops[0]
	default:
		a.what, a.name = "user", ops[0]
		a.own = a.own || p == "useradd" && a.group == "" || p == "adduser" && !a.system && a.group == ""
	}
	return a, ""
}

// raw is a word as a shell needs it.
func raw(w dockerfile.ShellWord) string {
	if w.Quoted && strings.ContainsAny(w.Text, " \t'") || w.Text == "" {
		return `"` + w.Text + `"`
	}
	return w.Text
}

func (a *newAccount) set(flag, value string) {
	switch flag {
	case "system":
		a.system = true
	case "nohome":
		a.noHome = true
	case "own":
		a.own = true
	case "uid=":
		a.uid = value
	case "gid=":
		a.gid = value
	case "group=":
		a.group = value
	case "groups=":
		a.groups = strings.Split(value, ",")
	case "shell=":
		a.shell = value
	case "home=":
		a.home = value
	case "comment=":
		a.comment = value
	}
}

// busybox is the command in Alpine's dialect.
func (a newAccount) busybox() string {
	switch a.what {
	case "member":
		return "addgroup " + a.name + " " + a.group
	case "group":
		return words("addgroup", on(a.system, "-S"), with("-g", a.gid), a.name)
	}
	group := a.group
	before := ""
	if a.own && a.system && group == "" {
		before, group = "addgroup -S "+a.name+" && ", a.name
	}
	kind := "-D"
	if a.system {
		kind = "-S"
	}
	shell := a.shell
	switch path.Base(shell) {
	case "nologin":
		shell = "/sbin/nologin"
	case "false":
		shell = "/bin/false"
	case "bash":
		shell = "/bin/sh"
	}
	out := before + words("adduser", kind, on(a.noHome, "-H"), with("-h", a.home), with("-s", shell), with("-u", a.uid), with("-G", group), with("-g", a.comment), a.name)
	for _, g := range a.groups {
		out += " && addgroup " + a.name + " " + g
	}
	return out
}

// shadow is the command in Debian's dialect.
func (a newAccount) shadow() string {
	switch a.what {
	case "member":
		return "usermod --append --groups " + a.group + " " + a.name
	case "group":
		return words("groupadd", on(a.system, "--system"), with("--gid", a.gid), a.name)
	}
	home := "--create-home"
	if a.noHome {
		home = "--no-create-home"
	}
	shell := a.shell
	if path.Base(shell) == "nologin" {
		shell = "/usr/sbin/nologin"
	}
	return words("useradd", on(a.system, "--system"), home, with("--home-dir", a.home), with("--shell", shell), with("--uid", a.uid), with("--gid", a.group), with("--comment", a.comment), with("--groups", strings.Join(a.groups, ",")), a.name)
}

func on(b bool, flag string) string {
	if b {
		return flag
	}
	return ""
}

func with(flag, value string) string {
	if value == "" {
		return ""
	}
	return flag + " " + value
}

func words(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), " ")
}

// accountPrograms make users and groups.
var accountPrograms = []string{"useradd", "adduser", "groupadd", "addgroup", "usermod"}
