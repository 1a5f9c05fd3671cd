package db

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Compile writes a database. The same facts give the same bytes, in whatever
// order they come; what several sources say in the same words is kept once.
// Times of advisories are kept by the day, EPSS to five decimals.
func Compile(w io.Writer, in Input) (err error) {
	c := &compiler{
		bases: map[string]*baseFacts{}, metas: map[string]*vuln.Meta{}, runs: map[string][]run{},
		covers: map[string]vuln.Coverage{}, packaged: in.Packaged, words: newPool(), vectors: newPool(),
		encoder: cmp.Or(in.Encoder, &Encoder{}), quick: in.Quick,
		aside: &spill{dir: in.Aside}, blocks: &spill{dir: in.Aside},
	}
	defer func() {
		if err = errors.Join(err, c.aside.close(), c.blocks.close()); err != nil {
			err = fmt.Errorf("compile advisory database: %w", err)
		}
	}()
	sources := slices.Clone(in.Sources)
	slices.SortFunc(sources, func(a, b SourceInput) int { return cmp.Compare(a.Name, b.Name) })
	for i := range sources {
		s := &sources[i]
		if i > 0 && sources[i-1].Name == s.Name {
			return fmt.Errorf("two sources named %q", s.Name)
		}
		if err := c.source(s); err != nil {
			return fmt.Errorf("source %s: %w", s.Name, err)
		}
	}
	if in.Names != nil {
		if err := c.link(in.Names); err != nil {
			return err
		}
	}
	return c.write(w, sources)
}

// compiler gathers facts in memory, a few megabytes at a time; sorts those and sets
// them aside as runs; merges the runs of each ecosystem, which counts words and
// vectors; and then writes, as their numbers are known. Of what is compiled already
// the parts are runs as they lie.
type compiler struct {
	bases    map[string]*baseFacts // facts that are not sorted yet
	metas    map[string]*vuln.Meta
	held     int // bytes of both, about
	runs     map[string][]run
	metaRuns []metaRun
	names    map[string][]string // other names of records that state none
	covers   map[string]vuln.Coverage
	packaged []Packaged
	words    *pool // sources, urgencies, reasons
	vectors  *pool // CVSS vectors
	encoder  *Encoder
	quick    bool
	aside    *spill // runs, and what was merged
	blocks   *spill // of the file
	scratch  keyReader
}

func (c *compiler) source(s *SourceInput) error {
	for _, d := range s.Parts {
		c.part(d)
	}
	if s.Facts != nil {
		if err := s.Facts(c.advisory, c.meta); err != nil {
			return err
		}
	}
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

// part takes the facts of a compiled database in as they lie.
func (c *compiler) part(d *DB) {
	for name, b := range d.bases {
		c.runs[name] = append(c.runs[name], &partRun{d: d, b: b})
	}
	c.metaRuns = append(c.metaRuns, &partMetas{d: d, t: &d.metas}, &partMetas{d: d, t: &d.titles, titles: true})
}

func (c *compiler) advisory(a vuln.Advisory) error {
	if err := checkAdvisory(&a); err != nil {
		return err
	}
	base, release := splitEcosystem(a.Ecosystem)
	b := c.bases[base]
	if b == nil {
		b = newBaseFacts()
		c.bases[base] = b
	}
	c.held += b.add(base, release, &a)
	return c.relieve()
}

// relieve sets facts aside when there are many.
func (c *compiler) relieve() error {
	if c.held < heldFacts {
		return nil
	}
	return c.setAside()
}

func (c *compiler) setAside() error {
	for _, name := range slices.Sorted(maps.Keys(c.bases)) {
		r, err := c.bases[name].spillRun(c.aside)
		if err != nil {
			return err
		}
		c.runs[name] = append(c.runs[name], r)
	}
	if len(c.metas) > 0 {
		r, err := c.spillMetas()
		if err != nil {
			return err
		}
		c.metaRuns = append(c.metaRuns, r)
	}
	clear(c.bases)
	clear(c.metas)
	c.held = 0
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
	used map[string]*int
	at   map[string]int
	all  []string
}

func newPool() *pool { return &pool{used: map[string]*int{}} }

// use counts a string, which may be in memory that is used again.
func (p *pool) use(s string) {
	if n := p.used[s]; n != nil {
		*n++
		return
	}
	p.used[strings.Clone(s)] = new(1)
}

// number fixes the numbers; use may not be called after it.
func (p *pool) number() {
	p.all = make([]string, 0, len(p.used))
	for s := range p.used {
		p.all = append(p.all, s)
	}
	slices.SortFunc(p.all, func(a, b string) int {
		return cmp.Or(cmp.Compare(*p.used[b], *p.used[a]), cmp.Compare(a, b))
	})
	p.at = make(map[string]int, len(p.all))
	for i, s := range p.all {
		p.at[s] = i
	}
	p.used = nil
}
