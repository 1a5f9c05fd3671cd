package catalog

import "strings"

// pipVia is the graph that pip-compile and uv write into a requirements file as
// comments: "# via flask" below or behind what flask brings.
type pipVia struct {
	of   []pipReasons // by package
	last int          // the package that a comment is about; -1: none
	open bool         // a list of reasons may go on
}

// pipReasons is why a package is there.
type pipReasons struct {
	by     []string // packages
	direct bool     // the project asks for it
	told   bool
}

// met notes which package was just read, of so many; none of them where the
// requirement was not pinned.
func (v *pipVia) met(packages int) {
	v.open, v.last = false, -1
	for len(v.of) < packages {
		v.last = len(v.of)
		v.of = append(v.of, pipReasons{})
	}
}

// comment reads the comment of a line.
func (v *pipVia) comment(line string) {
	_, text, ok := strings.Cut(line, "#")
	if !ok || v.last < 0 {
		return
	}
	text = strings.TrimSpace(text)
	rest, via := strings.CutPrefix(text, "via")
	switch {
	case via && (rest == "" || rest[0] == ' ' || rest[0] == ':'):
		v.open = true
		text = strings.TrimLeft(rest, ": ")
	case !v.open:
		return
	}
	for reason := range strings.SplitSeq(text, ",") {
		v.reason(strings.TrimSpace(reason))
	}
}

func (v *pipVia) reason(s string) {
	r := &v.of[v.last]
	switch {
	case s == "" || strings.HasPrefix(s, "-c "): // a constraint brings nothing
	case strings.HasPrefix(s, "-") || strings.Contains(s, "("): // "-r requirements.in", "shop (pyproject.toml)"
		r.direct, r.told = true, true
	case lockWord(pyRequired(s)):
		r.by, r.told = append(r.by, pyName(pyRequired(s))), true
	}
}

// graph is what the comments tell, if they do of every package.
func (v *pipVia) graph(r *lockResult, file string) *lockGraph {
	g := lockJoin{}
	project := g.project("", "", file, "")
	for i, p := range r.Packages {
		if i >= len(v.of) || !v.of[i].told {
			return nil
		}
		n := g.call(g.node(i), p.Name)
		if v.of[i].direct {
			g.nodes[project].needs = append(g.nodes[project].needs, n)
		}
	}
	for i := range r.Packages {
		for _, by := range v.of[i].by {
			if from, ok := g.at[by]; ok {
				g.nodes[from].needs = append(g.nodes[from].needs, int32(i)+1)
			}
		}
	}
	return &g.lockGraph
}
