package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReaders(t *testing.T) {
	big := strings.Repeat("0123456789abcdef", 200_000) // 3.2 MB
	stored := makeTar(t,
		reg("etc/a.conf", "alpha"), reg("big.bin", big), reg("empty.conf", ""),
		link(tar.TypeSymlink, "l.conf", "etc/a.conf"), reg("etc/a.conf", "beta"), reg("z.conf", strings.Repeat("z", 100)))
	sum := func(_ context.Context, in Input) ([]byte, error) {
		b, err := io.ReadAll(in.Body)
		return fmt.Appendf(nil, "%d of %d %v", len(b), in.Size, string(b) == big[:min(len(b), len(big))]), err
	}
	isBig := func(p string, _ fs.FileMode, _ int64) bool { return p == "big.bin" }
	analyzers := []Analyzer{
		reader("conf", ".conf", 10),
		{Name: "presence", Limit: 0, Wants: isBig, Read: sum},
		{Name: "head", Limit: 1000, Wants: isBig, Read: sum},
		{Name: "more", Limit: 1 << 20, Wants: isBig, Read: sum},
		{Name: "over", Limit: 100 << 20, Wants: isBig, Read: sum},
		{Name: "stream1", Limit: Stream, Wants: isBig, Read: sum},
		{Name: "stream2", Limit: Stream, Wants: isBig, Read: sum},
		{Name: "nothing", Limit: 10, Wants: isBig, Read: func(context.Context, Input) ([]byte, error) { return nil, nil }},
		{Name: "early", Limit: Stream, Wants: isBig, Read: func(_ context.Context, in Input) ([]byte, error) {
			b := make([]byte, 4)
			_, err := io.ReadFull(in.Body, b)
			return b, err
		}},
		{Name: "fails", Limit: Stream, Wants: isBig, Read: func(context.Context, Input) ([]byte, error) {
			return []byte("half"), errors.New("not mine")
		}},
		{Name: "panics", Limit: Stream, Wants: isBig, Read: func(_ context.Context, in Input) ([]byte, error) {
			_, _ = io.CopyN(io.Discard, in.Body, 100_000)
			panic("a bug")
		}},
		{Name: "panics early", Limit: 5, Wants: func(p string, _ fs.FileMode, _ int64) bool {
			if p == "z.conf" {
				panic("another bug")
			}
			return false
		}, Read: sum},
	}
	want := []string{
		"conf empty.conf: ", "conf etc/a.conf: beta", "conf l.conf: -> etc/a.conf", "conf z.conf: zzzzzzzzzz",
		"early big.bin: 0123",
		"fails big.bin: error not mine",
		"head big.bin: 1000 of 3200000 true",
		"more big.bin: 1048576 of 3200000 true",
		"over big.bin: 3200000 of 3200000 true",
		"panics big.bin: error panic: a bug",
		"panics early z.conf: error panic: another bug",
		"presence big.bin: 0 of 3200000 true",
		"stream1 big.bin: 3200000 of 3200000 true",
		"stream2 big.bin: 3200000 of 3200000 true",
	}
	rec, err := run(gzipped(t, stored), analyzers...)
	must(t, err)
	if d := cmp.Diff(want, factLines(rec)); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	plain, err := run(stored)
	must(t, err)
	if d := cmp.Diff(plain.Entries, rec.Entries); d != "" {
		t.Errorf("analyzers change what the entries are:\n%s", d)
	}
	// One stream reader alone is called in line; it has to see the same.
	for i, r := range analyzers {
		rec, err := run(stored, r)
		must(t, err)
		var alone []string
		for _, l := range want {
			if strings.HasPrefix(l, r.Name+" ") && (r.Name != "panics" || i == 10) {
				alone = append(alone, l)
			}
		}
		if r.Name == "panics" {
			alone = alone[:1]
		}
		if d := cmp.Diff(alone, factLines(rec)); d != "" {
			t.Errorf("%s alone (-want +got):\n%s", r.Name, d)
		}
	}
}

