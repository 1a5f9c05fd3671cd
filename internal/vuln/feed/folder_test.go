package feed

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// mirrored writes what the server has as a folder.
func (u *upstream) mirrored(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for path, b := range u.files {
		p := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A folder laid out like the mirror, each of its files alone, and an exported
// database all give what fetching gives.
func TestImportExport(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(ctx, []string{"npm", "Alpine"}, true); err != nil {
		t.Fatal(err)
	}
	dir := up.mirrored(t)
	same := func(v *Updater) {
		t.Helper()
		want(t, fixes(t, v.Dir, "npm", "left"), "GHSA-a 1.0.0")
		want(t, fixes(t, v.Dir, "Alpine:v3.18", "openssl"), "CVE-2023-0466 0", "CVE-2023-2650 3.1.1-r0")
		d, err := db.Open(filepath.Join(v.Dir, "db"))
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		m, err := d.Meta(ctx, "CVE-2023-2650")
		if err != nil || !m.KEV || m.EPSS.Score != 0.5 || len(m.CVSS) != 1 {
			t.Errorf("%+v, %v", m, err)
		}
		if n := len(d.Sources()); n != 6 {
			t.Errorf("%d sources", n)
		}
		if err := v.Verify(ctx); err != nil {
			t.Error(err)
		}
	}
	folder := updater(t, up)
	rep, err := folder.Import(ctx, dir)
	if err != nil || len(rep.Sources) != 6 {
		t.Fatal(rep, err)
	}
	same(folder)

	single := updater(t, up)
	for path := range up.files {
		if strings.HasSuffix(path, ".csv") || strings.Contains(path, "GHSA-") || strings.Contains(path, "/CVE-") {
			continue
		}
		if _, err := single.Import(ctx, filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	same(single)

	var buf bytes.Buffer
	if err := u.Export(ctx, &buf); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "export.db")
	if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	apart := updater(t, up)
	if _, err := apart.Import(ctx, file); err != nil {
		t.Fatal(err)
	}
	same(apart)
	// What was imported as a whole stays beside what is fetched later, and the
	// newer of both answers.
	up.bucket(t, "npm", map[string]string{"GHSA-a": record("npm", "GHSA-a", "left", "1.0.9", 9)}, map[string]int{"GHSA-a": 9})
	if _, err := apart.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, apart.Dir, "npm", "left"), "GHSA-a 1.0.9")
	want(t, fixes(t, apart.Dir, "Alpine:v3.18", "openssl"), "CVE-2023-0466 0", "CVE-2023-2650 3.1.1-r0")

	for name, text := range map[string]string{"a.txt": "hello", "b.json": `{"a":1}`, "c.zip": "PK\x03\x04", "d.db": "drydkADB and then nothing of it", "e.json": `{"catalogVersion":1`} {
		bad := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(bad, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := apart.Import(ctx, bad); err == nil {
			t.Errorf("%s was imported", name)
		}
	}
	want(t, fixes(t, apart.Dir, "npm", "left"), "GHSA-a 1.0.9")
}

func TestDamagedFolder(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	files := []string{filepath.Join(u.Dir, "db"), u.partPath("npm", "all")}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)-1] ^= 1
		if err := os.WriteFile(f, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	err := u.Verify(ctx)
	var e finding.Hinter
	if !errors.Is(err, db.ErrCorrupt) || !errors.As(err, &e) || e.Hint() == "" {
		t.Fatalf("%v", err)
	}
	if err := u.Export(ctx, &bytes.Buffer{}); !errors.Is(err, db.ErrCorrupt) {
		t.Errorf("export: %v", err)
	}
	// The next update fetches anew, although the upstream has nothing newer.
	if _, err := u.Update(ctx, nil, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	if err := u.Verify(ctx); err != nil {
		t.Error(err)
	}
	// A database of another version: scans fall back to the snapshot and say so.
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	b[8]++
	if err := os.WriteFile(files[0], b, 0o644); err != nil {
		t.Fatal(err)
	}
	stack, err := Open(u.Dir, u.User)
	var version *db.VersionError
	if !errors.As(err, &version) || stack == nil || !stack.Knows(ctx, "Debian:12") {
		t.Errorf("%v", err)
	}
	if _, err := u.Update(ctx, nil, false); err != nil {
		t.Fatal(err)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
}

func TestEmptyFolder(t *testing.T) {
	ctx := context.Background()
	u := &Updater{Dir: filepath.Join(t.TempDir(), "none")}
	if s, err := u.Status(); err != nil || len(s) > 0 {
		t.Error(s, err)
	}
	var e *Error
	if err := u.Export(ctx, &bytes.Buffer{}); !errors.As(err, &e) || e.Hint() == "" {
		t.Error(err)
	}
	if err := u.Verify(ctx); err != nil {
		t.Error(err)
	}
	stack, err := Open(u.Dir, u.User)
	if err != nil || !stack.Knows(ctx, "npm") {
		t.Error(err)
	}
	if _, err := u.Import(ctx, filepath.Join(u.Dir, "not-there")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestHints(t *testing.T) {
	for want, err := range map[string]error{
		"disk is full": &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}, "cannot be written": &fs.PathError{Op: "open", Path: "x", Err: syscall.EROFS},
		"XDG_DATA_HOME": fs.ErrPermission, "larger than expected": ErrLimit, "spelling": &StatusError{"x", 404}, "later": &StatusError{"x", 503},
	} {
		var e *Error
		if !errors.As(fail("op", localError{err}), &e) || !strings.Contains(e.Hint(), want) || !errors.Is(e, err) {
			t.Errorf("%v: hint %q", err, e.Hint())
		}
	}
	if fail("op", nil) != nil {
		t.Error("an error of nothing")
	}
}

// A folder that cannot be written is said, whoever runs the test: a file stands
// where the folder should be.
func TestUnusableFolder(t *testing.T) {
	up := newUpstream(t)
	up.whole(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	u := updater(t, up)
	u.Dir = filepath.Join(file, "data")
	var e *Error
	if _, err := u.Update(context.Background(), []string{"npm"}, false); !errors.As(err, &e) {
		t.Error(err)
	}
}

// The disk fills up in the middle: what was there stays, and it is not tried
// again and again.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	w := &fileWriter{full, &progress{u: &Updater{}}}
	_, err = w.Write([]byte("x"))
	if !errors.Is(err, syscall.ENOSPC) || worthRetrying(context.Background(), err) {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "db")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := new(Updater).replace(path, func(io.Writer) error { _, err := full.Write([]byte("x")); return err }); !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "old" {
		t.Error(string(b), err)
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Error(left, err)
	}
}

// Two updates at once, of this process and of another: one waits, both succeed.
func TestTwoAtOnce(t *testing.T) {
	if dir := os.Getenv("FEED_TEST_DIR"); dir != "" {
		u := &Updater{Dir: dir, Bases: Mirror(os.Getenv("FEED_TEST_URL")), Backoff: time.Millisecond, Force: true}
		if _, err := u.Update(context.Background(), []string{"npm"}, true); err != nil {
			t.Fatal(err)
		}
		return
	}
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	var inside, most int
	var mu sync.Mutex
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range 2 {
		wg.Go(func() {
			v := &Updater{Dir: u.Dir, Bases: u.Bases, Backoff: u.Backoff, Now: u.Now, Force: true, Progress: func(string, int64, int64) {
				mu.Lock()
				inside++
				most = max(most, inside)
				mu.Unlock()
				time.Sleep(time.Millisecond)
				mu.Lock()
				inside--
				mu.Unlock()
			}}
			_, errs[i] = v.Update(context.Background(), []string{"npm", "Alpine"}, true)
		})
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestTwoAtOnce$")
			cmd.Env = append(os.Environ(), "FEED_TEST_DIR="+u.Dir, "FEED_TEST_URL="+up.URL)
			if out, err := cmd.CombinedOutput(); err != nil {
				errs[2+i] = fmt.Errorf("%w: %s", err, out)
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	if most > 1 {
		t.Errorf("%d updates worked on the folder at once", most)
	}
	want(t, fixes(t, u.Dir, "npm", "left"), "GHSA-a 1.0.0")
	if err := u.Verify(context.Background()); err != nil {
		t.Error(err)
	}

	// One that waits can be told to stop.
	f, err := tryLock(disk.User{}, filepath.Join(u.Dir, "lock"))
	if err != nil || f == nil {
		t.Fatal(f, err)
	}
	defer f.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := u.Update(ctx, []string{"npm"}, false); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestOlderFormat leaves out what an older drydock imported or stored in a format
// that is read no more, says so by the file's name, and keeps the rest.
func TestOlderFormat(t *testing.T) {
	ctx := context.Background()
	up := newUpstream(t)
	up.whole(t)
	u := updater(t, up)
	if _, err := u.Update(ctx, []string{"npm", "Alpine"}, false); err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := u.Export(ctx, &buf); err != nil {
		t.Fatal(err)
	}
	old := buf.Bytes()
	binary.LittleEndian.PutUint32(old[8:], 1)
	imported := filepath.Join(u.Dir, "imported.db")
	if err := os.WriteFile(imported, old, 0o600); err != nil {
		t.Fatal(err)
	}
	parts, err := filepath.Glob(filepath.Join(u.Dir, "sources", "npm", "*.db"))
	if err != nil || len(parts) == 0 {
		t.Fatalf("no parts of npm: %v", err)
	}
	b, err := os.ReadFile(parts[0])
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(b[8:], 1)
	if err := os.WriteFile(parts[0], b, 0o600); err != nil {
		t.Fatal(err)
	}
	rep, err := u.Update(ctx, []string{"Alpine"}, false)
	if err != nil {
		t.Fatal(err)
	}
	said := strings.Join(rep.Warnings(), "\n")
	for _, w := range []string{imported, parts[0], "db import", "db update"} {
		if !strings.Contains(said, w) {
			t.Errorf("%q is not said: %s", w, said)
		}
	}
	want(t, fixes(t, u.Dir, "Alpine:v3.18", "openssl"), "CVE-2023-0466 0", "CVE-2023-2650 3.1.1-r0")
	if rep, err = u.Update(ctx, []string{"npm"}, false); err != nil {
		t.Fatal(err)
	}
	if said := strings.Join(rep.Warnings(), "\n"); strings.Contains(said, parts[0]) {
		t.Errorf("npm was fetched anew, and still: %s", said)
	}
	if got := fixes(t, u.Dir, "npm", "left"); len(got) == 0 {
		t.Error("npm has nothing after it was fetched anew")
	}
}

// TestImportByFolder: an archive whose records do not all speak of one ecosystem is
// of the one that its folder is called after.
func TestImportByFolder(t *testing.T) {
	dir := t.TempDir()
	record := func(id, eco string) string {
		return `{"id":"` + id + `","modified":"2026-01-01T00:00:00Z","affected":[{"package":{"ecosystem":"` + eco + `","name":"a"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"1.0"}]}]}]}`
	}
	body := zipped(t, map[string]string{"HSEC-1.json": record("HSEC-1", "Hackage"), "HSEC-2.json": record("HSEC-2", "GHC")})
	for folder, ok := range map[string]bool{"Hackage": true, "elsewhere": false} {
		path := filepath.Join(dir, folder, "all.zip")
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
		u := updater(t, newUpstream(t))
		_, err := u.Import(t.Context(), path)
		if ok != (err == nil) {
			t.Errorf("%s: %v", folder, err)
		}
		if ok {
			want(t, fixes(t, u.Dir, "Hackage", "a"), "HSEC-1 1.0")
		}
	}
}
