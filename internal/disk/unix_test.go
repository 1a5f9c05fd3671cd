//go:build unix

package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// again runs one test of this program in another process, which finds out by
// the variable that it is the other.
func again(t *testing.T, as *syscall.SysProcAttr, vars ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), append(vars, "DISK_TEST_AGAIN=1")...)
	cmd.SysProcAttr = as
	return cmd
}

func isAgain() bool { return os.Getenv("DISK_TEST_AGAIN") != "" }

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can give files away")
	}
}

func stat(t *testing.T, path string) (fs.FileMode, uint32, uint32) {
	t.Helper()
	info, err := os.Lstat(path)
	must(t, err)
	st := info.Sys().(*syscall.Stat_t)
	return info.Mode(), st.Uid, st.Gid
}

func TestModes(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	old := syscall.Umask(0o027)
	defer syscall.Umask(old)
	for _, c := range []struct {
		have fs.FileMode // 0: nothing
		opt  Options
		want fs.FileMode
	}{
		{0, Options{}, 0o640},
		{0, Options{Mode: 0o600}, 0o600},
		{0, Options{Mode: 0o755, Exact: true}, 0o755},
		{0o604, Options{}, 0o604},
		{0o755 | fs.ModeSetuid, Options{Mode: 0o600}, 0o755 | fs.ModeSetuid},
		{0o604, Options{Mode: 0o755, Exact: true}, 0o755},
	} {
		_ = os.Remove(path)
		if c.have != 0 {
			must(t, os.WriteFile(path, nil, 0o600))
			must(t, os.Chmod(path, c.have))
		}
		must(t, WriteFile(path, []byte("x"), c.opt))
		if mode, _, _ := stat(t, path); mode != c.want {
			t.Errorf("%v over %v: %v, want %v", c.opt, c.have, mode, c.want)
		}
	}
}

func TestOwnerIsKept(t *testing.T) {
	needRoot(t)
	path := filepath.Join(t.TempDir(), "f")
	must(t, os.WriteFile(path, nil, 0o600))
	must(t, os.Chown(path, 12345, 23456))
	must(t, os.Chmod(path, 0o755|fs.ModeSetgid))
	must(t, WriteFile(path, []byte("x"), Options{}))
	if mode, uid, gid := stat(t, path); uid != 12345 || gid != 23456 || mode != 0o755|fs.ModeSetgid {
		t.Errorf("%v of %d:%d", mode, uid, gid)
	}
}

// With sudo, what is made in the caller's folders is the caller's, and what is
// made elsewhere is not.
func TestSudo(t *testing.T) {
	needRoot(t)
	env := map[string]string{"SUDO_UID": "12345", "SUDO_GID": "23456"}
	u := Caller(func(k string) string { return env[k] })
	dir := t.TempDir()
	home := filepath.Join(dir, "home")
	must(t, os.Mkdir(home, 0o755))
	must(t, os.Chown(home, 12345, 23456))
	for root, want := range map[string]uint32{home: 12345, dir: 0} {
		deep := filepath.Join(root, "a", "b")
		must(t, u.MkdirAll(deep, 0o700))
		must(t, u.MkdirAll(deep, 0o700)) // twice is once
		must(t, WriteFile(filepath.Join(deep, "f"), nil, Options{User: u}))
		f, err := u.OpenFile(filepath.Join(deep, "g"), os.O_CREATE|os.O_RDWR, 0o644)
		must(t, err)
		must(t, f.Close())
		f, err = u.OpenFile(filepath.Join(deep, "g"), os.O_CREATE|os.O_RDWR, 0o644)
		must(t, err)
		must(t, f.Close())
		for _, p := range []string{filepath.Dir(deep), deep, filepath.Join(deep, "f"), filepath.Join(deep, "g")} {
			if _, uid, _ := stat(t, p); uid != want {
				t.Errorf("%s belongs to %d, want %d", p, uid, want)
			}
		}
		must(t, u.Private(filepath.Join(deep, "f")))
	}
	must(t, os.WriteFile(filepath.Join(dir, "file"), nil, 0o600))
	if err := u.MkdirAll(filepath.Join(dir, "file"), 0o700); err == nil {
		t.Error("a file is taken for a folder")
	}
	for _, bad := range []string{"", "0", "-1", "x", "1e3"} {
		env["SUDO_UID"] = bad
		if Caller(func(k string) string { return env[k] }) != (User{}) {
			t.Errorf("SUDO_UID=%q names somebody", bad)
		}
	}
}

