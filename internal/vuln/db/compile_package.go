package db

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// packages writes the blocks of packages, sorted by name. A block is the names,
// the lengths and the packages themselves; the index has the block's first name
// and two bytes of each name's hash, sorted, so that a package without
// advisories costs no block.
func (c *compiler) packages(index []byte, out *blockWriter, b *baseFacts, column []int) ([]byte, error) {
	names := slices.Sorted(maps.Keys(b.packages))
	var blocks []byte
	count := 0
	var keys, lengths, bodies []byte
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
	for _, name := range names {
		body, err := c.putPackage(nil, name, b, b.packages[name], column)
		if err != nil {
			return nil, fmt.Errorf("package %s: %w", name, err)
		}
		if n > 0 && (len(bodies)+len(body) > packageTarget || n == maxPackages) {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		if n == 0 {
			first = name
		}
		keys = putString(keys, name)
		lengths = putInt(lengths, len(body))
		bodies = append(bodies, body...)
		hashes = append(hashes, fingerprint(name))
		n++
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return append(putInt(index, count), blocks...), nil
}

func fingerprint(name string) uint16 { return uint16(xxhash.Sum64String(name)) }

// putPackage writes a package: its versions, its states, and a column of
// records with, for each release, a column of states. Column after column, not
// row by row: neighbours in a column resemble each other.
func (c *compiler) putPackage(b []byte, name string, base *baseFacts, p *packageFacts, column []int) ([]byte, error) {
	rows := p.rows
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(x.record, y.record), cmp.Compare(column[x.release], column[y.release]),
			cmp.Compare(base.states[x.state].key, base.states[y.state].key))
	})
	rows = slices.Compact(rows)
	for _, r := range rows {
		base.counts[r.release]++
	}

	texts, states := &order{}, &order{}
	var stateText []byte
	for _, r := range rows {
		if states.add(base.states[r.state].key) {
			stateText = c.putState(stateText, &base.states[r.state].a, texts)
		}
	}

	// Of the releases, those that have the package, in the order of their columns.
	var used []int
	for _, r := range rows {
		used = append(used, column[r.release])
	}
	slices.Sort(used)
	used = slices.Compact(used)

	// A line has one record and at most one state a release; a record with two
	// states in one release takes two lines.
	var records []uint32
	var lines [][]int // by line, then by used release: state + 1
	for i := 0; i < len(rows); {
		r := rows[i].record
		start := len(lines)
		depth := map[int]int{}
		for ; i < len(rows) && rows[i].record == r; i++ {
			col, _ := slices.BinarySearch(used, column[rows[i].release])
			at := start + depth[col]
			depth[col]++
			for len(lines) <= at {
				records = append(records, r)
				lines = append(lines, make([]int, len(used)))
			}
			lines[at][col] = states.at[base.states[rows[i].state].key] + 1
		}
	}
	if len(lines) > maxRows {
		return nil, fmt.Errorf("%d advisories", len(lines))
	}

	shown := p.name
	if shown == name {
		shown = ""
	}
	b = putStrings(putString(b, shown), texts.all)
	b = putInt(b, len(states.all))
	b = append(b, stateText...)
	b = putInt(b, len(lines))
	last := uint32(0)
	for _, r := range records {
		b = putUint(b, uint64(r-last))
		last = r
	}
	b = putInt(b, len(used))
	for i, col := range used {
		var cells []byte
		for _, l := range lines {
			cells = putInt(cells, l[i])
		}
		b = append(putInt(putInt(b, col), len(cells)), cells...)
	}
	return b, nil
}

func (c *compiler) putState(b []byte, a *vuln.Advisory, texts *order) []byte {
	b = append(b, byte(a.Severity))
	b = putInt(putInt(b, c.words.at[a.Urgency]), c.words.at[a.NoFix])
	b = putInt(b, len(a.Ranges))
	for _, r := range a.Ranges {
		kind := 0
		if r.Type == "SEMVER" {
			kind = 1
		}
		b = putInt(b, len(r.Events)<<1|kind)
		for _, e := range r.Events {
			kind, v := eventParts(e)
			texts.add(v)
			b = putInt(b, texts.at[v]*eventKinds+int(kind))
		}
	}
	b = putInt(b, len(a.Versions))
	for _, v := range a.Versions {
		texts.add(v)
		b = putInt(b, texts.at[v])
	}
	return b
}

// order numbers strings in the order of their first use.
type order struct {
	at  map[string]int
	all []string
}

// add reports whether the string is new.
func (o *order) add(s string) bool {
	if _, ok := o.at[s]; ok {
		return false
	}
	if o.at == nil {
		o.at = map[string]int{}
	}
	o.at[s] = len(o.all)
	o.all = append(o.all, s)
	return true
}
