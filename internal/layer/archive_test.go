package layer

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/drydock-dev/drydock/internal/damage"
	"github.com/google/go-cmp/cmp"
)

// told is what a tar reader tells of an archive, up to where it gives up.
func told(next func() (*tar.Header, error), body io.Reader) (out []string, failed bool) {
	for {
		h, err := next()
		if errors.Is(err, io.EOF) {
			return out, false
		}
		if err != nil {
			return out, true
		}
		line := fmt.Sprintf("%c %q %q %o %d %d", h.Typeflag, h.Name, h.Linkname, h.Mode, h.Uid, h.Gid)
		if h.Typeflag == tar.TypeReg || h.Typeflag == tar.TypeGNUSparse {
			line += fmt.Sprintf(" %d", h.Size)
			if h.Size < 1<<20 {
				sum := xxhash.New()
				n, err := io.Copy(sum, body)
				line += fmt.Sprintf(" %d %x", n, sum.Sum64())
				if err != nil {
					return append(out, line), true
				}
			}
		}
		out = append(out, line)
	}
}

// agree fails if archive says otherwise of b than the standard library does.
func agree(t *testing.T, b []byte) {
	t.Helper()
	tr := tar.NewReader(bytes.NewReader(b))
	want, wantFailed := told(tr.Next, tr)
	// A stream that comes in odd pieces has headers and contents lie in two.
	for _, r := range []io.Reader{bytes.NewReader(b), &pieces{b: b}} {
		s, err := openTar(context.Background(), onlyReader{r}, Limits{}.withDefaults())
		defer s.close()
		if err != nil || s.sum != nil {
			return // a compressed one
		}
		a := &archive{t: s}
		got, gotFailed := told(a.next, a)
		if !slices.Equal(want, got) || wantFailed != gotFailed {
			t.Errorf("failed: %v, want %v; entries (-want +got):\n%s", gotFailed, wantFailed, cmp.Diff(want, got))
		}
	}
}

type pieces struct {
	b []byte
	n int
}

func (p *pieces) Read(to []byte) (int, error) {
	if len(p.b) == 0 {
		return 0, io.EOF
	}
	p.n = (p.n*7 + 1) % 601
	n := copy(to[:min(p.n+1, len(to))], p.b)
	p.b = p.b[n:]
	return n, nil
}

func odd(tb testing.TB) [][]byte {
	long := strings.Repeat("long/", 30)
	end := make([]byte, 1024)
	var out [][]byte
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		var items []item
		for _, it := range []item{
			reg("a", "1"), reg(long+"name", strings.Repeat("x", 513)), link(tar.TypeSymlink, "s", long+"target"),
			link(tar.TypeLink, "h", "a"),
			{tar.Header{Name: "d/", Typeflag: tar.TypeDir}, ""},
			{tar.Header{Name: "c", Typeflag: tar.TypeChar, Devmajor: 9}, ""},
			{tar.Header{Name: "big id", Uid: 1 << 20, Gid: 7}, "z"},
		} {
			it.Format = format
			if format == tar.FormatUSTAR && len(it.Linkname) > 100 {
				continue
			}
			items = append(items, it)
		}
		if format == tar.FormatPAX {
			items = append(items, item{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "x"}}, ""},
				item{tar.Header{Name: "é", PAXRecords: map[string]string{"SCHILY.xattr.user.a": "b"}}, "2"})
		}
		b := makeTar(tb, items...)
		out = append(out, b, b[:len(b)-1024], b[:len(b)-1100], b[:1025], b[:1500])
	}
	v7 := makeTar(tb, reg("a", "1"))
	clear(v7[magicAt:block])
	resum(v7)
	star := makeTar(tb, reg("a", "1"))
	copy(star[starAt:], "tar\x00")
	resum(star)
	bad := makeTar(tb, reg("a", "1"))
	bad[fieldTime[0]] = 'x'
	resum(bad)
	return append(out, v7, star, bad,
		append(append(sparse(tb, "s1", 5000), sparse(tb, "s2", 700)...), makeTar(tb, reg("a", "1"))...),
		append(sparse(tb, "s", 1<<62), end...), sparse(tb, "s", 600), end[:512], append(end[:512:512], 'x'))
}

func TestArchiveAgreesWithTheStandardLibrary(t *testing.T) {
	for _, b := range odd(t) {
		agree(t, b)
	}
}

// FuzzArchive: the archive's reader and the standard library's say the same,
// of the entries, their contents, and whether it ends well. What is fuzzed is the
// damage that is done to sound archives, or the bytes themselves.
func FuzzArchive(f *testing.F) {
	sound := append(odd(f), nil)
	for i := range sound {
		f.Add(byte(i), []byte(nil))
	}
	f.Add(byte(0), []byte{0, 0, 156, 0, 'S', 0, 7, 0, 124, 11, 7, 0})
	f.Add(byte(5), []byte{6, 1, 124, 0, 2, 0, 3, 2, 0, 255, 0, 0})
	f.Add(byte(255), []byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, which byte, script []byte) {
		if which == 255 {
			agree(t, script)
			return
		}
		b := damage.Do(sound[int(which)%len(sound)], script)
		agree(t, b)
		// Most headers that chance makes have a wrong sum.
		for at := 0; at+block <= len(b); at += block {
			if at == 0 || string(b[at+magicAt:][:5]) == "ustar" {
				resum(b[at:])
			}
		}
		agree(t, b)
	})
}

func BenchmarkHeaders(b *testing.B) {
	for b.Loop() {
		_, err := Read(b.Context(), &headers{n: 100_000}, Want{}, nil, Limits{})
		must(b, err)
	}
}
