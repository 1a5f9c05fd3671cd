package vuln

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/sbom"
)

// bareTypes are the types of distribution packages of which an inventory names no
// source: an SBOM of package URLs without "upstream". Where a tool writes it, a
// package without one has its source's name; here that is not said.
func bareTypes(inv *sbom.Inventory) map[string]bool {
	bare := map[string]bool{}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if !isDistro(p.Type) {
			continue
		}
		if _, met := bare[p.Type]; !met {
			bare[p.Type] = true
		}
		if p.Source != "" || slices.Contains([]string{"dpkg", "apk", "rpm"}, p.Cataloger) {
			bare[p.Type] = false
		}
	}
	return bare
}

// noEpochs reports whether the RPM packages of an inventory come without epochs: an SBOM
// of bare package URLs in which none has one. Every RPM system has packages with an
// epoch, so that here none does not mean zero.
func noEpochs(inv *sbom.Inventory) bool {
	some := false
	for i := range inv.Packages {
		p := &inv.Packages[i]
		if p.Type != "rpm" {
			continue
		}
		if p.Cataloger == "rpm" || strings.Contains(p.Version, ":") || strings.Contains(p.SourceVersion, ":") {
			return false
		}
		some = true
	}
	return some
}

// bySource reports whether an ecosystem's advisories name source packages only.
func bySource(ecosystem string) bool {
	base, _, _ := strings.Cut(ecosystem, ":")
	switch base {
	case "AlmaLinux", "Red Hat", "Oracle Linux", "Amazon Linux", "Fedora", "SUSE", "openSUSE", "openEuler":
		return false
	}
	return true
}

// named gives a package that names no source the one that the database knows.
// known is false where nothing is known of the name.
func (m *matcher) named(ctx context.Context, p *sbom.Package, eco string) (out *sbom.Package, known bool, err error) {
	from, ok := m.lookup.(Packager)
	if !ok {
		return p, false, nil
	}
	source, ok, err := from.SourceOf(ctx, eco, p.Name)
	if err != nil {
		return p, false, fmt.Errorf("look up the source of %s: %w", p.Name, err)
	}
	if !ok || source == p.Name {
		return p, ok, nil
	}
	q := *p
	q.Source = source
	return &q, true, nil
}
