package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func TestRefused(t *testing.T) {
	whole := makeTar(t, reg("a", strings.Repeat("a", 1000)), reg("bin/b", strings.Repeat("b", 5000)))
	negative := makeTar(t, reg("a", "x"))
	copy(negative[124:136], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")
	resum(negative)
	huge := makeTar(t, reg("a", "x"))
	copy(huge[124:136], "77777777777\x00")
	resum(huge)
	huger := makeTar(t, reg("a", "x"))
	copy(huger[124:136], "\x80\x00\x00\x00\x7f\xff\xff\xff\xff\xff\xff\xff")
	resum(huger)
	for _, c := range []struct {
		name   string
		stored []byte
		lim    Limits
		is     error  // if not nil
		text   string // in the message
		offset int64  // at least
	}{
		{name: "climbing name", stored: makeTar(t, reg("ok", "1"), reg("../../etc/passwd", "x")), is: errClimbs, text: `"../../etc/passwd" (at byte 1536)`},
		{name: "climbing in the middle", stored: makeTar(t, reg("a/../../b", "x")), is: errClimbs},
		{name: "climbing hard link", stored: makeTar(t, link(tar.TypeLink, "a", "../../etc/shadow")), is: errClimbs, text: `hard link to "../../etc/shadow"`},
		{name: "climbing whiteout", stored: makeTar(t, reg("../.wh.x", "")), is: errClimbs},
		{name: "whiteout of nothing", stored: makeTar(t, reg("a/.wh.", "")), text: "whiteout of no file"},
		{name: "whiteout of the parent", stored: makeTar(t, reg("a/.wh...", "")), text: "whiteout of no file"},
		{name: "whiteout of the folder", stored: makeTar(t, reg("a/.wh..", "")), text: "whiteout of no file"},
		{name: "the root as a file", stored: makeTar(t, link(tar.TypeSymlink, ".", "/etc")), text: "root is not a folder"},
		{name: "unknown type", stored: makeTar(t, item{tar.Header{Name: "a", Typeflag: 'Z'}, ""}), text: "type 'Z'"},
		{name: "cut short in a file", stored: whole[:2048], is: io.ErrUnexpectedEOF, text: `"bin/b"`, offset: 2048},
		{name: "cut short in a header", stored: whole[:1700], is: io.ErrUnexpectedEOF, offset: 1700},
		{name: "cut short gzip", stored: gzipped(t, whole)[:60], is: io.ErrUnexpectedEOF},
		{name: "gzip header alone", stored: gzipped(t, whole)[:6], is: io.ErrUnexpectedEOF},
		{name: "cut short zstd", stored: zstandard(t, whole)[:40], is: io.ErrUnexpectedEOF},
		{name: "no tar", stored: bytes.Repeat([]byte("this is not a tar"), 100), is: tar.ErrHeader},
		{name: "gzip of no tar", stored: gzipped(t, bytes.Repeat([]byte("no tar"), 1000)), is: tar.ErrHeader},
		{name: "garbage after gzip", stored: append(gzipped(t, whole), "garbage of some length"...), is: gzip.ErrHeader},
		{name: "negative size", stored: negative, is: tar.ErrHeader},
		{name: "size beyond the end", stored: huge, is: io.ErrUnexpectedEOF, text: `"a"`},
		{name: "size beyond everything", stored: huger, is: io.ErrUnexpectedEOF},
		{name: "long name", stored: makeTar(t, reg(strings.Repeat("x/", 3000)+"x", "")), is: ErrLimit},
		{name: "long link", stored: makeTar(t, link(tar.TypeSymlink, "a", strings.Repeat("x/", 3000))), is: ErrLimit},
		{name: "too many files", stored: makeTar(t, reg("a", ""), reg("b", ""), reg("c", "")), lim: Limits{Files: 2}, is: ErrLimit},
		{name: "too many that are no entries", stored: makeTar(t, reg(".wh..wh.a", ""), reg(".wh..wh.b", ""), reg("c", "")), lim: Limits{Files: 2}, is: ErrLimit},
		{name: "too many names", stored: makeTar(t, reg("aaaa", ""), reg("bbbb", "")), lim: Limits{Names: 7}, is: ErrLimit},
		{name: "too many bytes", stored: whole, lim: Limits{Bytes: 5000}, is: ErrLimit},
		{name: "too many bytes, gzip", stored: gzipped(t, whole), lim: Limits{Bytes: 5000}, is: ErrLimit},
		{name: "too many bytes, zstd", stored: zstandard(t, whole), lim: Limits{Bytes: 5000}},
		{name: "too many facts", stored: whole, lim: Limits{Facts: 4000}, is: ErrLimit},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := []Analyzer{reader("all", "", MaxBuffer)}
			rec, err := Read(context.Background(), bytes.NewReader(c.stored), Want{Name: "layer 3"}, all, c.lim)
			var place *Error
			if rec != nil || !errors.As(err, &place) || place.Layer != "layer 3" {
				t.Fatalf("got %v, %v", rec, err)
			}
			if c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %v, want %v", err, c.is)
			}
			if !strings.Contains(err.Error(), c.text) || place.Offset < c.offset {
				t.Errorf("got %v, want %q at %d or later", err, c.text, c.offset)
			}
		})
	}
}

