package sbom

import (
	"encoding/json"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// carriedOf is what a CycloneDX component says beside what every package has.
func carriedOf(c *cdx.Component) *Carried {
	out := &Carried{
		Ref: c.BOMRef, Kind: string(c.Type), PURL: c.PackageURL, Scope: string(c.Scope),
		Supplier: organization(c.Supplier), Manufacturer: organization(c.Manufacturer),
		Publisher: c.Publisher, Description: c.Description, Copyright: c.Copyright, Author: c.Author,
	}
	if c.CPE != "" {
		out.CPEs = []string{c.CPE}
	}
	for _, a := range deref(c.Authors) {
		out.Authors = append(out.Authors, Contact{a.Name, a.Email, a.Phone})
	}
	for _, h := range deref(c.Hashes) {
		out.Hashes = append(out.Hashes, Hash{string(h.Algorithm), h.Value})
	}
	if c.Licenses != nil {
		for _, l := range *c.Licenses {
			out.Licenses = append(out.Licenses, termsOf(&l))
		}
	}
	for _, p := range deref(c.Properties) {
		switch p.Name {
		case propCPE:
			out.CPEs = append(out.CPEs, p.Value)
		case propSPDX:
			var words namedWords
			if json.Unmarshal([]byte(p.Value), &words) == nil {
				out.Name, out.SPDX = words.Name, &words.SPDXWords
			}
		}
		out.Properties = append(out.Properties, Property{p.Name, p.Value})
	}
	for _, r := range deref(c.ExternalReferences) {
		out.References = append(out.References, Reference{string(r.Type), r.URL, r.Comment})
	}
	return out
}

func organization(o *cdx.OrganizationalEntity) *Organization {
	if o == nil {
		return nil
	}
	out := &Organization{Name: o.Name, URLs: deref(o.URL)}
	for _, c := range deref(o.Contact) {
		out.Contacts = append(out.Contacts, Contact{c.Name, c.Email, c.Phone})
	}
	return out
}

// put puts what is carried into a component.
func (c *Carried) put(out *cdx.Component) {
	if c == nil {
		return
	}
	if c.Kind != "" {
		out.Type = cdx.ComponentType(c.Kind)
	}
	if c.PURL != "" {
		out.PackageURL = c.PURL
	}
	if c.Scope != "" {
		out.Scope = cdx.Scope(c.Scope)
	}
	out.Supplier, out.Manufacturer = c.Supplier.entity(), c.Manufacturer.entity()
	out.Publisher, out.Description, out.Copyright, out.Author = c.Publisher, c.Description, c.Copyright, c.Author
	out.Authors = contacts(c.Authors)
	var hashes []cdx.Hash
	for _, h := range c.Hashes {
		hashes = append(hashes, cdx.Hash{Algorithm: cdx.HashAlgorithm(h.Algorithm), Value: h.Value})
	}
	out.Hashes = orNil(hashes)
	var refs []cdx.ExternalReference
	for _, r := range c.References {
		refs = append(refs, cdx.ExternalReference{Type: cdx.ExternalReferenceType(r.Type), URL: r.URL, Comment: r.Comment})
	}
	out.ExternalReferences = orNil(refs)
	var ps properties
	if out.Properties != nil {
		ps = *out.Properties
	}
	for i, cpe := range c.CPEs {
		if i == 0 {
			out.CPE = cpe
		} else {
			ps.add(propCPE, cpe)
		}
	}
	if words := (namedWords{Name: c.Name}); c.SPDX != nil || c.Name != "" {
		if c.SPDX != nil {
			words.SPDXWords = *c.SPDX
			out.Description = orElse(out.Description, c.SPDX.Summary)
		}
		ps.add(propSPDX, compactJSON(words))
	}
	for _, p := range c.Properties {
		ps = append(ps, cdx.Property(p))
	}
	out.Properties = ps.list()
	if len(c.Licenses) > 0 {
		out.Licenses = c.licenses()
	}
}

// namedWords are SPDX's own words in a property of a component.
type namedWords struct {
	Name string `json:"name,omitempty"`
	SPDXWords
}

func (o *Organization) entity() *cdx.OrganizationalEntity {
	if o == nil {
		return nil
	}
	return &cdx.OrganizationalEntity{Name: o.Name, URL: orNil(o.URLs), Contact: contacts(o.Contacts)}
}

func contacts(all []Contact) *[]cdx.OrganizationalContact {
	var out []cdx.OrganizationalContact
	for _, c := range all {
		out = append(out, cdx.OrganizationalContact{Name: c.Name, Email: c.Email, Phone: c.Phone})
	}
	return orNil(out)
}

func orNil[T any](list []T) *[]T {
	if len(list) == 0 {
		return nil
	}
	return &list
}

// carry notes what a document says of a package beside what Drydock asks for: as
// its own documents have it, or another tool's.
func (d *decoder) carry(c *Carried, p *Package) *Carried {
	if p != nil {
		if derivedScope(p) == c.Scope {
			c.Scope = ""
		}
		if string(packageType(p)) == c.Kind {
			c.Kind = ""
		}
		if name := developmentProperty(p.Type); p.Dev && name != "" {
			c.Properties = kept(c.Properties, func(q *Property) bool { return q.Name != name })
		}
	}
	if c = d.keep(c); c != nil && p != nil && !moreTerms(c.Licenses) {
		c.Licenses = nil
	}
	if c == nil || c.empty() {
		return nil
	}
	return c
}

// keep is what is carried, if it is not too much.
func (d *decoder) keep(c *Carried) *Carried {
	if c == nil {
		return nil
	}
	if d.carried > maxCarried {
		d.notCarried++
		return nil
	}
	if c = c.sound(); c != nil {
		d.carried += c.size()
	}
	return c
}

// derivedScope is the scope of a package of which no document says one.
func derivedScope(p *Package) string {
	switch {
	case p.Removed:
		return string(cdx.ScopeExcluded)
	case p.Dev:
		return string(cdx.ScopeOptional)
	}
	return ""
}

// packageKind is what CycloneDX calls a package.
func packageKind(p *Package) string {
	if p.Carried != nil && p.Carried.Kind != "" {
		return p.Carried.Kind
	}
	return string(packageType(p))
}

// packageType is the type of a package of which no document says one.
func packageType(p *Package) cdx.ComponentType {
	if p.Type == "generic" || p.Type == "bitnami" {
		return cdx.ComponentTypeApplication
	}
	return cdx.ComponentTypeLibrary
}

// derivedRef reports whether a reference is one that Drydock made of a purl or of
// a component.
func derivedRef(ref, purl string) bool {
	return ref == purl || strings.HasPrefix(ref, purl+"#") || strings.HasPrefix(ref, "drydock:")
}
