package cache

import (
	"cmp"
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

	"github.com/drydock-dev/drydock/internal/disk"
)

// Cache keeps values in a folder. It is safe for concurrent use, by many
// processes too. A nil Cache and one without a Dir keep nothing.
type Cache struct {
	Dir      string // $XDG_CACHE_HOME/drydock
	User     disk.User
	MaxBytes int64 // 0: 1 GiB; the least recently used values go first

	// OnCorrupt is told, once per file, of what could not be read back. It is
	// thrown away and counts as not there.
	OnCorrupt func(path string, err error)
	Now       func() time.Time // nil: time.Now

	mu      sync.Mutex
	corrupt map[string]bool
	total   int64     // of the values, as last listed, and of what was put since; 0: not listed yet
	lines   []byte    // of what was verified, as last read; never written to
	linesOf time.Time // when the file that they are of was changed

	unpackers sync.Pool // of *unpacker
}

const (
	valueDir = "values"
	valueExt = ".value"
	// touchAge is how old a value's last use may be before it is marked anew.
	touchAge = 10 * time.Minute
	// maxValue limits the compressed bytes of a value that the cache keeps.
	maxValue = 1 << 30
	// maxSpare limits the bytes of memory that reading one cached value leaves to the next.
	maxSpare = 32 << 20
)

func (c *Cache) off() bool { return c == nil || c.Dir == "" }

func (c *Cache) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// load reads a value's file, into b's memory if there is enough of it, and
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
	if !info.Mode().IsRegular() || info.Size() > maxValue {
		return nil, fmt.Errorf("no value: %s of %d bytes", info.Mode(), info.Size())
	}
	b = slices.Grow(b[:0], int(info.Size()))[:info.Size()]
	if _, err := io.ReadFull(f, b); err != nil {
		return nil, fmt.Errorf("cut short: %w", errShort)
	}
	if now := c.now(); now.Sub(info.ModTime()) > touchAge {
		_ = os.Chtimes(path, now, now) // a cache that is read only forgets no use of it
	}
	return b, nil
}

var errShort = errors.New("ends too early")

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

// write puts a value's file in place, and makes room for it.
func (c *Cache) write(path string, b []byte) error {
	if err := c.User.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	if err := disk.WriteFile(path, b, c.options()); err != nil {
		return err
	}
	c.mu.Lock()
	known := c.total > 0
	c.total += int64(len(b))
	full := c.total > c.most()
	c.mu.Unlock()
	if known && !full {
		return nil
	}
	return c.evict(path)
}

// options are for files that have a checksum: what is lost with the power is
// found damaged, and made anew.
func (c *Cache) options() disk.Options {
	return disk.Options{Mode: 0o600, Exact: true, Volatile: true, User: c.User}
}

func (c *Cache) most() int64 { return cmp.Or(c.MaxBytes, 1<<30) }

// evict removes the least recently used values until the others are within the
// bound, never the one at kept, and what writers that died left behind. Another
// process may be doing the same: what is gone is gone.
func (c *Cache) evict(kept string) error {
	dir := filepath.Dir(kept)
	disk.Sweep(dir, "")
	list, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var total int64
	infos := make([]fs.FileInfo, 0, len(list))
	for _, d := range list {
		if info, err := d.Info(); err == nil && strings.HasSuffix(info.Name(), valueExt) {
			total += info.Size()
			infos = append(infos, info)
		}
	}
	if total > c.most() {
		slices.SortFunc(infos, func(a, b fs.FileInfo) int {
			return cmp.Or(a.ModTime().Compare(b.ModTime()), strings.Compare(a.Name(), b.Name()))
		})
		for _, info := range infos {
			if total <= c.most() {
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
	}
	c.mu.Lock()
	c.total = total
	c.mu.Unlock()
	return nil
}
