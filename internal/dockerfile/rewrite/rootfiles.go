package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// daemons are programs of packages that bring a user of their own: they start as
// root, open their ports, logs and pid files, and step down to it.
var daemons = []string{
	"lighttpd", "mysqld", "mysqld_safe", "mariadbd", "mariadbd-safe", "squid", "squid3", "haproxy", "dnsmasq", "nginx", "apache2", "apache2ctl", "apachectl", "httpd",
	"apache2-foreground", "httpd-foreground", "postgres", "redis-server", "valkey-server", "memcached", "mongod", "rabbitmq-server", "named", "unbound", "tor", "privoxy",
	"varnishd", "mosquitto", "vsftpd", "proftpd", "pure-ftpd", "openvpn", "ntpd", "chronyd", "stunnel", "stunnel4", "smbd", "nmbd", "slapd", "radiusd", "freeradius",
	"postfix", "exim", "exim4", "dovecot", "asterisk", "rsyslogd", "clamd", "cupsd", "transmission-daemon", "icecast2", "dhcpd", "in.tftpd", "xinetd", "keepalived",
	"php-fpm", "php-fpm7", "php-fpm8", "tinyproxy", "prosody", "ejabberdctl", "opendkim", "influxd", "grafana-server", "zabbix_server", "zabbix_agentd",
	"pgbouncer", "turnserver", "ejabberd", "murmurd", "mumble-server", "minidlnad", "deluged", "znc", "nsd", "pdns_server", "pdns_recursor", "kea-dhcp4", "radvd",
	"bird", "frr", "opendmarc", "rspamd", "freshclam", "spamd", "amavisd", "snmpd", "collectd", "telegraf", "openntpd", "avahi-daemon", "sshd", "dropbear", "hostapd",
	"mpd", "minetestserver", "uwsgi-emperor", "kannel", "opensips", "kamailio", "freeswitch", "coturn", "polipo", "trafficserver", "traffic_server", "hitch", "nghttpx",
	"pure-ftpd-mysql", "tftpd", "atftpd", "bacula-dir", "nrpe", "munin-node", "monit", "zabbix_proxy", "zabbix_agent2", "couchdb", "cassandra", "elasticsearch",
	"opensearch", "solr", "winbindd", "krb5kdc", "kadmind", "gitolite", "fcgiwrap", "spawn-fcgi", "mailman", "postsrsd", "policyd-spf",
}

// setUp are programs of start scripts that root alone may run.
var setUp = []string{
	"chown", "chgrp", "apt-get", "apt", "apk", "yum", "dnf", "adduser", "addgroup", "useradd", "groupadd", "usermod", "groupmod", "deluser", "update-ca-certificates",
	"update-ca-trust", "ldconfig", "a2enmod", "a2ensite", "a2dismod", "sysctl", "iptables", "ip6tables", "mount", "umount", "service", "modprobe", "crond", "cron", "crontab",
	"sshd", "supervisord", "chpasswd", "passwd", "setcap", "dpkg-reconfigure", "locale-gen",
}

var homeOfRoot = lazyregexp.New(`(?:^|[\s=:"',\[])/root(?:/|$|[\s:"',\]])`)

