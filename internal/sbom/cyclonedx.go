package sbom

import (
	"encoding/json"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// subjectRef is the bom-ref of the component that stands for the target.
const subjectRef = "drydock:subject"

// distroRef is that of the distribution.
const distroRef = "drydock:distro"

// The properties in which a CycloneDX document carries what the standard has
// no field for.
const (
	propSubjectKind   = "drydock:subject:kind"
	propSubjectName   = "drydock:subject:name"
	propSubjectDigest = "drydock:subject:digest"
	propUnknown       = "drydock:unknown" // JSON
	propDistro        = "drydock:distro:" // with the field's name
	propType          = "drydock:type"
	propSource        = "drydock:source"
	propSourceVersion = "drydock:source-version"
	propModule        = "drydock:module"
	propVendor        = "drydock:vendor"
	propVersionBy     = "drydock:versionBy"
	propOrigin        = "drydock:origin"
	propUUID          = "drydock:uuid"
	propArch          = "drydock:arch"
	propLicense       = "drydock:license"
	propLocation      = "drydock:location" // JSON
	propLayer         = "drydock:layer"
	propLayerIndex    = "drydock:layer-index"
	propOwner         = "drydock:owner"
	propRemoved       = "drydock:removed"
	propDev           = "drydock:dev"
	propRoot          = "drydock:root"
	propInBase        = "drydock:in-base"
	propCataloger     = "drydock:cataloger"
	propCPE           = "drydock:cpe"         // after the first
	propSPDX          = "drydock:spdx"        // JSON: what only SPDX has a field for
	propLicenseText   = "drydock:licenseText" // JSON
	propComponent     = "drydock:component"   // JSON
)

// developmentProperty is, by package type, the property of CycloneDX's own
// taxonomy for a development dependency; empty: it has none.
// github.com/CycloneDX/cyclonedx-property-taxonomy
func developmentProperty(purlType string) string {
	switch purlType {
	case "npm":
		return "cdx:npm:package:development"
	case "composer":
		return "cdx:composer:package:isDevRequirement"
	}
	return ""
}

// Bill is a bill of materials of an inventory in CycloneDX, whose components are made
// while it is written: [Bill.Write].
type Bill struct {
	// BOM is the document without its components, dependencies and vulnerabilities.
	BOM *cdx.BOM

	inv    *Inventory
	refs   []string // bom-refs of the packages and, after these, of the components
	system int      // the component that is the distribution; -1: none
	top    int      // what the bill describes, by its place among the refs; -1: the subject alone
	nodes  []string // bom-refs
	byPURL func() map[string][]string
}

// CycloneDX makes a bill of materials of the inventory.
func CycloneDX(inv *Inventory, opt EncodeOptions) *Bill {
	bom := cdx.NewBOM()
	bom.SerialNumber = "urn:uuid:" + contentUUID(inv)
	bom.Metadata = &cdx.Metadata{
		Timestamp: timestamp(opt.Now),
		Tools: &cdx.ToolsChoice{Components: &[]cdx.Component{{
			Type: cdx.ComponentTypeApplication, Name: "drydock", Version: opt.ToolVersion,
		}}},
		Component: subjectComponent(inv.Subject),
	}
	bom.Metadata.Properties = documentProperties(inv)
	b := &Bill{BOM: bom, inv: inv, system: -1, top: inv.described(), nodes: make([]string, len(inv.Graph))}
	b.name()
	b.byPURL = sync.OnceValue(b.purls)
	if b.top >= 0 {
		for at, c := range b.components() {
			if at == b.top {
				bom.Metadata.Component = &c
				break
			}
		}
	}
	return b
}

// name gives packages and components the references by which the document knows them.
func (b *Bill) name() {
	inv := b.inv
	seen := make(map[string]int, len(inv.Packages))
	place := func(node int32, ref string) {
		if inv.Graph.Has(node) {
			b.nodes[node] = ref
		}
	}
	if inv.Distro != nil {
		b.system = slices.IndexFunc(inv.Components, func(c Component) bool { return c.Kind == string(cdx.ComponentTypeOS) && !c.Main })
		if b.system >= 0 {
			place(inv.Components[b.system].Node, distroRef)
		}
	}
	b.refs = make([]string, 0, len(inv.Packages)+len(inv.Components))
	for i := range inv.Packages {
		p := &inv.Packages[i]
		ref := ""
		if p.Carried != nil {
			ref = p.Carried.Ref
		}
		if ref == "" {
			ref = p.PURLIn(inv.Distro)
		}
		b.refs = append(b.refs, unlike(seen, ref))
		place(p.Node, b.refs[i])
	}
	for i := range inv.Components {
		if i == b.system {
			b.refs = append(b.refs, distroRef)
			continue
		}
		ref := unlike(seen, otherComponent(&inv.Components[i]).BOMRef)
		b.refs = append(b.refs, ref)
		place(inv.Components[i].Node, ref)
		if inv.Components[i].Main && b.top < 0 {
			b.top = len(inv.Packages) + i
		}
	}
}

// components makes them one by one, the one that the bill describes among them, each
// with its place among the references; the distribution's is -1.
func (b *Bill) components() iter.Seq2[int, cdx.Component] {
	inv := b.inv
	return func(yield func(int, cdx.Component) bool) {
		if d := inv.Distro; d != nil {
			c := distroComponent(d)
			if b.system >= 0 {
				c.Properties = systemProperties(*c.Properties, &inv.Components[b.system])
			}
			if !yield(-1, c) {
				return
			}
		}
		texts := newCDXTexts(inv)
		for i, p := range inv.Packages {
			c := packageComponent(p, inv.Distro)
			c.BOMRef = b.refs[i]
			p.Carried.put(&c)
			texts.attach(c.Licenses)
			if !yield(i, c) {
				return
			}
		}
		for i := range inv.Components {
			if i == b.system {
				continue
			}
			c := otherComponent(&inv.Components[i])
			texts.attach(c.Licenses)
			c.BOMRef = b.refs[len(inv.Packages)+i]
			if !yield(len(inv.Packages)+i, c) {
				return
			}
		}
	}
}

// listed are the components beside the one that the bill describes.
func (b *Bill) listed() iter.Seq[cdx.Component] {
	return func(yield func(cdx.Component) bool) {
		for at, c := range b.components() {
			if (at < 0 || at != b.top) && !yield(c) {
				return
			}
		}
	}
}

// Refs are the components that a purl means, by bom-ref: the package's own purl, or the
// source package's as a finding names it, which may be several packages. A report adds
// vulnerabilities with it.
func (b *Bill) Refs(purl string) []string { return b.byPURL()[purl] }

func (b *Bill) purls() map[string][]string {
	refs := make(map[string][]string, 2*len(b.inv.Packages))
	for i := range b.inv.Packages {
		p := &b.inv.Packages[i]
		url := p.PURLIn(b.inv.Distro)
		if p.Carried != nil {
			url = orElse(p.Carried.PURL, url)
		}
		addRef(refs, b.refs[i], url, p.PURL(), SourcePURL(*p, b.inv.Distro))
	}
	return refs
}

// Write writes the bill as JSON, with vulnerabilities that refer to its components by
// [Bill.Refs]; nil: it says nothing of such.
func (b *Bill) Write(w io.Writer, vulnerabilities iter.Seq[cdx.Vulnerability]) error {
	lists := jsonstream.Lists{"components": jsonstream.Map(b.listed(), same)}
	if len(b.inv.Graph) > 0 {
		lists["dependencies"] = jsonstream.Map(b.dependencies(), same)
	}
	if vulnerabilities != nil {
		lists["vulnerabilities"] = jsonstream.Map(vulnerabilities, same)
	}
	return jsonstream.Write(w, jsonstream.Value{V: b.BOM, Lists: lists})
}

func same[T any](v T) T { return v }

// whole is the document with all that is in it.
func (b *Bill) whole() *cdx.BOM {
	bom := *b.BOM
	components := slices.AppendSeq([]cdx.Component{}, b.listed())
	bom.Components = &components
	if len(b.inv.Graph) > 0 {
		all := slices.AppendSeq([]cdx.Dependency{}, b.dependencies())
		bom.Dependencies = &all
	}
	return &bom
}

// unlike is a reference that no other component has.
func unlike(seen map[string]int, ref string) string {
	n := seen[ref]
	if seen[ref]++; n == 0 {
		return ref
	}
	return unlike(seen, ref+"#"+strconv.Itoa(n))
}

func addRef(refs map[string][]string, ref string, purls ...string) {
	for _, purl := range purls {
		if have := refs[purl]; len(have) == 0 || have[len(have)-1] != ref {
			refs[purl] = append(have, ref)
		}
	}
}

func subjectComponent(s finding.Subject) *cdx.Component {
	c := &cdx.Component{
		BOMRef:  subjectRef,
		Type:    cdx.ComponentTypeApplication,
		Name:    orElse(s.Name, "unnamed"),
		Version: string(s.Digest),
	}
	if s.Kind == finding.KindImage || s.Kind == finding.KindContainer {
		c.Type = cdx.ComponentTypeContainer
	}
	return c
}

func documentProperties(inv *Inventory) *[]cdx.Property {
	var ps properties
	ps.add(propSubjectKind, string(inv.Subject.Kind))
	ps.add(propSubjectName, inv.Subject.Name)
	ps.add(propSubjectDigest, string(inv.Subject.Digest))
	for _, u := range toNativeUnknown(inv.Unknown) {
		ps.add(propUnknown, compactJSON(u))
	}
	for _, l := range inv.LicenseTexts {
		ps.add(propLicenseText, compactJSON(l))
	}
	return ps.list()
}

func distroComponent(d *Distro) cdx.Component {
	var ps properties
	ps.add(propDistro+"id", d.ID)
	for _, l := range d.IDLike {
		ps.add(propDistro+"id-like", l)
	}
	ps.add(propDistro+"version-id", d.VersionID)
	ps.add(propDistro+"codename", d.Codename)
	ps.add(propDistro+"pretty-name", d.PrettyName)
	ps.add(propDistro+"cpe", d.CPEName)
	for _, r := range d.Repositories {
		ps.add(propDistro+"repository", r)
	}
	if len(ps) == 0 {
		ps = properties{{Name: propDistro + "id"}}
	}
	return cdx.Component{
		BOMRef:      distroRef,
		Type:        cdx.ComponentTypeOS,
		Name:        orElse(d.ID, "unnamed"),
		Version:     d.VersionID,
		Description: d.PrettyName,
		Properties:  ps.list(),
	}
}

func packageComponent(p Package, d *Distro) cdx.Component {
	c := cdx.Component{
		Type: packageType(&p), Group: p.Namespace, Name: p.Name, Version: p.Version,
		PackageURL: p.PURLIn(d), Licenses: licenseChoices(p.Licenses), Evidence: occurrences(p.Locations),
	}
	c.Scope = cdx.Scope(derivedScope(&p))
	var ps properties
	ps.add(propType, p.Type)
	ps.add(propSource, p.Source)
	ps.add(propSourceVersion, p.SourceVersion)
	ps.add(propModule, p.Module)
	ps.add(propVendor, p.Vendor)
	ps.add(propVersionBy, p.VersionBy)
	ps.add(propOrigin, p.Origin)
	ps.add(propUUID, p.UUID)
	ps.add(propArch, p.Arch)
	for _, l := range p.Licenses {
		ps.add(propLicense, l)
	}
	for _, l := range p.Locations {
		ps.add(propLocation, compactJSON(nativeLocation(l)))
	}
	ps.add(propLayer, string(p.Layer))
	if p.LayerIndex >= 0 {
		ps.add(propLayerIndex, strconv.Itoa(p.LayerIndex))
	}
	ps.add(propOwner, p.Owner)
	if p.Removed {
		ps.add(propRemoved, "true")
	}
	if p.Dev {
		ps.add(propDev, "true")
	}
	if p.Root {
		ps.add(propRoot, "true")
	}
	if p.InBase != nil {
		ps.add(propInBase, strconv.FormatBool(*p.InBase))
	}
	ps.add(propCataloger, p.Cataloger)
	if name := developmentProperty(p.Type); p.Dev && name != "" {
		ps.add(name, "true")
	}
	c.Properties = ps.list()
	return c
}

// licenseChoices writes a lone expression as one and anything else by
// identifier or name: CycloneDX has no list of expressions.
func licenseChoices(licenses []string) *cdx.Licenses {
	if len(licenses) == 1 && !spdxID(licenses[0]) && !isLicenseRef(licenses[0]) && spdxExpression(licenses[0]) {
		return &cdx.Licenses{{Expression: licenses[0]}}
	}
	var out cdx.Licenses
	for _, l := range licenses {
		switch {
		case l == "":
		case spdxID(l):
			out = append(out, cdx.LicenseChoice{License: &cdx.License{ID: l}})
		default:
			out = append(out, cdx.LicenseChoice{License: &cdx.License{Name: l}})
		}
	}
	if len(out) == 0 {
		return nil
	}
	return &out
}

// occurrences says where the package was seen, for tools that do not know
// Drydock's properties.
func occurrences(ls []Location) *cdx.Evidence {
	var out []cdx.EvidenceOccurrence
	for _, l := range ls {
		if l.Path == "" {
			continue
		}
		o := cdx.EvidenceOccurrence{Location: l.Path}
		if l.Line > 0 {
			o.Line = &l.Line
		}
		out = append(out, o)
	}
	if len(out) == 0 {
		return nil
	}
	return &cdx.Evidence{Occurrences: &out}
}

// properties gathers name and value pairs, leaving out empty values.
type properties []cdx.Property

func (ps *properties) add(name, value string) {
	if value != "" {
		*ps = append(*ps, cdx.Property{Name: name, Value: value})
	}
}

func (ps properties) list() *[]cdx.Property {
	if len(ps) == 0 {
		return nil
	}
	out := []cdx.Property(ps)
	return &out
}

// compactJSON encodes a value made of strings, numbers and bools, which does
// not fail.
func compactJSON(v any) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n")
}
