package feed

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/sorting"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Coverage gathers, record by record, what a source's facts cover: for each
// ecosystem and release from when to when, and to when also what has no fix.
// The zero value is empty.
type Coverage struct {
	by map[string]*covered
}

// beside is the list of what was added to facts that covered something already:
// few records do not show of what kind the whole is.
func (c *Coverage) beside(old []vuln.Coverage, asOf time.Time) []vuln.Coverage {
	out := c.List(asOf)
	for i := range out {
		v := &out[i]
		j := slices.IndexFunc(old, func(o vuln.Coverage) bool { return o.Ecosystem == v.Ecosystem })
		switch {
		case j < 0:
		case old[j].Unfixed.IsZero():
			v.Unfixed = time.Time{}
		case v.Unfixed.IsZero():
			v.Unfixed = c.by[v.Ecosystem].tracked
		}
	}
	return out
}

// covered is what was seen of one ecosystem and release.
type covered struct {
	from, published, modified time.Time
	tracked                   time.Time // of records that are wholly the source's own word
	own, notices              int       // records of vulnerabilities, and of updates
	lagging                   map[string]bool
}

// Add takes a record in.
func (c *Coverage) Add(r Record) {
	for i := range r.Advisories {
		a := &r.Advisories[i]
		s := c.of(a.Ecosystem)
		if r.Partial {
			continue
		}
		if s.from.IsZero() || !a.Published.IsZero() && a.Published.Before(s.from) {
			s.from = a.Published
		}
		s.published, s.modified = newer(s.published, a.Published), newer(s.modified, newer(a.Modified, a.Published))
		if !r.derived {
			s.tracked = newer(s.tracked, a.Modified)
		}
		if strings.HasPrefix(a.ID, "CVE-") {
			s.own++
		} else {
			s.notices++
		}
	}
	for _, l := range r.lagging {
		eco, name, _ := strings.Cut(l, "\x00")
		s := c.of(eco)
		if s.lagging == nil {
			s.lagging = map[string]bool{}
		}
		s.lagging[name] = true
	}
}

func (c *Coverage) of(eco string) *covered {
	if c.by == nil {
		c.by = map[string]*covered{}
	}
	s := c.by[eco]
	if s == nil {
		s = &covered{}
		c.by[eco] = s
	}
	return s
}

// List is what was gathered, sorted by ecosystem. Facts without a date of their
// own are as new as the source: asOf.
//
// Debian's tracker has a record a vulnerability, fixed or not, of the releases
// that it follows, and notices alone of older ones: those end with the last
// notice, and say nothing of what was not fixed.
func (c *Coverage) List(asOf time.Time) []vuln.Coverage {
	var out []vuln.Coverage
	for eco, s := range c.by {
		base, _, _ := strings.Cut(eco, ":")
		v := vuln.Coverage{Ecosystem: eco, From: s.from, To: s.modified}
		switch {
		case base == "Debian" && s.own <= s.notices:
			v.To = s.published
		case base == "Debian":
			v.Unfixed = s.tracked
		case fixesOnly(base):
			v.To = newer(v.To, asOf)
		default:
			v.To = asOf
			v.Unfixed = asOf
		}
		if v.To.IsZero() {
			v.To = asOf
		}
		for name := range s.lagging {
			v.Lagging = append(v.Lagging, name)
		}
		slices.Sort(v.Lagging)
		out = append(out, v)
	}
	sorting.By(out, func(a, b vuln.Coverage) int { return cmp.Compare(a.Ecosystem, b.Ecosystem) })
	return out
}
