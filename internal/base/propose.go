package base

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// How many releases and smaller builds are proposed.
const (
	mostUpdates = 3
	mostSlim    = 4
)

// propose chooses among the candidates.
func (p *advising) propose() {
	p.refresh()
	releases := p.newer()
	at := p.Release // the release whose smaller builds are proposed
	var updates []*candidate
	if c := p.own(); c != nil {
		updates = append(updates, c)
	}
	if c := p.firmer(updates); c != nil {
		updates = append(updates, c)
	}
	var next []*candidate
	for _, s := range slices.Backward(releases) {
		if c := p.onFirmGround(s); c != nil && !p.beyond(s) {
			next = append(next, c)
		}
	}
	if most := max(mostUpdates-len(updates), 2); len(next) > most {
		next = append(next[:most-1], next[len(next)-1]) // the nearest, and the newest
	}
	updates = append(updates, next...)
	if len(updates) == 0 {
		updates = p.calmer()
	}
	for _, c := range updates {
		p.offer(Update, c, false)
	}
	if stays := p.Release.current(p.Now) && !p.gone(); !stays && len(updates) > 0 {
		at = updates[0].release
	}
	if !p.keepsData() || at.Cycle == p.Release.Cycle {
		for _, c := range p.smaller(at) {
			p.offer(Slim, c, false)
		}
	}
	p.aside(releases)
	if len(p.Options) == 0 && len(p.all) > 0 && (p.gone() || p.Release.Cycle != "" && !p.Release.current(p.Now)) {
		p.Unknown = append(p.Unknown, finding.Unknown{
			What: "what could take the place of " + p.Ref,
			Why:  "no supported image of the same build is known; see the tags of " + p.places(),
		})
	}
}

// own is what is newer within the base's own release, nil for nothing: the same
// build, or of the repository that took its place the nearest to it.
func (p *advising) own() *candidate {
	v, family := p.Build.variant(), p.Build.family()
	switch {
	case p.Release.Cycle != "" && !p.Release.current(p.Now):
		return nil
	case p.Build.Version == "" && p.gone():
		return p.following()
	case p.successor != "":
		for ; v >= fullVariant; v-- {
			if v < alpineVariant {
				family = ""
			}
			if c := p.best(p.Release, v, family, false); c != nil {
				return c
			}
		}
		return nil
	}
	for _, p.loose = range []bool{false, true} {
		if c := p.best(p.Release, v, family, true); c != nil && p.ahead(c) && p.sameLine(c) {
			p.loose = false
			return c
		}
	}
	p.loose = false
	return nil
}

// firmer is the base's own release on a system that is supported for longer than
// the one beneath the newest build of it, which is of updates or the base itself.
// Nil: that one is supported, or there is none.
func (p *advising) firmer(updates []*candidate) *candidate {
	on := p.mine
	if len(updates) > 0 {
		on = updates[0]
	}
	if on == nil || p.Release.Cycle == "" || !p.Release.current(p.Now) || p.successor != "" || p.firm(on) {
		return nil
	}
	c := p.onFirmGround(p.Release)
	if c == nil || c == on || c.build.Distro.ID != on.build.Distro.ID || compareVersions(c.build.Distro.VersionID, on.build.Distro.VersionID) <= 0 || !p.firm(c) {
		return nil
	}
	return c
}

// sameLine reports whether a candidate is of the base's release where that has no
// dates: its version begins alike.
func (p *advising) sameLine(c *candidate) bool {
	was, is := strings.SplitN(p.Build.Version, ".", 3), strings.SplitN(c.build.Version, ".", 3)
	return p.Release.Cycle != "" || len(was) < 2 || !numbered(p.Build.Version) || len(is) > 1 && slices.Equal(was[:2], is[:2])
}

// following is the image that follows the same channel as a tag that is built no
// more, on another release of its distribution: node:lts-trixie for
// node:lts-buster. Nil: there is none.
func (p *advising) following() *candidate {
	var best *candidate
	for i := range p.all {
		c := &p.all[i]
		follows := slices.ContainsFunc(c.builds, func(b Build) bool { return b.Version == "" && b.Follows == p.Build.Follows })
		if !c.listed || !follows || !p.same(c) || c.build.variant() != p.Build.variant() || c.build.family() != p.Build.family() {
			continue
		}
		if best == nil || p.prefer(c, best) > 0 {
			best = c
		}
	}
	return best
}

