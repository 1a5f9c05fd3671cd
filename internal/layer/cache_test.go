package layer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/finding"
)

func sample(tb testing.TB, salt string) *Record {
	tb.Helper()
	rec, err := run(gzipped(tb, makeTar(tb,
		reg("etc/passwd", "root"), reg("etc/passwd-", "older"), reg("usr/lib/a.so", strings.Repeat(salt, 1000)),
		reg(".wh.x", ""), link('2', "bin", "usr/bin"), link('1', "y", "etc/passwd"),
		item{Header: reg("su", "").Header, content: "4"})),
		reader("a", "passwd", 100), reader("b", "n", 100), failingReader())
	must(tb, err)
	return rec
}

func failingReader() Reader {
	r := reader("fails", "su", 0)
	r.Read = nil // panics
	return r
}

func TestCacheKeeps(t *testing.T) {
	rec := sample(t, "1")
	readers := []Reader{reader("a", "", 1), reader("b", "", 1)}
	c := &Cache{Dir: filepath.Join(t.TempDir(), "new", "drydock")}
	if _, ok := c.Get(rec.DiffID, readers); ok {
		t.Error("an empty cache has a record")
	}
	must(t, c.Put(rec, readers))
	got, ok := c.Get(rec.DiffID, []Reader{readers[1], readers[0]}) // in any order
	if !ok {
		t.Fatal("not kept")
	}
	if d := cmp.Diff(rec, got); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
	newer := reader("a", "", 1)
	newer.Version = 2
	for name, other := range map[string][]Reader{
		"one less": readers[:1], "newer": {newer, readers[1]}, "another limit": {reader("a", "", 2), readers[1]}, "none": nil,
	} {
		if _, ok := c.Get(rec.DiffID, other); ok {
			t.Errorf("%s: the record of other readers", name)
		}
	}
	if _, ok := c.Get(finding.DigestOf(nil), readers); ok {
		t.Error("the record of another layer")
	}
	if c.Corrupt() != 0 {
		t.Error("a miss counts as corrupt")
	}
}

func TestNoCache(t *testing.T) {
	rec := sample(t, "1")
	for _, c := range []*Cache{nil, {}} {
		must(t, c.Put(rec, nil))
		must(t, c.Remember("k", rec.DiffID))
		if _, ok := c.Get(rec.DiffID, nil); ok {
			t.Error("kept")
		}
		if _, ok := c.Verified("k"); ok || c.Corrupt() != 0 {
			t.Error("remembered")
		}
	}
}

func TestCacheRefusesWhatHasNoDigest(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	for _, d := range []Digest{"", "sha256:", "sha256:../../../etc/passwd", Digest("sha512:" + strings.Repeat("0", 64)), Digest("sha256:" + strings.Repeat("G", 64))} {
		if err := c.Put(&Record{DiffID: d}, nil); err == nil {
			t.Errorf("kept %q", d)
		}
		if err := c.Remember("k", d); err == nil {
			t.Errorf("remembered %q", d)
		}
		if _, ok := c.Get(d, nil); ok {
			t.Errorf("has %q", d)
		}
	}
}

// records are the files of the cache's records.
func records(tb testing.TB, c *Cache) []string {
	tb.Helper()
	list, err := filepath.Glob(filepath.Join(c.Dir, recordDir, "*"))
	must(tb, err)
	return list
}

func TestCorruptRecord(t *testing.T) {
	rec := sample(t, "1")
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":       func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the header":  func(b []byte) []byte { b[4]++; return b },
		"cut short":   func(b []byte) []byte { return b[:len(b)-1] },
		"empty":       func([]byte) []byte { return nil },
		"no record":   func([]byte) []byte { return []byte("<html>hello</html> and much more of it") },
		"other layer": func([]byte) []byte { b, _ := encodeRecord(sample(t, "2")); return b },
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			c := &Cache{Dir: t.TempDir(), OnCorrupt: func(path string, err error) { told = append(told, fmt.Sprint(path, ": ", err)) }}
			must(t, c.Put(rec, nil))
			path := records(t, c)[0]
			for range 2 {
				b, err := os.ReadFile(path)
				must(t, err)
				must(t, os.WriteFile(path, damage(b), 0o600))
				if got, ok := c.Get(rec.DiffID, nil); ok {
					t.Errorf("got %v", got)
				}
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("not thrown away: %v", err)
				}
				must(t, c.Put(rec, nil))
				if _, ok := c.Get(rec.DiffID, nil); !ok {
					t.Error("not rebuilt")
				}
			}
			if len(told) != 1 || c.Corrupt() != 1 || !strings.HasPrefix(told[0], path) {
				t.Errorf("said %q, counted %d", told, c.Corrupt())
			}
		})
	}
}

