package catalog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Limits of a folder. What is over one is an Unknown.
const (
	dirFiles    = 200_000         // files and folders looked at
	dirDepth    = 64              // of folders
	dirLock     = 64 << 20        // bytes of one lock file
	dirPackages = 2 * maxPackages // of all its files
	dirUnknown  = 200             // unknowns listed singly
)

// dirSkipped are folders that hold others' code or what a build left behind:
// installed trees are an image's business, and the lock file names their
// packages.
var dirSkipped = []string{
	".git", ".hg", ".svn", "node_modules", "bower_components", "vendor", ".venv", "venv", "__pycache__",
	".tox", ".nox", ".gradle", ".yarn", ".pnpm-store", ".next", ".nuxt", ".cache", "dist", "target",
}

// FromDir reads the lock files and manifests of a folder. Symbolic links are
// never followed out of it, and .git, node_modules, vendor and the like are
// passed over. What cannot be read, a manifest that has no lock file, and a
// dependency without a version are in the inventory's Unknown. The error is
// the context's, or says that dir is no folder that can be read.
func FromDir(ctx context.Context, dir string, subject finding.Subject) (*sbom.Inventory, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("read folder %s: %w", dir, err)
	}
	defer func() { _ = root.Close() }()
	w := newDirWalk(root, subject)
	if err := fs.WalkDir(root.FS(), ".", func(p string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return w.visit(p, d, err)
	}); err != nil && !errors.Is(err, errDirFull) {
		return nil, fmt.Errorf("read folder %s: %w", dir, err)
	}
	if err := w.follow(ctx); err != nil {
		return nil, fmt.Errorf("read folder %s: %w", dir, err)
	}
	for _, m := range w.manifests {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read folder %s: %w", dir, ctx.Err())
		}
		w.manifest(m)
	}
	if w.more > 0 {
		w.inv.Unknown = append(w.inv.Unknown, finding.Unknown{
			Subject: subject, What: finding.Count(w.more, "more file"), Why: "like those before",
		})
	}
	w.inv.Merge()
	return w.inv, nil
}

var errDirFull = errors.New("over the limit")

type dirWalk struct {
	root      *os.Root
	parsers   []lockParser
	inv       *sbom.Inventory
	seen      int
	more      int             // unknowns over the limit
	read      map[string]bool // files parsed
	kinds     []dirManifest
	manifests []dirFound
	links     []string // read after the files, as each file counts once
	maven     mavenTree
	builds    map[string][]string // by name: the *.deps.json of builds; nil: not looked for
}

func newDirWalk(root *os.Root, subject finding.Subject) *dirWalk {
	return &dirWalk{
		root: root, parsers: lockParsers(), kinds: slices.Concat(dirManifests(), dirUnread()), read: map[string]bool{},
		inv: &sbom.Inventory{Subject: subject},
	}
}

func (w *dirWalk) unknown(what, why string) {
	if len(w.inv.Unknown) >= dirUnknown {
		w.more++
		return
	}
	w.inv.Unknown = append(w.inv.Unknown, finding.Unknown{Subject: w.inv.Subject, What: what, Why: why})
}

func (w *dirWalk) visit(p string, d fs.DirEntry, err error) error {
	switch {
	case err != nil && p == ".":
		return err
	case err != nil:
		w.unknown("packages of "+p, dirWhy(err))
		return nil
	}
	if w.seen++; w.seen > dirFiles {
		w.unknown("packages of "+p+" and what comes after it", fmt.Sprintf("the folder holds more than %d files", dirFiles))
		return errDirFull
	}
	if d.IsDir() {
		if p != "." && slices.Contains(dirSkipped, d.Name()) {
			if in, ok := installedIn(d.Name()); ok {
				w.installed(path.Join(p, in))
			}
			return fs.SkipDir
		}
		if strings.Count(p, "/") >= dirDepth {
			w.unknown("packages of "+p, fmt.Sprintf("folders nest deeper than %d", dirDepth))
			return fs.SkipDir
		}
		return nil
	}
	if d.Type()&fs.ModeSymlink != 0 {
		w.links = append(w.links, p)
		return nil
	}
	w.file(p)
	return nil
}

