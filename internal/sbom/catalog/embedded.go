package catalog

import (
	"bytes"
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

const embeddedCataloger = "embedded-sbom"

// embeddedSBOMs reads the SBOMs that who made an image put into it: Bitnami's
// beside each component, and those in the folders that are meant for them.
// Packages of a distribution are left to its own database.
func embeddedSBOMs() Cataloger {
	return Cataloger{
		Name: embeddedCataloger, Version: 3, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode.IsRegular() && size > 0 && isEmbedded(p)
		},
		Read:  packagesOf(embeddedRead),
		learn: embeddedRead,
	}
}

// isEmbedded goes by the name of a file and where it lies.
func isEmbedded(p string) bool {
	dir, base := path.Split(p)
	if strings.HasPrefix(base, ".spdx-") && strings.HasSuffix(base, ".spdx") {
		return strings.HasPrefix(p, "opt/bitnami/")
	}
	if !embeddedIn(dir) {
		return false
	}
	for _, ext := range []string{".cdx.json", ".spdx.json", ".spdx", ".cdx.xml"} {
		if strings.HasSuffix(base, ext) {
			return true
		}
	}
	return base == "bom.json" || base == "sbom.json"
}

// embeddedIn reports whether a folder is one where those who make an image lay an
// SBOM: the root, an application's own, one that is called after it, and that of a
// Python distribution (PEP 770). Wolfi's and Chainguard's describe packages of the
// distribution, which its database has.
func embeddedIn(dir string) bool {
	dir = strings.TrimSuffix(dir, "/")
	parts := strings.Split(dir, "/")
	switch last := path.Base(dir); {
	case dir == "" || strings.HasPrefix(dir, "opt/bitnami/"):
		return true
	case strings.HasPrefix(dir, "var/lib/db/sbom") || strings.Contains("/"+dir+"/", "/node_modules/"), fixtures(dir):
		return false
	case last == "sbom" || last == "sboms" || last == ".sbom":
		return true
	case strings.HasPrefix(dir, "sbom/") || strings.HasPrefix(dir, "usr/share/sbom/") ||
		strings.HasPrefix(dir, "usr/local/share/sbom/") || strings.HasPrefix(dir, "layers/sbom/"): // of buildpacks
		return true
	}
	switch parts[0] {
	case "opt", "app", "srv", "home", "workspace":
		return len(parts) <= 2
	}
	return dir == "usr/src/app" || dir == "usr/app"
}

func embeddedRead(_ context.Context, f layer.Input) (facts, error) {
	body, err := lockBody(f, layer.MaxBuffer)
	if err != nil {
		return facts{}, err
	}
	if !embeddedSaysSo(body) {
		return facts{}, nil // another program's file of such a name
	}
	inv, err := sbom.Decode(strings.NewReader(string(body)), path.Base(f.Path))
	if err != nil {
		return facts{}, err
	}
	var got facts
	g := &lockGraph{}
	at := make([]int32, len(inv.Graph)) // by the SBOM's node, 1 + the graph's; 0: it is left out
	of := func(node int32, pkg int) int32 {
		n := g.node(pkg)
		if inv.Graph.Has(node) {
			at[node] = n + 1
		}
		return n
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !embeddedTells(p) {
			continue
		}
		of(p.Node, len(got.packages))
		got.packages = append(got.packages, embeddedPackage(p))
	}
	if len(inv.Graph) == 0 {
		return got, nil
	}
	for i := range inv.Components {
		c := &inv.Components[i]
		n := of(c.Node, -1)
		g.nodes[n].other = len(g.others)
		g.others = append(g.others, sbom.Component{
			Kind: c.Kind, Name: lockOrigin(c.Title()), Version: lockOrigin(c.Version), Root: c.Root, Guessed: c.Guessed,
		})
	}
	for node, n := range at {
		needs, told := inv.Graph.Of(int32(node))
		if n == 0 || !told {
			continue
		}
		list := make([]int32, 0, len(needs))
		for _, to := range needs {
			if at[to] > 0 {
				list = append(list, at[to]-1)
			}
		}
		g.nodes[n-1].needs = list
	}
	g.flat = true // what it does not tell is not known
	got.graph = g
	return got, nil
}

// embeddedTells reports whether a package of an embedded SBOM is one to look up.
func embeddedTells(p *sbom.Package) bool {
	return !p.FromDistro() && !p.Removed && p.Name != "" && p.Version != ""
}

// embeddedPackage is a package of an embedded SBOM, without its places there.
func embeddedPackage(p *sbom.Package) sbom.Package {
	return sbom.Package{
		Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version, Origin: p.Origin, Arch: p.Arch,
		Licenses: p.Licenses, Dev: p.Dev, Root: p.Root, LayerIndex: -1, Cataloger: embeddedCataloger,
	}
}

// embeddedSaysSo reports whether a file calls itself an SBOM.
func embeddedSaysSo(body []byte) bool {
	for _, mark := range []string{`"bomFormat"`, `"spdxVersion"`, "SPDXVersion:", "<bom", "spdx.org/"} {
		if bytes.Contains(body, []byte(mark)) {
			return true
		}
	}
	return false
}

// embedded takes out what an embedded SBOM and the files themselves both tell, so
// that it counts once: of a package that a cataloger found without a namespace or
// with another, the cataloger's; of a program in the folder that an SBOM is about,
// the SBOM's.
func (j *join) embedded() {
	type alike struct{ typ, name, version string }
	told := map[string]map[string]bool{} // folder of an SBOM -> versions
	seen, twin := map[alike]*item{}, map[*item]*item{}
	for _, it := range j.order {
		if !it.embedded() {
			seen[alike{it.pkg.Type, it.pkg.Name, it.pkg.Version}] = it
			continue
		}
		for _, at := range it.sites {
			if dir := path.Dir(at.path); at.visible && dir != "." && it.pkg.Type == "bitnami" {
				if told[dir] == nil {
					told[dir] = map[string]bool{}
				}
				version, _, _ := strings.Cut(it.pkg.Version, "-")
				told[dir][version] = true
			}
		}
	}
	kept := j.order[:0]
	for _, it := range j.order {
		switch other := seen[alike{it.pkg.Type, it.pkg.Name, it.pkg.Version}]; {
		case other != nil && it.embedded():
			twin[it] = other
			continue
		case it.pkg.Type == "generic" && it.within(told):
			continue
		}
		kept = append(kept, it)
	}
	clear(j.order[len(kept):])
	j.order = kept
	for i := range j.graphs {
		for k, it := range j.graphs[i].items {
			if other := twin[it]; other != nil {
				j.graphs[i].items[k] = other
			}
		}
	}
}

// embedded reports whether nothing but embedded SBOMs tell of a package.
func (it *item) embedded() bool {
	for _, at := range it.sites {
		if !isEmbedded(at.path) {
			return false
		}
	}
	return len(it.sites) > 0
}

// within reports whether a program lies in folders whose SBOM has its version.
func (it *item) within(told map[string]map[string]bool) bool {
	for _, at := range it.sites {
		found := false
		for dir := path.Dir(at.path); dir != "." && !found; dir = path.Dir(dir) {
			found = told[dir][it.pkg.Version]
		}
		if !found {
			return false
		}
	}
	return len(it.sites) > 0 && len(told) > 0
}
