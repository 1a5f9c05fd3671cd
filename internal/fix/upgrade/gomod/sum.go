package gomod

import (
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
	"golang.org/x/mod/semver"
)

// sumLines are what go.sum says of a version.
func sumLines(s plan.Sums, name, version string) []string {
	if s.Zip == "" || s.Mod == "" {
		return nil
	}
	return []string{name + " " + version + " " + s.Zip, name + " " + version + "/go.mod " + s.Mod}
}

// sumLine is a line of go.sum, taken apart.
type sumLine struct {
	text, module, version string
	mod                   bool // the hash of a go.mod
	end                   int  // offset after it
}

func parseSum(text string, end int) sumLine {
	l := sumLine{text: text, end: end}
	l.module, l.version, _ = strings.Cut(text, " ")
	l.version, _, _ = strings.Cut(l.version, " ")
	l.version, l.mod = strings.CutSuffix(l.version, "/go.mod")
	return l
}

// sumEdits add lines to go.sum where its order has them.
func sumEdits(f *plan.File, lines []string) []finding.Edit {
	have := map[string]bool{}
	var order []sumLine
	offset := 0
	for l := range strings.Lines(string(f.B)) {
		offset += len(l)
		order = append(order, parseSum(strings.TrimRight(l, "\r\n"), offset))
		have[order[len(order)-1].text] = true
	}
	eol := f.Eol()
	var edits []finding.Edit
	for _, l := range lines {
		if have[l] {
			continue
		}
		where, text, mine := 0, l+eol, parseSum(l, 0)
		for i := len(order) - 1; i >= 0; i-- {
			if order[i].before(mine) {
				where = order[i].end
				break
			}
		}
		if where == len(f.B) && where > 0 && f.B[where-1] != '\n' {
			text = eol + l
		}
		edits = append(edits, finding.Edit{File: f.Name, Base: f.Digest, Start: where, End: where, New: text})
	}
	return edits
}

// before is the order of go.sum: by module, then by version.
func (l sumLine) before(m sumLine) bool {
	if l.module != m.module {
		return l.module < m.module
	}
	if c := semver.Compare(l.version, m.version); c != 0 {
		return c < 0
	}
	return !l.mod && m.mod
}