func TestPrivate(t *testing.T) {
	if !isAgain() && os.Geteuid() == 0 {
		// The same as somebody else, in a folder of his.
		dir, err := os.MkdirTemp("", "disk")
		must(t, err)
		defer os.RemoveAll(dir)
		must(t, os.Chown(dir, 12345, 23456))
		program, err := os.ReadFile(os.Args[0])
		must(t, err)
		copied := filepath.Join(dir, "test")
		must(t, os.WriteFile(copied, program, 0o755))
		cmd := again(t, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 23456}}, "TMPDIR="+dir)
		cmd.Path = copied
		if out, err := cmd.CombinedOutput(); err != nil {
			if errors.Is(err, syscall.EPERM) {
				t.Logf("not run as another user: %v", err) // a superuser of little power
			} else {
				t.Errorf("as another user: %v\n%s", err, out)
			}
		}
	}
	old := syscall.Umask(0)
	defer syscall.Umask(old)
	base := t.TempDir()
	must(t, os.Chmod(base, 0o755))
	me := User{}
	mk := func(mode fs.FileMode, path ...string) string {
		t.Helper()
		p := filepath.Join(append([]string{base}, path...)...)
		must(t, os.MkdirAll(p, 0o755))
		must(t, os.Chmod(p, mode))
		return p
	}
	good := mk(0o700, "good")
	mk(0o777, "open")
	mk(0o700, "open", "in")
	mk(0o777|fs.ModeSticky, "sticky")
	mk(0o755, "sticky", "in")
	mk(0o770, "group")
	mk(0o755, "group", "in")
	link := func(to, name string) string {
		t.Helper()
		p := filepath.Join(base, name)
		must(t, os.Symlink(to, p))
		return p
	}
	file := filepath.Join(good, "db")
	must(t, os.WriteFile(file, nil, 0o644))
	openFile := filepath.Join(good, "open")
	must(t, os.WriteFile(openFile, nil, 0o666))
	must(t, os.Chmod(openFile, 0o666))
	for name, c := range map[string]struct {
		path string
		bad  string // which path is, or empty
	}{
		"a folder":                       {good, ""},
		"a file":                         {file, ""},
		"not there yet":                  {filepath.Join(good, "new", "er"), ""},
		"a file for all":                 {openFile, openFile},
		"a folder for all":               {filepath.Join(base, "open"), filepath.Join(base, "open")},
		"in a folder for all":            {filepath.Join(base, "open", "in"), filepath.Join(base, "open")},
		"not there, in a folder for all": {filepath.Join(base, "open", "new"), filepath.Join(base, "open")},
		"a sticky folder itself":         {filepath.Join(base, "sticky"), filepath.Join(base, "sticky")},
		"in a sticky folder":             {filepath.Join(base, "sticky", "in"), ""},
		"a folder for a group":           {filepath.Join(base, "group"), filepath.Join(base, "group")},
		"a link":                         {link("good", "l1"), ""},
		"behind a link":                  {filepath.Join(link(good, "l2"), "db"), ""},
		"a link to a folder for all":     {link("open", "l3"), filepath.Join(base, "open")},
		"a link into a folder for all":   {link("open/in", "l4"), filepath.Join(base, "open")},
		"a link out of a folder for all": {link(filepath.Join("..", filepath.Base(base), "good"), "open/l5"), filepath.Join(base, "open")},
		"a link to nothing":              {link("nothing", "l6"), ""},
	} {
		err := me.Private(c.path)
		var open *OpenError
		switch {
		case c.bad == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.bad != "" && (!errors.As(err, &open) || open.Path != c.bad || !strings.Contains(open.Hint(), c.bad)):
			t.Errorf("%s: %v, want one about %s", name, err, c.bad)
		}
	}
	link("round", "round")
	if err := me.Private(filepath.Join(base, "round")); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a link to itself: %v", err)
	}
}