// calmer is, for a base in a channel that changes more whose release ends soon
// or has ended with nothing newer to go to, the newest release for the long term.
func (p *advising) calmer() []*candidate {
	if p.Release.Cycle == "" || calm(p.line) || p.Release.EOL.IsZero() || p.Release.EOL.Sub(p.Now) > soon {
		return nil
	}
	var best *candidate
	for i := range p.all {
		s := p.all[i].release
		if !s.current(p.Now) || !s.EOL.After(p.Release.EOL) || !calm(line(p.product, s)) || best != nil && compareVersions(s.Cycle, best.release.Cycle) <= 0 {
			continue
		}
		if c := p.best(s, p.Build.variant(), p.Build.family(), false); c != nil {
			best = c
		}
	}
	if best == nil {
		return nil
	}
	return []*candidate{best}
}

// gone reports whether the base's tag is known to be built no more while its
// release is supported.
func (p *advising) gone() bool { return p.Official && p.listAllowed() && !p.Tag.Listed }

// refresh proposes the same tag where its image is known to be another by now:
// by the registry's word, or by what was learned. The embedded catalogue is of
// another time.
func (p *advising) refresh() {
	if p.mine == nil || p.mine.entry == nil || p.q.Digest == "" || p.Build.Stamp != "" {
		return
	}
	e := p.mine.entry
	if e.Source != "registry" && e.Source != "learned" {
		return
	}
	now := cmp.Or(e.Index, e.Manifest)
	if now == "" || e.Index == p.q.Digest || e.Manifest == p.q.Digest || e.ID == p.q.Digest {
		return
	}
	p.offer(Refresh, p.mine, true)
}

// newer lists the releases that come after the base's and are supported at the
// time, the newest first.
func (p *advising) newer() []Support {
	var out []Support
	if p.Build.Version == "" && p.Release.current(p.Now) {
		return nil // the tag follows its channel by itself
	}
	seen := map[string]bool{}
	for i := range p.all {
		s := p.all[i].release
		if s.Cycle == "" || seen[s.Cycle] || p.all[i].build.Pre || !s.current(p.Now) {
			continue
		}
		seen[s.Cycle] = true
		// A release too old for the dates is older than any that is supported.
		if than := cmp.Or(p.Release.Cycle, p.Build.Version); than != "" && compareVersions(s.Cycle, than) > 0 && !p.Build.Pre {
			out = append(out, s)
		}
	}
	sorting.By(out, func(a, b Support) int { return compareVersions(b.Cycle, a.Cycle) })
	return out
}

// beyond reports whether a release is in another channel than the base's, and one
// that changes more.
func (p *advising) beyond(s Support) bool {
	c := line(p.product, s)
	return c != p.line && !calm(c)
}

// ahead reports whether a candidate of the base's own release is newer than it: by
// its version, or by the release of what it stands on.
func (p *advising) ahead(c *candidate) bool {
	if p.mine == c || p.Build.Version == "" {
		return false
	}
	precise := strings.Count(p.Build.Version, ".") >= strings.Count(c.build.Version, ".")
	switch n := compareVersions(c.build.Version, p.Build.Version); {
	case precise && n > 0:
		return true
	case precise && n < 0:
		return false
	}
	d, e := c.build.Distro, p.Build.Distro
	return d.ID == e.ID && d.VersionID != "" && e.VersionID != "" && compareVersions(d.VersionID, e.VersionID) > 0 || p.gone() && c.listed
}

// same reports whether a candidate is, but for its version and size, the base's build.
func (p *advising) same(c *candidate) bool {
	return !c.build.Pre && c.build.Stamp == "" && (slices.Equal(c.build.Words, p.Build.Words) || c.called(p.Build.Words)) &&
		(c.listed || c.entry != nil || p.q.Tags != nil) && (p.q.Arch == "" || c.arches == nil || slices.Contains(c.arches, p.q.Arch))
}

