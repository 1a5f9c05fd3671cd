package index

import (
	"path"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/server/store"
)

// Counts are findings by severity: a vulnerability and a package each, as "drydock
// cves" counts them. What is suppressed or excepted is in none.
type Counts struct {
	Critical    int `json:"critical"`
	High        int `json:"high"`
	Medium      int `json:"medium"`
	Low         int `json:"low"`
	Negligible  int `json:"negligible"`
	Unspecified int `json:"unspecified"`
}

// Of is the count of one severity.
func (c *Counts) Of(s finding.Severity) *int {
	switch s {
	case finding.Critical:
		return &c.Critical
	case finding.High:
		return &c.High
	case finding.Medium:
		return &c.Medium
	case finding.Low:
		return &c.Low
	case finding.Negligible:
		return &c.Negligible
	default:
		return &c.Unspecified
	}
}

// Add adds other counts.
func (c *Counts) Add(o Counts) {
	for _, s := range finding.Severities() {
		*c.Of(s) += *o.Of(s)
	}
}

// Total counts all.
func (c Counts) Total() int {
	return c.Critical + c.High + c.Medium + c.Low + c.Negligible + c.Unspecified
}

// compare orders counts, those with more of the worst first.
func (c Counts) compare(o Counts) int {
	for _, s := range finding.Severities() {
		if n := *o.Of(s) - *c.Of(s); n != 0 {
			return n
		}
	}
	return 0
}

// tally is what is counted of an image, or of an inventory.
type tally struct {
	All     Counts
	Fixable Counts
	KEV     int // known to be exploited
	Silent  int // that do not count
	Gaps    bool
	Judged  bool // all of it is matched

	Packages int
}

func (t *tally) add(f *finding.Finding) {
	*t.All.Of(f.Severity)++
	if f.Vuln.FixedIn != "" {
		*t.Fixable.Of(f.Severity)++
	}
	if f.Vuln.KEV {
		t.KEV++
	}
}

// Repository is a reference without tag and digest.
func Repository(ref string) string {
	ref, _, _ = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(ref, ':'); i > strings.LastIndexByte(ref, '/') {
		ref = ref[:i]
	}
	return ref
}

// Active tells whether an exception holds at a time.
func Active(e *store.Exception, now time.Time) bool { return e.Until.IsZero() || now.Before(e.Until) }

// covers tells whether an exception speaks of a finding of an image; ref "" asks
// about all images at once.
func covers(e *store.Exception, f *finding.Finding, ref string) bool {
	if e.Package != "" && e.Package != f.Vuln.Name && e.Package != f.Vuln.Package {
		return false
	}
	if e.Image != "" && e.Image != ref && e.Image != Repository(ref) {
		if ok, err := path.Match(e.Image, ref); err != nil || !ok || ref == "" {
			return false
		}
	}
	return e.Vuln == f.Vuln.ID || slices.Contains(f.Vuln.Aliases, e.Vuln)
}

// excepted is the exception for which a finding of an image does not count.
func (x *Index) excepted(f *finding.Finding, ref string) *store.Exception {
	now := x.now()
	for i := range x.exceptions {
		if e := &x.exceptions[i]; Active(e, now) && covers(e, f, ref) {
			return e
		}
	}
	return nil
}

// tallies count every inventory, by the exceptions that hold for all images.
func (x *Index) tallies() map[uint32]tally {
	return remember(x, "tallies", func() map[uint32]tally {
		parts := make(map[uint32]tally, len(x.parts))
		for n, p := range x.parts {
			t := tally{Gaps: p.gaps, Judged: p.judged, Packages: len(p.Inventory.Packages)}
			for i := range p.open {
				f := &p.open[i].Finding
				if f.Suppressed != nil || x.excepted(f, "") != nil {
					t.Silent++
				} else {
					t.add(f)
				}
			}
			parts[n] = t
		}
		out := make(map[uint32]tally, len(x.inventories))
		for n, inv := range x.inventories {
			sum := tally{Judged: true, Gaps: len(finding.Asked(inv.Unknown)) > 0}
			for it := inv.Parts.Iterator(); it.HasNext(); {
				t := parts[it.Next()]
				sum.All.Add(t.All)
				sum.Fixable.Add(t.Fixable)
				sum.KEV += t.KEV
				sum.Silent += t.Silent
				sum.Packages += t.Packages
				sum.Gaps = sum.Gaps || t.Gaps
				sum.Judged = sum.Judged && t.Judged
			}
			out[n] = sum
		}
		return out
	})
}

// tally counts an image.
func (x *Index) tally(img *store.Image) tally {
	t := x.tallies()[img.Inventory]
	now := x.now()
	own := slices.ContainsFunc(x.exceptions, func(e store.Exception) bool { return e.Image != "" && Active(&e, now) })
	if !own {
		return t
	}
	out := tally{Judged: t.Judged, Gaps: t.Gaps, Packages: t.Packages}
	for _, row := range x.findingsOf(img) {
		if row.Live() {
			out.add(&row.Finding.Finding)
		} else {
			out.Silent++
		}
	}
	return out
}
