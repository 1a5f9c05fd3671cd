package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Limits of what is spooled to disk: an archive from a pipe, from the Engine,
// or compressed as a whole. The ratio, which no real image comes near, counts only
// past spoolFree.
const (
	// maxSpool limits the bytes of an archive that is spooled (compressed as a whole, or from a
	// pipe).
	maxSpool   = 64 << 30
	spoolFree  = 1 << 30
	spoolRatio = 200
)

// magics are how compressed streams begin.
var magics = []struct {
	name  string
	bytes string
}{
	{"gzip", "\x1f\x8b"},
	{"zstd", "\x28\xb5\x2f\xfd"},
	{"xz", "\xfd7zXZ\x00"},
	{"bzip2", "BZh"},
}

// compression names the compression of a stream that begins with head; empty
// for none that is known.
func compression(head []byte) string {
	for _, m := range magics {
		if bytes.HasPrefix(head, []byte(m.bytes)) {
			return m.name
		}
	}
	return ""
}

// plain is r decompressed, whatever it is compressed with.
func plain(r io.Reader) (io.Reader, func(), error) {
	br := bufio.NewReaderSize(r, 1<<16)
	head, err := br.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	done := func() {}
	switch compression(head) {
	case "gzip":
		z, err := gzip.NewReader(br)
		return z, done, err
	case "zstd":
		z, err := zstd.NewReader(br, zstd.WithDecoderMaxMemory(1<<30), zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, nil, err
		}
		return z, z.Close, nil
	case "xz":
		z, err := xz.ReaderConfig{DictCap: 8 << 20}.NewReader(br)
		return z, done, err
	case "bzip2":
		return bzip2.NewReader(br), done, nil
	}
	return br, done, nil
}

// spool copies r, decompressed, into a file of its own that is gone when it is
// closed: not even a killed run leaves it behind.
func spool(ctx context.Context, r io.Reader, opt Options, what string) (*os.File, func() error, error) {
	f, remove, err := scratch(opt.WorkDir)
	if err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, f, r, opt, what, spoolFree); err != nil {
		return nil, nil, errors.Join(err, remove())
	}
	return f, remove, nil
}

// fill copies r, decompressed, into f. The ratio of a decompression bomb is
// looked for past free bytes.
func fill(ctx context.Context, f *os.File, r io.Reader, opt Options, what string, free int64) error {
	in := &counter{r: r}
	p, done, err := plain(in)
	if err != nil {
		return fmt.Errorf("decompress %s: %w", what, err)
	}
	defer done()
	buf := make([]byte, 1<<20)
	var out int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := p.Read(buf)
		if out += int64(n); out > maxSpool {
			return fmt.Errorf("%s is larger than %d GiB", what, maxSpool>>30)
		}
		if out > free && out/spoolRatio > in.n {
			return hint(fmt.Errorf("%s looks like a decompression bomb: %d bytes became %d", what, in.n, out),
				"decompress it yourself, if you trust it, and scan the result")
		}
		if _, werr := f.Write(buf[:n]); werr != nil {
			return writeError(werr, f.Name())
		}
		if opt.Progress != nil {
			opt.Progress(out, -1, what)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s (at byte %d): %w", what, in.n, err)
		}
	}
}

// scratch makes an empty file in dir, or in the system's folder for temporary
// files where dir cannot be written.
func scratch(dir string) (*os.File, func() error, error) {
	f, err := scratchIn(dir)
	if err != nil && dir != "" && (errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)) {
		f, err = scratchIn("")
	}
	if err != nil {
		return nil, nil, writeError(err, dir)
	}
	return f, f.Close, nil
}

func scratchIn(dir string) (*os.File, error) {
	if dir != "" {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return ledger.Unnamed(dir)
}

func writeError(err error, where string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return hint(fmt.Errorf("disk full while spooling to %s: %w", where, err),
			"free some space, or name a roomier folder with --cache-dir")
	}
	return hint(fmt.Errorf("spool: %w", err), "name a folder that can be written with --cache-dir")
}

// counter counts what was read of r.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
