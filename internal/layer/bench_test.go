//go:build unix

package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// benchTar is a layer as they are: most files small, most bytes in few large
// ones, content that compresses to about a third.
func benchTar(b *testing.B) []byte {
	b.Helper()
	rnd := rand.New(rand.NewPCG(1, 2))
	words := make([][]byte, 4096)
	for i := range words {
		words[i] = make([]byte, 2+rnd.IntN(14))
		for j := range words[i] {
			words[i][j] = byte(rnd.IntN(256))
		}
	}
	content := make([]byte, 0, 16<<20)
	for len(content) < 15<<20 {
		content = append(content, words[int(rnd.ExpFloat64()*300)%len(words)]...)
	}
	var buf bytes.Buffer
	tw := tar.NewWriter(&buf)
	add := func(name string, size int) {
		must(b, tw.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(size), Typeflag: tar.TypeReg}))
		off := rnd.IntN(len(content) - size)
		_, err := tw.Write(content[off : off+size])
		must(b, err)
	}
	for i := range 6000 {
		add(fmt.Sprintf("usr/share/dir%03d/file-%05d.txt", i/20, i), 100+int(rnd.ExpFloat64()*6000))
	}
	for i := range 30 {
		add(fmt.Sprintf("usr/lib/lib%d.so", i), 500_000+rnd.IntN(6_000_000))
	}
	must(b, tw.Close())
	return buf.Bytes()
}

// BenchmarkPass prints what a pass without analyzers costs against the least
// that it could: reading, decompressing and hashing the same bytes with the
// same libraries. The two take turns, so that a busy machine slows both.
func BenchmarkPass(b *testing.B) {
	plain := benchTar(b)
	var gz, zs bytes.Buffer
	gw := gzip.NewWriter(&gz)
	_, err := gw.Write(plain)
	must(b, err)
	must(b, gw.Close())
	zw, err := zstd.NewWriter(&zs)
	must(b, err)
	_, err = zw.Write(plain)
	must(b, err)
	must(b, zw.Close())

	for _, c := range []struct {
		name   string
		stored []byte
		bound  func(io.Reader) error
	}{
		{"plain", plain, func(r io.Reader) error {
			return hashAll(r)
		}},
		{"gzip", gz.Bytes(), func(r io.Reader) error {
			h := sha256.New()
			z, err := gzip.NewReader(io.TeeReader(r, h))
			if err != nil {
				return err
			}
			return hashAll(z)
		}},
		{"zstd", zs.Bytes(), func(r io.Reader) error {
			h := sha256.New()
			z, err := zstd.NewReader(io.TeeReader(r, h), zstd.WithDecoderConcurrency(1))
			if err != nil {
				return err
			}
			defer z.Close()
			return hashAll(z)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			var pass, bound time.Duration
			for b.Loop() {
				start := cpuTime(b)
				_, err := Read(context.Background(), onlyReader{bytes.NewReader(c.stored)}, Want{}, nil, Limits{})
				must(b, err)
				middle := cpuTime(b)
				must(b, c.bound(onlyReader{bytes.NewReader(c.stored)}))
				pass += middle - start
				bound += cpuTime(b) - middle
			}
			b.ReportMetric(float64(pass)/float64(bound), "x-of-bound")
		})
	}
}

// cpuTime is what the process has used so far.
func cpuTime(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	must(tb, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func hashAll(r io.Reader) error {
	h := sha256.New()
	_, err := io.CopyBuffer(struct{ io.Writer }{h}, onlyReader{r}, make([]byte, 256<<10))
	return err
}

// BenchmarkReaders prints what analyzers that want every file add to a pass.
func BenchmarkReaders(b *testing.B) {
	plain := benchTar(b)
	sink := func(_ context.Context, in Input) ([]byte, error) {
		_, err := io.Copy(io.Discard, in.Body)
		return nil, err
	}
	every := func(string, fs.FileMode, int64) bool { return true }
	for _, c := range []struct {
		name   string
		limits []int64
	}{
		{"none", nil},
		{"one-4KiB", []int64{4096}},
		{"ten-4KiB", []int64{4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096, 4096}},
		{"one-stream", []int64{Stream}},
		{"four-streams", []int64{Stream, Stream, Stream, Stream}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var analyzers []Analyzer
			for i, l := range c.limits {
				analyzers = append(analyzers, Analyzer{Name: fmt.Sprint("r", i), Limit: l, Wants: every, Read: sink})
			}
			b.SetBytes(int64(len(plain)))
			b.ReportAllocs()
			for b.Loop() {
				_, err := Read(context.Background(), bytes.NewReader(plain), Want{}, analyzers, Limits{})
				must(b, err)
			}
		})
	}
}
