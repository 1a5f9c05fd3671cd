package catalog

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"github.com/drydock-dev/drydock/internal/layer"
)

// binary reads executables and shared objects, once and as they stream by, for
// all that they say of themselves: Go's build information, Rust's audit
// section, and the version strings of programs that came without a package.
func binary() Cataloger {
	return Cataloger{
		Name:    "binary",
		Version: 5,
		Limit:   layer.Stream,
		Wants:   wantsBinary,
		Read:    packagesOf(learnBinary),
		learn:   learnBinary,
	}
}

// wantsBinary goes by mode and name: what the file really is shows in its
// first bytes. A file without an extension may be a program that lost its
// mode on the way into the image.
func wantsBinary(p string, mode fs.FileMode, size int64) bool {
	if !mode.IsRegular() || size < 128 {
		return false
	}
	base := p[strings.LastIndexByte(p, '/')+1:]
	dot := strings.LastIndexByte(base, '.')
	if mode&0o111 == 0 {
		return dot < 0 && size > 64<<10 || strings.HasSuffix(base, ".so") || strings.Contains(base, ".so.") || strings.HasSuffix(base, ".exe")
	}
	if dot > 0 {
		switch base[dot+1:] {
		case "sh", "py", "pl", "rb", "js", "mjs", "cjs", "ts", "json", "txt", "md", "html", "css", "map", "xml", "yml", "yaml", "jar", "class", "png", "svg", "gz", "h", "c", "php":
			return false
		}
	}
	return true
}

// A chunk is what is looked at at a time. Something found is looked at with
// before bytes of context on its left and after on its right, so that much of
// a chunk is carried over to the next.
const (
	chunk  = 256 << 10
	before = 128
	after  = 2 << 10
)

var chunks = sync.Pool{New: func() any { return new([chunk]byte) }}

// view is a part of a file: the bytes in which a finder looks.
type view struct {
	b      []byte
	lo, hi int   // what a finder finds starts in [lo, hi); the rest is context
	off    int64 // of b in the file
	last   bool  // b ends with the file
}

// find yields the places of anchor within [lo, hi).
func (v view) find(anchor []byte) func(func(int) bool) {
	return func(yield func(int) bool) {
		for at := v.lo; at < v.hi; at++ {
			i := bytes.Index(v.b[at:min(v.hi+len(anchor)-1, len(v.b))], anchor)
			if i < 0 {
				return
			}
			at += i
			if !yield(at) {
				return
			}
		}
	}
}

// finder looks for one thing in a file's successive views.
type finder interface {
	look(v view)
	facts(p string) (facts, error)
}

func learnBinary(ctx context.Context, f layer.Input) (facts, error) {
	buf := chunks.Get().(*[chunk]byte)
	defer chunks.Put(buf)
	have, err := io.ReadAtLeast(f.Body, buf[:4<<10], minExecutable)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return facts{}, nil
	}
	if err != nil {
		return facts{}, err
	}
	kind := executable(buf[:have])
	if kind == "" {
		return facts{}, nil
	}
	finders := append(findPrograms(path.Base(f.Path)), &goFinder{elf: kind == "elf"}, &rustFinder{})
	v := view{}
	for {
		n, err := io.ReadFull(f.Body, buf[have:])
		have += n
		v.last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !v.last {
			return facts{}, err
		}
		if err := ctx.Err(); err != nil {
			return facts{}, err
		}
		v.b = buf[:have]
		v.hi = have
		if !v.last {
			v.hi = max(v.lo, have-after)
		}
		for _, fd := range finders {
			fd.look(v)
		}
		if v.last {
			break
		}
		from := max(0, v.hi-before)
		v.off += int64(from)
		v.lo = v.hi - from
		have = copy(buf[:], v.b[from:])
	}
	var all facts
	var errs []error
	for _, fd := range finders {
		got, err := fd.facts(f.Path)
		all.graph = all.graph.with(got.graph, len(all.packages))
		all.packages = append(all.packages, got.packages...)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// minExecutable is less than any executable has.
const minExecutable = 64

// executable tells the format from the first minExecutable bytes; "" for none.
func executable(b []byte) string {
	switch string(b[:4]) {
	case "\x7fELF":
		return "elf"
	case "\xfe\xed\xfa\xce", "\xfe\xed\xfa\xcf", "\xce\xfa\xed\xfe", "\xcf\xfa\xed\xfe":
		return "macho"
	case "\xca\xfe\xba\xbe": // a Java class too, whose next bytes are its version
		if b[4] == 0 && b[5] == 0 && b[6] == 0 && b[7] < 0x20 {
			return "macho"
		}
	}
	if b[0] == 'M' && b[1] == 'Z' {
		return "pe"
	}
	return ""
}

// capture gathers a piece of a file that may be longer than a view.
type capture struct {
	start int64 // in the file
	data  []byte
	limit int
}

// begin starts gathering at v.b[i].
func (c *capture) begin(v view, i, limit int) {
	c.start, c.limit = v.off+int64(i), limit
	c.data = append([]byte(nil), v.b[i:min(len(v.b), i+limit)]...)
}

// more takes what v adds to the piece.
func (c *capture) more(v view) {
	from := c.start + int64(len(c.data)) - v.off // where the piece continues in v
	if from < 0 || from >= int64(len(v.b)) {
		return
	}
	rest := v.b[from:]
	c.data = append(c.data, rest[:min(len(rest), c.limit-len(c.data))]...)
}
