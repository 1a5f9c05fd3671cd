//go:build unix

package cli_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/ledger"
)

// killedRun leaves what a run leaves that was killed: a folder of temporary
// files, a file beside a Dockerfile, and the page that says so.
func killedRun(t *testing.T, data, dir string) (left []string) {
	t.Helper()
	l := ledger.Open(data, disk.User{}, nil)
	folder, err := l.Folder("proof")
	if err != nil {
		t.Fatal(err)
	}
	f, err := disk.Create(filepath.Join(dir, "Dockerfile"), disk.Options{Record: l})
	if err != nil {
		t.Fatal(err)
	}
	beside, err := filepath.Glob(filepath.Join(dir, ".Dockerfile.drydock-*"))
	if err != nil || len(beside) != 1 {
		t.Fatalf("%v %v", beside, err)
	}
	pages, err := filepath.Glob(filepath.Join(data, "ledger*", "*.ledger"))
	if err != nil || len(pages) != 1 {
		t.Fatalf("%v %v", pages, err)
	}
	text := readText(t, pages[0])
	f.Abort() // the owner's lock goes with it
	if err := folder.Remove(); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, filepath.Dir(pages[0]), map[string]string{filepath.Base(pages[0]): text})
	if err := os.Chmod(pages[0], 0o600); err != nil {
		t.Fatal(err)
	}
	writeFiles(t, folder.Path, map[string]string{"context/secret": "x"})
	writeFiles(t, dir, map[string]string{filepath.Base(beside[0]): "half"})
	return []string{folder.Path, beside[0], pages[0]}
}

// TestTheNextRunTakesAwayWhatAKilledOneLeft: whichever verb it is, and with a
// word about it.
func TestTheNextRunTakesAwayWhatAKilledOneLeft(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir := t.TempDir()
	name := filepath.Join(dir, "Dockerfile")
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM scratch\nCOPY x /x\n"})
	for _, args := range [][]string{{"lint", name}, {"version"}, {"fix", name}, {"check", dir}, {"db", "status"}} {
		b := newBench(t)
		left := killedRun(t, filepath.Join(b.env["XDG_DATA_HOME"], "drydock"), dir)
		if a := b.run("__complete", "li"); a.code != 0 || strings.Contains(a.stderr, "removed") {
			t.Errorf("completion waits for a sweep: %s", a.stderr)
		}
		a := b.run(args...)
		for _, path := range left {
			if _, err := os.Lstat(path); err == nil {
				t.Errorf("%v leaves %s", args, path)
			}
		}
		for _, path := range left[:2] {
			if !strings.Contains(a.stderr, "note: removed ") || !strings.Contains(a.stderr, path) {
				t.Errorf("%v does not say that it removed %s: %q", args, path, a.stderr)
			}
		}
		if strings.Contains(a.stdout, "removed") {
			t.Errorf("%v says it in its output", args)
		}
		if again := b.run(args...); strings.Contains(again.stderr, "removed") {
			t.Errorf("%v says it twice", args)
		}
	}
}

// TestEngineNoLedgerNoContainer: without a data folder that can be written,
// nothing is built, and the error says what to do. What makes no container works.
func TestEngineNoLedgerNoContainer(t *testing.T) {
	docker := engine(t)
	t.Setenv("DRYDOCK_DOCKER", docker)
	t.Setenv("TMPDIR", t.TempDir())
	b := newBench(t)
	dir := t.TempDir()
	writeFiles(t, dir, map[string]string{"Dockerfile": "FROM scratch\nMAINTAINER me\nCOPY x /x\n", "x": "", "data": "a file"})
	name := filepath.Join(dir, "Dockerfile")
	b.env["XDG_DATA_HOME"] = filepath.Join(dir, "data")
	a := b.run("fix", "--write", "--prove", "rebuild", "--only", "MaintainerDeprecated", name)
	if a.code != 1 || !strings.Contains(a.stderr, "write down what is made") || !strings.Contains(a.stderr, "hint: name a data folder") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	if got := readText(t, name); !strings.Contains(got, "MAINTAINER") {
		t.Errorf("written: %s", got)
	}
	if a := b.run("fix", "--write", "--only", "MaintainerDeprecated", name); a.code != 0 || strings.Contains(readText(t, name), "MAINTAINER") {
		t.Errorf("exit code %d\n%s%s", a.code, a.stdout, a.stderr)
	}
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
}