// resum corrects the checksum of the first header.
func resum(b []byte) {
	copy(b[148:156], "        ")
	sum := 0
	for _, c := range b[:512] {
		sum += int(c)
	}
	copy(b[148:156], fmt.Sprintf("%06o\x00 ", sum))
}

// A tar without its end marker is still one; so is nothing at all, as long as
// nobody says otherwise.
func TestNoEndMarker(t *testing.T) {
	b := makeTar(t, reg("a", "1"))
	rec, err := run(b[:1024])
	if err != nil || len(rec.Entries) != 1 {
		t.Error(rec, err)
	}
	rec, err = run(nil)
	if err != nil || len(rec.Entries) != 0 {
		t.Error(rec, err)
	}
}

// zeros is a stream of n zeros after head.
type zeros struct {
	head io.Reader
	n    int64
}

func (z *zeros) Read(p []byte) (int, error) {
	if z.head != nil {
		if n, err := z.head.Read(p); err != io.EOF {
			return n, err
		}
		z.head = nil
	}
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	clear(p[:n])
	z.n -= n
	return int(n), nil
}

func bigFile(tb testing.TB, size int64) *zeros {
	tb.Helper()
	var head bytes.Buffer
	must(tb, tar.NewWriter(&head).WriteHeader(&tar.Header{Name: "var/big", Typeflag: tar.TypeReg, Size: size}))
	return &zeros{head: &head, n: (size+511)/512*512 + 1024}
}

// A file is streamed whatever its size: memory stays what it is for a small one.
func TestBigFileIsStreamed(t *testing.T) {
	const size = 1 << 30
	sizes := func(_ context.Context, in Input) ([]byte, error) {
		n, err := io.Copy(io.Discard, in.Body)
		return fmt.Append(nil, n), err
	}
	every := func(string, fs.FileMode, int64) bool { return true }
	analyzers := []Analyzer{
		{Name: "h", Limit: MaxBuffer, Wants: every, Read: sizes},
		{Name: "s1", Limit: Stream, Wants: every, Read: sizes},
		{Name: "s2", Limit: Stream, Wants: every, Read: sizes},
	}
	var rec *Record
	peak := memory(t, func() {
		var err error
		rec, err = Read(context.Background(), bigFile(t, size), Want{}, analyzers, Limits{})
		must(t, err)
	})
	if rec.Entries[0].Size != size || len(rec.Facts) != 3 || string(rec.Facts[1].Data) != fmt.Sprint(size) {
		t.Error(rec)
	}
	if peak > 32<<20 {
		t.Errorf("allocated %d MiB", peak>>20)
	}
}

