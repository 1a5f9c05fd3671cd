package db

import (
	"errors"
	"fmt"
)

// The file, all numbers little-endian or unsigned varints:
//
//	 0  magic, 8 bytes
//	 8  version of the format, uint32
//	12  length of the index, uint32
//	16  length of the file, uint64
//	24  xxHash-64 of the index, uint64
//	32  SHA-256 of everything from byte 64 on
//	64  the index: sources, words, and for each table its blocks
//	 …  the blocks, one after the other, each a zstd frame
//
// The index says of each block its compressed and plain length and the xxHash-64
// of the compressed bytes. It is the only thing that opening reads.
const (
	magic         = "drydkADB"
	formatVersion = 4
	oldestVersion = 2 // that is still read: 3 adds the modules of records, 4 the sources of binary packages
	headerSize    = 64
)

// Limits that the reader holds every file to. The writer stays below them by an
// order of magnitude or refuses.
const (
	// maxFile limits the bytes of a database that is read into memory.
	maxFile = 1 << 30
	// maxIndex limits the bytes of a database's index.
	maxIndex = 16 << 20
	// maxBlock limits the uncompressed bytes of a database's block.
	maxBlock     = 8 << 20
	maxTableRows = 4096    // rows of a table block
	maxPackages  = 1 << 16 // packages of a block
	maxRows      = 1 << 18 // advisories of one package
	// maxWork limits the bytes that the advisories of one package and release may take.
	maxWork       = 256 << 20
	maxWords      = 1 << 16
	maxReleases   = 1 << 10
	maxString     = 1 << 16
	tableRows     = 1024 // rows of a block of records, which a look-up takes many of
	metaRows      = 256  // of a block of vulnerabilities, of which it mostly takes one
	packageTarget = 192 << 10
)

// ErrCorrupt matches every error about a database whose bytes are not what was
// written.
var ErrCorrupt = errors.New("the advisory database is damaged")

// CorruptError says where a database is damaged.
type CorruptError struct {
	Path string // "" for the embedded one
	What string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s: %s%s", ErrCorrupt, at(e.Path), e.What)
}

func at(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

// Is makes every CorruptError match [ErrCorrupt].
func (e *CorruptError) Is(target error) bool { return target == ErrCorrupt }

// Hint says what to do.
func (e *CorruptError) Hint() string {
	return "drydock db update fetches it anew; nothing but fetched data is in it"
}

// VersionError is a database that another version of drydock wrote.
type VersionError struct {
	Path       string
	Have, Want uint32
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("advisory database %sformat %d, and this program reads format %d", at(e.Path), e.Have, e.Want)
}

// Hint says what to do.
func (e *VersionError) Hint() string {
	if e.Have > e.Want {
		return "a newer drydock wrote it: use that one, or drydock db update to write it anew"
	}
	return "drydock db update writes it anew"
}

// Recognise reports whether a file that begins so is an advisory database.
func Recognise(head [8]byte) bool { return string(head[:]) == magic }
