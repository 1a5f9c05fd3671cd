package rewrite

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// stepsDown are official images whose own start needs root and leaves it.
var stepsDown = []string{
	"postgres", "mysql", "mariadb", "mongo", "redis", "rabbitmq", "cassandra", "couchdb", "influxdb", "ghost", "wordpress",
	"nextcloud", "drupal", "joomla", "valkey", "percona", "arangodb", "rethinkdb", "haproxy", "docker", "registry", "traefik",
}

// needsRoot are programs that do their work as root alone.
var needsRoot = []string{
	"supervisord", "sshd", "cron", "crond", "s6-svscan", "init", "systemd", "gosu", "su-exec", "setpriv", "su", "sudo", "dockerd",
	"my_init", "runsvdir", "apt-get", "apk", "service",
	// what logs others in, and starts their programs as them
	"jupyterhub", "rserver", "rstudio-server", "in.ftpd", "vsftpd", "proftpd", "pure-ftpd", "smbd", "in.telnetd", "login", "xrdp", "atd",
	// what sets up networks, file systems and other containers
	"openvpn", "wg-quick", "tailscaled", "pppd", "ipsec", "charon", "dhcpd", "keepalived", "iptables", "nft", "tcpdump",
	"rpc.nfsd", "nfsd", "ganesha.nfsd", "containerd", "buildkitd", "kubelet", "k3s", "podman", "cadvisor", "falco", "chronyd", "ntpd",
}