// memory is how many bytes do allocated, an upper bound of what it held.
func memory(tb testing.TB, do func()) uint64 {
	tb.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestBomb(t *testing.T) {
	// zstd keeps a block of zeros in four bytes: this one is far beyond what
	// gzip could do, and what a layer has any use for.
	pr, pw := io.Pipe()
	go func() {
		w, err := zstd.NewWriter(pw, zstd.WithEncoderConcurrency(1))
		if err == nil {
			_, err = io.Copy(w, onlyReader{bigFile(t, 8<<30)})
		}
		pw.CloseWithError(err)
	}()
	defer func() { _ = pr.Close() }()
	rec, err := Read(context.Background(), pr, Want{}, nil, Limits{})
	var place *Error
	if rec != nil || !errors.Is(err, ErrLimit) || !errors.As(err, &place) {
		t.Fatal(err)
	}
	if place.Offset > ratioFrom+1<<20 || place.Path != "var/big" {
		t.Errorf("refused late: %v", err)
	}
}

// sparse is a file in GNU's format 1.0 with data at its end only.
func sparse(tb testing.TB, name string, size int64) []byte {
	tb.Helper()
	body := fmt.Sprintf("1\n%d\n3\n", size-3)
	body += strings.Repeat("\x00", 512-len(body)) + "end"
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	// The writer refuses these keys; they are put in by replacing others as long.
	records := map[string]string{"GNX.sparse.major": "1", "GNX.sparse.minor": "0", "GNX.sparse.name": name, "GNX.sparse.realsize": fmt.Sprint(size)}
	must(tb, tw.WriteHeader(&tar.Header{Name: "GNUSparseFile.0/x", Typeflag: tar.TypeReg, Size: int64(len(body)), PAXRecords: records, Format: tar.FormatPAX}))
	_, err := io.WriteString(tw, body)
	must(tb, err)
	must(tb, tw.Flush())
	return bytes.ReplaceAll(buf.Bytes(), []byte("GNX.sparse"), []byte("GNU.sparse"))
}

func TestSparse(t *testing.T) {
	end := make([]byte, 1024)
	count := func(_ context.Context, in Input) ([]byte, error) {
		b, err := io.ReadAll(in.Body)
		return fmt.Append(nil, len(b), string(b[max(0, len(b)-3):])), err
	}
	every := func(string, fs.FileMode, int64) bool { return true }
	r := Analyzer{Name: "r", Limit: Stream, Wants: every, Read: count}
	rec, err := run(append(sparse(t, "log", 100_000), end...), r)
	must(t, err)
	if got := factLines(rec); len(got) != 1 || got[0] != "r log: 100000end" || rec.Entries[0].Size != 100_000 || rec.Entries[0].Hash == 0 {
		t.Error(got, rec.Entries)
	}
	// Seven exabytes in three kilobytes, many times over.
	var all []byte
	for i := range 50 {
		all = append(all, sparse(t, fmt.Sprint("log", i), 7<<60)...)
	}
	for i := range 50 {
		all = append(all, sparse(t, fmt.Sprint("zog", i), 900<<20)...)
	}
	start := time.Now()
	rec, err = run(append(all, end...), reader("r", "", 10))
	must(t, err)
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %v", took)
	}
	if len(rec.Entries) != 100 || rec.Entries[0].Size != 64<<30 || rec.Entries[0].Hash != 0 {
		t.Error(len(rec.Entries), rec.Entries[0])
	}
	refused := 0
	for _, f := range rec.Facts {
		if strings.Contains(f.Err, "not expanded") {
			refused++
		}
	}
	if refused != 99 {
		t.Errorf("%d files are said to be unread, want all but one", refused)
	}
}

