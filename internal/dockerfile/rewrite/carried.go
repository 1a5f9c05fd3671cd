package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

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

// sort says which packages of an installation the final stage needs.
func (c *carrying) sort(i int, p packages) error {
	for _, w := range p.names {
		name := packageName(w.Text)
		switch {
		case !w.Literal:
			return refuse(&c.File.Instructions[i], "which packages are installed cannot be told (%s)", w.Text)
		case strings.HasSuffix(w.Text, "-") && p.manager == "apt":
			continue
		case slices.Contains(c.keeps, name):
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
			as, ok := c.called(c.standing(), lib)
			if !ok {
				c.undecided("which library %s is for cannot be told: the final stage installs it as it is", name)
				as = []string{w.Text}
			} else {
				c.note("of %s the final stage needs %s", name, strings.Join(as, " "))
			}
			lib = strings.Join(as, " ")
		case strings.HasSuffix(name, "-dev") && p.manager == "apk":
			lib = strings.TrimSuffix(name, "-dev")
			c.undecided("whether %s is the library that %s is for", lib, name)
		case strings.HasSuffix(name, "-dev"):
			c.undecided("which library %s is for cannot be told: the final stage installs it as it is", name)
			lib = w.Text
		default:
			lib = w.Text
		}
		lib, err := c.spoken(i, p.manager, lib)
		if err != nil {
			return err
		}
		if !slices.Contains(c.install, lib) && lib != "-" {
			c.install = append(c.install, lib)
		}
	}
	return nil
}

// spoken are packages by the names that the final stage's system has for them.
func (c *carrying) spoken(i int, manager, names string) (string, error) {
	if manager != "apt" || c.system() != "alpine" {
		return names, nil
	}
	var out []string
	for _, n := range strings.Fields(names) {
		to, ok := aptToApk[packageName(n)]
		switch {
		case ok:
		case slices.Contains(sameNames, packageName(n)):
			to = packageName(n)
		default:
			return "", refuse(&c.File.Instructions[i], "what %s is called on %s is not known", n, c.base)
		}
		out = append(out, to)
	}
	return strings.Join(out, " "), nil
}

// usedByBuild reports whether a RUN of the file starts the program of a package
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
