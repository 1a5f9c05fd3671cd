package disk

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"
)

// Options are how a file is put in place. The zero value suits most.
type Options struct {
	// Mode is of a file that is not there yet, less the umask; 0: 0644. One that
	// is replaced hands on its own mode, and its owner where that is allowed.
	Mode fs.FileMode
	// Exact gives the file Mode in any case, whatever the umask and the mode of
	// the one that is replaced.
	Exact bool
	// Follow writes where a symlink leads to. Without it, the link is replaced.
	Follow bool
	// Volatile is for what may be lost with the power: it is not synced.
	Volatile bool
	// User is whose a new file becomes, where it is made in that user's folder.
	User User
	// Record is told of the file in the making before it is there: for one that
	// lies among the user's own, where no later write may come to sweep. nil: nobody.
	Record Recorder
}

// Recorder writes down a file that is about to be made, so that a later run
// removes it if this one is killed. gone strikes it out again.
type Recorder interface {
	Record(path string) (gone func())
}

// File is a file in the making. It is written like any file; [File.Commit] puts
// it in place, and [File.Abort] drops it.
type File struct {
	tmp    *os.File
	path   string // where it will stand
	opt    Options
	sealed bool
	over   bool // put in place, or dropped
	gone   func()
}

// Write puts what print writes at path, whole or not at all.
func Write(path string, opt Options, print func(io.Writer) error) error {
	f, err := Create(path, opt)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := print(f); err != nil {
		return err
	}
	return f.Commit()
}

// WriteFile is [Write] for bytes that are there already.
func WriteFile(path string, b []byte, opt Options) error {
	return Write(path, opt, func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	})
}

// Create begins a file that will stand at path. Only a regular file is
// replaced. What was there is untouched until Commit. Errors name path, and
// not the file beside it.
func Create(path string, opt Options) (*File, error) {
	if opt.Follow {
		real, err := filepath.EvalSymlinks(path)
		switch {
		case err == nil:
			path = real
		case !errors.Is(err, fs.ErrNotExist):
			return nil, err
		}
	}
	old, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		old = nil
	case err != nil:
		return nil, err
	case old.Mode()&fs.ModeSymlink != 0 && !opt.Follow:
		old = nil
	case !old.Mode().IsRegular():
		return nil, &fs.PathError{Op: "replace", Path: path, Err: errNotRegular}
	}
	mode := opt.Mode
	if mode == 0 {
		mode = 0o644
	}
	tmp, gone, err := createTemp(path, mode, opt.Record)
	if err != nil {
		return nil, named(path, err)
	}
	f := &File{tmp: tmp, path: path, opt: opt, gone: gone}
	// The owner first: to change it takes setuid bits away.
	if old != nil {
		keepOwner(tmp, old)
	} else {
		opt.User.take(tmp)
	}
	switch {
	case opt.Exact:
		err = tmp.Chmod(mode)
	case old != nil:
		err = tmp.Chmod(old.Mode() & (fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky))
	}
	if err != nil {
		f.Abort()
		return nil, named(path, err)
	}
	return f, nil
}

var errNotRegular = errors.New("not a regular file")

// named is err about path, where it is about a file beside it.
func named(path string, err error) error {
	var p *fs.PathError
	var l *os.LinkError
	switch {
	case errors.As(err, &p):
		return &fs.PathError{Op: "write", Path: path, Err: p.Err}
	case errors.As(err, &l):
		return &fs.PathError{Op: "write", Path: path, Err: l.Err}
	}
	return err
}

// Write adds to the file in the making.
func (f *File) Write(b []byte) (int, error) {
	n, err := f.tmp.Write(b)
	return n, named(f.path, err)
}

// Seal puts the bytes on the disk, so that after it only the rename can fail.
// Commit does it too.
func (f *File) Seal() error {
	if f.sealed || f.opt.Volatile {
		return nil
	}
	if err := f.tmp.Sync(); err != nil {
		return named(f.path, err)
	}
	f.sealed = true
	return nil
}

