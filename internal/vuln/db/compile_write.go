package db

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// write lays the file out: see format.go.
func (c *compiler) write(w io.Writer, sources []SourceInput) error {
	bases := slices.Sorted(maps.Keys(c.bases))
	metas := c.sortedMetas()
	for _, name := range bases {
		c.bases[name].settle(c)
	}
	for _, m := range metas {
		if m.Title != "" {
			c.words.use(m.TitleBy)
		}
		for _, v := range written(m) {
			c.words.use(v.Source)
			c.vectors.use(v.Vector)
		}
	}
	c.words.number()
	c.vectors.number()
	if n := len(c.words.all); n > maxWords/2 {
		return fmt.Errorf("%d words of urgency and the like", n)
	}

	c.epss = newEPSSTable(metas)

	enc, err := c.encoder.get()
	if err != nil {
		return err
	}
	out := &blockWriter{enc: enc}
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

	if index, err = out.block(index, c.epss.put(nil)); err != nil {
		return err
	}
	if index, err = c.putMetas(index, out, metas); err != nil {
		return err
	}

	index = putInt(index, len(bases))
	for _, name := range bases {
		if index, err = c.base(index, out, name); err != nil {
			return fmt.Errorf("ecosystem %s: %w", name, err)
		}
	}
	if index, err = out.block(index, c.putCovers(nil)); err != nil {
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

// sortedMetas are the facts in the order of their identifiers, whose keys are made once
// and not in every comparison.
func (c *compiler) sortedMetas() []*vuln.Meta {
	type keyed struct {
		key string
		m   *vuln.Meta
	}
	all := make([]keyed, 0, len(c.metas))
	for id, m := range c.metas {
		all = append(all, keyed{sortKey(id), m})
	}
	slices.SortFunc(all, func(a, b keyed) int {
		return cmp.Or(strings.Compare(a.key, b.key), strings.Compare(a.m.ID, b.m.ID))
	})
	metas := make([]*vuln.Meta, len(all))
	for i := range all {
		metas[i] = all[i].m
	}
	return metas
}

// Encoder compresses the blocks of databases. Its tables are large, so that whoever
// compiles several databases has one for all of them. The zero value is useful, and safe
// for concurrent use.
type Encoder struct {
	once sync.Once
	enc  *zstd.Encoder
	err  error
}

func (e *Encoder) get() (*zstd.Encoder, error) {
	e.once.Do(func() {
		e.enc, e.err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	})
	return e.enc, e.err
}

// putMetas writes two tables: what is known of each vulnerability, and the
// titles of those that have one, so that whoever needs no title reads none.
func (c *compiler) putMetas(index []byte, out *blockWriter, metas []*vuln.Meta) ([]byte, error) {
	var known, titled []*vuln.Meta
	for _, m := range metas {
		if m.KEV || len(written(m)) > 0 || m.EPSS != (finding.EPSS{}) {
			known = append(known, m)
		}
		if m.Title != "" {
			titled = append(titled, m)
		}
	}
	index, err := out.table(index, idsOf(known), metaRows, func(b []byte, i int) []byte { return c.putMeta(b, known[i]) })
	if err != nil {
		return nil, err
	}
	return out.table(index, idsOf(titled), metaRows, func(b []byte, i int) []byte {
		return append(putInt(b, c.words.at[titled[i].TitleBy]), titled[i].Title...)
	})
}

func idsOf(metas []*vuln.Meta) []string {
	ids := make([]string, len(metas))
	for i, m := range metas {
		ids[i] = m.ID
	}
	return ids
}

// base writes the tables of one ecosystem: its releases, its records, its packages.
func (c *compiler) base(index []byte, out *blockWriter, name string) ([]byte, error) {
	b := c.bases[name]
	releases := slices.Sorted(maps.Keys(b.releases))
	b.counts = make([]int, len(releases))
	if len(releases) > maxReleases {
		return nil, fmt.Errorf("%d releases", len(releases))
	}
	index = putStrings(putString(index, name), releases)
	ids := make([]string, len(b.records))
	for i := range b.records {
		ids[i] = b.records[i].a.ID
	}
	index, err := out.table(index, ids, tableRows, func(row []byte, i int) []byte { return c.putRecord(row, &b.records[i].a) })
	if err != nil {
		return nil, err
	}
	column := make([]int, len(releases)) // a release's number as met -> its place when sorted
	for i, r := range releases {
		column[b.releases[r]] = i
	}
	return c.packages(index, out, b, column)
}

// settle gives records and states their final numbers and counts what they use.
func (b *baseFacts) settle(c *compiler) {
	keys := make([]string, len(b.records))
	order := make([]int, len(b.records))
	for i := range b.records {
		keys[i], order[i] = sortKey(b.records[i].a.ID), i
	}
	slices.SortFunc(order, func(x, y int) int {
		return cmp.Or(cmp.Compare(keys[x], keys[y]), cmp.Compare(b.records[x].a.ID, b.records[y].a.ID), cmp.Compare(b.records[x].key, b.records[y].key))
	})
	records := make([]recordFacts, 0, len(order))
	to := make([]uint32, len(order))
	for _, old := range order {
		// Two may have become one by the names that link gave them.
		if n := len(records); n == 0 || records[n-1].key != b.records[old].key {
			records = append(records, b.records[old])
		}
		to[old] = uint32(len(records) - 1)
	}
	b.records, b.recordAt = records, nil
	for _, p := range b.packages {
		for i := range p.rows {
			p.rows[i].record = to[p.rows[i].record]
		}
	}
	for i := range b.records {
		a := &b.records[i].a
		c.words.use(a.Source)
		for _, m := range a.Modules {
			c.words.use(m)
		}
		for _, v := range a.CVSS {
			c.words.use(v.Source)
			c.vectors.use(v.Vector)
		}
	}
	for i := range b.states {
		c.words.use(b.states[i].a.Urgency)
		c.words.use(b.states[i].a.NoFix)
	}
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
	enc  *zstd.Encoder
	data []byte
}

// block adds a block and appends what the index says of it.
func (o *blockWriter) block(index, plain []byte) ([]byte, error) {
	if len(plain) > maxBlock/2 {
		return nil, fmt.Errorf("a block of %d bytes", len(plain))
	}
	start := len(o.data)
	o.data = o.enc.EncodeAll(plain, o.data)
	frame := o.data[start:]
	index = putInt(putInt(index, len(frame)), len(plain))
	return binary.LittleEndian.AppendUint64(index, xxhash.Sum64(frame)), nil
}

// table writes rows found by identifier or by number: blocks of identifiers,
// lengths, rows, per rows to a block. ids are sorted by sortKey.
func (o *blockWriter) table(index []byte, ids []string, per int, row func([]byte, int) []byte) ([]byte, error) {
	index = putInt(index, len(ids))
	var err error
	for start := 0; start < len(ids); start += per {
		end := min(start+per, len(ids))
		var lengths, rows []byte
		for i := start; i < end; i++ {
			n := len(rows)
			rows = row(rows, i)
			lengths = putInt(lengths, len(rows)-n)
		}
		plain := append(putIDs(nil, ids[start:end]), lengths...)
		if index, err = o.block(putString(index, ids[start]), append(plain, rows...)); err != nil {
			return nil, err
		}
	}
	return index, nil
}

func (o *blockWriter) file(w io.Writer, index []byte) error { return writeFile(w, index, o.data) }

func writeFile(w io.Writer, index, data []byte) error {
	if len(index) > maxIndex/2 {
		return fmt.Errorf("an index of %d bytes", len(index))
	}
	var head [headerSize]byte
	copy(head[:], magic)
	binary.LittleEndian.PutUint32(head[8:], formatVersion)
	binary.LittleEndian.PutUint32(head[12:], uint32(len(index)))
	binary.LittleEndian.PutUint64(head[16:], uint64(headerSize+len(index)+len(data)))
	binary.LittleEndian.PutUint64(head[24:], xxhash.Sum64(index))
	sum := sha256.New()
	sum.Write(index)
	sum.Write(data)
	sum.Sum(head[32:32])
	for _, part := range [][]byte{head[:], index, data} {
		if _, err := w.Write(part); err != nil {
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
	data := make([]byte, d.size-d.head)
	if _, err := io.ReadFull(io.NewSectionReader(d.data, d.head, int64(len(data))), data); err != nil {
		return fmt.Errorf("read advisory database %s: %w", d.path, err)
	}
	return writeFile(w, append(putSources(sources), d.tables...), data)
}
