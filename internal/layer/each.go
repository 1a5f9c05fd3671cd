package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
)

// Each calls f for every file, folder, link and device of a layer, in the order of its
// tar, with the whole header and the path as an [Entry] has it. What only says how the
// layer changes those below (whiteouts) is left out. Whatever f does not read of body is
// passed over. Of sparse files so much can be read as [Read] expands, since a few bytes may
// say that they hold any number of zeros. The digests that want knows are verified at the end, so that nothing that
// f was given counts before Each returns nil.
func Each(ctx context.Context, r io.Reader, want Want, lim Limits, f func(path string, h *tar.Header, body io.Reader) error) error {
	lim = lim.withDefaults()
	t, err := openTar(ctx, r, lim)
	defer t.close()
	at := ""
	if err == nil {
		err = t.each(lim, &at, f)
	}
	if err != nil {
		return errAt(want.name(), at, t.offset(), t.blame(want, err))
	}
	if err := want.verify(t.digests()); err != nil {
		return errAt(want.name(), "", t.n, err)
	}
	return nil
}

func (t *tarStream) each(lim Limits, at *string, f func(path string, h *tar.Header, body io.Reader) error) error {
	tr := tar.NewReader(t)
	limit := min(sparseBytes, lim.Bytes)
	holes := &expansion{r: tr, limit: limit, left: limit}
	for n := 0; ; n++ {
		if n > lim.Files {
			return over(lim.Files, "files")
		}
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			*at = ""
			return t.drain()
		}
		if err != nil {
			return err
		}
		*at = h.Name
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name, err := cleanName(h.Name, lim.Path)
		if err != nil {
			return err
		}
		_, _, is, skip, err := whiteout(name)
		if err != nil {
			return err
		}
		if is || skip || name == "." || t.gzip && isEstargz(name) {
			continue
		}
		if h.Typeflag == tar.TypeLink {
			if h.Linkname, err = cleanName(h.Linkname, lim.Path); err != nil {
				return fmt.Errorf("hard link to %q: %w", cutText(h.Linkname), err)
			}
		}
		var body io.Reader = tr
		if isSparse(h) {
			body = holes
		}
		if err := f(name, h, body); err != nil {
			return err
		}
	}
}

// expansion reads sparse files, and no more of them all together than a limit.
type expansion struct {
	r           io.Reader
	limit, left int64
}

func (e *expansion) Read(b []byte) (int, error) {
	if e.left <= 0 {
		if n, err := e.r.Read(b[:min(1, len(b))]); n == 0 {
			return 0, err
		}
		return 0, over(e.limit, "bytes of sparse files")
	}
	n, err := e.r.Read(b[:min(int64(len(b)), e.left)])
	e.left -= int64(n)
	return n, err
}

// Plain writes the uncompressed tar of a layer, and verifies the digests that want knows.
func Plain(ctx context.Context, r io.Reader, want Want, lim Limits, w io.Writer) error {
	t, err := openTar(ctx, r, lim.withDefaults())
	defer t.close()
	if err == nil {
		if _, err = io.Copy(w, t); err == nil {
			err = t.drainStored()
		}
	}
	if err != nil {
		return errAt(want.name(), "", t.offset(), t.blame(want, err))
	}
	if err := want.verify(t.digests()); err != nil {
		return errAt(want.name(), "", t.n, err)
	}
	return nil
}
