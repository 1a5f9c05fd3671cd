package db

import (
	"cmp"
	"context"
	"errors"
	"io"
	"iter"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Stack is several databases seen as one. For each ecosystem, release included,
// the database with the newest data of it answers, alone: first by the day to
// which it knows what has no fix, then by its newest record; of two with equally
// new data, the one given first. It implements [vuln.Coverer].
type Stack struct {
	dbs   []*DB
	byEco map[string][]*DB // by ecosystem without release: those that have it, newest first
	byFed map[string][]*DB // by source of facts about vulnerabilities
	all   []*DB            // by the age of their CVSS vectors, newest first
}

// NewStack stacks databases, the preferred one first; nil ones are left out.
func NewStack(dbs ...*DB) *Stack {
	s := &Stack{byEco: map[string][]*DB{}, byFed: map[string][]*DB{}}
	for _, d := range dbs {
		if d != nil {
			s.dbs = append(s.dbs, d)
		}
	}
	for _, d := range s.dbs {
		for name := range d.bases {
			s.byEco[name] = append(s.byEco[name], d)
		}
		for _, src := range d.sources {
			if len(src.Ecosystems) == 0 {
				s.byFed[src.Name] = append(s.byFed[src.Name], d)
			}
		}
	}
	for name, list := range s.byEco {
		if len(list) > 1 {
			slices.SortStableFunc(list, func(a, b *DB) int {
				return cmp.Or(b.whole(name).Compare(a.whole(name)), b.newest(name).Compare(a.newest(name)))
			})
		}
	}
	for name, list := range s.byFed {
		slices.SortStableFunc(list, func(a, b *DB) int { return b.dateOf(name).Compare(a.dateOf(name)) })
	}
	s.all = slices.Clone(s.dbs)
	slices.SortStableFunc(s.all, func(a, b *DB) int { return b.dateOf("nvd").Compare(a.dateOf("nvd")) })
	return s
}

// whole is the day to which a database knows also what has no fix, where its
// sources say that; else the date of the newest record. A snapshot that ends
// later but has fixes only does not answer in place of a whole one.
func (d *DB) whole(ecosystem string) time.Time {
	all, err := d.coverages()
	if err != nil {
		return time.Time{} // whoever looks something up meets the damage
	}
	var to, unfixed time.Time
	for _, eco := range d.bases[ecosystem].full {
		c := all[eco]
		if c.To.After(to) {
			to = c.To
		}
		if c.Unfixed.After(unfixed) {
			unfixed = c.Unfixed
		}
	}
	if to.IsZero() {
		return d.newest(ecosystem).Truncate(day)
	}
	return unfixed
}

// newest is the date of the newest record of an ecosystem.
func (d *DB) newest(ecosystem string) time.Time {
	var t time.Time
	for _, s := range d.sources {
		if slices.Contains(s.Ecosystems, ecosystem) && s.Newest.After(t) {
			t = s.Newest
		}
	}
	return t
}

func (d *DB) dateOf(source string) time.Time {
	for _, s := range d.sources {
		if s.Name == source {
			return s.Newest
		}
	}
	return time.Time{}
}

// answers is the database that speaks for an ecosystem; nil: none knows it.
func (s *Stack) answers(ctx context.Context, ecosystem string) *DB {
	name, _ := splitEcosystem(ecosystem)
	for _, d := range s.byEco[name] {
		if d.Knows(ctx, ecosystem) {
			return d
		}
	}
	return nil
}

// Advisories implements [vuln.Lookup].
func (s *Stack) Advisories(ctx context.Context, ecosystem, name string) ([]vuln.Advisory, error) {
	return s.Sift(ctx, ecosystem, name, nil)
}

// Sift implements [vuln.Sifter].
func (s *Stack) Sift(ctx context.Context, ecosystem, name string, keep func(*vuln.Advisory) bool) ([]vuln.Advisory, error) {
	d := s.answers(ctx, ecosystem)
	if d == nil {
		return nil, ctx.Err()
	}
	return d.Sift(ctx, ecosystem, name, keep)
}

// Knows implements [vuln.Lookup].
func (s *Stack) Knows(ctx context.Context, ecosystem string) bool {
	return s.answers(ctx, ecosystem) != nil
}

// Meta implements [vuln.Lookup]. Known exploitation and EPSS are the word of the
// newest database that has that source; CVSS vectors are the newest database's,
// and those of sources that it does not have.
func (s *Stack) Meta(ctx context.Context, id string) (vuln.Meta, error) {
	var out vuln.Meta
	for _, d := range s.all {
		m, err := d.Meta(ctx, id)
		if err != nil {
			return vuln.Meta{}, err
		}
		if m.ID == "" {
			continue
		}
		out.ID = m.ID
		out.CVSS = addSources(out.CVSS, m.CVSS)
		if s.first("kev") == d {
			out.KEV, out.KEVAdded = m.KEV, m.KEVAdded
		}
		if out.Word == finding.Unspecified {
			out.Word, out.WordBy = m.Word, m.WordBy
		}
		out.Pending = cmp.Or(out.Pending, m.Pending)
		out.Rejected = cmp.Or(out.Rejected, m.Rejected)
		if out.Title == "" {
			out.Title, out.TitleBy = m.Title, m.TitleBy
		}
		if s.first("epss") == d || out.EPSS == (finding.EPSS{}) && m.EPSS.Date != "" {
			out.EPSS = m.EPSS
		}
	}
	return out, nil
}

// addSources adds the vectors of sources that have none yet.
func addSources(have, more []finding.CVSS) []finding.CVSS {
	if have == nil {
		return more
	}
	n := len(have)
	for _, v := range more {
		if !slices.ContainsFunc(have[:n], func(h finding.CVSS) bool { return h.Source == v.Source }) {
			have = append(have[:len(have):len(have)], v)
		}
	}
	return have
}

func (s *Stack) first(source string) *DB {
	if list := s.byFed[source]; len(list) > 0 {
		return list[0]
	}
	return nil
}

// Find returns every advisory that is or names a vulnerability, from the
// databases that answer for its ecosystem: see [DB.Find].
func (s *Stack) Find(ctx context.Context, id string) ([]vuln.Advisory, error) {
	return s.answered(ctx, func(d *DB) ([]vuln.Advisory, error) { return d.Find(ctx, id) })
}

// Own returns every advisory whose own id is one of these, from the databases that
// answer for its ecosystem: see [DB.Own].
func (s *Stack) Own(ctx context.Context, ids map[string]bool) ([]vuln.Advisory, error) {
	return s.answered(ctx, func(d *DB) ([]vuln.Advisory, error) { return d.Own(ctx, ids) })
}

// answered is what databases say of the ecosystems for which they answer.
func (s *Stack) answered(ctx context.Context, ask func(*DB) ([]vuln.Advisory, error)) ([]vuln.Advisory, error) {
	var out []vuln.Advisory
	for _, d := range s.dbs {
		list, err := ask(d)
		if err != nil {
			return nil, err
		}
		for _, a := range list {
			if s.answers(ctx, a.Ecosystem) == d {
				out = append(out, a)
			}
		}
	}
	return out, nil
}

// Ecosystems lists what Knows is true of, sorted.
func (s *Stack) Ecosystems() []string {
	var out []string
	for _, d := range s.dbs {
		out = append(out, d.Ecosystems()...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Sources lists the sources that answer, by name: of several databases' sources
// of one name, that of the database which answers for its ecosystem, else the
// newest.
func (s *Stack) Sources() []Source {
	var out []Source
	for _, d := range s.dbs {
		for _, src := range d.sources {
			i := slices.IndexFunc(out, func(o Source) bool { return o.Name == src.Name })
			switch {
			case i < 0:
				out = append(out, src)
			case s.before(d, src, out[i]):
				out[i] = src
			}
		}
	}
	slices.SortFunc(out, func(a, b Source) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// before reports whether a source of d stands for its name, and not the one of
// the same name that was met in a database before.
func (s *Stack) before(d *DB, src, met Source) bool {
	for _, eco := range src.Ecosystems {
		if list := s.byEco[eco]; len(list) > 1 && slices.Contains(met.Ecosystems, eco) {
			return list[0] == d
		}
	}
	return src.Newest.After(met.Newest)
}

// Date is when the newest fact of any source is from.
func (s *Stack) Date() time.Time {
	var t time.Time
	for _, src := range s.Sources() {
		if src.Newest.After(t) {
			t = src.Newest
		}
	}
	return t
}

// Compile writes what the stack answers as one database.
func (s *Stack) Compile(ctx context.Context, w io.Writer) error { return s.CompileWith(ctx, w, nil) }

// CompileWith is Compile with an encoder that others share; nil: one of its own.
func (s *Stack) CompileWith(ctx context.Context, w io.Writer, enc *Encoder) error {
	in := Input{Encoder: enc}
	for _, src := range s.Sources() {
		in.Sources = append(in.Sources, SourceInput{Source: src})
	}
	if len(in.Sources) > 0 {
		var err error
		if in.Packaged, err = s.packaged(); err != nil {
			return err
		}
		in.Sources[0].Advisories = s.advisories(ctx)
		in.Sources[0].Metas = s.metas(ctx)
		in.Sources[0].Covers = func(Source) ([]vuln.Coverage, error) { return s.coverages(ctx) }
	}
	return Compile(w, in)
}

func (s *Stack) advisories(ctx context.Context) iter.Seq2[vuln.Advisory, error] {
	return func(yield func(vuln.Advisory, error) bool) {
		for _, d := range s.dbs {
			for a, err := range d.All(ctx) {
				if err == nil && s.answers(ctx, a.Ecosystem) != d {
					continue
				}
				if !yield(a, err) || err != nil {
					return
				}
			}
		}
	}
}

func (s *Stack) metas(ctx context.Context) iter.Seq2[vuln.Meta, error] {
	return func(yield func(vuln.Meta, error) bool) {
		for _, d := range s.dbs {
			for m, err := range d.Metas(ctx) {
				if err == nil {
					m, err = s.Meta(ctx, m.ID)
				}
				if !yield(m, err) || err != nil {
					return
				}
			}
		}
	}
}

// Verify verifies every database.
func (s *Stack) Verify(ctx context.Context) error {
	for _, d := range s.dbs {
		if err := d.Verify(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Close closes every database.
func (s *Stack) Close() error {
	var errs []error
	for _, d := range s.dbs {
		errs = append(errs, d.Close())
	}
	return errors.Join(errs...)
}

// Rangeless is [DB.Rangeless] of the databases that answer.
func (s *Stack) Rangeless(ctx context.Context) ([]vuln.Advisory, error) {
	var out []vuln.Advisory
	for _, d := range s.dbs {
		all, err := d.Rangeless(ctx)
		if err != nil {
			return nil, err
		}
		for _, a := range all {
			if s.answers(ctx, a.Ecosystem) == d {
				out = append(out, a)
			}
		}
	}
	return out, nil
}
