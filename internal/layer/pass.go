package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// Read reads one layer as it is stored: a tar, plain or compressed with gzip
// (estargz too) or zstd, told apart by how it begins. It reads r to its end
// and verifies the digests that want knows, of every byte of it, before it
// returns a record. The error is an [*Error]; it wraps a [*MismatchError] where
// the content is not what its digest says.
//
// If r is an [io.Seeker], a file that an analyzer wants under the name of a hard
// link alone, which a stream tells too late, is read in a second look; else
// such a file is a fact with an error.
func Read(ctx context.Context, r io.Reader, want Want, analyzers []Analyzer, lim Limits) (*Record, error) {
	lim = lim.withDefaults()
	start, seeker := position(r)
	t, err := openTar(ctx, r, lim)
	defer t.close()
	g := &gather{lim: lim}
	p := &pass{tar: t, want: want, lim: lim, gather: g, feed: newFeeder(ctx, analyzers, g)}
	if err == nil {
		err = p.run(ctx)
	}
	if err != nil {
		return nil, errAt(want.name(), p.path, t.offset(), t.blame(want, err))
	}
	rec := &Record{Compressed: t.stored.n, Size: t.n}
	rec.Blob, rec.DiffID = t.digests()
	if err := want.verify(rec.Blob, rec.DiffID); err != nil {
		return nil, errAt(want.name(), "", t.n, err)
	}
	if err := p.lateLinks(ctx, r, seeker, start); err != nil {
		return nil, errAt(want.name(), p.path, t.n, err)
	}
	if rec.Entries, rec.Facts, err = g.settle(); err != nil {
		return nil, errAt(want.name(), "", t.n, err)
	}
	return rec, nil
}

// pass is one layer on its way by.
type pass struct {
	tar     *tarStream
	want    Want
	lim     Limits
	gather  *gather
	feed    *feeder
	path    string // the entry at hand
	holes   int64  // bytes of sparse files expanded
	headers int
	links   bool // a hard link was seen
}

func (p *pass) run(ctx context.Context) error {
	a := &archive{t: p.tar}
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := a.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		p.path = h.Name
		if p.headers++; p.headers > p.lim.Files {
			return over(p.lim.Files, "files")
		}
		if err := p.entry(h, a); err != nil {
			return err
		}
	}
	p.path = ""
	return p.tar.drain()
}

// entry takes one entry of the archive.
func (p *pass) entry(h *tar.Header, body *archive) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil // git archive's comment: no file
	}
	name, err := cleanName(h.Name, p.lim.Path)
	if err != nil {
		return err
	}
	if p.tar.gzip && isEstargz(name) {
		return nil
	}
	target, kind, is, skip, err := whiteout(name)
	if err != nil || skip {
		return err
	}
	if is {
		_, err := p.gather.add(Entry{Path: target, Kind: kind})
		return err
	}
	e := Entry{Path: name, Mode: modeOf(h.Mode), UID: h.Uid, GID: h.Gid}
	if e.Kind, err = kindOf(h.Typeflag); err != nil {
		return err
	}
	if name == "." {
		if e.Kind != Dir {
			return errors.New("the root is not a folder")
		}
		return nil
	}
	switch e.Kind {
	case File:
		return p.file(h, e, body)
	case Symlink:
		return p.symlink(h, e)
	case Hardlink:
		p.links = true
		if e.Link, err = cleanName(h.Linkname, p.lim.Path); err != nil {
			return fmt.Errorf("hard link to %q: %w", cutText(h.Linkname), err)
		}
	}
	_, err = p.gather.add(e)
	return err
}

func (p *pass) file(h *tar.Header, e Entry, body *archive) error {
	if h.Size < 0 {
		return tar.ErrHeader
	}
	e.Size = min(h.Size, p.lim.Bytes)
	at, err := p.gather.add(e)
	if err != nil {
		return err
	}
	in := Input{Path: e.Path, Mode: e.Mode, Size: h.Size}
	jobs, err := p.feed.wanted(in, at)
	if err != nil {
		return err
	}
	if isSparse(h) {
		if h.Size > sparseBytes-p.holes {
			return p.feed.refuse(jobs, fmt.Errorf("sparse file of %d bytes: not expanded", h.Size))
		}
		p.holes += h.Size
	}
	if h.Size == 0 && len(jobs) == 0 {
		return nil
	}
	sum, err := p.feed.file(in, body, jobs)
	if err != nil {
		return err
	}
	if h.Size > 0 {
		p.gather.entries[at].Hash = sum
	}
	return nil
}

func (p *pass) symlink(h *tar.Header, e Entry) error {
	if len(h.Linkname) > p.lim.Path {
		return fmt.Errorf("link of %d bytes: %w", len(h.Linkname), ErrLimit)
	}
	e.Link = h.Linkname
	at, err := p.gather.add(e)
	if err != nil {
		return err
	}
	return p.feed.symlink(Input{Path: e.Path, Mode: e.Mode | fs.ModeSymlink, Link: e.Link}, at)
}

func kindOf(flag byte) (Kind, error) {
	switch flag {
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		return File, nil
	case tar.TypeDir:
		return Dir, nil
	case tar.TypeSymlink:
		return Symlink, nil
	case tar.TypeLink:
		return Hardlink, nil
	case tar.TypeChar, tar.TypeBlock:
		return Device, nil
	case tar.TypeFifo:
		return Fifo, nil
	}
	return 0, fmt.Errorf("entry of type %q, which no runtime unpacks", flag)
}

func modeOf(tarMode int64) fs.FileMode {
	m := fs.FileMode(tarMode) & fs.ModePerm
	if tarMode&0o4000 != 0 {
		m |= fs.ModeSetuid
	}
	if tarMode&0o2000 != 0 {
		m |= fs.ModeSetgid
	}
	if tarMode&0o1000 != 0 {
		m |= fs.ModeSticky
	}
	return m
}
