package sbom

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
	"github.com/spdx/tools-golang/tagvalue"

	"github.com/drydock-dev/drydock/internal/finding"
)

// spdxElement is what is read of an SPDX package. It is its own shape, and not
// the library's, because the library refuses a whole document for one field
// that it does not like.
type spdxElement struct {
	ID          string `json:"SPDXID"`
	Name        string `json:"name"`
	Version     string `json:"versionInfo"`
	Purpose     string `json:"primaryPackagePurpose"`
	SourceInfo  string `json:"sourceInfo"`
	Comment     string `json:"comment"`
	Declared    string `json:"licenseDeclared"`
	Concluded   string `json:"licenseConcluded"`
	Supplier    string `json:"supplier"`
	Originator  string `json:"originator"`
	Homepage    string `json:"homepage"`
	Download    string `json:"downloadLocation"`
	Copyright   string `json:"copyrightText"`
	Description string `json:"description"`
	Summary     string `json:"summary"`
	FileName    string `json:"packageFileName"`
	// LicenseComments are remarks on what is concluded.
	LicenseComments string          `json:"licenseComments"`
	ExternalRefs    []SPDXReference `json:"externalRefs"`
	Attribution     []string        `json:"attributionTexts"`
	Annotations     []struct {
		Comment string `json:"comment"`
	} `json:"annotations"`
	Checksums []struct {
		Algorithm string `json:"algorithm"`
		Value     string `json:"checksumValue"`
	} `json:"checksums"`
}

// spdxComment reads the document's comment, which in Drydock's own holds what
// is known of the target as a whole.
func (d *decoder) spdxComment(s string) error {
	text, ok := strings.CutPrefix(s, Schema+" ")
	if !ok {
		return nil
	}
	var h nativeHeader
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		return err
	}
	d.own = true
	d.inv.setHeader(h)
	return nil
}

// spdxPackage reads one package, of Drydock's own making or another tool's.
func (d *decoder) spdxPackage(p *spdxElement) error {
	id := strings.TrimPrefix(p.ID, spdxRef)
	if text, ok := strings.CutPrefix(p.Comment, otherComment+" "); ok {
		var n nativeComponent
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return fmt.Errorf("%s: %w", p.ID, err)
		}
		c := n.toComponent()
		c.Carried = d.keep(c.Carried)
		return d.addComponent(c, id)
	}
	if text, ok := strings.CutPrefix(p.Comment, Schema+" "); ok {
		var n nativePackage
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			return fmt.Errorf("%s: %w", p.ID, err)
		}
		if n.Name == "" || n.Type == "" {
			return fmt.Errorf("%s: a package without a type or name", p.ID)
		}
		own := n.toPackage()
		own.Carried = d.keep(own.Carried)
		if err := d.add(own); err != nil {
			return err
		}
		d.standFor(id, false)
		return nil
	}
	purl := ""
	for _, r := range p.ExternalRefs {
		if r.Type == "purl" && purl == "" {
			purl = r.Locator
		}
	}
	other := Component{Kind: spdxKind(p.Purpose), Name: p.Name, Version: p.Version, Carried: carriedOfSPDX(p, id, purl)}
	switch {
	case id == spdxSubjectID, id == spdxDistroID:
		return nil
	case p.Purpose == purposeOS, p.Purpose == purposeOSJSON:
		d.setDistro(Distro{ID: p.Name, VersionID: p.Version})
		other.Root = true
		return d.addOther(other, id)
	case p.Purpose == "CONTAINER", strings.HasPrefix(id, "DocumentRoot-"):
		d.spdxSubject(p)
		other.Root, other.Main = true, true
		return d.addOther(other, id)
	}
	e := element{id: id, other: other, name: p.Name, version: p.Version, purl: purl, facts: spdxFacts(p)}
	if e.purl == "" && strings.HasPrefix(id, "Application-") && e.facts["aquasecurity:trivy:Class"] != "" {
		other.Path, other.Root = p.Name, true // Trivy's heading over what one lock file lists
		return d.addOther(other, id)
	}
	if l := orElse(asserted(p.Declared), asserted(p.Concluded)); l != "" {
		e.licenses = []string{l}
	}
	e.locations = sourceInfoPaths(p.SourceInfo)
	return d.foreign(&e)
}

