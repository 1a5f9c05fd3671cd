package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

const token = "abcdefghijklmnopqrstuvwxyz"

func sample() []byte {
	at := time.Unix(1_800_000_000, 0)
	c := Entry{Kind: Container, Name: "drydock-proof-" + token, Engine: "ABCD:EFGH", Address: "unix:///run/docker.sock", At: at, Until: at.Add(time.Minute)}
	f := Entry{Kind: Folder, Name: "/tmp/" + "drydock-proof-" + token, At: at}
	w := Entry{Kind: File, Name: "/home/\xff\"x\n/.f.drydock-" + token, At: at}
	var page []byte
	page = append(page, header("host", 42, at)...)
	page = append(page, f.line(1)...)
	page = append(page, c.line(2)...)
	page = append(page, encode("made", "2", strings.Repeat("ab", 32))...)
	page = append(page, encode("gone", "1")...)
	return append(page, w.line(3)...)
}

func TestPage(t *testing.T) {
	page := sample()
	b, err := parse(page)
	if err != nil || b.damaged != 0 || b.host != "host" || b.pid != 42 || b.at.Unix() != 1_800_000_000 || b.whole != len(page) {
		t.Fatalf("%+v %v", b, err)
	}
	if got := b.numbers(); !slices.Equal(got, []int{3, 2}) {
		t.Fatalf("%v are left", got)
	}
	if e := b.live[2]; e.Kind != Container || e.ID != strings.Repeat("ab", 32) || e.Engine != "ABCD:EFGH" || e.Until.Sub(e.At) != time.Minute {
		t.Errorf("%+v", e)
	}
	if e := b.live[3]; !strings.HasPrefix(e.Name, "/home/\xff\"x\n/.f.drydock-") {
		t.Errorf("a path with odd bytes is %q", e.Name)
	}
}

// TestCutPage: a page that ends anywhere says what its whole lines say.
func TestCutPage(t *testing.T) {
	page := sample()
	for n := range len(page) {
		b, err := parse(page[:n])
		if err != nil || b.damaged != 0 {
			t.Fatalf("cut at %d: %v, %d lines damaged", n, err, b.damaged)
		}
		whole, err := parse(page[:bytes.LastIndexByte(page[:n], '\n')+1])
		if err != nil || !maps.Equal(whole.live, b.live) || b.whole != whole.whole {
			t.Fatalf("cut at %d: %+v, and its whole lines %+v", n, b, whole)
		}
	}
}

// TestDamagedPage: a bit that is another takes its line and the lines that stand
// on it, and nothing else.
func TestDamagedPage(t *testing.T) {
	page := sample()
	good, err := parse(page)
	if err != nil {
		t.Fatal(err)
	}
	for i := range page {
		bad := bytes.Clone(page)
		bad[i] ^= 1
		b, err := parse(bad)
		if err != nil && !errors.Is(err, errNewer) {
			t.Fatalf("byte %d: %v", i, err)
		}
		if err != nil {
			continue
		}
		if b.damaged == 0 && b.whole == len(page) {
			t.Fatalf("byte %d is another, and nothing is damaged", i)
		}
		for no, e := range b.live {
			was := good.live[no]
			if no == 1 {
				continue // the line that it is gone is damaged: it is looked for, and not there
			}
			if e.Name != was.Name || e.Kind != was.Kind || e.Engine != was.Engine || e.ID != "" && e.ID != was.ID {
				t.Fatalf("byte %d: %+v, was %+v", i, e, was)
			}
		}
	}
}

