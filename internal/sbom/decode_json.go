package sbom

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/finding"
)

// document is what a JSON document's top level says of its format.
type document struct {
	schema, bomFormat, spdxVersion string

	spdx3  bool
	others string // another tool's report: its name
	odd    string // a part that is not the list it should be
}

// readJSON walks the document as a stream. Which format it is may be said
// after the components, so each part is read for what it is and the format is
// judged at the end.
func (d *decoder) readJSON(r io.Reader) error {
	dec := json.NewDecoder(r)
	var doc document
	if err := d.object(dec, &doc, 0); err != nil {
		return jsonError(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	switch {
	case doc.schema == Schema:
		d.own = true
	case strings.HasPrefix(doc.schema, "drydock-sbom/"):
		return d.not(fmt.Sprintf("its schema %q is not the %q that this version reads", doc.schema, Schema), "make it again with this version")
	case doc.bomFormat == cdx.BOMFormat:
	case doc.bomFormat != "":
		return d.not(fmt.Sprintf("its bomFormat is %q", doc.bomFormat), supported)
	case strings.HasPrefix(doc.spdxVersion, "SPDX-2."):
	case doc.spdxVersion != "":
		return d.not(fmt.Sprintf("SPDX version %q is not supported", doc.spdxVersion), supported)
	case doc.spdx3:
		return d.not("SPDX 3 is not supported yet", "export it as SPDX 2.3 or CycloneDX")
	case doc.others != "":
		return d.not("it is a report in "+doc.others+"'s own format", "export it as CycloneDX or SPDX")
	default:
		return d.not("it is JSON without a bomFormat, an spdxVersion or Drydock's schema", supported)
	}
	if doc.odd != "" {
		return fmt.Errorf("%s is not a list", doc.odd)
	}
	return nil
}

// jsonError says a truncated document as such.
func jsonError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the document ends too early")
	}
	return err
}

// object reads a document, which may be wrapped: in an in-toto statement
// (BuildKit's attestations), or under the key SPDX (as imagetools prints it).
func (d *decoder) object(dec *json.Decoder, doc *document, depth int) error {
	if open, err := dec.Token(); err != nil || open != json.Delim('{') {
		if err == nil {
			err = d.skipRest(dec, open)
		}
		return err
	}
	for dec.More() {
		d.in.next()
		tok, err := dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		if err := d.member(dec, doc, key, depth); err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
	}
	_, err := dec.Token()
	return err
}

func (d *decoder) member(dec *json.Decoder, doc *document, key string, depth int) error {
	list := func(element func() error) error {
		ok, err := d.array(dec, element)
		if !ok {
			doc.odd = key
		}
		return err
	}
	switch key {
	case "schema":
		return dec.Decode(&doc.schema)
	case "bomFormat":
		return dec.Decode(&doc.bomFormat)
	case "spdxVersion":
		return dec.Decode(&doc.spdxVersion)
	case "@context":
		var raw json.RawMessage
		err := dec.Decode(&raw)
		doc.spdx3 = strings.Contains(string(raw), "spdx.org/rdf/3")
		return err
	case "artifacts":
		doc.others = "Syft"
	case "Results":
		doc.others = "Trivy"
	case "matches":
		doc.others = "Grype"
	case "predicate", "SPDX":
		const wrappings = 3
		if depth < wrappings {
			return d.object(dec, doc, depth+1)
		}
	case "metadata":
		return d.cdxMetadata(dec)
	case "components":
		return list(func() error { return d.cdxElement(dec, 0) })
	case "packages":
		return list(func() error { return d.packageElement(dec, doc.schema == Schema) })
	case "dependencies":
		return list(func() error { return d.cdxDependency(dec) })
	case "otherComponents":
		return list(func() error { return d.nativeComponent(dec) })
	case "relationships":
		return list(func() error { return d.spdxRelationship(dec) })
	case "comment":
		s, err := maybeString(dec)
		if err != nil {
			return err
		}
		return d.spdxComment(s)
	case "name":
		s, err := maybeString(dec)
		if !d.own {
			d.inv.Subject.Name = orElse(d.inv.Subject.Name, s)
		}
		return err
	case "unknown":
		return list(func() error { return d.nativeUnknown(dec) })
	case "hasExtractedLicensingInfos", "extractedLicenses":
		return list(func() error { return d.extractedLicense(dec) })
	case "subject", "distro":
		return d.nativeMember(dec, key)
	}
	return d.skipValue(dec)
}

