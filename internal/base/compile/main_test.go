package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The committed facts are what the committed command makes of the sources.
func TestDeterministic(t *testing.T) {
	from := os.Getenv("DRYDOCK_SHARED")
	if from == "" {
		from = filepath.Join("..", "..", "..", "..", "shared")
	}
	if _, err := os.Stat(filepath.Join(from, "end-of-life.json.xz")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("no shared data: %v", err)
	}
	dir := t.TempDir()
	if err := run(from, dir, ""); err != nil {
		t.Fatal(err)
	}
	for name, ceiling := range map[string]int{"eol.zst": 60 << 10, "official.zst": 40 << 10, "library.zst": 150 << 10, "facts.zst": 30 << 10, "alpine.zst": 10 << 10} {
		want, err := os.ReadFile(filepath.Join("..", "data", name))
		if err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the committed file is not what the sources give: run go generate", name)
		}
		if len(got) > ceiling {
			t.Errorf("%s is %d bytes, more than %d", name, len(got), ceiling)
		}
	}
}