func TestEviction(t *testing.T) {
	now := time.Now()
	c := &Cache{Dir: t.TempDir(), Now: func() time.Time { return now }}
	var recs []*Record
	for i := range 5 {
		rec := sample(t, fmt.Sprint(i))
		recs = append(recs, rec)
		must(t, c.Put(rec, nil))
		old := now.Add(time.Duration(i-100) * time.Hour)
		path, err := c.path(rec.DiffID, nil)
		must(t, err)
		must(t, os.Chtimes(path, old, old))
	}
	stale := filepath.Join(c.Dir, recordDir, tempPrefix+"123")
	must(t, os.WriteFile(stale, make([]byte, 1000), 0o600))
	must(t, os.Chtimes(stale, now.Add(-2*tempAge), now.Add(-2*tempAge)))
	if _, ok := c.Get(recs[0].DiffID, nil); !ok { // now the latest used
		t.Fatal("not kept")
	}
	info, err := os.Stat(records(t, c)[1])
	must(t, err)
	c.MaxBytes = 3*info.Size() + info.Size()/2
	must(t, c.Put(recs[4], nil))
	for i, want := range []bool{true, false, false, true, true} {
		if _, ok := c.Get(recs[i].DiffID, nil); ok != want {
			t.Errorf("record %d kept: %v, want %v", i, ok, want)
		}
	}
	if _, err := os.Stat(stale); err == nil {
		t.Error("a dead writer's file stays")
	}
	c.MaxBytes = 1 // the one just put stays, whatever its size
	must(t, c.Put(recs[2], nil))
	if list := records(t, c); len(list) != 1 || !strings.Contains(list[0], recs[2].DiffID.Hex()) {
		t.Errorf("kept %v", list)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	rec := sample(t, "1")
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	c := &Cache{Dir: filepath.Join(file, "cache")}
	if err := c.Put(rec, nil); err == nil || !strings.Contains(err.Error(), "keep layer record") {
		t.Error(err)
	}
	if err := c.Remember("k", rec.DiffID); err == nil {
		t.Error("no error")
	}
	if _, ok := c.Get(rec.DiffID, nil); ok {
		t.Error("has a record")
	}
	if _, ok := c.Verified("k"); ok {
		t.Error("has a digest")
	}
}

func TestVerified(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	a, b := finding.DigestOf([]byte("a")), finding.DigestOf([]byte("b"))
	must(t, c.Remember("one", a))
	must(t, c.Remember("two", b))
	must(t, c.Remember("one", b)) // the last counts
	for key, want := range map[string]Digest{"one": b, "two": b, "three": ""} {
		if got, ok := c.Verified(key); got != want || ok != (want != "") {
			t.Errorf("%s: %s %v", key, got, ok)
		}
	}
	path := filepath.Join(c.Dir, verifiedName)
	// A torn line costs what comes after it, until the file is put in order.
	lines, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, lines[:2*verifiedLine+7], 0o600))
	must(t, c.Remember("three", a))
	must(t, c.Remember("four", a))
	for key, want := range map[string]Digest{"one": a, "two": b, "three": a, "four": a} {
		if got, _ := c.Verified(key); got != want {
			t.Errorf("after a torn line, %s: %q, want %q", key, got, want)
		}
	}
	// A line that was changed is no line.
	lines, err = os.ReadFile(path)
	must(t, err)
	lines[verifiedKey] ^= 1
	must(t, os.WriteFile(path, lines, 0o600))
	if got, ok := c.Verified("one"); ok {
		t.Errorf("a changed digest is believed: %s", got)
	}
}

