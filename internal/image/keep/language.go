package keep

import (
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/sbom/catalog"
)

// languageFiles are the files of each package of a language, by its URL, where they are
// known: a folder of node_modules, what a Python distribution's record lists, a gem's folder,
// a program or an archive with all that is in it.
func (b *builder) languageFiles() map[string][]string {
	if b.files != nil {
		return b.files
	}
	b.files, b.lazy = map[string][]string{}, map[string]bool{}
	b.records = map[string][]string{}
	for _, o := range catalog.OwnedIn(b.Scan) {
		if strings.HasSuffix(o.Name, ".dist-info") {
			b.records[o.Name] = o.Paths
		}
	}
	for _, p := range b.Inventory.Packages {
		if p.FromDistro() || p.Removed || p.Owner != "" {
			continue
		}
		var all []string
		known := len(p.Locations) > 0
		for _, l := range p.Locations {
			some := b.filesAt(p, strings.Trim(l.Path, "/"), b.records)
			known = known && len(some) > 0
			all = append(all, some...)
		}
		if known {
			b.files[p.PURL()] = append(b.files[p.PURL()], all...)
			b.lazy[p.PURL()] = p.Cataloger == "npm" || p.Cataloger == "python" || p.Cataloger == "gem"
		}
	}
	return b.files
}

// filesAt are the files of a package that was read from one file; none: not known.
func (b *builder) filesAt(p sbom.Package, file string, records map[string][]string) []string {
	dir, base := path.Dir(file), path.Base(file)
	switch p.Cataloger {
	case "npm":
		if base == "package.json" && strings.Contains("/"+dir+"/", "/node_modules/") {
			return b.tail(dir, "/node_modules/")
		}
	case "python":
		return records[dir]
	case "go-binary", "rust-binary", "program":
		if n, ok := b.tree.Lookup(file); ok && n.Entry.Kind != layer.Dir {
			return []string{file}
		}
	case "java":
		for at := file; at != "."; at = path.Dir(at) {
			if n, ok := b.tree.Lookup(at); ok && n.Entry.Kind != layer.Dir {
				return []string{at}
			}
		}
	case "gem":
		if above, ok := strings.CutSuffix(dir, "/specifications"); ok {
			return append(b.tail(above+"/gems/"+strings.TrimSuffix(base, ".gemspec"), ""), file)
		}
	}
	return nil
}

// tail are the files below a folder, but for those in a folder of its called but.
func (b *builder) tail(dir, but string) []string {
	var out []string
	b.tree.Under(dir, func(p string, n image.Node) bool {
		if n.Entry.Kind != layer.Dir && (but == "" || !strings.Contains(p[len(dir):], but)) {
			out = append(out, p)
		}
		return true
	})
	return out
}

// manifests keeps the files that a package was read from, each as long as it may speak for
// something that stays, and reports whether one does. A program or a folder of which
// nothing stays speaks for nothing.
func (b *builder) manifests(p sbom.Package) (stays bool) {
	for _, l := range p.Locations {
		f := strings.Trim(l.Path, "/")
		if of := b.filesAt(p, f, b.records); len(of) > 0 && !slices.ContainsFunc(of, func(f string) bool { return b.set.why[f] != "" }) {
			continue
		}
		_, there := b.tree.Lookup(f)
		if there && len(b.owners[f]) == 0 {
			b.put(f, "it says that "+p.Name+" is in the image")
		}
		stays = stays || !there || b.set.why[f] != ""
	}
	return stays || len(p.Locations) == 0
}
