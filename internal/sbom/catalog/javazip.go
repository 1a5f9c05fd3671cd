package catalog

import (
	"bufio"
	"bytes"
	stdbinary "encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
)

// javaBudget bounds the work that one archive, with all that is nested in it,
// may cause.
type javaBudget struct {
	entries int
	spent   int64        // bytes inflated
	source  *javaCounter // of the outermost archive: what the work is measured against
}

// Limits of one archive, nested ones included.
const (
	javaDepth    = 6              // archives within archives, the outermost counted
	javaEntries  = 1_000_000      // entries
	javaInflated = 8 << 30        // bytes inflated
	javaGrace    = int64(1) << 28 // bytes inflated before the ratio counts
	javaRatio    = 100            // inflated to read
	javaPrefix   = 4 << 20        // bytes before the first entry, as in an executable jar
	javaNameMax  = 4096           // bytes of an entry's name
)

var (
	errJavaEnd       = errors.New("the archive ends in mid-entry")
	errJavaEncrypted = errors.New("encrypted")
	errJavaNotZip    = errors.New("not a zip archive")
)

func (b *javaBudget) entry() error {
	if b.entries++; b.entries > javaEntries {
		return fmt.Errorf("more than %d entries", javaEntries)
	}
	return nil
}

func (b *javaBudget) inflate(n int) error {
	b.spent += int64(n)
	switch {
	case b.spent > javaInflated:
		return fmt.Errorf("inflates to more than %d bytes", int64(javaInflated))
	case b.spent > javaGrace && b.spent/javaRatio > b.source.n:
		return fmt.Errorf("inflates to more than %d times its size", javaRatio)
	}
	return nil
}

// javaCounter counts what has been read.
type javaCounter struct {
	r io.Reader
	n int64
}

func (c *javaCounter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// javaZip reads a zip archive (APPNOTE 6.3.10) as a stream, by its local file
// headers, in constant memory: the central directory comes too late for one
// pass. Entries of unknown length, as the jar tool writes them, end where
// their deflate stream does.
type javaZip struct {
	src    *javaCounter
	br     *bufio.Reader
	budget *javaBudget
	fl     io.ReadCloser // reused
	cur    *javaEntry
	done   bool
	name   []byte // reused
}

// javaEntry is one entry; its content is read from the archive in passing.
type javaEntry struct {
	name         string
	flags        uint16
	method       uint16
	size, packed int64 // as the header says; -1: told after the data
	start        int64 // of the data in the archive
	plain        int64 // bytes inflated
	r            io.Reader
	known        *io.LimitedReader // of the packed bytes, if their number is known
	wide         bool              // a ZIP64 extra field is there
}

func newJavaZip(r io.Reader, b *javaBudget) *javaZip {
	z := &javaZip{br: bufio.NewReaderSize(nil, 32<<10)}
	z.reset(r, b)
	return z
}

// reset starts on another archive with the same buffers.
func (z *javaZip) reset(r io.Reader, b *javaBudget) {
	c := &javaCounter{r: r}
	if b.source == nil {
		b.source = c
	}
	z.br.Reset(c)
	*z = javaZip{src: c, br: z.br, budget: b, fl: z.fl, name: z.name}
}

// offset is how far into the archive the reader is.
func (z *javaZip) offset() int64 { return z.src.n - int64(z.br.Buffered()) }

const (
	javaSigLocal   = "PK\x03\x04"
	javaSigCentral = "PK\x01\x02"
	javaSigEnd     = "PK\x05\x06"
	javaSigEnd64   = "PK\x06\x06"
	javaSigExtra   = "PK\x06\x08" // archive extra data record
	javaSigSpan    = "PK\x07\x08"
)

// start finds the first entry, behind whatever stands before the archive.
func (z *javaZip) start() error {
	for passed := 0; passed <= javaPrefix; {
		b, err := z.br.Peek(z.br.Size())
		for i := 0; ; {
			k := bytes.Index(b[i:], []byte("PK"))
			if k < 0 || i+k+4 > len(b) {
				break
			}
			i += k
			if sig := string(b[i : i+4]); sig == javaSigLocal || sig == javaSigEnd && passed+i == 0 {
				_, err := z.br.Discard(i)
				return err
			}
			i++
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = errJavaNotZip
			}
			return err
		}
		n, _ := z.br.Discard(len(b) - 3)
		passed += n
	}
	return fmt.Errorf("%w: no entry in the first %d bytes", errJavaNotZip, javaPrefix)
}

