package layer

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/google/go-cmp/cmp"
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

func failingReader() Analyzer {
	r := reader("fails", "su", 0)
	r.Read = nil // panics
	return r
}

// TestRecordIsKept: for the bytes and the analyzers that it is of, and no others.
func TestRecordIsKept(t *testing.T) {
	rec := sample(t, "1")
	analyzers := []Analyzer{reader("a", "", 1), reader("b", "", 1)}
	c := &cache.Cache{Dir: filepath.Join(t.TempDir(), "new", "drydock")}
	must(t, cache.Put(c, RecordKey(rec.DiffID, analyzers), rec))
	got, ok := cache.Get(c, RecordKey(rec.DiffID, []Analyzer{analyzers[1], analyzers[0]})) // in any order
	if !ok {
		t.Fatal("not kept")
	}
	if d := cmp.Diff(rec, got); d != "" {
		t.Errorf("record (-want +got):\n%s", d)
	}
	newer := reader("a", "", 1)
	newer.Version = 2
	for name, other := range map[string][]Analyzer{
		"one less": analyzers[:1], "newer": {newer, analyzers[1]}, "another limit": {reader("a", "", 2), analyzers[1]}, "none": nil,
	} {
		if _, ok := cache.Get(c, RecordKey(rec.DiffID, other)); ok {
			t.Errorf("%s: the record of other analyzers", name)
		}
	}
	if _, ok := cache.Get(c, RecordKey(finding.DigestOf(nil), analyzers)); ok {
		t.Error("the record of another layer")
	}
	for _, d := range []Digest{"", "sha256:", "sha256:../../../etc/passwd"} {
		if err := cache.Put(c, RecordKey(d, nil), rec); err == nil {
			t.Errorf("kept as %q", d)
		}
	}
	if c.Corrupt() != 0 {
		t.Error("a miss counts as corrupt")
	}
}

// What would compress beyond the cache's bound, and names that front coding
// would shorten beyond ours, come back all the same.
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
		{}, {Analyzer: "", Path: "a", Data: []byte{}}, {Analyzer: "r", Err: "e"}, {Analyzer: "r", Data: bytes.Repeat([]byte("x"), 1<<20)}, {Analyzer: "s"},
	}}
	for _, rec := range []*Record{many, long, facts, {}} {
		b, err := rec.AppendBinary(nil)
		must(t, err)
		got := &Record{}
		must(t, got.UnmarshalBinary(b))
		if !reflect.DeepEqual(rec, got) { // cmp takes seconds for so many
			t.Errorf("%d entries and %d facts come back otherwise", len(rec.Entries), len(rec.Facts))
		}
	}
	if _, err := (&Record{Entries: []Entry{{Path: "a", Kind: Dir, Hash: 1}}}).AppendBinary(nil); err == nil {
		t.Error("a folder with content is kept")
	}
}

func BenchmarkCache(b *testing.B) {
	rec, err := Read(b.Context(), &headers{n: 60_000}, Want{}, nil, Limits{})
	must(b, err)
	for i := range rec.Entries {
		rec.Entries[i].Size, rec.Entries[i].Hash = int64(i*7919%100_000), uint64(i)*0x9e3779b97f4a7c15
	}
	c := &cache.Cache{Dir: b.TempDir()}
	key := RecordKey(rec.DiffID, nil)
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			must(b, cache.Put(c, key, rec))
		}
	})
	b.Run("get", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := cache.Get(c, key); !ok {
				b.Fatal("not kept")
			}
		}
	})
}