// Small files that many stream, and files whose size is at every border.
func TestFanOutSizes(t *testing.T) {
	var items []item
	for _, n := range []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, wholeSize, wholeSize + 1, wholeSize + 2*chunkSize} {
		items = append(items, reg(fmt.Sprint("f", n), strings.Repeat("x", n)))
	}
	count := func(_ context.Context, in Input) ([]byte, error) {
		n, err := io.Copy(io.Discard, in.Body)
		return fmt.Append(nil, n), err
	}
	every := func(string, fs.FileMode, int64) bool { return true }
	for _, n := range []int{1, 2, 5} {
		var analyzers []Analyzer
		for i := range n {
			analyzers = append(analyzers, Analyzer{Name: fmt.Sprint("s", i), Limit: Stream, Wants: every, Read: count},
				Analyzer{Name: fmt.Sprint("h", i), Limit: 100, Wants: every, Read: count})
		}
		rec, err := run(makeTar(t, items...), analyzers...)
		must(t, err)
		if len(rec.Facts) != 2*n*len(items) {
			t.Errorf("%d facts", len(rec.Facts))
		}
		for _, f := range rec.Facts {
			want := f.Path[1:]
			if f.Analyzer[0] == 'h' && len(want) > 2 {
				want = "100"
			}
			if string(f.Data) != want || f.Err != "" {
				t.Errorf("%d analyzers: %s of %s: %q %s, want %s", n, f.Analyzer, f.Path, f.Data, f.Err, want)
			}
		}
	}
}

func TestHardLinksThatReadersWant(t *testing.T) {
	// As pnpm lays its packages out: content in a store, names as hard links.
	stored := makeTar(t,
		reg("store/00/ab", "alpha"), reg("store/00/cd", "delta"), reg("store/b.json", "own name"),
		link(tar.TypeLink, "app/a.json", "store/00/ab"), link(tar.TypeLink, "app/a2.json", "app/a.json"),
		link(tar.TypeLink, "app/b.json", "store/b.json"), link(tar.TypeLink, "app/c.json", "lower/c"),
		link(tar.TypeLink, "app/d.txt", "store/00/cd"), link(tar.TypeLink, "x.json", "y.json"), link(tar.TypeLink, "y.json", "x.json"),
		link(tar.TypeSymlink, "s", "target"), link(tar.TypeLink, "s.json", "s"))
	seen := []string{
		"npm app/a.json: alpha", "npm app/a2.json: alpha",
		`npm app/c.json: error hard link to "lower/c", which is not a file of this layer`,
		"npm s.json: -> target", "npm store/b.json: own name",
		`npm x.json: error hard link to "y.json", which is not a file of this layer`,
		`npm y.json: error hard link to "x.json", which is not a file of this layer`,
	}
	streamed := append([]string{
		`npm app/a.json: error hard link to "store/00/ab", which had gone by`,
		`npm app/a2.json: error hard link to "store/00/ab", which had gone by`,
	}, seen[2:]...)
	for _, limit := range []int64{100, Stream} {
		r := []Analyzer{reader("npm", ".json", limit)}
		for _, b := range [][]byte{stored, gzipped(t, stored)} {
			rec, err := Read(context.Background(), bytes.NewReader(b), Want{}, r, Limits{})
			must(t, err)
			if d := cmp.Diff(seen, factLines(rec)); d != "" {
				t.Errorf("seekable (-want +got):\n%s", d)
			}
			rec, err = run(b, r...)
			must(t, err)
			if d := cmp.Diff(streamed, factLines(rec)); d != "" {
				t.Errorf("streamed (-want +got):\n%s", d)
			}
		}
	}
}

// What changes between the two looks is not believed.
func TestSecondLookIsHeldToTheFirst(t *testing.T) {
	items := []item{reg("store/ab", "alpha"), link(tar.TypeLink, "a.json", "store/ab")}
	first := makeTar(t, items...)
	items[0].content = "ALPHA"
	second := makeTar(t, items...)
	r := &changing{now: bytes.NewReader(first), then: bytes.NewReader(second)}
	rec, err := Read(context.Background(), r, Want{}, []Analyzer{reader("npm", ".json", 10)}, Limits{})
	must(t, err)
	if d := cmp.Diff([]string{`npm a.json: error hard link to "store/ab", which had gone by`}, factLines(rec)); d != "" {
		t.Error(d)
	}
}

type changing struct{ now, then *bytes.Reader }

func (c *changing) Read(p []byte) (int, error) { return c.now.Read(p) }

func (c *changing) Seek(off int64, whence int) (int64, error) {
	if whence == io.SeekStart {
		c.now = c.then
	}
	return c.now.Seek(off, whence)
}

func TestBufferedBodySeeks(t *testing.T) {
	r := reader("r", "a", 10)
	r.Read = func(_ context.Context, in Input) ([]byte, error) {
		b := make([]byte, 2)
		_, err := in.Body.(*bytes.Reader).ReadAt(b, 3)
		return b, err
	}
	rec, err := run(makeTar(t, reg("a", "01234567890123")), r)
	must(t, err)
	if d := cmp.Diff([]string{"r a: 34"}, factLines(rec)); d != "" {
		t.Error(d)
	}
}
