package report

import (
	"fmt"
	"path"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
	"github.com/drydock-dev/drydock/internal/minify"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// absentVEX states of the smaller image which vulnerabilities are gone with their packages.
// Of all others it says nothing.
func absentVEX(r *minify.Result, opt Options) openVEX {
	doc := newOpenVEX("Maker of a smaller image", opt)
	for _, a := range r.Absent {
		parts := []openVEXThing{{ID: a.Vuln.Package}}
		for _, p := range a.Packages {
			if p != a.Vuln.Package {
				parts = append(parts, openVEXThing{ID: p})
			}
		}
		doc.Statements = append(doc.Statements, openVEXSays{
			Vulnerability: openVEXVuln{clean(a.Vuln.ID), cleanAll(a.Vuln.Aliases)},
			Products:      []openVEXThing{{ID: smallerPURL(r), Subcomponents: parts}},
			Status:        vuln.NotAffected, Justification: "vulnerable_code_not_present",
			Impact: fmt.Sprintf("This image was made of %s. Of %s, %s went, which is all that it had; the package database lists it no more (%s).",
				r.Before.ID, clean(a.Vuln.Name), finding.Count(a.Files, "file"), strings.Join(cleanAll(a.Packages), ", ")),
		})
	}
	return doc
}

// smallerPURL is the package URL of the smaller image, by its digest.
func smallerPURL(r *minify.Result) string {
	u := packageurl.PackageURL{Type: packageurl.TypeOCI, Name: "image", Version: string(r.After.ID)}
	if n, err := image.ParseName(r.Tag); r.Tag != "" && err == nil {
		u.Name = path.Base(n.Repository)
		u.Qualifiers = packageurl.Qualifiers{{Key: "repository_url", Value: n.Repository}}
		if n.Tag != "" {
			u.Qualifiers = append(u.Qualifiers, packageurl.Qualifier{Key: "tag", Value: n.Tag})
		}
	}
	return u.String()
}
