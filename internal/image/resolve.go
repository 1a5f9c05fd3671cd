package image

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
)

// maxLinks limits the symbolic links followed to one path, as Linux does.
const maxLinks = 40

var errLinks = errors.New("too many symbolic links")

// Resolve follows symbolic links within the image, as a process with the image
// as its root would, and gives the path where it ends. Links that lead above
// the root stay at it. The error is fs.ErrNotExist for a path, or a link, that
// leads nowhere, and says so for one that goes in circles.
func (t *Tree) Resolve(path string) (string, Node, error) {
	rest := clean(path)
	done := ""
	links := 0
	var n Node
	for rest != "" {
		var name string
		name, rest, _ = strings.Cut(rest, "/")
		switch name {
		case "", ".":
			continue
		case "..":
			done = parent(done)
			continue
		}
		at := name
		if done != "" {
			at = done + "/" + name
		}
		var ok bool
		if n, ok = t.Lookup(at); !ok {
			if rest == "" || !t.implied(at) {
				return "", Node{}, fmt.Errorf("%s: %w", printable(path), fs.ErrNotExist)
			}
			done = at
			continue
		}
		if n.Entry.Kind != layer.Symlink {
			done = at
			continue
		}
		if links++; links > maxLinks {
			return "", Node{}, fmt.Errorf("%s: %w", printable(path), errLinks)
		}
		to := n.Entry.Link
		if strings.HasPrefix(to, "/") {
			done = ""
		}
		if rest != "" {
			to += "/" + rest
		}
		if len(to) > 1<<16 {
			return "", Node{}, fmt.Errorf("%s: %w", printable(path), errLinks)
		}
		rest = strings.TrimLeft(to, "/")
	}
	n, ok := t.Lookup(done)
	if !ok {
		return "", Node{}, fmt.Errorf("%s: %w", printable(path), fs.ErrNotExist)
	}
	return done, n, nil
}

// implied reports a directory that no layer lists, and that has something in it.
func (t *Tree) implied(dir string) bool {
	found := false
	t.Under(dir, func(string, Node) bool { found = true; return false })
	return found
}

func parent(path string) string {
	i := strings.LastIndexByte(path, '/')
	if i < 0 {
		return ""
	}
	return path[:i]
}

// Content is the file that holds a node's bytes: itself, or, for a hard link,
// what it links to, in its own layer or, against the specification but met in
// practice, in a lower one. False for anything without content and for a link
// that leads nowhere.
func (t *Tree) Content(n Node) (Node, bool) {
	for range maxLinks {
		switch n.Entry.Kind {
		case layer.File:
			return n, true
		case layer.Hardlink:
		default:
			return Node{}, false
		}
		to, ok := t.linked(n)
		if !ok {
			return Node{}, false
		}
		n = to
	}
	return Node{}, false
}

// linked is what a hard link's target was when its layer was made.
func (t *Tree) linked(n Node) (Node, bool) {
	var best Node
	found := false
	for _, v := range t.Versions(n.Entry.Link) {
		if v.Layer == n.Layer || v.Layer < n.Layer && v.Until >= n.Layer {
			best, found = v, true
		}
	}
	return best, found
}

// Live is where the content of a file, as one layer has it, is found in the
// image's file system: at its own path, or where that was removed or replaced,
// at a hard link to it that still stands. False where it is gone.
func (t *Tree) Live(layer int, path string) (string, bool) {
	path = clean(path)
	for _, v := range t.Versions(path) {
		if v.Layer == layer && v.Until == len(t.records) {
			return path, true
		}
	}
	for _, l := range t.links[linkKey{layer, path}] {
		if n, ok := t.Lookup(l); ok && n.Layer == layer {
			return l, true
		}
	}
	return "", false
}

// linkKey is a file of one layer that hard links of the same layer name.
type linkKey struct {
	layer int
	path  string
}

// indexLinks notes which files have hard links, for those that were hidden may
// live on in them.
func (t *Tree) indexLinks() {
	for l, r := range t.records {
		for i := range r.Entries {
			if e := &r.Entries[i]; e.Kind == layer.Hardlink {
				if t.links == nil {
					t.links = map[linkKey][]string{}
				}
				k := linkKey{l, e.Link}
				t.links[k] = append(t.links[k], e.Path)
			}
		}
	}
}