func TestVerifiedIsBounded(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	d := finding.DigestOf(nil)
	for i := range 2*verifiedMax + 10 {
		must(t, c.Remember(fmt.Sprint(i), d))
	}
	info, err := os.Stat(filepath.Join(c.Dir, verifiedName))
	must(t, err)
	if info.Size() > (verifiedMax+20)*verifiedLine {
		t.Errorf("%d bytes", info.Size())
	}
	for i, want := range map[int]bool{0: false, 2*verifiedMax + 9: true, verifiedMax + 100: true} {
		if _, ok := c.Verified(fmt.Sprint(i)); ok != want {
			t.Errorf("%d: %v, want %v", i, ok, want)
		}
	}
}

// hammer uses a cache as several runs at once would.
func hammer(tb testing.TB, dir string) {
	var recs []*Record
	for i := range 4 {
		recs = append(recs, sample(tb, fmt.Sprint(i)))
	}
	c := &Cache{Dir: dir, MaxBytes: 1500, OnCorrupt: func(path string, err error) { tb.Errorf("%s: %v", path, err) }}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				rec := recs[(g+i)%len(recs)]
				if err := c.Put(rec, nil); err != nil {
					tb.Error(err)
				}
				if got, ok := c.Get(rec.DiffID, nil); ok && got.DiffID != rec.DiffID {
					tb.Error("another record")
				}
				key := fmt.Sprint(g, i)
				if err := c.Remember(key, rec.DiffID); err != nil {
					tb.Error(err)
				}
				if d, ok := c.Verified(key); ok && d != rec.DiffID {
					tb.Error("another digest")
				}
			}
		})
	}
	wg.Wait()
}

func TestConcurrentRuns(t *testing.T) {
	const env = "LAYER_TEST_CACHE"
	if dir := os.Getenv(env); dir != "" {
		hammer(t, dir)
		return
	}
	dir := t.TempDir()
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestConcurrentRuns$")
			cmd.Env = append(os.Environ(), env+"="+dir)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
	wg.Wait()
	left, err := filepath.Glob(filepath.Join(dir, recordDir, tempPrefix+"*"))
	if err != nil || len(left) > 0 {
		t.Error("left behind: ", left, err)
	}
}

// What would compress beyond the decoder's bound, and names that front coding
// would shorten beyond it, come back all the same.
func TestRecordsOfExtremeShape(t *testing.T) {
	many := &Record{DiffID: finding.DigestOf(nil)}
	for i := range 50_000 {
		many.Entries = append(many.Entries, Entry{Path: strings.Repeat("a", i/1000+1) + "/x", Kind: Dir})
	}
	long := &Record{DiffID: finding.DigestOf(nil)}
	for i := range 500 {
		long.Entries = append(long.Entries, Entry{Path: strings.Repeat("long/", 800) + fmt.Sprintf("%04d", i), UID: -1, GID: 1 << 31, Size: 64 << 30})
	}
	facts := &Record{DiffID: finding.DigestOf(nil), Facts: []Fact{
		{}, {Reader: "", Path: "a", Data: []byte{}}, {Reader: "r", Err: "e"}, {Reader: "r", Data: bytes.Repeat([]byte("x"), 1<<20)}, {Reader: "s"},
	}}
	for _, rec := range []*Record{many, long, facts, {}} {
		b, err := encodeRecord(rec)
		must(t, err)
		got, err := decodeRecord(b)
		must(t, err)
		if !reflect.DeepEqual(rec, got) { // cmp takes seconds for so many
			t.Errorf("%d entries and %d facts come back otherwise", len(rec.Entries), len(rec.Facts))
		}
	}
	if _, err := encodeRecord(&Record{Entries: []Entry{{Path: "a", Kind: Dir, Hash: 1}}}); err == nil {
		t.Error("a folder with content is kept")
	}
}

func BenchmarkCache(b *testing.B) {
	rec, err := Pass(b.Context(), &headers{n: 60_000}, Want{}, nil, Limits{})
	must(b, err)
	for i := range rec.Entries {
		rec.Entries[i].Size, rec.Entries[i].Hash = int64(i*7919%100_000), uint64(i)*0x9e3779b97f4a7c15
	}
	c := &Cache{Dir: b.TempDir()}
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, c.Put(rec, nil))
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := c.Get(rec.DiffID, nil); !ok {
				b.Fatal("not kept")
			}
		}
		info, err := os.Stat(records(b, c)[0])
		must(b, err)
		b.ReportMetric(float64(info.Size())/float64(len(rec.Entries)), "bytes/entry")
	})
}