// spdxSubject reads the package that stands for the image.
func (d *decoder) spdxSubject(p *spdxElement) {
	d.inv.Subject.Name = orElse(p.Name, d.inv.Subject.Name)
	if strings.HasPrefix(p.Version, "sha256:") {
		d.inv.Subject.Digest = finding.Digest(p.Version)
	}
	for _, c := range p.Checksums {
		if d.inv.Subject.Digest == "" && c.Algorithm == "SHA256" {
			d.inv.Subject.Digest = finding.Digest("sha256:" + c.Value)
		}
	}
	for _, text := range spdxTexts(p) {
		if v, ok := strings.CutPrefix(text, "DiffID: "); ok {
			d.diffIDs = append(d.diffIDs, finding.Digest(v))
		}
	}
}

// spdxTexts are the places where Trivy puts its facts: attribution texts, and
// annotations in newer versions.
func spdxTexts(p *spdxElement) []string {
	out := p.Attribution
	for _, a := range p.Annotations {
		out = append(out, a.Comment)
	}
	return out
}

// spdxFacts reads "Name: value" texts, and Trivy's note of the source package.
func spdxFacts(p *spdxElement) map[string]string {
	facts := map[string]string{}
	for _, text := range spdxTexts(p) {
		if k, v, ok := strings.Cut(text, ": "); ok && facts["aquasecurity:trivy:"+k] == "" {
			facts["aquasecurity:trivy:"+k] = v
		}
	}
	if v, ok := strings.CutPrefix(p.SourceInfo, "built package from: "); ok {
		name, version, _ := strings.Cut(v, " ")
		facts["aquasecurity:trivy:SrcName"] = name
		facts["aquasecurity:trivy:SrcVersion"] = version
	}
	return facts
}

// sourceInfoPaths reads the paths in Syft's "acquired package info from ...:
// path, path".
func sourceInfoPaths(s string) []Location {
	if !strings.HasPrefix(s, "acquired package info from ") {
		return nil
	}
	_, paths, ok := strings.Cut(s, ": ")
	if !ok {
		return nil
	}
	var out []Location
	for path := range strings.SplitSeq(paths, ", ") {
		if strings.HasPrefix(path, "/") {
			out = append(out, Location{Path: path})
		}
	}
	return out
}

// readTagValue reads SPDX 2.x in tag-value form.
func (d *decoder) readTagValue(br *bufio.Reader) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the tag-value document cannot be decoded: %v", p)
		}
	}()
	doc := v2_3.Document{}
	lines := &tagLines{r: br, in: d.in}
	if err := tagvalue.ReadInto(lines, &doc); err != nil || lines.err != nil {
		return cmp.Or(lines.err, err)
	}
	if doc.DocumentName == "" && len(doc.Packages) == 0 {
		return errors.New("the document has no packages")
	}
	d.inv.Subject.Name = doc.DocumentName
	if err := d.spdxComment(doc.DocumentComment); err != nil {
		return fmt.Errorf("document comment: %w", err)
	}
	notes := map[common.DocElementID][]string{}
	for _, a := range doc.Annotations {
		if a != nil {
			notes[a.AnnotationSPDXIdentifier] = append(notes[a.AnnotationSPDXIdentifier], a.AnnotationComment)
		}
	}
	for _, p := range doc.Packages {
		if p == nil {
			continue
		}
		if err := d.count(); err != nil {
			return err
		}
		e := fromTagValue(p)
		e.Attribution = append(e.Attribution, notes[common.MakeDocElementID("", string(p.PackageSPDXIdentifier))]...)
		if err := d.spdxPackage(e); err != nil {
			return err
		}
	}
	for _, l := range doc.OtherLicenses {
		if l != nil {
			d.licenseText(ExtractedLicense{l.LicenseIdentifier, l.ExtractedText, l.LicenseName, l.LicenseComment, l.LicenseCrossReferences})
		}
	}
	for _, r := range doc.Relationships {
		if r != nil {
			from, to := string(r.RefA.ElementRefID), cmp.Or(string(r.RefB.ElementRefID), r.RefB.SpecialID)
			if err := d.related(from, r.Relationship, to, r.RelationshipComment); err != nil {
				return err
			}
		}
	}
	return nil
}

