package upgrade

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix/upgrade/plan"
)

// cargoPackage is one [[package]] of a Cargo.lock.
type cargoPackage struct {
	Name, Version, Source, Checksum string
	Dependencies                    []string

	start, end int    // its lines
	version    [2]int // the text between the quotes
	checksum   [2]int // zero: it has none
	deps       [2]int // the lines of dependencies; empty where they would begin
	edges      []string
	key        string
}

// cargoLock is a Cargo.lock for editing.
type cargoLock struct {
	f        *plan.File
	packages []cargoPackage
	old      bool              // version 1: sources everywhere, checksums at the end
	sums     map[string][2]int // lines of checksums without their ends, by key
}

var errCargoLock = errors.New("not laid out as Cargo writes it")

// readCargoLock reads a lock. What is laid out otherwise than Cargo does it is an
// error: Cargo would write the file anew.
func readCargoLock(f *plan.File) (*cargoLock, error) {
	var doc struct {
		Version int
		Package []cargoPackage
	}
	if err := toml.Unmarshal(plan.TrimBOM(f.B), &doc); err != nil {
		return nil, err
	}
	if doc.Version > 4 {
		return nil, fmt.Errorf("version %d of the format is not known", doc.Version)
	}
	l := &cargoLock{f: f, old: doc.Version == 0, sums: map[string][2]int{}}
	if err := l.scan(); err != nil {
		return nil, err
	}
	if len(l.packages) != len(doc.Package) {
		return nil, errCargoLock
	}
	for i := range l.packages {
		p, d := &l.packages[i], doc.Package[i]
		if p.Name != d.Name || p.Version != d.Version || p.Source != d.Source || p.Checksum != d.Checksum ||
			!slices.Equal(p.Dependencies, d.Dependencies) {
			return nil, errCargoLock
		}
	}
	if l.old {
		for _, p := range l.packages {
			l.old = l.old && p.checksum == [2]int{}
		}
	}
	if l.old && len(l.sums) == 0 {
		return nil, errors.New("it holds no checksums")
	}
	return l, nil
}

// scan finds the places of what stands in the lock.
func (l *cargoLock) scan() error {
	var p *cargoPackage
	inDeps, meta, at := false, false, 0
	for raw := range strings.Lines(string(l.f.B)) {
		line := strings.TrimRight(strings.TrimPrefix(raw, "\xef\xbb\xbf"), "\r\n")
		from := at + len(raw) - len(strings.TrimPrefix(raw, "\xef\xbb\xbf"))
		at += len(raw)
		key, value, assigned := strings.Cut(line, " = ")
		text, quoted := strings.CutPrefix(value, `"`)
		text, closed := strings.CutSuffix(text, `"`)
		quoted = quoted && closed && !strings.ContainsAny(text, `"\`)
		place := [2]int{from + len(key) + 4, from + len(line) - 1}
		switch {
		case inDeps:
			if line == "]" {
				inDeps, p.deps[1], p.end = false, at, at
				continue
			}
			word := strings.TrimSuffix(strings.TrimLeft(line, " "), ",")
			if len(word) < 3 || word[0] != '"' || word[len(word)-1] != '"' || strings.ContainsAny(word[1:len(word)-1], `"\`) {
				return errCargoLock
			}
			p.Dependencies = append(p.Dependencies, word[1:len(word)-1])
		case line == "[[package]]":
			meta = false
			l.packages = append(l.packages, cargoPackage{start: from, end: at})
			p = &l.packages[len(l.packages)-1]
		case line == "":
			if p != nil && p.deps == [2]int{} {
				p.deps = [2]int{p.end, p.end}
			}
			p = nil
		case line == "[metadata]":
			p, meta = nil, true
		case strings.HasPrefix(line, "["):
			p, meta = nil, false
		case meta && quoted:
			l.sums[strings.Trim(key, `"`)] = [2]int{from, from + len(line)}
		case p == nil || strings.HasPrefix(line, "#"):
		case line == "dependencies = [":
			inDeps, p.deps[0] = true, from
		case !assigned || !quoted:
			return errCargoLock
		default:
			p.end = at
			switch key {
			case "name":
				p.Name = text
			case "version":
				p.Version, p.version = text, place
			case "source":
				p.Source = text
			case "checksum":
				p.Checksum, p.checksum = text, place
			case "replace":
				return errors.New("a package is replaced in it")
			default:
				return errCargoLock
			}
		}
	}
	if inDeps {
		return errCargoLock
	}
	if p != nil && p.deps == [2]int{} {
		p.deps = [2]int{p.end, p.end}
	}
	return nil
}

// cargoState is the packages of a lock by key, as they are or are to be.
type cargoState map[string]*cargoPackage

// written is the dependencies of a package as the lock writes them.
func (s cargoState) written(p *cargoPackage, old bool) ([]string, error) {
	var all []*cargoPackage
	for _, k := range p.edges {
		to := s[k]
		if to == nil {
			return nil, fmt.Errorf("%s %s would need what is not there", p.Name, p.Version)
		}
		if !slices.Contains(all, to) {
			all = append(all, to)
		}
	}
	var out []string
	for _, to := range all {
		names, versions := 0, 0
		for _, q := range s {
			if q.Name == to.Name {
				if names++; q.Version == to.Version {
					versions++
				}
			}
		}
		text := to.Name
		if old || names > 1 {
			text += " " + to.Version
		}
		if (old || versions > 1) && to.Source != "" {
			source, _, _ := strings.Cut(to.Source, "#") // without the commit
			text += " (" + source + ")"
		}
		out = append(out, text)
	}
	slices.SortFunc(out, func(a, b string) int { // by name first: "a-b" is after "a 1"
		x, restA, _ := strings.Cut(a, " ")
		y, restB, _ := strings.Cut(b, " ")
		return cmp.Or(strings.Compare(x, y), strings.Compare(restA, restB))
	})
	return out, nil
}

