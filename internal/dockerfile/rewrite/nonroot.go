package rewrite

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// NonRoot has the image's program run as a user that is not root: one that the
// base has, or a new one, with no more ownership than it can be seen to need.
func NonRoot(r Request) (Rewrite, error) {
	d := newDraft(r)
	n := &unprivileged{draft: d, stage: &r.File.Stages[len(r.File.Stages)-1]}
	n.base = parseReference(r.File.Chain(n.stage)[0].Base)
	if err := n.possible(); err != nil {
		return Rewrite{}, err
	}
	var ok bool
	if n.account, ok = d.account(n.stage); !ok {
		return Rewrite{}, refuse(n.from(), "what system %s is cannot be told, and so not how a user is made on it", n.stage.BaseRaw)
	}
	d.note("the program runs as %s: %s", n.user, n.why)
	if n.base.official() == "nginx" {
		n.nginx()
	} else {
		n.ports()
	}
	n.owned()
	n.write()
	return d.done("Run as " + n.user + " and not as root")
}

// unprivileged is a stage on its way to a user that is not root.
type unprivileged struct {
	*draft
	account
	stage *dockerfile.Stage
	base  reference
	run   []string // commands that root runs before the user is set
	own   []string // paths that are to be the user's
	lines []string // instructions after these
}

func (n *unprivileged) from() *dockerfile.Instruction { return &n.File.Instructions[n.stage.From] }

// stepsDown are official images whose own start needs root and leaves it.
var stepsDown = []string{
	"postgres", "mysql", "mariadb", "mongo", "redis", "rabbitmq", "cassandra", "couchdb", "influxdb", "ghost", "wordpress",
	"nextcloud", "drupal", "joomla", "valkey", "percona", "arangodb", "rethinkdb", "haproxy", "docker", "registry", "traefik",
}

// needsRoot are programs that do their work as root alone.
var needsRoot = []string{"supervisord", "sshd", "cron", "crond", "s6-svscan", "init", "systemd", "gosu", "su-exec", "setpriv", "su", "sudo", "dockerd", "my_init", "runsvdir", "apt-get", "apk", "service"}

// possible refuses what is not run as root, or only can be.
func (n *unprivileged) possible() error {
	if n.base.name == "" {
		return refuse(n.from(), "the base image cannot be told: its build argument has no default")
	}
	if n.base.windows() {
		return refuse(n.from(), "Windows has no root")
	}
	u := n.Scopes.User(n.stage, n.stage.End)
	if !isRoot(u.Value) {
		return refuse(n.instruction(u.By), "the image runs as %s already", u.Value)
	}
	if u.By >= 0 && !u.Known {
		return refuse(n.instruction(u.By), "who runs the program cannot be told")
	}
	if u.By < 0 && !u.Known {
		if n.base.has("nonroot") || strings.HasPrefix(n.base.tag, "nonroot") || strings.Contains(n.base.name, "unprivileged") ||
			strings.Contains(n.base.name, "bitnami/") || strings.Contains(n.base.name, "chainguard/") {
			return refuse(n.from(), "%s does not run as root", n.stage.BaseRaw)
		}
		if n.base.official() == "" && n.base.name != "scratch" && familyOfRef(n.base) == "" {
			return refuse(n.from(), "whether %s runs as root is not known", n.stage.BaseRaw)
		}
	}
	if slices.Contains(stepsDown, n.base.official()) {
		return refuse(n.from(), "%s starts as root to prepare its folders, and steps down itself", n.base.official())
	}
	if err := n.forNobody(); err != nil {
		return err
	}
	start := -1
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		script := n.script(i)
		for c := range script.Commands {
			cmd := &script.Commands[c]
			switch {
			case in.Cmd == "RUN" && packagesOf(cmd).any("gosu", "su-exec", "supervisor", "openssh-server", "cron"):
				return refuse(in, "the file installs %s, for a start that needs root", packagesOf(cmd).first("gosu", "su-exec", "supervisor", "openssh-server", "cron"))
			case in.Cmd == "RUN" && stepping(cmd) != "":
				return refuse(in, "the file installs %s, for a start that is root's and steps down itself", stepping(cmd))
			case (in.Cmd == "CMD" || in.Cmd == "ENTRYPOINT") && len(cmd.Words) > 0 && slices.Contains(needsRoot, path.Base(cmd.Words[0].Text)):
				return refuse(in, "%s needs root", cmd.Words[0].Text)
			}
		}
		if in.Cmd == "CMD" || in.Cmd == "ENTRYPOINT" {
			start = i
			if err := n.startScript(i); err != nil {
				return err
			}
		}
	}
	if dir, ok := n.workdir(n.stage, n.stage.End); ok {
		if _, inside := below(dir, "/root"); inside {
			return refuse(n.from(), "the program works in %s, which root alone may enter", dir)
		}
	}
	if start >= 0 && strings.Contains(n.File.Instructions[start].Raw, "/root/") {
		return refuse(&n.File.Instructions[start], "the program lies in /root, which root alone may enter")
	}
	return nil
}

