package disk

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// User is for whom the program works. The zero value is the process's own user.
type User struct {
	sudo     bool
	uid, gid int
}

// Caller is the user for whom this process works: its own, and for the
// superuser the one who called sudo. A getenv of nil is the process's.
func Caller(getenv func(string) string) User {
	if os.Geteuid() != 0 {
		return User{}
	}
	if getenv == nil {
		getenv = os.Getenv
	}
	uid, err := strconv.Atoi(getenv("SUDO_UID"))
	if err != nil || uid <= 0 {
		return User{}
	}
	gid, err := strconv.Atoi(getenv("SUDO_GID"))
	if err != nil || gid < 0 {
		gid = -1
	}
	return User{sudo: true, uid: uid, gid: gid}
}

// MkdirAll is os.MkdirAll, and the folders that it makes within u's are u's.
func (u User) MkdirAll(path string, mode fs.FileMode) error {
	if !u.sudo {
		return os.MkdirAll(path, mode)
	}
	info, err := os.Stat(path)
	if err == nil {
		if !info.IsDir() {
			return &fs.PathError{Op: "mkdir", Path: path, Err: errNotFolder}
		}
		return nil
	}
	if up := filepath.Dir(path); up != path {
		if err := u.MkdirAll(up, mode); err != nil {
			return err
		}
	}
	err = os.Mkdir(path, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// By its handle, and not through a link that stands there by now.
	f, err := openFolder(path)
	if err != nil {
		return err
	}
	u.take(f)
	return f.Close()
}

var errNotFolder = errors.New("not a folder")

// OpenFile is os.OpenFile, and a file that it makes in u's folder is u's.
func (u User) OpenFile(path string, flag int, mode fs.FileMode) (*os.File, error) {
	if !u.sudo || flag&os.O_CREATE == 0 {
		return os.OpenFile(path, flag, mode)
	}
	f, err := os.OpenFile(path, flag|os.O_EXCL, mode)
	if errors.Is(err, fs.ErrExist) && flag&os.O_EXCL == 0 {
		return os.OpenFile(path, flag, mode)
	}
	if err != nil {
		return nil, err
	}
	u.take(f)
	return f, nil
}

// Keep puts b at path, whole or not at all, in a folder that is made where it is
// not there, and clears away what a killed run left of the same file.
func (u User) Keep(path string, b []byte) error {
	dir := filepath.Dir(path)
	if err := u.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	Sweep(dir, filepath.Base(path))
	return WriteFile(path, b, Options{User: u})
}
