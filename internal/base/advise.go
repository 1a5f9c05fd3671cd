package base

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Question is what [Advise] is asked.
type Question struct {
	Ref     string         // the base as it is named: "nginx:1.20"
	Digest  finding.Digest // of the one in use; empty: not known
	Arch    string         // Docker's name of it, "amd64", "arm64v8"; empty: any
	Now     time.Time      // at which support is judged
	AsOf    time.Time      // what became known later is left out; zero: nothing is
	Entries []*Entry       // what is known beside the embedded catalogue: learned, local, of the registry
	Tags    []string       // that the registry lists for the repository; nil: it was not asked
}

// Group is why an image is proposed.
type Group string

// The groups, in the order in which they are shown.
const (
	Refresh Group = "refresh" // the same tag, built anew
	Update  Group = "update"  // a newer supported release of the same build
	Slim    Group = "slim"    // a smaller build of the same software
)

// Groups lists the groups in the order in which they are shown.
func Groups() []Group { return []Group{Refresh, Update, Slim} }

// Option is an image that could take the base's place. What it holds is in
// Seen, where that is known; [Advice.Judge] fills in the rest.
type Option struct {
	Ref     string
	Group   Group
	Build   Build
	Release Support // zero Cycle: not known
	Channel string
	Leap    string // what it moves to another release: "moves the base from node:18 to node:22"; empty: nothing
	Other   bool   // it is another channel, and one that changes more
	Listed  bool   // it is built and gets updates, as far as the list of official images says
	Entry   *Entry // what is known of it; nil: nothing
	Like    *Entry // an older image of the same build, where nothing is known of this one
	Arches  []string
	Digest  finding.Digest // of its index or manifest; empty: not known

	Seen        *Seen
	Recommended bool
	Why         []string // for it, the weightiest first
	Against     []string
	Check       []string // what must be looked at before it is used
	TakesAway   []Vuln   // that today's has and it has not, the worst first
	BringsIn    []Vuln   // that it has and the one it is compared with has not
	Beside      string   // the reference that BringsIn is measured against
}

// Advice is what is known of a base and of what could take its place.
type Advice struct {
	Ref        string
	Repository string // "nginx", "ghcr.io/org/app"
	Build      Build
	Release    Support // zero Cycle: not known
	Channel    string
	Tag        Tag  // what the list of official images says of it
	Official   bool // it is one of them
	Now        time.Time
	AsOf       time.Time
	Entry      *Entry // what is known of the base itself; nil: nothing
	Seen       *Seen  // what it holds; nil: not known
	Options    []Option
	Unknown    []finding.Unknown

	line      string // the channel of its release, whether or not that is over
	product   string // of what is proposed
	successor string // the official repository that took this one's place; empty: none
}

// Nothing reports whether nothing at all is known of the base: neither what it
// holds, nor how long it is supported, nor what could take its place.
func (a *Advice) Nothing() bool {
	return a.Entry == nil && a.Seen == nil && a.Release.Cycle == "" && len(a.Options) == 0 && !a.Tag.Listed
}

// Status is how the base's tag is doing, as far as the list of official images
// says: "built", "superseded" by another version of its release, "unlisted" (it
// is built no more), "gone" with its repository. Empty: it is of no official
// image, or the list is of a later time than the advice.
func (a *Advice) Status() (status, by string) {
	switch {
	case !a.Official || !a.listAllowed():
		return "", ""
	case a.Tag.Gone:
		return "gone", a.successor
	case a.Tag.Listed || a.Tag.Tag == "":
		return "built", ""
	}
	if tag, ok := sameRelease(a.Tag); ok {
		return "superseded", tag
	}
	return "unlisted", ""
}

// candidate is an image of the repository, with all its tags.
type candidate struct {
	tags    []string
	builds  []Build // of each tag
	build   Build   // what they say together: the longest version, the distribution
	plain   bool    // one of its tags names no distribution
	release Support
	listed  bool
	arches  []string
	entry   *Entry
}

