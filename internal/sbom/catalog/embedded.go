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
		Name: embeddedCataloger, Version: 2, Limit: layer.MaxBuffer,
		Wants: func(p string, mode fs.FileMode, size int64) bool {
			return mode.IsRegular() && size > 0 && isEmbedded(p)
		},
		Read: embeddedRead,
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

func embeddedRead(_ context.Context, f layer.Input) ([]sbom.Package, error) {
	body, err := lockBody(f, layer.MaxBuffer)
	if err != nil {
		return nil, err
	}
	if !embeddedSaysSo(body) {
		return nil, nil // another program's file of such a name
	}
	inv, err := sbom.Decode(strings.NewReader(string(body)), path.Base(f.Path))
	if err != nil {
		return nil, err
	}
	var found []sbom.Package
	for _, p := range inv.Packages {
		if p.FromDistro() || p.Removed || p.Name == "" || p.Version == "" {
			continue
		}
		found = append(found, sbom.Package{
			Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version, Origin: p.Origin, Arch: p.Arch,
			Licenses: p.Licenses, Dev: p.Dev, LayerIndex: -1, Cataloger: embeddedCataloger,
		})
	}
	return found, nil
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
	seen := map[alike]bool{}
	for _, it := range j.order {
		if !it.embedded() {
			seen[alike{it.pkg.Type, it.pkg.Name, it.pkg.Version}] = true
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
		switch {
		case it.embedded() && seen[alike{it.pkg.Type, it.pkg.Name, it.pkg.Version}]:
			continue
		case it.pkg.Type == "generic" && it.within(told):
			continue
		}
		kept = append(kept, it)
	}
	clear(j.order[len(kept):])
	j.order = kept
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
