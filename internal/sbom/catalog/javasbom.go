package catalog

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/layer"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// javaListed reports whether an entry is an SBOM that a build put into an archive:
// META-INF/sbom/application.cdx.json, as Spring Boot's do.
func javaListed(name string) bool {
	dir, base := path.Split(name)
	if dir != "META-INF/sbom/" && !strings.HasSuffix(dir, "/META-INF/sbom/") {
		return false
	}
	return slices.Contains([]string{".json", ".xml", ".spdx"}, path.Ext(base))
}

// javaSBOM is the SBOM of an outermost archive, and what it lists.
type javaSBOM struct {
	name string
	list []sbom.Package
}

// list reads an SBOM of the archive.
func (jar *javaJar) list(z *javaZip, name string) error {
	r, err := z.open()
	if err != nil {
		return err
	}
	body, err := io.ReadAll(io.LimitReader(r, layer.MaxBuffer+1))
	switch {
	case err != nil:
		return err
	case len(body) > layer.MaxBuffer:
		return fmt.Errorf("more than %d bytes", layer.MaxBuffer)
	case !embeddedSaysSo(body):
		return nil
	}
	inv, err := sbom.Decode(strings.NewReader(string(body)), path.Base(name))
	if err != nil {
		return err
	}
	of := javaSBOM{name: name}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; embeddedTells(p) && !p.Root {
			of.list = append(of.list, embeddedPackage(p))
		}
	}
	jar.sboms = append(jar.sboms, of)
	return nil
}

// runs reports whether an archive is an application and no library: the SBOM of a
// library lists what it was built with, and not what lies beside it in the end.
func (jar *javaJar) runs(place string, nested bool) bool {
	if nested || slices.Contains([]string{".war", ".ear"}, strings.ToLower(path.Ext(place))) {
		return true
	}
	for _, key := range []string{"main-class", "start-class", "sbom-location"} {
		if jar.manifest[key] != "" {
			return true
		}
	}
	return false
}

// addListed lists what an application's SBOM has and the archives themselves do not
// tell: what was shaded without its records, and the group of what has none. Of what
// both name, in whichever version, the archives' word counts.
func (s *javaScan) addListed(jar *javaJar, place string) {
	inside := place + "!/"
	nested := slices.ContainsFunc(s.found, func(p sbom.Package) bool {
		return len(p.Locations) > 0 && strings.HasPrefix(p.Locations[0].Path, inside)
	})
	if len(jar.sboms) == 0 || !jar.runs(place, nested) {
		return
	}
	known := map[[3]string]bool{}
	guessed := map[[2]string]int{} // archives without a record of their group, by name and version
	for i := range s.found {
		p := &s.found[i]
		known[[3]string{p.Type, p.Namespace, p.Name}] = true
		if p.Type == "maven" && (p.Namespace == "" || p.Cataloger == javaByManifest) {
			guessed[[2]string{p.Name, p.Version}] = i
		}
	}
	for _, of := range jar.sboms {
		for _, p := range of.list {
			if known[[3]string{p.Type, p.Namespace, p.Name}] {
				continue
			}
			known[[3]string{p.Type, p.Namespace, p.Name}] = true
			if i, ok := guessed[[2]string{p.Name, p.Version}]; ok && p.Type == "maven" {
				s.found[i].Namespace = p.Namespace
				continue
			}
			p.Locations = []sbom.Location{{Path: inside + of.name}}
			s.found = append(s.found, p)
		}
	}
}