// Advise proposes what could take a base's place, from what is known without
// asking anybody: the question, the embedded catalogue, the list of official
// images and end-of-life dates. Vulnerabilities are not looked at; give what is
// known of them to [Advice.Judge]. An error is a reference that is none.
func Advise(q Question) (*Advice, error) {
	r, err := ParseRef(q.Ref)
	if err != nil {
		return nil, err
	}
	repo := r.official()
	if q.Digest == "" {
		q.Digest = r.Digest
	}
	a := &Advice{Ref: r.String(), Repository: r.Name(), Official: repo != "", Now: q.Now, AsOf: q.AsOf, product: productFor(r)}
	a.Tag, _ = Library(q.Ref)
	if !a.listAllowed() {
		a.Tag.Listed, a.Tag.Gone, a.Tag.Same = false, false, nil
	}
	p := &advising{Advice: a, q: q, repo: cmp.Or(repo, r.Name()), tags: newTags(repo), of: a.product}
	if next := successors[repo]; next != "" {
		a.successor, a.product, p.repo, p.tags = next, productOf(next), next, newTags(next)
	}
	p.gather()
	p.today(r)
	p.propose()
	return a, nil
}

// listAllowed reports whether the list of official images is not of a later time
// than the advice.
func (a *Advice) listAllowed() bool {
	return a.AsOf.IsZero() || a.AsOf.Format("2006-01") >= LibraryDate()
}

type advising struct {
	*Advice
	q    Question
	repo string // whose images are proposed
	of   string // the base's own product
	tags *tags
	all  []candidate
	mine *candidate // of the base's own tag; nil: it is not among them

	stays bool // the tag names a distribution's release that is supported
	loose bool // it is not stayed on
	flees bool // the tag names a distribution's release that is supported no more
}

// gather collects every image of the repository that is known.
func (p *advising) gather() {
	byTag := map[string]int{}
	add := func(c candidate) {
		for _, t := range c.tags {
			if _, twice := byTag[t]; !twice {
				byTag[t] = len(p.all)
			}
		}
		p.all = append(p.all, c)
	}
	if p.Official && p.listAllowed() {
		for _, l := range official().repos[p.repo] {
			if !slices.ContainsFunc(l.arches, func(a string) bool { return strings.HasPrefix(a, "windows-") }) {
				add(candidate{tags: l.tags, listed: true, arches: l.arches})
			}
		}
	}
	for _, e := range p.entries() {
		var tags []string
		known := -1
		for _, n := range e.Names {
			if r, err := ParseRef(n); err == nil && r.Name() == p.places() && r.Tag != "" {
				tags = append(tags, r.Tag)
				if at, ok := byTag[r.Tag]; ok {
					known = at
				}
			}
		}
		switch {
		case len(tags) == 0:
		case known < 0:
			add(candidate{tags: tags, entry: e})
		case p.all[known].entry == nil || p.all[known].entry.Created.Before(e.Created):
			p.all[known].entry = e
		}
	}
	for _, t := range p.q.Tags {
		if _, known := byTag[t]; !known {
			add(candidate{tags: []string{t}})
		}
	}
	for i := range p.all {
		p.describe(&p.all[i])
	}
}

// entries are the embedded ones and the question's, without what is of a later
// time than the advice.
func (p *advising) entries() []*Entry {
	var out []*Entry
	for _, e := range slices.Concat(catalogue(), p.q.Entries) {
		if p.AsOf.IsZero() || !e.Created.After(p.AsOf) {
			out = append(out, e)
		}
	}
	return out
}

// describe makes out of a candidate's tags what they say together.
func (p *advising) describe(c *candidate) {
	for _, t := range c.tags {
		b := p.tags.parse(t)
		c.builds = append(c.builds, b)
		c.plain = c.plain || b.Distro.ID == ""
		if n := len(b.Version) - len(c.build.Version); n > 0 || n == 0 && b.Version != "" && len(b.Words) > len(c.build.Words) {
			c.build.Version, c.build.Words, c.build.Pre = b.Version, b.Words, b.Pre
		}
		if c.build.Version == "" {
			c.build.Follows, c.build.Words, c.build.Pre = b.Follows, b.Words, b.Pre
		}
		if b.Stamp == "" || c.build.Stamp == "" {
			c.build.Stamp = b.Stamp
		}
		c.build.Slim = c.build.Slim || b.Slim
		if len(b.Distro.VersionID) > len(c.build.Distro.VersionID) || c.build.Distro.ID == "" {
			c.build.Distro = b.Distro
		}
	}
	for _, b := range c.builds {
		if b.Stamp == "" {
			c.build.Stamp = ""
		}
	}
	c.release = releaseFor(p.product, c.build)
}

// releaseFor is the release of a product that a tag names; none: not known.
func releaseFor(product string, b Build) Support {
	if product == "" || b.Version == "" {
		return Support{}
	}
	s, _ := EndOfLife(product, releaseOf(product, b.Version))
	return s
}

