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
	keeps   []string          // and those that it does if the build does
	at      int               // the instruction in whose place that is
	dropped []string          // packages that it does not
}

// inside reports whether a path of the image is copied from the build, or does not
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
	if tool := path.Join(dest, path.Base(in.Args[0])); len(in.Args) == 2 && strings.HasSuffix(dest, "/") && slices.Contains(c.folders, tool) {
		dest = tool // a program of another image, into a folder of programs
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
