package fix

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// maxTold is how many differing files a failure names.
const maxTold = 8

// difference is a file under the application's paths that is not the same in
// both versions.
type difference struct {
	path string // absolute
	what string // "is gone", "is new", "differs"
}

// compareFiles wants the files under the application's paths to be the same in
// both versions, or different for a reason that a fix gives. What the old
// version builds otherwise every time is no difference: it is built once more,
// without the cache, to tell.
func (r *proving) compareFiles(ctx context.Context) error {
	return r.step("compare files", func() (string, error) {
		before, after := r.tree(false), r.tree(true)
		diffs := before.differences(after)
		left, excused := r.excuse(diffs, before, after)
		for _, why := range excused {
			r.note("%s", why)
		}
		if len(left) > 0 {
			var err error
			if left, err = r.unsteady(ctx, left, before); err != nil {
				return "", err
			}
		}
		if len(left) > 0 {
			return "", r.fail(Failure{Step: "compare files", Why: tell(left), Log: listing(left)})
		}
		return finding.Count(len(before.app), "file") + " of the application", nil
	})
}

func tell(d []difference) string {
	if len(d) == 1 {
		return fmt.Sprintf("%s, a file of the application, %s without a reason that the fix gives", d[0].path, d[0].what)
	}
	return fmt.Sprintf("%d files of the application differ without a reason that the fix gives, among them %s, which %s", len(d), d[0].path, d[0].what)
}

func listing(d []difference) string {
	var lines []string
	for i, x := range d {
		if i == maxTold {
			lines = append(lines, fmt.Sprintf("… and %d more", len(d)-i))
			break
		}
		lines = append(lines, x.path+" "+x.what)
	}
	return strings.Join(lines, "\n")
}

// appTree is an image's files with those of them that are the application's.
type appTree struct {
	tree *image.Tree
	app  map[string]layer.Entry // absolute path -> what is there; no directories
}

// tree finds the application's files: what lies under the working directory and
// what COPY and ADD brought.
func (r *proving) tree(after bool) appTree {
	side, file := r.v.Before, r.parsed[false]
	if after {
		side, file = r.v.After, r.parsed[true]
	}
	t := appTree{tree: side.Scan.Tree, app: map[string]layer.Entry{}}
	keep := func(p string, n image.Node) bool {
		if k := n.Entry.Kind; k == layer.File || k == layer.Symlink || k == layer.Hardlink {
			t.app["/"+strings.TrimPrefix(p, "/")] = *n.Entry
		}
		return true
	}
	if dir := path.Clean("/" + side.Image.WorkDir); dir != "/" {
		t.tree.Under(dir, keep)
	}
	copied, ok := r.copied(file, side.Scan.Image)
	if !ok {
		r.note("which layers of the image %s the file's COPY lines made is not known: only its working directory is compared", version(after))
		return t
	}
	t.tree.Walk(func(p string, n image.Node) bool {
		if copied[n.Layer] {
			keep(p, n)
		}
		return true
	})
	return t
}

// copied says which layers COPY and ADD of the file made.
func (r *proving) copied(f *dockerfile.File, im *image.Image) (map[int]bool, bool) {
	if f == nil {
		return nil, false
	}
	stage, err := f.Target(r.Target)
	if err != nil {
		return nil, false
	}
	joined := dockerfile.Join(f, stage, im.Steps)
	if joined == nil {
		return nil, false
	}
	out := map[int]bool{}
	for i, l := range im.Layers {
		if l.Step < 0 || l.Step >= len(joined) || joined[l.Step] < 0 {
			continue
		}
		if cmd := f.Instructions[joined[l.Step]].Cmd; cmd == "COPY" || cmd == "ADD" {
			out[i] = true
		}
	}
	return out, true
}

// at is what is at an absolute path, wherever it comes from.
func (t appTree) at(p string) (layer.Entry, bool) {
	n, ok := t.tree.Lookup(p)
	if !ok || n.Entry.Kind == layer.Dir {
		return layer.Entry{}, false
	}
	return *n.Entry, true
}

// differences are the application's files that are not the same in both, sorted.
func (t appTree) differences(after appTree) []difference {
	var out []difference
	for p, e := range t.app {
		switch other, ok := after.at(p); {
		case !ok:
			out = append(out, difference{p, "is gone"})
		case !same(e, other, t, after):
			out = append(out, difference{p, "differs"})
		}
	}
	for p, e := range after.app {
		if _, ok := t.app[p]; ok {
			continue
		}
		switch other, ok := t.at(p); {
		case !ok:
			out = append(out, difference{p, "is new"})
		case !same(other, e, t, after):
			out = append(out, difference{p, "differs"})
		}
	}
	sorting.By(out, func(a, b difference) int { return strings.Compare(a.path, b.path) })
	return out
}

// same compares content, and of the mode what makes a file a program. A hard
// link is what it leads to.
func same(a, b layer.Entry, ta, tb appTree) bool {
	a, b = ta.follow(a), tb.follow(b)
	return a.Kind == b.Kind && a.Size == b.Size && a.Hash == b.Hash && a.Link == b.Link &&
		(a.Mode.Perm()&0o111 == 0) == (b.Mode.Perm()&0o111 == 0)
}

