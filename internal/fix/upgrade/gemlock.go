package upgrade

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// gemSpecLine is a gem in the specs of a Gemfile.lock.
type gemSpecLine struct {
	name, version, platform string
	section, remote         string // "GEM", and where from
	start, end              int    // its line and those of what it needs
	at                      [2]int // the text between the brackets
	needsFrom               int    // where the lines of what it needs begin
	needs                   []plan.Need
}

func (g gemSpecLine) full() string {
	s := g.name + "-" + g.version
	if g.platform != "" {
		s += "-" + g.platform
	}
	return s
}

// gemDep is a line under DEPENDENCIES or CHECKSUMS.
type gemDep struct {
	name, text string // text: what follows the name
	start, end int    // of text
}

// gemLock is a Gemfile.lock for editing.
type gemLock struct {
	f         *plan.File
	specs     []gemSpecLine
	deps      []gemDep
	sums      []gemDep
	summed    bool
	platforms []string
}

var errGemLock = errors.New("not laid out as Bundler writes it")

func readGemLock(f *plan.File) (*gemLock, error) {
	l := &gemLock{f: f}
	section, remote := "", ""
	inSpecs, at := false, 0
	var last *gemSpecLine
	for raw := range strings.Lines(string(f.B)) {
		line := strings.TrimRight(strings.TrimPrefix(raw, "\xef\xbb\xbf"), "\r\n")
		from := at + len(raw) - len(strings.TrimPrefix(raw, "\xef\xbb\xbf"))
		at += len(raw)
		text := strings.TrimLeft(line, " ")
		depth := len(line) - len(text)
		switch {
		case text == "":
			last = nil
		case strings.HasPrefix(text, "<<<<<<<") || strings.HasPrefix(text, ">>>>>>>"):
			return nil, errors.New("it holds a conflict of a merge")
		case depth == 0:
			section, remote, inSpecs, last = text, "", false, nil
			l.summed = l.summed || section == "CHECKSUMS"
		case section == "GEM" || section == "GIT" || section == "PATH" || section == "PLUGIN SOURCE":
			name, inner, bracketed := strings.Cut(text, " (")
			inner, closed := strings.CutSuffix(inner, ")")
			switch {
			case depth == 2 && text == "specs:":
				inSpecs = true
			case depth == 2 && strings.HasPrefix(text, "remote: "):
				if remote != "" {
					remote += " " // several in one section: from which is not said
				}
				remote += strings.TrimPrefix(text, "remote: ")
			case depth == 2:
			case depth == 4 && inSpecs && bracketed && closed:
				g := gemSpecLine{name: name, section: section, remote: remote, start: from, end: at, needsFrom: at}
				g.version, g.platform, _ = strings.Cut(inner, "-")
				g.at = [2]int{from + 4 + len(name) + 2, from + len(line) - 1}
				l.specs = append(l.specs, g)
				last = &l.specs[len(l.specs)-1]
			case depth == 6 && last != nil && bracketed == closed && (!bracketed || gemSpec(inner)):
				last.needs, last.end = append(last.needs, plan.Need{Name: name, Spec: inner}), at
			default:
				return nil, fmt.Errorf("%.80q: %w", text, errGemLock)
			}
		case section == "PLATFORMS":
			l.platforms = append(l.platforms, text)
		case section == "DEPENDENCIES" || section == "CHECKSUMS":
			name, rest, _ := strings.Cut(text, " ")
			if bare, pinned := strings.CutSuffix(name, "!"); pinned {
				name = bare
			}
			d := gemDep{name, rest, from + depth + len(name), from + len(line)}
			d.text = string(f.B[d.start:d.end])
			if section == "CHECKSUMS" {
				l.sums = append(l.sums, d)
			} else {
				l.deps = append(l.deps, d)
			}
		}
	}
	if len(l.specs) == 0 {
		return nil, errors.New("it lists no gem")
	}
	if last != nil && f.B[len(f.B)-1] != '\n' {
		return nil, errGemLock
	}
	return l, nil
}

// depSpec is the requirement of a line under DEPENDENCIES: " (~> 2.2)!".
func depSpec(text string) string {
	text = strings.TrimSuffix(strings.TrimSpace(text), "!")
	return strings.TrimSuffix(strings.TrimPrefix(text, "("), ")")
}

// depText writes a requirement in the place of one.
func depText(was, spec string) string {
	out := ""
	if spec != "" {
		out = " (" + spec + ")"
	}
	if strings.HasSuffix(was, "!") {
		out += "!"
	}
	return out
}

// gemNeeds are the lines of what a gem needs.
func gemNeeds(needs []plan.Need, eol string) string {
	lines := make([]string, 0, len(needs))
	for _, n := range needs {
		line := n.Name
		if n.Spec != "" {
			line += " (" + n.Spec + ")"
		}
		lines = append(lines, line)
	}
	slices.SortFunc(lines, func(a, b string) int { // by name: "a-b" is after "a (1)"
		x, restA, _ := strings.Cut(a, " ")
		y, restB, _ := strings.Cut(b, " ")
		return cmp.Or(strings.Compare(x, y), strings.Compare(restA, restB))
	})
	out := ""
	for _, line := range slices.Compact(lines) {
		out += "      " + line + eol
	}
	return out
}

