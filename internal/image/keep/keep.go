package keep

import (
	"encoding/json"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Question is an image and what is known of its use.
type Question struct {
	Scan      *image.Scan // by [Analyzers] and [catalog.UseAnalyzers]
	Inventory *sbom.Inventory
	Config    *v1.ConfigFile

	Used     []string            // absolute paths that were touched; of one with a "*", all that General makes it of
	General  func(string) string // nil: no path is general
	Programs []string            // of Used, those that were executed
	Loaded   []string            // of Used, those that were mapped into memory
	Listed   []string            // of Used, folders that were read
	Env      []string            // names of variables that were set beside the image's
	Keep     []string            // paths that the user wants kept, with what is below them
	Back     []string            // paths that were removed once and looked for
	Files    bool                // by files; false: by packages
	Fixed    int                 // so many layers at the bottom stay as they are
}

// Set is what stays, and what does not.
type Set struct {
	Packages []Package // of the distribution, by name
	Gone     []string  // package URLs of other packages that went as a whole
	Warnings []string
	why      map[string]string // by path, of what stays
}

// Fate is what becomes of a package.
type Fate string

// The fates.
const (
	Whole   Fate = "kept"
	Part    Fate = "reduced"
	Removed Fate = "removed"
)

// Package is a package of the distribution.
type Package struct {
	catalog.Owned
	Fate    Fate
	Why     string // it stays: the file or package that needs it
	Removed int64  // bytes of its files that go
}

// Keeps reports whether a path stays.
func (s *Set) Keeps(p string) bool { _, ok := s.why[p]; return ok }

// Why says why a path stays; empty: it does not.
func (s *Set) Why(p string) string { return s.why[p] }

// Hold adds a path to a set.
func (s *Set) Hold(p, why string) {
	if s.why == nil {
		s.why = map[string]string{}
	}
	s.why[p] = why
}

// ErrNoDatabase is an image in which no package manager says what is whose.
var ErrNoDatabase = errors.New("the image has no package database: which files belong together is not known")

// builder is a set on its way.
type builder struct {
	Question
	set      *Set
	tree     *image.Tree
	elf      map[string]linked // by path, of the file that holds the content
	scripts  map[string]script
	byBase   map[string][]string // files by the last part of their path
	packages []Package
	owners   map[string][]int // path -> packages
	dirs     map[string][]int // folder, or a link to one -> packages
	touched  map[string]bool  // by the workload itself
	work     []string         // files whose needs have not been looked at
	loaded   map[string]bool
	linked   map[string]bool // libraries that something kept is linked with
	ran      map[string]bool // files that are run, as far as is known
	warned   map[string]bool
	kids     map[string][]string // what lies directly in each folder
	files    map[string][]string // of packages of languages, by URL
	records  map[string][]string // what Python's distributions list, by the record's folder
	lazy     map[string]bool     // packages that are many files, of which a program may use some, by URL
	lazily   map[string]bool     // files of all of those
	drop     map[string]bool     // files of those of which nothing was used
}

// Of finds what stays.
func Of(q Question) (*Set, error) {
	b := &builder{
		Question: q, tree: q.Scan.Tree, set: &Set{why: map[string]string{}},
		elf: map[string]linked{}, scripts: map[string]script{}, byBase: map[string][]string{}, owners: map[string][]int{}, dirs: map[string][]int{},
		touched: map[string]bool{}, loaded: map[string]bool{}, linked: map[string]bool{}, warned: map[string]bool{}, ran: map[string]bool{},
	}
	b.read()
	if !q.Files && len(b.packages) == 0 {
		return nil, ErrNoDatabase
	}
	b.languageFiles()
	b.fixed()
	b.touch()
	b.configured()
	b.close()
	b.always()
	b.families()
	b.close()
	if q.Files {
		b.byFiles()
	} else {
		b.unownedFiles()
		b.close()
		b.byPackages()
	}
	b.close()
	b.whole()
	b.truth()
	b.folders()
	b.dangling()
	b.report()
	return b.set, nil
}

// read takes in what the scan knows.
func (b *builder) read() {
	for i, rec := range b.Scan.Records {
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			n, ok := b.tree.Lookup(f.Path)
			if !ok || n.Layer != i || f.Err != "" || len(f.Data) == 0 {
				continue
			}
			switch f.Analyzer {
			case elfReader:
				var l linked
				if json.Unmarshal(f.Data, &l) == nil {
					b.elf[f.Path] = l
				}
			case scriptReader:
				var s script
				if json.Unmarshal(f.Data, &s) == nil {
					b.scripts[f.Path] = s
				}
			}
		}
	}
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Entry.Kind != layer.Dir {
			b.byBase[path.Base(p)] = append(b.byBase[path.Base(p)], p)
		}
		return true
	})
	at := map[[2]string]int{}
	for _, o := range catalog.OwnedIn(b.Scan) {
		if strings.HasSuffix(o.Name, ".dist-info") {
			continue
		}
		key := [2]string{o.Name, o.Arch}
		i, ok := at[key]
		if !ok {
			i = len(b.packages)
			at[key] = i
			b.packages = append(b.packages, Package{Owned: o})
		} else {
			b.packages[i].Paths = append(b.packages[i].Paths, o.Paths...)
		}
		for _, p := range o.Paths {
			of := b.owners
			if b.isFolder(p) {
				of = b.dirs
			}
			if !slices.Contains(of[p], i) {
				of[p] = append(of[p], i)
			}
		}
	}
}

// isFolder reports whether a path is a folder, or leads to one: such are everybody's.
func (b *builder) isFolder(p string) bool {
	_, folder, _ := b.resolve(p)
	return folder
}

