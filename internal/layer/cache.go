package layer

import "time"

// Cache keeps records by (diffID, reader versions) in a directory. It is safe
// for concurrent use by many processes. A nil or zero Cache keeps nothing.
type Cache struct {
	Dir      string // $XDG_CACHE_HOME/drydock
	MaxBytes int64  // 0: 1 GiB; the least recently used records go first

	// OnCorrupt is told, once an entry, of what could not be read back and was
	// thrown away.
	OnCorrupt func(path string, err error)
	Now       func() time.Time // nil: time.Now
}

// Get is the record kept for diffID as these readers read it.
func (c *Cache) Get(diffID Digest, readers []Reader) (*Record, bool) { return nil, false }

// Put keeps rec for these readers.
func (c *Cache) Put(rec *Record, readers []Reader) error { return nil }

// Verified is the digest that was remembered for the bytes that key names.
func (c *Cache) Verified(key string) (Digest, bool) { return "", false }

// Remember keeps the digest of the bytes that key names.
func (c *Cache) Remember(key string, d Digest) error { return nil }
