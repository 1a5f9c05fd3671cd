package cache

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// plain is kept as JSON, own in its own form.
type plain struct {
	Name  string
	Lines []string
}

type own struct{ text string }

func (o *own) AppendBinary(b []byte) ([]byte, error) {
	if o.text == "unspeakable" {
		return nil, errors.New("unspeakable")
	}
	return append(append(b, "own:"...), o.text...), nil
}

func (o *own) UnmarshalBinary(b []byte) error {
	s, ok := strings.CutPrefix(string(b), "own:")
	if !ok || strings.HasPrefix(s, "unreadable") {
		return errors.New("not its own form")
	}
	o.text = s
	return nil
}

func text(n int, salt string) *own { return &own{strings.Repeat(salt+" and more of it, ", n)} }

func key(name string) Key[own] { return KeyOf[own]("test", 1, name) }

func TestKeeps(t *testing.T) {
	c := &Cache{Dir: filepath.Join(t.TempDir(), "new", "drydock")}
	a, b := KeyOf[plain]("plain", 1, "a"), key("a")
	if _, ok := Get(c, a); ok {
		t.Error("an empty cache has a value")
	}
	want := &plain{"n", []string{"x", "", "\x00"}}
	must(t, Put(c, a, want))
	must(t, Put(c, b, text(100, "t")))
	if got, ok := Get(c, a); !ok || cmp.Diff(want, got) != "" {
		t.Errorf("%v, %v", got, ok)
	}
	for range 2 { // the second into memory that has been used
		if got, ok := Get(c, b); !ok || *got != *text(100, "t") {
			t.Errorf("%v, %v", got, ok)
		}
	}
	for name, k := range map[string]Key[own]{
		"another part": key("b"), "another version": KeyOf[own]("test", 2, "a"), "another kind": KeyOf[own]("other", 1, "a"),
		"parts joined": KeyOf[own]("test", 1, "a", ""), "none": {},
	} {
		if _, ok := Get(c, k); ok {
			t.Errorf("%s: has a value", name)
		}
	}
	if KeyOf[own]("k", 1, "a", "b") == KeyOf[own]("k", 1, `a" "b`) || KeyOf[own]("k", 1, "1") == KeyOf[own]("k", 11) {
		t.Error("two keys are one")
	}
	must(t, Put(c, a, &plain{}))
	if got, _ := Get(c, a); got == nil || got.Name != "" {
		t.Errorf("not replaced: %v", got)
	}
	if err := Put(c, b, &own{"unspeakable"}); err == nil {
		t.Error("what cannot be written is kept")
	}
	if got, _ := Get(c, b); got == nil || *got != *text(100, "t") {
		t.Errorf("what could not be written replaced: %v", got)
	}
	if err := Put(c, Key[own]{}, &own{}); err == nil {
		t.Error("kept under no key")
	}
	if c.Corrupt() != 0 {
		t.Error("a miss counts as corrupt")
	}
}

func TestNoCache(t *testing.T) {
	for _, c := range []*Cache{nil, {}} {
		must(t, Put(c, key("a"), &own{}))
		must(t, c.Remember("k", finding.DigestOf(nil)))
		if _, ok := Get(c, key("a")); ok {
			t.Error("kept")
		}
		if _, ok := c.Verified("k"); ok || c.Corrupt() != 0 {
			t.Error("remembered")
		}
	}
}

// files are those of the cache's values.
func files(tb testing.TB, c *Cache) []string {
	tb.Helper()
	list, err := filepath.Glob(filepath.Join(c.Dir, valueDir, "*"))
	must(tb, err)
	return list
}