// next goes to the next entry, past what is unread of this one. It returns
// io.EOF at the central directory; without one the archive was cut off.
func (z *javaZip) next() (*javaEntry, error) {
	if z.done {
		return nil, io.EOF
	}
	if z.cur == nil && z.offset() == 0 {
		if err := z.start(); err != nil {
			return nil, err
		}
	}
	if err := z.finish(); err != nil {
		return nil, err
	}
	sig, err := z.br.Peek(4)
	if err != nil {
		return nil, javaCut(err)
	}
	switch string(sig) {
	case javaSigLocal:
	case javaSigCentral, javaSigEnd, javaSigEnd64, javaSigExtra:
		z.done = true
		return nil, io.EOF
	default:
		return nil, fmt.Errorf("no entry at byte %d", z.offset())
	}
	if err := z.budget.entry(); err != nil {
		return nil, err
	}
	e, err := z.header()
	if err != nil {
		return nil, err
	}
	z.cur = e
	return e, nil
}

// header reads a local file header (APPNOTE 4.3.7).
func (z *javaZip) header() (*javaEntry, error) {
	var h [30]byte
	if _, err := io.ReadFull(z.br, h[:]); err != nil {
		return nil, javaCut(err)
	}
	le := stdbinary.LittleEndian
	e := &javaEntry{
		flags: le.Uint16(h[6:]), method: le.Uint16(h[8:]),
		packed: int64(le.Uint32(h[18:])), size: int64(le.Uint32(h[22:])),
	}
	nameLen, extraLen := int(le.Uint16(h[26:])), int(le.Uint16(h[28:]))
	if nameLen > javaNameMax {
		return nil, fmt.Errorf("an entry's name is %d bytes, over the limit of %d", nameLen, javaNameMax)
	}
	z.name = append(z.name[:0], make([]byte, nameLen)...)
	if _, err := io.ReadFull(z.br, z.name); err != nil {
		return nil, javaCut(err)
	}
	e.name = string(z.name)
	if err := z.extra(e, extraLen); err != nil {
		return nil, err
	}
	if e.flags&8 != 0 && e.packed == 0 { // lengths follow the data
		e.packed, e.size = -1, -1
	}
	e.start = z.offset()
	return e, nil
}

// extra reads the extra fields for ZIP64's lengths (APPNOTE 4.5.3).
func (z *javaZip) extra(e *javaEntry, n int) error {
	le := stdbinary.LittleEndian
	for n > 0 {
		if n < 4 { // padding, as zipalign leaves it
			_, err := z.br.Discard(n)
			return javaCut(err)
		}
		var h [4]byte
		if _, err := io.ReadFull(z.br, h[:]); err != nil {
			return javaCut(err)
		}
		n -= 4
		id, size := le.Uint16(h[:]), min(int(le.Uint16(h[2:])), n)
		n -= size
		if id == 1 {
			e.wide = true
			for _, to := range []*int64{&e.size, &e.packed} {
				if *to == 0xffffffff && size >= 8 {
					var v [8]byte
					if _, err := io.ReadFull(z.br, v[:]); err != nil {
						return javaCut(err)
					}
					if *to = int64(le.Uint64(v[:])); *to < 0 {
						return errors.New("an entry of a negative length")
					}
					size -= 8
				}
			}
		}
		if _, err := z.br.Discard(size); err != nil {
			return javaCut(err)
		}
	}
	return nil
}

