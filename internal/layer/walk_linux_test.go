package layer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/drydock-dev/drydock/internal/cache"
	"github.com/google/go-cmp/cmp"
)

func TestWalk(t *testing.T) {
	outside := t.TempDir()
	must(t, os.WriteFile(filepath.Join(outside, "secret.conf"), []byte("secret"), 0o600))
	dir := t.TempDir()
	for path, content := range map[string]string{
		"etc/a.conf": "alpha", "etc/sub/b.conf": "beta", "etc-x": "1", ".wh.kept": "", "big.conf": strings.Repeat("x", 100), "empty.conf": "",
	} {
		path = filepath.Join(dir, path)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(content), 0o644))
	}
	must(t, os.Symlink(filepath.Join(outside, "secret.conf"), filepath.Join(dir, "out.conf")))
	must(t, os.Symlink(outside, filepath.Join(dir, "outside")))
	must(t, os.Symlink(".", filepath.Join(dir, "loop")))
	rec, err := Walk(context.Background(), dir, []Analyzer{reader("conf", ".conf", 10), reader("stream", "a.conf", Stream), reader("is", "-x", 0)}, Limits{})
	must(t, err)
	out := filepath.Join(outside, "secret.conf")
	if d := cmp.Diff([]string{
		"f .wh.kept", "f big.conf 100", "f empty.conf", "d etc", "f etc/a.conf 5", "d etc/sub", "f etc/sub/b.conf 4", "f etc-x 1",
		"l loop -> .", "l out.conf -> " + out, "l outside -> " + outside,
	}, lines(rec)); d != "" {
		t.Errorf("entries (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{
		"conf big.conf: xxxxxxxxxx", "conf empty.conf: ", "conf etc/a.conf: alpha", "conf etc/sub/b.conf: beta",
		"conf out.conf: -> " + out, "is etc-x: ", "stream etc/a.conf: alpha",
	}, factLines(rec)); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	if rec.DiffID != "" || rec.Size != 110 {
		t.Errorf("%q, %d bytes", rec.DiffID, rec.Size)
	}
	for _, e := range rec.Entries {
		if read := e.Path == "etc/a.conf" || e.Path == "etc/sub/b.conf"; read != (e.Hash != 0) {
			t.Errorf("%s: hash %x", e.Path, e.Hash)
		}
	}
	if err := cache.Put(&cache.Cache{Dir: t.TempDir()}, RecordKey(rec.DiffID, nil), rec); err == nil {
		t.Error("a walk's record is kept, under no digest")
	}
}

func TestWalkSaysWhatItCannotRead(t *testing.T) {
	if os.Getuid() == 0 {
		// Root may read everything; as somebody else it is held up.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 65534, ^uintptr(0)); e != 0 {
			t.Skip("cannot be another user: ", e)
		}
		defer func() {
			if _, _, e := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), 0, ^uintptr(0)); e != 0 {
				panic(e)
			}
		}()
	}
	dir, err := os.MkdirTemp("", "walk")
	must(t, err)
	defer func() { _ = os.RemoveAll(dir) }()
	must(t, os.MkdirAll(filepath.Join(dir, "locked", "in"), 0o755))
	for _, f := range []string{"no.conf", "no.stream", "no.other", "yes.conf"} {
		must(t, os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600))
		if strings.HasPrefix(f, "no") {
			must(t, os.Chmod(filepath.Join(dir, f), 0))
		}
	}
	must(t, os.Chmod(filepath.Join(dir, "locked"), 0))
	defer func() { _ = os.Chmod(filepath.Join(dir, "locked"), 0o700) }()
	rec, err := Walk(context.Background(), dir, []Analyzer{reader("conf", ".conf", 10), reader("is", "o.conf", 0), reader("s", ".stream", Stream)}, Limits{})
	must(t, err)
	if d := cmp.Diff([]string{
		" locked: error open: permission denied", "conf no.conf: error open: permission denied", "conf yes.conf: x",
		"is no.conf: error open: permission denied", "s no.stream: error open: permission denied",
	}, factLines(rec)); d != "" {
		t.Errorf("facts (-want +got):\n%s", d)
	}
	if len(rec.Entries) != 5 {
		t.Error(lines(rec))
	}
}

func TestWalkOfSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	must(t, syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o644))
	rec, err := Walk(context.Background(), dir, []Analyzer{reader("all", "", 10)}, Limits{})
	must(t, err)
	if d := cmp.Diff([]string{"p pipe"}, lines(rec)); d != "" || len(rec.Facts) != 0 {
		t.Error(d, rec.Facts)
	}
	// A pipe that took a file's place is not waited for.
	root, err := os.OpenRoot(dir)
	must(t, err)
	defer func() { _ = root.Close() }()
	if f, err := openRegular(root, "pipe"); err == nil {
		_ = f.Close()
		t.Error("opened a pipe")
	}
}

func TestWalkLeavesTheKernelsFiles(t *testing.T) {
	if _, err := os.Stat("/proc/self/status"); err != nil {
		t.Skip("no proc here")
	}
	d, err := os.Open("/proc")
	must(t, err)
	defer func() { _ = d.Close() }()
	if !isKernels(d) {
		t.Error("proc is not known")
	}
	here, err := os.Open(".")
	must(t, err)
	defer func() { _ = here.Close() }()
	if isKernels(here) {
		t.Error("a folder with files is taken for the kernel's")
	}
}

func TestWalkLimits(t *testing.T) {
	dir := t.TempDir()
	for _, f := range []string{"a", "b", "c"} {
		must(t, os.WriteFile(filepath.Join(dir, f), []byte("x"), 0o600))
	}
	var place *Error
	if rec, err := Walk(context.Background(), dir, nil, Limits{Files: 2}); rec != nil || !errors.Is(err, ErrLimit) || !errors.As(err, &place) {
		t.Error(rec, err)
	}
	if rec, err := Walk(context.Background(), filepath.Join(dir, "none"), nil, Limits{}); rec != nil || !errors.Is(err, fs.ErrNotExist) {
		t.Error(rec, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if rec, err := Walk(ctx, dir, nil, Limits{}); rec != nil || !errors.Is(err, context.Canceled) {
		t.Error(rec, err)
	}
}
