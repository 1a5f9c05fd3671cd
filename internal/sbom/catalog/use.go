package catalog

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// Use is what used files say of a package.
type Use struct {
	Known bool   // which files are the package's
	Path  string // of it that was used, absolute; empty: none
}

// UseAnalyzers is what [UseOf] needs of a layer: every file that a package owns. Those
// of [Analyzers] note only the files from which other packages are read.
func UseAnalyzers() []layer.Analyzer {
	whole := func(c Cataloger, read func(context.Context, layer.Input) (facts, error)) layer.Analyzer {
		c.Name += "-all"
		c.learn = func(ctx context.Context, f layer.Input) (facts, error) {
			got, err := read(ctx, f)
			return facts{owners: got.owners}, err
		}
		return c.reader()
	}
	all := func([]byte) bool { return true }
	return []layer.Analyzer{
		whole(dpkgFiles(), func(_ context.Context, f layer.Input) (facts, error) { return readFileList(f, all) }),
		whole(apk(), func(_ context.Context, f layer.Input) (facts, error) { return readAPK(f, all) }),
		whole(rpm(), func(ctx context.Context, f layer.Input) (facts, error) { return readRPM(ctx, f, all) }),
		pyRecords().reader(),
	}
}

// pyRecords reads which files pip installed for a distribution (PEP 376). The owner's
// name is the folder of the record.
func pyRecords() Cataloger {
	return Cataloger{
		Name: "python-files", Version: 1, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, _ int64) bool {
			return mode.IsRegular() && strings.HasSuffix(p, ".dist-info/RECORD")
		},
		learn: func(_ context.Context, f layer.Input) (facts, error) {
			if f.Truncated(layer.MaxBuffer) {
				return facts{}, errTooLarge
			}
			info := path.Dir(f.Path)
			o := owner{name: info}
			r := csv.NewReader(f.Body)
			r.FieldsPerRecord, r.ReuseRecord, r.LazyQuotes = -1, true, true
			for {
				row, err := r.Read()
				switch {
				case errors.Is(err, io.EOF):
					return facts{owners: []owner{o}}, nil
				case err != nil:
					return facts{}, err
				case row[0] == "" || len(row[0]) > maxText:
					continue
				}
				p := row[0]
				if !path.IsAbs(p) {
					p = path.Join("/", path.Dir(info), p)
				}
				dir, base := path.Split(path.Clean(p))
				o.paths = o.paths.add([]byte(dir), []byte(base))
			}
		},
	}
}

// UseOf tells, by package URL, which packages of an image's inventory used files
// belong to. The scan is one by [UseAnalyzers]; used are absolute paths, of which those
// with a "*" were written as general makes them.
//
// It errs on the side of use. A file that no package lists (what a package makes when
// it is installed or runs) counts for the packages around it, if they are few.
func UseOf(s *image.Scan, inv *sbom.Inventory, used []string, general func(string) string) map[string]Use {
	u := &usage{tree: s.Tree, touched: map[string]bool{}, hashes: map[uint64]string{}, aliases: (&join{tree: s.Tree}).aliases()}
	u.touch(used, general)
	for _, rec := range s.Records {
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			if got, err := decodeFacts(f.Data); err == nil && f.Err == "" {
				u.owners = append(u.owners, got.owners...)
			}
		}
	}
	u.claim()
	u.around()
	out := make(map[string]Use, len(inv.Packages))
	for _, distro := range []bool{true, false} { // the latter may be the former's
		for _, p := range inv.Packages {
			if p.FromDistro() != distro {
				continue
			}
			use, id := u.of(p, out), p.PURL()
			if other, ok := out[id]; ok { // it came from two places
				use = Use{use.Known && other.Known, cmp.Or(use.Path, other.Path)}
			}
			out[id] = use
		}
	}
	return out
}

// usage is files that were used, on their way to packages.
type usage struct {
	tree    *image.Tree
	aliases []alias
	touched map[string]bool   // paths in the image, without the leading slash
	hashes  map[uint64]string // of all their names
	owners  []owner
	by      map[int]string  // owner -> a file of it that was used
	owned   map[string]bool // touched paths that somebody owns
}

// touch takes in files and links. Folders say nothing: everybody's files lie there.
func (u *usage) touch(used []string, general func(string) string) {
	wide := map[string]bool{}
	for _, p := range used {
		if strings.Contains(p, "*") {
			wide[p] = true
			continue
		}
		u.add(strings.Trim(p, "/"))
		if at, _, err := u.tree.Resolve(p); err == nil {
			u.add(at)
		}
	}
	if len(wide) == 0 {
		return
	}
	u.tree.Walk(func(p string, _ image.Node) bool {
		if wide[general("/"+p)] {
			u.add(p)
		}
		return true
	})
}

func (u *usage) add(p string) {
	n, ok := u.tree.Lookup(p)
	if !ok || n.Entry.Kind == layer.Dir || u.touched[p] {
		return
	}
	u.touched[p] = true
	for _, s := range spellings(p, u.aliases) {
		u.hashes[xxhash.Sum64String(s)] = p
	}
	// Of a module of Python's, only what it was compiled to is opened.
	dir, base := path.Split(p)
	if above, ok := strings.CutSuffix(dir, "/__pycache__/"); ok && strings.HasSuffix(base, ".pyc") {
		name, _, _ := strings.Cut(base, ".")
		u.add(above + "/" + name + ".py")
	}
}