// headers is a tar of n empty files that is made as it is read.
type headers struct {
	n, i  int
	block []byte // the header at hand
	left  []byte // what of it is still to be read
}

func (h *headers) Read(p []byte) (int, error) {
	if len(h.left) == 0 {
		if h.i > h.n {
			return 0, io.EOF
		}
		if h.block == nil {
			var buf bytes.Buffer
			if err := tar.NewWriter(&buf).WriteHeader(&tar.Header{Name: "x", Typeflag: tar.TypeReg, Mode: 0o644}); err != nil {
				return 0, err
			}
			h.block = buf.Bytes()
		}
		if h.i == h.n {
			h.block = make([]byte, 1024)
		} else {
			copy(h.block, fmt.Sprintf("usr/share/d%04d/file-%07d", h.i%5000, h.i))
			resum(h.block)
		}
		h.left = h.block
		h.i++
	}
	n := copy(p, h.left)
	h.left = h.left[n:]
	return n, nil
}

func TestMillionFiles(t *testing.T) {
	const n = 1_000_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	rec, err := Read(context.Background(), &headers{n: n}, Want{}, nil, Limits{})
	must(t, err)
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(rec.Entries) != n {
		t.Errorf("%d entries", len(rec.Entries))
	}
	held := after.HeapAlloc - before.HeapAlloc
	t.Logf("%d bytes an entry", held/n)
	if held/n > 250 {
		t.Errorf("holds %d MiB", held>>20)
	}
	runtime.KeepAlive(rec)
}

// A tower of files in files is refused before it costs.
func TestTower(t *testing.T) {
	var items []item
	for n := 1; n <= 1500; n++ {
		items = append(items, reg(strings.Repeat("a/", n)[:2*n-1], ""))
	}
	for n := range 3000 {
		items = append(items, reg(strings.Repeat("a/", 1500)+fmt.Sprint(n), ""))
	}
	_, err := run(makeTar(t, items...))
	if !errors.Is(err, ErrLimit) {
		t.Error(err)
	}
}

func TestCancelled(t *testing.T) {
	for name, r := range map[string]io.Reader{"files": &headers{n: 1 << 30}, "one file": bigFile(t, 1<<50)} {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		start := time.Now()
		rec, err := Read(ctx, r, Want{}, nil, Limits{Bytes: 1 << 60, Files: 1 << 40})
		if rec != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: took %v", name, took)
		}
		cancel()
	}
}

// A source that fails is to blame itself, not the digest.
func TestSourceFails(t *testing.T) {
	broken := errors.New("connection reset")
	b := gzipped(t, makeTar(t, reg("a", strings.Repeat("abc", 1000))))
	r := io.MultiReader(bytes.NewReader(b[:30]), failing{broken})
	rec, err := Read(context.Background(), r, Want{Blob: "sha256:00"}, nil, Limits{})
	var mismatch *MismatchError
	if rec != nil || !errors.Is(err, broken) || errors.As(err, &mismatch) {
		t.Error(err)
	}
}

// A connection that ends early, in the words of those that wrap its error, is
// no end of the layer.
func TestWrappedEOFIsNoEnd(t *testing.T) {
	b := makeTar(t, reg("a", "1"), reg("b", "2"))
	for _, n := range []int{0, 512, 1024, len(b)} {
		r := io.MultiReader(bytes.NewReader(b[:n]), failing{fmt.Errorf("read tcp: %w", io.EOF)})
		rec, err := Read(context.Background(), r, Want{}, nil, Limits{})
		if rec != nil || err == nil || !strings.Contains(err.Error(), "read tcp") {
			t.Errorf("after %d bytes: %v, %v", n, rec, err)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// BenchmarkTenGigabytes streams one file of ten gigabytes.
func BenchmarkTenGigabytes(b *testing.B) {
	const size = 10 << 30
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		_, err := Read(context.Background(), bigFile(b, size), Want{}, nil, Limits{})
		must(b, err)
	}
}
