package catalog

import (
	"cmp"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// FromScan joins what [Analyzers] found in each layer into one inventory of the
// image. It is a pure function of the scan.
//
// A package is in the image if a file that declares it is in the merged file
// system; else it is Removed, for its bytes are still in the layer below. It
// was introduced by the lowest layer that knows this very version, whichever
// layer rewrote a package database last.
func FromScan(ctx context.Context, s *image.Scan, subject finding.Subject) (*sbom.Inventory, error) {
	j := &join{
		scan:  s,
		tree:  s.Tree,
		inv:   &sbom.Inventory{Subject: subject},
		items: map[identity]*item{},
		links: map[int]map[string][]string{},
		mine:  map[string]bool{},
		lost:  map[string][]int{},
		found: map[string]bool{},
	}
	for _, r := range Analyzers() {
		j.mine[r.Name] = r.Name != distroReader
	}
	j.distro()
	j.takeOrigins()
	for i, rec := range s.Records {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			j.take(i, f)
		}
	}
	j.lostDatabases()
	j.repositories()
	j.plausible()
	j.owners()
	j.embedded()
	j.licenses()
	j.finish()
	return j.inv, nil
}

// identity is what makes two records one package.
type identity struct{ typ, namespace, name, version, arch, origin string }

// item is a package on its way into the inventory.
type item struct {
	pkg     sbom.Package
	first   int // the lowest layer that has it
	visible bool
	sites   []site
	place   int32 // in the inventory, from 1; 0: it is not there, or not yet
}

// site is a file that a package was read from.
type site struct {
	path    string // as in layer.Entry
	layer   int
	visible bool
	entry   *layer.Entry
	places  []sbom.Location // within the file, if the cataloger says
	owner   *item           // the distribution package whose file it is
}

type join struct {
	scan     *image.Scan
	tree     *image.Tree
	inv      *sbom.Inventory
	items    map[identity]*item
	order    []*item // as met
	links    map[int]map[string][]string
	files    []fileFacts      // those with owners
	licensed []licenseFact    // of files that the image shows
	mine     map[string]bool  // readers whose facts are packages, owners or licences
	lost     map[string][]int // deleted database -> the layers that had it
	found    map[string]bool  // catalogers with a database that the image shows

	graphs    []graphFact
	manifests []manifestFact
	world     map[string]bool // what apk was asked for; nil: not known
	automatic map[string]bool // what apt installed of its own accord; nil: not known
	brought   map[string]bool // likewise zypp, yum and dnf 5
	history   map[string]bool // likewise dnf 4, whose history
	unsaved   bool            // has more in a file beside it

	origins map[int]map[string]string  // by layer and folder: where what is there comes from
	poms    map[string]javaCoordinates // by the path of a .pom that the image shows
}

type fileFacts struct {
	layer   int
	visible bool
	owners  []owner
}

type licenseFact struct{ name, text string }

// shown reports whether the image shows what layer i has at path, and gives the
// entry. A hard link that is shown shows its target's content.
func (j *join) shown(i int, path string) (*layer.Entry, bool) {
	n, ok := j.tree.At(i, path)
	if !ok || n.Layer != i {
		return nil, false
	}
	if n.Until >= j.tree.Layers() {
		return n.Entry, true
	}
	if j.links[i] == nil {
		j.links[i] = map[string][]string{}
		for _, e := range j.scan.Records[i].Entries {
			if e.Kind == layer.Hardlink {
				j.links[i][e.Link] = append(j.links[i][e.Link], e.Path)
			}
		}
	}
	for _, other := range j.links[i][path] {
		if m, ok := j.tree.Lookup(other); ok && m.Layer == i {
			return n.Entry, true
		}
	}
	return n.Entry, false
}

