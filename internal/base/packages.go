package base

import (
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/packages.zst
var packedPackages []byte

// packageTable is which packages the releases of Debian and Ubuntu have: those
// that Dockerfiles install, not every one.
type packageTable struct {
	releases []string       // "debian-12", by the bits of the masks
	has      map[string]int // a mask of a name
}

var packageNames = sync.OnceValue(func() *packageTable { return mustLoad("names of packages", packedPackages, parsePackages) })

var errPackages = errors.New("no table of package names")

func parsePackages(text string) (*packageTable, error) {
	head, rest, ok := strings.Cut(text, "\n")
	if !ok {
		return nil, errPackages
	}
	t := &packageTable{releases: strings.Fields(head), has: make(map[string]int, 1<<16)}
	for line := range strings.Lines(rest) {
		mask, names, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		m, err := strconv.ParseUint(mask, 16, 32)
		if err != nil || m>>len(t.releases) != 0 || names == "" {
			return nil, errPackages
		}
		for n := range strings.SplitSeq(names, " ") {
			t.has[n] = int(m)
		}
	}
	return t, nil
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
	mask, listed := t.has[name]
	if bit < 0 || !listed {
		return false, false
	}
	return mask>>bit&1 != 0, true
}
