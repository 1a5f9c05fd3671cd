package write

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
)

// Content is what of an image goes into a new one. Layers of the source become at most two
// beside those that stay whole: what a base brought, and what was added to it.
type Content struct {
	Scan    *image.Scan
	Keep    func(path string) bool // of the merged file system; its parents are the caller's to keep, too
	Replace map[string][]byte      // what files that are kept hold instead
	Whole   int                    // so many layers at the bottom stay as they are, bit for bit
	Base    int                    // layers at the bottom, whole ones included, that the base brought
}

// Layer is a layer that was written: an uncompressed tar.
type Layer struct {
	File   string
	DiffID finding.Digest
	Size   int64 // bytes
	Top    int   // the highest layer of the source that it stands for
}

// Layers writes the layers into a folder, lowest first. One without any entry is left out.
func (c Content) Layers(ctx context.Context, dir string) ([]Layer, error) {
	var out []Layer
	n := len(c.Scan.Records)
	for i := range min(c.Whole, n) {
		l, err := c.whole(ctx, dir, i)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	names := c.names()
	for _, g := range [][2]int{{c.Whole, max(c.Base, c.Whole)}, {max(c.Base, c.Whole), n}} {
		if g[0] >= min(g[1], n) {
			continue
		}
		l, some, err := c.group(ctx, dir, g[0], min(g[1], n), names)
		if err != nil {
			return nil, err
		}
		if some {
			out = append(out, l)
		}
	}
	if len(out) == 0 {
		return nil, errors.New("nothing of the image would be left")
	}
	return out, nil
}

// output is a layer that is being written.
type output struct {
	f   *os.File
	buf *bufio.Writer
	sum hash.Hash
	n   int64
}

func create(dir string, i int) (*output, error) {
	f, err := os.OpenFile(filepath.Join(dir, fmt.Sprintf("layer-%d.tar", i)), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	return &output{f: f, buf: bufio.NewWriterSize(f, 1<<20), sum: sha256.New()}, nil
}

func (o *output) Write(b []byte) (int, error) {
	o.sum.Write(b)
	o.n += int64(len(b))
	return o.buf.Write(b)
}

func (o *output) close(err error, top int) (Layer, error) {
	err = errors.Join(err, o.buf.Flush(), o.f.Close())
	return Layer{File: o.f.Name(), DiffID: finding.Digest("sha256:" + hex.EncodeToString(o.sum.Sum(nil))), Size: o.n, Top: top}, err
}

// whole copies a layer as it is.
func (c Content) whole(ctx context.Context, dir string, i int) (Layer, error) {
	o, err := create(dir, i)
	if err != nil {
		return Layer{}, err
	}
	return o.close(c.Scan.Image.Plain(ctx, i, o), i)
}

// place is a file's content, where the source stores it.
type place struct {
	layer int
	path  string
}

// names are the paths under which a stored content stays, if they are others than its own
// or more: hard links, whose target may have been left out.
func (c Content) names() map[place][]string {
	all := map[place][]string{}
	c.Scan.Tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind != layer.Hardlink || !c.Keep(p) || n.Layer < c.Whole {
			return true
		}
		at, stored, ok := c.holder(p, n)
		if ok && at.Layer >= c.Whole {
			key := place{at.Layer, stored}
			all[key] = append(all[key], p)
		}
		return true
	})
	return all
}

// holder is where the content of a hard link is stored. Links to links end at the file.
func (c Content) holder(_ string, n image.Node) (image.Node, string, bool) {
	at, ok := c.Scan.Tree.Content(n)
	if !ok {
		return at, "", false
	}
	return at, at.Entry.Path, true
}