// nativeMember reads a part of Drydock's own format. In an in-toto statement
// the subject is a list, and not meant.
func (d *decoder) nativeMember(dec *json.Decoder, key string) error {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil || len(raw) == 0 || raw[0] != '{' {
		return err
	}
	if key == "distro" {
		n := &nativeDistro{}
		d.inv.Distro = (*Distro)(n)
		return json.Unmarshal(raw, n)
	}
	var n nativeSubject
	err := json.Unmarshal(raw, &n)
	d.inv.Subject = finding.Subject(n)
	return err
}

func (d *decoder) nativeUnknown(dec *json.Decoder) error {
	if err := d.count(); err != nil {
		return err
	}
	var n nativeUnknown
	err := dec.Decode(&n)
	d.inv.Unknown = append(d.inv.Unknown, n.unknown())
	return err
}

// packageElement reads an element of "packages", which SPDX and Drydock's own
// format both have; an SPDX package is known by its SPDXID.
func (d *decoder) packageElement(dec *json.Decoder, own bool) error {
	if err := d.count(); err != nil {
		return err
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	if !own {
		var p spdxElement
		err := json.Unmarshal(raw, &p)
		if p.ID != "" {
			if err != nil {
				d.unknown("package "+p.ID, err.Error())
				return nil
			}
			return d.spdxPackage(&p)
		}
	}
	var n nativePackage
	if err := json.Unmarshal(raw, &n); err != nil {
		return err
	}
	if n.Name == "" || n.Type == "" {
		return errors.New("a package without a type or name")
	}
	if err := d.nativeNeeds(&d.packageNeeds, n.DependsOn); err != nil {
		return err
	}
	p := n.toPackage()
	p.Carried = d.keep(p.Carried)
	return d.add(p)
}

// nativeComponent reads what Drydock's own format lists beside packages.
func (d *decoder) nativeComponent(dec *json.Decoder) error {
	if err := d.count(); err != nil {
		return err
	}
	var n nativeComponent
	if err := dec.Decode(&n); err != nil {
		return err
	}
	if err := d.nativeNeeds(&d.componentNeeds, n.DependsOn); err != nil {
		return err
	}
	c := n.toComponent()
	c.Carried = d.keep(c.Carried)
	return d.addComponent(c, "")
}

// array calls element for each element of a list, and reports false for a
// value that is not one.
func (d *decoder) array(dec *json.Decoder, element func() error) (bool, error) {
	open, err := dec.Token()
	if err != nil {
		return true, err
	}
	if open != json.Delim('[') {
		return open == nil, d.skipRest(dec, open)
	}
	for n := 0; dec.More(); n++ {
		d.in.next()
		if err := element(); err != nil {
			return true, fmt.Errorf("%d: %w", n, err)
		}
	}
	_, err = dec.Token()
	return true, err
}

// skipped takes a value without keeping it.
type skipped struct{}

func (*skipped) UnmarshalJSON([]byte) error { return nil }

// skipValue passes over a value, holding no more than one of its parts.
func (d *decoder) skipValue(dec *json.Decoder) error {
	open, err := dec.Token()
	if err != nil {
		return err
	}
	return d.skipRest(dec, open)
}

// skipRest passes over what is left of a value whose first token was read.
func (d *decoder) skipRest(dec *json.Decoder, open json.Token) error {
	if _, ok := open.(json.Delim); !ok {
		return nil
	}
	for dec.More() {
		d.in.next()
		if open == json.Delim('{') {
			if _, err := dec.Token(); err != nil {
				return err
			}
		}
		if err := dec.Decode(new(skipped)); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// maybeString reads a value that is a string in the formats meant here and may
// be anything elsewhere.
func maybeString(dec *json.Decoder) (string, error) {
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return "", err
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return "", nil
	}
	return s, nil
}
