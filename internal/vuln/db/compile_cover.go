package db

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// cover takes in what a source's facts of an ecosystem cover. Of two sources
// the earlier beginning, the later end and the later word on what has no fix
// count, so that the order of sources does not.
func (c *compiler) cover(v vuln.Coverage) error {
	if v.Ecosystem == "" || len(v.Ecosystem) > maxString {
		return fmt.Errorf("coverage of ecosystem %.40q", v.Ecosystem)
	}
	for _, s := range v.Support {
		if s.Package == "" || len(s.Package) > maxString || levelNumber(s.Level) < 0 {
			return fmt.Errorf("coverage of %s: support of %.40q: %q", v.Ecosystem, s.Package, s.Level)
		}
	}
	have, ok := c.covers[v.Ecosystem]
	if !ok {
		have = vuln.Coverage{Ecosystem: v.Ecosystem}
	}
	if have.From.IsZero() || !v.From.IsZero() && v.From.Before(have.From) {
		have.From = v.From
	}
	if v.To.After(have.To) {
		have.To = v.To
	}
	if v.Unfixed.After(have.Unfixed) {
		have.Unfixed = v.Unfixed
	}
	have.Lagging = slices.Compact(slices.Sorted(slices.Values(slices.Concat(have.Lagging, v.Lagging))))
	have.Support = slices.Concat(have.Support, v.Support)
	slices.SortFunc(have.Support, func(a, b vuln.Support) int {
		return cmp.Or(strings.Compare(a.Package, b.Package), strings.Compare(string(a.Level), string(b.Level)), a.Since.Compare(b.Since))
	})
	have.Support = slices.Compact(have.Support)
	c.covers[v.Ecosystem] = have
	return nil
}

func levels() []vuln.Level {
	return []vuln.Level{vuln.FullSupport, vuln.LimitedSupport, vuln.NoSupport}
}

func levelNumber(l vuln.Level) int { return slices.Index(levels(), l) }

// putCovers writes the coverage of each ecosystem and release, sorted.
func (c *compiler) putCovers(b []byte, bases []*merged) []byte {
	for _, m := range bases {
		for i, release := range m.releases {
			eco := joinEcosystem(m.name, release)
			v := c.covers[eco]
			v.Ecosystem, v.Advisories = eco, m.counts[i]
			c.covers[eco] = v
		}
	}
	b = putInt(b, len(c.covers))
	for _, eco := range slices.Sorted(maps.Keys(c.covers)) {
		v := c.covers[eco]
		b = putInt(putString(b, eco), v.Advisories)
		b = putUint(putUint(putUint(b, days(v.From)), days(v.To)), days(v.Unfixed))
		b = putStrings(b, v.Lagging)
		b = putInt(b, len(v.Support))
		for _, s := range v.Support {
			b = putUint(putInt(putString(b, s.Package), levelNumber(s.Level)), days(s.Since))
		}
	}
	return b
}

// maxTitle bounds a title, in bytes.
const maxTitle = 240

// title keeps one title for a vulnerability. Of several, that of the source
// which comes first in the order counts, and of one source the first by text.
func title(have *vuln.Meta, m vuln.Meta) error {
	if m.Title == "" {
		return nil
	}
	if len(m.Title) > maxTitle || !utf8.ValidString(m.Title) || m.TitleBy == "" || len(m.TitleBy) > maxID {
		return fmt.Errorf("%s: title %.40q by %.40q", m.ID, m.Title, m.TitleBy)
	}
	if have.Title == "" || cmp.Or(cmp.Compare(titleRank(m.TitleBy), titleRank(have.TitleBy)),
		cmp.Compare(m.TitleBy, have.TitleBy), cmp.Compare(m.Title, have.Title)) < 0 {
		have.Title, have.TitleBy = m.Title, m.TitleBy
	}
	return nil
}

func titleRank(by string) int {
	order := []string{"ghsa", "go", "rustsec", "pypa", "bitnami", "kev"}
	if i := slices.Index(order, by); i >= 0 {
		return i
	}
	return len(order)
}

// epssTable is what the scores of one day share: the day, and for each score the
// smallest percentile that FIRST publishes with it. A row then needs its score
// and how far above that its percentile is, mostly a byte.
type epssTable struct {
	date        string
	percentiles map[uint64]uint64
}

// epssParts is a score or a percentile in the units it is kept in.
func epssParts(p float64) uint64 { return uint64(math.Round(p * epssUnit)) }

// epssDays are the scores of each day, of which one becomes the table.
type epssDays struct {
	count       map[string]int
	percentiles map[string]map[uint64]uint64
}

func (e *epssDays) add(v finding.EPSS) {
	if v == (finding.EPSS{}) {
		return
	}
	if e.count == nil {
		e.count, e.percentiles = map[string]int{}, map[string]map[uint64]uint64{}
	}
	e.count[v.Date]++
	of := e.percentiles[v.Date]
	if of == nil {
		of = map[uint64]uint64{}
		e.percentiles[v.Date] = of
	}
	s, p := epssParts(v.Score), epssParts(v.Percentile)
	if least, ok := of[s]; !ok || p < least {
		of[s] = p
	}
}

// table takes the day of most scores.
func (e *epssDays) table() epssTable {
	t := epssTable{}
	for _, date := range slices.Sorted(maps.Keys(e.count)) {
		if e.count[date] > e.count[t.date] {
			t.date = date
		}
	}
	t.percentiles = e.percentiles[t.date]
	return t
}

// put writes the day and, sorted by score, the steps of scores and percentiles.
func (t epssTable) put(b []byte) []byte {
	d, _ := dateDays(t.date)
	b = putInt(putUint(b, d), len(t.percentiles))
	last, at := uint64(0), uint64(0)
	for _, s := range slices.Sorted(maps.Keys(t.percentiles)) {
		p := t.percentiles[s]
		b = binary.AppendVarint(putUint(b, s-last), int64(p)-int64(at))
		last, at = s, p
	}
	return b
}