// follow reads what links lead to and has not been met by another name.
func (w *dirWalk) follow(ctx context.Context) error {
	if len(w.links) == 0 {
		return nil
	}
	var met []fs.FileInfo
	meet := func(p string) {
		if info, err := w.root.Stat(p); err == nil {
			met = append(met, info)
		}
	}
	for p := range w.read {
		meet(p)
	}
	for _, m := range w.manifests {
		meet(m.path)
	}
	for _, p := range w.links {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		wanted := slices.ContainsFunc(w.parsers, func(q lockParser) bool { return q.Wants(p) })
		if !wanted && dirManifestOf(w.kinds, p) == nil {
			continue
		}
		info, err := w.root.Stat(p)
		if err == nil && slices.ContainsFunc(met, func(m fs.FileInfo) bool { return os.SameFile(m, info) }) {
			w.read[p] = true // by its other name
			continue
		}
		w.file(p)
		meet(p)
	}
	return nil
}

// file takes in one that a parser may want.
func (w *dirWalk) file(p string) {
	if m := dirManifestOf(w.kinds, p); m != nil {
		w.manifests = append(w.manifests, dirFound{p, m})
		if m.unread != "" || m.lists {
			w.read[p] = true // read, or an unknown of its own, so that what it locks is none
		}
	}
	w.parse(p, 0)
}

// parse reads the file if a parser wants it, and those that it includes.
func (w *dirWalk) parse(p string, depth int) {
	for _, q := range w.parsers {
		if !q.Wants(p) && (depth == 0 || q.Name != "requirements") || w.read[p] {
			continue
		}
		w.read[p] = true
		body, err := w.body(p)
		if err != nil {
			w.unknown("packages of "+p, dirWhy(err))
			return
		}
		r, err := q.Read(p, body)
		if err != nil {
			w.unknown("packages of "+p, err.Error())
			return
		}
		if q.More != nil {
			q.More(w, p, &r)
		}
		if q.Roots != nil && r.graph != nil {
			q.Roots(w, p, &r)
		}
		w.take(p, r)
		for _, in := range r.Include {
			if depth < 8 {
				w.parse(path.Join(path.Dir(p), in), depth+1)
			}
		}
	}
}

// take keeps what a file says.
func (w *dirWalk) take(p string, r lockResult) {
	if len(w.inv.Packages)+len(r.Packages) > dirPackages {
		w.unknown("packages of "+p, fmt.Sprintf("with it, the folder has more than %d packages", dirPackages))
		return
	}
	if r.graph != nil {
		r.graph.attach(w.inv, p, r.Packages)
	} else {
		w.inv.Packages = append(w.inv.Packages, r.Packages...)
	}
	if len(r.Unknown) > 0 {
		w.unknown("versions of "+lockSee(r.Unknown)+" in "+p, r.Why)
	}
}

// glob is the files that a pattern means, within the folder.
func (w *dirWalk) glob(pattern string) []string {
	found, err := fs.Glob(w.root.FS(), pattern)
	if err != nil {
		return nil // a pattern that is none
	}
	return found
}

// body reads one file whole, without leaving the folder.
func (w *dirWalk) body(p string) ([]byte, error) {
	info, err := w.root.Stat(p)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("not a regular file")
	case info.Size() > dirLock:
		return nil, fmt.Errorf("%d bytes are over the limit of %d: not read", info.Size(), dirLock)
	}
	f, err := w.root.Open(p)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	body := bytes.NewBuffer(make([]byte, 0, info.Size()+bytes.MinRead))
	if _, err = body.ReadFrom(io.LimitReader(f, dirLock+1)); err == nil && body.Len() > dirLock {
		err = fmt.Errorf("over the limit of %d bytes: not read", dirLock)
	}
	return body.Bytes(), err
}

// dirWhy is the reason without the operation and the path, which the message
// has already.
func dirWhy(err error) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err.Error()
	}
	return err.Error()
}
