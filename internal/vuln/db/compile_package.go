package db

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// packages writes the blocks of packages, sorted by name. A block is the names,
// the lengths and the packages themselves; the index has the block's first name
// and two bytes of each name's hash, sorted, so that a package without
// advisories costs no block.
func (c *compiler) packages(index []byte, out *blockWriter, m *merged) ([]byte, error) {
	var blocks []byte
	count := 0
	var keys, lengths, bodies, body []byte
	var hashes []uint16
	var first string
	n := 0
	flush := func() error {
		if n == 0 {
			return nil
		}
		plain := putInt(nil, n)
		plain = append(append(append(plain, keys...), lengths...), bodies...)
		blocks = putInt(putString(blocks, first), n)
		slices.Sort(hashes)
		for _, h := range hashes {
			blocks = binary.LittleEndian.AppendUint16(blocks, h)
		}
		var err error
		if blocks, err = out.block(blocks, plain); err != nil {
			return err
		}
		count++
		keys, lengths, bodies, hashes, n = keys[:0], lengths[:0], bodies[:0], hashes[:0], 0
		return nil
	}
	err := c.each(m.packages, func(r *reader) error {
		name := r.str()
		if body = c.putPackage(body[:0], r); r.bad {
			return fmt.Errorf("package %s: what was set aside does not read", name)
		}
		if n > 0 && (len(bodies)+len(body) > packageTarget || n == maxPackages) {
			if err := flush(); err != nil {
				return err
			}
		}
		if n == 0 {
			first = string([]byte(name))
		}
		keys = putString(keys, name)
		lengths = putInt(lengths, len(body))
		bodies = append(bodies, body...)
		hashes = append(hashes, fingerprint(name))
		n++
		return nil
	})
	if err == nil {
		err = flush()
	}
	return append(putInt(index, count), blocks...), err
}

func fingerprint(name string) uint16 { return uint16(xxhash.Sum64String(name)) }

// putPackage writes a package that [wholePackage.put] set aside, with the numbers of
// its words in their places.
func (c *compiler) putPackage(b []byte, r *reader) []byte {
	b = append(b, r.text()...)
	n := r.count(len(r.s))
	b = putInt(b, n)
	for range n {
		b = append(b, r.byte())
		b = putInt(putInt(b, c.words.at[r.str()]), c.words.at[r.str()])
		b = append(b, r.text()...)
	}
	return append(b, r.s...)
}

// wholePackage is a package put together of what each run says of it: its versions,
// its states, and a column of records with, for each release, a column of states.
// Column after column, not row by row: neighbours in a column resemble each other.
type wholePackage struct {
	name, shown string
	states      []string
	rows        []row // of the whole, but for the states, which are the package's
	counts      []int // of each release

	at    map[string]uint32 // a state's number, where there are several runs
	first bool
	out   []byte
}

func (p *wholePackage) begin(name string) {
	*p = wholePackage{
		name: name, first: true, states: p.states[:0], rows: p.rows[:0],
		counts: p.counts, out: p.out[:0],
	}
}

// add takes in what a run says.
func (p *wholePackage) add(m *merging) {
	if p.first || m.piece.shown < p.shown {
		p.shown = string([]byte(m.piece.shown))
	}
	var to []uint32
	for _, s := range m.piece.states {
		to = append(to, p.state(s))
	}
	p.first = false
	for _, r := range m.piece.rows {
		p.rows = append(p.rows, row{m.number[r.record], to[r.state], m.column[r.release]})
	}
}

// state is the number of a state, whose memory is used again.
func (p *wholePackage) state(s string) uint32 {
	if p.at == nil {
		p.at = map[string]uint32{}
	}
	if i, ok := p.at[s]; ok {
		return i
	}
	i := uint32(len(p.states))
	s = string([]byte(s))
	p.states = append(p.states, s)
	p.at[s] = i
	return i
}

// put spells the package out, but for the numbers of words.
func (p *wholePackage) put() ([]byte, error) {
	slices.SortFunc(p.rows, func(x, y row) int {
		if x.record != y.record {
			return cmp.Compare(x.record, y.record)
		}
		if x.release != y.release {
			return cmp.Compare(x.release, y.release)
		}
		return cmp.Compare(p.states[x.state], p.states[y.state])
	})
	rows := slices.Compact(p.rows)
	texts := &order{}
	number := make([]int, len(p.states)) // in the order of their first use, from 1
	used := make([]int, len(p.counts))   // of each release, whether it has the package
	var states []byte
	n := 0
	for _, r := range rows {
		p.counts[r.release]++
		used[r.release] = 1
		if number[r.state] == 0 {
			n++
			number[r.state] = n
			states = putState(states, p.states[r.state], texts)
		}
	}
	// Of the releases, those that have the package, in the order of their columns.
	columns := 0
	for i := range used {
		if used[i] != 0 {
			used[i] = columns
			columns++
		} else {
			used[i] = -1
		}
	}

	// A line has one record and at most one state a release; a record with two
	// states in one release takes two lines.
	var records []uint32
	var lines []int // of each line, by used release: the state
	depth := make([]int, columns)
	for i := 0; i < len(rows); {
		r := rows[i].record
		start := len(records)
		clear(depth)
		for ; i < len(rows) && rows[i].record == r; i++ {
			col := used[rows[i].release]
			at := start + depth[col]
			depth[col]++
			for len(records) <= at {
				records = append(records, r)
				lines = append(lines, make([]int, columns)...)
			}
			lines[at*columns+col] = number[rows[i].state]
		}
	}
	if len(records) > maxRows {
		return nil, fmt.Errorf("%d advisories", len(records))
	}

	shown := p.shown
	if shown == p.name {
		shown = ""
	}
	head := putStrings(putString(nil, shown), texts.all)
	b := putString(putString(p.out[:0], p.name), text(head))
	b = append(putInt(b, n), states...)
	b = putInt(b, len(records))
	last := uint32(0)
	for _, r := range records {
		b = putUint(b, uint64(r-last))
		last = r
	}
	b = putInt(b, columns)
	var cells []byte
	for release, col := range used {
		if col < 0 {
			continue
		}
		cells = cells[:0]
		for at := col; at < len(lines); at += columns {
			cells = putInt(cells, lines[at])
		}
		b = append(putInt(putInt(b, release), len(cells)), cells...)
	}
	p.out = b
	return b, nil
}

// putState spells a state of a key with the numbers of its texts: its severity, its
// words, and the rest as one.
func putState(b []byte, key string, texts *order) []byte {
	r := &reader{s: key}
	b = append(b, r.byte())
	b = putString(putString(b, r.str()), r.str())
	n := r.count(len(r.s))
	rest := putInt(nil, n)
	for range n {
		semver := 0
		if r.str() == rangeTypes()[1] {
			semver = 1
		}
		events := r.count(len(r.s))
		rest = putInt(rest, events<<1|semver)
		for range events {
			event := int(r.byte())
			rest = putInt(rest, texts.number(r.str())*eventKinds+event)
		}
	}
	n = r.count(len(r.s))
	rest = putInt(rest, n)
	for range n {
		rest = putInt(rest, texts.number(r.str()))
	}
	return putString(b, text(rest))
}

// order numbers strings in the order of their first use.
type order struct {
	at  map[string]int
	all []string
}

func (o *order) number(s string) int {
	if i, ok := o.at[s]; ok {
		return i
	}
	if o.at == nil {
		o.at = map[string]int{}
	}
	i := len(o.all)
	o.at[s] = i
	o.all = append(o.all, s)
	return i
}
