package rewrite

import (
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

const (
	siteRoot = "/usr/share/nginx/html"
	siteConf = "/etc/nginx/conf.d/default.conf"
	// nginxOwns lets nginx start as its own user: it makes folders in its cache
	// and writes its process id.
	nginxOwns = "touch /var/run/nginx.pid && chown nginx:nginx /var/cache/nginx /var/run/nginx.pid"
)

// nginx prepares nginx's image: what it writes becomes its user's, and it
// listens on a port that any user may open.
func (n *unprivileged) nginx() {
	n.run = append(n.run, nginxOwns)
	n.note("nginx makes folders in /var/cache/nginx and writes /var/run/nginx.pid; nothing else becomes its own")
	moved := map[string]string{}
	confs, unknown := n.confs()
	for _, c := range confs {
		n.listens(c, moved)
	}
	n.keys(confs)
	main, site := false, false
	for _, c := range append(confs, unknown...) {
		main = main || c.dest == "/etc/nginx/nginx.conf"
		site = site || path.Dir(c.dest) == "/etc/nginx/conf.d" && path.Base(c.dest) == "default.conf"
		if strings.HasPrefix(c.dest, "/etc/nginx/templates") {
			site = site || c.text == nil || path.Base(c.dest) == "default.conf.template"
			n.add("/etc/nginx/conf.d")
			n.note("nginx's start writes what templates say into /etc/nginx/conf.d")
		}
	}
	for _, c := range confs {
		if m := listenVariable.FindSubmatch(c.text); m != nil {
			n.undecided("which port %s stands for in %s: below 1024, nginx needs Docker 20.10 or later to listen there", m[1], c.name)
		}
	}
	for _, c := range unknown {
		n.undecided("which ports %s has nginx listen on: it cannot be read here; below 1024 they need Docker 20.10 or later", c.dest)
	}
	if where := n.publishes("80"); !main && !site && !n.removesSite() && where != "" {
		n.undecided("whether nginx may listen on port 80, which %s publishes and which therefore stays: Docker lets every user since 20.10, other engines keep it for root", where)
	} else if !main && !site && !n.removesSite() {
		n.run = append(n.run, "sed -i 's/listen  *80;/listen 8080;/' "+siteConf)
		moved["80"] = "8080"
		n.change(siteConf, "nginx listens on port 8080")
		n.note("nginx listens on port 8080 and not on 80, which is root's on many systems")
	}
	n.exposed(moved)
}

// conf is a file of nginx's configuration that the stage copies.
type conf struct {
	name string // in the context
	dest string // in the image
	text []byte
}

// confs are the files of the configuration that are copied from the context;
// unknown are those that cannot be read.
func (n *unprivileged) confs() (known, unknown []conf) {
	c := &conversion{draft: n.draft, stage: n.stage}
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		in := &n.File.Instructions[i]
		if in.Cmd != "COPY" && in.Cmd != "ADD" {
			continue
		}
		cp, ok := c.copying(i)
		if !ok {
			if dest := in.Args[len(in.Args)-1]; strings.HasPrefix(dest, "/etc/nginx") {
				unknown = append(unknown, conf{dest: path.Clean(dest)})
			}
			continue
		}
		for _, s := range cp.sources {
			dest := cp.dest
			if cp.folder || dest == "/etc/nginx" || dest == "/etc/nginx/conf.d" || dest == "/etc/nginx/templates" {
				dest = path.Join(dest, path.Base(s))
			}
			if _, inside := below(dest, "/etc/nginx"); !inside {
				continue
			}
			if n.Context == nil {
				unknown = append(unknown, conf{s, dest, nil})
				continue
			}
			text, err := n.Context.Read(s, maxText)
			switch {
			case err == nil:
				known = append(known, conf{s, dest, text})
			case strings.ContainsAny(s, "*?["):
				unknown = append(unknown, conf{s, dest, nil})
			default:
				k, u := n.confsIn(s, cp.dest)
				known, unknown = append(known, k...), append(unknown, u...)
			}
		}
	}
	return known, unknown
}

