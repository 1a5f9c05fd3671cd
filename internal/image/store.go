package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
)

// content is one stored thing that can be opened again and again: a blob of a
// layout, a member of an archive, a blob of a registry.
type content struct {
	size int64 // bytes; -1 when not known
	open func(ctx context.Context) (io.ReadCloser, error)
	// key names these very bytes in the memory of what was verified: it changes
	// when they do. Empty: nothing is remembered of them. It is asked before
	// they are read and again after.
	key func() string
	// vouched is a diffID that the source itself answers for: the Engine
	// addresses its layers by content.
	vouched finding.Digest
	distant bool // it comes over a network: reading it is mostly waiting
}

// store is where an image's parts lie by name.
type store interface {
	// get finds a part. A missing one is fs.ErrNotExist.
	get(name string) (content, error)
}

func blobName(d finding.Digest) string { return "blobs/sha256/" + d.Hex() }

// document reads a small part whole. What is larger than maxDocument, or is
// not what want says (unless empty), is an error.
func document(ctx context.Context, s store, name string, want finding.Digest) ([]byte, error) {
	return documentUpTo(ctx, s, name, want, maxDocument)
}

func documentUpTo(ctx context.Context, s store, name string, want finding.Digest, limit int64) ([]byte, error) {
	c, err := s.get(name)
	if err != nil {
		return nil, err
	}
	r, err := c.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", printable(name), err)
	}
	b, err := readUpTo(r, name, limit)
	if cerr := r.Close(); err == nil && cerr != nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if err := verify(b, name, want); err != nil {
		return nil, err
	}
	return b, nil
}

func readDocument(r io.Reader, name string) ([]byte, error) { return readUpTo(r, name, maxDocument) }

func readUpTo(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", printable(name), err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", printable(name), limit>>20)
	}
	return b, nil
}

func verify(b []byte, name string, want finding.Digest) error {
	if want == "" {
		return nil
	}
	if got := finding.DigestOf(b); got != want {
		return fmt.Errorf("%s: expected %s, content is %s", printable(name), want, got)
	}
	return nil
}

// dirStore is a folder. Nothing outside it is reached, by whatever link.
type dirStore struct {
	root *os.Root
	now  func() time.Time
}

func (s dirStore) get(name string) (content, error) {
	st, err := s.root.Stat(name)
	if err != nil {
		return content{}, missing(name, err)
	}
	if !st.Mode().IsRegular() {
		return content{}, fmt.Errorf("%s is not a regular file", printable(name))
	}
	return content{
		size: st.Size(),
		open: func(context.Context) (io.ReadCloser, error) { return s.root.Open(name) },
		key: func() string {
			f, err := s.root.Open(name)
			if err != nil {
				return ""
			}
			defer func() { _ = f.Close() }() // only read from
			return fileKey(f, path.Join(s.root.Name(), name), s.now())
		},
	}, nil
}

// missing tells an absent part from one that could not be looked at.
func missing(name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is missing: %w", printable(name), fs.ErrNotExist)
	}
	return fmt.Errorf("%s: %w", printable(name), err)
}

// settled is how long a file must have been left alone before its time stamps
// are taken to tell any later change: longer than the grain of the stamps of
// the file systems in use today.
const settled = 50 * time.Millisecond

// fileKey identifies a file's bytes by what changes when they do. A file
// changed a moment ago has none, for it could change again unseen.
func fileKey(f *os.File, name string, now time.Time) string {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return ""
	}
	id, changed := identity(st)
	if age := now.Sub(changed); age < settled {
		return ""
	}
	return fmt.Sprintf("file:%s:%s:%d:%d", absolute(name), id, st.Size(), st.ModTime().UnixNano())
}
