package db

import (
	"cmp"
	"io"
	"maps"
	"slices"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// run is facts of one ecosystem in order: its records by identifier, then its packages
// by name. What it hands out is good until the next call; io.EOF follows the last.
type run interface {
	releases() []string
	record() (key string, err error) // as recordKey spells it
	piece(*piece) error
	again() run // the same from its beginning
}

// piece is what a run says of one package.
type piece struct {
	name, shown string
	states      []string // as stateKey spells them
	rows        []row
	text        []byte // that the states are in
}

// row says that a record applies to the package in a release, in some state. All
// are numbers in the run.
type row struct {
	record, state uint32
	release       uint32
}

func (p *piece) reset() {
	*p = piece{states: p.states[:0], rows: p.rows[:0], text: p.text[:0]}
}

// baseFacts are the facts of one ecosystem, all releases, that came in any order.
// Records and states are interned: most advisories of a distribution share theirs
// with others.
type baseFacts struct {
	releases map[string]int
	packages map[string]*packageFacts
	recordAt map[string]uint32
	records  []string // their keys
	stateAt  map[string]uint32
	states   []string
	key      []byte
}

type packageFacts struct {
	shown string // as the ecosystem spells it; the smallest of several spellings
	rows  []row
}

func newBaseFacts() *baseFacts {
	return &baseFacts{
		releases: map[string]int{}, packages: map[string]*packageFacts{}, recordAt: map[string]uint32{}, stateAt: map[string]uint32{},
	}
}

// What a fact costs in memory beside its text, about.
const (
	factCost = 96
	rowCost  = 16
)

// add takes an advisory in and says how much memory that takes.
func (b *baseFacts) add(base, release string, a *vuln.Advisory) (cost int) {
	if _, ok := b.releases[release]; !ok {
		b.releases[release] = len(b.releases)
	}
	name := vuln.NormalName(base, a.Package)
	p := b.packages[name]
	if p == nil {
		p = &packageFacts{shown: a.Package}
		b.packages[name] = p
		cost += len(name) + factCost
	}
	p.shown = min(p.shown, a.Package)
	r := row{release: uint32(b.releases[release])}
	b.key = recordKey(b.key[:0], a)
	r.record = intern(b.recordAt, &b.records, b.key, &cost)
	b.key = stateKey(b.key[:0], a)
	r.state = intern(b.stateAt, &b.states, b.key, &cost)
	p.rows = append(p.rows, r)
	return cost + rowCost
}

func intern(at map[string]uint32, all *[]string, key []byte, cost *int) uint32 {
	if i, ok := at[string(key)]; ok {
		return i
	}
	i, k := uint32(len(*all)), string(key)
	at[k] = i
	*all = append(*all, k)
	*cost += len(k) + factCost
	return i
}

// spillRun writes the facts as a run.
func (b *baseFacts) spillRun(s *spill) (*spilledRun, error) {
	out := &spilledRun{names: make([]string, len(b.releases))}
	for name, i := range b.releases {
		out.names[i] = name
	}
	type keyed struct {
		sort, key string
		was       int
	}
	order := make([]keyed, len(b.records))
	for i, k := range b.records {
		order[i] = keyed{sortKey(keyID(k)), k, i}
	}
	slices.SortFunc(order, func(x, y keyed) int {
		return cmp.Or(cmp.Compare(x.sort, y.sort), cmp.Compare(keyID(x.key), keyID(y.key)), cmp.Compare(x.key, y.key))
	})
	start := s.size()
	to := make([]uint32, len(order))
	for i, k := range order {
		to[k.was] = uint32(i)
		if err := s.entry([]byte(k.key)); err != nil {
			return nil, err
		}
	}
	recs := s.since(start)
	start = s.size()
	at := map[uint32]int{}
	for _, name := range slices.Sorted(maps.Keys(b.packages)) {
		p := b.packages[name]
		clear(at)
		var states, rows []byte
		for _, r := range p.rows {
			i, ok := at[r.state]
			if !ok {
				i = len(at)
				at[r.state] = i
				states = putString(states, b.states[r.state])
			}
			rows = putInt(putInt(putInt(rows, int(to[r.record])), i), int(r.release))
		}
		e := putString(putString(nil, name), p.shown)
		e = append(putInt(e, len(at)), states...)
		if err := s.entry(append(putInt(e, len(p.rows)), rows...)); err != nil {
			return nil, err
		}
	}
	out.from, out.recsAt, out.piecesAt = s, recs, s.since(start)
	return out, nil
}

func (r *reader) text() string { return r.take(r.count(len(r.s))) }

// keyID is the identifier in a record's key.
func keyID(key string) string { return (&reader{s: key}).str() }

// spilledRun is a run that was set aside.
type spilledRun struct {
	names            []string // of the releases
	from             *spill
	recsAt, piecesAt section
	recs, pieces     *entries
}

func (r *spilledRun) again() run {
	return &spilledRun{names: r.names, from: r.from, recsAt: r.recsAt, piecesAt: r.piecesAt}
}

func (r *spilledRun) releases() []string { return r.names }

func (r *spilledRun) record() (string, error) {
	if r.recs == nil {
		r.recs = r.from.entries(r.recsAt)
	}
	e, err := r.recs.next()
	if err != nil {
		return "", err
	}
	return e.s, nil
}

func (r *spilledRun) piece(p *piece) error {
	p.reset()
	if r.pieces == nil {
		r.pieces = r.from.entries(r.piecesAt)
	}
	e, err := r.pieces.next()
	if err != nil {
		return err
	}
	p.name, p.shown = e.text(), e.text()
	for range e.count(len(e.s)) {
		p.states = append(p.states, e.text())
	}
	for range e.count(len(e.s)) {
		p.rows = append(p.rows, row{uint32(e.uvarint()), uint32(e.uvarint()), uint32(e.uvarint())})
	}
	if e.bad {
		return io.ErrUnexpectedEOF
	}
	return nil
}
