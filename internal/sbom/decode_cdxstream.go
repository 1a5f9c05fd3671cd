package sbom

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// Components are read member by member, for they nest: a document may hold all
// of its components in one, and decoding that as a whole would build them all
// before they are counted. What is not asked for is passed over.

// cdxElement reads one component of a JSON document, and those inside it.
func (d *decoder) cdxElement(dec *json.Decoder, depth int) error {
	if err := d.count(); err != nil {
		return err
	}
	c, odd, err := d.cdxMembers(dec, depth, d.cdxElement)
	switch {
	case err != nil:
		return err
	case odd != nil:
		d.unknown("component "+orElse(c.BOMRef, c.Name), "it cannot be read: "+odd.Error())
		return nil
	}
	return d.component(&c)
}

// cdxMembers reads a component's members; inner reads a component inside it. odd
// is the first member that is not of the type it should be.
func (d *decoder) cdxMembers(dec *json.Decoder, depth int, inner func(*json.Decoder, int) error) (c cdx.Component, odd, err error) {
	open, err := dec.Token()
	if err != nil {
		return c, nil, err
	}
	if open != json.Delim('{') {
		return c, errors.New("it is not an object"), d.skipRest(dec, open)
	}
	if depth > maxDepth {
		return c, nil, fmt.Errorf("components nest deeper than %d", maxDepth)
	}
	take := func(v any) {
		var wrong *json.UnmarshalTypeError
		switch e := dec.Decode(v); {
		case e == nil:
		case errors.As(e, &wrong):
			odd = orErr(odd, e)
		default:
			err = e
		}
	}
	for dec.More() && err == nil {
		tok, e := dec.Token()
		if e != nil {
			return c, nil, e
		}
		switch tok {
		case "bom-ref":
			take(&c.BOMRef)
		case "type":
			take(&c.Type)
		case "group":
			take(&c.Group)
		case "name":
			take(&c.Name)
		case "version":
			take(&c.Version)
		case "purl":
			take(&c.PackageURL)
		case "cpe":
			take(&c.CPE)
		case "scope":
			take(&c.Scope)
		case "licenses":
			take(&c.Licenses)
		case "supplier":
			take(&c.Supplier)
		case "manufacturer":
			take(&c.Manufacturer)
		case "author":
			take(&c.Author)
		case "authors":
			take(&c.Authors)
		case "publisher":
			take(&c.Publisher)
		case "description":
			take(&c.Description)
		case "copyright":
			take(&c.Copyright)
		case "hashes":
			take(&c.Hashes)
		case "externalReferences":
			take(&c.ExternalReferences)
		case "properties":
			take(&c.Properties)
		case "evidence":
			var e struct {
				Occurrences *[]cdx.EvidenceOccurrence `json:"occurrences"`
			}
			take(&e)
			c.Evidence = &cdx.Evidence{Occurrences: e.Occurrences}
		case "components":
			var list bool
			if list, err = d.array(dec, func() error { return inner(dec, depth+1) }); !list {
				odd = orErr(odd, errors.New("its components are not a list"))
			}
		default:
			err = d.skipValue(dec)
		}
	}
	if err == nil {
		_, err = dec.Token()
	}
	return c, odd, err
}

func orErr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// cdxMetadata reads of a CycloneDX document's metadata what says what was
// scanned.
func (d *decoder) cdxMetadata(dec *json.Decoder) error {
	open, err := dec.Token()
	if err != nil || open != json.Delim('{') {
		return orErr(err, d.skipRest(dec, open))
	}
	pass := func(dec *json.Decoder, _ int) error { return d.skipValue(dec) }
	var subject *cdx.Component
	var supplier *cdx.OrganizationalEntity // of what is described
	var ps []cdx.Property
	var odd error
	for dec.More() {
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok {
		case "component":
			var c cdx.Component
			var wrong error
			if c, wrong, err = d.cdxMembers(dec, 0, pass); wrong == nil {
				subject = &c
			}
			odd = orErr(odd, wrong)
		case "supplier":
			var o *cdx.OrganizationalEntity
			if err = decodeLoosely(dec, &o, &odd); err == nil {
				supplier = o
			}
		case "properties":
			if err = dec.Decode(&ps); err != nil {
				var wrong *json.UnmarshalTypeError
				if errors.As(err, &wrong) {
					odd, err = orErr(odd, err), nil
				}
			}
		default:
			err = d.skipValue(dec)
		}
		if err != nil {
			return err
		}
	}
	if _, err := dec.Token(); err != nil {
		return err
	}
	if odd != nil {
		d.unknown("what the SBOM describes", "its metadata cannot be read: "+odd.Error())
		return nil
	}
	if subject != nil && subject.Supplier == nil {
		subject.Supplier = supplier
	}
	return d.cdxSubject(subject, ps)
}

// decodeLoosely reads a value. That it is of another type is noted in odd.
func decodeLoosely(dec *json.Decoder, v any, odd *error) error {
	err := dec.Decode(v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		*odd, err = orErr(*odd, err), nil
	}
	return err
}

