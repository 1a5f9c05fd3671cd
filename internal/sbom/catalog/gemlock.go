package catalog

import (
	"errors"
	"fmt"
	"strings"
)

// gemfileLock reads Gemfile.lock. What stands under PATH is the project's own.
func gemfileLock() lockParser {
	return lockParser{Name: "gemfile-lock", Wants: lockNamed("Gemfile.lock", "gems.locked"), Read: gemfileRead}
}

// gemfileLines is the state between two lines.
type gemfileLines struct {
	r        *lockResult
	file     string
	indent   lockIndent
	section  string
	specs    bool // under "specs:"
	known    bool // a section of gems was met
	listed   int  // gems under specs, the project's own too
	depended bool // DEPENDENCIES names any
}

func gemfileRead(file string, body []byte) (lockResult, error) {
	if err := lockText(body); err != nil {
		return lockResult{}, err
	}
	g := &gemfileLines{r: &lockResult{}, file: file}
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
		g.section, g.specs = text, false
		g.known = g.known || gemfileSource(text)
	case !gemfileSource(g.section):
		g.depended = g.depended || g.section == "DEPENDENCIES"
	case depth == 1:
		key, _, ok := strings.Cut(text, ":")
		if g.specs = strings.TrimSpace(key) == "specs"; !ok {
			return fmt.Errorf("line %d: neither a source's option nor a gem", n)
		}
	case depth == 2 && g.specs:
		return g.gem(n, text)
	case depth == 3 && g.specs:
		// What a gem needs has a range, not a version.
		if _, version, _ := strings.Cut(text, "("); version != "" && '0' <= version[0] && version[0] <= '9' {
			return fmt.Errorf("line %d: a gem that is indented further than the others", n)
		}
	default:
		return fmt.Errorf("line %d: neither a gem nor what one needs", n)
	}
	return nil
}

func (g *gemfileLines) gem(n int, text string) error {
	if g.listed++; g.r.full() {
		return errLockMany
	}
	name, rest, ok := strings.Cut(text, "(")
	version, closed := strings.CutSuffix(rest, ")")
	// "1.15.4-x86_64-linux": a gem version holds no dash, a platform follows it
	version, _, _ = strings.Cut(strings.TrimSpace(version), "-")
	name = strings.TrimSpace(name)
	if !ok || !closed || !lockWord(name) || strings.Contains(name, "/") || !lockWord(version) {
		return fmt.Errorf("line %d: not a gem with a version", n)
	}
	if g.section != "PATH" {
		g.r.Packages = append(g.r.Packages, lockPackage("gemfile-lock", "gem", name, version, g.file, n))
	}
	return nil
}