// group writes what is kept of several layers into one.
func (c Content) group(ctx context.Context, dir string, from, to int, names map[place][]string) (Layer, bool, error) {
	o, err := create(dir, from)
	if err != nil {
		return Layer{}, false, err
	}
	w := &writer{Content: c, tar: tar.NewWriter(o), names: names}
	if from == c.Whole && c.Whole > 0 {
		err = w.hide()
	}
	for i := from; i < to && err == nil; i++ {
		w.layer = i
		err = c.Scan.Image.Each(ctx, i, w.entry)
	}
	if err == nil {
		err = w.tar.Close()
	}
	l, err := o.close(err, to-1)
	if err == nil && w.entries == 0 {
		return l, false, os.Remove(l.File)
	}
	return l, w.entries > 0, err
}

type writer struct {
	Content
	tar     *tar.Writer
	layer   int // of the source that is read
	entries int
	names   map[place][]string
}

// hide writes what the source's upper layers take away from those that stay whole.
func (w *writer) hide() error {
	var err error
	tree := w.Scan.Tree
	tree.All(func(p string, n image.Node) bool {
		if n.Layer >= w.Whole || n.Until < w.Whole || n.Until >= tree.Layers() {
			return true
		}
		if _, ok := tree.Lookup(p); ok {
			return true // something else is there
		}
		dir := path.Dir(p)
		if above, ok := tree.Lookup(dir); dir != "." && ok && above.Entry.Kind != layer.Dir {
			return true
		} else if _, was := tree.At(w.Whole-1, dir); dir != "." && was && !ok {
			return true // it goes with its folder
		}
		w.entries++
		err = w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path.Join(dir, ".wh."+path.Base(p)), Mode: 0o600})
		return err == nil
	})
	return err
}

// entry takes one entry of the source.
func (w *writer) entry(p string, h *tar.Header, body io.Reader) error {
	links := w.names[place{w.layer, p}]
	n, there := w.Scan.Tree.Lookup(p)
	here := there && n.Layer == w.layer && w.Keep(p)
	if h.Typeflag == tar.TypeLink {
		if here {
			if at, _, ok := w.holder(p, n); ok && at.Layer < w.Whole {
				return w.put(p, h, nil) // its target stays in a layer that nobody touches
			}
		}
		return nil // written beside its content
	}
	var first string
	switch {
	case here:
		first = p
	case len(links) > 0:
		first, links = links[0], links[1:]
	default:
		return nil
	}
	if err := w.put(first, h, body); err != nil {
		return err
	}
	for _, l := range links {
		link := &tar.Header{
			Typeflag: tar.TypeLink, Name: l, Linkname: first, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid, Uname: h.Uname, Gname: h.Gname, ModTime: h.ModTime,
		}
		if err := w.put(l, link, nil); err != nil {
			return err
		}
	}
	return nil
}

// put writes an entry under a path, with all that the source says of it but when it was
// read or changed its state.
func (w *writer) put(name string, h *tar.Header, body io.Reader) error {
	out := &tar.Header{
		Typeflag: h.Typeflag, Name: name, Linkname: h.Linkname, Size: h.Size, Mode: h.Mode, Uid: h.Uid, Gid: h.Gid,
		Uname: h.Uname, Gname: h.Gname, ModTime: h.ModTime, Devmajor: h.Devmajor, Devminor: h.Devminor,
	}
	for k, v := range h.PAXRecords {
		if strings.HasPrefix(k, "SCHILY.xattr.") {
			if out.PAXRecords == nil {
				out.PAXRecords = map[string]string{}
			}
			out.PAXRecords[k] = v
		}
	}
	if h.ModTime.Nanosecond() != 0 {
		out.Format = tar.FormatPAX
	}
	switch h.Typeflag {
	case tar.TypeDir:
		out.Name += "/"
	case tar.TypeReg, tar.TypeRegA, tar.TypeGNUSparse, tar.TypeCont: //nolint:staticcheck // old archives have it
		out.Typeflag = tar.TypeReg
		if b, ok := w.Replace[name]; ok {
			out.Size, body = int64(len(b)), bytes.NewReader(b)
		}
	default:
		out.Size, body = 0, nil
	}
	w.entries++
	if err := w.tar.WriteHeader(out); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if body == nil || out.Typeflag != tar.TypeReg {
		return nil
	}
	_, err := io.Copy(w.tar, body)
	return err
}
