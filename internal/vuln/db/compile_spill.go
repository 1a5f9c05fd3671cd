package db

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// How much of a compilation is in memory.
const (
	spillHeld   = 2 << 20   // bytes of a spill before it has a file
	spillChunk  = 256 << 10 // and of what goes to the file at one go
	spillWindow = 32 << 10  // of what is read back by one reader
	heldFacts   = 8 << 20   // of facts that are not sorted yet
)

// spill is bytes that are written once and read again: in memory while they are few,
// else in a file without a name.
type spill struct {
	dir   string
	file  *os.File
	filed int64  // bytes in the file
	rest  []byte // what comes after them
}

// section is a part of a spill.
type section struct{ at, size int64 }

func (s *spill) size() int64 { return s.filed + int64(len(s.rest)) }

// since is the section from a place to the end.
func (s *spill) since(at int64) section { return section{at, s.size() - at} }

// Write appends.
func (s *spill) Write(p []byte) (int, error) {
	s.rest = append(s.rest, p...)
	if len(s.rest) < spillChunk || s.file == nil && len(s.rest) < spillHeld {
		return len(p), nil
	}
	if s.file == nil {
		f, err := ledger.Unnamed(s.dir)
		if err != nil {
			return 0, fmt.Errorf("set facts aside: %w", err)
		}
		s.file = f
	}
	n, err := s.file.Write(s.rest)
	s.filed += int64(n)
	if err != nil {
		return 0, fmt.Errorf("set facts aside: %w", err)
	}
	s.rest = s.rest[:0]
	return len(p), nil
}

// entry appends bytes that are read back as one.
func (s *spill) entry(b []byte) error {
	var head [binary.MaxVarintLen64]byte
	if _, err := s.Write(head[:binary.PutUvarint(head[:], uint64(len(b)))]); err != nil {
		return err
	}
	_, err := s.Write(b)
	return err
}

// ReadAt reads what was written.
func (s *spill) ReadAt(p []byte, at int64) (n int, err error) {
	if at < s.filed {
		n, err = s.file.ReadAt(p[:min(int64(len(p)), s.filed-at)], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return n, fmt.Errorf("read facts set aside: %w", err)
		}
	}
	if rest := at + int64(n) - s.filed; n < len(p) && rest >= 0 && rest < int64(len(s.rest)) {
		n += copy(p[n:], s.rest[rest:])
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (s *spill) close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// entries reads the entries of a section.
func (s *spill) entries(of section) *entries {
	return &entries{in: bufio.NewReaderSize(io.NewSectionReader(s, of.at, of.size), int(min(spillWindow, of.size+16)))}
}

type entries struct {
	in *bufio.Reader
	b  []byte
}

// next is the next entry, good until the one after; io.EOF after the last.
func (e *entries) next() (*reader, error) {
	n, err := binary.ReadUvarint(e.in)
	if err != nil {
		return nil, err
	}
	if n > maxWork {
		return nil, fmt.Errorf("facts set aside: an entry of %d bytes", n)
	}
	e.b = slices.Grow(e.b[:0], int(n))[:n]
	if _, err := io.ReadFull(e.in, e.b); err != nil {
		return nil, fmt.Errorf("read facts set aside: %w", err)
	}
	return &reader{s: text(e.b)}, nil
}
