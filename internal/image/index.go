package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// Limits of the index of an archive.
const (
	// maxMembers limits the members of an archive.
	maxMembers = 1 << 18
	maxName    = 4096 // bytes of a member's name
	// maxNameBytes limits the bytes of the names of all members of an archive.
	maxNameBytes = 32 << 20
	maxHops      = 16 // links from member to member
)

// tarStore is an uncompressed tar whose headers were read once. Its members
// are opened where they lie, by any number of readers at once.
type tarStore struct {
	file    io.ReaderAt
	ident   func() string // names the archive's bytes in the memory of what was verified; nil: nothing is remembered
	members map[string]member
	double  map[string]bool // documents that are there twice
}

// member is one file of an archive: its place, or the member it links to.
type member struct {
	offset, size int64
	link         string
	refused      string // why it cannot be read
}

var errNoTar = errors.New("not a tar archive")

// indexTar reads the headers of a tar, seeking over contents. Errors say at
// which byte.
func indexTar(ctx context.Context, r io.ReadSeeker) (members map[string]member, double map[string]bool, err error) {
	members = map[string]member{}
	names := 0
	tr := tar.NewReader(r)
	for n := 0; ; n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, nil, ctx.Err()
		}
		h, err := tr.Next()
		if err == io.EOF {
			return members, double, nil
		}
		at, serr := r.Seek(0, io.SeekCurrent)
		if serr != nil {
			return nil, nil, serr
		}
		if err != nil {
			if n == 0 && (errors.Is(err, tar.ErrHeader) || at < 512) {
				return nil, nil, errNoTar
			}
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return nil, nil, fmt.Errorf("archive is cut off at byte %d: %w", at, err)
			}
			return nil, nil, fmt.Errorf("archive at byte %d: %w", at, err)
		}
		if names += len(h.Name) + len(h.Linkname); n >= maxMembers || names > maxNameBytes {
			return nil, nil, fmt.Errorf("archive at byte %d: more than %d files or %d MiB of names", at, maxMembers, maxNameBytes>>20)
		}
		if len(h.Name) > maxName || len(h.Linkname) > maxName {
			return nil, nil, fmt.Errorf("archive at byte %d: a name of more than %d bytes", at, maxName)
		}
		name, ok := memberName(h.Name)
		if !ok {
			return nil, nil, fmt.Errorf("archive at byte %d: name %s leads out of the archive", at, printable(h.Name))
		}
		m := member{offset: at, size: h.Size}
		switch h.Typeflag {
		case tar.TypeReg:
			if sparse(h) {
				m.refused = "it is stored as a sparse file"
			}
		case tar.TypeSymlink:
			m.link, ok = memberName(path.Join(path.Dir(name), h.Linkname))
			if !ok || path.IsAbs(h.Linkname) {
				m.refused = "it is a link out of the archive"
			}
		case tar.TypeLink:
			if m.link, ok = memberName(h.Linkname); !ok {
				m.refused = "it is a link out of the archive"
			}
		case tar.TypeDir, tar.TypeXGlobalHeader:
			continue
		default:
			m.refused = "it is not a regular file"
		}
		if _, twice := members[name]; twice && strings.HasSuffix(name, ".json") {
			if double == nil {
				double = map[string]bool{}
			}
			double[name] = true
		}
		members[name] = m
	}
}

// sparse reports a member whose bytes are not stored as they are.
func sparse(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// memberName is a member's name without "./", and whether it stays inside.
func memberName(s string) (string, bool) {
	s = path.Clean(strings.TrimPrefix(s, "/"))
	return s, s != ".." && !strings.HasPrefix(s, "../")
}

func (s *tarStore) get(name string) (content, error) {
	first := name
	if n, ok := memberName(name); ok {
		name = n
	}
	if s.double[name] {
		return content{}, fmt.Errorf("%s is in the archive twice", printable(name))
	}
	for hop := 0; ; hop++ {
		m, ok := s.members[name]
		switch {
		case !ok:
			return content{}, missing(first, fs.ErrNotExist)
		case m.refused != "":
			return content{}, fmt.Errorf("%s cannot be read: %s", printable(first), m.refused)
		case m.link == "":
			return s.content(m), nil
		case hop == maxHops:
			return content{}, fmt.Errorf("%s is a link that leads nowhere", printable(first))
		}
		name = m.link
	}
}

func (s *tarStore) content(m member) content {
	return content{
		size: m.size,
		open: func(context.Context) (io.ReadCloser, error) {
			return section{io.NewSectionReader(s.file, m.offset, m.size)}, nil
		},
		key: func() string {
			if s.ident == nil {
				return ""
			}
			k := s.ident()
			if k == "" {
				return ""
			}
			return fmt.Sprintf("%s:%d:%d", k, m.offset, m.size)
		},
	}
}

func absolute(name string) string {
	if abs, err := filepath.Abs(name); err == nil {
		return abs
	}
	return name
}

// section is a member of the archive, for reading from any place. Its file is
// closed with the image.
type section struct{ *io.SectionReader }

func (section) Close() error { return nil }
