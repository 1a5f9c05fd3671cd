package rewrite

import (
	"path"
	"slices"
	"strings"
)

// writes are the folders that the programs of official images write to, and
// that are root's.
var writes = map[string][]string{
	"tomcat": {"/usr/local/tomcat/conf", "/usr/local/tomcat/logs", "/usr/local/tomcat/temp", "/usr/local/tomcat/webapps", "/usr/local/tomcat/work"},
	"httpd":  {"/usr/local/apache2/logs"},
}

// owned finds the paths that the program can be seen to write to: volumes, and
// folders and files that are made empty.
func (n *unprivileged) owned() {
	n.unread()
	if n.family(n.stage) == "scratch" || n.family(n.stage) == "distroless" {
		n.elsewhere(false)
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
				if p, _ := n.Scopes.Expand(n.stage, i, w); path.IsAbs(p) && p == plainPath(p) && !systemFolder(path.Clean(p)) {
					n.add(path.Clean(p))
					n.note("%s is a volume, and the program's to write; one that root has filled stays root's: chown -R %s in it once", p, n.owner)
				}
			}
		case "RUN":
			for _, p := range n.made(i) {
				if into[p] || within(removed, p) || slices.Contains(n.given(), p) {
					continue
				}
				n.add(p)
				n.note("%s is made empty for the program to fill", p)
			}
		}
	}
	for _, u := range n.Uses {
		for _, v := range u.Volumes {
			if p := path.Clean(v); path.IsAbs(p) && p == plainPath(p) && !systemFolder(p) {
				n.add(p)
				n.note("%s mounts a volume on %s, which the program writes to", said(u), p)
			}
		}
	}
	dir, ok := n.workdir(n.stage, n.stage.End)
	said := ok && !slices.Contains([]string{"/", "/tmp", "/var/tmp"}, dir) && n.base.official() != "nginx" && !slices.Contains(n.own, dir) && !slices.Contains(n.given(), dir)
	if said {
		n.undecided(staysRoots, dir)
	}
	n.elsewhere(said || n.base.official() == "nginx")
}

const staysRoots = "whether the program writes into %s: it may not, as the files stay root's"

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
			if w.Literal && path.IsAbs(p) && p == plainPath(p) && !temporary(p) && !systemFolder(p) {
				out = append(out, p)
			}
		}
	}
	return out
}

// systemFolder reports whether a folder is one of the system's that every user may
// write, or that is no program's own.
func systemFolder(p string) bool {
	return slices.Contains([]string{"/", "/tmp", "/var/tmp", "/var", "/run", "/var/run", "/var/log", "/var/lib", "/dev", "/dev/shm", "/proc", "/sys", "/etc", "/usr", "/opt", "/home", "/root", "/bin", "/lib", "/mnt", "/media", "/srv"}, p) ||
		strings.HasSuffix(p, ".sock")
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

// within reports whether a path or a folder around it is in a set.
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
	for _, u := range n.Uses {
		for _, v := range u.Volumes {
			if p := path.Clean(v); slices.Contains(n.own, p) && !slices.Contains(out, p) {
				out = append(out, p)
			}
		}
	}
	return out
}
