package layer

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"github.com/klauspost/compress/zstd"
)

var errRecord = errors.New("not a layer record of this version")

// decodeRecord reads what encodeRecord wrote. Its memory is bounded by the
// size of b; a value comes with no error.
func decodeRecord(b []byte) (*Record, error) { return new(unpacker).decode(b) }

// unpacker is what reading one record leaves for reading the next: memory that
// was touched costs nothing more.
type unpacker struct {
	zstd          *zstd.Decoder
	file, payload []byte
}

// decode is decodeRecord. Nothing of b or of the unpacker is in the record.
func (u *unpacker) decode(b []byte) (*Record, error) {
	if len(b) < recordHead || string(b[:4]) != recordMagic || b[4] != recordFormat || b[6] != 0 || b[7] != 0 {
		return nil, errRecord
	}
	if binary.LittleEndian.Uint64(b[16:]) != recordSum(b) {
		return nil, errors.New("checksum does not match")
	}
	payload, err := u.unpack(b)
	if err != nil {
		return nil, err
	}
	d := &decoder{b: payload}
	rec := &Record{
		DiffID:     Digest(d.text()),
		Blob:       Digest(d.text()),
		Compressed: d.varint(),
		Size:       d.varint(),
	}
	rec.Entries = d.entries()
	rec.Facts = d.facts()
	if d.err == nil && len(d.b) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.b))
	}
	if d.err != nil {
		return nil, fmt.Errorf("layer record: %w", d.err)
	}
	return rec, nil
}

func (u *unpacker) unpack(b []byte) ([]byte, error) {
	size, stored := binary.LittleEndian.Uint64(b[8:]), b[recordHead:]
	if size > maxPayload {
		return nil, errRecord
	}
	switch {
	case b[5] == storedPlain && int(size) == len(stored):
		return stored, nil
	case b[5] == storedZstd && ratioAllowed(int(size), len(stored)):
	default:
		return nil, errRecord
	}
	if u.zstd == nil {
		// Without a stream and alone, it is memory only and needs no Close.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecodeAllCapLimit(true))
		if err != nil {
			return nil, err
		}
		u.zstd = z
	}
	u.payload = slices.Grow(u.payload[:0], int(size))
	payload, err := u.zstd.DecodeAll(stored, u.payload[:0:size])
	if err != nil {
		return nil, err
	}
	if uint64(len(payload)) != size {
		return nil, errRecord
	}
	return payload, nil
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
	reader := ""
	for i := range facts {
		if d.uvarint() != 0 {
			reader = d.text()
		}
		facts[i].Reader = reader
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