// possible refuses what is not run as root, or only can be.
func (n *unprivileged) possible() error {
	if n.base.Name == "" {
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
		if n.base.has("nonroot") || strings.HasPrefix(n.base.Tag, "nonroot") || strings.Contains(n.base.Name, "unprivileged") ||
			strings.Contains(n.base.Name, "bitnami/") || strings.Contains(n.base.Name, "chainguard/") {
			return refuse(n.from(), "%s does not run as root", n.stage.BaseRaw)
		}
		if n.base.official() == "" && n.base.Name != "scratch" && familyOfRef(n.base) == "" {
			return refuse(n.from(), "whether %s runs as root is not known", n.stage.BaseRaw)
		}
	}
	if slices.Contains(stepsDown, n.base.official()) {
		return refuse(n.from(), "%s starts as root to prepare its folders, and steps down itself", n.base.official())
	}
	if n.base.chiseled() {
		return refuse(n.from(), "%s has no shell to make a user with, and runs as one that is not root", n.stage.BaseRaw)
	}
	if err := n.usedOtherwise(n.stage); err != nil {
		return err
	}
	if line := n.rootMeant(); line > 0 {
		return refuse(n.from(), "a comment in line %d takes a USER back: that the image runs as root is meant", line)
	}
	if err := n.asService(); err != nil {
		return err
	}
	if err := n.rootsFiles(); err != nil {
		return err
	}
	if err := n.byRoot(); err != nil {
		return err
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
			for c := range script.Commands {
				cmd := &script.Commands[c]
				if err := cmp.Or(n.packaged(in, cmd.Program()), n.starter(in, cmd)); err != nil {
					return err
				}
			}
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
	if i, dir := n.worksOnMount(); dir != "" {
		return refuse(&n.File.Instructions[i], "the program works in %s, where the image has nothing: "+
			"a folder of the host that is mounted there is not to be written by a user of another number: choose one with its number", dir)
	}
	return nil
}

// asService refuses what files beside the Dockerfile say needs root, or has its
// user already.
func (n *unprivileged) asService() error {
	for _, u := range n.Uses {
		if u.Action {
			return refuse(n.from(), "%s makes the image a GitHub action, whose workspace is root's to write", said(u))
		}
		if u.User != "" {
			return refuse(n.from(), "%s runs the image as %s already", said(u), u.User)
		}
		words := append(slices.Clone(u.Entrypoint), u.Command...)
		if err := n.buildsFirst(n.from(), words); err != nil {
			return err
		}
		for i, w := range words {
			if i < 3 && slices.Contains(needsRoot, path.Base(w)) {
				return refuse(n.from(), "%s starts %s, which needs root", said(u), w)
			}
			if err := n.steps(n.from(), w); err != nil {
				return err
			}
		}
	}
	for _, u := range n.Uses {
		for _, m := range u.Mounts {
			if engineSocket.MatchString(m) {
				return refuse(n.from(), "%s mounts %s, which root alone may open: give the user its group first", said(u), m)
			}
		}
	}
	if n.Context != nil {
		deps := n.dependencies()
		for _, client := range engineClients {
			file := deps[client]
			if file == "" {
				continue
			}
			text, _ := n.Context.Read(file, maxText)
			if !regexp.MustCompile(`(?m)\s` + regexp.QuoteMeta(client) + `\s.*// indirect`).Match(text) {
				return refuse(n.from(), "%s names %s: the program talks to an Engine, whose socket root alone may open", file, client)
			}
		}
	}
	if folder, where := n.hostFolder(); folder != "" {
		return refuse(n.from(), "%s mounts a folder of the host on %s, which a user of another number may not write: choose one with its number", where, folder)
	}
	return nil
}

// engineSocket is the path of a container Engine's socket; engineClients are
// libraries that talk to one.
var (
	engineSocket  = lazyregexp.New(`(?:docker|podman|containerd|crio)[\w-]*\.sock$`)
	engineClients = []string{
		"github.com/docker/docker", "github.com/moby/moby", "github.com/moby/moby/client", "github.com/fsouza/go-dockerclient", "github.com/samalba/dockerclient",
		"github.com/containers/podman/v5", "github.com/containerd/containerd", "github.com/containerd/containerd/v2", "dockerode", "docker", "docker-py", "aiodocker", "docker-api",
	}
)

// worksOnMount is the working directory of a tool that the image puts nothing into,
// with the instruction that names it: such a tool works on what is mounted there.
// Empty: it is none.
func (n *unprivileged) worksOnMount() (at int, dir string) {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		switch n.File.Instructions[i].Cmd {
		case "WORKDIR":
			at = i
		case "EXPOSE", "HEALTHCHECK":
			return 0, "" // a server's
		case "RUN", "COPY", "ADD":
			at = 0
		}
	}
	if at == 0 {
		return 0, ""
	}
	dir, ok := n.workdir(n.stage, n.stage.End)
	if !ok || dir == "/" || systemFolder(dir) {
		return 0, ""
	}
	for i := range n.File.Instructions {
		if in := &n.File.Instructions[i]; i != at && in.Stage == n.stage.Index && strings.Contains(in.Raw, dir) {
			return 0, ""
		}
	}
	return at, dir
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
	for _, cmd := range n.script(i).Commands {
		for _, w := range cmd.Words {
			if err := n.steps(&n.File.Instructions[i], w.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// brings reports whether the stage copies a file of that name from its context.
func (n *unprivileged) brings(p string) bool {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if in := &n.File.Instructions[i]; (in.Cmd == "COPY" || in.Cmd == "ADD") && in.Flag("from") == "" && strings.Contains(in.Raw, path.Base(p)) {
			return true
		}
	}
	return false
}

// rootMeant is the line of a comment that takes a USER back; 0: there is none.
func (n *unprivileged) rootMeant() int {
	start := n.File.Instructions[n.stage.From].Span.End
	for at, line := range strings.Split(string(n.File.Bytes[start:]), "\n") {
		text := strings.TrimSpace(line)
		if rest, ok := strings.CutPrefix(text, "#"); ok {
			if words := strings.Fields(rest); len(words) == 2 && words[0] == "USER" && !isRoot(words[1]) {
				return strings.Count(string(n.File.Bytes[:start]), "\n") + at + 1
			}
		}
	}
	return 0
}

// steps refuses a script that steps down to another user itself.
func (n *unprivileged) steps(in *dockerfile.Instruction, word string) error {
	c := &conversion{draft: n.draft, stage: n.stage}
	dir, _ := n.workdir(n.stage, n.stage.End)
	p := word
	byPath := !strings.Contains(p, "/") && (strings.HasSuffix(p, ".sh") || startName.MatchString(p) && n.brings(p))
	if byPath {
		p = "/usr/local/bin/" + p
	}
	text, ok := c.read(absolute(dir, p), n.stage.End)
	if !ok && (byPath && startName.MatchString(word) || strings.HasSuffix(p, ".sh") && (n.brings(p) || path.IsAbs(p) && p == word && !n.ofBase(p)) || startName.MatchString(path.Base(p)) && path.IsAbs(p) && !n.ofBase(p)) {
		return refuse(in, "what %s does, which is started, is not known: --context names the folder of the build", word)
	}
	if !ok || !strings.HasPrefix(text, "#!") {
		return nil
	}
	for _, w := range strings.Fields(text) {
		switch w {
		case "gosu", "su-exec", "setpriv", "runuser", "chroot", "su":
			return refuse(in, "%s starts as root and steps down itself (%s)", word, w)
		}
	}
	return nil
}

// startName are the names of what prepares a start, whatever it is written in.
var startName = lazyregexp.New(`(?i)(?:entry-?point|start-?up|^start|^run|^boot|^init)[\w-]*\.(?:py|pl|rb|bash|js|php|lua)$|(?:^|[_-])entry-?point$`)

// ofBase reports whether a start is the base image's own.
func (n *unprivileged) ofBase(p string) bool {
	if facts := n.Scopes.Base(n.stage); facts != nil && facts.Config {
		return slices.Contains(slices.Concat(facts.Entrypoint, facts.Cmd), p)
	}
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if in := &n.File.Instructions[i]; (in.Cmd == "RUN" || in.Cmd == "COPY" || in.Cmd == "ADD") && strings.Contains(in.Raw, path.Base(p)) {
			return false
		}
	}
	return n.base.official() != "" && strings.HasPrefix(path.Base(p), "docker-")
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
	case slices.ContainsFunc(n.Uses, func(u dockerfile.Use) bool { return len(u.Entrypoint)+len(u.Command) > 0 }):
		return nil
	case facts != nil && facts.Config && len(facts.Cmd)+len(facts.Entrypoint) > 0 &&
		(len(facts.Entrypoint) > 0 || !slices.Contains(interpreters, path.Base(strings.Join(facts.Cmd, " ")))),
		slices.Contains([]string{"nginx", "httpd", "php", "tomcat", "jetty", "caddy"}, n.base.official()):
		return nil
	}
	return refuse(n.from(), "the file does not say what is started: others may build on the image, and be stopped by a user that is not root")
}