func (j *join) distro() {
	files := map[string]string{}
	for i, rec := range j.scan.Records {
		if rec == nil {
			continue
		}
		for _, f := range rec.Facts {
			if f.Analyzer != distroReader {
				continue
			}
			if _, ok := j.shown(i, f.Path); !ok {
				continue
			}
			if f.Err != "" {
				j.unknown("distribution, by /"+f.Path, f.Err)
			}
			files[f.Path] = string(f.Data)
		}
	}
	j.inv.Distro = distroOf(files)
}

// take sorts one layer's fact into the join.
func (j *join) take(i int, f layer.Fact) {
	if !j.mine[f.Analyzer] {
		return
	}
	entry, visible := j.shown(i, f.Path)
	if f.Err != "" {
		if visible {
			j.unknown("packages of /"+f.Path, f.Err)
		}
		return
	}
	if f.Analyzer == licenseReader {
		if visible {
			j.licensed = append(j.licensed, licenseFact{debCopyright(f.Path), string(f.Data)})
		}
		return
	}
	if f.Analyzer == askedReader {
		if visible {
			j.askedFor(f.Path, string(f.Data))
		}
		return
	}
	got, err := decodeFacts(f.Data)
	if err != nil {
		j.unknown("packages of /"+f.Path, err.Error())
		return
	}
	if visible {
		for _, p := range got.problems {
			j.unknown("packages of /"+f.Path, p)
		}
	}
	if len(got.owners) > 0 {
		j.files = append(j.files, fileFacts{layer: i, visible: visible, owners: got.owners})
	}
	if isDatabase(f.Path) {
		j.found[f.Analyzer] = j.found[f.Analyzer] || visible
		if _, there := j.tree.Lookup(f.Path); !there {
			j.lost[f.Path] = append(j.lost[f.Path], i)
		}
	}
	if f.Analyzer == javaPomReader {
		j.notePoms(f.Path, visible, got.packages)
		return
	}
	items := make([]*item, 0, len(got.packages))
	for _, p := range got.packages {
		if p.FromDistro() && p.Namespace == "" {
			p.Namespace = vendor(j.inv.Distro, p.Type)
		}
		at := site{path: f.Path, layer: i, visible: visible, entry: entry, places: p.Locations}
		p.Locations = nil
		if p.Origin == "" && len(j.origins) > 0 {
			p.Origin = j.originOf(i, path.Dir(f.Path))
		}
		if p.Origin == "" && f.Analyzer == pyReader {
			p.Origin = j.sourceTree(f.Path)
		}
		items = append(items, j.add(p, at))
	}
	j.tells(f.Analyzer, f.Path, i, visible, items, &got)
}

func (j *join) add(p sbom.Package, at site) *item {
	id := identity{p.Type, p.Namespace, p.Name, p.Version, p.Arch, p.Origin}
	it := j.items[id]
	if it == nil {
		it = &item{pkg: p, first: at.layer}
		j.items[id] = it
		j.order = append(j.order, it)
	} else {
		it.pkg.Licenses = append(it.pkg.Licenses, p.Licenses...)
		it.pkg.Dev = it.pkg.Dev && p.Dev
		it.pkg.Root = it.pkg.Root || p.Root
		it.pkg.Source = cmp.Or(it.pkg.Source, p.Source)
		it.pkg.SourceVersion = cmp.Or(it.pkg.SourceVersion, p.SourceVersion)
		it.pkg.Module = cmp.Or(it.pkg.Module, p.Module)
		it.pkg.Vendor = cmp.Or(it.pkg.Vendor, p.Vendor)
	}
	it.first = min(it.first, at.layer)
	it.visible = it.visible || at.visible
	if !j.rewritten(it, at) {
		it.sites = append(it.sites, at)
	}
	return it
}

// rewritten reports whether a site says nothing that the one before it does not: both
// are the same database, which a later layer wrote anew.
func (j *join) rewritten(it *item, at site) bool {
	if at.visible || len(it.sites) == 0 || !isDatabase(at.path) || len(j.lost[at.path]) > 0 {
		return false
	}
	last := &it.sites[len(it.sites)-1]
	return last.path == at.path && !last.visible && last.layer < at.layer
}

