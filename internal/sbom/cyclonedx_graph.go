package sbom

import (
	"iter"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/finding"
)

// otherComponent makes a component of what is no package. Its property says it
// exactly.
func otherComponent(c *Component) cdx.Component {
	ref := "drydock:component:" + c.Path
	if c.Folder != "" {
		ref += "#" + c.Folder
	}
	if c.Path == "" {
		ref += c.Label()
	}
	if c.Carried != nil {
		ref = orElse(c.Carried.Ref, ref)
	}
	out := cdx.Component{
		BOMRef: ref, Type: componentType(c.Kind), Group: c.Group, Name: orElse(c.Name, orElse(c.Path, "unnamed")), Version: c.Version,
	}
	n := toNativeComponent(*c)
	n.Carried = nil // it has its own fields
	var ps properties
	ps.add(propComponent, compactJSON(n))
	out.Properties = ps.list()
	c.Carried.put(&out)
	return out
}

// systemProperties adds a component to the properties of the distribution that it
// is.
func systemProperties(ps properties, c *Component) *[]cdx.Property {
	ps.add(propComponent, compactJSON(toNativeComponent(*c)))
	return ps.list()
}

// componentType is the kind as CycloneDX has it.
func componentType(kind string) cdx.ComponentType {
	switch t := cdx.ComponentType(kind); t {
	case cdx.ComponentTypeContainer, cdx.ComponentTypeCryptographicAsset, cdx.ComponentTypeData, cdx.ComponentTypeDevice,
		cdx.ComponentTypeDeviceDriver, cdx.ComponentTypeFile, cdx.ComponentTypeFirmware, cdx.ComponentTypeFramework,
		cdx.ComponentTypeLibrary, cdx.ComponentTypeMachineLearningModel, cdx.ComponentTypeOS, cdx.ComponentTypePlatform:
		return t
	}
	return cdx.ComponentTypeApplication
}

// dependencies is the graph as CycloneDX has it.
func (b *Bill) dependencies() iter.Seq[cdx.Dependency] {
	return func(yield func(cdx.Dependency) bool) {
		if b.BOM.Metadata.Component.BOMRef == subjectRef {
			needs := []string{}
			for _, n := range b.inv.tops() {
				needs = append(needs, b.nodes[n])
			}
			if len(needs) > 0 && !yield(cdx.Dependency{Ref: subjectRef, Dependencies: &needs}) {
				return
			}
		}
		for node, list := range b.inv.Graph {
			if list == nil || b.nodes[node] == "" {
				continue
			}
			needs := make([]string, 0, len(list))
			for _, n := range list {
				if b.nodes[n] != "" {
					needs = append(needs, b.nodes[n])
				}
			}
			if !yield(cdx.Dependency{Ref: b.nodes[node], Dependencies: &needs}) {
				return
			}
		}
	}
}

// tops are the nodes of the roots that nothing else needs: components, and then
// packages.
func (inv *Inventory) tops() []int32 {
	needed := make([]bool, len(inv.Graph))
	for n, list := range inv.Graph {
		for _, need := range list {
			needed[need] = needed[need] || int(need) != n
		}
	}
	var out []int32
	for i := range inv.Components {
		if c := &inv.Components[i]; c.Root && inv.Graph.Has(c.Node) && !needed[c.Node] {
			out = append(out, c.Node)
		}
	}
	for i := range inv.Packages {
		if p := &inv.Packages[i]; p.Root && inv.Graph.Has(p.Node) && !needed[p.Node] {
			out = append(out, p.Node)
		}
	}
	return out
}

// described is the package that another tool's SBOM is about; -1: it is about
// something else.
func (inv *Inventory) described() int {
	if inv.Subject.Kind != finding.KindSBOM || slices.ContainsFunc(inv.Components, func(c Component) bool { return c.Main }) {
		return -1
	}
	root := -1
	for i := range inv.Packages {
		if inv.Packages[i].Root {
			if root >= 0 {
				return -1
			}
			root = i
		}
	}
	return root
}