// places is the repository whose images are proposed, as Docker shows it.
func (a *Advice) places() string { return cmp.Or(a.successor, a.Repository) }

// successors are official images that are built no more or should not be used
// any more, and those that took their place.
var successors = map[string]string{"openjdk": "eclipse-temurin", "java": "eclipse-temurin", "centos": "almalinux", "iojs": "node"}

// today finds out what the base itself is.
func (p *advising) today(r Ref) {
	p.Build = newTags(r.official()).parse(r.Tag)
	p.stays = p.pinned(r.Tag)
	p.flees = !p.stays && p.Build.Distro.VersionID != "" && distributions[p.repo] == ""
	for i := range p.all {
		c := &p.all[i]
		if p.successor != "" {
			break
		}
		d := p.q.Digest
		byDigest := d != "" && c.entry != nil && (c.entry.Index == d || c.entry.Manifest == d || c.entry.ID == d)
		if !byDigest && (r.Tag == "" || !slices.Contains(c.tags, r.Tag)) {
			continue
		}
		p.mine = c
		if d == "" || byDigest {
			p.Entry = c.entry
		}
		if r.Tag == "" {
			p.Build = c.build
		}
		break
	}
	p.Release = releaseFor(p.of, p.Build)
	if p.successor != "" && !slices.ContainsFunc(p.all, func(c candidate) bool { return c.build.Slim }) {
		p.Build.Slim = false // it has no such builds
	}
	if p.mine != nil {
		// A tag without a version, or without a distribution, means what its
		// image's other tags say.
		if p.Release.Cycle == "" {
			p.Release = p.mine.release
		}
		if p.Build.Distro.ID == "" && p.mine.build.Distro.ID != "" {
			p.Build.Distro = p.mine.build.Distro
		}
		if p.mine.listed {
			p.Build.Words = p.mine.build.Words
		}
	}
	if p.Release.Cycle != "" {
		p.line, p.Channel = line(p.of, p.Release), Channel(p.of, p.Release, p.Now)
	}
	p.gaps(r)
}

// gaps are what could not be told of the base.
func (p *advising) gaps(r Ref) {
	if p.successor != "" {
		return
	}
	unknown := func(what, why string) { p.Unknown = append(p.Unknown, finding.Unknown{What: what, Why: why}) }
	if p.Release.Cycle == "" && p.Build.Version != "" {
		unknown("how long "+p.Ref+" is supported", "no end-of-life date is known for it")
	}
	if p.Build.Version == "" && p.mine == nil && r.Tag != "" {
		unknown("which release "+p.Ref+" is", "its tag names no version; scan the image itself, or name one")
	}
	if len(p.all) == 0 {
		why := "the registry was not asked"
		if p.q.Tags != nil {
			why = "the registry lists none"
		}
		unknown("which other images "+p.Repository+" has", why)
	}
}

// HeardOf reports whether something is known of what a reference names, without
// looking at it: it is an official image, or its tag is a release whose dates are
// known.
func HeardOf(ref string) bool {
	r, err := ParseRef(ref)
	if err != nil {
		return false
	}
	return r.isOfficial() || releaseFor(productFor(r), ParseTag("", r.Tag)).Cycle != ""
}

// productFor is endoflife.date's name of what a repository holds: an official
// one, or another's that has the same last word.
func productFor(r Ref) string {
	if name := r.official(); name != "" {
		return productOf(name)
	}
	words := strings.Split(r.Repository, "/")
	if r.Registry == "mcr.microsoft.com" && words[0] == "dotnet" {
		return "dotnet"
	}
	return productOf(words[len(words)-1])
}

// distro is what the base stands on, as far as that is known.
func (a *Advice) distro() sbom.Distro { return a.Entry.standsOn(a.Build) }

func (o *Option) distro() sbom.Distro { return o.Entry.standsOn(o.Build) }

// standsOn is the distribution that an image holds, or else that its tag names.
func (o *Entry) standsOn(b Build) sbom.Distro {
	if o != nil && o.Distro.ID != "" {
		return o.Distro
	}
	return b.Distro
}

// Since says from when the knowledge is that the advice rests on.
func (a *Advice) Since() string {
	if !a.AsOf.IsZero() {
		return "as of " + a.AsOf.Format(time.DateOnly)
	}
	since := "end-of-life dates " + Date().Format(time.DateOnly)
	if a.Official {
		since = "official images " + LibraryDate() + ", " + since
	}
	return since
}
