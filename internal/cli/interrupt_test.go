//go:build unix

package cli_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is the program under test as a process of its own, in a home of its
// own.
func process(t *testing.T, args ...string) (cmd *exec.Cmd, home string) {
	t.Helper()
	home = t.TempDir()
	exe := filepath.Join(home, "drydock")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, exe); err != nil { // TestMain goes by the name
		t.Fatal(err)
	}
	cmd = exec.Command(exe, args...)
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CACHE_HOME="+home+"/cache", "XDG_DATA_HOME="+home+"/data", "TMPDIR="+home+"/tmp")
	if err := os.Mkdir(home+"/tmp", 0o755); err != nil {
		t.Fatal(err)
	}
	return cmd, home
}

func TestInterruptLeavesNothingBehind(t *testing.T) {
	cmd, home := process(t, "sbom", "-")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// A member whose end never comes.
	head := make([]byte, 512)
	copy(head, "endless")
	copy(head[100:], "0000644\x000000000\x000000000\x0077777777777\x0000000000000\x00")
	copy(head[148:], "        ")
	sum := 0
	for _, c := range head {
		sum += int(c)
	}
	copy(head[148:], []byte{byte('0' + sum>>15&7), byte('0' + sum>>12&7), byte('0' + sum>>9&7), byte('0' + sum>>6&7), byte('0' + sum>>3&7), byte('0' + sum&7), 0, ' '})
	if _, err := stdin.Write(append(head, make([]byte, 4<<20)...)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	select {
	case err = <-done:
	case <-time.After(20 * time.Second):
		_ = cmd.Process.Kill()
		t.Fatal("an interrupt does not end the program")
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("%v, want exit 1", err)
	}
	if !strings.Contains(stderr.String(), "error: interrupted") || stdout.Len() != 0 {
		t.Errorf("stdout %q, stderr %q", &stdout, &stderr)
	}
	for _, dir := range []string{"cache", "tmp", "data"} {
		err := filepath.WalkDir(filepath.Join(home, dir), func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				t.Errorf("left behind: %s", path)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func TestClosedStandardInput(t *testing.T) {
	for _, target := range []string{"-", "sbom://-"} {
		cmd, _ := process(t, "sbom", target)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasPrefix(string(out), "error: ") {
			t.Errorf("%s: %v, %s", target, err, out)
		}
	}
}

// TestFullDisk writes where there is no room: an error that says where, and
// exit 1.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full here")
	}
	cmd, _ := process(t, "sbom", "sbom://testdata/one.cdx.json")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = full, &stderr
	err = cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(stderr.String(), syscall.ENOSPC.Error()) {
		t.Errorf("%v, %s", err, &stderr)
	}
}

func TestReadOnlyCacheIsNoReasonToFail(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("as root, a folder that cannot be made stands in for one that cannot be written")
	}
	cmd, home := process(t, "sbom", "--cache-dir", "/dev/null/cache", "-f", "json", "sbom://testdata/one.cdx.json")
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte("lodash")) {
		t.Errorf("%v, %s (home %s)", err, out, home)
	}
}