// called reports whether one of a candidate's tags has a version and just these words.
func (c *candidate) called(words []string) bool {
	return slices.ContainsFunc(c.builds, func(b Build) bool { return b.Version != "" && slices.Equal(b.Words, words) })
}

// best is the image of a release in a build of that variant, nil for none: on the
// base's own distribution release where its tag names one that is supported,
// else on the newest; within an exact version, the newest of those.
func (p *advising) best(s Support, v variant, family string, own bool) *candidate {
	var best *candidate
	for i := range p.all {
		c := &p.all[i]
		if c.release.Cycle != s.Cycle || s.Cycle == "" && !own || !p.same(c) || c.build.variant() != v || c.build.family() != family {
			continue
		}
		if best == nil || p.prefer(c, best) > 0 {
			best = c
		}
	}
	return best
}

// prefer orders candidates of one release and variant.
func (p *advising) prefer(a, b *candidate) int {
	if c := cmp.Or(compareBools(a.listed, b.listed), compareBools(p.sound(a), p.sound(b))); c != 0 {
		return c
	}
	if !p.loose && p.stays {
		if c := compareBools(a.build.Distro.VersionID == p.Build.Distro.VersionID, b.build.Distro.VersionID == p.Build.Distro.VersionID); c != 0 {
			return c
		}
	} else if c := compareBools(a.plain, b.plain); c != 0 {
		return c
	}
	if len(a.tags) == 1 && len(b.tags) == 1 && !a.listed {
		// Of single tags the one that is as exact as the base's: 10.0 for 8.0.
		dots := strings.Count(p.Build.Version, ".")
		if c := cmp.Compare(abs(strings.Count(b.build.Version, ".")-dots), abs(strings.Count(a.build.Version, ".")-dots)); c != 0 {
			return c
		}
	}
	return cmp.Or(
		compareVersions(a.build.Version, b.build.Version),
		compareVersions(a.build.Distro.VersionID, b.build.Distro.VersionID),
		compareBools(a.entry != nil, b.entry != nil),
		cmp.Compare(len(a.tags), len(b.tags)),
	)
}

// onFirmGround is the base's build of a release, on a release of its distribution
// that its own team supports where there is such a build.
func (p *advising) onFirmGround(s Support) *candidate {
	c := p.best(s, p.Build.variant(), p.Build.family(), false)
	if c == nil || p.flees || distributions[p.repo] != "" {
		return c
	}
	if !p.firm(c) {
		p.flees = true
		c = p.best(s, p.Build.variant(), p.Build.family(), false)
		p.flees = false
	}
	return c
}

// sound reports whether nothing is known against what a candidate stands on, where
// the base is left for that.
func (p *advising) sound(c *candidate) bool { return !p.flees || p.firm(c) }

// firm reports whether what a candidate stands on is supported by its own team for
// longer than soon, or not known not to be.
func (p *advising) firm(c *candidate) bool {
	s, ok := DistroSupport(c.entry.standsOn(c.build))
	if !ok {
		return true
	}
	_, flagged := ended(endOfLife(), s, p.Now)
	return !flagged
}

