package sbom

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"
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

// spdxOf makes an SPDX 2.3 document of the inventory. What the standard
// has no field for travels in comments that begin with the name of Drydock's
// schema: the document's holds subject, distribution and what is unknown, a
// package's holds the package.
func spdxOf(inv *Inventory, opt EncodeOptions) *spdxBill {
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
	return newSPDXBill(inv, doc)
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

// spdxName is what a package is called in SPDX: with its namespace, but for a
// distribution's.
func spdxName(p *Package) string {
	if p.Namespace != "" && !p.FromDistro() {
		return p.Namespace + "/" + p.Name
	}
	return p.Name
}

// spdxIDOf makes an identifier of a package that no other has.
func spdxIDOf(p *Package, purl string, seen map[string]int) common.ElementID {
	sum := sha256.Sum256([]byte(purl))
	id := "Package-" + idString(p.Type+"-"+p.Name, 80) + "-" + hex.EncodeToString(sum[:8])
	if n := seen[id]; n > 0 {
		id += "-" + strconv.Itoa(n)
	}
	seen[id]++
	return common.ElementID(id)
}

func spdxPackage(p Package, id common.ElementID, d *Distro, licenses spdxTerms) *v2_3.Package {
	purl := p.PURLIn(d)
	out := plainPackage(id, spdxName(&p), p.Version)
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
