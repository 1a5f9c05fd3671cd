package rewrite

import (
	"path"
	"slices"
	"strings"
)

// effect is what a command does to the system outside of the folders.
type effect int

const (
	nothing effect = iota
	needed         // the final stage needs it too
	untold         // cannot be told
)

// harmless leave nothing that a program could need.
var harmless = []string{
	"cd", "export", "set", "true", "false", ":", "ls", "pwd", "sleep", "test", "[", "exit", "which", "type", "env", "date", "id", "whoami",
	"rm", "rmdir", "find", "du", "df", "ldconfig", "uname", "pushd", "popd", "umask", "command", "if", "corepack", "update-ca-certificates", "unset",
	"nproc", "getconf", "arch", "head", "tail", "tr", "cut", "awk", "sort", "uniq", "wc", "readlink", "basename", "dirname", "printenv", "hostname", "apt-mark", "sha256sum", "md5sum",
	"dpkg-query", "dpkg-architecture", "seq", "sync", "ldd", "expr",
}

// files are programs that change the files they are given.
var files = []string{"mkdir", "touch", "chmod", "chown", "chgrp", "ln", "sed", "install", "cp", "mv", "tee"}

// effect says what a command does to the system.
func (c *carrying) effect(r *run) effect {
	for _, red := range r.Redirects {
		if strings.HasPrefix(red.Op, ">") && red.Op != ">&" || red.Op == "&>" {
			if p, ok := c.path(r, red.Target.Text); !ok || !c.inside(p) {
				if slices.Contains([]string{"echo", "printf"}, r.Program()) && ok {
					return needed
				}
				return untold
			}
		}
	}
	switch p := r.Program(); {
	case slices.Contains(accountPrograms, p), slices.Contains([]string{"a2enmod", "a2dismod", "a2ensite", "a2dissite", "a2enconf", "a2disconf"}, p):
		return needed
	case p == "" || slices.Contains(harmless, p):
		return nothing
	case p == "echo", p == "printf", p == "cat", p == "grep":
		return nothing
	case p == "apt-get", p == "apt", p == "apk", p == "dpkg", p == "apt-cache", p == "yum", p == "dnf", p == "microdnf", p == "aptitude":
		return nothing // installing is seen to elsewhere
	case slices.Contains(files, p):
		return c.touched(r, p)
	case p == "curl" || p == "wget":
		return c.fetched(r, p)
	case p == "git" || p == "tar" || p == "unzip":
		if v, ok := r.Value("-C", "-d"); ok {
			if to, ok := c.path(r, v.Text); ok && c.inside(to) {
				return nothing
			}
			return untold
		}
		if r.dir != "" && c.inside(r.dir) {
			return nothing
		}
	case slices.Contains(c.programs, p):
		return nothing
	}
	if r.dir != "" && c.inside(r.dir) && len(r.Words) > 0 && (strings.Contains(r.Words[0].Text, "/") && c.inside(absolute(r.dir, r.Words[0].Text)) || r.Program() == "make" && !r.Is("make", "install")) {
		return nothing
	}
	return untold
}

// path is an operand as an absolute path; false: it cannot be told.
func (c *carrying) path(r *run, text string) (string, bool) {
	text, _ = c.Scopes.Expand(c.stage, r.at, text)
	switch {
	case path.IsAbs(text):
		return path.Clean(text), true
	case r.dir == "" || text == "" || strings.HasPrefix(text, "~"):
		return "", false
	}
	return path.Join(r.dir, text), true
}

// touched says what a program does that changes files.
func (c *carrying) touched(r *run, program string) effect {
	ops := r.Operands("-m", "--mode", "-t", "-o", "-g")
	if v, ok := r.Value("--reference"); ok {
		ops = append(ops, v)
	}
	switch program {
	case "chmod", "chown", "chgrp":
		ops = ops[min(1, len(ops)):]
	case "sed":
		if _, ok := r.Value("-e", "--expression", "-f"); !ok {
			ops = ops[min(1, len(ops)):]
		}
	}
	in, out := 0, 0
	for _, w := range ops {
		p, ok := c.path(r, w.Text)
		switch {
		case !ok:
			return untold
		case c.inside(p):
			in++
			if program == "chown" && slices.Contains(c.folders, p) {
				if owner := r.Operands()[0]; owner.Literal || !strings.Contains(owner.Text, "(") {
					c.owners[p] = owner.Text
				}
			}
		default:
			out++
		}
	}
	switch {
	case out == 0:
		return nothing
	case program == "cp" || program == "mv":
		if p, ok := c.path(r, ops[len(ops)-1].Text); ok && c.inside(p) {
			return nothing
		}
		if in > 0 {
			return untold
		}
	case program == "ln" && in > 0:
		return needed
	}
	return needed
}

// fetched says what a download leaves.
func (c *carrying) fetched(r *run, program string) effect {
	to, ok := r.Value("-o", "--output", "-O", "--output-document")
	if program == "curl" && !ok {
		if r.Has("-O", "--remote-name") && r.dir != "" && !c.inside(r.dir) {
			return untold
		}
		return nothing // into a pipe or a redirection
	}
	dest := "."
	if ok {
		dest = to.Text
	} else if v, ok := r.Value("-P", "--directory-prefix"); ok {
		dest = v.Text
	}
	if dest == "-" {
		return nothing
	}
	if p, ok := c.path(r, dest); ok && c.inside(p) {
		return nothing
	}
	return untold
}
