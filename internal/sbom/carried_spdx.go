package sbom

import (
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// carriedOfSPDX is what an SPDX package says beside what every package has.
func carriedOfSPDX(p *spdxElement, id, purl string) *Carried {
	out := &Carried{
		Ref: id, PURL: purl, Name: oneLine(p.Name), Description: p.Description, Copyright: asserted(p.Copyright),
		Supplier: agent(p.Supplier), Manufacturer: agent(p.Originator), Kind: spdxKind(p.Purpose),
		SPDX: &SPDXWords{
			Purpose: p.Purpose, FileName: p.FileName, Summary: p.Summary, LicenseComments: p.LicenseComments, Attribution: p.Attribution,
			None: p.none(),
		},
	}
	if p.Purpose == purposeOSJSON {
		out.SPDX.Purpose = purposeOS
	}
	for _, r := range p.ExternalRefs {
		switch {
		case r.Type == "cpe23Type", r.Type == "cpe22Type":
			out.CPEs = append(out.CPEs, r.Locator)
		case r.Type == "advisory" && iri(r.Locator):
			out.References = append(out.References, Reference{advisories, r.Locator, r.Comment})
		case r.Type != "purl" || r.Locator != purl:
			out.SPDX.References = append(out.SPDX.References, r)
		}
	}
	for _, c := range p.Checksums {
		out.Hashes = append(out.Hashes, Hash{cdxAlgorithm(c.Algorithm), c.Value})
	}
	if s := asserted(p.Homepage); s != "" {
		out.References = append(out.References, Reference{Type: "website", URL: s})
	}
	if s := asserted(p.Download); s != "" {
		out.References = append(out.References, Reference{Type: "distribution", URL: s})
	}
	said, found := asserted(p.Declared), asserted(p.Concluded)
	if said != "" {
		out.Licenses = append(out.Licenses, LicenseTerms{Expression: said})
	}
	if found != "" {
		out.Licenses = append(out.Licenses, LicenseTerms{Expression: found, Acknowledgement: concluded})
	}
	if said != "" && found != "" {
		out.Licenses[0].Acknowledgement = declared
	}
	return out
}

// advisories is CycloneDX's type of what SPDX calls an advisory.
const advisories = "advisories"

// none are the fields in which a package says NONE, by SPDX's names of them.
func (p *spdxElement) none() []string {
	var out []string
	for i, s := range []string{p.Download, p.Homepage, p.Declared, p.Concluded, p.Copyright} {
		if s == "NONE" {
			out = append(out, noneFields()[i])
		}
	}
	return out
}

// noneFields are those that may say NONE, by their names in JSON.
func noneFields() []string {
	return []string{"downloadLocation", "homepage", "licenseDeclared", "licenseConcluded", "copyrightText"}
}

// asserted is a value, and nothing for one that says that there is none.
func asserted(s string) string {
	if s == noAssertion || s == "NONE" {
		return ""
	}
	return s
}

// agent reads "Organization: Acme (info@acme.example)".
func agent(s string) *Organization {
	kind, name, ok := strings.Cut(s, ": ")
	if !ok || kind != "Organization" && kind != "Person" {
		return nil
	}
	name, mail, _ := strings.Cut(name, " (")
	mail = strings.TrimSuffix(mail, ")")
	o := &Organization{Name: strings.TrimSpace(name)}
	if kind == "Person" || mail != "" {
		o.Contacts = []Contact{{Email: mail}}
		if kind == "Person" {
			o.Contacts[0].Name = o.Name
		}
	}
	return o
}

// agent is an organization or a person as SPDX writes one, with the address where
// there is one.
func (o *Organization) agent() (kind, name string) {
	if o == nil || oneLine(o.Name) == "" {
		return "", ""
	}
	kind, name = "Organization", oneLine(o.Name)
	if len(o.Contacts) == 0 || o.Contacts[0].Name != "" && o.Contacts[0].Name != o.Name {
		return kind, name // someone there
	}
	first := o.Contacts[0]
	if first.Name == o.Name {
		kind = "Person"
	}
	if mail := oneLine(first.Email); mail != "" && !strings.ContainsAny(mail, "()") {
		name += " (" + mail + ")"
	}
	return kind, name
}

// cdxAlgorithm is what CycloneDX calls an algorithm of SPDX.
func cdxAlgorithm(s string) string {
	if rest, ok := strings.CutPrefix(s, "SHA"); ok && rest != "" && !strings.ContainsAny(rest, "-") {
		return "SHA-" + rest
	}
	return s
}

// spdxAlgorithm is what SPDX calls an algorithm of CycloneDX, if it has it.
func spdxAlgorithm(s string) common.ChecksumAlgorithm {
	if rest, ok := strings.CutPrefix(s, "SHA-"); ok {
		return common.ChecksumAlgorithm("SHA" + rest)
	}
	if strings.HasPrefix(s, "Streebog") {
		return ""
	}
	return common.ChecksumAlgorithm(s)
}

// putSPDX puts what is carried into an SPDX package.
func (c *Carried) putSPDX(out *v2_3.Package, licenses spdxTerms) {
	if c == nil {
		return
	}
	if name := oneLine(c.Name); name != "" {
		out.PackageName = name
	}
	if kind, name := c.Supplier.agent(); name != "" {
		out.PackageSupplier = &common.Supplier{SupplierType: kind, Supplier: name}
	}
	if kind, name := c.Manufacturer.agent(); name != "" {
		out.PackageOriginator = &common.Originator{OriginatorType: kind, Originator: name}
	}
	if len(c.Licenses) > 0 {
		out.PackageLicenseDeclared = licenses.expression(c.Licenses, declared)
		out.PackageLicenseConcluded = licenses.expression(c.Licenses, concluded)
	}
	if out.PackageOriginator == nil {
		out.PackageOriginator = c.author()
	}
	c.SPDX.put(out)
	out.PackageDescription = tagText(c.Description)
	if c.Copyright != "" {
		out.PackageCopyrightText = tagText(c.Copyright)
	}
	for _, h := range c.Hashes {
		if alg := spdxAlgorithm(h.Algorithm); alg != "" {
			out.PackageChecksums = append(out.PackageChecksums, common.Checksum{Algorithm: alg, Value: strings.ToLower(h.Value)})
		}
	}
	for _, r := range c.References {
		switch {
		case r.Type == "website" && out.PackageHomePage == "":
			out.PackageHomePage = oneLine(r.URL)
		case r.Type == "distribution" && out.PackageDownloadLocation == noAssertion:
			out.PackageDownloadLocation = oneLine(r.URL)
		case r.Type == advisories && spdxWord(r.URL):
			out.PackageExternalReferences = append(out.PackageExternalReferences, SPDXReference{"SECURITY", "advisory", r.URL, r.Comment}.entity())
		}
	}
	c.SPDX.putNone(out)
	for _, cpe := range c.CPEs {
		kind := "cpe22Type"
		if strings.HasPrefix(cpe, "cpe:2.3:") {
			kind = "cpe23Type"
		}
		out.PackageExternalReferences = append(out.PackageExternalReferences, &v2_3.PackageExternalReference{
			Category: "SECURITY", RefType: kind, Locator: oneLine(cpe),
		})
	}
	if c.PURL != "" {
		for _, r := range out.PackageExternalReferences {
			if r.RefType == "purl" {
				r.Locator = c.PURL
				return
			}
		}
		out.PackageExternalReferences = append(out.PackageExternalReferences, &v2_3.PackageExternalReference{
			Category: "PACKAGE-MANAGER", RefType: "purl", Locator: c.PURL,
		})
	}
}

// author is who wrote something, where nobody else is said to have made it.
func (c *Carried) author() *common.Originator {
	one := Contact{Name: c.Author}
	if len(c.Authors) > 0 {
		one = c.Authors[0]
	}
	who := &Organization{Name: one.Name, Contacts: []Contact{one}}
	kind, name := who.agent()
	if name == "" {
		return nil
	}
	return &common.Originator{OriginatorType: kind, Originator: name}
}

// put puts what only SPDX has a field for into a package.
func (w *SPDXWords) put(out *v2_3.Package) {
	if w == nil {
		return
	}
	out.PrimaryPackagePurpose = orElse(w.Purpose, out.PrimaryPackagePurpose)
	out.PackageFileName, out.PackageSummary = oneLine(w.FileName), tagText(w.Summary)
	out.PackageLicenseComments = tagText(w.LicenseComments)
	for _, text := range w.Attribution {
		out.PackageAttributionTexts = append(out.PackageAttributionTexts, tagText(text))
	}
	for _, r := range w.References {
		out.PackageExternalReferences = append(out.PackageExternalReferences, r.entity())
	}
}

// putNone says NONE where the package did, and nothing else has come since.
func (w *SPDXWords) putNone(out *v2_3.Package) {
	if w == nil {
		return
	}
	for i, field := range []*string{
		&out.PackageDownloadLocation, &out.PackageHomePage, &out.PackageLicenseDeclared, &out.PackageLicenseConcluded, &out.PackageCopyrightText,
	} {
		if slices.Contains(w.None, noneFields()[i]) && asserted(*field) == "" {
			*field = "NONE"
		}
	}
}

func (r SPDXReference) entity() *v2_3.PackageExternalReference {
	return &v2_3.PackageExternalReference{Category: r.Category, RefType: r.Type, Locator: r.Locator, ExternalRefComment: tagText(r.Comment)}
}

// tagText is a text of several lines that does not end a tag-value file's <text>.
func tagText(s string) string { return strings.ReplaceAll(s, "</text>", "") }
