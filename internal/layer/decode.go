package layer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
)

// UnmarshalBinary reads what AppendBinary wrote, and keeps nothing of b. Its
// memory is bounded by the size of b; after an error the record is what it was.
func (rec *Record) UnmarshalBinary(b []byte) error {
	d := &decoder{b: b}
	r := Record{
		DiffID:     Digest(d.text()),
		Blob:       Digest(d.text()),
		Compressed: d.varint(),
		Size:       d.varint(),
	}
	r.Entries = d.entries()
	r.Facts = d.facts()
	if d.err == nil && len(d.b) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.b))
	}
	if d.err != nil {
		return fmt.Errorf("layer record: %w", d.err)
	}
	*rec = r
	return nil
}

// decoder reads a payload from its front. After an error it gives zeros.
type decoder struct {
	b     []byte
	err   error
	names arena
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err, d.b = err, nil
	}
}

var errShort = errors.New("ends too early")

func (d *decoder) uvarint() uint64 {
	if len(d.b) > 0 && d.b[0] < 0x80 {
		v := d.b[0]
		d.b = d.b[1:]
		return uint64(v)
	}
	v, n := binary.Uvarint(d.b)
	if n <= 0 {
		d.fail(errShort)
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *decoder) varint() int64 {
	v := d.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

func (d *decoder) int() int {
	v := d.varint()
	if v < math.MinInt || v > math.MaxInt {
		d.fail(errors.New("number too large"))
		return 0
	}
	return int(v)
}

func (d *decoder) take(n uint64) []byte {
	if n > uint64(len(d.b)) {
		d.fail(errShort)
		return nil
	}
	p := d.b[:n:n]
	d.b = d.b[n:]
	return p
}

func (d *decoder) text() string { return string(d.take(d.uvarint())) }

// small is a text of which many are kept.
func (d *decoder) small() string { return d.names.join("", d.take(d.uvarint())) }

// count is how many things follow that take at least size bytes each.
func (d *decoder) count(size int) int {
	n := d.uvarint()
	if n > uint64(len(d.b)/size) {
		d.fail(errShort)
		return 0
	}
	return int(n)
}

// entryMin and factMin are the fewest bytes that one takes.
const (
	entryMin = 8
	factMin  = 4
)

func (d *decoder) entries() []Entry {
	n := d.count(entryMin)
	if n == 0 {
		return nil
	}
	entries := make([]Entry, n)
	common := decoder{b: d.b}
	for range n {
		d.uvarint()
	}
	before, left := "", n*maxMeanName+len(d.b)
	for i := range entries {
		rest := d.take(d.uvarint())
		keep := common.uvarint()
		if keep > uint64(len(before)) || int(keep)+len(rest) > left {
			d.fail(errors.New("path out of bounds"))
		}
		if d.err != nil {
			return nil
		}
		before = d.names.join(before[:keep], rest)
		left -= len(before)
		entries[i].Path = before
	}
	for i, k := range d.take(uint64(n)) {
		if Kind(k) > Opaque {
			d.fail(fmt.Errorf("no such kind of entry: %d", k))
		}
		entries[i].Kind = Kind(k)
	}
	for i := range entries {
		entries[i].Mode = fs.FileMode(d.uvarint())
	}
	for i := range entries {
		entries[i].UID = d.int()
	}
	for i := range entries {
		entries[i].GID = d.int()
	}
	for i := range entries {
		entries[i].Size = d.varint()
	}
	for i := range entries {
		entries[i].Link = d.small()
	}
	for i := range entries {
		if entries[i].Kind != File {
			continue
		}
		if h := d.take(8); h != nil {
			entries[i].Hash = binary.LittleEndian.Uint64(h)
		}
	}
	return entries
}

func (d *decoder) facts() []Fact {
	n := d.count(factMin)
	if n == 0 {
		return nil
	}
	facts := make([]Fact, n)
	analyzer := ""
	for i := range facts {
		if d.uvarint() != 0 {
			analyzer = d.text()
		}
		facts[i].Analyzer = analyzer
	}
	for i := range facts {
		facts[i].Path = d.small()
	}
	for i := range facts {
		facts[i].Err = d.text()
	}
	sizes := make([]uint64, n)
	for i := range sizes {
		sizes[i] = d.uvarint()
	}
	d.b = bytes.Clone(d.b) // facts outlive the payload, which is larger
	for i, size := range sizes {
		if size > 0 {
			facts[i].Data = d.take(size - 1)
		}
	}
	return facts
}
