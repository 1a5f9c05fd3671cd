package db

import (
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// merged are the facts of one ecosystem, all runs of it, as they will be written but
// for the numbers of words and vectors: those are known when all ecosystems are.
type merged struct {
	name     string
	releases []string
	counts   []int // of each release: its advisories
	total    int   // records
	records  section
	packages section
}

// merge reads the runs of an ecosystem once, side by side.
func (c *compiler) merge(name string, runs []run) (*merged, error) {
	m := &merged{name: name}
	for _, r := range runs {
		m.releases = append(m.releases, r.releases()...)
	}
	slices.Sort(m.releases)
	m.releases = slices.Compact(m.releases)
	m.counts = make([]int, len(m.releases))
	if len(m.releases) > maxReleases {
		return nil, fmt.Errorf("%d releases", len(m.releases))
	}
	in := make([]*merging, len(runs))
	for i, r := range runs {
		in[i] = &merging{run: r, column: make([]uint32, len(r.releases()))}
		for j, release := range r.releases() {
			at, _ := slices.BinarySearch(m.releases, release)
			in[i].column[j] = uint32(at)
		}
	}
	if err := c.mergeRecords(m, in); err != nil {
		return nil, err
	}
	return m, c.mergePackages(m, in)
}

// merging is a run and its numbers in the whole.
type merging struct {
	run
	number []uint32 // of each record
	column []uint32 // of each release
	id     string   // of the record that is next
	key    string
	piece  piece // that is next
}

// heads are the runs that have something left, the one that is next first.
type heads[T any] struct {
	all  []T
	less func(a, b T) bool
}

func (h *heads[T]) Len() int           { return len(h.all) }
func (h *heads[T]) Less(i, j int) bool { return h.less(h.all[i], h.all[j]) }
func (h *heads[T]) Swap(i, j int)      { h.all[i], h.all[j] = h.all[j], h.all[i] }
func (h *heads[T]) Push(v any)         { h.all = append(h.all, v.(T)) }
func (h *heads[T]) Pop() any {
	last := h.all[len(h.all)-1]
	h.all = h.all[:len(h.all)-1]
	return last
}

// open fills the heads; next says what the run has next.
func (h *heads[T]) open(all []T, next func(T) error) error {
	for _, v := range all {
		switch err := next(v); {
		case errors.Is(err, io.EOF):
		case err != nil:
			return err
		default:
			h.all = append(h.all, v)
		}
	}
	heap.Init(h)
	return nil
}

// advance takes what the first run has next.
func (h *heads[T]) advance(next func(T) error) error {
	err := next(h.all[0])
	if errors.Is(err, io.EOF) {
		heap.Pop(h)
		return nil
	}
	if err == nil && len(h.all) > 1 {
		heap.Fix(h, 0)
	}
	return err
}

func (m *merging) nextRecord() (err error) {
	if m.key, err = m.record(); err != nil {
		return err
	}
	if id := keyID(m.key); id != m.id {
		m.id = string([]byte(id)) // the key's memory is used again
	}
	return nil
}

// mergeRecords numbers the records of all runs, in the order of their identifiers.
func (c *compiler) mergeRecords(m *merged, in []*merging) error {
	type found struct {
		key  string
		from *merging
		at   int
	}
	h := &heads[*merging]{less: func(a, b *merging) bool { return compareIDs(a.id, b.id) < 0 }}
	if err := h.open(in, (*merging).nextRecord); err != nil {
		return err
	}
	start := c.aside.size()
	var same []found // records of one identifier
	for len(h.all) > 0 {
		same = same[:0]
		for id := h.all[0].id; len(h.all) > 0 && h.all[0].id == id; {
			from := h.all[0]
			same = append(same, found{c.linked(from.id, from.key), from, len(from.number)})
			from.number = append(from.number, 0)
			if err := h.advance((*merging).nextRecord); err != nil {
				return err
			}
		}
		if len(same) > 1 {
			slices.SortStableFunc(same, func(a, b found) int { return cmp.Compare(a.key, b.key) })
		}
		for i, f := range same {
			// Two may have become one by the names that link gave them.
			if i == 0 || same[i-1].key != f.key {
				m.total++
				c.countRecord(f.key)
				if err := c.aside.entry([]byte(f.key)); err != nil {
					return err
				}
			}
			f.from.number[f.at] = uint32(m.total - 1)
		}
	}
	m.records = c.aside.since(start)
	return nil
}

// countRecord counts the words and vectors of a record.
func (c *compiler) countRecord(key string) {
	a := c.scratch.record(key)
	c.words.use(a.Source)
	for _, m := range a.Modules {
		c.words.use(m)
	}
	for _, v := range a.CVSS {
		c.words.use(v.Source)
		c.vectors.use(v.Vector)
	}
}

func (m *merging) nextPiece() error { return m.run.piece(&m.piece) }

// mergePackages writes the packages of all runs, sorted by name.
func (c *compiler) mergePackages(m *merged, in []*merging) error {
	h := &heads[*merging]{less: func(a, b *merging) bool { return a.piece.name < b.piece.name }}
	if err := h.open(in, (*merging).nextPiece); err != nil {
		return err
	}
	start := c.aside.size()
	seen := map[uint64]struct{}{} // states whose words are counted
	p := &wholePackage{counts: m.counts}
	for len(h.all) > 0 {
		p.begin(string([]byte(h.all[0].piece.name)))
		for len(h.all) > 0 && h.all[0].piece.name == p.name {
			p.add(h.all[0])
			if err := h.advance((*merging).nextPiece); err != nil {
				return err
			}
		}
		entry, err := p.put()
		if err != nil {
			return fmt.Errorf("package %s: %w", p.name, err)
		}
		for _, s := range p.states {
			sum := xxhash.Sum64String(s)
			if _, ok := seen[sum]; !ok {
				seen[sum] = struct{}{}
				r := &reader{s: s[1:]}
				c.words.use(r.str())
				c.words.use(r.str())
			}
		}
		if err := c.aside.entry(entry); err != nil {
			return err
		}
	}
	m.packages = c.aside.since(start)
	return nil
}

// linked is a record's key with the names that others know of its identifier. The
// key that comes may be in memory that is used again; the one that goes is not.
func (c *compiler) linked(id, key string) string {
	names := c.names[id]
	if len(names) > 0 {
		if a := c.scratch.record(key); nameless(a) {
			named := *a
			named.Aliases = names
			return string(recordKey(nil, &named))
		}
	}
	return string([]byte(key))
}

// keyReader reads records' keys, one at a time.
type keyReader struct {
	a vuln.Advisory
}

// record is the record of a key; it is good until the next.
func (k *keyReader) record(key string) *vuln.Advisory {
	r := &reader{s: key}
	a := &k.a
	a.ID, a.Source = r.str(), r.str()
	a.Published, a.Modified = fromDays(r.uvarint()), fromDays(r.uvarint())
	a.Withdrawn = r.byte() != 0
	a.URL = r.str()
	for _, to := range []*[]string{&a.Aliases, &a.Related, &a.Modules} {
		*to = (*to)[:0]
		for range r.count(len(r.s)) {
			*to = append(*to, r.str())
		}
	}
	a.CVSS = a.CVSS[:0]
	for range r.count(len(r.s)) {
		a.CVSS = append(a.CVSS, cvss(r.str(), r.str()))
	}
	return a
}