// stepping is the program that a command handles and that starts others as
// another user; empty: none.
func stepping(cmd *dockerfile.Command) string {
	for _, w := range cmd.Words {
		if base := path.Base(w.Text); base == "gosu" || base == "su-exec" {
			return base
		}
	}
	return ""
}

// startScript looks into a script of the context that is started.
func (n *unprivileged) startScript(i int) error {
	c := &conversion{draft: n.draft, stage: n.stage}
	dir, _ := n.workdir(n.stage, n.stage.End)
	for _, cmd := range n.script(i).Commands {
		for _, w := range cmd.Words {
			p := w.Text
			if !strings.Contains(p, "/") && strings.HasSuffix(p, ".sh") {
				p = "/usr/local/bin/" + p
			}
			text, ok := c.read(absolute(dir, p), n.stage.End)
			if !ok || !strings.HasPrefix(text, "#!") {
				continue
			}
			for _, word := range strings.Fields(text) {
				switch word {
				case "gosu", "su-exec", "setpriv", "runuser", "chroot", "su":
					return refuse(&n.File.Instructions[i], "%s starts as root and steps down itself (%s)", w.Text, word)
				case "chown", "apt-get", "adduser", "useradd", "usermod":
					n.undecided("whether %s still does what it does without root: it runs %s", w.Text, word)
				}
			}
		}
	}
	return nil
}

// writes are the folders that the programs of official images write to, and
// that are root's.
var writes = map[string][]string{
	"tomcat": {"/usr/local/tomcat/conf", "/usr/local/tomcat/logs", "/usr/local/tomcat/temp", "/usr/local/tomcat/webapps", "/usr/local/tomcat/work"},
	"httpd":  {"/usr/local/apache2/logs"},
}

// interpreters wait for somebody to type, where nothing else is said.
var interpreters = []string{"sh", "bash", "ash", "zsh", "python", "python3", "python2", "pypy", "pypy3", "node", "irb", "iex", "ghci", "jshell", "R", "julia", "perl", "erl", "guile", "groovysh", "scala", "php -a", "sbcl", "swipl"}

// forNobody refuses images that others are made of: a service has a program.
func (n *unprivileged) forNobody() error {
	at := -1
	for _, s := range n.File.Chain(n.stage) {
		for i := s.From + 1; i < s.End; i++ {
			if cmd := n.File.Instructions[i].Cmd; cmd == "CMD" || cmd == "ENTRYPOINT" {
				at = i
			}
		}
	}
	facts := n.Scopes.Base(n.stage)
	switch {
	case at >= 0:
		if in := &n.File.Instructions[at]; slices.Contains(interpreters, path.Base(strings.Join(in.Args, " "))) {
			return refuse(in, "%s is started, with nothing to do: others build on the image, or work in it", strings.Join(in.Args, " "))
		}
		return nil
	case facts != nil && facts.Config && len(facts.Cmd)+len(facts.Entrypoint) > 0, slices.Contains([]string{"nginx", "httpd", "php", "tomcat", "jetty", "caddy"}, n.base.official()):
		return nil
	}
	return refuse(n.from(), "the file does not say what is started: others may build on the image, and be stopped by a user that is not root")
}

