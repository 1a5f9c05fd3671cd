package layer

import (
	"context"
	"errors"
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
	Path string // slash-separated, relative to the root, cleaned, never climbing: "usr/bin/env"; "." only for an Opaque root
	Kind Kind
	Mode fs.FileMode // permission, setuid, setgid and sticky bits; no type bits
	UID  int
	GID  int
	Size int64  // of a regular file's content, bytes
	Link string // a link's target: as written for a symlink, cleaned like Path for a hard link
	Hash uint64 // xxHash64 of a regular file's content; 0 for an empty or unread one (see [Walk], [Limits])
}

// Analyzer is something that wants some of a layer's files. It is a value: its
// cost is declared beside its code.
type Analyzer struct {
	Name    string // stable: part of the cache key
	Version int    // raised whenever Read would answer otherwise for the same bytes
	// Limit is how many bytes of a file Read is given: 0 for none (its
	// presence is enough), at most MaxBuffer, or Stream for all of it unbuffered.
	Limit int64
	// Wants reports whether Read is to see the file. It is called for every
	// regular file and symlink (size 0, mode with fs.ModeSymlink); it must be
	// fast, and answer alike for the same arguments: it may be asked twice. A
	// hard link is offered when its target was not wanted under its own name.
	Wants func(path string, mode fs.FileMode, size int64) bool
	// Read returns what it learned, in a form of its own, or nil for nothing.
	// An error is recorded as a fact of the file that could not be read and
	// does not end the pass. Several files may be read at the same time.
	Read func(ctx context.Context, f Input) ([]byte, error)
}

// MaxBuffer is the most that an analyzer may have buffered of one file, and
// Stream the limit of one that takes whole files as they pass by.
const (
	// MaxBuffer limits the bytes of a file that an analyzer may have buffered.
	MaxBuffer       = 10 << 20
	Stream    int64 = -1
)

// Input is one file as an analyzer sees it. Body ends after the analyzer's limit
// and is valid until Read returns; it need not be read to its end. With a
// limit of zero or more it is a *bytes.Reader, for those who want to seek.
type Input struct {
	Path string
	Mode fs.FileMode
	Size int64  // of the whole file, bytes
	Link string // a symlink's target
	Body io.Reader
}

// Truncated reports whether the analyzer's limit cut the file short.
func (f Input) Truncated(limit int64) bool { return limit >= 0 && f.Size > limit }

// Fact is what one analyzer learned of one file. Analyzer is empty where it was
// the pass itself that could not read what it should have (see [Walk]).
type Fact struct {
	Analyzer string
	Path     string
	Data     []byte
	Err      string // why the file could not be read; Data is then nil
}

// Record is all that is known of a layer once it has been read. Entries are
// in the order of [ComparePaths], at most one Whiteout or Opaque and one of the other kinds a
// path; Facts are sorted by Analyzer and Path. A record out of a cache may have
// been read from the same tar in another compression: then Blob and Compressed
// are that one's.
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

// Limits bounds a pass. A zero field is the default. What goes over a limit is
// refused with an [*Error] that wraps [ErrLimit].
//
// Two more bounds are no refusal: of a sparse file's holes at most 1 GiB a
// layer are expanded, and a sparse file over that keeps Hash 0, with a fact
// that says so for each analyzer that wanted it; its Size is cut at Bytes.
type Limits struct {
	Bytes int64 // uncompressed, and stored, bytes of a layer: 64 GiB
	Files int   // entries of a layer: 5,000,000
	Path  int   // bytes of a path or a link's target: 4096
	Ratio int64 // uncompressed to compressed, once past 256 MiB: 1100, just above what gzip can do
	Names int64 // bytes of all paths and link targets: 512 MiB
	Facts int64 // bytes of all facts: 256 MiB
}

// ErrLimit is wrapped by the error of a layer that goes over a limit.
var ErrLimit = errors.New("over the limit")

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
