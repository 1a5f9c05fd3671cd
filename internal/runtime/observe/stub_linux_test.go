package observe

import (
	"bytes"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestStub runs the program of the start gate, the other architecture's by an emulator
// where one is there: it waits, and then is the program that it is told.
func TestStub(t *testing.T) {
	echo, err := exec.LookPath("echo")
	if err != nil {
		t.Skip(err)
	}
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		t.Run(arch, func(t *testing.T) {
			b, err := stub(arch)
			if err != nil {
				t.Fatal(err)
			}
			f, err := elf.NewFile(bytes.NewReader(b))
			if err != nil || f.Machine != machine || len(f.Progs) != 1 || f.Progs[0].Filesz != uint64(len(b)) {
				t.Fatalf("%+v, %v", f, err)
			}
			dir := t.TempDir()
			fifo, file := filepath.Join(dir, "start"), filepath.Join(dir, gateName)
			if err := unix.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, b, 0o755); err != nil {
				t.Fatal(err)
			}
			argv := []string{file, fifo, "echo", "it", "runs"}
			if arch != runtime.GOARCH {
				emulator, err := exec.LookPath(map[string]string{"amd64": "qemu-x86_64-static", "arm64": "qemu-aarch64-static"}[arch])
				if err != nil {
					t.Skipf("no emulator of %s: %v", arch, err)
				}
				argv = append([]string{emulator}, argv...)
			}
			cmd := exec.Command(argv[0], argv[1:]...)
			var out bytes.Buffer
			cmd.Stdout = &out
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			done := make(chan error, 1)
			go func() { done <- cmd.Wait() }()
			select {
			case err := <-done:
				t.Fatalf("it does not wait: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.WriteString(echo + "\x00"); err != nil {
				t.Fatal(err)
			}
			_ = w.Close()
			if err := <-done; err != nil || out.String() != "it runs\n" {
				t.Errorf("%v, %q", err, &out)
			}
		})
	}
	if _, err := stub("vax"); err == nil {
		t.Error("a stub for a VAX")
	}
}