func TestCorrupt(t *testing.T) {
	k := key("a")
	sealed := func(k Key[own], payload string) []byte {
		b, err := seal([]byte(payload), &k.sum)
		must(t, err)
		return b
	}
	for name, damage := range map[string]func([]byte) []byte{
		"a bit":         func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"the header":    func(b []byte) []byte { b[4]++; return b },
		"cut short":     func(b []byte) []byte { return b[:len(b)-1] },
		"empty":         func([]byte) []byte { return nil },
		"no value":      func([]byte) []byte { return []byte("<html>hello</html> and much more of it") },
		"another key's": func([]byte) []byte { return sealed(key("b"), "own:x") },
		"another form":  func([]byte) []byte { return sealed(k, `{"Name":"x"}`) },
		"unreadable":    func([]byte) []byte { return sealed(k, "own:unreadable") },
	} {
		t.Run(name, func(t *testing.T) {
			var told []string
			c := &Cache{Dir: t.TempDir(), OnCorrupt: func(path string, err error) { told = append(told, fmt.Sprint(path, ": ", err)) }}
			must(t, Put(c, k, text(10, "t")))
			path := files(t, c)[0]
			for range 2 {
				b, err := os.ReadFile(path)
				must(t, err)
				must(t, os.WriteFile(path, damage(b), 0o600))
				if got, ok := Get(c, k); ok {
					t.Errorf("got %v", got)
				}
				if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("not thrown away: %v", err)
				}
				must(t, Put(c, k, text(10, "t")))
				if _, ok := Get(c, k); !ok {
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
	name := func(i int) Key[own] { return key(fmt.Sprint(i)) }
	for i := range 5 {
		must(t, Put(c, name(i), text(50, fmt.Sprint(i))))
		old := now.Add(time.Duration(i-100) * time.Hour)
		must(t, os.Chtimes(name(i).path(c), old, old))
	}
	dead := filepath.Join(c.Dir, valueDir, ".x.value.drydock-"+disk.Random())
	must(t, os.WriteFile(dead, make([]byte, 1000), 0o600))
	must(t, os.Chtimes(dead, now.Add(-2*time.Hour), now.Add(-2*time.Hour)))
	if _, ok := Get(c, name(0)); !ok { // now the latest used
		t.Fatal("not kept")
	}
	info, err := os.Stat(name(1).path(c))
	must(t, err)
	c.MaxBytes = 3*info.Size() + info.Size()/2
	must(t, Put(c, name(4), text(50, "4")))
	for i, want := range []bool{true, false, false, true, true} {
		if _, ok := Get(c, name(i)); ok != want {
			t.Errorf("value %d kept: %v, want %v", i, ok, want)
		}
	}
	if _, err := os.Stat(dead); err == nil {
		t.Error("a dead writer's file stays")
	}
	c.MaxBytes = 1 // the one just put stays, whatever its size
	must(t, Put(c, name(2), text(50, "2")))
	if list := files(t, c); len(list) != 1 || list[0] != name(2).path(c) {
		t.Errorf("kept %v", list)
	}
	// Another process's values count from the first one that is put.
	c = &Cache{Dir: c.Dir, MaxBytes: info.Size() + 1}
	must(t, Put(c, name(1), text(50, "1")))
	if list := files(t, c); len(list) != 1 {
		t.Errorf("kept %v", list)
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	c := &Cache{Dir: filepath.Join(file, "cache")}
	if err := Put(c, key("a"), &own{}); err == nil || !strings.Contains(err.Error(), "keep test") {
		t.Error(err)
	}
	if err := c.Remember("k", finding.DigestOf(nil)); err == nil {
		t.Error("no error")
	}
	if _, ok := Get(c, key("a")); ok {
		t.Error("has a value")
	}
	if _, ok := c.Verified("k"); ok {
		t.Error("has a digest")
	}
}

// hammer uses a cache as several runs at once would.
func hammer(tb testing.TB, dir string) {
	c := &Cache{Dir: dir, MaxBytes: 400, OnCorrupt: func(path string, err error) { tb.Errorf("%s: %v", path, err) }}
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 100 {
				salt := fmt.Sprint((g + i) % 4)
				if err := Put(c, key(salt), text(20, salt)); err != nil {
					tb.Error(err)
				}
				if got, ok := Get(c, key(salt)); ok && *got != *text(20, salt) {
					tb.Error("another value")
				}
				name, d := fmt.Sprint(g, i), finding.DigestOf([]byte(salt))
				if err := c.Remember(name, d); err != nil {
					tb.Error(err)
				}
				if got, ok := c.Verified(name); ok && got != d {
					tb.Error("another digest")
				}
			}
		})
	}
	wg.Wait()
}

func TestConcurrentRuns(t *testing.T) {
	const env = "CACHE_TEST_DIR"
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
	left, err := filepath.Glob(filepath.Join(dir, valueDir, ".*"))
	if err != nil || len(left) > 0 {
		t.Error("left behind: ", left, err)
	}
}

// What would compress beyond the reader's bound comes back all the same.
func TestExtremeShape(t *testing.T) {
	k := key("a")
	for _, payload := range [][]byte{nil, {}, make([]byte, ratioFloor), make([]byte, 8<<20), bytes.Repeat([]byte("abc"), 1<<20)} {
		b, err := seal(payload, &k.sum)
		must(t, err)
		got, err := new(unpacker).open(b, &k.sum)
		must(t, err)
		if !bytes.Equal(got, payload) {
			t.Errorf("%d bytes come back as %d", len(payload), len(got))
		}
	}
}

// FuzzOpen: no panic; a payload or an error; memory is bounded by the bytes;
// what is read is sealed again and reads the same. The checksum is put right
// first: it is no defence against who knows it.
func FuzzOpen(f *testing.F) {
	k := key("a")
	for _, payload := range []string{"", "own:x", strings.Repeat("own:x", 100)} {
		b, err := seal([]byte(payload), &k.sum)
		must(f, err)
		f.Add(b)
		stored := append(bytes.Clone(b[:head]), payload...)
		stored[5] = storedPlain
		f.Add(stored)
	}
	f.Add([]byte{})
	u := &unpacker{}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= head {
			binary.LittleEndian.PutUint64(b[16:], sumOf(b, &k.sum))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		payload, err := u.open(b, &k.sum)
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(16<<20+2*maxRatio*len(b)); got > most {
			t.Errorf("allocated %d bytes for %d", got, len(b))
		}
		if err != nil {
			if payload != nil {
				t.Fatalf("%d bytes and %v", len(payload), err)
			}
			return
		}
		kept := bytes.Clone(payload)
		again, err := seal(kept, &k.sum)
		must(t, err)
		if same, err := u.open(again, &k.sum); err != nil || !bytes.Equal(kept, same) {
			t.Errorf("%q comes back as %q, %v", kept, same, err)
		}
	})
}

func TestVerified(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	a, b := finding.DigestOf([]byte("a")), finding.DigestOf([]byte("b"))
	must(t, c.Remember("one", a))
	must(t, c.Remember("two", b))
	must(t, c.Remember("one", b)) // the last counts
	for key, want := range map[string]finding.Digest{"one": b, "two": b, "three": ""} {
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
	for key, want := range map[string]finding.Digest{"one": a, "two": b, "three": a, "four": a} {
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

func TestVerifiedRefusesWhatIsNoDigest(t *testing.T) {
	c := &Cache{Dir: t.TempDir()}
	for _, d := range []finding.Digest{"", "sha256:", "sha256:../../../etc/passwd", finding.Digest("sha512:" + strings.Repeat("0", 64)), finding.Digest("sha256:" + strings.Repeat("G", 64))} {
		if err := c.Remember("k", d); err == nil {
			t.Errorf("remembered %q", d)
		}
	}
	if _, ok := c.Verified("k"); ok {
		t.Error("has a digest")
	}
}