func TestPrivateOfOthers(t *testing.T) {
	needRoot(t)
	base := t.TempDir()
	theirs := filepath.Join(base, "theirs")
	must(t, os.MkdirAll(filepath.Join(theirs, "in"), 0o755))
	must(t, os.Chown(theirs, 12345, 12345))
	link := filepath.Join(base, "link")
	must(t, os.MkdirAll(filepath.Join(base, "mine"), 0o755))
	must(t, os.Symlink("mine", link))
	must(t, os.Lchown(link, 12345, 12345))
	sudo := Caller(func(k string) string { return map[string]string{"SUDO_UID": "12345"}[k] })
	for _, path := range []string{theirs, filepath.Join(theirs, "in"), link} {
		var open *OpenError
		if err := (User{}).Private(path); !errors.As(err, &open) || open.Hint() == "" {
			t.Errorf("%s: %v", path, err)
		}
		if err := sudo.Private(path); err != nil {
			t.Errorf("%s, with sudo: %v", path, err)
		}
	}
	// The folder's own group may write above it, as where each user has a group.
	must(t, os.Chmod(theirs, 0o775))
	must(t, sudo.Private(filepath.Join(theirs, "in")))
	must(t, os.Chown(theirs, 12345, 100))
	if err := sudo.Private(filepath.Join(theirs, "in")); err == nil {
		t.Error("a folder that a group of many may write")
	}
}

// A writer that is killed leaves the old file or the new one, and what it was
// making is swept.
func TestKilledWriter(t *testing.T) {
	a, b := bytes.Repeat([]byte("a"), 1<<20), bytes.Repeat([]byte("b"), 1<<20)
	if isAgain() {
		for {
			must(t, WriteFile(os.Getenv("DISK_TEST_FILE"), b, Options{}))
			must(t, WriteFile(os.Getenv("DISK_TEST_FILE"), a, Options{}))
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	must(t, WriteFile(path, a, Options{}))
	left := 0
	for range 20 {
		cmd := again(t, nil, "DISK_TEST_FILE="+path)
		must(t, cmd.Start())
		time.Sleep(time.Duration(rand.IntN(60)) * time.Millisecond)
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
		got, err := os.ReadFile(path)
		must(t, err)
		if !bytes.Equal(got, a) && !bytes.Equal(got, b) {
			t.Fatalf("half a file: %d bytes", len(got))
		}
		list, err := os.ReadDir(dir)
		must(t, err)
		left += len(list) - 1
		Sweep(dir, "f")
		wantAlone(t, dir, "f")
	}
	t.Logf("%d of 20 left a file in the making", left)
}

// full wants of a write that has no room that it says so, and that everything
// is as it was.
func full(t *testing.T, dir string, want error) {
	t.Helper()
	path := filepath.Join(dir, "f")
	must(t, WriteFile(path, []byte("old"), Options{}))
	for _, opt := range []Options{{}, {Volatile: true}} {
		err := WriteFile(path, make([]byte, 1<<20), opt)
		var where *fs.PathError
		if !errors.Is(err, want) || !errors.As(err, &where) || where.Path != path {
			t.Errorf("%v, want %v about %s", err, want, path)
		}
		wantFile(t, path, "old")
		wantAlone(t, dir, "f")
	}
}

func TestLimitedFileSize(t *testing.T) {
	if !isAgain() {
		if out, err := again(t, nil).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	signal.Ignore(syscall.SIGXFSZ)
	must(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}))
	full(t, t.TempDir(), syscall.EFBIG)
}

func TestFullDisk(t *testing.T) {
	needRoot(t)
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+strconv.Itoa(64<<10), "drydock-test", dir).CombinedOutput(); err != nil {
		t.Skipf("no small disk to be had: %v: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
	}()
	full(t, dir, syscall.ENOSPC)
}
