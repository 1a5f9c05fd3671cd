package db

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// write lays the file out: see format.go.
func (c *compiler) write(w io.Writer, sources []SourceInput) error {
	if err := c.setAside(); err != nil {
		return err
	}
	metas, err := c.mergeMetas()
	if err != nil {
		return err
	}
	var bases []*merged
	for _, name := range slices.Sorted(maps.Keys(c.runs)) {
		m, err := c.merge(name, c.runs[name])
		if err != nil {
			return fmt.Errorf("ecosystem %s: %w", name, err)
		}
		bases = append(bases, m)
		delete(c.runs, name)
	}
	c.words.number()
	c.vectors.number()
	if n := len(c.words.all); n > maxWords/2 {
		return fmt.Errorf("%d words of urgency and the like", n)
	}

	enc, err := c.encoder.get(c.quick)
	if err != nil {
		return err
	}
	out := &blockWriter{enc: enc, data: c.blocks}
	all := make([]Source, len(sources))
	for i, s := range sources {
		all[i] = s.Source
	}
	index := putSources(all)
	index = putStrings(index, c.words.all)

	index = putInt(index, len(c.vectors.all))
	if index, err = out.block(index, putStrings(nil, c.vectors.all)); err != nil {
		return err
	}

	if index, err = out.block(index, metas.epss.put(nil)); err != nil {
		return err
	}
	if index, err = c.putMetas(index, out, metas); err != nil {
		return err
	}

	index = putInt(index, len(bases))
	for _, m := range bases {
		if index, err = c.base(index, out, m); err != nil {
			return fmt.Errorf("ecosystem %s: %w", m.name, err)
		}
	}
	if index, err = out.block(index, c.putCovers(nil, bases)); err != nil {
		return err
	}
	packaged, err := putPackaged(c.packaged)
	if err == nil {
		index, err = out.block(index, packaged)
	}
	if err != nil {
		return err
	}
	return out.file(w, index)
}

// each calls use with each entry of what was set aside.
func (c *compiler) each(of section, use func(*reader) error) error {
	for e := c.aside.entries(of); ; {
		r, err := e.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = use(r)
		}
		if err != nil {
			return err
		}
	}
}

// Encoder compresses the blocks of databases. Its tables are large, so that whoever
// compiles several databases has one for all of them. The zero value is useful, and safe
// for concurrent use.
type Encoder struct {
	best, quick oneEncoder
}

type oneEncoder struct {
	once sync.Once
	enc  *zstd.Encoder
	err  error
}

func (e *Encoder) get(quick bool) (*zstd.Encoder, error) {
	one, level := &e.best, zstd.SpeedBestCompression
	if quick {
		one, level = &e.quick, zstd.SpeedDefault
	}
	one.once.Do(func() {
		one.enc, one.err = zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	})
	return one.enc, one.err
}

// base writes the tables of one ecosystem: its releases, its records, its packages.
func (c *compiler) base(index []byte, out *blockWriter, m *merged) ([]byte, error) {
	index = putStrings(putString(index, m.name), m.releases)
	t := out.table(index, m.total, tableRows)
	err := c.each(m.records, func(r *reader) error {
		a := c.scratch.record(r.s)
		return t.row(a.ID, func(row []byte) []byte { return c.putRecord(row, a) })
	})
	if err == nil {
		index, err = t.end()
	}
	if err != nil {
		return nil, err
	}
	return c.packages(index, out, m)
}

// The parts of a record.
const (
	recordWithdrawn = 1 << iota
	recordURL
	recordAliases
	recordRelated
	recordCVSS
	recordModules
)

func (c *compiler) putRecord(b []byte, a *vuln.Advisory) []byte {
	flags := 0
	set := func(bit int, on bool) {
		if on {
			flags |= bit
		}
	}
	set(recordWithdrawn, a.Withdrawn)
	set(recordURL, a.URL != AdvisoryURL(a.Source, a.ID))
	set(recordAliases, len(a.Aliases) > 0)
	set(recordRelated, len(a.Related) > 0)
	set(recordCVSS, len(a.CVSS) > 0)
	set(recordModules, len(a.Modules) > 0)
	b = putInt(append(b, byte(flags)), c.words.at[a.Source])
	if flags&recordCVSS != 0 {
		b = c.putVectors(putInt(b, len(a.CVSS)), a.CVSS)
	}
	if flags&recordURL != 0 {
		b = putString(b, a.URL)
	}
	for _, names := range [][]string{a.Aliases, a.Related} {
		if len(names) == 0 {
			continue
		}
		b = putInt(b, len(names))
		for _, n := range names {
			b = putName(b, n, a.ID)
		}
	}
	if flags&recordModules != 0 {
		b = putInt(b, len(a.Modules))
		for _, m := range a.Modules {
			b = putInt(b, c.words.at[m])
		}
	}
	return putUint(putUint(b, days(a.Published)), days(a.Modified))
}

