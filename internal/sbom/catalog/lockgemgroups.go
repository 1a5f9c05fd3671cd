package catalog

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// gemfileRoots takes from a Gemfile which of the gems that DEPENDENCIES names are
// for development: those that stand only in the groups development and test. A
// Gemfile is Ruby and is read as text; a gem whose groups are not plain is none
// of them.
func gemfileRoots(w besides, file string, r *lockResult) {
	name := "Gemfile"
	if path.Base(file) == "gems.locked" {
		name = "gems.rb"
	}
	manifest, err := w.body(path.Join(path.Dir(file), name))
	if err != nil {
		return
	}
	dev := gemfileDev(manifest)
	project := &r.graph.nodes[r.nodes[gemProject][0]]
	project.needs = nil
	for _, name := range r.roots {
		if dev[name] {
			project.dev = append(project.dev, r.nodes[name]...)
		} else {
			project.needs = append(project.needs, r.nodes[name]...)
		}
	}
	r.graph.mark(r.Packages)
}

// gemfileDev is, by gem that the Gemfile names, whether it is for development
// wherever it is named.
func gemfileDev(manifest []byte) map[string]bool {
	named := regexp.MustCompile(`^gem[ (]\s*["']([^"']+)["'](.*)$`)
	inline := regexp.MustCompile(`(?:\bgroups?:|:groups?\s*=>)\s*(\[[^\]]*\]|:\w+|["']\w+["'])`)
	opens := regexp.MustCompile(`\bdo\b(?:\s*\|[^|]*\|)?\s*$|^(?:if|unless|case|begin|def)\b`)
	out := map[string]bool{}
	var blocks []bool // open blocks: for development
	odd := false      // a block does not end where it seems to
	err := lockLine(manifest, func(_ int, line string) error {
		line = strings.TrimSpace(pipComment(line))
		switch m := named.FindStringSubmatch(line); {
		case m != nil:
			dev := slices.Contains(blocks, true)
			if g := inline.FindStringSubmatch(m[2]); g != nil {
				dev = gemDevGroups(g[1])
			}
			if was, seen := out[m[1]]; seen {
				dev = dev && was
			}
			out[m[1]] = dev
		case line == "end":
			odd = odd || len(blocks) == 0
			blocks = blocks[:max(len(blocks)-1, 0)]
		case opens.MatchString(line):
			groups, group := strings.CutPrefix(line, "group")
			blocks = append(blocks, group && gemDevGroups(groups))
		}
		return nil
	})
	if err != nil || odd || len(blocks) > 0 {
		return nil
	}
	return out
}

// gemDevGroups reports whether there are groups in a line and all of them are
// for development.
func gemDevGroups(s string) bool {
	groups := regexp.MustCompile(`:(\w+)|["'](\w+)["']`).FindAllStringSubmatch(s, 32)
	for _, g := range groups {
		switch g[1] + g[2] {
		case "development", "test":
		default:
			return false
		}
	}
	return len(groups) > 0
}
