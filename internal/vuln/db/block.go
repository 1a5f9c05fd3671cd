package db

import (
	"fmt"
	"io"
	"slices"
	"sort"
	"sync"
	"unsafe"

	"github.com/cespare/xxhash/v2"
)

// text sees bytes that nobody changes any more as a string.
func text(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// plain reads, checks and decompresses a block.
func (d *DB) plain(ref blockRef) (string, error) {
	out, err := d.plainInto(nil, ref)
	return text(out), err
}

// plainInto is plain in b's memory, if there is enough of it.
func (d *DB) plainInto(b []byte, ref blockRef) ([]byte, error) {
	frame, err := d.frame(ref)
	if err != nil {
		return nil, err
	}
	if xxhash.Sum64(frame) != ref.sum {
		return nil, d.corrupt("a block at byte %d does not have its checksum", ref.at)
	}
	out, err := d.dec.DecodeAll(frame, slices.Grow(b[:0], ref.size))
	if err != nil || len(out) != ref.size {
		return nil, d.corrupt("a block at byte %d does not decompress", ref.at)
	}
	return out, nil
}

func (d *DB) frame(ref blockRef) ([]byte, error) {
	if m, ok := d.data.(bytesAt); ok && ref.at+int64(ref.comp) <= int64(len(m)) {
		return m[ref.at : ref.at+int64(ref.comp)], nil
	}
	frame := make([]byte, ref.comp)
	if _, err := io.ReadFull(io.NewSectionReader(d.data, ref.at, int64(ref.comp)), frame); err != nil {
		return nil, fmt.Errorf("read advisory database %s: %w", d.path, err)
	}
	return frame, nil
}

// bytesAt is a database in memory; its blocks need no copy.
type bytesAt []byte

func (b bytesAt) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= int64(len(b)) {
		return 0, io.EOF
	}
	n := copy(p, b[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (d *DB) corrupt(format string, args ...any) error {
	return &CorruptError{d.path, fmt.Sprintf(format, args...)}
}

// names is a decoded block: rows found by number, and by name where the names
// are sorted.
type names struct {
	ids    []string // of a block of packages
	column idColumn // of a block of a table
	starts []uint32 // of each row, and the end of the last
	rows   string
	cost   int
}

func (n *names) row(i int) string { return n.rows[n.starts[i]:n.starts[i+1]] }

// lengths reads the lengths of the rows and takes the rest as the rows.
func (n *names) lengths(r *reader) bool {
	count := len(n.ids) + n.column.len()
	n.starts = append(slices.Grow(n.starts[:0], count+1), 0)
	at := 0
	for range count {
		at += r.number(maxBlock)
		n.starts = append(n.starts, uint32(min(at, maxBlock)))
	}
	n.rows = r.s
	n.cost = len(n.rows) + 40*len(n.ids) + 16*n.column.len()
	return !r.bad && at == len(n.rows)
}

// tableBlock is block i of a table.
func (d *DB) tableBlock(t *table, i int) (*names, error) {
	ref := t.blocks[i]
	return d.cached(ref, func(s string) *names {
		r := &reader{s: s}
		n := &names{}
		if !n.table(r, t.height(i)) {
			return nil
		}
		return n
	})
}

// height is how many rows block i has.
func (t *table) height(i int) int { return min(t.per, t.rows-i*t.per) }

// table reads a block of a table.
func (n *names) table(r *reader, rows int) bool {
	n.column.read(r, rows)
	return !r.bad && n.lengths(r)
}

// metaBlock is a block of what is known of vulnerabilities whatever the
// package. A match asks for them in order, each block's rows at one go, so that
// none is kept but the last, and its memory serves the next. No value that is
// handed out may point into it.
type metaBlock struct {
	names
	at    int // which block it is; -1: none
	plain []byte
}

// metaRow calls use with the row of a vulnerability in a table, if there is one.
func (d *DB) metaRow(t *table, pool *sync.Pool, id string, use func(row string) error) error {
	i := sort.Search(len(t.first), func(i int) bool { return compareIDs(t.first[i], id) > 0 }) - 1
	if i < 0 {
		return nil
	}
	m, ok := pool.Get().(*metaBlock)
	if !ok {
		m = &metaBlock{at: -1}
	}
	defer pool.Put(m)
	if m.at != i {
		m.at = -1
		ref := t.blocks[i]
		b, err := d.plainInto(m.plain, ref)
		if err != nil {
			return err
		}
		m.plain = b
		if !m.table(&reader{s: text(b)}, t.height(i)) {
			return d.corrupt("a block at byte %d is not one", ref.at)
		}
		m.at = i
	}
	j, ok := m.column.find(id)
	if !ok {
		return nil
	}
	return use(m.row(j))
}

// packageBlock is the block of packages.
func (d *DB) packageBlock(p *packageBlock) (*names, error) {
	return d.cached(p.ref, func(s string) *names { return packageNames(s, p.n) })
}

// packageNames reads a block of n packages; nil: it is not one.
func packageNames(s string, count int) *names {
	r := &reader{s: s}
	n := &names{ids: make([]string, 0, count)}
	if r.count(maxPackages) != count {
		return nil
	}
	for range count {
		n.ids = append(n.ids, r.str())
	}
	if !n.lengths(r) || !slices.IsSorted(n.ids) {
		return nil
	}
	return n
}

func (d *DB) cached(ref blockRef, decode func(string) *names) (*names, error) {
	if n := d.cache.get(ref.at); n != nil {
		return n, nil
	}
	s, err := d.plain(ref)
	if err != nil {
		return nil, err
	}
	n := decode(s)
	if n == nil {
		return nil, d.corrupt("a block at byte %d is not one", ref.at)
	}
	d.cache.put(ref.at, n)
	return n, nil
}

// cacheBudget bounds the decoded blocks that are kept, in bytes.
const cacheBudget = 24 << 20

// cache keeps decoded blocks, the least recently used leaving first.
type cache struct {
	mu    sync.Mutex
	clock uint64
	cost  int
	by    map[int64]*cacheEntry
}

type cacheEntry struct {
	n    *names
	used uint64
}

func (c *cache) get(at int64) *names {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.by[at]
	if e == nil {
		return nil
	}
	c.clock++
	e.used = c.clock
	return e.n
}

func (c *cache) put(at int64, n *names) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil {
		c.by = map[int64]*cacheEntry{}
	}
	if c.by[at] != nil {
		return
	}
	for c.cost+n.cost > cacheBudget && len(c.by) > 0 {
		var oldest int64
		least := c.clock + 1
		for at, e := range c.by {
			if e.used < least {
				oldest, least = at, e.used
			}
		}
		c.cost -= c.by[oldest].n.cost
		delete(c.by, oldest)
	}
	c.clock++
	c.by[at] = &cacheEntry{n, c.clock}
	c.cost += n.cost
}

func (c *cache) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.by, c.cost = nil, 0
}
