package db

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/cespare/xxhash/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/drydock-dev/drydock/internal/vuln"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	path     string
	version  uint32 // of the format
	data     io.ReaderAt
	closer   io.Closer
	size     int64
	sha      [32]byte
	head     int64  // where the blocks begin
	tables   string // the index after the sources
	sources  []Source
	words    []string
	vectors  blockRef
	nvector  int
	metas    table
	titles   table
	epss     lazy[epssDay]
	covers   lazy[map[string]vuln.Coverage]
	packaged lazy[[]Packaged]
	bases    map[string]*base
	dec      *zstd.Decoder

	cache   cache
	scratch sync.Pool // of *decoder

	metaBlocks  sync.Pool // of *metaBlock
	titleBlocks sync.Pool // the same

	once       sync.Once
	vectorText []string
	vectorErr  error
}

// lazy is a block that is decoded when it is first asked for.
type lazy[T any] struct {
	ref  blockRef
	once sync.Once
	v    T
	err  error
}

func (l *lazy[T]) get(d *DB, decode func(*reader) T) (T, error) {
	l.once.Do(func() {
		var s string
		if s, l.err = d.plain(l.ref); l.err != nil {
			return
		}
		r := &reader{s: s}
		if l.v = decode(r); r.bad || len(r.s) > 0 {
			l.err = d.corrupt("a block at byte %d is not one", l.ref.at)
		}
	})
	return l.v, l.err
}

// base is what the index says of an ecosystem.
type base struct {
	name     string
	releases []string
	full     []string // the ecosystem's names with each release
	records  table
	packages []packageBlock
}

type packageBlock struct {
	first  string
	n      int
	hashes string // two bytes a package, sorted
	ref    blockRef
}

// table is a sequence of rows with an identifier each.
type table struct {
	rows   int
	per    int      // rows of each block but the last
	first  []string // the first identifier of each block
	blocks []blockRef
}

type blockRef struct {
	at         int64
	comp, size int
	sum        uint64
}

// Open opens a database file. Only its index is read; a file that is damaged
// elsewhere shows it by a [CorruptError] when the damage is met, or in Verify.
func Open(path string) (*DB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open advisory database: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open advisory database: %w", err), f.Close())
	}
	d, err := open(path, f, info.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	d.closer = f
	return d, nil
}

// Load opens a database file that may be replaced while it is read: it is read
// into memory, and no longer open.
func Load(path string) (*DB, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open advisory database: %w", err)
	}
	all, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read advisory database: %w", err)
	}
	if len(all) > maxFile {
		return nil, &CorruptError{path, "far too large"}
	}
	return open(path, bytesAt(all), int64(len(all)))
}

// OpenReader opens a database that is somewhere else than in a file.
func OpenReader(r io.ReaderAt, size int64) (*DB, error) { return open("", r, size) }

// Close gives the file back. What lookups returned stays valid.
func (d *DB) Close() error {
	d.cache.clear()
	if d.closer == nil {
		return nil
	}
	return d.closer.Close()
}

// Path is the file's; "" for one that is not in a file.
func (d *DB) Path() string { return d.path }

// Whole reports whether this version of the program wrote the database, so that
// it has all that one may have.
func (d *DB) Whole() bool { return d.version == formatVersion }

// Sources lists the upstreams, by name.
func (d *DB) Sources() []Source { return d.sources }

func open(path string, r io.ReaderAt, size int64) (*DB, error) {
	var head [headerSize]byte
	if n, err := r.ReadAt(head[:], 0); n < headerSize {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("open advisory database: %w", err)
		}
		return nil, &CorruptError{path, "too short"}
	}
	if string(head[:8]) != magic {
		return nil, &CorruptError{path, "not an advisory database"}
	}
	if v := binary.LittleEndian.Uint32(head[8:]); v < oldestVersion || v > formatVersion {
		return nil, &VersionError{path, v, formatVersion}
	}
	n := int64(binary.LittleEndian.Uint32(head[12:]))
	if binary.LittleEndian.Uint64(head[16:]) != uint64(size) || n > maxIndex || headerSize+n > size {
		return nil, &CorruptError{path, "cut off"}
	}
	raw := make([]byte, n)
	if _, err := io.ReadFull(io.NewSectionReader(r, headerSize, n), raw); err != nil {
		return nil, fmt.Errorf("open advisory database: %w", err)
	}
	if xxhash.Sum64(raw) != binary.LittleEndian.Uint64(head[24:]) {
		return nil, &CorruptError{path, "the index does not have its checksum"}
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxBlock), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, err
	}
	d := &DB{path: path, version: binary.LittleEndian.Uint32(head[8:]), data: r, size: size, head: headerSize + n, bases: map[string]*base{}, dec: dec}
	copy(d.sha[:], head[32:])
	ix := indexReader{reader: reader{s: text(raw)}, at: d.head, end: size}
	d.index(&ix)
	if ix.bad || len(ix.s) > 0 || ix.at != size {
		return nil, &CorruptError{path, "the index is not one"}
	}
	return d, nil
}

// indexReader also keeps where the next block begins.
type indexReader struct {
	reader
	at, end int64
}

func (ix *indexReader) block() blockRef {
	ref := blockRef{at: ix.at, comp: ix.number(maxBlock), size: ix.number(maxBlock), sum: ix.uint64()}
	ix.at += int64(ref.comp)
	if ix.at > ix.end {
		ix.fail()
	}
	return ref
}

func (ix *indexReader) table(per int) table {
	t := table{rows: ix.number(1 << 31), per: per}
	for start := 0; start < t.rows && !ix.bad; start += per {
		t.first = append(t.first, ix.str())
		t.blocks = append(t.blocks, ix.block())
	}
	return t
}

func (d *DB) index(ix *indexReader) {
	for range ix.count(maxReleases) {
		d.sources = append(d.sources, readSource(&ix.reader))
	}
	d.tables = ix.s
	for range ix.count(maxWords) {
		d.words = append(d.words, ix.str())
	}
	d.nvector = ix.number(maxBlock)
	d.vectors = ix.block()
	d.epss.ref = ix.block()
	d.metas = ix.table(metaRows)
	d.titles = ix.table(metaRows)
	for range ix.count(maxReleases) {
		b := &base{name: ix.str()}
		for range ix.count(maxReleases) {
			r := ix.str()
			b.releases = append(b.releases, r)
			b.full = append(b.full, joinEcosystem(b.name, r))
		}
		b.records = ix.table(tableRows)
		for range ix.count(maxIndex) {
			p := packageBlock{first: ix.str(), n: ix.number(maxPackages)}
			p.hashes = ix.take(2 * p.n)
			p.ref = ix.block()
			b.packages = append(b.packages, p)
			if ix.bad {
				return
			}
		}
		d.bases[b.name] = b
	}
	d.covers.ref = ix.block()
	if d.version >= 4 {
		d.packaged.ref = ix.block()
	}
}