// Commit puts the file in place and closes it. After an error, Abort removes
// what was made.
func (f *File) Commit() error {
	if err := f.Seal(); err != nil {
		return err
	}
	open := true
	if runtime.GOOS == "windows" { // which renames nothing that is open
		open = false
		if err := f.tmp.Close(); err != nil {
			return named(f.path, err)
		}
	}
	if err := os.Rename(f.tmp.Name(), f.path); err != nil {
		return named(f.path, err)
	}
	f.over = true
	f.gone()
	if open { // so far, for its lock
		if err := f.tmp.Close(); err != nil {
			return named(f.path, err)
		}
	}
	if f.opt.Volatile {
		return nil
	}
	return syncDir(filepath.Dir(f.path))
}

// Abort closes and removes a file that was not put in place. After Commit it
// does nothing.
func (f *File) Abort() {
	if f.over {
		return
	}
	f.over = true
	defer f.gone()
	if runtime.GOOS != "windows" {
		_ = os.Remove(f.tmp.Name()) // while it is locked; what stays is swept later
		_ = f.tmp.Close()
		return
	}
	_ = f.tmp.Close() // closed already where the rename failed
	_ = os.Remove(f.tmp.Name())
}

// mark is in the name of every file in the making.
const mark = ".drydock-"

// maxBase is how much of a file's own name its temporary one repeats: names
// have 255 bytes at most.
const maxBase = 200

func tempPrefix(base string) string {
	if len(base) > maxBase {
		base = base[:maxBase]
		for len(base) > 0 && !utf8.ValidString(base[max(0, len(base)-utf8.UTFMax):]) && len(base) > maxBase-utf8.UTFMax {
			base = base[:len(base)-1]
		}
	}
	return "." + base + mark
}

// isTemp reports whether name is one that [Create] gives: for the file base, or
// for any where base is empty.
func isTemp(name, base string) bool {
	if base != "" {
		rest, ok := strings.CutPrefix(name, tempPrefix(base))
		return ok && IsRandom(rest)
	}
	i := strings.LastIndex(name, mark)
	return i > 0 && name[0] == '.' && IsRandom(name[i+len(mark):])
}

// IsTemp reports whether name is one that [Create] gives to a file in the making.
func IsTemp(name string) bool { return isTemp(name, "") }

// Random is a word that nobody else has: 130 bits, in base 32.
func Random() string { return strings.ToLower(rand.Text()) }

// IsRandom reports whether s has the form of [Random]'s answers.
func IsRandom(s string) bool {
	return len(s) == 26 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// createTemp makes a file beside path that nobody else has and that is locked.
// gone strikes it out where it was recorded.
func createTemp(path string, mode fs.FileMode, rec Recorder) (f *os.File, gone func(), err error) {
	dir, base := filepath.Split(path)
	for try := 0; ; try++ {
		name := filepath.Join(dir, tempPrefix(base)+Random())
		gone = func() {}
		if rec != nil {
			gone = rec.Record(name)
		}
		f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
		if err != nil {
			gone()
			return nil, nil, err
		}
		lock(f)
		// Between its making and its lock, another's Sweep may have taken it.
		if here, err := os.Lstat(name); err == nil {
			if mine, err := f.Stat(); err == nil && os.SameFile(here, mine) {
				return f, gone, nil
			}
		}
		_ = f.Close() // it is gone
		gone()
		if try >= 100 {
			return nil, nil, fmt.Errorf("make a temporary file beside %s: it is removed each time", path)
		}
	}
}

// orphanAge is after how long a file in the making belongs to nobody, where
// locks do not tell.
const orphanAge = time.Hour

// Sweep removes from dir what killed programs left of files in the making: of
// the file base, or of all where it is empty. A file whose writer lives stays.
func Sweep(dir, base string) {
	if dir == "" {
		dir = "."
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return // the write that follows tells
	}
	for _, e := range list {
		if isTemp(e.Name(), base) && e.Type().IsRegular() {
			sweep(filepath.Join(dir, e.Name()))
		}
	}
}

func sweep(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close() //nolint:errcheck // nothing was written
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	dead, certain := orphan(f)
	if dead && (certain || time.Since(info.ModTime()) > orphanAge) {
		_ = os.Remove(name) // another may be at it
	}
}
