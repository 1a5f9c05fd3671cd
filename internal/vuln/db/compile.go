package db

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Compile writes a database. The same facts give the same bytes, in whatever
// order they come; what several sources say in the same words is kept once.
// Times of advisories are kept by the day, EPSS to five decimals.
func Compile(w io.Writer, in Input) error {
	c := &compiler{
		bases: map[string]*baseFacts{}, metas: map[string]*vuln.Meta{}, covers: map[string]vuln.Coverage{},
		words: newPool(), vectors: newPool(), packaged: in.Packaged, encoder: cmp.Or(in.Encoder, &Encoder{}),
	}
	sources := slices.Clone(in.Sources)
	slices.SortFunc(sources, func(a, b SourceInput) int { return cmp.Compare(a.Name, b.Name) })
	for i := range sources {
		s := &sources[i]
		if i > 0 && sources[i-1].Name == s.Name {
			return fmt.Errorf("compile advisory database: two sources named %q", s.Name)
		}
		if err := c.source(s); err != nil {
			return fmt.Errorf("compile advisory database: source %s: %w", s.Name, err)
		}
	}
	if in.Names != nil {
		if err := c.link(in.Names); err != nil {
			return fmt.Errorf("compile advisory database: %w", err)
		}
	}
	if err := c.write(w, sources); err != nil {
		return fmt.Errorf("compile advisory database: %w", err)
	}
	return nil
}

type compiler struct {
	bases    map[string]*baseFacts
	metas    map[string]*vuln.Meta
	covers   map[string]vuln.Coverage
	epss     epssTable
	packaged []Packaged
	words    *pool // sources, urgencies, reasons
	vectors  *pool // CVSS vectors
	key      []byte
	encoder  *Encoder
}

// baseFacts are the facts of one ecosystem, all releases. Records and states
// are interned: most advisories of a distribution share theirs with others.
type baseFacts struct {
	releases map[string]int
	counts   []int // of each release, as met: its advisories
	packages map[string]*packageFacts
	recordAt map[string]uint32
	records  []recordFacts
	stateAt  map[string]uint32
	states   []stateFacts
}

type packageFacts struct {
	name string // as the ecosystem spells it; the smallest of several spellings
	rows []row
}

// row says that a record applies to the package in a release, in some state.
type row struct {
	record, state uint32
	release       uint32
}

// recordFacts are what an advisory says whatever the package.
type recordFacts struct {
	key string
	a   vuln.Advisory
}

// stateFacts are what it says of one package in one release.
type stateFacts struct {
	key string
	a   vuln.Advisory
}

func (c *compiler) source(s *SourceInput) error {
	if s.Advisories != nil {
		for a, err := range s.Advisories {
			if err != nil {
				return err
			}
			if err := c.advisory(a); err != nil {
				return err
			}
		}
	}
	if s.Metas != nil {
		for m, err := range s.Metas {
			if err != nil {
				return err
			}
			if err := c.meta(m); err != nil {
				return err
			}
		}
	}
	if s.Done != nil {
		s.Done(&s.Source)
	}
	if s.Covers == nil {
		return nil
	}
	all, err := s.Covers(s.Source)
	if err != nil {
		return err
	}
	for _, v := range all {
		if err := c.cover(v); err != nil {
			return err
		}
	}
	return nil
}

func (c *compiler) advisory(a vuln.Advisory) error {
	if err := checkAdvisory(&a); err != nil {
		return err
	}
	base, release := splitEcosystem(a.Ecosystem)
	b := c.bases[base]
	if b == nil {
		b = &baseFacts{releases: map[string]int{}, packages: map[string]*packageFacts{}, recordAt: map[string]uint32{}, stateAt: map[string]uint32{}}
		c.bases[base] = b
	}
	if _, ok := b.releases[release]; !ok {
		b.releases[release] = len(b.releases)
	}
	name := vuln.NormalName(base, a.Package)
	p := b.packages[name]
	if p == nil {
		p = &packageFacts{name: a.Package}
		b.packages[name] = p
	}
	p.name = min(p.name, a.Package)
	r := row{release: uint32(b.releases[release])}

	c.key = recordKey(c.key[:0], &a)
	i, ok := b.recordAt[string(c.key)]
	if !ok {
		i = uint32(len(b.records))
		k := string(c.key)
		b.recordAt[k] = i
		b.records = append(b.records, recordFacts{key: k, a: vuln.Advisory{
			ID: a.ID, Aliases: a.Aliases, Related: a.Related, Modules: a.Modules, Source: a.Source, CVSS: a.CVSS,
			Published: a.Published, Modified: a.Modified, Withdrawn: a.Withdrawn, URL: a.URL,
		}})
	}
	r.record = i

	c.key = stateKey(c.key[:0], &a)
	if i, ok = b.stateAt[string(c.key)]; !ok {
		i = uint32(len(b.states))
		k := string(c.key)
		b.stateAt[k] = i
		b.states = append(b.states, stateFacts{key: k, a: vuln.Advisory{
			Ranges: a.Ranges, Versions: a.Versions, Severity: a.Severity, Urgency: a.Urgency, NoFix: a.NoFix,
		}})
	}
	r.state = i
	p.rows = append(p.rows, r)
	return nil
}