// fixed keeps all that layers brought which stay as they are.
func (b *builder) fixed() {
	if b.Fixed == 0 {
		return
	}
	b.tree.Walk(func(p string, n image.Node) bool {
		if n.Layer < b.Fixed {
			b.put(p, "the base stays as it is")
		}
		return true
	})
	b.work = nil // what it needs, it has
}

// touch takes in what the workload touched and what the user wants.
func (b *builder) touch() {
	wide := map[string]bool{}
	for _, p := range b.Used {
		if strings.Contains(p, "*") && b.General != nil {
			wide[p] = true
			continue
		}
		b.mark(p)
	}
	if len(wide) > 0 {
		b.tree.Walk(func(p string, _ image.Node) bool {
			if wide[b.General("/"+p)] {
				b.mark("/" + p)
			}
			return true
		})
	}
	for _, p := range slices.Concat(b.Loaded, b.Programs) {
		if at, _, there := b.resolve(p); there {
			b.loaded[at] = true
		}
	}
	for _, p := range b.Back {
		b.add(p, "it was looked for in the image without it")
		b.below(p, "it was looked for in the image without it")
	}
	for _, p := range b.Keep {
		b.add(p, "--keep")
		b.below(p, "--keep")
	}
}

// mark adds what was touched itself.
func (b *builder) mark(p string) {
	at := b.add(p, "used")
	if n, ok := b.tree.Lookup(at); ok && n.Entry.Kind != layer.Dir {
		b.touched[at] = true
		b.run(at)
	}
}

// hops is how many symbolic links one path may lead through.
const hops = 40

// add keeps a path: each link on the way, and what they lead to, which it returns. A path
// that leads nowhere keeps the links that lead there.
func (b *builder) add(p, why string) string {
	at, _ := b.follow(p, func(step string) { b.put(step, why) })
	return at
}

// follow goes along a path and all links in it, in the image, and calls step for each entry
// on the way. It returns where that leads, and whether something is there: an entry, or a
// folder that no layer lists.
func (b *builder) follow(p string, step func(string)) (at string, there bool) {
	left := strings.Split(p, "/")
	for n := 0; len(left) > 0; {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if at = path.Dir(at); at == "." {
				at = ""
			}
			continue
		}
		next := path.Join(at, part)
		node, ok := b.tree.Lookup(next)
		if !ok {
			if !b.any(next) {
				return next, false
			}
			at = next
			continue
		}
		step(next)
		if node.Entry.Kind != layer.Symlink {
			at = next
			continue
		}
		if n++; n > hops {
			return next, false
		}
		if path.IsAbs(node.Entry.Link) {
			at = ""
		}
		left = slices.Concat(strings.Split(node.Entry.Link, "/"), left)
	}
	return at, true
}

// resolve is where a path leads, and whether that is a folder.
func (b *builder) resolve(p string) (at string, folder, there bool) {
	at, there = b.follow(p, func(string) {})
	if !there {
		return at, false, false
	}
	n, listed := b.tree.Lookup(at)
	return at, !listed || n.Entry.Kind == layer.Dir, true
}

// hold keeps one path without looking at what it needs.
func (b *builder) hold(p, why string) {
	if b.set.why[p] == "" {
		b.set.Hold(p, why)
	}
}

// any reports whether something lies below a folder that no layer lists.
func (b *builder) any(dir string) (ok bool) {
	b.tree.Under(dir, func(string, image.Node) bool { ok = true; return false })
	return ok
}

// put keeps one path.
func (b *builder) put(p, why string) {
	if p == "" || p == "." || b.set.why[p] != "" {
		return
	}
	b.set.Hold(p, why)
	b.work = append(b.work, p)
}

// below keeps all that lies in a folder.
func (b *builder) below(dir, why string) {
	at, folder, _ := b.resolve(dir)
	if !folder {
		return
	}
	b.tree.Under(at, func(p string, _ image.Node) bool { b.add(p, why); return true })
}

// exists reports whether a path leads to something.
func (b *builder) exists(p string) bool { _, _, there := b.resolve(p); return there }

// warn says something once.
func (b *builder) warn(what string) {
	if !b.warned[what] {
		b.warned[what] = true
		b.set.Warnings = append(b.set.Warnings, what)
	}
}

// content is the path of the file that holds what a path has: itself, or what a hard link
// shares.
func (b *builder) content(p string) string {
	n, ok := b.tree.Lookup(p)
	if !ok || n.Entry.Kind != layer.Hardlink {
		return p
	}
	if at, ok := b.tree.Content(n); ok {
		return at.Entry.Path
	}
	return p
}

// report says what became of each package.
func (b *builder) report() {
	for i := range b.packages {
		p := &b.packages[i]
		kept, files := 0, 0
		for _, f := range p.Paths {
			n, ok := b.tree.Lookup(f)
			if !ok || b.isFolder(f) {
				continue
			}
			files++
			if why := b.set.why[f]; why != "" {
				if kept++; p.Why == "" && why != "documentation of a package that stays" {
					p.Why = why + ": /" + f
				}
			} else if b.sole(f) {
				p.Removed += n.Entry.Size
			}
		}
		switch {
		case p.Fate == Whole || kept > 0 && kept == files:
			p.Fate = Whole
		case kept > 0:
			p.Fate = Part
		default:
			p.Fate = Removed
		}
	}
	b.set.Packages = b.packages
	slices.Sort(b.set.Warnings)
}

// sole reports whether one package alone owns a path.
func (b *builder) sole(p string) bool { return len(b.owners[p]) == 1 }

// Paths are what stays, sorted.
func (s *Set) Paths() []string { return slices.Sorted(maps.Keys(s.why)) }
