package rewrite

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// carrying is a conversion to a final stage of the same kind of system as the
// build's: what the file does to the system besides building is done there too.
type carrying struct {
	*conversion
	folders  []string // of the image that are copied from the build
	programs []string // of the language: what they do, they do within the folders
	buildEnv []string // variables that mean something to the build alone
	tools    []string // packages that only building needs, in this language

	owners  map[string]string // who a folder belongs to, of chown
	install []string          // packages that the final stage installs
	at      int               // the instruction in whose place that is
	dropped []string          // packages that it does not
}

// inside says whether a path of the image is copied from the build, or does not
// outlive it.
func (c *carrying) inside(p string) bool {
	if _, ok := below(p, "/tmp"); ok || p == "/dev/null" || p == "/dev/stderr" || p == "/dev/stdout" {
		return true
	}
	return slices.ContainsFunc(c.folders, func(f string) bool { _, ok := below(p, f); return ok })
}

// carry puts every instruction where it belongs.
func (c *carrying) carry() error {
	c.at, c.owners = -1, map[string]string{}
	last := c.lastBuilding()
	c.copyAt = c.stage.From + 1
	for i := c.stage.From + 1; i < c.stage.End; i++ {
		in := &c.File.Instructions[i]
		switch in.Cmd {
		case "USER":
			c.places[i] = both
			if i > last {
				c.places[i] = moves // else what ends the build would run as that user
			}
		case "WORKDIR", "SHELL":
			c.take(i)
		case "ENV":
			if !c.ofBuild(in) {
				c.take(i)
			}
		case "COPY", "ADD":
			c.copyAt = i + 1
			if err := c.copied(i); err != nil {
				return err
			}
		case "RUN":
			c.copyAt = i + 1
			if err := c.ran(i); err != nil {
				return err
			}
		}
	}
	c.asked()
	c.packages()
	c.workdirs()
	return nil
}

// asked installs what is run beside the program, where the final base lacks it.
func (c *carrying) asked() {
	r := parseReference(c.base)
	small := r.has("slim") || r.official() == "debian" || r.official() == "ubuntu"
	for _, name := range []string{"HEALTHCHECK", "ENTRYPOINT", "CMD"} {
		c.each(name, func(i int, _ *dockerfile.Instruction) {
			for _, cmd := range c.script(i).Commands {
				p := cmd.Program()
				lacks := c.system() == "alpine" && (p == "curl" || p == "git") || small && slices.Contains([]string{"curl", "wget", "git"}, p)
				if lacks && !slices.Contains(c.install, p) {
					c.install = append(c.install, p)
					c.note("%s runs %s, which the final stage installs", name, p)
				}
			}
		})
	}
}

// workdirs leaves those out that nothing in the final stage happens in.
func (c *carrying) workdirs() {
	needed := true // the last one is what the program starts in
	for i := c.stage.End - 1; i > c.stage.From; i-- {
		in := &c.File.Instructions[i]
		switch {
		case in.Cmd == "WORKDIR":
			dir, known := c.workdir(c.stage, i+1)
			if !needed && known && (c.inside(dir) || dir == "/") {
				c.places[i] = stays
				continue
			}
			needed = !path.IsAbs(in.Args[0])
		case c.places[i] != stays && c.places[i] != gone && (in.Cmd == "RUN" || in.Cmd == "COPY" || in.Cmd == "ADD"):
			needed = true
		}
	}
}

func (c *carrying) ofBuild(in *dockerfile.Instruction) bool {
	for _, p := range in.Pairs() {
		if !slices.Contains(c.buildEnv, p.Key.Text) && p.Key.Text != "DEBIAN_FRONTEND" {
			return false
		}
	}
	return true
}

// copied has what is copied elsewhere than into the folders copied once more.
func (c *carrying) copied(i int) error {
	in := &c.File.Instructions[i]
	dest, _ := c.Scopes.Expand(c.stage, i, in.Args[len(in.Args)-1])
	if dir, ok := c.workdir(c.stage, i); !path.IsAbs(dest) && ok {
		dest = path.Join(dir, dest)
	}
	switch {
	case !path.IsAbs(dest):
		return refuse(in, "where this copies to cannot be told")
	case c.inside(path.Clean(dest)):
		for _, f := range in.FlagWords {
			if f.Name == "chown" && slices.Contains(c.folders, path.Clean(dest)) {
				c.owners[path.Clean(dest)] = f.Value
			}
		}
		return nil
	}
	if cp, ok := c.copying(i); ok && slices.ContainsFunc(c.folders, func(f string) bool { _, in := below(f, cp.dest); return in }) && cp.dest != "/" {
		return refuse(in, "this copies to %s, and only %s is needed of it", cp.dest, strings.Join(c.folders, " and "))
	}
	c.take(i)
	return nil
}

// effect is what a command does to the system outside of the folders.
type effect int

const (
	nothing effect = iota
	needed         // the final stage needs it too
	untold         // cannot be told
)

