//go:build unix

package catalog

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/layer"
)

// BenchmarkBinary is the cost of a byte of an executable beside that of
// hashing it.
func BenchmarkBinary(b *testing.B) {
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	body := readFile(b, exe)
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
				in := layer.Input{Path: "usr/bin/" + name, Mode: 0o755, Size: int64(len(body)), Body: bytes.NewReader(body)}
				if _, err := learnBinary(b.Context(), in); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkReaders is what each reader adds to a pass over a real layer: the
// root file system that DRYDOCK_DEBIAN_ROOTFS names (a folder or a tar), else
// Alpine's. "extra-ns/byte" is processor time beside a pass that nobody wants
// anything of.
func BenchmarkReaders(b *testing.B) {
	body := benchLayer(b)
	pass := func(readers ...layer.Analyzer) time.Duration {
		start := cpu(b)
		if _, err := layer.Read(b.Context(), bytes.NewReader(body), layer.Want{Name: "bench"}, readers, layer.Limits{}); err != nil {
			b.Fatal(err)
		}
		return cpu(b) - start
	}
	run := func(name string, readers ...layer.Analyzer) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			// By turns, so that both meet the same machine; the best of each,
			// for what else the machine does is not to be measured.
			without, with := pass(), pass(readers...)
			for b.Loop() {
				without, with = min(without, pass()), min(with, pass(readers...))
			}
			b.ReportMetric(float64(with-without)/float64(len(body)), "extra-ns/byte")
			b.ReportMetric(float64(without)/float64(len(body)), "pass-ns/byte")
			b.ReportMetric(0, "ns/op")
		})
	}
	for _, r := range Analyzers() {
		run(r.Name, r)
	}
	run("all", Analyzers()...)
}

// cpu is the processor time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFromScan joins what is already known: the part of a cached scan
// that is this package's.
func BenchmarkFromScan(b *testing.B) {
	s := scanOf(b, benchLayer(b))
	b.ReportAllocs()
	for b.Loop() {
		inventoryOf(b, s)
	}
}

// benchLayer is a layer as a plain tar.
func benchLayer(b *testing.B) []byte {
	name := os.Getenv("DRYDOCK_DEBIAN_ROOTFS")
	if name == "" {
		z, err := gzip.NewReader(bytes.NewReader(readFile(b, shared(b, "images/alpine-minirootfs-3.18.9-x86_64.tar.gz"))))
		if err != nil {
			b.Fatal(err)
		}
		body, err := io.ReadAll(z)
		if err != nil {
			b.Fatal(err)
		}
		return body
	}
	if st, err := os.Stat(name); err != nil {
		b.Fatal(err)
	} else if !st.IsDir() {
		return readFile(b, name)
	}
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	root := os.DirFS(filepath.Clean(name))
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() { // devices and pipes of a real root are of no interest
			return err
		}
		body, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		err = w.WriteHeader(&tar.Header{Name: p, Mode: 0o755, Size: int64(len(body))})
		_, werr := w.Write(body)
		return errors.Join(err, werr)
	})
	if err := errors.Join(err, w.Close()); err != nil {
		b.Fatal(err)
	}
	return buf.Bytes()
}
