package privilege

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/dockerfile/rules/rule"
	"github.com/drydock-dev/drydock/internal/finding"
)

// server is what a server writes at its start, in folders that are root's, and
// what of its own says that it was told to write elsewhere.
type server struct {
	name   string
	image  string   // the official image; empty: Debian's package
	runs   []string // programs that it is started by; of an image's own command, none is seen
	folder []string // written; root's
	pid    string   // file; empty: none
	config []string // files or folders whose replacement may say otherwise
}

var servers = []server{
	{"nginx", "nginx", []string{"nginx"}, []string{"/var/cache/nginx"}, "/run/nginx.pid", []string{"/etc/nginx/nginx.conf", "/etc/nginx"}},
	{"httpd", "httpd", []string{"httpd", "httpd-foreground"}, []string{"/usr/local/apache2/logs"}, "", []string{"/usr/local/apache2/conf/httpd.conf", "/usr/local/apache2/conf"}},
	{"nginx", "", []string{"nginx"}, []string{"/var/lib/nginx"}, "/run/nginx.pid", []string{"/etc/nginx/nginx.conf", "/etc/nginx"}},
	{"apache2", "", []string{"apache2", "apache2ctl", "apachectl"}, []string{"/run/apache2", "/run/lock/apache2", "/var/log/apache2"}, "", []string{"/etc/apache2/apache2.conf", "/etc/apache2/envvars", "/etc/apache2"}},
}

func rootOwnedPath() rule.Check {
	return rule.Check{
		Check: finding.Check[*inspect.Input]{
			Rule: finding.Rule{
				ID:       "dockerfile/root-owned-path",
				Title:    "A server's user cannot write what the server writes",
				Practice: finding.LeastPrivilege,
				Severity: finding.Medium,
				Why: "A server writes its process id and its caches when it starts. In the official images their folders are root's, as the server is started as root: " +
					"with another USER it ends at once with \"permission denied\". Give that user these paths, and no others, before USER.",
				Bad:  "FROM nginx:1.28\nCOPY dist /usr/share/nginx/html\nUSER nginx\n",
				Good: "FROM nginx:1.28\nCOPY dist /usr/share/nginx/html\nRUN touch /run/nginx.pid && chown -R nginx /var/cache/nginx /run/nginx.pid\nUSER nginx\n",
			},
			Run: func(_ context.Context, p *rule.Pass) error {
				in, final := p.Input, p.Input.Final()
				user, ok := in.WorkerUser(final, final.End)
				if !ok {
					return nil
				}
				for _, v := range servers {
					if !hasServer(in, v) || !startsServer(in, v) || toldElsewhere(in, v) {
						continue
					}
					paths := slices.DeleteFunc(append(slices.Clone(v.folder), v.pid), func(p string) bool { return p == "" || handled(in, p) })
					if len(paths) == 0 {
						continue
					}
					inst := &in.File.Instructions[user.By]
					f := rule.At(inst.Span, v.name, "%s started by user %s cannot write %s, which %s", v.name, user.Value, strings.Join(paths, " and "), ownedByRoot(len(paths)))
					if v.image != "" {
						f = rule.WithEvidence(f, "base", "%s is the official image, in which these are root's", inspect.BaseName(final))
					} else {
						f = rule.WithEvidence(f, "base", "in Debian's package these are root's")
					}
					if in.Scopes.User(in.Stage(user.By), user.By).By < 0 && inspect.PlainWord(user.Value) {
						f = rule.WithFix(f, finding.Behaviour, "Give them to "+user.Value, in.Insert(inst.Span.Start, "RUN "+v.give(user.Value, paths)+in.LineEnd()))
					}
					p.Report(f)
				}
				return nil
			},
		},
	}
}

func ownedByRoot(n int) string {
	if n == 1 {
		return "is root's"
	}
	return "are root's"
}

// give is the command that gives a user paths. What a package's server makes at
// its start, and the pid file, are made first.
func (v server) give(user string, paths []string) string {
	cmd := "chown -R " + user + " " + strings.Join(paths, " ")
	if slices.Contains(paths, v.pid) {
		cmd = "touch " + v.pid + " && " + cmd
	}
	if folders := slices.DeleteFunc(slices.Clone(paths), func(p string) bool { return p == v.pid }); v.image == "" && len(folders) > 0 {
		cmd = "mkdir -p " + strings.Join(folders, " ") + " && " + cmd
	}
	return cmd
}

