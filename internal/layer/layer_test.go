package layer

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// reg is a regular file's header and content.
func reg(name, content string) item { return item{tar.Header{Name: name, Mode: 0o644}, content} }

func link(kind byte, name, target string) item {
	return item{tar.Header{Name: name, Typeflag: kind, Linkname: target, Mode: 0o777}, ""}
}

type item struct {
	tar.Header
	content string
}

func makeTar(tb testing.TB, items ...item) []byte {
	tb.Helper()
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	for _, it := range items {
		h := it.Header
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		h.Size = int64(len(it.content))
		must(tb, tw.WriteHeader(&h))
		_, err := io.WriteString(tw, it.content)
		must(tb, err)
	}
	must(tb, tw.Close())
	return buf.Bytes()
}

func gzipped(tb testing.TB, b []byte) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(b)
	must(tb, err)
	must(tb, w.Close())
	return buf.Bytes()
}

func zstandard(tb testing.TB, b []byte) []byte {
	tb.Helper()
	w, err := zstd.NewWriter(nil)
	must(tb, err)
	return w.EncodeAll(b, nil)
}

func run(b []byte, analyzers ...Analyzer) (*Record, error) {
	return Read(context.Background(), onlyReader{bytes.NewReader(b)}, Want{Name: "layer 1"}, analyzers, Limits{})
}

// reader wants the files with this suffix and learns their content.
func reader(name, suffix string, limit int64) Analyzer {
	return Analyzer{
		Name: name, Version: 1, Limit: limit,
		Wants: func(p string, _ fs.FileMode, _ int64) bool { return strings.HasSuffix(p, suffix) },
		Read: func(_ context.Context, in Input) ([]byte, error) {
			b, err := io.ReadAll(in.Body)
			if in.Link != "" {
				b = []byte("-> " + in.Link)
			}
			return b, err
		},
	}
}

// lines is a record's entries in short.
func lines(rec *Record) []string {
	var out []string
	for _, e := range rec.Entries {
		s := fmt.Sprintf("%c %s", "fdlhbpWO"[e.Kind], e.Path)
		if e.Link != "" {
			s += " -> " + e.Link
		}
		if e.Size > 0 {
			s += fmt.Sprint(" ", e.Size)
		}
		out = append(out, s)
	}
	return out
}

func factLines(rec *Record) []string {
	var out []string
	for _, f := range rec.Facts {
		s := f.Analyzer + " " + f.Path + ": " + string(f.Data)
		if f.Err != "" {
			s += "error " + f.Err
		}
		out = append(out, s)
	}
	return out
}

func TestEntries(t *testing.T) {
	for _, c := range []struct {
		name  string
		items []item
		want  []string
	}{
		{"names are cleaned", []item{
			reg("./a", "1"), reg("/etc//passwd", "22"), reg("b/../c", "333"), reg("/../d", "4"), reg("x/./y", ""),
		}, []string{"f a 1", "f c 3", "f d 1", "f etc/passwd 2", "f x/y"}},
		{"the root is no entry", []item{
			{tar.Header{Name: "./", Typeflag: tar.TypeDir}, ""}, reg("a", ""),
		}, []string{"f a"}},
		{"whiteouts", []item{
			reg(".wh.gone", ""), reg("dir/.wh.gone too", ""), reg("dir/.wh..wh..opq", ""), reg(".wh..wh..opq", ""),
			reg(".wh..wh.aufs", ""), reg(".wh..wh.plnk/7.8", "xx"), reg("a/.whatever", ""), reg("a/x.wh.y", ""),
		}, []string{"O .", "f a/.whatever", "f a/x.wh.y", "O dir", "W dir/gone too", "W gone"}},
		{"a whiteout and its new file", []item{
			reg(".wh.a", ""), reg("a", "new"),
		}, []string{"W a", "f a 3"}},
		{"a whiteout hides more than an opaque", []item{
			reg(".wh.a", ""), {tar.Header{Name: "a/", Typeflag: tar.TypeDir}, ""}, reg("a/.wh..wh..opq", ""),
		}, []string{"W a", "d a"}},
		{"links", []item{
			reg("a", "1"), link(tar.TypeLink, "b", "/./a"), link(tar.TypeLink, "c", "lower/file"),
			link(tar.TypeSymlink, "d", "../../../etc/shadow"), link(tar.TypeSymlink, "e", "e"),
		}, []string{"f a 1", "h b -> a", "h c -> lower/file", "l d -> ../../../etc/shadow", "l e -> e"}},
		{"devices", []item{
			{tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, ""},
			{tar.Header{Name: "sda", Typeflag: tar.TypeBlock}, ""},
			{tar.Header{Name: "pipe", Typeflag: tar.TypeFifo}, ""},
		}, []string{"b null", "p pipe", "b sda"}},
		{"the last of the same name counts", []item{
			reg("a", "1"), reg("b", "1"), reg("./a", "333"), link(tar.TypeSymlink, "b", "a"),
		}, []string{"f a 3", "l b -> a"}},
		{"what lay in a replaced folder is gone", []item{
			reg("a/b", "1"), reg("a/c/d", "1"), reg("a.b", "1"), reg("ab", "1"), reg("a!", "1"), reg("a/b/c", "1"),
			link(tar.TypeSymlink, "a", "z"), reg("a/e", "1"),
		}, []string{"l a -> z", "f a/e 1", "f a! 1", "f a.b 1", "f ab 1"}},
		{"a comment of git archive", []item{
			{tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: map[string]string{"comment": "0123"}}, ""},
			reg("a", "1"),
		}, []string{"f a 1"}},
		{"odd bytes stay", []item{
			reg("a\x1b[31m\n\xff", "1"), {tar.Header{Name: strings.Repeat("long/", 60) + "é", Mode: 0o644}, "1"},
		}, []string{"f a\x1b[31m\n\xff 1", "f " + strings.Repeat("long/", 60) + "é 1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plain := makeTar(t, c.items...)
			for how, stored := range map[string][]byte{"plain": plain, "gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
				want := Want{Blob: finding.DigestOf(stored), DiffID: finding.DigestOf(plain)}
				rec, err := Read(context.Background(), bytes.NewReader(stored), want, nil, Limits{})
				if err != nil {
					t.Fatalf("%s: %v", how, err)
				}
				if d := cmp.Diff(c.want, lines(rec)); d != "" {
					t.Errorf("%s: entries (-want +got):\n%s", how, d)
				}
				if rec.Size != int64(len(plain)) || rec.Compressed != int64(len(stored)) {
					t.Errorf("%s: sizes are %d and %d, want %d and %d", how, rec.Size, rec.Compressed, len(plain), len(stored))
				}
			}
		})
	}
}