// rootsFiles refuses a user that may not reach, or read, what the program is
// made of.
func (n *unprivileged) rootsFiles() error {
	if id := n.created(n.stage); id.name != "" {
		if in, dir := n.homeOf(id); dir == "/root" {
			return refuse(in, "the user %s has /root for a home, which root alone may enter", id.name)
		}
	}
	for _, s := range n.File.Chain(n.stage) {
		for i := s.From + 1; i < s.End; i++ {
			in := &n.File.Instructions[i]
			switch in.Cmd {
			case "ONBUILD":
				return refuse(in, "ONBUILD: others build on the image, and would be stopped by a user that is not root")
			case "ENV":
				if homeOfRoot.MatchString(in.Raw) {
					return refuse(in, "the program's environment leads into /root, which root alone may enter")
				}
			case "VOLUME":
				if homeOfRoot.MatchString(in.Raw) {
					return refuse(in, "a volume is below /root, which root alone may enter")
				}
			case "ADD", "COPY":
				if err := n.rootsCopy(s, i); err != nil {
					return err
				}
			case "RUN":
				if err := n.rootsInstall(i); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// homeOf is the home folder that a RUN gives to a user that it makes; empty: it
// does not say.
func (n *unprivileged) homeOf(m made) (*dockerfile.Instruction, string) {
	for _, cmd := range n.script(m.by).Commands {
		flags := []string{"-d", "--home-dir", "--home"}
		if cmd.Program() == "adduser" {
			flags = append(flags, "-h")
		}
		if w, ok := cmd.Value(flags...); ok && slices.Contains([]string{"useradd", "adduser", "usermod"}, cmd.Program()) {
			return n.instruction(m.by), path.Clean(w.Text)
		}
	}
	return nil, ""
}

// rootsCopy refuses a file that ADD fetches, which root alone may read, and what
// lands in /root.
func (n *unprivileged) rootsCopy(s *dockerfile.Stage, i int) error {
	in := &n.File.Instructions[i]
	if len(in.Args) < 2 {
		return nil
	}
	dest, _ := n.Scopes.Expand(s, i, in.Args[len(in.Args)-1])
	if _, inside := below(path.Clean(dest), "/root"); inside {
		return refuse(in, "it puts files into /root, which root alone may enter")
	}
	if in.Cmd != "ADD" || in.Flag("chmod") != "" || in.Flag("chown") != "" {
		return nil
	}
	for _, w := range in.Args[:len(in.Args)-1] {
		url, _ := n.Scopes.Expand(s, i, w)
		if !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || strings.HasSuffix(url, ".git") || strings.Contains(url, ".git#") {
			continue
		}
		names := []string{path.Base(url), path.Base(dest)}
		if !n.laterMode(i, names) {
			return refuse(in, "ADD gives a file that it fetches the mode 0600, which root alone may read: ADD --chmod=755 (or 644) first")
		}
	}
	return nil
}

// laterMode reports whether a RUN after instruction i gives a file of these names
// another mode or owner, or removes it.
func (n *unprivileged) laterMode(i int, names []string) bool {
	for at := i + 1; at < n.stage.End; at++ {
		if n.File.Instructions[at].Cmd != "RUN" {
			continue
		}
		for _, cmd := range n.script(at).Commands {
			if !slices.Contains([]string{"chmod", "chown", "rm", "install"}, cmd.Program()) {
				continue
			}
			for _, w := range cmd.Args() {
				if slices.Contains(names, path.Base(w.Text)) {
					return true
				}
			}
		}
	}
	return false
}

// inRootsHome are installers that put what they install below the home of who
// runs them.
var inRootsHome = []struct {
	program string
	subs    []string // commands that install
	say     string   // what has it elsewhere
	said    []string // flags, variables and settings with which it is elsewhere
}{
	{"poetry", []string{"install", "sync"}, "POETRY_VIRTUALENVS_IN_PROJECT=true", []string{
		"POETRY_VIRTUALENVS_CREATE", "POETRY_VIRTUALENVS_IN_PROJECT", "POETRY_VIRTUALENVS_PATH", "POETRY_CACHE_DIR", "virtualenvs.create", "virtualenvs.in-project", "virtualenvs.path",
	}},
	{"pipenv", []string{"install", "sync"}, "PIPENV_VENV_IN_PROJECT=1", []string{"--system", "PIPENV_VENV_IN_PROJECT", "WORKON_HOME"}},
	{"pipx", []string{"install"}, "PIPX_HOME", []string{"PIPX_HOME", "--global"}},
}

// rootsInstall refuses a RUN that installs into root's home, or names it as the
// place of what it makes.
func (n *unprivileged) rootsInstall(i int) error {
	in := &n.File.Instructions[i]
	if err := n.forHome(in); err != nil {
		return err
	}
	script := n.script(i)
	for c := range script.Commands {
		cmd := &script.Commands[c]
		for _, k := range inRootsHome {
			if slices.ContainsFunc(k.subs, func(sub string) bool { return cmd.Is(k.program, sub) }) && !slices.ContainsFunc(k.said, n.mentions) {
				return refuse(in, "%s puts what it installs into root's home, which root alone may enter: set %s first", k.program, k.say)
			}
		}
		if pip(cmd) && cmd.Has("--user") && !n.mentions("PYTHONUSERBASE") {
			return refuse(in, "pip install --user puts what it installs into root's home, which root alone may enter")
		}
		if p := rootsPlace(cmd); p != "" {
			return refuse(in, "%s names %s as a place, which root alone may enter", cmd.Program(), p)
		}
	}
	return nil
}

// rootsPlace is the folder below /root that a command puts a program's files
// into, or links to; empty: it does not. What is the builder's own (caches, keys,
// settings of tools) is none.
func rootsPlace(cmd *dockerfile.Command) string {
	for _, r := range cmd.Redirects {
		if home, inside := inHome(r.Target.Text); inside && strings.HasPrefix(r.Op, ">") && !slices.Contains(ofShells, home) {
			return r.Target.Text
		}
	}
	words := cmd.Args()
	switch cmd.Program() {
	case "rm", "mkdir", "chmod", "chown", "echo", "printf", "touch", "cat", "cd", "ls", "find", "export", "test", "[", ".", "source", "ssh-keyscan", "ssh-keygen":
		return ""
	case "cp", "mv":
		words = words[max(0, len(words)-1):]
	}
	programs := []string{
		".", ".local", ".cargo", ".rustup", ".nvm", ".pyenv", ".rbenv", ".bun", ".deno", ".dotnet", ".sdkman", ".composer", ".volta", ".asdf", ".poetry", ".pixi", ".ghcup", ".opam",
	}
	for _, w := range words {
		text := w.Text
		if _, value, ok := strings.Cut(text, "="); ok && strings.HasPrefix(text, "-") {
			text = value
		}
		home, inside := inHome(text)
		if first, _, _ := strings.Cut(home, "/"); inside && (!strings.HasPrefix(first, ".") || slices.Contains(programs, first)) {
			return text
		}
	}
	return ""
}

// inHome is a path below root's home, which a shell of root's may also call by
// $HOME and a tilde.
func inHome(text string) (rest string, inside bool) {
	for _, home := range []string{"$HOME", "${HOME}", "~"} {
		if after, ok := strings.CutPrefix(text, home); ok && (after == "" || after[0] == '/') {
			text = "/root" + after
		}
	}
	return below(path.Clean(text), "/root")
}

// ofShells are files of a home that are for who logs in, or for the build.
var ofShells = []string{
	".bashrc", ".bash_profile", ".profile", ".zshrc", ".bash_aliases", ".vimrc", ".inputrc", ".npmrc", ".netrc", ".gitconfig", ".curlrc", ".wgetrc", ".gemrc", ".condarc", ".yarnrc",
	".ssh/config", ".ssh/known_hosts", ".ssh/id_rsa", ".ssh/id_ed25519", ".ssh/authorized_keys", ".pip/pip.conf", ".config/pip/pip.conf", ".m2/settings.xml", ".gradle/gradle.properties",
	".cargo/config", ".cargo/config.toml", ".docker/config.json", ".git-credentials", ".bazelrc", ".pypirc", ".Rprofile",
}

func pip(cmd *dockerfile.Command) bool {
	return cmd.Is("pip", "install") || cmd.Is("pip3", "install") || slices.Contains([]string{"python", "python3"}, cmd.Program()) && cmd.Has("-m") &&
		slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return w.Text == "pip" })
}

// mentions reports whether an instruction of the stage, or of those that it stands
// on, has a word.
func (n *unprivileged) mentions(word string) bool {
	for _, s := range n.File.Chain(n.stage) {
		for i := s.From + 1; i < s.End; i++ {
			if strings.Contains(n.File.Instructions[i].Raw, word) {
				return true
			}
		}
	}
	return false
}

// packaged refuses a daemon that a package of the system brought with a user of
// its own.
func (n *unprivileged) packaged(in *dockerfile.Instruction, program string) error {
	name := path.Base(program)
	if (slices.Contains(daemons, name) || slices.Contains(daemons, unversioned(name))) && !slices.Contains([]string{"nginx", "httpd", "php"}, n.base.official()) {
		return refuse(in, "%s starts as root and steps down to the user that its package brings", name)
	}
	return nil
}

// starter refuses a tool of Python's as what starts the program: it looks for an
// environment of who runs it, and makes a new one where it finds none.
func (n *unprivileged) starter(in *dockerfile.Instruction, cmd *dockerfile.Command) error {
	var words []string
	for _, w := range cmd.Words {
		words = append(words, w.Text)
	}
	if err := n.buildsFirst(in, words); err != nil {
		return err
	}
	if cmd.Is("uv", "run") && !cmd.Has("--no-sync") && !n.mentions("UV_NO_SYNC") {
		return refuse(in, "uv run brings the environment up to date at each start, and that is root's: say --no-sync, or start the program itself, first")
	}
	for _, k := range inRootsHome {
		if len(cmd.Words) == 0 || path.Base(cmd.Words[0].Text) != k.program || !cmd.Has("run") && !slices.ContainsFunc(cmd.Words, func(w dockerfile.ShellWord) bool { return w.Text == "run" }) {
			continue
		}
		if !slices.ContainsFunc(k.said, func(w string) bool { return strings.ToUpper(w) == w && !strings.HasPrefix(w, "-") && n.mentions(w) }) {
			return refuse(in, "%s run looks for an environment in the home of who runs it, and that is root's: set %s first, or start the program itself", k.program, k.say)
		}
	}
	return nil
}

// scripts refuses a start script that writes where the user may not, or does
// what root alone may. What the user is to own is known by then.
func (n *unprivileged) scripts() error {
	c := &conversion{draft: n.draft, stage: n.stage}
	dir, _ := n.workdir(n.stage, n.stage.End)
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "CMD" && in.Cmd != "ENTRYPOINT" {
			continue
		}
		for _, cmd := range n.script(i).Commands {
			for at, w := range cmd.Words {
				if at > 2 {
					break
				}
				p := w.Text
				if !strings.Contains(p, "/") && (at == 0 || strings.HasSuffix(p, ".sh")) {
					p = "/usr/local/bin/" + p
				}
				text, ok := c.read(absolute(dir, p), n.stage.End)
				if !ok && p != w.Text {
					text, ok = c.read(absolute(dir, w.Text), n.stage.End)
				}
				if !ok || !strings.HasPrefix(text, "#!") && !strings.HasSuffix(w.Text, ".sh") {
					continue
				}
				if err := n.scripted(in, w.Text, text, dir); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// scripted reads a start script.
func (n *unprivileged) scripted(in *dockerfile.Instruction, name, text, dir string) error {
	if first, _, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "#!") && !strings.Contains(first, "sh") {
		return nil // no shell's
	}
	asksWho := slices.ContainsFunc([]string{"id -u", "whoami", "$EUID", "$UID", "${EUID", "${UID"}, func(w string) bool { return strings.Contains(text, w) })
	for _, r := range located(commandsIn(text), n.stage.End, dir) {
		program := r.Program()
		if r.Conditional() && asksWho {
			continue
		}
		if slices.Contains(setUp, program) {
			return refuse(in, "%s, which is started, runs %s, which root alone may", name, program)
		}
		if err := n.packaged(in, program); err != nil {
			return err
		}
		words := []string{program}
		for _, w := range r.Args() {
			words = append(words, w.Text)
		}
		if program == "go" && len(words) > 1 && words[1] != "env" && words[1] != "version" && n.runsGo() && !n.mayWrite("/go/pkg") {
			return refuse(in, "%s, which is started, runs go %s, which writes into the folder of modules that root filled", name, words[1])
		}
		if program != "" && !n.mayWrite(r.dir) && n.buildsFirst(in, words) != nil {
			return refuse(in, "%s, which is started, runs %s, which builds in a folder or a home that is root's", name, strings.Join(words[:min(2, len(words))], " "))
		}
		for _, p := range writtenBy(r.Command) {
			if p = absolute(r.dir, p); !n.mayWrite(p) {
				return refuse(in, "%s, which is started, writes %s, which is root's", name, p)
			}
		}
	}
	return nil
}

// runsGo reports whether a RUN has the go command fill its folder of modules.
func (n *unprivileged) runsGo() bool {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if n.File.Instructions[i].Cmd == "RUN" && slices.ContainsFunc(n.script(i).Commands, func(c dockerfile.Command) bool {
			return c.Is("go", "install") || c.Is("go", "mod") || c.Is("go", "get") || c.Is("go", "build")
		}) {
			return true
		}
	}
	return false
}

// commandsIn reads the text of a script; nil: it cannot be read.
func commandsIn(text string) []dockerfile.Command {
	const end = "END_OF_THE_SCRIPT"
	if strings.Contains(text, end) {
		return nil
	}
	f, err := dockerfile.Parse("", []byte("FROM scratch\nRUN <<'"+end+"'\n"+strings.TrimRight(text, "\n")+"\n"+end+"\n"))
	if err != nil || len(f.Instructions) != 2 {
		return nil
	}
	s := f.Script(&f.Instructions[1], nil)
	if s.Err != nil {
		return nil
	}
	return s.Commands
}

// writtenBy are the literal paths that a command writes, as it says them.
func writtenBy(cmd *dockerfile.Command) []string {
	var out []string
	for _, r := range cmd.Redirects {
		if strings.HasPrefix(r.Op, ">") && r.Op != ">&" || r.Op == "&>" || r.Op == "&>>" {
			out = append(out, literalPath(r.Target)...)
		}
	}
	ops := cmd.Operands()
	switch cmd.Program() {
	case "go", "gcc", "g++", "cc", "c++", "clang", "rustc", "curl", "openssl", "tsc":
		if w, ok := cmd.Value("-o", "--output", "-out"); ok {
			out = append(out, literalPath(w)...)
		}
	case "wget":
		if w, ok := cmd.Value("-O", "--output-document"); ok {
			out = append(out, literalPath(w)...)
		}
	case "sed", "perl":
		if !slices.ContainsFunc(cmd.Args(), func(w dockerfile.ShellWord) bool { return strings.HasPrefix(w.Text, "-i") || w.Text == "--in-place" }) || len(ops) == 0 {
			return out
		}
		out = append(out, literalPath(ops[len(ops)-1])...)
	case "cp", "mv", "ln", "install":
		if len(ops) > 1 {
			out = append(out, literalPath(ops[len(ops)-1])...)
		}
	case "mkdir", "touch", "tee", "rm", "chmod", "truncate":
		for i, w := range ops {
			if cmd.Program() == "chmod" && i == 0 {
				continue
			}
			out = append(out, literalPath(w)...)
		}
	}
	return out
}

// literalPath is a word as far as it says a path; nothing where it does not.
func literalPath(w dockerfile.ShellWord) []string {
	text := w.Text
	if i := strings.IndexAny(text, "$`*?"); i >= 0 {
		text = text[:i]
		if !path.IsAbs(text) || text == "/" {
			return nil
		}
	}
	if text == "" || text == "-" {
		return nil
	}
	return []string{text}
}

// mayWrite reports whether a user that is not root may write a path: what everybody
// may, what the user is given, and what cannot be told.
func (n *unprivileged) mayWrite(p string) bool {
	if !path.IsAbs(p) {
		return true
	}
	all := append([]string{"/tmp", "/var/tmp", "/dev", "/proc/self", "/proc/1/fd", "/home/" + n.name}, n.own...)
	for _, dir := range slices.Concat(all, n.trees, n.given()) {
		if _, inside := below(path.Clean(p), dir); inside {
			return true
		}
	}
	return false
}

// given are the paths that the file gives to another user than root, or to all.
func (n *unprivileged) given() []string {
	var out []string
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		dir, _ := n.workdir(n.stage, i)
		switch in.Cmd {
		case "COPY", "ADD":
			if owner := in.Flag("chown"); owner != "" && !isRoot(owner) && len(in.Args) > 0 {
				dest, _ := n.Scopes.Expand(n.stage, i, in.Args[len(in.Args)-1])
				out = append(out, absolute(dir, path.Clean(dest)))
			}
		case "RUN":
			for _, r := range located(n.script(i).Commands, i, dir) {
				ops := r.Operands()
				if len(ops) < 2 {
					continue
				}
				open := r.Program() == "chmod" && slices.ContainsFunc([]string{"777", "666", "a+w", "a+rw", "o+w", "ugo+", "go+w"}, func(m string) bool { return strings.Contains(ops[0].Text, m) })
				if open || r.Program() == "chown" && !isRoot(ops[0].Text) {
					for _, w := range ops[1:] {
						out = append(out, absolute(r.dir, path.Clean(w.Text)))
					}
				}
			}
		}
	}
	return out
}
