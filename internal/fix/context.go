package fix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/ledger"
)

// Limits on a build context that is copied.
const (
	// maxContextEntries limits the files and folders of a build context that a proof copies.
	maxContextEntries = 500_000
	// maxContextBytes limits the bytes of a build context that a proof copies.
	maxContextBytes = 8 << 30
)

// stage is a clean copy of a build context, in which versions of files are laid
// out one after the other. Nobody else writes there while the builds read it.
type stage struct {
	whole      *ledger.Temp // removed as a whole
	tmp        string       // where it is
	dir        string       // the context
	dockerfile string       // the path of the Dockerfile in it, or beside it
	origin     string       // the folder that was copied
	bytes      int64
	entries    int
	files      int
}

// newStage copies the context once. The builder reads .dockerignore itself. A
// Dockerfile that lies outside of the context lies beside the copy.
func newStage(ctx context.Context, l *ledger.Ledger, dir, dockerfile string) (*stage, error) {
	origin, err := filepath.Abs(dir)
	if err == nil {
		origin, err = filepath.EvalSymlinks(origin)
	}
	if err != nil {
		return nil, err
	}
	tmp, err := l.Folder("proof")
	if err != nil {
		return nil, err
	}
	s := &stage{whole: tmp, tmp: tmp.Path, dir: filepath.Join(tmp.Path, "context"), origin: origin}
	if s.dockerfile, err = s.place(dockerfile); err == nil {
		err = s.copyTree(ctx)
	}
	if err == nil {
		err = s.ownIgnoreFile(dockerfile)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *stage) close() error { return s.whole.Remove() }

// place is where a file of the user's is in the copy, or beside it.
func (s *stage) place(name string) (string, error) {
	path, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	rel, err := filepath.Rel(s.origin, path)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return filepath.Join(s.tmp, "beside", filepath.Base(path)), nil
	}
	return filepath.Join(s.dir, rel), nil
}

// ownIgnoreFile copies the ignore file of a Dockerfile that lies outside of the
// context: the builder looks for it beside the Dockerfile.
func (s *stage) ownIgnoreFile(dockerfile string) error {
	if strings.HasPrefix(s.dockerfile, s.dir+string(filepath.Separator)) {
		return nil
	}
	b, err := ReadFile(dockerfile + ".dockerignore")
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.put(s.dockerfile+".dockerignore", b)
}

func (s *stage) copyTree(ctx context.Context) error {
	return filepath.WalkDir(s.origin, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(s.origin, path)
		if err != nil {
			return err
		}
		to := filepath.Join(s.dir, rel)
		if s.entries++; s.entries > maxContextEntries {
			return fmt.Errorf("the build context %s has more than %d files", s.origin, maxContextEntries)
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch mode := info.Mode(); {
		case mode.IsDir():
			return os.MkdirAll(to, mode.Perm()|0o700)
		case mode&fs.ModeSymlink != 0:
			link, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(link, to)
		case mode.IsRegular():
			if s.bytes += info.Size(); s.bytes > maxContextBytes {
				return fmt.Errorf("the build context %s is larger than %d GB", s.origin, maxContextBytes>>30)
			}
			s.files++
			return copyFile(path, to, info)
		default:
			return fmt.Errorf("%s is a %s, which no build context can hold", path, kindOf(mode))
		}
	})
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode&fs.ModeSocket != 0:
		return "socket"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	}
	return "device"
}

// copyFile copies content, mode and time. The kernel shares the blocks where it
// can.
func copyFile(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // read only
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(out, io.LimitReader(in, info.Size()))
	err = errors.Join(err, out.Chmod(info.Mode().Perm()), out.Close())
	if err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// lay puts a version of files into the copy: a nil content is a file that this
// version has not.
func (s *stage) lay(files map[string][]byte) error {
	for name, b := range files {
		path, err := s.place(name)
		if err != nil {
			return err
		}
		if err := s.put(path, b); err != nil {
			return err
		}
	}
	return nil
}

func (s *stage) put(path string, b []byte) error {
	info, err := os.Lstat(path)
	mode := fs.FileMode(0o644)
	if err == nil {
		mode = info.Mode().Perm()
		if info.Mode()&fs.ModeSymlink != 0 {
			mode = 0o644
		}
		if err := os.Remove(path); err != nil { // never through a link of the context
			return err
		}
	}
	if b == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b, mode)
}
