package sbom

import (
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
	"github.com/spdx/tools-golang/spdx/v2/common"
	"github.com/spdx/tools-golang/spdx/v2/v2_3"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// spdxBill is an SPDX document whose packages are made while it is written.
type spdxBill struct {
	doc   *v2_3.Document // without packages, licences and relationships
	inv   *Inventory
	ids   []common.ElementID // of the packages and, after these, of the components
	nodes []common.ElementID
	top   int           // what the document describes, by its place among the ids; -1: the subject
	root  *v2_3.Package // that
	terms spdxTerms     // of the packages that were made last
}

func newSPDXBill(inv *Inventory, doc *v2_3.Document) *spdxBill {
	b := &spdxBill{doc: doc, inv: inv, top: inv.described(), nodes: make([]common.ElementID, len(inv.Graph))}
	b.ids = make([]common.ElementID, 0, len(inv.Packages)+len(inv.Components))
	seen := make(map[string]int, len(inv.Packages))
	add := func(id common.ElementID, node int32) {
		b.ids = append(b.ids, id)
		if inv.Graph.Has(node) {
			b.nodes[node] = id
		}
	}
	for i := range inv.Packages {
		p := &inv.Packages[i]
		add(spdxIDOf(p, p.PURLIn(inv.Distro), seen), p.Node)
	}
	for i := range inv.Components {
		add(common.ElementID(spdxComponentID+strconv.Itoa(i+1)), inv.Components[i].Node)
	}
	if main := slices.IndexFunc(inv.Components, func(c Component) bool { return c.Main }); b.top < 0 && main >= 0 {
		b.top = len(inv.Packages) + main
	}
	b.root = plainPackage(spdxSubjectID, doc.DocumentName, string(inv.Subject.Digest))
	b.root.PrimaryPackagePurpose = "APPLICATION"
	if inv.Subject.Kind == finding.KindImage || inv.Subject.Kind == finding.KindContainer {
		b.root.PrimaryPackagePurpose = "CONTAINER"
	}
	if b.top >= 0 {
		for at, p := range b.elements() {
			if at == b.top {
				b.root = p
				break
			}
		}
	}
	return b
}

// elements makes packages of the inventory's packages and components, one by one, each
// with its place among the identifiers.
func (b *spdxBill) elements() iter.Seq2[int, *v2_3.Package] {
	return func(yield func(int, *v2_3.Package) bool) {
		b.terms = newSPDXTerms(b.inv)
		n := len(b.inv.Packages)
		for i, p := range b.inv.Packages {
			if !yield(i, spdxPackage(p, b.ids[i], b.inv.Distro, b.terms)) {
				return
			}
		}
		for i, c := range b.inv.Components {
			p := plainPackage(b.ids[n+i], orElse(joinName(c.Group, c.Name), c.Path), c.Version)
			p.PrimaryPackagePurpose = spdxPurpose(c.Kind)
			p.PackageComment = otherComment + strings.TrimPrefix(comment(toNativeComponent(c)), Schema)
			c.Carried.putSPDX(p, b.terms)
			if !yield(n+i, p) {
				return
			}
		}
	}
}

// system is the distribution, unless a component is it.
func (b *spdxBill) system() *v2_3.Package {
	d := b.inv.Distro
	if d == nil || slices.ContainsFunc(b.inv.Components, func(c Component) bool { return c.Kind == string(cdx.ComponentTypeOS) && !c.Main }) {
		return nil
	}
	p := plainPackage(spdxDistroID, orElse(d.ID, "unnamed"), d.VersionID)
	p.PrimaryPackagePurpose = purposeOS
	return p
}

// packages are all of the document, what it describes first.
func (b *spdxBill) packages() iter.Seq[*v2_3.Package] {
	return func(yield func(*v2_3.Package) bool) {
		if !yield(b.root) {
			return
		}
		if p := b.system(); p != nil && !yield(p) {
			return
		}
		for at, p := range b.elements() {
			if at != b.top && !yield(p) {
				return
			}
		}
	}
}

// relationships are what the document describes, what that contains, and the graph:
// what needs nothing says so, and what is not told has no relationship.
func (b *spdxBill) relationships() iter.Seq[*v2_3.Relationship] {
	root := b.root.PackageSPDXIdentifier
	return func(yield func(*v2_3.Relationship) bool) {
		more := yield(relationship("DOCUMENT", common.TypeRelationshipDescribe, root))
		relate := func(from common.ElementID, kind string, to common.ElementID) {
			more = more && yield(relationship(from, kind, to))
		}
		if p := b.system(); p != nil {
			relate(root, common.TypeRelationshipContains, p.PackageSPDXIdentifier)
		}
		for at, id := range b.ids {
			if at != b.top {
				relate(root, common.TypeRelationshipContains, id)
			}
		}
		if root == spdxSubjectID {
			for _, n := range b.inv.tops() {
				relate(root, common.TypeRelationshipDependsOn, b.nodes[n])
			}
		}
		for node, list := range b.inv.Graph {
			if list == nil || b.nodes[node] == "" {
				continue
			}
			for _, n := range list {
				if b.nodes[n] != "" {
					relate(b.nodes[node], common.TypeRelationshipDependsOn, b.nodes[n])
				}
			}
			if len(list) == 0 {
				more = more && yield(dependsOnNothing(b.nodes[node]))
			}
			if !more {
				return
			}
		}
	}
}

// write writes the document as JSON. Its licences are known when its packages have been
// written, and stand behind them.
func (b *spdxBill) write(w io.Writer) error {
	packages := jsonstream.Map(b.packages(), func(p *v2_3.Package) *v2_3.Package {
		// The JSON schema of 2.3 spells it unlike the text (7.24) and the tags.
		if p.PrimaryPackagePurpose == purposeOS {
			p.PrimaryPackagePurpose = purposeOSJSON
		}
		return p
	})
	licenses := func(yield func(any) bool) {
		for _, l := range b.terms.sorted() {
			if !yield(l) {
				return
			}
		}
	}
	return jsonstream.Write(w, jsonstream.Value{V: b.doc, Lists: jsonstream.Lists{
		"packages": packages, "hasExtractedLicensingInfos": licenses, "relationships": jsonstream.Map(b.relationships(), same),
	}})
}

// whole is the document with all that is in it.
func (b *spdxBill) whole() *v2_3.Document {
	doc := *b.doc
	doc.Packages = slices.Collect(b.packages())
	doc.OtherLicenses = b.terms.sorted()
	doc.Relationships = slices.Collect(b.relationships())
	return &doc
}
