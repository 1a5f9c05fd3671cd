//go:build unix

package check

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A pipe that nobody writes to lies where a configuration is looked for: it is
// refused, and not waited for.
func TestPipesAreNotWaitedFor(t *testing.T) {
	for _, name := range []string{".hadolint.yaml", ConfigName, ".trivyignore", ".dive-ci"} {
		dir := t.TempDir()
		if err := syscall.Mkfifo(filepath.Join(dir, name), 0o600); err != nil {
			t.Skip(err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := LoadHadolint(dir, func(string) string { return "" })
			if err == nil {
				_, err = LoadConfig(dir, "")
			}
			if err == nil {
				_, err = DiveGate(dir)
			}
			done <- err
		}()
		select {
		case err := <-done:
			if err == nil || !strings.Contains(err.Error(), "no regular file") {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: waited for", name)
		}
	}
}