// edits make a lock of what it is into what it is to be.
func (l *cargoLock) edits(now, next cargoState) ([]finding.Edit, error) {
	var edits []finding.Edit
	eol := l.f.Eol()
	for i := range l.packages {
		p := &l.packages[i]
		was, err := now.written(p, l.old)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(was, p.Dependencies) {
			return nil, fmt.Errorf("%s %s: %w", p.Name, p.Version, errCargoLock)
		}
		q := next[p.key]
		at, summed := l.sums[p.sumKey()]
		switch {
		case q == nil:
			if summed {
				edits = append(edits, l.f.Lines(at[0], l.f.LineEnd(at[1]), ""))
			}
			continue
		case q.Version == p.Version:
		case summed:
			edits = append(edits, l.f.Edit(at[0], at[1], q.sumLine()))
		case p.checksum == [2]int{}:
			return nil, fmt.Errorf("the lock has no checksum of %s", p.Name)
		default:
			edits = append(edits, l.f.Edit(p.checksum[0], p.checksum[1], q.Checksum))
		}
		if q.Version != p.Version {
			edits = append(edits, l.f.Edit(p.version[0], p.version[1], q.Version))
		}
		is, err := next.written(q, l.old)
		if err != nil {
			return nil, err
		}
		if !slices.Equal(was, is) {
			edits = append(edits, l.f.Edit(p.deps[0], p.deps[1], cargoDeps(is, eol)))
		}
	}
	edits = append(edits, l.removals(next)...)
	fresh := map[int]string{}
	var sums []*cargoPackage
	for _, k := range sortedStates(next) {
		q := next[k]
		if now[k] != nil {
			continue
		}
		deps, err := next.written(q, l.old)
		if err != nil {
			return nil, err
		}
		text := "[[package]]" + eol
		for _, field := range [][2]string{{"name", q.Name}, {"version", q.Version}, {"source", q.Source}} {
			text += field[0] + ` = "` + field[1] + `"` + eol
		}
		if l.old {
			sums = append(sums, q)
		} else {
			text += `checksum = "` + q.Checksum + `"` + eol
		}
		text += cargoDeps(deps, eol)
		at, last := l.place(q)
		if last {
			fresh[at] += eol + text
		} else {
			fresh[at] += text + eol
		}
	}
	for _, q := range sums {
		edits = append(edits, l.sum(q))
	}
	for at, text := range fresh {
		if at == len(l.f.B) && l.f.B[at-1] != '\n' {
			text = eol + strings.TrimSuffix(text, eol)
		}
		edits = append(edits, l.f.Lines(at, at, text))
	}
	return edits, nil
}

// removals take out the packages that are not to be, with the blank line that
// stands between two.
func (l *cargoLock) removals(next cargoState) []finding.Edit {
	var edits []finding.Edit
	for i := 0; i < len(l.packages); i++ {
		k := i
		for k < len(l.packages) && next[l.packages[k].key] == nil {
			k++
		}
		if k == i {
			continue
		}
		start, end := l.packages[i].start, l.packages[k-1].end
		switch {
		case i > 0:
			start = l.packages[i-1].end
		case k < len(l.packages):
			end = l.packages[k].start
		}
		edits = append(edits, l.f.Lines(start, end, ""))
		i = k
	}
	return edits
}

// place is where a new package goes: before the first that sorts after it, or
// behind the last.
func (l *cargoLock) place(q *cargoPackage) (at int, last bool) {
	for _, p := range l.packages {
		if c := strings.Compare(p.Name, q.Name); c > 0 || c == 0 && plan.CompareBy("crates.io", p.Version, q.Version) > 0 {
			return p.start, false
		}
	}
	return l.packages[len(l.packages)-1].end, true
}

func sortedStates(s cargoState) []string {
	var out []string
	for k := range s {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b string) int {
		x, y := s[a], s[b]
		return cmp.Or(strings.Compare(x.Name, y.Name), plan.CompareBy("crates.io", x.Version, y.Version), strings.Compare(a, b))
	})
	return out
}

func (p *cargoPackage) sumKey() string {
	return "checksum " + p.Name + " " + p.Version + " (" + p.Source + ")"
}

func (p *cargoPackage) sumLine() string { return `"` + p.sumKey() + `" = "` + p.Checksum + `"` }

// sum puts a new line between those that sort before and after it.
func (l *cargoLock) sum(q *cargoPackage) finding.Edit {
	keys := slices.Sorted(maps.Keys(l.sums))
	for _, k := range keys {
		if at := l.sums[k]; k > q.sumKey() {
			return l.f.Lines(at[0], at[0], q.sumLine()+l.f.Eol())
		}
	}
	at := l.sums[keys[len(keys)-1]][1]
	return l.f.Lines(at, at, l.f.Eol()+q.sumLine())
}

func cargoDeps(deps []string, eol string) string {
	if len(deps) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("dependencies = [" + eol)
	for _, d := range deps {
		b.WriteString(` "` + d + `",` + eol)
	}
	b.WriteString("]" + eol)
	return b.String()
}
