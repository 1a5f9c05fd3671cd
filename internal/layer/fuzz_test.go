package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// FuzzPass: no panic; an error or a record, never both and never neither; what
// a record promises holds; the same from a stream and from a file; memory is
// bounded by the bytes, not by what they claim.
func FuzzPass(f *testing.F) {
	plain := makeTar(f, reg("a", "1"), reg("./b/../c", strings.Repeat("2", 600)), reg(".wh.d", ""), reg("e/.wh..wh..opq", ""),
		link(tar.TypeLink, "h.x", "a"), link(tar.TypeSymlink, "s.x", "../../a"), reg("a", "3"), reg(strings.Repeat("long/", 40)+"x", ""),
		item{tar.Header{Name: "dev", Typeflag: tar.TypeChar, Devmajor: 1}, ""}, item{tar.Header{Name: "dir/", Typeflag: tar.TypeDir}, ""})
	seeds := [][]byte{
		plain, gzipped(f, plain), zstandard(f, plain), sparse(f, "s.x", 5000), sparse(f, "s", 1<<62),
		append(gzipped(f, plain[:512]), gzipped(f, plain[512:])...), plain[:1000],
		{},
		[]byte("\x50\x2a\x4d\x18"),
	}
	for _, s := range seeds {
		f.Add(s)
	}
	lim := Limits{Bytes: 8 << 20, Files: 10_000}
	count := func(_ context.Context, in Input) ([]byte, error) {
		n, err := io.Copy(io.Discard, io.LimitReader(in.Body, 1<<20))
		return binary.AppendVarint(nil, n), err
	}
	analyzers := []Analyzer{
		reader("head", "", 100),
		{Name: "x", Limit: Stream, Wants: func(p string, _ fs.FileMode, _ int64) bool { return strings.HasSuffix(p, "x") }, Read: count},
		{Name: "a", Limit: Stream, Wants: func(p string, _ fs.FileMode, _ int64) bool { return strings.ContainsAny(p, "ax") }, Read: count},
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var rec *Record
		var err error
		peak := memory(t, func() {
			rec, err = Read(context.Background(), onlyReader{bytes.NewReader(b)}, Want{}, analyzers, lim)
		})
		// A zstd frame may ask for a window, and gzip for what it unpacks to.
		if most := uint64(512<<20 + 64*len(b)); peak > most {
			t.Errorf("allocated %d MiB for %d bytes", peak>>20, len(b))
		}
		if (rec == nil) == (err == nil) {
			t.Fatalf("got %v and %v", rec, err)
		}
		if err != nil {
			var place *Error
			if !errors.As(err, &place) {
				t.Errorf("no place: %v", err)
			}
			return
		}
		held(t, rec)
		blob, diffID, size, err := Hash(context.Background(), bytes.NewReader(b), lim)
		if err != nil || blob != rec.Blob || diffID != rec.DiffID || size != rec.Size {
			t.Errorf("Hash says %s %s %d %v; Pass %s %s %d", blob, diffID, size, err, rec.Blob, rec.DiffID, rec.Size)
		}
		again, err := Read(context.Background(), onlyReader{bytes.NewReader(b)}, Want{Blob: blob, DiffID: diffID}, nil, lim)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(again.Entries, rec.Entries); d != "" {
			t.Error(d)
		}
	})
}

// FuzzUnmarshalRecord: no panic; a record or an error; memory is bounded by the
// bytes; what is read is written again and reads the same.
func FuzzUnmarshalRecord(f *testing.F) {
	for _, rec := range []*Record{sample(f, "1"), {}, {Entries: []Entry{{Path: "a"}, {Path: "ab", Kind: Symlink, Link: "x"}}, Facts: []Fact{{Data: []byte{}}}}} {
		b, err := rec.AppendBinary(nil)
		must(f, err)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var rec Record
		var err error
		peak := memory(t, func() { err = rec.UnmarshalBinary(b) })
		if most := uint64(1<<20 + 200*len(b)); peak > most {
			t.Errorf("allocated %d MiB for %d bytes", peak>>20, len(b))
		}
		if err != nil {
			if d := cmp.Diff(Record{}, rec); d != "" {
				t.Fatalf("%v, and %s", err, d)
			}
			return
		}
		again, err := rec.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		var same Record
		if err := same.UnmarshalBinary(again); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(rec, same); d != "" {
			t.Error(d)
		}
	})
}