// ran finds out what of a RUN the final stage needs.
func (c *carrying) ran(i int) error {
	in := &c.File.Instructions[i]
	var needs []string
	all, plain := true, true
	runs := c.runsOf(i)
	for n := range runs {
		r := &runs[n]
		if len(r.Words) == 0 {
			continue
		}
		if p := packagesOf(r.Command); p.manager != "" {
			if err := c.sort(i, p); err != nil {
				return err
			}
			all = false
			continue
		}
		switch e := c.effect(r); {
		case e == untold:
			return refuse(in, "what %s leaves outside of %s cannot be told", r.Words[0].Text, c.folders[len(c.folders)-1])
		case e == nothing:
			all = all && r.Is("cd")
		case len(r.Within) > 0:
			plain = false
			needs = append(needs, r.Words[0].Text)
		default:
			needs = append(needs, c.raw(r.Span))
		}
	}
	if len(needs) == 0 {
		return nil
	}
	if c.system() != c.family(c.stage) {
		return refuse(in, "the final stage is of another system, and what this does to the build's would be done otherwise there")
	}
	c.take(i)
	if !all {
		if !plain {
			return refuse(in, "a part of this is for the build, and %s, within another construct, is for what runs", needs[0])
		}
		c.replaced[i] = "RUN " + strings.Join(needs, " && ")
	}
	return nil
}

func (c *carrying) raw(s finding.Span) string { return string(c.File.Bytes[s.Start:s.End]) }

// harmless leave nothing that a program could need.
var harmless = []string{
	"cd", "export", "set", "true", "false", ":", "ls", "pwd", "sleep", "test", "[", "exit", "which", "type", "env", "date", "id", "whoami",
	"rm", "rmdir", "find", "du", "df", "ldconfig", "uname", "pushd", "popd", "umask", "command", "if", "corepack", "update-ca-certificates", "unset",
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

// sort says which packages of an installation the final stage needs.
func (c *carrying) sort(i int, p packages) error {
	for _, w := range p.names {
		name := packageName(w.Text)
		switch {
		case !w.Literal:
			return refuse(&c.File.Instructions[i], "which packages are installed cannot be told (%s)", w.Text)
		case strings.HasSuffix(w.Text, "-") && p.manager == "apt":
			continue
		case toolchain(p.manager, name) || slices.Contains(c.tools, name) || c.usedByBuild(name):
			c.dropped = append(c.dropped, name)
			continue
		}
		if c.at < 0 {
			c.at = i
		}
		lib, known := library(p.manager, name)
		switch {
		case lib == "" && known:
			c.dropped = append(c.dropped, name)
			continue
		case known:
			c.note("of %s the final stage needs %s", name, lib)
		case strings.HasSuffix(name, "-dev") && p.manager == "apk":
			lib = strings.TrimSuffix(name, "-dev")
			c.undecided("whether %s is the library that %s is for", lib, name)
		case strings.HasSuffix(name, "-dev"):
			c.undecided("which library %s is for cannot be told: the final stage installs it as it is", name)
			lib = w.Text
		default:
			lib = w.Text
		}
		if !slices.Contains(c.install, lib) {
			c.install = append(c.install, lib)
		}
	}
	return nil
}

// usedByBuild says whether a RUN of the file starts the program of a package
// that has its name, and nothing that runs later does.
func (c *carrying) usedByBuild(name string) bool {
	used := false
	for i := c.stage.From + 1; i < c.stage.End; i++ {
		in := &c.File.Instructions[i]
		for n := range c.script(i).Commands {
			if c.script(i).Commands[n].Program() == name {
				if in.Cmd != "RUN" {
					return false
				}
				used = true
			}
		}
	}
	return used
}

// system is the sort of system that the final stage is.
func (c *carrying) system() string {
	if f := familyOfRef(parseReference(c.base)); f != "" {
		return f
	}
	return c.family(c.stage)
}

// packages puts the installation of the final stage in the place of the first.
func (c *carrying) packages() {
	if len(c.dropped) > 0 {
		slices.Sort(c.dropped)
		c.note("the final stage does not install %s, which the build needs", strings.Join(slices.Compact(c.dropped), ", "))
	}
	if len(c.install) == 0 {
		return
	}
	var text string
	switch c.system() {
	case "alpine":
		text = "apk add --no-cache " + strings.Join(c.install, " ")
	case "debian":
		text = "apt-get update && apt-get install -y --no-install-recommends " + strings.Join(c.install, " ") + " && rm -rf /var/lib/apt/lists/*"
	default:
		text = "dnf install -y " + strings.Join(c.install, " ") + " && dnf clean all"
	}
	if c.at < 0 {
		c.copies = append(c.copies, "RUN "+text, "")
		return
	}
	if rest, ok := c.replaced[c.at]; ok {
		text += " && " + strings.TrimPrefix(rest, "RUN ")
	}
	c.replaced[c.at] = "RUN " + text
	c.take(c.at)
}

// fromBuild is the copy of the folders.
func (c *carrying) fromBuild() {
	for _, f := range c.folders {
		owner := ""
		if c.owners[f] != "" {
			owner = "--chown=" + c.owners[f] + " "
		}
		c.copies = append(c.copies, "COPY --from=build "+owner+f+" "+f)
	}
}