// confsIn are the files of a folder of the context that is copied to dest.
func (n *unprivileged) confsIn(dir, dest string) (known, unknown []conf) {
	err := n.Context.Walk(func(name string, _ fs.DirEntry) bool {
		rest, inside := below(name, dir)
		if !inside {
			return true
		}
		c := conf{name: name, dest: path.Join(dest, rest)}
		if text, err := n.Context.Read(name, maxText); err == nil {
			c.text = text
			known = append(known, c)
		} else {
			unknown = append(unknown, c)
		}
		return len(known)+len(unknown) < maxConfs
	})
	if err != nil || len(known)+len(unknown) == 0 || len(known)+len(unknown) == maxConfs {
		unknown = append(unknown, conf{dir, path.Join(dest, path.Base(dir)), nil})
	}
	return known, unknown
}

// maxConfs is how many files of a folder of configuration are read.
const maxConfs = 64

// listenVariable is a port that a template's variable gives.
var listenVariable = lazyregexp.New(`(?m)^[^#\n]*?\blisten\s+(?:\[::\]:|[0-9.]+:|\*:)?(\$\{?\w+\}?)`)

var listen = lazyregexp.New(`(?m)^([^#\n]*?\blisten\s+(?:\[::\]:|[0-9.]+:|\*:)?)([0-9]+)\b([^;\n.:]*;)`)

// listens moves the ports below 1024 of a configuration up.
func (n *unprivileged) listens(c conf, moved map[string]string) {
	for _, m := range listen.FindAllSubmatchIndex(c.text, -1) {
		port := string(c.text[m[4]:m[5]])
		p, err := strconv.Atoi(port)
		if err != nil || p == 0 || p >= 1024 {
			continue
		}
		if where := n.publishes(port); where != "" {
			n.undecided("whether nginx may listen on port %s, which %s publishes and which therefore stays: Docker lets every user since 20.10, other engines keep it for root", port, where)
			continue
		}
		to := strconv.Itoa(p + 8000)
		n.edits = append(n.edits, finding.Edit{
			File: path.Join(n.Folder, c.name), Base: finding.DigestOf(c.text), Start: m[4], End: m[5], New: to,
		})
		if moved[port] == "" {
			n.note("nginx listens on port %s and not on %s, which is root's on many systems (%s)", to, port, c.name)
		}
		moved[port] = to
		n.change(c.dest, "nginx listens on port "+to)
	}
}

// removesSite reports whether the stage takes the base's own site away.
func (n *unprivileged) removesSite() bool {
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		if n.File.Instructions[i].Cmd == "RUN" && strings.Contains(n.File.Instructions[i].Raw, "default.conf") {
			return true
		}
	}
	return false
}

var ownURL = lazyregexp.New(`http://(localhost|127\.0\.0\.1|0\.0\.0\.0)(:[0-9]+)?`)

// exposed has EXPOSE and HEALTHCHECK say the ports that nginx has moved to.
func (n *unprivileged) exposed(moved map[string]string) {
	if len(moved) == 0 {
		return
	}
	said := false
	for i := n.stage.From + 1; i < n.stage.End; i++ {
		switch in := &n.File.Instructions[i]; in.Cmd {
		case "EXPOSE":
			for _, w := range in.Words {
				port, _, _ := strings.Cut(w.Text, "/")
				if to := moved[port]; to != "" {
					n.edit(w.Span.Start, w.Span.Start+len(port), to)
					said = true
				}
			}
		case "HEALTHCHECK":
			n.healthPort(in, moved)
		}
	}
	if to := moved["80"]; to != "" && !said {
		n.lines = append(n.lines, "EXPOSE "+to)
	}
}

func (n *unprivileged) healthPort(in *dockerfile.Instruction, moved map[string]string) {
	raw := n.File.Bytes[in.Span.Start:in.Span.End]
	for _, m := range ownURL.FindAllSubmatchIndex(raw, -1) {
		port := "80"
		start, end := m[1], m[1]
		if m[4] >= 0 {
			port = string(raw[m[4]+1 : m[5]])
			start = m[4]
		}
		if to := moved[port]; to != "" {
			n.edit(in.Span.Start+start, in.Span.Start+end, ":"+to)
		}
	}
}