func fromTagValue(p *v2_3.Package) *spdxElement {
	e := &spdxElement{
		ID: string(p.PackageSPDXIdentifier), Name: p.PackageName, Version: p.PackageVersion,
		Purpose: p.PrimaryPackagePurpose, SourceInfo: p.PackageSourceInfo, Comment: p.PackageComment,
		Declared: p.PackageLicenseDeclared, Concluded: p.PackageLicenseConcluded,
		Attribution: p.PackageAttributionTexts, Homepage: p.PackageHomePage, Download: p.PackageDownloadLocation,
		Copyright: p.PackageCopyrightText, Description: p.PackageDescription, Summary: p.PackageSummary,
		FileName: p.PackageFileName, LicenseComments: p.PackageLicenseComments,
	}
	if s := p.PackageSupplier; s != nil {
		e.Supplier = s.SupplierType + ": " + s.Supplier
	}
	if o := p.PackageOriginator; o != nil {
		e.Originator = o.OriginatorType + ": " + o.Originator
	}
	for _, c := range p.PackageChecksums {
		e.Checksums = append(e.Checksums, struct {
			Algorithm string `json:"algorithm"`
			Value     string `json:"checksumValue"`
		}{string(c.Algorithm), c.Value})
	}
	for _, r := range p.PackageExternalReferences {
		if r != nil {
			e.ExternalRefs = append(e.ExternalRefs, SPDXReference{r.Category, r.RefType, r.Locator, r.ExternalRefComment})
		}
	}
	return e
}

// tagLines counts what a tag-value document holds before the library makes a
// tree of it. A byte that is no UTF-8 reads as "?".
type tagLines struct {
	r               io.Reader
	in              *limitedReader
	lines, packages int
	head            []byte // how the present line begins
	part            []byte // of a rune whose end is still to be read
	err             error
}

// valid reads what is valid UTF-8. The end of a rune comes with its beginning, so p
// must have room for one.
func (t *tagLines) valid(p []byte) (int, error) {
	had := copy(p, t.part)
	n, err := t.r.Read(p[had:])
	n += had
	whole := n
	for i := n - 1; err == nil && i >= 0 && i > n-utf8.UTFMax; i-- {
		if utf8.RuneStart(p[i]) {
			if !utf8.FullRune(p[i:n]) {
				whole = i
			}
			break
		}
	}
	t.part = append(t.part[:0], p[whole:n]...)
	for i := 0; i < whole; {
		r, size := utf8.DecodeRune(p[i:whole])
		if r == utf8.RuneError && size == 1 {
			p[i] = '?'
		}
		i += size
	}
	return whole, err
}

func (t *tagLines) Read(p []byte) (int, error) {
	t.in.next()
	n, err := t.valid(p)
	for b := p[:n]; len(b) > 0; {
		line, rest, whole := bytes.Cut(b, []byte{'\n'})
		const tag = "PackageName:"
		t.head = append(t.head, line[:min(len(line), len(tag)-len(t.head))]...)
		if b = rest; !whole {
			break
		}
		if t.lines++; string(t.head) == tag {
			t.packages++
		}
		t.head = t.head[:0]
	}
	switch {
	case t.packages > maxPackages:
		t.err = fmt.Errorf("more than %d packages", maxPackages)
	case t.lines > maxLines:
		t.err = fmt.Errorf("more than %d lines in tag-value form; SPDX JSON has no such limit", maxLines)
	}
	if t.err != nil {
		return 0, t.err
	}
	return n, err
}
