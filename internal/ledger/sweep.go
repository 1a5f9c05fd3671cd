package ledger

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drydock-dev/drydock/internal/disk"
	"github.com/drydock-dev/drydock/internal/finding"
)

// Fate is what became of a thing that was to be removed.
type Fate int

// The fates.
const (
	Removed Fate = iota
	Absent       // it was not there
	Spared       // what is there by that name or id is not what was made, and stays
)

// Engine is a Docker Engine, as a sweep needs it.
type Engine interface {
	// Identity is what entries of this Engine name it by.
	Identity() string
	// Take removes what an entry is about, if name and id are its. An error is
	// for what is still there, or may be.
	Take(ctx context.Context, e Entry) (Fate, error)
}

// Limits of a sweep.
const (
	// maxPages limits the lists of what killed runs have made that a run looks at.
	maxPages = 10_000
	// inFlight is how long after its owner's last line something may come into
	// being that its owner had asked for, and patience how long a sweep waits
	// for such things in all. What comes later is taken by a later sweep.
	inFlight = 5 * time.Second
	patience = 2 * time.Second
	// farAway is for how long an entry is kept whose folder cannot be looked
	// into: on another machine that shares the data folder, on a disk that is
	// not there.
	farAway = 30 * 24 * time.Hour
)

// Sweep takes away what processes that are dead made and left. dial finds the
// Engine that is in use; it is called only if something of an Engine's was left,
// with the address where it was, and may answer with nil: what is there stays,
// and stays written down.
func (l *Ledger) Sweep(ctx context.Context, dial func(ctx context.Context, address string) Engine) {
	if l == nil || l.dir == "" {
		return
	}
	f, err := os.Open(l.dir)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			l.told(fmt.Sprintf("what killed runs left behind is not known: %v", err))
		}
		return
	}
	names, err := f.Readdirnames(maxPages)
	_ = f.Close() // it was only read
	if err != nil {
		return // there is none
	}
	if err := l.private(); err != nil {
		l.told(fmt.Sprintf("what killed runs left behind is not looked for: %v", err))
		return
	}
	s := &sweep{l: l, dial: dial, waited: time.Now().Add(patience)}
	for _, name := range names {
		if ctx.Err() != nil {
			return
		}
		if id, ok := strings.CutSuffix(name, suffix); ok && disk.IsRandom(id) {
			if err := s.page(ctx, filepath.Join(l.dir, name)); err != nil {
				l.told(fmt.Sprintf("what a killed run left behind: %s: %v", filepath.Join(l.dir, name), err))
			}
		}
	}
}

type sweep struct {
	l      *Ledger
	dial   func(context.Context, string) Engine
	asked  bool
	engine Engine
	waited time.Time // nothing is waited for after it
}

// page sweeps what is on a page whose owner is dead.
func (s *sweep) page(ctx context.Context, path string) error {
	f, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // its owner is done
		}
		return err
	}
	free, err := lock(f)
	if err != nil || !free || !stillAt(f, path) {
		return errors.Join(err, f.Close())
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil {
		err = s.l.user.Private(path)
	}
	if err == nil && info.Size() > maxPage {
		err = fmt.Errorf("larger than %d bytes", maxPage)
	}
	var text []byte
	if err == nil {
		text, err = io.ReadAll(io.NewSectionReader(f, 0, maxPage))
	}
	var b *book
	if err == nil {
		b, err = parse(text)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	gone := s.entries(ctx, b, info.ModTime())
	if len(b.live) == 0 && b.damaged == 0 {
		return remove(f, path)
	}
	p := &page{f: f, path: path, size: int64(b.whole)}
	if len(gone) > 0 {
		if err := f.Truncate(p.size); err != nil { // the line that was never finished
			return errors.Join(err, f.Close())
		}
		if err := p.write(gone, false); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if len(b.live) > 0 {
		return f.Close()
	}
	// A page that is damaged is said once, and kept for people to look at.
	s.l.told(fmt.Sprintf("the list of what a killed run left behind is damaged: %s of %s; what stands there is left alone",
		finding.Count(b.damaged, "line"), path+".damaged"))
	return errors.Join(f.Close(), os.Rename(path, path+".damaged"))
}

// entries sweeps the entries of a page, and returns the lines that strike out
// what is gone.
func (s *sweep) entries(ctx context.Context, b *book, last time.Time) (gone []byte) {
	for _, no := range b.numbers() {
		e := b.live[no]
		fate, err := s.take(ctx, e, last)
		switch {
		case err != nil:
			s.l.told(fmt.Sprintf("could not remove %s, left behind by a run that was killed: %v", e, err))
			continue
		case fate == Absent && !s.forget(e, b.host):
			continue
		case fate == Spared:
			s.l.told(fmt.Sprintf("left alone: %s is not what Drydock made", e))
		case fate == Removed:
			s.l.told(fmt.Sprintf("removed %s, left behind by a run that was killed (process %d, %s)", e, b.pid, b.at.UTC().Format(time.DateTime)))
		}
		delete(b.live, no)
		gone = append(gone, encode("gone", strconv.Itoa(no))...)
	}
	return gone
}

// String names the thing for people.
func (e Entry) String() string {
	if e.ID == "" {
		return fmt.Sprintf("%s %s", e.Kind, e.Name)
	}
	id := strings.TrimPrefix(e.ID, "sha256:")
	return fmt.Sprintf("%s %s (%s)", e.Kind, e.Name, id[:min(12, len(id))])
}

// take removes what one entry is about.
func (s *sweep) take(ctx context.Context, e Entry, last time.Time) (Fate, error) {
	if !e.Kind.inEngine() {
		return takePath(e)
	}
	if !s.asked && s.dial != nil {
		s.engine = s.dial(ctx, e.Address)
	}
	s.asked = true
	if s.engine == nil || s.engine.Identity() != e.Engine {
		return Absent, nil // from here
	}
	for {
		fate, err := s.engine.Take(ctx, e)
		now := time.Now()
		if err != nil || fate != Absent || e.ID != "" || now.After(e.Until) || now.After(s.waited) || now.Sub(last).Abs() > inFlight {
			return fate, err
		}
		select { // the Engine may be making it right now
		case <-ctx.Done():
			return Absent, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// forget reports whether what is not there will not come either.
func (s *sweep) forget(e Entry, host string) bool {
	now := time.Now()
	if e.Kind.inEngine() {
		if s.engine == nil || s.engine.Identity() != e.Engine {
			return false
		}
		return e.ID != "" || now.After(e.Until) || e.Until.Sub(now) > farAway
	}
	if now.Sub(e.At).Abs() > farAway {
		return true
	}
	here, _ := os.Hostname() // the same answer as when it was written
	_, err := os.Stat(filepath.Dir(e.Name))
	return err == nil && here == host
}

// takePath removes a folder or a file, if it is one and this user's.
func takePath(e Entry) (Fate, error) {
	info, err := os.Lstat(e.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		return Absent, nil
	case err != nil:
		return Absent, err
	case !mine(info), e.Kind == Folder && !info.IsDir(), e.Kind == File && !info.Mode().IsRegular():
		return Spared, nil
	}
	rm := os.RemoveAll
	if e.Kind == File {
		rm = os.Remove
	}
	if err := rm(e.Name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return Absent, err
	}
	return Removed, nil
}
