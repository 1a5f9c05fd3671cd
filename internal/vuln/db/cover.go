package db

import (
	"context"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// Coverage implements [vuln.Coverer]. Of an ecosystem whose sources said nothing
// of what they cover, nothing is known.
func (d *DB) Coverage(ctx context.Context, ecosystem string) (vuln.Coverage, bool, error) {
	if err := ctx.Err(); err != nil {
		return vuln.Coverage{}, false, err
	}
	name, release := splitEcosystem(ecosystem)
	b := d.bases[name]
	if b == nil {
		return vuln.Coverage{}, false, nil
	}
	i := b.release(release)
	if i < 0 {
		return vuln.Coverage{}, false, nil
	}
	all, err := d.coverages()
	if err != nil {
		return vuln.Coverage{}, false, err
	}
	c := all[b.full[i]]
	return c, !c.To.IsZero(), nil
}

// Coverages lists what the facts of every ecosystem cover, sorted.
func (d *DB) Coverages() ([]vuln.Coverage, error) {
	all, err := d.coverages()
	if err != nil {
		return nil, err
	}
	var out []vuln.Coverage
	for _, eco := range d.Ecosystems() {
		out = append(out, all[eco])
	}
	return out, nil
}

func (d *DB) coverages() (map[string]vuln.Coverage, error) {
	return d.covers.get(d, func(r *reader) map[string]vuln.Coverage {
		all := map[string]vuln.Coverage{}
		for range r.count(maxWords) {
			c := vuln.Coverage{Ecosystem: r.str(), Advisories: r.number(1 << 40)}
			c.From, c.To, c.Unfixed = fromDays(r.uvarint()), fromDays(r.uvarint()), fromDays(r.uvarint())
			for range r.count(maxWords) {
				c.Lagging = append(c.Lagging, r.str())
			}
			if !slices.IsSorted(c.Lagging) {
				r.fail()
			}
			for range r.count(maxWords) {
				s := vuln.Support{Package: r.str(), Level: levels()[r.number(len(levels())-1)]}
				s.Since = fromDays(r.uvarint())
				c.Support = append(c.Support, s)
			}
			all[c.Ecosystem] = c
		}
		return all
	})
}

// Coverage implements [vuln.Coverer]: the word of the database that answers for
// the ecosystem, and on support that of the first which has any.
func (s *Stack) Coverage(ctx context.Context, ecosystem string) (vuln.Coverage, bool, error) {
	d := s.answers(ctx, ecosystem)
	if d == nil {
		return vuln.Coverage{}, false, ctx.Err()
	}
	c, ok, err := d.Coverage(ctx, ecosystem)
	name, _ := splitEcosystem(ecosystem)
	for _, o := range s.byEco[name] {
		if err != nil || len(c.Support) > 0 {
			break
		}
		var other vuln.Coverage
		other, _, err = o.Coverage(ctx, ecosystem)
		c.Support = other.Support
	}
	return c, ok, err
}

// coverages lists what is covered of every ecosystem by the database that
// answers for it.
func (s *Stack) coverages(ctx context.Context) ([]vuln.Coverage, error) {
	var out []vuln.Coverage
	for _, eco := range s.Ecosystems() {
		c, ok, err := s.Coverage(ctx, eco)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, c)
		}
	}
	return out, nil
}

// epssDay is what the scores of one day share: see epssTable.
type epssDay struct {
	date                string
	scores, percentiles []uint32 // sorted by score
}

func (d *DB) epssDay() (epssDay, error) {
	return d.epss.get(d, func(r *reader) epssDay {
		t := epssDay{date: dateString(r.uvarint())}
		score, at := 0, int64(0)
		n := r.count(epssUnit + 1)
		t.scores, t.percentiles = make([]uint32, 0, n), make([]uint32, 0, n)
		for range n {
			score += r.number(epssUnit)
			at += r.varint()
			if score > epssUnit || at < 0 || at > epssUnit {
				r.fail()
				break
			}
			t.scores, t.percentiles = append(t.scores, uint32(score)), append(t.percentiles, uint32(at))
		}
		return t
	})
}

// score reads an EPSS score: what the day tells of it, or all of it.
func (d *DB) score(r *reader) (finding.EPSS, error) {
	if n := r.number(epssUnit + 1); n > 0 {
		day, err := d.epssDay()
		if err != nil {
			return finding.EPSS{}, err
		}
		i, ok := slices.BinarySearch(day.scores, uint32(n-1))
		if !ok {
			r.fail()
			return finding.EPSS{}, nil
		}
		p := int(day.percentiles[i]) + r.number(epssUnit)
		if p > epssUnit {
			r.fail()
		}
		return finding.EPSS{Score: float64(n-1) / epssUnit, Percentile: float64(p) / epssUnit, Date: day.date}, nil
	}
	return finding.EPSS{
		Score: float64(r.number(epssUnit)) / epssUnit, Percentile: float64(r.number(epssUnit)) / epssUnit,
		Date: dateString(r.uvarint()),
	}, nil
}
