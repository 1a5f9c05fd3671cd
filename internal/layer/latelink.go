package layer

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
)

// A file that is stored under a name which nobody wants, and linked from one
// that somebody wants, has gone by when its link comes: so it is with pnpm,
// whose packages are hard links to a store. Such files, and only they, are
// looked at a second time.

// maxChain is how many hard links to hard links are followed, as the kernel
// does for symlinks.
const maxChain = 40

// position tells where r stands, if it can be brought back there.
func position(r io.Reader) (int64, io.Seeker) {
	s, ok := r.(io.Seeker)
	if !ok {
		return 0, nil
	}
	at, err := s.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, nil
	}
	return at, s
}

// lateLinks brings to their analyzers what they want under a hard link's name
// and have not seen under its target's.
func (p *pass) lateLinks(ctx context.Context, r io.Reader, seeker io.Seeker, start int64) error {
	if !p.links || len(p.feed.analyzers) == 0 {
		return nil
	}
	late, err := p.lateJobs()
	if err != nil || len(late) == 0 {
		return err
	}
	if seeker != nil {
		if _, err := seeker.Seek(start, io.SeekStart); err != nil {
			return err
		}
		if err := p.lookAgain(ctx, r, late); err != nil {
			return err
		}
	}
	for _, at := range slices.Sorted(maps.Keys(late)) {
		why := fmt.Errorf("hard link to %q, which had gone by", p.gather.entries[at].Path)
		if err := p.feed.refuse(late[at], why); err != nil {
			return err
		}
	}
	return nil
}

// lateJobs are the jobs by their file's place in the archive. What links to a
// file of a lower layer is noted as unread.
func (p *pass) lateJobs() (map[int][]job, error) {
	entries := p.gather.entries
	last := map[string]int{} // by path, of all that is linked and all that links
	for i := range entries {
		if entries[i].Kind == Hardlink {
			last[entries[i].Path], last[entries[i].Link] = -1, -1
		}
	}
	for i := range entries {
		if _, ok := last[entries[i].Path]; ok && !entries[i].Kind.hides() {
			last[entries[i].Path] = i
		}
	}
	late := map[int][]job{}
	for i := range entries {
		if entries[i].Kind != Hardlink || last[entries[i].Path] != i {
			continue
		}
		at := i
		for range maxChain {
			if at < 0 || entries[at].Kind != Hardlink {
				break
			}
			at = last[entries[at].Link]
		}
		if err := p.lateJob(late, i, at); err != nil {
			return nil, err
		}
	}
	return late, nil
}

// lateJob sees who wants the hard link at index link, whose content is that of
// the entry at index at, or of a lower layer's if that is negative.
func (p *pass) lateJob(late map[int][]job, link, at int) error {
	e := p.gather.entries[link]
	in := Input{Path: e.Path, Mode: e.Mode}
	if at >= 0 {
		target := p.gather.entries[at]
		if target.Kind == Dir || target.Kind == Hardlink {
			at = -1
		}
		in.Mode, in.Size, in.Link = target.Mode, target.Size, target.Link
		if target.Kind == Symlink {
			in.Mode |= fs.ModeSymlink
		}
	}
	jobs, err := p.feed.wanted(in, link)
	if err != nil {
		return err
	}
	if at < 0 {
		return p.feed.refuse(jobs, fmt.Errorf("hard link to %q, which is not a file of this layer", e.Link))
	}
	target := p.gather.entries[at]
	in.Path = target.Path
	jobs = slices.DeleteFunc(slices.Clone(jobs), func(j job) bool {
		return p.feed.wants(j.analyzer, in)
	})
	switch {
	case len(jobs) == 0:
		return nil
	case target.Kind == Symlink:
		return p.feed.empty(jobs, in)
	case target.Kind == File:
		late[at] = append(late[at], jobs...)
	}
	return nil
}

// lookAgain reads the layer once more for the files of late, and removes from
// late what it has read. It trusts nothing of the first look: a file that has
// another size or content by now is left.
func (p *pass) lookAgain(ctx context.Context, r io.Reader, late map[int][]job) error {
	t, err := openTar(ctx, r, p.lim)
	defer t.close()
	if err != nil {
		return err
	}
	byPath := make(map[string]int, len(late))
	for at := range late {
		byPath[p.gather.entries[at].Path] = at
	}
	a := &archive{t: t}
	for len(byPath) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		h, err := a.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		p.path = h.Name
		name, err := cleanName(h.Name, p.lim.Path)
		if err != nil {
			return err
		}
		at, ok := byPath[name]
		e := &p.gather.entries[max(at, 0)]
		kind, err := kindOf(h.Typeflag)
		if !ok || err != nil || kind != File || h.Size != e.Size || isSparse(h) {
			continue
		}
		if err := p.again(h, a, at, late); err != nil {
			return err
		}
		if _, left := late[at]; !left {
			delete(byPath, name)
		}
	}
	return nil
}

// again reads one file once more; what was learned counts only if the content
// is that of the first look.
func (p *pass) again(h *tar.Header, body content, at int, late map[int][]job) error {
	e := &p.gather.entries[at]
	facts, learned := len(p.gather.facts), p.gather.learned
	sum, err := p.feed.file(Input{Mode: e.Mode, Size: h.Size}, body, late[at])
	if err != nil {
		return err
	}
	if h.Size > 0 && sum != e.Hash {
		p.gather.facts, p.gather.learned = p.gather.facts[:facts], learned
		return nil
	}
	delete(late, at)
	return nil
}
