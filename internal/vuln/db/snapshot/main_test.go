package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/drydock-dev/drydock/internal/vuln/db"
)

// The committed snapshot is what the command makes of the facts, byte by byte.
func TestSnapshotIsReproduced(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles every advisory there is")
	}
	dir := os.Getenv("DRYDOCK_SHARED")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "..", "..", "shared")
	}
	dir = filepath.Join(dir, "advisories-2026-11")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("shared data: %v", err)
		}
		t.Skipf("no shared data (set DRYDOCK_SHARED): %v", err)
	}
	in, err := gather(dir)
	if err != nil {
		t.Fatal(err)
	}
	var buf bytes.Buffer
	if err := db.Compile(&buf, in); err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join("..", "snapshot.db"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(buf.Bytes(), committed) {
		t.Errorf("the command makes %d bytes that are not the %d committed: go generate ./internal/vuln/db", buf.Len(), len(committed))
	}
}
