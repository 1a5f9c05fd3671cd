package base

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Seen is what an image holds. A negative number is not known; nil Found is not
// known either, and an empty one that nothing was found.
type Seen struct {
	Size       int64 // bytes of all layers, uncompressed
	Compressed int64 // bytes as a registry stores them
	Packages   int
	Found      []Vuln
	From       string    // who says so: "embedded catalogue", "registry", "Docker Engine"
	At         time.Time // from when that is; zero: now
}

// Vuln is a vulnerability that an image has, in the package that brings it.
type Vuln struct {
	ID       string
	Package  string // the source package's name
	Severity finding.Severity
}

// VulnsOf lists the vulnerabilities among findings that count, the worst first,
// as many as there are findings.
func VulnsOf(found []finding.Finding) []Vuln {
	out := []Vuln{}
	for _, f := range found {
		if f.Vuln != nil && f.Suppressed == nil {
			out = append(out, Vuln{f.Vuln.ID, f.Vuln.Name, f.Severity})
		}
	}
	sorting.By(out, func(a, b Vuln) int {
		return cmp.Or(cmp.Compare(a.Severity.Place(), b.Severity.Place()), cmp.Compare(a.Package, b.Package), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// Count is how many of them have a severity.
func (s *Seen) Count(sev finding.Severity) int {
	n := 0
	for _, v := range s.Found {
		if v.Severity == sev {
			n++
		}
	}
	return n
}

// severe is the weight of what is critical or high, by which images compare.
func (s *Seen) severe() [2]int { return [2]int{s.Count(finding.Critical), s.Count(finding.High)} }

// worse reports whether an image is worse than another by severe vulnerabilities:
// more critical ones, or as many and more high ones.
func (s *Seen) worse(than *Seen) bool {
	a, b := s.severe(), than.severe()
	return a[0] > b[0] || a[0] == b[0] && a[1] > b[1]
}

func (s *Seen) counted() bool { return s != nil && s.Found != nil }

// without lists what s has and other has not.
func (s *Seen) without(other *Seen) []Vuln {
	had := map[[2]string]bool{}
	for _, v := range other.Found {
		had[[2]string{v.ID, v.Package}] = true
	}
	var out []Vuln
	for _, v := range s.Found {
		if !had[[2]string{v.ID, v.Package}] {
			out = append(out, v)
		}
	}
	return out
}

// Severe keeps what is critical or high.
func Severe(vulns []Vuln) []Vuln {
	var out []Vuln
	for _, v := range vulns {
		if v.Severity >= finding.High {
			out = append(out, v)
		}
	}
	return out
}

// Brought is severe vulnerabilities in a few words, with the packages that
// bring them: "2 critical, 3 high (2 in aom, 3 in libde265)". Empty for none.
func Brought(vulns []Vuln) string {
	vulns = Severe(vulns)
	if len(vulns) == 0 {
		return ""
	}
	var critical, high int
	in := map[string]int{}
	for _, v := range vulns {
		in[v.Package]++
		if v.Severity == finding.Critical {
			critical++
		} else {
			high++
		}
	}
	var names []string // in order of their worst
	for _, v := range vulns {
		if !slices.Contains(names, v.Package) {
			names = append(names, v.Package)
		}
	}
	var parts []string
	if critical > 0 {
		parts = append(parts, fmt.Sprintf("%d critical", critical))
	}
	if high > 0 {
		parts = append(parts, fmt.Sprintf("%d high", high))
	}
	const most = 5
	where := make([]string, 0, most+1)
	for i, n := range names {
		if i == most {
			where = append(where, "and "+finding.Count(len(names)-most, "more package"))
			break
		}
		where = append(where, fmt.Sprintf("%d in %s", in[n], n))
	}
	return strings.Join(parts, ", ") + " (" + strings.Join(where, ", ") + ")"
}

// Judge says of each option what speaks for and against it, and which are
// recommended, once what they hold has been filled in where it is known.
func (a *Advice) Judge() {
	for i := range a.Options {
		a.weigh(&a.Options[i])
	}
	for i := range a.Options {
		a.among(&a.Options[i])
	}
	a.order()
	a.assessedFirst()
}

// order puts the smaller images in order: by size where sizes are known, and
// else with the base's own C library first, which asks least of an application.
func (a *Advice) order() {
	var at []int
	var slim []Option
	for i, o := range a.Options {
		if o.Group == Slim && !o.Other {
			at, slim = append(at, i), append(slim, o)
		}
	}
	sized := !slices.ContainsFunc(slim, func(o Option) bool { return o.Seen == nil || o.Seen.Size <= 0 })
	own := muslOr(a.distro())
	sorting.By(slim, func(x, y Option) int {
		if sized {
			return cmp.Compare(x.Seen.Size, y.Seen.Size)
		}
		return compareBools(muslOr(y.distro()) == own, muslOr(x.distro()) == own)
	})
	for i, n := range at {
		a.Options[n] = slim[i]
	}
}

// weigh holds an option to the base as it is.
func (a *Advice) weigh(o *Option) {
	o.Recommended = true
	a.support(o)
	if o.Seen.counted() && a.Seen.counted() {
		o.TakesAway, o.BringsIn, o.Beside = a.Seen.without(o.Seen), o.Seen.without(a.Seen), a.Ref
		if gone := Brought(o.TakesAway); gone != "" {
			o.Why = append(o.Why, "takes away "+gone)
		}
		if o.Seen.worse(a.Seen) {
			o.Recommended = false
			o.Against = append(o.Against, fmt.Sprintf("it has %s that %s has not", Brought(o.BringsIn), a.Ref))
		}
	}
	a.size(o)
	o.Check = a.checks(o)
}

// support says how long an option is supported, and whose channel it is in.
func (a *Advice) support(o *Option) {
	s := o.Release
	if o.Group == Refresh { // what holds of the release holds of today's, too
		o.Why = append(o.Why, "the same tag, built anew since")
		return
	}
	switch {
	case s.Cycle == "":
	case !s.current(a.Now):
		o.Recommended = false
		o.Against = append(o.Against, s.Name()+" gets no fixes any more")
	case s.EOL.IsZero():
		o.Why = append(o.Why, s.Name()+" is supported")
	default:
		why := fmt.Sprintf("%s is supported until %s", s.Name(), s.EOL.Format(time.DateOnly))
		if s.EOL.Sub(a.Now) <= soon {
			why += ", which is soon"
		}
		o.Why = append(o.Why, why)
	}
	if o.Group != Slim && s.Cycle != "" && s.Cycle == a.Release.Cycle {
		o.Why = append(o.Why, "the same release, built anew")
	}
	if o.Group == Update && !o.Other && compareVersions(s.Cycle, a.Release.Cycle) < 0 && a.successor == "" {
		o.Why = append(o.Why, fmt.Sprintf("the release for the long term, which %s is not", a.Release.Name()))
	}
	if o.Other {
		o.Recommended = false
		word := "newer"
		if o.Group == Slim {
			word = "smaller"
		}
		mine, is := cmp.Or(a.Channel, a.line, "another"), "is"
		if a.Channel == "" && a.line != "" {
			is = "was"
		}
		o.Against = append(o.Against, fmt.Sprintf("it is %s, and another channel: %s, where %s %s %s", word, o.Channel, a.Ref, is, mine))
	}
	if d, ok := DistroSupport(o.distro()); ok && d.Ended(a.Now) && distributions[a.Repository] == "" {
		o.Recommended = false
		o.Against = append(o.Against, d.Name()+", which it stands on, has had no security fixes since "+d.EOL.Format(time.DateOnly))
	}
}

// size says how much smaller an option is; a slim one that is no smaller is none.
func (a *Advice) size(o *Option) {
	if o.Seen == nil || a.Seen == nil || o.Seen.Size <= 0 || a.Seen.Size <= 0 {
		return
	}
	if o.Group == Slim && o.Seen.Size >= a.Seen.Size {
		o.Recommended = false
		o.Against = append(o.Against, "it is no smaller")
	}
}

// among holds an option to the others of its group: what is merely newer, and
// worse, is not recommended beside what is older and better. One in another
// channel is measured against what is recommended.
func (a *Advice) among(o *Option) {
	if !o.Seen.counted() {
		return
	}
	for i := range a.Options {
		b := &a.Options[i]
		if b == o || b.Group != o.Group || !b.Recommended || !b.Seen.counted() || o.Group == Slim && b.Build.variant() != o.Build.variant() {
			continue
		}
		newer := compareVersions(o.Build.Version, b.Build.Version) > 0
		if !newer || !o.Other && !o.Seen.worse(b.Seen) {
			continue
		}
		o.BringsIn, o.Beside = o.Seen.without(b.Seen), b.Ref
		if brought := Brought(o.BringsIn); brought != "" {
			o.Recommended = false
			o.Against = append(o.Against, fmt.Sprintf("it is newer; it has %s that %s has not", brought, b.Ref))
		}
		return
	}
}

// Successor is the option to take in place of a base that is over, the nearest
// first: nothing is wrong with it that the rules over bases would tell. Nil: there
// is none.
func (a *Advice) Successor() *Option {
	for i := range a.Options {
		o := &a.Options[i]
		if r, err := ParseRef(o.Ref); o.Group != Update || !o.Recommended || err != nil || numbered(a.Build.Version) && !numbered(ParseTag(r.official(), r.Tag).Version) ||
			a.successor != "" && r.Tag == "latest" {
			continue
		}
		if !o.flagged(a.Now) {
			return o
		}
	}
	return nil
}

// flagged reports whether the rules over bases would tell of an option at now.
func (o *Option) flagged(now time.Time) bool {
	found := CheckRef(o.Ref, now)
	if e, ok := Find(o.Ref); ok {
		found = append(found, Aged(e.Inventory(), now)...)
	}
	return slices.ContainsFunc(found, func(f finding.Finding) bool { return f.Remedy == finding.NewRelease })
}

// Best is the option of a group to take: the first that is recommended; nil for
// none.
func (a *Advice) Best(g Group) *Option {
	if i := a.best(g); i >= 0 {
		return &a.Options[i]
	}
	return nil
}

func (a *Advice) best(g Group) int {
	return slices.IndexFunc(a.Options, func(o Option) bool { return o.Recommended && o.Group == g })
}
