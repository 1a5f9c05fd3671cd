package layer

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache keeps records by (diffID, reader versions) in a directory. It is safe
// for concurrent use, by many processes too. A nil Cache and one without a Dir
// keep nothing.
//
// A record speaks for the bytes of its diffID, and for no others: Get is for
// content whose diffID has been verified, now by [Hash] or [Pass], or before
// and told by [Cache.Verified].
type Cache struct {
	Dir      string // $XDG_CACHE_HOME/drydock
	MaxBytes int64  // 0: 1 GiB; the least recently used records go first

	// OnCorrupt is told, once a file, of what could not be read back. It is
	// thrown away and counts as not there.
	OnCorrupt func(path string, err error)
	Now       func() time.Time // nil: time.Now

	mu      sync.Mutex
	corrupt map[string]bool
	lines   []byte    // of what was verified, as last read; never written to
	linesOf time.Time // when the file that they are of was changed

	unpackers sync.Pool // of *unpacker
}

const (
	recordDir  = "layers"
	recordExt  = ".record"
	tempPrefix = ".tmp-"
	// tempAge is after how long a temporary file belongs to nobody any more.
	tempAge = time.Hour
	// touchAge is how old a record's last use may be before it is marked anew.
	touchAge = 10 * time.Minute
	// maxRecord bounds a kept record, compressed.
	maxRecord = 1 << 30
	// maxSpare bounds the memory that one record's reading leaves to the next's.
	maxSpare = 32 << 20
)

func (c *Cache) off() bool { return c == nil || c.Dir == "" }

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// path is where the record of diffID is, as these readers, at these versions,
// read it.
func (c *Cache) path(diffID Digest, readers []Reader) (string, error) {
	if !isDigest(diffID) {
		return "", fmt.Errorf("no such digest: %q", diffID)
	}
	names := make([]string, len(readers))
	for i, r := range readers {
		names[i] = fmt.Sprintf("%q %d %d\n", r.Name, r.Version, r.Limit)
	}
	slices.Sort(names)
	h := sha256.New()
	_, _ = fmt.Fprintf(h, "format %d\n", recordFormat) // a hash takes everything
	for _, n := range names {
		_, _ = io.WriteString(h, n)
	}
	name := diffID.Hex() + "-" + hex.EncodeToString(h.Sum(nil)[:8]) + recordExt
	return filepath.Join(c.Dir, recordDir, name), nil
}

// isDigest says whether d is a sha256 digest, and so no path of its own.
func isDigest(d Digest) bool {
	h, ok := strings.CutPrefix(string(d), "sha256:")
	return ok && len(h) == 64 && strings.Trim(h, "0123456789abcdef") == ""
}

// Get is the record kept for diffID as these readers read it, if there is one.
func (c *Cache) Get(diffID Digest, readers []Reader) (*Record, bool) {
	if c.off() {
		return nil, false
	}
	path, err := c.path(diffID, readers)
	if err != nil {
		return nil, false
	}
	u, ok := c.unpackers.Get().(*unpacker)
	if !ok {
		u = &unpacker{}
	}
	defer func() {
		if cap(u.file)+cap(u.payload) <= maxSpare {
			c.unpackers.Put(u)
		}
	}()
	u.file, err = c.load(path, u.file)
	if errors.As(err, new(*fs.PathError)) {
		return nil, false // not there, or not to be had now: nothing is wrong with it
	}
	var rec *Record
	if err == nil {
		rec, err = u.decode(u.file)
	}
	if err == nil && rec.DiffID != diffID {
		err = fmt.Errorf("is of %s", rec.DiffID)
	}
	if err != nil {
		c.discard(path, err)
		return nil, false
	}
	return rec, true
}

// load reads a file of the cache, into b's memory if there is enough of it, and
// marks it as used.
func (c *Cache) load(path string, b []byte) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: nothing is lost
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > maxRecord {
		return nil, fmt.Errorf("no record: %s of %d bytes", info.Mode(), info.Size())
	}
	b = slices.Grow(b[:0], int(info.Size()))[:info.Size()]
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, cut(err)
	}
	if now := c.now(); now.Sub(info.ModTime()) > touchAge {
		_ = os.Chtimes(path, now, now) // a cache that is read only forgets no use of it
	}
	return b, nil
}

// discard throws a file away that cannot be read back, and says so once.
func (c *Cache) discard(path string, why error) {
	_ = os.Remove(path) // if it stays, it is found corrupt again
	c.mu.Lock()
	told := c.corrupt[path]
	if c.corrupt == nil {
		c.corrupt = map[string]bool{}
	}
	c.corrupt[path] = true
	c.mu.Unlock()
	if !told && c.OnCorrupt != nil {
		c.OnCorrupt(path, why)
	}
}

// Corrupt is how many files of the cache could not be read back so far.
func (c *Cache) Corrupt() int {
	if c.off() {
		return 0
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.corrupt)
}

// Put keeps rec for these readers, and lets go of the least recently used
// records if all together are over the bound. Its error costs nothing but time
// in the next run.
func (c *Cache) Put(rec *Record, readers []Reader) error {
	if c.off() {
		return nil
	}
	path, err := c.path(rec.DiffID, readers)
	if err != nil {
		return fmt.Errorf("keep layer record: %w", err)
	}
	b, err := encodeRecord(rec)
	if err == nil {
		err = c.replace(path, b)
	}
	if err == nil {
		err = c.evict(path)
	}
	if err != nil {
		return fmt.Errorf("keep layer record %s: %w", rec.DiffID, err)
	}
	return nil
}

// replace writes a file as a whole or not at all: nobody ever sees half of it.
func (c *Cache) replace(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, tempPrefix)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// evict removes the least recently used records until the others are within
// the bound, never the one at kept, and what writers that died left behind.
// Another process may be doing the same: what is gone is gone.
func (c *Cache) evict(kept string) error {
	dir := filepath.Dir(kept)
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var total int64
	infos := make([]fs.FileInfo, 0, len(list))
	for _, d := range list {
		info, err := d.Info()
		if err != nil {
			continue
		}
		switch {
		case strings.HasPrefix(info.Name(), tempPrefix):
			if c.now().Sub(info.ModTime()) > tempAge {
				_ = os.Remove(filepath.Join(dir, info.Name()))
			}
		case strings.HasSuffix(info.Name(), recordExt):
			total += info.Size()
			infos = append(infos, info)
		}
	}
	most := cmp.Or(c.MaxBytes, 1<<30)
	if total <= most {
		return nil
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int {
		return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
	})
	for _, info := range infos {
		if total <= most {
			break
		}
		if info.Name() == filepath.Base(kept) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, info.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		total -= info.Size()
	}
	return nil
}
