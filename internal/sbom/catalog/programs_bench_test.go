package catalog

import (
	"bytes"
	"crypto/sha256"
	"github.com/drydock-dev/drydock/internal/layer"
	"io/fs"
	"os"
	"os/exec"
	"testing"
)

// BenchmarkBinary is the cost of a byte of an executable beside that of
// hashing it.
func BenchmarkBinary(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	body := readFile(b, exe)
	if n := os.Getenv("BENCH_BINARY"); n != "" {
		body = readFile(b, n)
	}
	_ = exec.Command
	b.Run("sha256", func(b *testing.B) {
		b.SetBytes(int64(len(body)))
		for b.Loop() {
			sha256.Sum256(body)
		}
	})
	for _, name := range []string{"unknown", "node", "libcrypto.so.3", "python3.11"} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				in := layer.Input{Path: "usr/bin/" + name, Mode: fs.FileMode(0o755), Size: int64(len(body)), Body: bytes.NewReader(body)}
				if _, err := learnBinary(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