func (n *unprivileged) instruction(i int) *dockerfile.Instruction {
	if i < 0 {
		return n.from()
	}
	return &n.File.Instructions[i]
}

// ports says what of privileged ports can be said.
func (n *unprivileged) ports() {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "EXPOSE" {
			continue
		}
		for _, w := range in.Args {
			text, _ := n.Scopes.Expand(n.stage, i, w)
			port, _, _ := strings.Cut(text, "/")
			if p, err := strconv.Atoi(port); err == nil && p > 0 && p < 1024 {
				n.undecided("whether port %d may be opened: Docker lets every user since 20.10, other engines keep ports below 1024 for root", p)
			}
		}
	}
}

// owned finds the paths that the program can be seen to write to: volumes, and
// folders and files that are made empty.
func (n *unprivileged) owned() {
	if n.family(n.stage) == "scratch" || n.family(n.stage) == "distroless" {
		return
	}
	for _, p := range writes[n.base.official()] {
		n.add(p)
		n.note("%s writes into %s", n.base.official(), p)
	}
	into, removed := n.filled()
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		switch in.Cmd {
		case "VOLUME":
			for _, w := range in.Args {
				if p, _ := n.Scopes.Expand(n.stage, i, w); path.IsAbs(p) && path.Clean(p) != "/" && p == plainPath(p) {
					n.add(path.Clean(p))
					n.note("%s is a volume, and the program's to write", p)
				}
			}
		case "RUN":
			for _, p := range n.made(i) {
				if into[p] || within(removed, p) {
					continue
				}
				n.add(p)
				n.note("%s is made empty for the program to fill", p)
			}
		}
	}
	dir, ok := n.workdir(n.stage, n.stage.End)
	if ok && dir != "/" && n.base.official() != "nginx" && !slices.Contains(n.own, dir) {
		n.undecided("whether the program writes into %s: it may not, as the files stay root's", dir)
	}
}

func (n *unprivileged) add(p string) {
	if !slices.Contains(n.own, p) {
		n.own = append(n.own, p)
	}
}