// hasServer reports whether the final stage stands on the server's official image,
// or installs Debian's package of it.
func hasServer(in *inspect.Input, v server) bool {
	if v.image != "" {
		return inspect.OfficialImage(in.Final()) == v.image
	}
	if !slices.Contains([]string{"debian", "ubuntu"}, inspect.OfficialImage(in.Final())) {
		return false
	}
	out := false
	in.InFinal(func(i int, inst *dockerfile.Instruction) {
		if inst.Cmd != "RUN" {
			return
		}
		for n := range in.Script(i).Commands {
			c := &in.Script(i).Commands[n]
			out = out || (c.Is("apt-get", "install") || c.Is("apt", "install")) && slices.ContainsFunc(c.Operands()[1:], func(w dockerfile.ShellWord) bool {
				name, _, _ := strings.Cut(w.Text, "=")
				return name == v.name
			})
		}
	})
	return out
}

// startsServer reports whether the final stage starts that server: by the command
// that it inherits, or by one of its own.
func startsServer(in *inspect.Input, v server) bool {
	st := in.Starting()
	i := st.Cmd
	if st.Entrypoint >= 0 {
		i = st.Entrypoint
	}
	if i < 0 {
		return v.image != ""
	}
	return slices.ContainsFunc(in.Script(i).Commands, func(c dockerfile.Command) bool { return slices.Contains(v.runs, c.Program()) })
}

// toldElsewhere reports whether the server's configuration is replaced, and with
// it, perhaps, where it writes.
func toldElsewhere(in *inspect.Input, v server) bool {
	out := false
	in.InFinal(func(i int, inst *dockerfile.Instruction) {
		switch inst.Cmd {
		case "COPY", "ADD":
			if len(inst.Words) > 0 {
				to := in.Destination(i, inst)
				out = out || to == "" || to == "/" || slices.Contains(v.config, to)
			}
		case "RUN":
			for n := range in.Script(i).Commands {
				out = out || slices.ContainsFunc(in.Script(i).Commands[n].Words, func(w dockerfile.ShellWord) bool {
					return slices.Contains(v.config, path.Clean(w.Text))
				})
				for _, r := range in.Script(i).Commands[n].Redirects {
					out = out || slices.Contains(v.config, path.Clean(r.Target.Text))
				}
			}
		case "ENV":
			for _, pair := range inst.Pairs() {
				out = out || strings.HasPrefix(pair.Key.Text, "APACHE_")
			}
		case "CMD", "ENTRYPOINT":
			for n := range in.Script(i).Commands {
				// nginx -c /other.conf, nginx -g "pid /tmp/nginx.pid;"
				out = out || slices.ContainsFunc(in.Script(i).Commands[n].Words, func(w dockerfile.ShellWord) bool {
					return w.Text == "-c" || w.Text == "-f" || strings.Contains(w.Text, "pid ")
				})
			}
		}
	})
	return out
}

// handled reports whether anything of the final stage names a path, or a folder
// above or beneath it, in a way that may make it another's: chown, chmod,
// install, rm, ln, VOLUME. It rather says yes.
func handled(in *inspect.Input, p string) bool {
	out := false
	in.InFinal(func(i int, inst *dockerfile.Instruction) {
		switch inst.Cmd {
		case "COPY", "ADD", "VOLUME":
			for _, w := range inst.Words {
				out = out || about(w.Text, p)
			}
		case "RUN":
			s := in.Script(i)
			out = out || s.Err != nil || len(inst.Heredocs) > 0
			for n := range s.Commands {
				for _, w := range s.Commands[n].Words {
					out = out || about(w.Text, p) || !w.Literal && slices.Contains([]string{"chown", "chmod", "install", "chgrp"}, s.Commands[n].Program())
				}
			}
		}
	})
	return out
}

// about reports whether a word is a path, one beneath it, or a folder above it
// that is not the root.
func about(word, p string) bool {
	if !strings.HasPrefix(word, "/") {
		return false
	}
	word = strings.Replace(path.Clean(strings.TrimSuffix(word, "*")), "/var/run", "/run", 1)
	return word == p || word != "/" && (strings.HasPrefix(p, word+"/") || strings.HasPrefix(word, p+"/"))
}