func checkAdvisory(a *vuln.Advisory) error {
	base, release := splitEcosystem(a.Ecosystem)
	if base == "" || a.Package == "" || a.ID == "" {
		return fmt.Errorf("advisory %q of package %q, ecosystem %q: something has no name", a.ID, a.Package, a.Ecosystem)
	}
	for _, s := range [][]string{{a.ID}, a.Aliases, a.Related} {
		for _, id := range s {
			if len(id) > maxID {
				return fmt.Errorf("advisory %.40q: an identifier of %d bytes", a.ID, len(id))
			}
		}
	}
	for _, s := range append([]string{base, release, a.Package, a.URL, a.Source, a.Urgency, a.NoFix}, a.Modules...) {
		if len(s) > maxString {
			return fmt.Errorf("advisory %s: a value of %d bytes", a.ID, len(s))
		}
	}
	if a.Severity < 0 || a.Severity > finding.Critical {
		return fmt.Errorf("advisory %s: severity %d", a.ID, a.Severity)
	}
	for _, r := range a.Ranges {
		for _, e := range r.Events {
			n := 0
			for _, v := range []string{e.Introduced, e.Fixed, e.LastAffected, e.Limit} {
				if v != "" {
					n++
				}
				if len(v) > maxString {
					return fmt.Errorf("advisory %s: a version of %d bytes", a.ID, len(v))
				}
			}
			if n != 1 {
				return fmt.Errorf("advisory %s: an event with %d versions", a.ID, n)
			}
		}
		if r.Type != "ECOSYSTEM" && r.Type != "SEMVER" {
			return fmt.Errorf("advisory %s: range of type %q", a.ID, r.Type)
		}
	}
	return nil
}

// recordKey spells a record unambiguously; equal keys are equal records.
func recordKey(b []byte, a *vuln.Advisory) []byte {
	b = putString(b, a.ID)
	b = putString(b, a.Source)
	b = putUint(b, days(a.Published))
	b = putUint(b, days(a.Modified))
	if a.Withdrawn {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	b = putString(b, a.URL)
	b = putStrings(b, a.Aliases)
	b = putStrings(b, a.Related)
	b = putStrings(b, a.Modules)
	b = putInt(b, len(a.CVSS))
	for _, v := range a.CVSS {
		b = putString(putString(b, v.Source), v.Vector)
	}
	return b
}

func stateKey(b []byte, a *vuln.Advisory) []byte {
	b = append(b, byte(a.Severity))
	b = putString(putString(b, a.Urgency), a.NoFix)
	b = putInt(b, len(a.Ranges))
	for _, r := range a.Ranges {
		b = putString(b, r.Type)
		b = putInt(b, len(r.Events))
		for _, e := range r.Events {
			kind, v := eventParts(e)
			b = putString(append(b, kind), v)
		}
	}
	return putStrings(b, a.Versions)
}

func putStrings(b []byte, s []string) []byte {
	b = putInt(b, len(s))
	for _, v := range s {
		b = putString(b, v)
	}
	return b
}

// The kinds of a range's events.
const (
	eventIntroduced = iota
	eventFixed
	eventLastAffected
	eventLimit
	eventKinds
)

func eventParts(e vuln.Event) (kind byte, version string) {
	switch {
	case e.Introduced != "":
		return eventIntroduced, e.Introduced
	case e.Fixed != "":
		return eventFixed, e.Fixed
	case e.LastAffected != "":
		return eventLastAffected, e.LastAffected
	}
	return eventLimit, e.Limit
}

func eventOf(kind byte, version string) vuln.Event {
	switch kind {
	case eventIntroduced:
		return vuln.Event{Introduced: version}
	case eventFixed:
		return vuln.Event{Fixed: version}
	case eventLastAffected:
		return vuln.Event{LastAffected: version}
	}
	return vuln.Event{Limit: version}
}

// pool numbers strings by how often they are used, most used first.
type pool struct {
	used map[string]int
	at   map[string]int
	all  []string
}

func newPool() *pool { return &pool{used: map[string]int{}} }

func (p *pool) use(s string) { p.used[s]++ }

// number fixes the numbers; use may not be called after it.
func (p *pool) number() {
	p.all = make([]string, 0, len(p.used))
	for s := range p.used {
		p.all = append(p.all, s)
	}
	slices.SortFunc(p.all, func(a, b string) int {
		return cmp.Or(cmp.Compare(p.used[b], p.used[a]), cmp.Compare(a, b))
	})
	p.at = make(map[string]int, len(p.all))
	for i, s := range p.all {
		p.at[s] = i
	}
}
