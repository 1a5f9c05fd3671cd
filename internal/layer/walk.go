package layer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// Walk reads a folder that holds a root file system as if it were one layer.
// It opens only the files that an analyzer wants: the Hash of the others is 0. It
// never leaves dir, whatever the symlinks in it say, and does not enter file
// systems of the kernel's own (proc, sysfs, devices ...) mounted in it. The
// record has no digests; its Size is the sum of the files' sizes.
//
// What cannot be read is a fact with an error: of the analyzers that wanted the
// file, or of none (Analyzer is empty) for a folder. Only a dir that cannot be
// opened, a limit and ctx end the walk.
func Walk(ctx context.Context, dir string, analyzers []Analyzer, lim Limits) (*Record, error) {
	lim = lim.withDefaults()
	g := &gather{lim: lim}
	w := &walk{ctx: ctx, lim: lim, gather: g, feed: newFeeder(ctx, analyzers, g)}
	if err := w.run(dir); err != nil {
		return nil, errAt(dir, w.path, 0, err)
	}
	rec := &Record{Size: w.size}
	var err error
	if rec.Entries, rec.Facts, err = g.settle(); err != nil {
		return nil, errAt(dir, "", 0, err)
	}
	return rec, nil
}

type walk struct {
	ctx    context.Context
	lim    Limits
	gather *gather
	feed   *feeder
	root   *os.Root
	todo   []folder // still to be read, the next last
	size   int64
	path   string
}

type folder struct {
	path   string // "." for the root
	at     int    // its entry
	device uint64 // the file system that its parent is on
}

func (w *walk) run(dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { _ = root.Close() }() // read only: nothing is lost
	w.root = root
	w.todo = []folder{{path: ".", at: -1}}
	for len(w.todo) > 0 {
		last := len(w.todo) - 1
		next := w.todo[last]
		w.todo = w.todo[:last]
		if err := w.folder(next); err != nil {
			return err
		}
	}
	return nil
}

// folder reads one folder, through a root of its own so that each of its files
// is one step away and not as many as the path has.
func (w *walk) folder(f folder) error {
	w.path = f.path
	if err := w.ctx.Err(); err != nil {
		return err
	}
	names, here, err := w.list(&f)
	if err != nil {
		if f.at < 0 || errors.Is(err, ErrLimit) {
			return err
		}
		if err := w.gather.note(f.at, "", f.path, nil, bare(err)); err != nil {
			return err
		}
	}
	if here == nil {
		return nil
	}
	defer func() { _ = here.Close() }()
	first := len(w.todo)
	for _, name := range names {
		if err := w.ctx.Err(); err != nil {
			return err
		}
		w.path = path.Join(f.path, name)
		if err := w.entry(here, name, f.device); err != nil {
			return err
		}
	}
	slices.Reverse(w.todo[first:])
	return nil
}

// list opens a folder and lists it; names may be there with an error. The
// folder's device becomes its own.
func (w *walk) list(f *folder) (names []string, here *os.Root, err error) {
	here, err = w.root.OpenRoot(f.path)
	if err != nil {
		return nil, nil, err
	}
	d, err := here.Open(".")
	if err != nil {
		return nil, here, err
	}
	defer func() { _ = d.Close() }()
	info, err := d.Stat()
	if err != nil {
		return nil, here, err
	}
	device := deviceOf(info)
	if f.at >= 0 && device != f.device && isKernels(d) {
		return nil, here, nil
	}
	f.device = device
	for {
		some, err := d.Readdirnames(1024)
		names = append(names, some...)
		if err == io.EOF {
			break
		}
		if err != nil {
			return names, here, err
		}
		if len(w.gather.entries)+len(names) > w.lim.Files {
			return nil, here, over(w.lim.Files, "files")
		}
	}
	slices.Sort(names)
	return names, here, nil
}

func (w *walk) entry(here *os.Root, name string, device uint64) error {
	if len(w.path) > w.lim.Path {
		return fmt.Errorf("name is %d bytes long: %w", len(w.path), ErrLimit)
	}
	info, err := here.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // gone since it was listed
	}
	if err != nil {
		return w.unread(Entry{Path: w.path, Kind: File}, err)
	}
	const keep = fs.ModePerm | fs.ModeSetuid | fs.ModeSetgid | fs.ModeSticky
	e := Entry{Path: w.path, Mode: info.Mode() & keep}
	e.UID, e.GID = ownerOf(info)
	switch info.Mode().Type() {
	case 0:
		return w.file(here, name, e, info.Size())
	case fs.ModeSymlink:
		return w.symlink(here, name, e)
	case fs.ModeDir:
		e.Kind = Dir
	case fs.ModeNamedPipe:
		e.Kind = Fifo
	case fs.ModeSocket:
		return nil // a live system's; no layer has any
	default:
		e.Kind = Device
	}
	at, err := w.gather.add(e)
	if err == nil && e.Kind == Dir {
		w.todo = append(w.todo, folder{path: w.gather.entries[at].Path, at: at, device: device})
	}
	return err
}

// unread keeps an entry of which nothing but the name could be read.
func (w *walk) unread(e Entry, why error) error {
	at, err := w.gather.add(e)
	if err != nil {
		return err
	}
	return w.gather.note(at, "", e.Path, nil, bare(why))
}

func (w *walk) symlink(here *os.Root, name string, e Entry) error {
	e.Kind = Symlink
	link, err := here.Readlink(name)
	if err != nil {
		return w.unread(e, err)
	}
	e.Link = link
	at, err := w.gather.add(e)
	if err != nil {
		return err
	}
	return w.feed.symlink(Input{Path: e.Path, Mode: e.Mode | fs.ModeSymlink, Link: link}, at)
}

func (w *walk) file(here *os.Root, name string, e Entry, size int64) error {
	e.Size = min(size, w.lim.Bytes)
	w.size += e.Size
	at, err := w.gather.add(e)
	if err != nil {
		return err
	}
	in := Input{Path: e.Path, Mode: e.Mode, Size: size}
	jobs, err := w.feed.wanted(in, at)
	if err != nil || len(jobs) == 0 {
		return err
	}
	needsAll := slices.ContainsFunc(jobs, func(j job) bool { return w.feed.analyzers[j.analyzer].Limit < 0 })
	most := w.feed.most(jobs, size)
	if most == 0 && (size == 0 || !needsAll) {
		return w.feed.empty(jobs, in)
	}
	opened, err := openRegular(here, name)
	if err != nil {
		return w.feed.refuse(jobs, bare(err))
	}
	defer func() { _ = opened.Close() }()
	body := &plainContent{opened, w.feed.chunk}
	if most < size && !needsAll {
		return w.failed(w.feed.beginning(in, body, jobs), jobs)
	}
	sum, err := w.feed.file(in, body, jobs)
	if err != nil {
		return w.failed(err, jobs)
	}
	w.gather.entries[at].Hash = sum
	return nil
}

// failed makes facts of an error that is one file's own.
func (w *walk) failed(err error, jobs []job) error {
	if err == nil || w.ctx.Err() != nil || errors.Is(err, ErrLimit) {
		return err
	}
	return w.feed.refuse(jobs, bare(err))
}

// openRegular opens a file that was a regular one a moment ago, and does not
// wait at a pipe that took its place.
func openRegular(here *os.Root, name string) (*os.File, error) {
	f, err := here.OpenFile(name, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is no longer a regular file")
	}
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// bare is an error without the path that the fact has anyway.
func bare(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return fmt.Errorf("%s: %w", strings.TrimSuffix(pe.Op, "at"), pe.Err)
	}
	return err
}