// made are the absolute paths that a RUN makes empty, outside of those that
// systems have.
func (n *unprivileged) made(i int) []string {
	var out []string
	for _, cmd := range n.script(i).Commands {
		if p := cmd.Program(); p != "mkdir" && p != "touch" || cmd.Conditional() {
			continue
		}
		for _, w := range cmd.Operands("-m", "--mode") {
			p := path.Clean(w.Text)
			if w.Literal && path.IsAbs(p) && p == plainPath(p) && !temporary(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// plainPath is a path if nothing in it means something to a shell.
func plainPath(p string) string {
	if strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+") != "" {
		return ""
	}
	return p
}

func temporary(p string) bool {
	for _, dir := range []string{"/tmp", "/var/tmp", "/etc", "/usr", "/root", "/build", "/src", "/opt", "/dev", "/proc", "/sys", "/bin", "/lib"} {
		if _, ok := below(p, dir); ok {
			return true
		}
	}
	return false
}

// filled are the paths that the stage puts something into, or removes: they are
// no folders that the program fills.
func (n *unprivileged) filled() (into, removed map[string]bool) {
	into, removed = map[string]bool{}, map[string]bool{}
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		switch in.Cmd {
		case "COPY", "ADD":
			dest := in.Args[len(in.Args)-1]
			if dir, _ := n.workdir(n.stage, i); !path.IsAbs(dest) {
				dest = path.Join(dir, dest)
			}
			upwards(into, path.Clean(dest))
		case "WORKDIR":
			dir, _ := n.workdir(n.stage, i+1)
			into[dir] = true
		case "RUN":
			for _, cmd := range n.script(i).Commands {
				if cmd.Is("rm") {
					for _, w := range cmd.Operands() {
						removed[path.Clean(w.Text)] = true
					}
				}
			}
		}
	}
	return into, removed
}

// maxDepth is how many folders within one another are looked at.
const maxDepth = 64

// upwards puts a path and the folders around it into a set.
func upwards(set map[string]bool, p string) {
	for range maxDepth {
		if set[p] || p == "/" || p == "." {
			return
		}
		set[p] = true
		p = path.Dir(p)
	}
}

// within says whether a path or a folder around it is in a set.
func within(set map[string]bool, p string) bool {
	for range maxDepth {
		if set[p] {
			return true
		}
		if p == "/" || p == "." {
			return false
		}
		p = path.Dir(p)
	}
	return false
}

// write puts the lines before what is started.
func (n *unprivileged) write() {
	at := n.stage.End
	for i := n.stage.End - 1; i > n.stage.From; i-- {
		in := &n.File.Instructions[i]
		if !slices.Contains([]string{"CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL", "VOLUME", "LABEL", "USER"}, in.Cmd) {
			break
		}
		at = i
	}
	if at > n.stage.From {
		for at < n.stage.End && slices.Contains([]string{"LABEL", "STOPSIGNAL"}, n.File.Instructions[at].Cmd) {
			at++
		}
	}
	var commands []string
	if n.account.add != "" {
		commands = append(commands, n.account.add)
	}
	commands = append(commands, n.run...)
	if len(n.own) > 0 {
		made := ""
		if dirs := n.missing(); len(dirs) > 0 {
			made = "mkdir -p " + strings.Join(dirs, " ") + " && "
		}
		commands = append(commands, made+"chown "+n.owner+" "+strings.Join(n.own, " "))
	}
	var lines []string
	if len(commands) > 0 {
		lines = append(lines, "RUN "+strings.Join(commands, " \\\n    && "))
		if n.File.Escape != '\\' {
			lines[0] = "RUN " + strings.Join(commands, " && ")
		}
		if u := n.Scopes.User(n.stage, at); u.By >= 0 && n.File.Instructions[u.By].Stage == n.stage.Index && !isRoot(u.Value) {
			lines = append([]string{"USER root"}, lines...)
		}
	}
	lines = append(append(lines, n.lines...), "USER "+n.user)
	n.place(at, strings.Join(lines, "\n"))
	n.dropRoot(at)
}

// missing are the volumes that nothing makes before.
func (n *unprivileged) missing() []string {
	var out []string
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "VOLUME" {
			continue
		}
		for _, w := range in.Args {
			p, _ := n.Scopes.Expand(n.stage, i, w)
			p = path.Clean(p)
			if slices.Contains(n.own, p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// dropRoot takes a "USER root" at the end away.
func (n *unprivileged) dropRoot(at int) {
	for i := at; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "USER" {
			continue
		}
		end := in.Span.End
		for end < len(n.File.Bytes) && n.File.Bytes[end] != '\n' {
			end++
		}
		if end < len(n.File.Bytes) {
			end++
		}
		n.edit(in.Span.Start, end, "")
	}
}

// place puts lines before instruction at of the stage, above its comments; at
// the stage's end after the last.
func (n *unprivileged) place(at int, text string) {
	b := n.File.Bytes
	if at < n.stage.End {
		pos := n.above(at)
		gap := ""
		if n.spaced(at) {
			gap = "\n"
		}
		n.edit(pos, pos, n.draft.lines(text+"\n"+gap))
		return
	}
	pos := n.File.Instructions[n.stage.End-1].Span.End
	for pos < len(b) && b[pos] != '\n' {
		pos++
	}
	if pos < len(b) {
		pos++
		n.edit(pos, pos, n.draft.lines(text+"\n"))
		return
	}
	n.edit(pos, pos, n.draft.lines("\n"+text+"\n"))
}

// above is where the lines of an instruction begin, its comments included.
func (d *draft) above(i int) int {
	b := d.File.Bytes
	floor := d.File.Instructions[i-1].Span.End
	start := d.File.Instructions[i].Span.Start
	for start > floor && (b[start-1] == ' ' || b[start-1] == '\t') {
		start--
	}
	for {
		line := lineBefore(b, start, floor)
		if text := strings.TrimSpace(string(b[line:start])); line == start || text == "" || text[0] != '#' {
			return start
		}
		start = line
	}
}

// spaced says whether a blank line is above an instruction and its comments.
func (d *draft) spaced(i int) bool {
	start := d.above(i)
	return strings.Count(string(d.File.Bytes[d.File.Instructions[i-1].Span.End:start]), "\n") > 1
}