// lostDatabases takes a package database that was deleted, rather than
// rewritten, as it last stood: deleting it removes no package, and what cannot
// be told is said.
func (j *join) lostDatabases() {
	for _, path := range slices.Sorted(maps.Keys(j.lost)) {
		layers := j.lost[path]
		reader := databaseReader(path)
		if j.found[reader] {
			continue // it lives on under another name
		}
		last := layers[len(layers)-1]
		n := 0
		for _, it := range j.order {
			for k := range it.sites {
				if it.sites[k].path == path && it.sites[k].layer == last {
					it.visible, it.sites[k].visible = true, true
					n++
				}
			}
		}
		if n > 0 {
			j.unknown("packages of /"+path, "a layer deletes the package database; what it named last ("+
				finding.Count(n, "package")+") is taken to be there still")
		}
		for k := range j.files {
			if j.files[k].layer == last {
				j.files[k].visible = true
			}
		}
		for k := range j.graphs {
			if g := &j.graphs[k]; g.path == path && g.layer == last {
				g.visible = true
			}
		}
	}
}

// isDatabase reports whether a file lists packages whose files lie elsewhere.
func isDatabase(path string) bool { return databaseReader(path) != "" }

func databaseReader(path string) string {
	switch {
	case path == "var/lib/dpkg/status":
		return "dpkg"
	case strings.HasSuffix(path, "lib/apk/db/installed"):
		return "apk"
	case isRPM(path):
		return "rpm"
	}
	return ""
}

func (j *join) licenses() {
	if len(j.licensed) == 0 {
		return
	}
	texts := make(map[string]string, len(j.licensed))
	for _, l := range j.licensed {
		texts[l.name] = l.text
	}
	for _, it := range j.order {
		if text := texts[it.pkg.Name]; text != "" && it.pkg.Type == "deb" && it.visible {
			it.pkg.Licenses = append(it.pkg.Licenses, strings.Split(text, "\n")...)
		}
	}
}

// finish turns items into packages. They are put in nearly their final order
// while they are still pointers.
func (j *join) finish() {
	slices.SortFunc(j.order, func(a, b *item) int {
		return cmp.Or(
			strings.Compare(a.pkg.Type, b.pkg.Type),
			strings.Compare(a.pkg.Namespace, b.pkg.Namespace),
			strings.Compare(a.pkg.Name, b.pkg.Name),
			strings.Compare(a.pkg.Version, b.pkg.Version),
			strings.Compare(a.pkg.Arch, b.pkg.Arch),
			strings.Compare(a.pkg.Origin, b.pkg.Origin),
		)
	})
	ps := make([]sbom.Package, 0, len(j.order))
	for _, it := range j.order {
		p := it.pkg
		p.Owner = it.owner()
		if p.Cataloger == programCataloger && p.Owner != "" {
			continue // the distribution package is that program
		}
		p.LayerIndex, p.Layer = it.first, j.scan.Records[it.first].DiffID
		p.Removed = !it.visible
		for _, at := range it.sites {
			if at.visible != it.visible || !it.visible && at.layer != it.first {
				continue
			}
			if len(at.places) == 0 {
				at.places = []sbom.Location{{Path: at.path}}
			}
			for _, l := range at.places {
				if !strings.HasPrefix(l.Path, "/") {
					l.Path = "/" + l.Path
				}
				l.Layer = j.scan.Records[at.layer].DiffID
				p.Locations = append(p.Locations, l)
			}
		}
		ps = append(ps, p)
		it.place = int32(len(ps))
	}
	j.graph(ps)
	j.inv.Merge()
}

func (j *join) unknown(what, why string) {
	j.inv.Unknown = append(j.inv.Unknown, finding.Unknown{Subject: j.inv.Subject, What: what, Why: why})
}