// open makes the current entry's content readable.
func (z *javaZip) open() (io.Reader, error) {
	e := z.cur
	if e.r != nil {
		return e.r, nil
	}
	if e.flags&1 != 0 {
		return nil, errJavaEncrypted
	}
	var packed io.Reader = z.br
	if e.packed >= 0 {
		e.known = &io.LimitedReader{R: z.br, N: e.packed}
		packed = e.known
	}
	switch {
	case e.method == 0 && e.packed >= 0:
		e.r = &javaContent{z: z, e: e, r: packed}
	case e.method == 0:
		return nil, errors.New("stored without a length: its end cannot be told")
	case e.method == 8:
		if z.fl == nil {
			z.fl = flate.NewReader(packed)
		} else if err := z.fl.(flate.Resetter).Reset(packed, nil); err != nil {
			return nil, err
		}
		e.r = &javaContent{z: z, e: e, r: z.fl, inflates: true}
	default:
		return nil, fmt.Errorf("compressed by method %d, which is not supported", e.method)
	}
	return e.r, nil
}

// javaContent is an entry's content, counted against the budget.
type javaContent struct {
	z        *javaZip
	e        *javaEntry
	r        io.Reader
	inflates bool
}

func (c *javaContent) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.e.plain += int64(n)
	if c.inflates {
		if over := c.z.budget.inflate(n); over != nil {
			return 0, over
		}
	}
	switch {
	case err == nil:
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = errJavaEnd
	case errors.Is(err, io.EOF) && c.e.known != nil && !c.inflates && c.e.known.N > 0:
		err = errJavaEnd
	}
	return n, err
}

// finish passes over what is left of the current entry. Content that nobody
// asked for is inflated only if its length is not known.
func (z *javaZip) finish() error {
	e := z.cur
	if e == nil {
		return nil
	}
	z.cur = nil
	if e.packed >= 0 {
		left := e.packed
		if e.known != nil {
			left = e.known.N
		}
		if _, err := io.CopyN(io.Discard, z.br, left); err != nil {
			return javaAt(e.name, javaCut(err))
		}
		if e.flags&8 != 0 {
			return z.described(e, -1)
		}
		return nil
	}
	z.cur = e
	r, err := z.open()
	z.cur = nil
	if err != nil {
		return javaAt(e.name, err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		return javaAt(e.name, err)
	}
	return z.described(e, e.plain)
}

// described passes over the data descriptor (APPNOTE 4.3.9): a signature that
// may be missing, and lengths of four or eight bytes, told apart by what was
// counted. plain is -1 if the content was not inflated.
func (z *javaZip) described(e *javaEntry, plain int64) error {
	packed := z.offset() - e.start
	b, err := z.br.Peek(24)
	if len(b) < 12 {
		return javaAt(e.name, javaCut(err))
	}
	le := stdbinary.LittleEndian
	for _, sig := range []int{4, 0} {
		if sig == 4 && string(b[:4]) != javaSigSpan {
			continue
		}
		d := b[sig:]
		fits := func(packedGot, plainGot uint64) bool {
			return packedGot == uint64(packed) && (plain < 0 || plainGot == uint64(plain))
		}
		if len(d) >= 12 && fits(uint64(le.Uint32(d[4:])), uint64(le.Uint32(d[8:]))) {
			_, err := z.br.Discard(sig + 12)
			return err
		}
		if len(d) >= 20 && fits(le.Uint64(d[4:]), le.Uint64(d[12:])) {
			_, err := z.br.Discard(sig + 20)
			return err
		}
	}
	return javaAt(e.name, fmt.Errorf("its lengths are not those of the content (at byte %d)", z.offset()))
}

func javaCut(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errJavaEnd
	}
	return err
}

// javaAt says which entry an error is about.
func javaAt(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%.200s: %w", strings.ToValidUTF8(name, "?"), err)
}
