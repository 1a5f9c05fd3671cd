package layer

// Cache keeps records by (diffID, reader versions) in a directory. It is safe
// for concurrent use by many processes. The zero Cache keeps nothing.
type Cache struct {
	Dir      string // $XDG_CACHE_HOME/drydock
	MaxBytes int64  // 0: 1 GiB; the least recently used records go first
}
