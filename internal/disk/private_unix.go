//go:build unix

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Private is nil where nobody but u, the process's user and the superuser can
// put files at path, a folder or a file, or put another in its place; also
// where it is not there yet. Else the error is an [*OpenError]. Links are
// followed, and what they stand in is looked at too.
//
// The folder or file itself must not be writable by a group. A folder above it
// may be, by its owner's own group, whose number is commonly the owner's; and by
// everybody where its entries are their owners' (the sticky bit).
func (u User) Private(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	links := 0
	return u.private(abs, &links)
}

// maxLinks is how many symlinks the way to a folder may have.
const maxLinks = 40

func (u User) private(abs string, links *int) error {
	at := "/"
	rest := strings.Split(strings.Trim(abs, "/"), "/")
	for i := 0; ; i++ {
		last := i == len(rest) || rest[0] == ""
		info, err := os.Lstat(at)
		if errors.Is(err, fs.ErrNotExist) {
			return nil // we make it, and so it is ours
		}
		if err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			return u.privateLink(at, info, rest[i:], links)
		}
		if err := u.mine(at, info, last); err != nil {
			return err
		}
		if last {
			return nil
		}
		at = filepath.Join(at, rest[i])
	}
}

// privateLink is private of what a symlink leads to, and of the rest behind it.
func (u User) privateLink(at string, info fs.FileInfo, rest []string, links *int) error {
	if *links++; *links > maxLinks {
		return &fs.PathError{Op: "follow", Path: at, Err: syscall.ELOOP}
	}
	if uid, ok := ownerOf(info); ok && !u.trusted(uid) {
		return &OpenError{Path: at, why: fmt.Sprintf("is a link of user %d", uid), file: true}
	}
	to, err := os.Readlink(at)
	if err != nil {
		return err
	}
	if !filepath.IsAbs(to) {
		to = filepath.Join(filepath.Dir(at), to)
	}
	return u.private(filepath.Join(append([]string{to}, rest...)...), links)
}

// mine is nil where nobody else can change what is in a folder, or a file.
func (u User) mine(path string, info fs.FileInfo, last bool) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil
	}
	uid, mode := int(st.Uid), info.Mode()
	open := &OpenError{Path: path, file: !info.IsDir()}
	switch {
	case !u.trusted(uid):
		open.owner, open.why = true, fmt.Sprintf("belongs to user %d", uid)
	case mode&0o002 != 0 && (last || mode&fs.ModeSticky == 0):
		open.why = "can be written by everybody"
	case mode&0o020 != 0 && (last || mode&fs.ModeSticky == 0 && st.Gid != 0 && st.Gid != st.Uid):
		open.why = fmt.Sprintf("can be written by group %d", st.Gid)
	default:
		return nil
	}
	return open
}

// owns reports whether files of that user are u's.
func (u User) owns(uid int) bool { return uid == os.Geteuid() || u.sudo && uid == u.uid }

// trusted reports whether that user may own what u's folders stand in.
func (u User) trusted(uid int) bool {
	return uid == 0 || u.owns(uid) || uid == overflow && !mapped()
}

// overflow is what the superuser is called in a user namespace that does not
// have one.
const overflow = 65534

func mapped() bool {
	b, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || bytes.Contains(b, []byte("4294967295"))
}

func unsupported(err error) bool {
	return errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOTTY)
}
