package check

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What was asked for and cannot be done would look like a clean file.
func TestLintRefusesWhatItCannotDo(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "Dockerfile")
	if err := os.WriteFile(name, []byte("FROM alpine:3.22\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := &Pipeline{Surroundings: Surroundings{Now: time.Now}}
	for want, opt := range map[string]LintOptions{
		`no rule is called "nosuch"`: {Only: []string{"nosuch"}},
		"no such folder":             {Context: filepath.Join(dir, "none")},
	} {
		if _, err := p.Lint(context.Background(), []string{name}, opt); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", opt, err, want)
		}
	}
}
