package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// gemfileLock reads Gemfile.lock. What stands under PATH is the project's own.
func gemfileLock() lockParser {
	return lockParser{
		Name: "gemfile-lock", Wants: lockNamed("Gemfile.lock", "gems.locked"), Read: gemfileRead, Roots: gemfileRoots,
	}
}

// gemProject is no gem's name: under it the graph has the project itself.
const gemProject = ""

// gemfileLines is the state between two lines.
type gemfileLines struct {
	r        *lockResult
	file     string
	indent   lockIndent
	section  string
	remote   string // of the section: "git+https://…#revision" of GIT
	specs    bool   // under "specs:"
	known    bool   // a section of gems was met
	listed   int    // gems under specs, the project's own too
	depended bool   // DEPENDENCIES names any
	needs    []gemNeed
	odd      bool // too many gems have one name
	lost     bool // the last gem is none
}

// gemNeed is that a gem needs another.
type gemNeed struct {
	from int32
	name string
}

func gemfileRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	g := &gemfileLines{r: &lockResult{graph: &lockGraph{}, nodes: map[string][]int32{}}, file: file}
	err := lockLine(body, g.line)
	switch {
	case err != nil:
	case !g.known:
		err = errors.New("not a lock file of bundler: it has no GEM section")
	case g.depended && g.listed == 0:
		err = errors.New("it has DEPENDENCIES, and no section lists a gem")
	}
	if err != nil {
		return lockResult{}, err
	}
	if g.odd {
		g.r.graph, g.needs = nil, nil
	}
	for _, n := range g.needs {
		from := &g.r.graph.nodes[n.from]
		from.needs = append(from.needs, g.r.nodes[n.name]...)
	}
	if g.r.graph != nil {
		slices.Sort(g.r.roots)
		g.r.roots = slices.Compact(g.r.roots)
		n := g.r.graph.project("", "", file, "")
		g.r.nodes[gemProject] = []int32{n}
		for _, name := range g.r.roots {
			g.r.graph.nodes[n].needs = append(g.r.graph.nodes[n].needs, g.r.nodes[name]...)
		}
	}
	return *g.r, nil
}

// gemfileSource reports whether a section lists gems.
func gemfileSource(section string) bool {
	return section == "GEM" || section == "PATH" || section == "GIT" || section == "PLUGIN SOURCE"
}

func (g *gemfileLines) line(n int, line string) error {
	depth, text := g.indent.depth(line)
	switch {
	case text == "":
	case depth == 0:
		g.section, g.specs, g.remote = text, false, ""
		g.known = g.known || gemfileSource(text)
	case !gemfileSource(g.section):
		if g.section == "DEPENDENCIES" {
			name, _, _ := strings.Cut(text, " ")
			g.depended = true
			g.r.roots = append(g.r.roots, strings.TrimSuffix(name, "!"))
		}
	case depth == 1:
		key, value, ok := strings.Cut(text, ":")
		g.option(strings.TrimSpace(key), strings.TrimSpace(value))
		if g.specs = strings.TrimSpace(key) == "specs"; !ok {
			return fmt.Errorf("line %d: neither a source's option nor a gem", n)
		}
	case depth == 2 && g.specs:
		return g.gem(n, text)
	case depth == 3 && g.specs:
		// What a gem needs has a range, not a version.
		name, version, _ := strings.Cut(text, "(")
		if version != "" && '0' <= version[0] && version[0] <= '9' {
			return fmt.Errorf("line %d: a gem that is indented further than the others", n)
		}
		if last := len(g.r.graph.nodes) - 1; last >= 0 && !g.lost {
			if len(g.needs) >= maxLeaves {
				return errLockMany
			}
			g.needs = append(g.needs, gemNeed{int32(last), strings.TrimSpace(name)})
		}
	default:
		return fmt.Errorf("line %d: neither a gem nor what one needs", n)
	}
	return nil
}

// option takes where the gems of a GIT or PATH section come from.
func (g *gemfileLines) option(key, value string) {
	switch {
	case g.section == "PATH" && key == "remote":
		g.remote = lockFolderOf(value)
	case g.section != "GIT":
	case key == "remote":
		if g.remote = value; strings.Contains(value, "://") && !strings.HasPrefix(value, "git") {
			g.remote = "git+" + value
		}
	case key == "revision":
		g.remote += "#" + value
	}
}

func (g *gemfileLines) gem(line int, text string) error {
	if g.listed++; g.r.full() {
		return errLockMany
	}
	name, rest, ok := strings.Cut(text, "(")
	version, closed := strings.CutSuffix(rest, ")")
	// "1.15.4-x86_64-linux": a gem version holds no dash, a platform follows it
	version, _, _ = strings.Cut(strings.TrimSpace(version), "-")
	name = strings.TrimSpace(name)
	if !ok || !closed || !lockWord(name) || strings.Contains(name, "/") || !lockVersion(version) {
		g.r.odd(name, line)
		g.lost = true
		return nil
	}
	g.lost = false
	own := g.section == "PATH"
	var n int32
	if own {
		n = g.r.graph.project(name, version, g.file, g.remote)
	} else {
		n = g.r.graph.node(len(g.r.Packages))
	}
	if g.odd = g.odd || len(g.r.nodes[name]) >= lockNamesakes; !g.odd {
		g.r.nodes[name] = append(g.r.nodes[name], n)
	}
	if !own {
		p := lockPackage("gemfile-lock", "gem", name, version, g.file, line)
		p.Origin = lockOrigin(g.remote)
		g.r.Packages = append(g.r.Packages, p)
	}
	return nil
}
