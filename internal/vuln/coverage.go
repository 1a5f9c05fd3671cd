package vuln

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Coverage is what a database's facts of one ecosystem, release included, cover.
type Coverage struct {
	Ecosystem  string    // "Debian:12", "npm"
	Advisories int       // how many there are of it
	From, To   time.Time // the days of the first and of the latest fact; zero: unknown
	// Unfixed is the day to which vulnerabilities without a fix are recorded;
	// zero: never, since the source publishes fixes only.
	Unfixed time.Time
	Lagging []string  // packages whose facts all end at Unfixed, sorted
	Support []Support // how far a distribution supports single packages, sorted by name
}

// Complete reports whether vulnerabilities without a fix are recorded for as
// long as those with one: that nothing was found then means that nothing is
// known.
func (c Coverage) Complete() bool { return !c.Unfixed.IsZero() && !c.Unfixed.Before(c.To) }

// Support is how far a distribution's security team supports a source package
// in one release.
type Support struct {
	Package string    // a name, or the beginning of names before a final "*"
	Level   Level     // how far
	Since   time.Time // since when; zero: from the release on, or unknown
}

// Level is how far security support goes.
type Level string

// The levels of support. Full is the exception from a wider pattern.
const (
	FullSupport    Level = "supported"
	LimitedSupport Level = "limited"
	NoSupport      Level = "non-supported"
)

// Phrase is the level in words, after a package's name.
func (s Support) Phrase() string {
	words := "no security support"
	if s.Level == LimitedSupport {
		words = "limited security support"
	}
	if !s.Since.IsZero() {
		words += " since " + s.Since.Format(time.DateOnly)
	}
	return words
}

// Of is the support of a source package; ok is false where it is the usual one.
// An exact name counts before a pattern, the longer pattern before the shorter.
func (c Coverage) Of(source string) (s Support, ok bool) {
	best := -1
	for _, o := range c.Support {
		prefix, pattern := strings.CutSuffix(o.Package, "*")
		rank := 2 * len(prefix)
		switch {
		case !pattern && o.Package == source:
			rank++
		case !pattern || !strings.HasPrefix(source, prefix):
			continue
		}
		if rank > best {
			best, s = rank, o
		}
	}
	if best < 0 || s.Level == FullSupport {
		return Support{}, false
	}
	return s, true
}

// Coverer is a Lookup that knows what its facts cover.
type Coverer interface {
	Lookup
	// Coverage returns what the facts of an ecosystem cover; ok is false where the
	// ecosystem is unknown or nothing is recorded of its coverage.
	Coverage(ctx context.Context, ecosystem string) (c Coverage, ok bool, err error)
}

// Covered is the coverage of what one inventory uses of a database.
type Covered struct {
	Coverage
	Packages    int      // how many of the inventory's packages are of the ecosystem
	Behind      []string // those of Lagging that the inventory has
	Unsupported []string // source packages of limited or no security support, each with its phrase
}

// Sentence says in words what a reader must know of the coverage, without the
// packages; empty where there is nothing to say.
func (c Coverage) Sentence() string {
	name := strings.Replace(c.Ecosystem, ":", " ", 1)
	name = strings.Replace(strings.TrimSuffix(name, ":LTS"), "Alpine v", "Alpine ", 1)
	to := c.To.Format(time.DateOnly)
	switch {
	case c.Complete():
		return ""
	case c.Unfixed.IsZero():
		return name + ": only vulnerabilities with a fix are recorded, to " + to
	}
	return name + ": fixes are recorded to " + to + ", vulnerabilities without a fix only to " + c.Unfixed.Format(time.DateOnly)
}

// Sentences are all that a reader must know of what is covered, a line each.
func (c Covered) Sentences() []string {
	var out []string
	if s := c.Sentence(); s != "" {
		out = append(out, s)
	}
	if len(c.Behind) > 0 {
		out = append(out, strings.Join(c.Behind, ", ")+": nothing is recorded after "+c.Unfixed.Format(time.DateOnly))
	}
	by := map[string][]string{}
	var phrases []string
	for _, u := range c.Unsupported {
		name, phrase, _ := strings.Cut(u, ": ")
		if by[phrase] == nil {
			phrases = append(phrases, phrase)
		}
		by[phrase] = append(by[phrase], name)
	}
	slices.Sort(phrases)
	for _, p := range phrases {
		out = append(out, p+": "+strings.Join(by[p], ", "))
	}
	return out
}

// Coverages says for each ecosystem that an inventory has packages of what the
// database's facts cover, sorted by ecosystem. What a later layer removed and
// what a distribution's package owns asks no ecosystem of its own.
func Coverages(ctx context.Context, inv *sbom.Inventory, l Lookup) ([]Covered, error) {
	from, ok := l.(Coverer)
	if !ok {
		return nil, nil
	}
	at := map[string]int{}
	var out []Covered
	seen := map[[2]string]bool{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		eco, name, ok := Ecosystem(*p, inv.Distro)
		if !ok || p.Removed || p.Owner != "" {
			continue
		}
		j, known := at[eco]
		if !known {
			c, ok, err := from.Coverage(ctx, eco)
			if err != nil {
				return nil, fmt.Errorf("look up what is covered of %s: %w", eco, err)
			}
			j = -1
			if ok {
				j = len(out)
				out = append(out, Covered{Coverage: c})
			}
			at[eco] = j
		}
		if j < 0 {
			continue
		}
		c := &out[j]
		c.Packages++
		if seen[[2]string{eco, name}] {
			continue
		}
		seen[[2]string{eco, name}] = true
		if _, lags := slices.BinarySearch(c.Lagging, name); lags {
			c.Behind = append(c.Behind, name)
		}
		if s, ok := c.Of(name); ok {
			c.Unsupported = append(c.Unsupported, name+": "+s.Phrase())
		}
	}
	for i := range out {
		slices.Sort(out[i].Behind)
		slices.Sort(out[i].Unsupported)
	}
	sorting.By(out, func(a, b Covered) int { return cmp.Compare(a.Ecosystem, b.Ecosystem) })
	return out, nil
}
