package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
)

// Ledger is what one process makes. It may be used from several goroutines. A
// nil one can write nothing down.
type Ledger struct {
	dir  string
	user disk.User
	told func(what string)

	mu   sync.Mutex
	page *page // nil: nothing is made at present
}

// Open is the ledger that lies in a user's data folder; an empty one is none.
// Nothing is read or written before something is to be made. What a sweep takes
// away, or cannot, is told as a sentence; told may be nil.
func Open(dataDir string, user disk.User, told func(what string)) *Ledger {
	if told == nil {
		told = func(string) {}
	}
	l := &Ledger{user: user, told: told}
	if dataDir != "" {
		l.dir = filepath.Join(dataDir, folderName())
	}
	return l
}

// UnwritableError is a ledger that nothing can be written into.
type UnwritableError struct{ Err error }

func (e *UnwritableError) Error() string {
	return fmt.Sprintf("write down what is made, so that it can be removed again: %v", e.Err)
}

func (e *UnwritableError) Unwrap() error { return e.Err }

// Hint says what to do.
func (e *UnwritableError) Hint() string {
	return "name a data folder that only you can write, on a disk that is not full: --data-dir DIR, or XDG_DATA_HOME"
}

// page is the file of one process, locked as long as it is open.
type page struct {
	f    *os.File
	path string
	size int64
	last int // number of the newest entry
	live map[int]*Mark
	err  error // it could not be mended: nothing more is written
}

// Mark is an entry of this process.
type Mark struct {
	l     *Ledger
	no    int
	page  *page
	entry Entry
}

// Entry is what is written.
func (m *Mark) Entry() Entry {
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	return m.entry
}

// Ready is nil if something could be written down now.
func (l *Ledger) Ready() error {
	if l == nil {
		return &UnwritableError{errors.New("no ledger")}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.open(); err != nil {
		return &UnwritableError{err}
	}
	return l.tidy()
}

// Add writes an entry down; when it returns, the entry is on the disk. The
// error is an [*UnwritableError], and then the thing must not be made.
func (l *Ledger) Add(e Entry) (*Mark, error) {
	if l == nil {
		return nil, &UnwritableError{errors.New("no ledger")}
	}
	e.At = time.Now()
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("ledger: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.open(); err != nil {
		return nil, &UnwritableError{err}
	}
	p := l.page
	m := &Mark{l: l, no: p.last + 1, page: p, entry: e}
	if err := p.write(e.line(m.no), true); err != nil {
		return nil, &UnwritableError{errors.Join(err, l.tidy())}
	}
	p.last, p.live[m.no] = m.no, m
	return m, nil
}

// Live reports whether the entry was not struck out.
func (m *Mark) Live() bool {
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	return m.page.live[m.no] == m
}

// Made adds the id that the Engine gave to the thing. A kill of the process
// cannot lose the line; a crash of the machine can, and then the name is enough.
func (m *Mark) Made(id string) error {
	if id == "" || !isID(id) {
		return fmt.Errorf("ledger: %s %s: not an id: %q", m.entry.Kind, m.entry.Name, id)
	}
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	if m.entry.ID != "" || m.page.live[m.no] != m {
		return nil
	}
	m.entry.ID = id
	if err := m.page.write(encode("made", strconv.Itoa(m.no), id), false); err != nil {
		return &UnwritableError{err}
	}
	return nil
}

// Gone strikes the entry out: the thing is not there any more. It may be called
// again.
func (m *Mark) Gone() error {
	m.l.mu.Lock()
	defer m.l.mu.Unlock()
	if m.page.live[m.no] != m {
		return nil
	}
	delete(m.page.live, m.no)
	if len(m.page.live) > 0 {
		if err := m.page.write(encode("gone", strconv.Itoa(m.no)), false); err != nil {
			return &UnwritableError{err} // a sweep will look for it, and find nothing
		}
		return nil
	}
	return m.l.tidy()
}

// open begins a page where there is none, or the last one could not be mended.
func (l *Ledger) open() error {
	if l.page != nil && l.page.err == nil {
		return nil
	}
	if l.page != nil {
		return l.page.err
	}
	if l.dir == "" {
		return errors.New("no data folder")
	}
	if err := l.prepare(); err != nil {
		return err
	}
	// A sweep may come upon a new file before it is locked and take it for one
	// without an owner.
	for range 100 {
		p := &page{path: filepath.Join(l.dir, disk.Random()+suffix), live: map[int]*Mark{}}
		var err error
		if p.f, err = os.OpenFile(p.path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600); err != nil {
			return err
		}
		ours, err := lock(p.f)
		if err != nil {
			return errors.Join(err, p.f.Close(), os.Remove(p.path))
		}
		if !ours || !stillAt(p.f, p.path) {
			_ = p.f.Close() // nothing is in it, and the sweep removes it
			continue
		}
		host, _ := os.Hostname() // without one, every path is looked for here
		if err := p.write(header(host, os.Getpid(), time.Now()), true); err != nil {
			return errors.Join(err, remove(p.f, p.path))
		}
		if err := syncFolder(l.dir); err != nil {
			return errors.Join(err, remove(p.f, p.path))
		}
		l.page = p
		return nil
	}
	return fmt.Errorf("%s: every new file is taken away", l.dir)
}

// prepare makes the ledger's folder, and wants nobody else to be able to write
// there.
func (l *Ledger) prepare() error {
	if err := l.user.MkdirAll(filepath.Dir(l.dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(l.dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return l.private()
}

// private is nil if the ledger's folder is one that only this user can write.
func (l *Ledger) private() error {
	info, err := os.Lstat(l.dir)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is not a folder", l.dir)
	}
	return l.user.Private(l.dir)
}

// tidy removes a page with nothing on it.
func (l *Ledger) tidy() error {
	p := l.page
	if p == nil || len(p.live) > 0 {
		return nil
	}
	l.page = nil
	return remove(p.f, p.path)
}

// write appends a line. One that cannot be written wholly is taken away again,
// so that the next does not stick to it.
func (p *page) write(line []byte, sync bool) error {
	if p.err != nil {
		return p.err
	}
	if p.size+int64(len(line)) > maxPage || len(line) > maxLine {
		return fmt.Errorf("%s: full", p.path)
	}
	_, err := p.f.WriteAt(line, p.size)
	if err == nil && sync {
		err = p.f.Sync()
	}
	if err != nil {
		if terr := p.f.Truncate(p.size); terr != nil {
			p.err = errors.Join(err, terr)
		}
		return err
	}
	p.size += int64(len(line))
	return nil
}

// stillAt reports whether path is still the open file.
func stillAt(f *os.File, path string) bool {
	open, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(open, there)
}