// blockWriter compresses blocks and keeps them until the index is complete.
type blockWriter struct {
	enc   *zstd.Encoder
	data  *spill
	frame []byte
}

// block adds a block and appends what the index says of it.
func (o *blockWriter) block(index, plain []byte) ([]byte, error) {
	if len(plain) > maxBlock/2 {
		return nil, fmt.Errorf("a block of %d bytes", len(plain))
	}
	o.frame = o.enc.EncodeAll(plain, o.frame[:0])
	index = putInt(putInt(index, len(o.frame)), len(plain))
	_, err := o.data.Write(o.frame)
	return binary.LittleEndian.AppendUint64(index, xxhash.Sum64(o.frame)), err
}

// table begins a table of rows found by identifier or by number: blocks of
// identifiers, lengths, rows, per rows to a block.
func (o *blockWriter) table(index []byte, rows, per int) *tableWriter {
	return &tableWriter{out: o, index: putInt(index, rows), per: per}
}

type tableWriter struct {
	out           *blockWriter
	index         []byte
	per           int
	ids           []string
	lengths, rows []byte
}

// row adds a row; the identifiers come sorted as sortKey does.
func (t *tableWriter) row(id string, put func([]byte) []byte) error {
	n := len(t.rows)
	t.rows = put(t.rows)
	t.lengths = putInt(t.lengths, len(t.rows)-n)
	t.ids = append(t.ids, strings.Clone(id))
	if len(t.ids) < t.per {
		return nil
	}
	return t.flush()
}

func (t *tableWriter) flush() (err error) {
	plain := append(append(putIDs(nil, t.ids), t.lengths...), t.rows...)
	t.index, err = t.out.block(putString(t.index, t.ids[0]), plain)
	t.ids, t.lengths, t.rows = t.ids[:0], t.lengths[:0], t.rows[:0]
	return err
}

// end is the index with what it says of the table.
func (t *tableWriter) end() ([]byte, error) {
	if len(t.ids) > 0 {
		if err := t.flush(); err != nil {
			return nil, err
		}
	}
	return t.index, nil
}

func (o *blockWriter) file(w io.Writer, index []byte) error {
	return writeFile(w, index, o.data, o.data.size())
}

func writeFile(w io.Writer, index []byte, data io.ReaderAt, size int64) error {
	if len(index) > maxIndex/2 {
		return fmt.Errorf("an index of %d bytes", len(index))
	}
	var head [headerSize]byte
	copy(head[:], magic)
	binary.LittleEndian.PutUint32(head[8:], formatVersion)
	binary.LittleEndian.PutUint32(head[12:], uint32(len(index)))
	binary.LittleEndian.PutUint64(head[16:], uint64(headerSize+len(index))+uint64(size))
	binary.LittleEndian.PutUint64(head[24:], xxhash.Sum64(index))
	sum := sha256.New()
	sum.Write(index)
	if _, err := io.Copy(sum, io.NewSectionReader(data, 0, size)); err != nil {
		return err
	}
	sum.Sum(head[32:32])
	for _, part := range []io.Reader{bytes.NewReader(head[:]), bytes.NewReader(index), io.NewSectionReader(data, 0, size)} {
		if _, err := io.Copy(w, part); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	return nil
}

func putSources(all []Source) []byte {
	b := putInt(nil, len(all))
	for _, s := range all {
		b = putSource(b, s)
	}
	return b
}

// Restamp writes the database with other descriptions of its sources, such as
// when they were asked for last, and the same facts.
func (d *DB) Restamp(w io.Writer, sources []Source) error {
	data := io.NewSectionReader(d.data, d.head, d.size-d.head)
	if err := writeFile(w, append(putSources(sources), d.tables...), data, data.Size()); err != nil {
		return fmt.Errorf("write advisory database %s anew: %w", d.path, err)
	}
	return nil
}