// readXML reads a CycloneDX document in XML.
func (d *decoder) readXML(r io.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the XML cannot be decoded: %v", p)
		}
	}()
	dec := xml.NewDecoder(r)
	start, err := firstElement(dec)
	if err != nil {
		return err
	}
	if start.Name.Local != "bom" || !strings.HasPrefix(start.Name.Space, "http://cyclonedx.org/schema/bom/") {
		return d.not("it is XML, but not CycloneDX", supported)
	}
	var subject *cdx.Component
	var supplier *cdx.OrganizationalEntity // of what is described
	var ps []cdx.Property
	err = d.children(dec, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "metadata":
			return d.children(dec, func(e xml.StartElement) error {
				switch e.Name.Local {
				case "component":
					c, err := d.xmlMembers(dec, e, 0, false)
					subject = &c
					return err
				case "supplier":
					return dec.DecodeElement(&supplier, &e)
				case "properties":
					return xmlProperties(dec, e, &ps)
				}
				return dec.Skip()
			})
		case "components":
			return d.children(dec, func(e xml.StartElement) error { return d.xmlComponent(dec, e, 0) })
		case "dependencies":
			return d.children(dec, func(e xml.StartElement) error { return d.xmlDependency(dec, e, "") })
		}
		return dec.Skip()
	})
	if err != nil {
		return err
	}
	if subject != nil && subject.Supplier == nil {
		subject.Supplier = supplier
	}
	return d.cdxSubject(subject, ps)
}

func firstElement(dec *xml.Decoder) (xml.StartElement, error) {
	for {
		tok, err := dec.Token()
		if err != nil {
			return xml.StartElement{}, err
		}
		if start, ok := tok.(xml.StartElement); ok {
			return start, nil
		}
	}
}

// children calls each for every element within the one that was just opened;
// each must consume it.
func (d *decoder) children(dec *xml.Decoder, each func(xml.StartElement) error) error {
	for {
		d.in.next()
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			if err := each(tok); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

// xmlComponent reads one component of an XML document, and those inside it.
func (d *decoder) xmlComponent(dec *xml.Decoder, start xml.StartElement, depth int) error {
	if err := d.count(); err != nil {
		return err
	}
	c, err := d.xmlMembers(dec, start, depth, true)
	if err != nil {
		return err
	}
	return d.component(&c)
}

func (d *decoder) xmlMembers(dec *xml.Decoder, start xml.StartElement, depth int, inner bool) (cdx.Component, error) {
	var c cdx.Component
	if depth > maxDepth {
		return c, fmt.Errorf("components nest deeper than %d", maxDepth)
	}
	for _, a := range start.Attr {
		switch a.Name.Local {
		case "bom-ref":
			c.BOMRef = a.Value
		case "type":
			c.Type = cdx.ComponentType(a.Value)
		}
	}
	err := d.children(dec, func(e xml.StartElement) error {
		switch e.Name.Local {
		case "group":
			return dec.DecodeElement(&c.Group, &e)
		case "name":
			return dec.DecodeElement(&c.Name, &e)
		case "version":
			return dec.DecodeElement(&c.Version, &e)
		case "purl":
			return dec.DecodeElement(&c.PackageURL, &e)
		case "cpe":
			return dec.DecodeElement(&c.CPE, &e)
		case "scope":
			return dec.DecodeElement(&c.Scope, &e)
		case "licenses":
			c.Licenses = &cdx.Licenses{}
			return dec.DecodeElement(c.Licenses, &e)
		case "supplier":
			return dec.DecodeElement(&c.Supplier, &e)
		case "manufacturer":
			return dec.DecodeElement(&c.Manufacturer, &e)
		case "author":
			return dec.DecodeElement(&c.Author, &e)
		case "authors":
			var list struct {
				Authors []cdx.OrganizationalContact `xml:"author"`
			}
			err := dec.DecodeElement(&list, &e)
			c.Authors = &list.Authors
			return err
		case "publisher":
			return dec.DecodeElement(&c.Publisher, &e)
		case "description":
			return dec.DecodeElement(&c.Description, &e)
		case "copyright":
			return dec.DecodeElement(&c.Copyright, &e)
		case "hashes":
			var list struct {
				Hashes []cdx.Hash `xml:"hash"`
			}
			err := dec.DecodeElement(&list, &e)
			c.Hashes = &list.Hashes
			return err
		case "externalReferences":
			var list struct {
				References []cdx.ExternalReference `xml:"reference"`
			}
			err := dec.DecodeElement(&list, &e)
			c.ExternalReferences = &list.References
			return err
		case "properties":
			c.Properties = new([]cdx.Property)
			return xmlProperties(dec, e, c.Properties)
		case "evidence":
			c.Evidence = &cdx.Evidence{}
			return xmlOccurrences(dec, e, c.Evidence)
		case "components":
			if inner {
				return d.children(dec, func(e xml.StartElement) error { return d.xmlComponent(dec, e, depth+1) })
			}
		}
		return dec.Skip()
	})
	return c, err
}

func xmlProperties(dec *xml.Decoder, e xml.StartElement, to *[]cdx.Property) error {
	var list struct {
		Properties []cdx.Property `xml:"property"`
	}
	err := dec.DecodeElement(&list, &e)
	*to = append(*to, list.Properties...)
	return err
}

func xmlOccurrences(dec *xml.Decoder, e xml.StartElement, to *cdx.Evidence) error {
	var list struct {
		Occurrences []struct {
			Location string `xml:"location"`
			Line     string `xml:"line"`
		} `xml:"occurrences>occurrence"`
	}
	if err := dec.DecodeElement(&list, &e); err != nil {
		return err
	}
	out := make([]cdx.EvidenceOccurrence, len(list.Occurrences))
	for i, o := range list.Occurrences {
		out[i].Location = o.Location
		if n, err := strconv.Atoi(strings.TrimSpace(o.Line)); err == nil {
			out[i].Line = &n
		}
	}
	to.Occurrences = &out
	return nil
}
