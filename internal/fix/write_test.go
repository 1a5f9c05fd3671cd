package fix_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

func put(t *testing.T, path, text string, mode fs.FileMode) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func rewrite(path, old, with string) fix.Rewrite {
	return fix.Rewrite{File: path, Base: finding.DigestOf([]byte(old)), New: []byte(with)}
}

// only wants these names in a folder and nothing else.
func only(t *testing.T, dir string, want ...string) {
	t.Helper()
	var got []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("%s holds %v, want %v", dir, got, want)
	}
}

func TestWriteKeepsModeAndLinks(t *testing.T) {
	dir := t.TempDir()
	real := put(t, filepath.Join(dir, "docker", "Dockerfile.real"), "FROM a\n", 0o640)
	link := filepath.Join(dir, "Dockerfile")
	if err := os.Symlink("docker/Dockerfile.real", link); err != nil {
		t.Fatal(err)
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(link, "FROM a\n", "FROM b\n"), rewrite(filepath.Join(dir, ".dockerignore"), "", ".git\n")}, disk.Options{}); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		t.Errorf("the link is no link any more: %v %v", info.Mode(), err)
	}
	if info, err = os.Stat(real); err != nil || info.Mode().Perm() != 0o640 || read(t, real) != "FROM b\n" {
		t.Errorf("%v %v %q", info.Mode(), err, read(t, real))
	}
	if read(t, filepath.Join(dir, ".dockerignore")) != ".git\n" {
		t.Error("the new file is not there")
	}
	only(t, dir, ".dockerignore", "Dockerfile", "docker")
	only(t, filepath.Join(dir, "docker"), "Dockerfile.real")
}

func TestWriteRefuses(t *testing.T) {
	dir := t.TempDir()
	a := put(t, filepath.Join(dir, "a"), "1", 0o644)
	b := put(t, filepath.Join(dir, "b"), "changed meanwhile", 0o644)
	var changed *fix.ChangedError
	err := fix.Write(dir, []fix.Rewrite{rewrite(a, "1", "2"), rewrite(b, "1", "2")}, disk.Options{})
	if !errors.As(err, &changed) || read(t, a) != "1" {
		t.Errorf("a file that changed: %v; the other is %q", err, read(t, a))
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(a, "", "2")}, disk.Options{}); !errors.As(err, &changed) {
		t.Errorf("a new file over one that is there: %v", err)
	}
	only(t, dir, "a", "b")

	outside := put(t, filepath.Join(t.TempDir(), "secret"), "1", 0o644)
	if err := os.Symlink(outside, filepath.Join(dir, "c")); err != nil {
		t.Fatal(err)
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(filepath.Join(dir, "c"), "1", "2")}, disk.Options{}); err == nil || !strings.Contains(err.Error(), "leads out of") || read(t, outside) != "1" {
		t.Errorf("a link that leads out: %v", err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "d")); err != nil {
		t.Fatal(err)
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(filepath.Join(dir, "d", "secret"), "1", "2")}, disk.Options{}); err == nil || read(t, outside) != "1" {
		t.Errorf("a folder that leads out: %v", err)
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(filepath.Join(dir, "nowhere", "x"), "", "2")}, disk.Options{}); err == nil {
		t.Error("a folder that is not there")
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(dir+"/../x", "", "2")}, disk.Options{}); err == nil {
		t.Error("a path that climbs out")
	}
}

// What a killed process left is removed, whatever its age, and nothing else.
func TestWriteClearsAwayWhatAKilledProcessLeft(t *testing.T) {
	dir := t.TempDir()
	a := put(t, filepath.Join(dir, "a[1]"), "1", 0o644)
	old := put(t, filepath.Join(dir, ".a[1].drydock-aaaaaaaaaaaaaaaaaaaaaaaaaa"), "half", 0o600)
	another := put(t, filepath.Join(dir, ".a1.drydock-aaaaaaaaaaaaaaaaaaaaaaaaab"), "another file's", 0o600)
	at := time.Now().Add(-2 * time.Hour) // where locks do not tell, age does
	if err := errors.Join(os.Chtimes(old, at, at), os.Chtimes(another, at, at)); err != nil {
		t.Fatal(err)
	}
	if err := fix.Write(dir, []fix.Rewrite{rewrite(a, "1", "2")}, disk.Options{}); err != nil {
		t.Fatal(err)
	}
	only(t, dir, filepath.Base(another), "a[1]")
}
