package upgrade

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

// maxFile bounds a file that is edited, in bytes: the largest lock files are a
// few megabytes.
const maxFile = 32 << 20

// file is one file of the folder as it was read.
type file struct {
	path   string // relative to the folder
	name   string // as findings and edits call it
	b      []byte
	digest finding.Digest
	err    error
}

// open reads a file of the folder, once.
func (p *planner) open(name string) (*file, error) {
	if f := p.files[name]; f != nil {
		return f, f.err
	}
	f := &file{path: name, name: path.Join(p.root(), name)}
	f.b, f.err = readFile(p.dir.FS, name)
	f.digest = finding.DigestOf(f.b)
	p.files[name] = f
	return f, f.err
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
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

// edit replaces bytes of f; what both texts begin and end with is left out.
func (f *file) edit(start, end int, text string) finding.Edit {
	for start < end && text != "" && f.b[start] == text[0] {
		start, text = start+1, text[1:]
	}
	for start < end && text != "" && f.b[end-1] == text[len(text)-1] {
		end, text = end-1, text[:len(text)-1]
	}
	return finding.Edit{File: f.name, Base: f.digest, Start: start, End: end, New: text}
}

// trimBOM is a text without the byte order mark before it.
func trimBOM(b []byte) []byte { return bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) }

// eol is the line end of the file, by its first line.
func (f *file) eol() string {
	if i := bytes.IndexByte(f.b, '\n'); i > 0 && f.b[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// lines replaces whole lines. Unlike edit, it keeps to their ends: an insertion
// stays where it is said to be.
func (f *file) lines(start, end int, text string) finding.Edit {
	return finding.Edit{File: f.name, Base: f.digest, Start: start, End: end, New: text}
}

// lineEnd is the offset after the line end that follows an offset, or the file's.
func (f *file) lineEnd(at int) int {
	if i := bytes.IndexByte(f.b[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(f.b)
}

// lineStart is the offset of the line's start that holds the offset.
func (f *file) lineStart(at int) int { return bytes.LastIndexByte(f.b[:at], '\n') + 1 }

// indent is the white space that the line of the offset starts with.
func (f *file) indent(at int) string {
	line := f.b[f.lineStart(at):at]
	return string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
}

// applied is a file's text after edits of it.
func applied(text []byte, edits []finding.Edit) []byte {
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

// sortEdits orders edits by file and place.
func sortEdits(edits []finding.Edit) {
	sorting.By(edits, func(a, b finding.Edit) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End))
	})
}

// joinEdits makes one edit of those that touch, so that no order of applying
// them matters. It returns false if two overlap.
func joinEdits(edits []finding.Edit) ([]finding.Edit, bool) {
	sortEdits(edits)
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