// claim finds who owns a file that was used.
func (u *usage) claim() {
	u.by, u.owned = map[int]string{}, map[string]bool{}
	for i, o := range u.owners {
		for h := range o.paths.each {
			if p, ok := u.hashes[h]; ok {
				u.owned[p] = true
				if old := u.by[i]; old == "" || p < old {
					u.by[i] = p
				}
			}
		}
	}
}

// Limits on whose a file is that nobody lists.
const (
	upwards    = 4 // folders
	fewPackage = 3
)

// around gives the files that nobody owns to the packages with files in the nearest
// folder that has any, unless those are many.
func (u *usage) around() {
	asked := map[uint64]string{} // hash of a file -> its folder
	folders := map[string]bool{}
	for p := range u.touched {
		dir := p
		for range upwards {
			if dir = path.Dir(dir); dir == "." {
				break
			}
			if u.owned[p] || folders[dir] {
				continue
			}
			folders[dir] = true
			u.tree.Under(dir, func(file string, n image.Node) bool {
				if path.Dir(file) == dir && n.Entry.Kind != layer.Dir {
					for _, s := range spellings(file, u.aliases) {
						asked[xxhash.Sum64String(s)] = dir
					}
				}
				return true
			})
		}
	}
	in := map[string][]int{}
	for i, o := range u.owners {
		for h := range o.paths.each {
			if dir, ok := asked[h]; ok && !slices.Contains(in[dir], i) && len(in[dir]) <= fewPackage {
				in[dir] = append(in[dir], i)
			}
		}
	}
	for _, p := range slices.Sorted(maps.Keys(u.touched)) {
		if u.owned[p] {
			continue
		}
		dir := p
		for range upwards {
			dir = path.Dir(dir)
			if all := in[dir]; len(all) > 0 {
				for _, i := range all {
					if len(all) <= fewPackage && u.by[i] == "" {
						u.by[i] = p
					}
				}
				break
			}
		}
	}
}

// of is what is known of one package.
func (u *usage) of(p sbom.Package, known map[string]Use) Use {
	if p.FromDistro() {
		return u.owner(func(o owner) bool {
			return o.name == p.Name && (o.version == "" || o.version == p.Version) && (o.arch == "" || p.Arch == "" || o.arch == p.Arch)
		})
	}
	if own := known[p.Owner]; p.Owner != "" && own.Known {
		return own
	}
	all := Use{Known: len(p.Locations) > 0}
	for _, l := range p.Locations {
		one := u.at(p, strings.Trim(l.Path, "/"))
		if all.Known = all.Known && one.Known; one.Path != "" {
			return one
		}
	}
	return all
}

// owner is what is known of the files of some owners.
func (u *usage) owner(is func(owner) bool) Use {
	var use Use
	for i, o := range u.owners {
		if !is(o) {
			continue
		}
		use.Known = true
		if p := u.by[i]; p != "" && (use.Path == "" || "/"+p < use.Path) {
			use.Path = "/" + p
		}
	}
	return use
}

// at is what is known of a package that was read from a file. Which files are its own
// hangs on its kind: a program has its modules in it, a package of npm's is a folder.
func (u *usage) at(p sbom.Package, file string) Use {
	dir, base := path.Dir(file), path.Base(file)
	switch p.Cataloger {
	case "go-binary", "rust-binary":
		return u.file(file)
	case programCataloger: // its libraries may lie anywhere
		use := u.file(file)
		use.Known = use.Path != ""
		return use
	case "java":
		for at := file; at != "."; at = path.Dir(at) {
			if n, ok := u.tree.Lookup(at); ok && n.Entry.Kind != layer.Dir {
				return u.file(at)
			}
		}
	case "npm":
		if base == "package.json" {
			return u.under(dir, "/node_modules/")
		}
	case "gem":
		if above, ok := strings.CutSuffix(dir, "/specifications"); ok {
			return u.under(above+"/gems/"+strings.TrimSuffix(base, ".gemspec"), "")
		}
	case "composer":
		if above, ok := strings.CutSuffix(file, "/composer/installed.json"); ok {
			return u.under(path.Join(above, p.Namespace, p.Name), "")
		}
	case "python":
		return u.owner(func(o owner) bool { return o.name == dir })
	}
	return Use{}
}

// file is what is known of a package that is one file.
func (u *usage) file(p string) Use {
	if !u.touched[p] {
		_, there := u.tree.Lookup(p)
		return Use{Known: there}
	}
	return Use{Known: true, Path: "/" + p}
}

// under is what is known of a package that is a folder, but for what lies in a folder
// of its that is called but.
func (u *usage) under(dir, but string) Use {
	var use Use
	u.tree.Under(dir, func(p string, n image.Node) bool {
		rest := p[len(dir):]
		if n.Entry.Kind == layer.Dir || but != "" && strings.Contains(rest, but) {
			return true
		}
		use.Known = true
		if u.touched[p] {
			use.Path = "/" + p
		}
		return use.Path == ""
	})
	return use
}
