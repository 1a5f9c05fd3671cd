package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/drydock-dev/drydock/internal/finding"
)

const (
	noAssertion   = "NOASSERTION"
	purposeOS     = "OPERATING-SYSTEM"
	purposeOSJSON = "OPERATING_SYSTEM"
)

// The SPDX identifiers of what is not a package of the inventory.
const (
	spdxSubjectID   = "drydock-subject"
	spdxDistroID    = "drydock-distro"
	spdxComponentID = "drydock-component-" // and a number
)

// spdxDocument makes an SPDX 2.3 document of the inventory. What the standard
// has no field for travels in comments that begin with the name of Drydock's
// schema: the document's holds subject, distribution and what is unknown, a
// package's holds the package.
func spdxDocument(inv *Inventory, opt EncodeOptions) *v2_3.Document {
	created := timestamp(opt.Now)
	if created == "" {
		created = "1970-01-01T00:00:00Z"
	}
	tool := "drydock"
	if opt.ToolVersion != "" {
		tool += "-" + opt.ToolVersion
	}
	header := toNativeHeader(inv)
	header.Licenses = nil // they have fields of their own
	doc := &v2_3.Document{
		SPDXVersion:       v2_3.Version,
		DataLicense:       v2_3.DataLicense,
		SPDXIdentifier:    "DOCUMENT",
		DocumentName:      orElse(oneLine(inv.Subject.Name), "unnamed"),
		DocumentNamespace: "urn:uuid:" + contentUUID(inv),
		DocumentComment:   comment(header),
		CreationInfo: &v2_3.CreationInfo{
			Creators: []common.Creator{{CreatorType: "Tool", Creator: tool}},
			Created:  created,
		},
	}
	licenses, nodes := newSPDXTerms(inv), make([]common.ElementID, len(inv.Graph))
	place := func(node int32, id common.ElementID) {
		if inv.Graph.Has(node) {
			nodes[node] = id
		}
	}
	packages, others := spdxPackages(inv, licenses), spdxOthers(inv, licenses)
	for i, p := range inv.Packages {
		place(p.Node, packages[i].PackageSPDXIdentifier)
	}
	for i, c := range inv.Components {
		place(c.Node, others[i].PackageSPDXIdentifier)
	}
	root := plainPackage(spdxSubjectID, doc.DocumentName, string(inv.Subject.Digest))
	root.PrimaryPackagePurpose = "APPLICATION"
	if inv.Subject.Kind == finding.KindImage || inv.Subject.Kind == finding.KindContainer {
		root.PrimaryPackagePurpose = "CONTAINER"
	}
	main := slices.IndexFunc(inv.Components, func(c Component) bool { return c.Main })
	if described := inv.described(); described >= 0 {
		root = packages[described]
	} else if main >= 0 {
		root = others[main]
	}
	doc.Packages = append(doc.Packages, root)
	relate := func(from common.ElementID, kind string, to common.ElementID) {
		doc.Relationships = append(doc.Relationships, relationship(from, kind, to))
	}
	relate("DOCUMENT", common.TypeRelationshipDescribe, root.PackageSPDXIdentifier)
	contain := func(p *v2_3.Package) {
		if p != root {
			doc.Packages = append(doc.Packages, p)
			relate(root.PackageSPDXIdentifier, common.TypeRelationshipContains, p.PackageSPDXIdentifier)
		}
	}
	system := slices.ContainsFunc(inv.Components, func(c Component) bool { return c.Kind == string(cdx.ComponentTypeOS) && !c.Main })
	if d := inv.Distro; d != nil && !system {
		p := plainPackage(spdxDistroID, orElse(d.ID, "unnamed"), d.VersionID)
		p.PrimaryPackagePurpose = purposeOS
		contain(p)
	}
	for _, p := range packages {
		contain(p)
	}
	for _, p := range others {
		contain(p)
	}
	doc.Relationships = append(doc.Relationships, spdxNeeds(inv, nodes, root.PackageSPDXIdentifier)...)
	doc.OtherLicenses = licenses.sorted()
	return doc
}

// spdxOthers makes packages of what is no package, one by one.
func spdxOthers(inv *Inventory, licenses spdxTerms) []*v2_3.Package {
	out := make([]*v2_3.Package, len(inv.Components))
	for i, c := range inv.Components {
		p := plainPackage(common.ElementID(spdxComponentID+strconv.Itoa(i+1)), orElse(joinName(c.Group, c.Name), c.Path), c.Version)
		p.PrimaryPackagePurpose = spdxPurpose(c.Kind)
		p.PackageComment = otherComment + strings.TrimPrefix(comment(toNativeComponent(c)), Schema)
		c.Carried.putSPDX(p, licenses)
		out[i] = p
	}
	return out
}