// pinned reports whether a tag names a release of a distribution that is supported
// at the time: then it is stayed on.
func (p *advising) pinned(tag string) bool {
	d := p.tags.parse(tag).Distro
	s, ok := DistroSupport(d)
	return ok && d.VersionID != "" && s.current(p.Now)
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// smaller lists the builds of a release that are smaller than the base's: by
// their names, or, where both are known, by their sizes. The smallest is first.
func (p *advising) smaller(s Support) []*candidate {
	var out []*candidate
	for v := alpineSlimVariant; v > p.Build.variant(); v-- {
		if c := p.best(s, v, v.family(), p.Release.Cycle == ""); c != nil && len(out) < mostSlim {
			out = append(out, c)
		}
	}
	if c := p.withoutCompiler(s); c != nil {
		out = append(out, c)
	}
	return out
}

// withoutCompiler is the runtime of a release whose development kit the base is.
func (p *advising) withoutCompiler(s Support) *candidate {
	i := slices.IndexFunc(p.Build.Words, func(w string) bool { return strings.HasPrefix(w, "jdk") })
	if i < 0 {
		return nil
	}
	q := *p
	a := *p.Advice
	q.Advice = &a
	a.Build.Words = slices.Clone(a.Build.Words)
	a.Build.Words[i] = "jre" + strings.TrimPrefix(a.Build.Words[i], "jdk")
	slices.Sort(a.Build.Words)
	return q.best(s, a.Build.variant(), a.Build.family(), false)
}

// aside names the newest release that is newer than the base's and in a channel
// that changes more: it is spoken of, and not recommended.
func (p *advising) aside(releases []Support) {
	for _, s := range releases {
		if !p.beyond(s) {
			continue
		}
		if c := p.best(s, p.Build.variant(), p.Build.family(), false); c != nil {
			p.offer(Update, c, true)
		}
		for _, c := range p.smaller(s)[:min(1, len(p.smaller(s)))] {
			p.offer(Slim, c, true)
		}
		return
	}
}

// offer adds an option.
func (p *advising) offer(g Group, c *candidate, other bool) {
	o := Option{
		Group: g, Build: c.build, Release: c.release, Listed: c.listed, Entry: c.entry, Arches: c.arches,
		Ref: p.places() + ":" + p.spell(c),
	}
	o.Channel = Channel(p.product, c.release, p.Now)
	o.Other = other && g != Refresh
	if c.entry != nil {
		o.Digest = cmp.Or(c.entry.Index, c.entry.Manifest)
	} else {
		o.Like = p.like(c)
	}
	if g != Refresh {
		o.Leap = p.leap(&o)
	}
	p.Options = append(p.Options, o)
}

// leap says what an option moves that is a decision of its own: another release
// of the software, or of the system beneath it as far as both are known.
func (p *advising) leap(o *Option) string {
	was, is := p.distro(), o.distro()
	switch {
	case p.Release.Cycle != o.Release.Cycle || p.successor != "":
		return "moves the base from " + p.Ref + " to " + o.Ref
	case was.ID != is.ID || was.VersionID == "" || releaseName(was) != releaseName(is):
		return "moves the base to " + o.Ref + ", on another release of the system as far as is known"
	}
	return ""
}

// like is the newest image of the same build that something is known of.
func (p *advising) like(to *candidate) *Entry {
	var best *Entry
	for i := range p.all {
		c := &p.all[i]
		if c.entry == nil || c.build.Pre || c.build.variant() != to.build.variant() || c.build.family() != to.build.family() || !slices.Equal(c.build.Words, to.build.Words) {
			continue
		}
		if best == nil || best.Created.Before(c.entry.Created) {
			best = c.entry
		}
	}
	return best
}

// spell chooses, of a candidate's tags, the one that is written like the base's:
// with a version as exact, and with the distribution named as it is there.
func (p *advising) spell(c *candidate) string {
	r, err := ParseRef(p.Ref)
	if err != nil {
		return c.tags[0]
	}
	like := p.tags.parse(r.Tag)
	if r.Tag == "" {
		like = p.Build
	}
	best, least := c.tags[0], 1<<20
	for i, t := range c.tags {
		n := unlike(c.builds[i], like, c.build.variant() != p.Build.variant())
		if !slices.Equal(c.builds[i].Words, like.Words) && !slices.Equal(c.builds[i].Words, c.build.Words) {
			n += 30
		}
		if n < least {
			best, least = t, n
		}
	}
	return best
}

// unlike says how differently two tags are written, small numbers for alike.
func unlike(b, like Build, otherKind bool) int {
	n := 0
	switch {
	case b.Version == "" && like.Version == "":
		if b.Follows != like.Follows {
			n += 4
		}
	case b.Version == "" || like.Version == "":
		n += 40
	default:
		n += 10 * abs(strings.Count(b.Version, ".")-strings.Count(like.Version, "."))
		if numbered(b.Version) != numbered(like.Version) {
			n += 20
		}
	}
	if b.Stamp != like.Stamp || b.Pre && !like.Pre {
		n += 100
	}
	named, wanted := b.Distro.VersionID != "", like.Distro.VersionID != ""
	if named != wanted {
		n += 3
	}
	if b.Distro.ID == "" && like.Distro.ID != "" && !otherKind {
		n += 2
	}
	return n + len(b.Words)
}

func abs(n int) int { return max(n, -n) }
