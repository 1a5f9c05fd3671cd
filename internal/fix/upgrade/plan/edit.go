package plan

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// maxFile limits the bytes of a manifest or lock file in which a fix raises dependencies. The
// largest lock files are a few megabytes.
const maxFile = 32 << 20

// File is one file of the folder as it was read.
type File struct {
	Path   string // relative to the folder
	Name   string // as findings and edits call it
	B      []byte
	Digest finding.Digest
	Err    error
}

// Open reads a file of the folder, once.
func (p *Planner) Open(name string) (*File, error) {
	if f := p.Files[name]; f != nil {
		return f, f.Err
	}
	f := &File{Path: name, Name: path.Join(p.root(), name)}
	f.B, f.Err = ReadFile(p.Dir.FS, name)
	f.Digest = finding.DigestOf(f.B)
	p.Files[name] = f
	return f, f.Err
}

// ReadFile is a file's text; one that is over the limit or not text is an error.
func ReadFile(fsys fs.FS, name string) ([]byte, error) {
	r, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // read only
	info, err := r.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a regular file", name)
	}
	b, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s: over the limit of %d bytes", name, maxFile)
	}
	if err == nil && bytes.IndexByte(b, 0) >= 0 {
		err = fmt.Errorf("%s: %w", name, errors.New("not text: it holds a zero byte"))
	}
	return b, err
}

// Edit replaces bytes of f; what both texts begin and end with is left out.
func (f *File) Edit(start, end int, text string) finding.Edit {
	for start < end && text != "" && f.B[start] == text[0] {
		start, text = start+1, text[1:]
	}
	for start < end && text != "" && f.B[end-1] == text[len(text)-1] {
		end, text = end-1, text[:len(text)-1]
	}
	return finding.Edit{File: f.Name, Base: f.Digest, Start: start, End: end, New: text}
}

// TrimBOM is a text without the byte order mark before it.
func TrimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// Eol is the line end of the file, by its first line.
func (f *File) Eol() string {
	if i := bytes.IndexByte(f.B, '\n'); i > 0 && f.B[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// Lines replaces whole lines. Unlike edit, it keeps to their ends: an insertion
// stays where it is said to be.
func (f *File) Lines(start, end int, text string) finding.Edit {
	return finding.Edit{File: f.Name, Base: f.Digest, Start: start, End: end, New: text}
}

// LineEnd is the offset after the line end that follows an offset, or the file's.
func (f *File) LineEnd(at int) int {
	if i := bytes.IndexByte(f.B[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(f.B)
}

// LineStart is the offset of the line's start that holds the offset.
func (f *File) LineStart(at int) int { return bytes.LastIndexByte(f.B[:at], '\n') + 1 }

// Indent is the white space that the line of the offset starts with.
func (f *File) Indent(at int) string {
	line := f.B[f.LineStart(at):at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// Applied is a file's text after edits of it.
func Applied(text []byte, edits []finding.Edit) []byte {
	edits = slices.Clone(edits)
	sorting.By(edits, func(a, b finding.Edit) int { return cmp.Compare(a.Start, b.Start) })
	var b []byte
	at := 0
	for _, e := range edits {
		b = append(append(b, text[at:e.Start]...), e.New...)
		at = e.End
	}
	return append(b, text[at:]...)
}

// SortEdits orders edits by file and place.
func SortEdits(edits []finding.Edit) {
	sorting.By(edits, func(a, b finding.Edit) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
}

// JoinEdits makes one edit of those that touch, so that no order of applying
// them matters. It returns false if two overlap.
func JoinEdits(edits []finding.Edit) ([]finding.Edit, bool) {
	SortEdits(edits)
	out := edits[:0:0]
	for _, e := range edits {
		if n := len(out); n > 0 && out[n-1].File == e.File {
			last := &out[n-1]
			if e == *last {
				continue
			}
			if e.Start < last.End {
				return nil, false
			}
			if e.Start == last.End {
				last.End, last.New = e.End, last.New+e.New
				continue
			}
		}
		out = append(out, e)
	}
	return out, true
}

// touch reports whether edits of two upgrades meet.
func touch(a, b []finding.Edit) bool {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		x, y := a[i], b[j]
		switch {
		case x.File < y.File || x.File == y.File && x.End < y.Start:
			i++
		case y.File < x.File || x.File == y.File && y.End < x.Start:
			j++
		default:
			return true
		}
	}
	return false
}