// TestOnlyNamesOfOurs: with a checksum that is right, too, nothing is taken that
// this package could not have written.
func TestOnlyNamesOfOurs(t *testing.T) {
	name, at := Name("proof"), "1800000000"
	id := disk.Random()
	for _, words := range [][]string{
		{"make", "1", "container", "nginx", "E", "", at, at},
		{"make", "1", "container", name + "x", "E", "", at, at},
		{"make", "1", "container", strings.ToUpper(name), "E", "", at, at},
		{"make", "1", "container", "drydock--" + id, "E", "", at, at},
		{"make", "1", "container", name, "", "", at, at},
		{"make", "1", "volume", "data", "E", "", at, at},
		{"make", "1", "image", "alpine", "E", "", at, at},
		{"make", "1", "pod", name, "E", "", at, at},
		{"make", "0", "container", name, "E", "", at, at},
		{"make", "01", "container", name, "E", "", at, at, ""},
		{"make", "1", "container", name, "E", "", "soon", at},
		{"make", "1", "container", name, "E", "", at},
		{"make", "1", "folder", "/home/user", "", "", at, ""},
		{"make", "1", "folder", "/", "", "", at, ""},
		{"make", "1", "folder", name, "", "", at, ""},
		{"make", "1", "folder", "../" + name, "", "", at, ""},
		{"make", "1", "folder", "/tmp/../" + name, "", "", at, ""},
		{"make", "1", "folder", "/tmp/" + name + "/", "", "", at, ""},
		{"make", "1", "folder", "/tmp/" + name + "/..", "", "", at, ""},
		{"make", "1", "folder", "/tmp/" + name + "\x00", "", "", at, ""},
		{"make", "1", "folder", "/tmp/.drydock-" + id, "", "", at, ""},
		{"make", "1", "folder", "/tmp/" + name, "E", "", at, ""},
		{"make", "1", "file", "/tmp/" + name, "", "", at, ""},
		{"make", "1", "file", "/home/user/.profile", "", "", at, ""},
		{"make", "1", "file", "/home/user/.f.drydock-1", "", "", at, ""},
		{"make", "1", "file", "/home/user/f.drydock-" + id, "", "", at, ""},
		{"made", "1", "abc"},
		{"gone", "1"},
		{"keep", "1"},
		{},
		{""},
	} {
		page := append(header("h", 1, time.Unix(1, 0)), encode(words...)...)
		b, err := parse(page)
		if err != nil || len(b.live) != 0 || b.damaged != 1 {
			t.Errorf("%q: %v %+v", words, err, b)
		}
	}
	if b, err := parse(encode("drydock-ledger", "2", "whatever")); !errors.Is(err, errNewer) {
		t.Errorf("another version's page: %+v %v", b, err)
	}
}

// FuzzPage: whatever a page holds, each entry that is taken from it is one that
// this package would write, is written again as it was read, and no line counts
// twice.
func FuzzPage(f *testing.F) {
	f.Add(sample())
	f.Add([]byte("00000000 \"drydock-ledger\"\n\n\n"))
	f.Add(bytes.ReplaceAll(sample(), []byte("\n"), []byte("\r\n")))
	f.Add([]byte(fmt.Sprintf("%s%s%s", sample(), sample(), "12345678 \"x")))
	f.Fuzz(func(t *testing.T, page []byte) {
		for _, page := range [][]byte{page, sum(page)} {
			b, err := parse(page)
			if err != nil {
				continue
			}
			if b.whole > len(page) || b.damaged > bytes.Count(page, []byte("\n")) {
				t.Fatalf("%+v of %d bytes", b, len(page))
			}
			again := header(b.host, b.pid, b.at)
			for _, no := range slices.Sorted(maps.Keys(b.live)) {
				e := b.live[no]
				if e.check() != nil {
					t.Fatalf("%+v is taken: %v", e, e.check())
				}
				base := filepath.Base(e.Name)
				if i := strings.LastIndexByte(base, '-'); i < 0 || !disk.IsRandom(base[i+1:]) {
					t.Fatalf("%+v is taken", e)
				}
				again = append(again, e.line(no)...)
				if e.ID != "" {
					again = append(again, encode("made", fmt.Sprint(no), e.ID)...)
				}
			}
			c, err := parse(again)
			if err != nil || c.damaged != 0 || !maps.EqualFunc(b.live, c.live, same) {
				t.Fatalf("%+v is %+v when it is written again: %v", b.live, c, err)
			}
		}
	})
}

// same compares times as a page has them.
func same(a, b Entry) bool {
	ok := a.At.Equal(b.At) && a.Until.Equal(b.Until)
	a.At, a.Until, b.At, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return ok && a == b
}

// sum is a page with checksums that are right: a fuzzer does not guess them.
func sum(page []byte) []byte {
	var out []byte
	for line := range bytes.Lines(page) {
		if len(line) > 9 {
			line = encoded(bytes.TrimSuffix(line[9:], []byte("\n")))
		}
		out = append(out, line...)
	}
	return out
}
