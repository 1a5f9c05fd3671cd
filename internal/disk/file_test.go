package disk

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantFile(tb testing.TB, path, want string) {
	tb.Helper()
	b, err := os.ReadFile(path)
	must(tb, err)
	if string(b) != want {
		tb.Errorf("%s holds %d bytes %.20q, want %d bytes %.20q", path, len(b), b, len(want), want)
	}
}

// wantAlone wants nothing in the folder but these names.
func wantAlone(tb testing.TB, dir string, names ...string) {
	tb.Helper()
	list, err := os.ReadDir(dir)
	must(tb, err)
	var have []string
	for _, e := range list {
		have = append(have, e.Name())
	}
	if strings.Join(have, " ") != strings.Join(names, " ") {
		tb.Errorf("in the folder: %q, want %q", have, names)
	}
}

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	for _, opt := range []Options{{}, {Volatile: true}} {
		must(t, WriteFile(path, []byte("old"), opt))
		must(t, WriteFile(path, []byte("new"), opt))
		wantFile(t, path, "new")
	}
	broken := errors.New("broken")
	err := Write(path, Options{}, func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		return broken
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	wantFile(t, path, "new")
	f, err := Create(path, Options{})
	must(t, err)
	must(t, f.Commit())
	f.Abort() // after Commit it removes nothing
	wantFile(t, path, "")
	wantAlone(t, dir, "f")
}

func TestOnlyFilesAreReplaced(t *testing.T) {
	dir := t.TempDir()
	must(t, os.Mkdir(filepath.Join(dir, "folder"), 0o755))
	for _, path := range []string{filepath.Join(dir, "folder"), os.DevNull} {
		var where *fs.PathError
		if err := WriteFile(path, nil, Options{}); !errors.As(err, &where) || where.Path != path {
			t.Errorf("%s: %v", path, err)
		}
	}
	err := WriteFile(filepath.Join(dir, "none", "f"), nil, Options{})
	if !errors.Is(err, fs.ErrNotExist) || strings.Contains(err.Error(), mark) {
		t.Errorf("into a folder that is not there: %v", err)
	}
	wantAlone(t, dir, "folder")
}

func TestLinks(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	must(t, os.WriteFile(real, []byte("old"), 0o600))
	if err := os.Symlink("real", link); err != nil {
		t.Skip("no links here: ", err)
	}
	must(t, WriteFile(link, []byte("followed"), Options{Follow: true}))
	wantFile(t, real, "followed")
	if to, err := os.Readlink(link); err != nil || to != "real" {
		t.Errorf("the link is gone: %v", err)
	}
	must(t, WriteFile(link, []byte("replaced"), Options{}))
	wantFile(t, real, "followed")
	wantFile(t, link, "replaced")
	must(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	if err := WriteFile(filepath.Join(dir, "dangling"), nil, Options{Follow: true}); err == nil {
		t.Error("a link to nowhere was followed")
	}
	wantAlone(t, dir, "dangling", "link", "real")
}

// A name that is as long as names can be has a temporary one too, and one that
// is cut within a letter stays text.
func TestLongNames(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{strings.Repeat("x", 255), strings.Repeat("x", maxBase-1) + strings.Repeat("ü", 20)} {
		path := filepath.Join(dir, name)
		must(t, WriteFile(path, []byte("a"), Options{}))
		wantFile(t, path, "a")
		f, err := Create(path, Options{})
		must(t, err)
		if tmp := filepath.Base(f.tmp.Name()); len(tmp) > 255 || !isTemp(tmp, name) || !isTemp(tmp, "") || strings.ToValidUTF8(tmp, "") != tmp {
			t.Errorf("temporary name %q", tmp)
		}
		f.Abort()
	}
}

func TestSweepLeavesOthersAlone(t *testing.T) {
	dir := t.TempDir()
	names := []string{".drydock-1", ".f.drydock-", ".f.drydock-12", ".g.drydock-aaaaaaaaaaaaaaaaaaaaaaaaaa", "f.drydock-1"}
	for _, n := range names {
		must(t, os.WriteFile(filepath.Join(dir, n), nil, 0o600))
	}
	must(t, os.WriteFile(filepath.Join(dir, ".f.drydock-aaaaaaaaaaaaaaaaaaaaaaaaab"), nil, 0o600))
	must(t, os.Mkdir(filepath.Join(dir, ".f.drydock-aaaaaaaaaaaaaaaaaaaaaaaaac"), 0o700))
	alive, err := Create(filepath.Join(dir, "f"), Options{})
	must(t, err)
	if _, certain := orphan(alive.tmp); !certain {
		t.Skip("without locks, a file's age tells")
	}
	Sweep(dir, "f")
	must(t, alive.Commit())
	wantAlone(t, dir, ".drydock-1", ".f.drydock-", ".f.drydock-12", ".f.drydock-aaaaaaaaaaaaaaaaaaaaaaaaac", ".g.drydock-aaaaaaaaaaaaaaaaaaaaaaaaaa", "f", "f.drydock-1")
	Sweep(dir, "")
	wantAlone(t, dir, ".drydock-1", ".f.drydock-", ".f.drydock-12", ".f.drydock-aaaaaaaaaaaaaaaaaaaaaaaaac", "f", "f.drydock-1")
}

// Many write one file while the folder is swept: nobody loses a file in the
// making, and each reader sees a whole one.
func TestConcurrentWrites(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	texts := [][]byte{bytes.Repeat([]byte("a"), 5000), bytes.Repeat([]byte("b"), 7000)}
	must(t, WriteFile(path, texts[0], Options{}))
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 50 {
				if err := WriteFile(path, texts[i%2], Options{Volatile: true}); err != nil {
					t.Error(err)
				}
				Sweep(dir, "f")
				if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, texts[0]) && !bytes.Equal(b, texts[1]) {
					t.Errorf("%d bytes, %v", len(b), err)
				}
			}
		})
	}
	wg.Wait()
	wantAlone(t, dir, "f")
}
