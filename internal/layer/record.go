package layer

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Digest is an OCI content digest.
type Digest = finding.Digest

// Kind says what an entry is.
type Kind uint8

// The kinds of entry. A Whiteout removes Path from the layers below, an Opaque
// removes everything below the directory Path in them.
const (
	File Kind = iota
	Dir
	Symlink
	Hardlink
	Device
	Fifo
	Whiteout
	Opaque
)

// Entry is one path of one layer, as the layer leaves it: of entries with the
// same path, the last.
type Entry struct {
	Path string // slash-separated, relative to the root, cleaned, never climbing: "usr/bin/env"
	Kind Kind
	Mode fs.FileMode // permission, setuid, setgid and sticky bits; no type bits
	UID  int
	GID  int
	Size int64  // of a regular file's content, bytes
	Link string // a link's target: as written for a symlink, cleaned like Path for a hard link
	Hash uint64 // xxHash64 of a regular file's content; 0 for an empty or unread one
}

// Reader is something that wants some of a layer's files. It is a value: its
// cost is declared beside its code.
type Reader struct {
	Name    string // stable: part of the cache key
	Version int    // raised whenever Read would answer otherwise for the same bytes
	// Limit is how many bytes of a file Read is given: 0 for none (its
	// presence is enough), at most MaxBuffer, or Stream for all of it unbuffered.
	Limit int64
	// Wants says whether Read is to see the file. It is called for every
	// regular file and symlink (size 0, mode with fs.ModeSymlink); it must be fast.
	Wants func(path string, mode fs.FileMode, size int64) bool
	// Read returns what it learned, in a form of its own, or nil for nothing.
	// An error is recorded as a fact of the file that could not be read and
	// does not end the pass. Several files may be read at the same time.
	Read func(ctx context.Context, f Input) ([]byte, error)
}

// MaxBuffer is the most that a reader may have buffered of one file, and
// Stream the limit of one that takes whole files as they pass by.
const (
	MaxBuffer       = 10 << 20
	Stream    int64 = -1
)

// Input is one file as a reader sees it. Body ends after the reader's limit
// and is valid until Read returns; it need not be read to its end.
type Input struct {
	Path string
	Mode fs.FileMode
	Size int64  // of the whole file, bytes
	Link string // a symlink's target
	Body io.Reader
}

// Truncated says whether the reader's limit cut the file short.
func (f Input) Truncated(limit int64) bool { return limit >= 0 && f.Size > limit }

// Fact is what one reader learned of one file.
type Fact struct {
	Reader string
	Path   string
	Data   []byte
	Err    string // why the file could not be read; Data is then nil
}

// Record is all that is known of a layer once it has been read.
type Record struct {
	DiffID     Digest // of the uncompressed tar
	Blob       Digest // of the bytes as stored; equal to DiffID for a plain tar
	Compressed int64  // size as stored, bytes
	Size       int64  // size of the uncompressed tar, bytes
	Entries    []Entry
	Facts      []Fact
}

// Want is what is already known of a layer: a digest that is not empty is
// verified, and a mismatch is an error.
type Want struct {
	Name   string // for messages: "layer 3"
	Blob   Digest
	DiffID Digest
}

// Limits bounds a pass. A zero field is the default.
type Limits struct {
	Bytes int64 // uncompressed bytes of a layer: 64 GiB
	Files int   // entries of a layer: 5,000,000
	Path  int   // bytes of a path: 4096
	Ratio int64 // uncompressed to compressed, once past 256 MiB: 1100, just above what gzip can do
}

// Error is a refused or damaged layer, with the place.
type Error struct {
	Layer  string // as in Want.Name, or the digest
	Path   string // the entry, if it got that far
	Offset int64  // in the uncompressed tar, bytes
	Err    error
}

func (e *Error) Error() string {
	where := e.Layer
	if e.Path != "" {
		where += fmt.Sprintf(": %q", e.Path)
	}
	return fmt.Sprintf("%s (at byte %d): %v", where, e.Offset, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// MismatchError is content that is not what its digest says.
type MismatchError struct {
	What      string // "blob" or "diffID"
	Want, Got Digest
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("%s mismatch: expected %s, content is %s", e.What, e.Want, e.Got)
}