// otherComment begins the comment of what is no package.
const otherComment = Schema + " component"

// spdxPurpose is the kind of a component as SPDX has it (7.24).
func spdxPurpose(kind string) string {
	switch kind {
	case "container", "device", "firmware", "framework", "library", "file":
		return strings.ToUpper(kind)
	case "operating-system":
		return purposeOS
	}
	return "APPLICATION"
}

// dependsOnNothing says that what an element needs is known, and is nothing
// (11.1: NONE as the related element).
func dependsOnNothing(id common.ElementID) *v2_3.Relationship {
	return &v2_3.Relationship{
		RefA: common.MakeDocElementID("", string(id)), Relationship: common.TypeRelationshipDependsOn,
		RefB: common.MakeDocElementSpecial("NONE"),
	}
}

func plainPackage(id common.ElementID, name, version string) *v2_3.Package {
	return &v2_3.Package{
		PackageName: orElse(oneLine(name), "unnamed"), PackageSPDXIdentifier: id, PackageVersion: oneLine(version),
		PackageDownloadLocation: noAssertion,
		// The files themselves are not listed, so they must be said not to be.
		FilesAnalyzed: false, IsFilesAnalyzedTagPresent: true,
		PackageLicenseConcluded: noAssertion, PackageLicenseDeclared: noAssertion,
		PackageCopyrightText: noAssertion,
	}
}

// spdxNeeds is the graph as SPDX has it: what needs nothing says so, and what is
// not told has no relationship.
func spdxNeeds(inv *Inventory, nodes []common.ElementID, root common.ElementID) []*v2_3.Relationship {
	var out []*v2_3.Relationship
	if root == spdxSubjectID {
		for _, n := range inv.tops() {
			out = append(out, relationship(root, common.TypeRelationshipDependsOn, nodes[n]))
		}
	}
	for node, list := range inv.Graph {
		if list == nil || nodes[node] == "" {
			continue
		}
		for _, n := range list {
			if nodes[n] != "" {
				out = append(out, relationship(nodes[node], common.TypeRelationshipDependsOn, nodes[n]))
			}
		}
		if len(list) == 0 {
			out = append(out, dependsOnNothing(nodes[node]))
		}
	}
	return out
}

// spdxPackages makes packages of the inventory's.
func spdxPackages(inv *Inventory, licenses spdxTerms) []*v2_3.Package {
	out := make([]*v2_3.Package, len(inv.Packages))
	seen := make(map[string]int, len(inv.Packages))
	for i, p := range inv.Packages {
		out[i] = spdxPackage(p, inv.Distro, seen, licenses)
	}
	return out
}

// spdxName is what a package is called in SPDX: with its namespace, but for a
// distribution's.
func spdxName(p *Package) string {
	if p.Namespace != "" && !p.FromDistro() {
		return p.Namespace + "/" + p.Name
	}
	return p.Name
}

func spdxPackage(p Package, d *Distro, seen map[string]int, licenses spdxTerms) *v2_3.Package {
	purl := p.PURLIn(d)
	sum := sha256.Sum256([]byte(purl))
	id := "Package-" + idString(p.Type+"-"+p.Name, 80) + "-" + hex.EncodeToString(sum[:8])
	if n := seen[id]; n > 0 {
		id += "-" + strconv.Itoa(n)
	}
	seen[id]++
	out := plainPackage(common.ElementID(id), spdxName(&p), p.Version)
	if p.Carried == nil || len(p.Carried.Licenses) == 0 {
		out.PackageLicenseDeclared = licenses.names(p.Licenses)
	}
	out.PrimaryPackagePurpose = spdxPurpose(packageKind(&p))
	out.PackageExternalReferences = []*v2_3.PackageExternalReference{{
		Category: "PACKAGE-MANAGER", RefType: "purl", Locator: purl,
	}}
	var paths []string
	for _, l := range p.Locations {
		paths = append(paths, oneLine(l.Path))
	}
	if len(paths) > 0 {
		out.PackageSourceInfo = "read from: " + strings.Join(paths, ", ")
	}
	out.PackageComment = comment(toNativePackage(p))
	p.Carried.putSPDX(out, licenses)
	return out
}

func relationship(from common.ElementID, kind string, to common.ElementID) *v2_3.Relationship {
	return &v2_3.Relationship{
		RefA: common.MakeDocElementID("", string(from)), Relationship: kind, RefB: common.MakeDocElementID("", string(to)),
	}
}

// comment carries v inside an SPDX document. Angle brackets are escaped, so
// that a tag-value file's <text> does not end in the middle of it.
func comment(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "" // strings, numbers and bools always encode
	}
	return Schema + " " + string(b)
}

// oneLine is s fit for a tag's value.
func oneLine(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s))
}