// sumText is what stands behind a gem's name under CHECKSUMS.
func sumText(version, platform, hash string) string {
	text := " (" + version
	if platform != "" {
		text += "-" + platform
	}
	if text += ")"; hash != "" {
		text += " sha256=" + hash
	}
	return text
}

// edits make a lock of what it is into what a plan makes of it.
func (l *gemLock) edits(f *flat, p flatPlan, gone map[string]bool) ([]finding.Edit, error) {
	var edits []finding.Edit
	eol := l.f.Eol()
	for _, g := range l.specs {
		switch of := p.to[g.name]; {
		case gone[g.name]:
			edits = append(edits, l.f.Lines(g.start, g.end, ""))
			for _, s := range l.sums {
				if s.name == g.name && strings.HasPrefix(s.text, sumText(g.version, g.platform, "")) {
					edits = append(edits, l.f.Lines(l.f.LineStart(s.start), l.f.LineEnd(s.end), ""))
				}
			}
		case len(of) > 0:
			i := slices.IndexFunc(of, func(r plan.Release) bool { return r.Platform == g.platform })
			if i < 0 {
				return nil, fmt.Errorf("%s %s is not published for %s", g.name, of[0].Version, g.platform)
			}
			text := of[i].Version
			if g.platform != "" {
				text += "-" + g.platform
			}
			edits = append(edits, l.f.Edit(g.at[0], g.at[1], text))
			was, is := gemNeeds(g.needs, eol), gemNeeds(of[i].Needs, eol)
			if was != is {
				edits = append(edits, l.needs(g, is))
			}
			if err := l.sum(&edits, g, of[i]); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range f.keys(p) {
		if f.locked[k] == nil && !gone[k] {
			more, err := l.insert(k, p.to[k], eol)
			if err != nil {
				return nil, err
			}
			edits = append(edits, more...)
		}
	}
	for i, to := range p.ranges {
		name := f.declared[i].name
		for _, d := range l.deps {
			if d.name == name {
				edits = append(edits, l.f.Edit(d.start, d.end, depText(d.text, gemLocked(strings.Split(to, ",")))))
			}
		}
	}
	return edits, nil
}

// needs writes other lines of what a gem needs.
func (l *gemLock) needs(g gemSpecLine, text string) finding.Edit {
	if eol := l.f.Eol(); g.end == len(l.f.B) && !strings.HasSuffix(string(l.f.B), "\n") {
		text = strings.TrimSuffix(text, eol)
	}
	return l.f.Edit(g.needsFrom, g.end, text)
}

// sum changes a gem's checksum, where the lock has them.
func (l *gemLock) sum(edits *[]finding.Edit, g gemSpecLine, r plan.Release) error {
	if !l.summed {
		return nil
	}
	for _, s := range l.sums {
		if s.name != g.name || !strings.HasPrefix(s.text, sumText(g.version, g.platform, "")) {
			continue
		}
		hash := r.Hash
		switch had := strings.Contains(s.text, "sha256="); {
		case had && hash == "":
			return fmt.Errorf("the checksum of %s %s is not known", g.name, r.Version)
		case !had:
			hash = ""
		}
		*edits = append(*edits, l.f.Edit(s.start, s.end, sumText(r.Version, r.Platform, hash)))
	}
	return nil
}

// insert adds a gem where its name sorts among those of the registry.
func (l *gemLock) insert(name string, of []plan.Release, eol string) ([]finding.Edit, error) {
	r := of[0]
	fresh := gemSpecLine{name: name, version: r.Version}
	after := -1
	for _, g := range l.specs {
		if g.section != "GEM" {
			continue
		}
		if after < 0 {
			after = g.start
		}
		if g.full() < fresh.full() {
			after = g.end
		}
	}
	text := "    " + name + " (" + r.Version + ")" + eol + gemNeeds(r.Needs, eol)
	edits := []finding.Edit{l.f.Lines(after, after, text)}
	if l.summed && len(l.sums) > 0 {
		if r.Hash == "" {
			return nil, fmt.Errorf("the checksum of %s %s is not known", name, r.Version)
		}
		line := "  " + name + sumText(r.Version, "", r.Hash)
		at, before := -1, false
		for _, s := range l.sums {
			if s.name < name {
				at = l.f.LineEnd(s.end)
			} else if at < 0 {
				at, before = l.f.LineStart(s.start), true
			}
		}
		if !before && at == len(l.f.B) && l.f.B[at-1] != '\n' {
			edits = append(edits, l.f.Lines(at, at, eol+line))
		} else {
			edits = append(edits, l.f.Lines(at, at, line+eol))
		}
	}
	return edits, nil
}