func TestModeAndOwner(t *testing.T) {
	rec, err := run(makeTar(t, item{tar.Header{Name: "su", Mode: 0o7755, Uid: 1000, Gid: 3_000_000}, "x"}))
	must(t, err)
	e := rec.Entries[0]
	if want := 0o755 | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky; e.Mode != want || e.UID != 1000 || e.GID != 3_000_000 {
		t.Errorf("entry is %v, %d, %d", e.Mode, e.UID, e.GID)
	}
}

func TestEstargzFiles(t *testing.T) {
	items := []item{reg(".no.prefetch.landmark", "\x0f"), reg("a", "1"), reg("sub/stargz.index.json", "{}"), reg("stargz.index.json", "{}")}
	rec, err := run(gzipped(t, makeTar(t, items...)))
	must(t, err)
	if d := cmp.Diff([]string{"f a 1", "f sub/stargz.index.json 2"}, lines(rec)); d != "" {
		t.Error(d)
	}
	rec, err = run(makeTar(t, items...)) // a plain tar is no estargz: there they are files
	must(t, err)
	if len(rec.Entries) != 4 {
		t.Errorf("a plain tar's files: %v", lines(rec))
	}
}

func TestMultiMemberGzip(t *testing.T) {
	plain := makeTar(t, reg("a", strings.Repeat("content ", 1000)), reg("b", "2"))
	stored := append(gzipped(t, plain[:700]), gzipped(t, plain[700:])...)
	rec, err := Read(context.Background(), bytes.NewReader(stored),
		Want{Blob: finding.DigestOf(stored), DiffID: finding.DigestOf(plain)}, nil, Limits{})
	must(t, err)
	if len(rec.Entries) != 2 {
		t.Error(lines(rec))
	}
}

func TestTrailingDataIsHashed(t *testing.T) {
	plain := append(makeTar(t, reg("a", "1")), bytes.Repeat([]byte("trailing"), 100_000)...)
	for _, stored := range [][]byte{plain, gzipped(t, plain), zstandard(t, plain)} {
		rec, err := Read(context.Background(), bytes.NewReader(stored), Want{DiffID: finding.DigestOf(plain)}, nil, Limits{})
		must(t, err)
		if rec.Blob != finding.DigestOf(stored) || len(rec.Entries) != 1 {
			t.Errorf("blob %s, %d entries", rec.Blob, len(rec.Entries))
		}
		blob, diffID, size, err := Hash(context.Background(), bytes.NewReader(stored), Limits{})
		if err != nil || blob != rec.Blob || diffID != rec.DiffID || size != rec.Size {
			t.Errorf("Hash says %s %s %d %v", blob, diffID, size, err)
		}
	}
}

func TestMismatch(t *testing.T) {
	plain := makeTar(t, reg("a", "1"))
	gz := gzipped(t, plain)
	other := finding.DigestOf([]byte("other"))
	broken := bytes.Clone(gz)
	broken[len(broken)/2] ^= 0xff
	for _, c := range []struct {
		name   string
		stored []byte
		want   Want
		what   string
		got    Digest
	}{
		{"blob", gz, Want{Blob: other}, "blob", finding.DigestOf(gz)},
		{"diffID", gz, Want{Blob: finding.DigestOf(gz), DiffID: other}, "diffID", finding.DigestOf(plain)},
		{"plain", plain, Want{DiffID: other}, "diffID", finding.DigestOf(plain)},
		{"damaged", broken, Want{Blob: finding.DigestOf(gz)}, "blob", finding.DigestOf(broken)},
		{"cut off", gz[:len(gz)-9], Want{Blob: finding.DigestOf(gz)}, "blob", finding.DigestOf(gz[:len(gz)-9])},
		{"cut off, plain", plain[:600], Want{DiffID: finding.DigestOf(plain)}, "diffID", finding.DigestOf(plain[:600])},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.want.Name = "layer 7"
			rec, err := Read(context.Background(), bytes.NewReader(c.stored), c.want, nil, Limits{})
			var mismatch *MismatchError
			var place *Error
			if rec != nil || !errors.As(err, &mismatch) || !errors.As(err, &place) {
				t.Fatalf("got %v, %v", rec, err)
			}
			if mismatch.Got != c.got || place.Layer != "layer 7" {
				t.Errorf("got %v", err)
			}
			if !strings.Contains(err.Error(), string(mismatch.Want)) || !strings.Contains(err.Error(), string(c.got)) {
				t.Errorf("does not name both digests: %v", err)
			}
		})
	}
}

// sharedFile is a file of the shared test data.
func sharedFile(t *testing.T, elem ...string) string {
	t.Helper()
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no shared test data: ", err)
		}
		t.Skip("no shared test data: ", err)
	}
	return path
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// onlyReader hides everything but Read.
type onlyReader struct{ io.Reader }