func (t appTree) follow(e layer.Entry) layer.Entry {
	if e.Kind == layer.Hardlink {
		if to, ok := t.at("/" + e.Link); ok && to.Kind == layer.File {
			return to
		}
	}
	return e
}

// excuse takes away the differences that have a reason, and says which reasons
// were needed.
func (r *proving) excuse(diffs []difference, before, after appTree) (left []difference, reasons []string) {
	used := map[string]int{}
	var ig *ignoring
	if len(diffs) > 0 {
		ig = r.ignoring()
	}
	for _, d := range diffs {
		why := r.reason(d, before, after)
		if why == "" && ig.leavesOut(d, before) {
			why = "the ignore file leaves them out of the build"
		}
		if why == "" {
			left = append(left, d)
			continue
		}
		used[why]++
	}
	for why, n := range used {
		verb := " differ"
		if n == 1 {
			verb = " differs"
		}
		reasons = append(reasons, finding.Count(n, "file")+verb+" as it should: "+why)
	}
	slices.Sort(reasons)
	return left, reasons
}

func (r *proving) reason(d difference, before, after appTree) string {
	for _, name := range r.edited() {
		// A context that is copied as a whole holds the files that are edited.
		if path.Base(d.path) != filepath.Base(name) {
			continue
		}
		if holds(before, d.path, r.c.Before[name]) && holds(after, d.path, r.c.After[name]) {
			return filepath.Base(name) + " is copied into the image, and the fix edits it"
		}
	}
	for _, c := range r.changes() {
		if c.To == "" {
			if matches(c.Path, d.path) {
				return c.Why
			}
			continue
		}
		if moved(c, d, before, after) {
			return c.Why
		}
	}
	return ""
}

// holds reports whether a file has this content; nil: that it is not there.
func holds(t appTree, p string, content []byte) bool {
	e, ok := t.at(p)
	if content == nil || !ok {
		return content == nil && !ok
	}
	hash := uint64(0)
	if len(content) > 0 {
		hash = xxhash.Sum64(content)
	}
	return e.Kind == layer.File && e.Size == int64(len(content)) && e.Hash == hash
}

// moved reports whether a file that is gone is where the change says, with the
// same content, or one that is new comes from there.
func moved(c finding.Change, d difference, before, after appTree) bool {
	from, to := path.Clean(c.Path), path.Clean(c.To)
	switch d.what {
	case "is gone":
		rest, ok := below(d.path, from)
		if !ok {
			return false
		}
		a, _ := before.at(d.path)
		b, ok := after.at(path.Join(to, rest))
		return ok && same(a, b, before, after)
	default:
		rest, ok := below(d.path, to)
		if !ok {
			return false
		}
		a, ok := before.at(path.Join(from, rest))
		b, there := after.at(d.path)
		return ok && there && same(a, b, before, after)
	}
}

// below is what of a path lies below a folder; empty for the folder itself.
func below(p, dir string) (string, bool) {
	if p == dir {
		return "", true
	}
	return strings.CutPrefix(p, strings.TrimSuffix(dir, "/")+"/")
}

// matches reports whether a pattern of [finding.Change] stands for a path.
func matches(pattern, p string) bool {
	return matchParts(split(pattern), split(p), 0)
}

func split(p string) []string {
	p = strings.Trim(path.Clean("/"+p), "/")
	if p == "" {
		return nil
	}
	return strings.Split(p, "/")
}

// matchParts matches part by part; what is beneath a match matches too. Each
// "**" may take any number of parts; more than a few of them match nothing.
func matchParts(pattern, p []string, wild int) bool {
	for i, part := range pattern {
		if part == "**" {
			if wild == 4 {
				return false
			}
			for n := i; n <= len(p); n++ {
				if matchParts(pattern[i+1:], p[n:], wild+1) {
					return true
				}
			}
			return false
		}
		if i >= len(p) {
			return false
		}
		if ok, err := path.Match(part, p[i]); err != nil || !ok {
			return false
		}
	}
	return true
}

// unsteady takes away the differences that the old version itself has from one
// build to the next.
func (r *proving) unsteady(ctx context.Context, left []difference, before appTree) ([]difference, error) {
	built, err := r.buildVersion(ctx, false, true)
	if err != nil {
		return nil, r.buildFailed("rebuild before, again", false, err)
	}
	again, err := r.Measure(ctx, built.ID)
	if err != nil {
		return nil, err
	}
	second := appTree{tree: again.Scan.Tree}
	n := len(left)
	left = slices.DeleteFunc(left, func(d difference) bool {
		a, was := before.at(d.path)
		b, is := second.at(d.path)
		switch d.what {
		case "is gone":
			return !is
		case "is new":
			return is
		}
		return was && is && !same(a, b, before, second)
	})
	if n > len(left) {
		r.note("%s not compared: the file as it is makes another at every build, from one build to the next", finding.Count(n-len(left), "file"))
	}
	return left, nil
}
