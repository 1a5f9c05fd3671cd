package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"path"
	"slices"
	"strings"
	"testing"
)

// FuzzEach: no panic; an error says where; a path is clean and never a whiteout; the same
// entries whether bodies are read or not, but for a sparse file that is larger than is
// expanded; and all that a record lists was passed, with the
// kind and the size that it lists.
func FuzzEach(f *testing.F) {
	plain := makeTar(f, reg("a", "1"), reg("./b/../c", strings.Repeat("2", 600)), reg(".wh.d", ""), reg("e/.wh..wh..opq", ""),
		link(tar.TypeLink, "h", "./a"), link(tar.TypeSymlink, "s", "../../a"), reg("a", "3"), reg(strings.Repeat("long/", 40)+"x", ""),
		item{tar.Header{Name: "dev", Typeflag: tar.TypeChar, Devmajor: 1}, ""}, item{tar.Header{Name: "dir/", Typeflag: tar.TypeDir}, ""})
	for _, s := range [][]byte{
		plain, gzipped(f, plain), zstandard(f, plain), sparse(f, "s", 5000), sparse(f, "s", 1<<62), plain[:1000],
		{},
		makeTar(f, reg("../../x", "1")), makeTar(f, link(tar.TypeLink, "h", "../../x")), makeTar(f, reg("a/.wh.", "")),
	} {
		f.Add(s)
	}
	lim := Limits{Bytes: 1 << 16, Files: 1000}
	type passed struct {
		path string
		kind byte
		size int64
	}
	each := func(t *testing.T, b []byte, read bool) (out []passed, err error) {
		err = Each(context.Background(), onlyReader{bytes.NewReader(b)}, Want{}, lim, func(p string, h *tar.Header, body io.Reader) error {
			if p != path.Clean(p) || path.IsAbs(p) || p == "." || p == ".." || strings.HasPrefix(p, "../") || strings.HasPrefix(path.Base(p), ".wh.") {
				t.Errorf("passed the path %q", p)
			}
			if l := h.Linkname; h.Typeflag == tar.TypeLink && (path.IsAbs(l) || strings.HasPrefix(l, "../")) {
				t.Errorf("%q is a hard link to %q", p, l)
			}
			out = append(out, passed{p, h.Typeflag, h.Size})
			if !read {
				return nil
			}
			n, err := io.Copy(io.Discard, body)
			if err == nil && h.Typeflag == tar.TypeReg && n != h.Size {
				t.Errorf("%q has %d bytes of %d", p, n, h.Size)
			}
			return err
		})
		var place *Error
		if err != nil && !errors.As(err, &place) {
			t.Errorf("no place: %v", err)
		}
		return out, err
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole, err := each(t, b, true)
		names, skipped := each(t, b, false)
		if errors.Is(err, ErrLimit) && skipped == nil {
			most := int64(0)
			for _, p := range names {
				most += min(p.size, lim.Bytes+1)
			}
			if most <= lim.Bytes {
				t.Errorf("%d bytes at most: %v", most, err)
			}
			whole, err = names, nil
		}
		if (err == nil) != (skipped == nil) || err == nil && !slices.Equal(whole, names) {
			t.Errorf("read: %v, %v; passed over: %v, %v", whole, err, names, skipped)
		}
		rec, refused := Read(context.Background(), onlyReader{bytes.NewReader(b)}, Want{}, nil, lim)
		if refused != nil {
			return
		}
		if err != nil {
			t.Fatalf("a record, and %v", err)
		}
		last := map[string]passed{}
		for _, p := range whole {
			last[p.path] = p
		}
		for _, e := range rec.Entries {
			p, ok := last[e.Path]
			switch {
			case e.Kind.hides():
			case !ok:
				t.Errorf("%q is in the record and was not passed", e.Path)
			case e.Kind == File && min(p.size, lim.Bytes) != e.Size, (e.Kind == Dir) != (p.kind == tar.TypeDir), (e.Kind == Symlink) != (p.kind == tar.TypeSymlink):
				t.Errorf("the record has %+v, and %+v was passed", e, p)
			}
		}
	})
}
