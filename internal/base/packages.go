package base

import (
	_ "embed"
	"errors"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/packages.zst
var packedPackages []byte

// packageTable is which packages the releases of Debian and Ubuntu have: those
// that Dockerfiles install, not every one. It is looked up in its text: as a map it
// took four times the memory.
type packageTable struct {
	releases []string // "debian-12", by the bits of the masks
	lines    string   // "name mask" a line, sorted by name
}

var packageNames = sync.OnceValue(func() *packageTable { return mustLoad("names of packages", packedPackages, parsePackages) })

var errPackages = errors.New("no table of package names")

func parsePackages(text string) (*packageTable, error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok {
		return nil, errPackages
	}
	t := &packageTable{releases: strings.Fields(head), lines: rest}
	last := ""
	for line := range strings.Lines(rest) {
		name, mask, ok := packageLine(line)
		if !ok || name <= last || mask>>len(t.releases) != 0 {
			return nil, errPackages
		}
		last = name
	}
	return t, nil
}

// packageLine are the parts of a line. A mask of 0 is as damaged as none.
func packageLine(line string) (name string, mask int, ok bool) {
	name, hex, _ := strings.Cut(line, " ")
	hex, ended := strings.CutSuffix(hex, "\n")
	m, err := strconv.ParseUint(hex, 16, 31)
	return name, int(m), err == nil && ended && name != "" && m > 0
}

// from is where the first line begins whose name is not before another.
func (t *packageTable) from(name string) int {
	low, high := 0, len(t.lines)
	for low < high {
		start := strings.LastIndexByte(t.lines[low:low+(high-low)/2], '\n') + 1 + low
		end := start + strings.IndexByte(t.lines[start:], '\n') + 1
		if at, _, _ := strings.Cut(t.lines[start:end], " "); at < name {
			low = end
		} else {
			high = start
		}
	}
	return low
}

// mask has a bit for each release that has a package; 0: it is not in the table.
func (t *packageTable) mask(name string) int {
	for n, mask := range t.beginning(name) {
		if n == name {
			return mask
		}
		break
	}
	return 0
}

// beginning yields the names with a prefix, sorted, and their masks.
func (t *packageTable) beginning(prefix string) iter.Seq2[string, int] {
	return func(yield func(string, int) bool) {
		for line := range strings.Lines(t.lines[t.from(prefix):]) {
			name, mask, _ := packageLine(line)
			if !strings.HasPrefix(name, prefix) || !yield(name, mask) {
				return
			}
		}
	}
}

// HasPackage reports whether a release of a distribution ("debian", "12") has a
// package of a name. known is false where that cannot be told: the release, or
// the package, is not in the embedded facts.
func HasPackage(distribution, release, name string) (has, known bool) {
	if distribution == "alpine" {
		return alpineHas(release, name)
	}
	t := packageNames()
	bit := slices.Index(t.releases, distribution+"-"+release)
	mask := t.mask(name)
	if bit < 0 || mask == 0 {
		return false, false
	}
	return mask>>bit&1 != 0, true
}
