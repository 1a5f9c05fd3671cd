package layer

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"io"
)

const block = 512

// archive reads a tar's entries. It takes the plain headers, which nearly all
// are, from the stream's buffer itself; any header with something uncommon to
// it goes to archive/tar, whose every answer it gives, at a tenth of the cost.
type archive struct {
	t     *tarStream
	slow  *tar.Reader // reads the content of the entry at hand, if that takes more than its size
	left  int64       // content still to come, if it does not
	pad   int64       // zeros after the content
	scrap [block]byte
	chunk []byte     // of slow content
	head  tar.Header // of the entry at hand, if plain
}

// next goes to the next entry, whatever is left of the one at hand. The header
// is valid until then, and of its fields those of which a layer's entry is made.
func (a *archive) next() (*tar.Header, error) {
	if a.slow != nil {
		h, err := a.slow.Next()
		return a.take(a.slow, h, err)
	}
	if err := a.t.skip(a.left); err != nil {
		return nil, cut(err)
	}
	if err := a.t.skip(a.pad); err != nil {
		return nil, err // an archive may end within a padding
	}
	a.left, a.pad = 0, 0
	b, err := a.t.piece(a.scrap[:])
	if err != nil {
		return nil, err
	}
	if a.plain(b) {
		a.setSize(&a.head)
		return &a.head, nil
	}
	tr := tar.NewReader(io.MultiReader(bytes.NewReader(bytes.Clone(b)), a.t))
	h, err := tr.Next()
	return a.take(tr, h, err)
}

// take goes on from a header that archive/tar has read, and no byte after it.
// A sparse file's content needs its help, and what is left of a global header.
func (a *archive) take(tr *tar.Reader, h *tar.Header, err error) (*tar.Header, error) {
	a.slow = nil
	if err != nil {
		return nil, err
	}
	if isSparse(h) || h.Typeflag == tar.TypeXGlobalHeader {
		a.slow = tr
		return h, nil
	}
	a.setSize(h)
	return h, nil
}

// setSize is told where the entry's content ends. The types without content
// have none whatever their size says.
func (a *archive) setSize(h *tar.Header) {
	switch h.Typeflag {
	case tar.TypeLink, tar.TypeSymlink, tar.TypeChar, tar.TypeBlock, tar.TypeDir, tar.TypeFifo:
		a.left = 0
	default:
		a.left = max(0, h.Size)
	}
	a.pad = -a.left & (block - 1)
}

func (a *archive) Read(p []byte) (int, error) {
	if a.slow != nil {
		return a.slow.Read(p)
	}
	if a.left == 0 {
		return 0, io.EOF
	}
	n, err := a.t.Read(p[:min(int64(len(p)), a.left)])
	a.left -= int64(n)
	return n, cut(err)
}

// window gives up to n of the next bytes of content where they lie: they are
// valid until the next read.
func (a *archive) window(n int64) ([]byte, error) {
	if a.slow != nil {
		if a.chunk == nil {
			a.chunk = make([]byte, chunkSize)
		}
		return (&plainContent{a.slow, a.chunk}).window(n)
	}
	if a.left == 0 {
		return nil, io.EOF
	}
	b, err := a.t.window(min(n, a.left))
	a.left -= int64(len(b))
	return b, cut(err)
}

// The fields of a header block, as POSIX's ustar and GNU's tar lay them out.
var (
	fieldName     = [2]int{0, 100}
	fieldMode     = [2]int{100, 108}
	fieldUID      = [2]int{108, 116}
	fieldGID      = [2]int{116, 124}
	fieldSize     = [2]int{124, 136}
	fieldTime     = [2]int{136, 148}
	fieldSum      = [2]int{148, 156}
	fieldLink     = [2]int{157, 257}
	fieldDevMajor = [2]int{329, 337}
	fieldDevMinor = [2]int{337, 345}
	fieldPrefix   = [2]int{345, 500} // ustar's; GNU's times of access and change begin it
)

const (
	typeAt      = 156
	magicAt     = 257
	gnuAccessAt = 345
	gnuChangeAt = 357
	starAt      = 508
)

// plain reads a header that has nothing uncommon to it into a.head.
func (a *archive) plain(b []byte) bool {
	kind := b[typeAt]
	switch kind {
	case tar.TypeReg, tar.TypeDir, tar.TypeSymlink, tar.TypeLink:
	default:
		return false
	}
	var prefix []byte
	switch string(b[magicAt : magicAt+8]) {
	case "ustar\x0000":
		if string(b[starAt:]) == "tar\x00" {
			return false
		}
		prefix = text(b, fieldPrefix)
	case "ustar  \x00":
		if b[gnuAccessAt] != 0 || b[gnuChangeAt] != 0 {
			return false
		}
	default:
		return false
	}
	h := &a.head
	var sum, uid, gid int64
	for _, f := range []struct {
		at [2]int
		to *int64
	}{
		{fieldSum, &sum},
		{fieldMode, &h.Mode},
		{fieldUID, &uid},
		{fieldGID, &gid},
		{fieldSize, &h.Size},
		{fieldTime, nil},
		{fieldDevMajor, nil},
		{fieldDevMinor, nil},
	} {
		n, ok := octal(b[f.at[0]:f.at[1]])
		if !ok {
			return false
		}
		if f.to != nil {
			*f.to = n
		}
	}
	if sum != checksum(b) {
		return false
	}
	h.Typeflag, h.Uid, h.Gid = kind, int(uid), int(gid)
	h.Linkname = string(text(b, fieldLink))
	if name := text(b, fieldName); len(prefix) == 0 {
		h.Name = string(name)
	} else {
		h.Name = string(prefix) + "/" + string(name)
	}
	return true
}

// text is a field up to its first zero.
func text(b []byte, field [2]int) []byte {
	b = b[field[0]:field[1]]
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b
}

// octal reads a number of octal digits with zeros and spaces around it; an
// empty field is zero.
func octal(b []byte) (int64, bool) {
	i := 0
	for i < len(b) && (b[i] == ' ' || b[i] == 0) {
		i++
	}
	var n int64
	for ; i < len(b) && '0' <= b[i] && b[i] <= '7'; i++ {
		n = n<<3 | int64(b[i]-'0')
	}
	for ; i < len(b); i++ {
		if b[i] != ' ' && b[i] != 0 {
			return 0, false
		}
	}
	return n, true
}

// checksum is the sum of a header's bytes, those of the sum itself counted as
// spaces. It adds four lanes of sixteen bits, in which 64 times two bytes have
// room.
func checksum(b []byte) int64 {
	const odd = 0x00ff00ff00ff00ff
	var lanes uint64
	for i := 0; i < block; i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		lanes += x&odd + x>>8&odd
	}
	sum := int64(lanes&0xffff + lanes>>16&0xffff + lanes>>32&0xffff + lanes>>48)
	for _, c := range b[fieldSum[0]:fieldSum[1]] {
		sum += ' ' - int64(c)
	}
	return sum
}

// isSparse reports whether the archive holds less of a file than its size: GNU
// tar's old format, and its three over PAX records.
func isSparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	if len(h.PAXRecords) == 0 {
		return false
	}
	return h.PAXRecords["GNU.sparse.major"] != "" || h.PAXRecords["GNU.sparse.map"] != ""
}
