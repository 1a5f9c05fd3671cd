package observe

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// own is a program of this machine that has a loader, or the test itself.
func own(t testing.TB) []byte {
	t.Helper()
	name, err := exec.LookPath("env")
	if err != nil {
		name = os.Args[0]
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// FuzzInterpreter holds that what is read is what the standard library reads, and
// nothing that the file does not have.
func FuzzInterpreter(f *testing.F) {
	b := own(f)
	f.Add(b[:min(len(b), 4096)])
	gate, err := stub("amd64")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(gate)
	f.Add([]byte("\x7fELF\x02\x01"))
	f.Fuzz(func(t *testing.T, b []byte) {
		name, err := interpreter(bytes.NewReader(b))
		if err != nil {
			if name != "" {
				t.Errorf("%q with %v", name, err)
			}
			return
		}
		if name != "" && (!filepath.IsAbs(name) || len(name) > 4096 || len(b) < len(name)) {
			t.Errorf("loader %q of %d bytes", name, len(b))
		}
		p, err := elf.NewFile(bytes.NewReader(b))
		if err != nil {
			return // it reads more than is needed here
		}
		want := ""
		for _, s := range p.Progs {
			if s.Type != elf.PT_INTERP {
				continue
			}
			if s.Filesz > 4096 {
				break
			}
			raw := make([]byte, s.Filesz)
			if _, err := s.ReadAt(raw, 0); err == nil || len(raw) == 0 {
				want, _, _ = strings.Cut(string(raw), "\x00")
			}
			break
		}
		if name != "" && want != "" && name != filepath.Clean(want) {
			t.Errorf("loader %q, the standard library reads %q", name, want)
		}
	})
}

// TestRootIsNotLeft holds that no path of a container leads out of its root.
func TestRootIsNotLeft(t *testing.T) {
	in, err := rootOf(os.Getpid())
	if err != nil {
		t.Skip(err)
	}
	defer in.close()
	dir := t.TempDir()
	for name, to := range map[string]string{"up": "../../../../../../../..", "proc": "/proc/self/root", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got := in.target(filepath.Join(dir, "up")); got != "/" {
		t.Errorf("up leads to %q", got)
	}
	for _, name := range []string{"proc", "loop", "nothing"} {
		if got := in.target(filepath.Join(dir, name)); got != "" {
			t.Errorf("%s leads to %q", name, got)
		}
	}
	if !in.program(os.Args[0]) || in.program(dir) || in.program(filepath.Join(dir, "nothing")) {
		t.Error("which files are programs is not known")
	}
}
