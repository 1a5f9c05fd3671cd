package sbom

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/finding"
)

// maxEdges limits the edges of an SBOM's graph.
const maxEdges = 4_000_000

var errEdges = fmt.Errorf("it tells of more than %d dependencies", maxEdges)

// refGraph is a graph between what a document refers to by name, in whichever
// order names and what they stand for come.
type refGraph struct {
	number map[string]int32 // of a reference
	stands []int32          // by number: 1 + index of a package, -1 - index of a component; 0: for neither
	told   []bool           // by number: what it needs is told
	edges  [][2]int32       // from, to
	dev    [][2]int32       // likewise, for development
}

func (g *refGraph) of(ref string) int32 {
	if n, ok := g.number[ref]; ok {
		return n
	}
	if g.number == nil {
		g.number = map[string]int32{}
	}
	n := int32(len(g.stands))
	g.number[ref] = n
	g.stands, g.told = append(g.stands, 0), append(g.told, false)
	return n
}

// tell notes that a document says what from needs.
func (g *refGraph) tell(from string) { g.told[g.of(from)] = true }

// need notes that from needs to.
func (g *refGraph) need(from, to string) error {
	return g.edge(&g.edges, from, to)
}

// needForDev notes that those who work on from need to.
func (g *refGraph) needForDev(from, to string) error {
	return g.edge(&g.dev, from, to)
}

func (g *refGraph) edge(list *[][2]int32, from, to string) error {
	if len(g.edges)+len(g.dev) >= maxEdges {
		return errEdges
	}
	a, b := g.of(from), g.of(to)
	g.told[a] = true
	*list = append(*list, [2]int32{a, b})
	return nil
}

// standFor says which package or component, the last that was taken in, a
// reference stands for. The first counts.
func (d *decoder) standFor(ref string, component bool) {
	if ref == "" {
		return
	}
	n := d.refs.of(ref)
	switch {
	case d.refs.stands[n] != 0:
	case component:
		d.refs.stands[n] = -int32(len(d.inv.Components))
	default:
		d.refs.stands[n] = int32(len(d.inv.Packages))
	}
}

// packageOf is the index of the package that a reference stands for, or -1.
func (d *decoder) packageOf(ref string) int {
	if n, ok := d.refs.number[ref]; ok {
		return int(max(d.refs.stands[n], 0)) - 1
	}
	return -1
}

// addComponent takes a component that is no package.
func (d *decoder) addComponent(c Component, ref string) error {
	if len(d.inv.Components) >= maxPackages {
		d.unknown("component "+c.Label(), fmt.Sprintf("it is one of more than %d that are no packages", maxPackages))
		return nil
	}
	d.inv.Components = append(d.inv.Components, c)
	d.standFor(ref, true)
	return nil
}

// addOther takes what another tool lists and is no package.
func (d *decoder) addOther(c Component, ref string) error {
	c.Kind = orElse(c.Kind, "library")
	carried := *c.Carried
	carried.Kind, carried.Name = "", ""
	c.Carried = d.carry(&carried, nil)
	return d.addComponent(c, ref)
}

// settle takes out of what is carried what Drydock would write of its own accord.
func (d *decoder) settle() {
	texts := d.licenseTexts()
	for i := range d.inv.Packages {
		p := &d.inv.Packages[i]
		if c := p.Carried; c != nil {
			purl := p.PURLIn(d.inv.Distro)
			if c.PURL == purl {
				c.PURL = ""
			}
			if c.Name == spdxName(p) {
				c.Name = ""
			}
			if derivedRef(c.Ref, purl) {
				c.Ref = ""
			}
			if c.SPDX != nil && c.SPDX.Purpose == spdxPurpose(packageKind(p)) {
				c.SPDX.Purpose = ""
				c.SPDX = c.SPDX.sound()
			}
			if c.Licenses = withoutTexts(c.Licenses, texts); !moreTerms(c.Licenses) {
				c.Licenses = nil
			}
			if c.empty() {
				p.Carried = nil
			}
		}
	}
	for i := range d.inv.Components {
		if c := d.inv.Components[i].Carried; c != nil {
			if derivedRef(c.Ref, "") {
				c.Ref = ""
			}
			if c.SPDX != nil && c.SPDX.Purpose == spdxPurpose(d.inv.Components[i].Kind) {
				c.SPDX.Purpose = ""
				c.SPDX = c.SPDX.sound()
			}
			c.Licenses = withoutTexts(c.Licenses, texts)
			if c.empty() {
				d.inv.Components[i].Carried = nil
			}
		}
	}
	if d.notCarried > 0 {
		d.inv.Unknown = append(d.inv.Unknown, finding.Unknown{
			What:   "what the SBOM says besides of " + finding.Count(d.notCarried, "component"),
			Why:    fmt.Sprintf("of all of them together, no more than %d MiB are kept", maxCarried>>20),
			Beyond: true,
		})
	}
}

// graph makes the inventory's graph of what the document told: all of its
// packages and components have a place in it.
func (d *decoder) graph() error {
	inv := d.inv
	n := len(inv.Packages) + len(inv.Components)
	needs := make([][]int32, n)
	copy(needs, d.packageNeeds)
	copy(needs[len(inv.Packages):], d.componentNeeds)
	for _, list := range needs {
		for _, need := range list {
			if need < 0 || int(need) >= n {
				return fmt.Errorf("something depends on number %d of %d packages and components", need, n)
			}
		}
	}
	place := func(ref int32) int {
		switch s := d.refs.stands[ref]; {
		case s > 0:
			return int(s) - 1
		case s < 0:
			return len(inv.Packages) - int(s) - 1
		}
		return -1
	}
	for ref, told := range d.refs.told {
		if i := place(int32(ref)); told && i >= 0 && needs[i] == nil {
			needs[i] = []int32{}
		}
	}
	join := func(edges [][2]int32) {
		for _, e := range edges {
			from, to := place(e[0]), place(e[1])
			if from >= 0 && to >= 0 {
				needs[from] = append(needs[from], int32(to))
			}
		}
	}
	join(d.refs.edges)
	if len(d.refs.dev) > 0 {
		ships := slices.Clone(needs)
		join(d.refs.dev)
		inv.markDev(ships, needs)
	}
	ps, cs := inv.Packages, inv.Components
	inv.Packages, inv.Components = nil, nil
	inv.Attach(ps, cs, needs)
	return nil
}

// markDev marks for development the packages that nothing that ships needs: ships
// and all are what needs what, without and with what is for development.
func (inv *Inventory) markDev(ships, all Graph) {
	nodes := make([]int32, len(all))
	for i := range nodes {
		nodes[i] = int32(i)
	}
	shipped := make([]bool, len(all))
	for todo := all.Heads(nodes); len(todo) > 0; {
		n := todo[len(todo)-1]
		if todo = todo[:len(todo)-1]; !shipped[n] {
			shipped[n] = true
			todo = append(todo, ships[n]...)
		}
	}
	for i := range inv.Packages {
		inv.Packages[i].Dev = inv.Packages[i].Dev || !shipped[i]
	}
}

// foreignGraph puts another tool's graph right.
func (d *decoder) foreignGraph() {
	inv := d.inv
	if len(d.described) == 1 {
		if i := d.packageOf(d.described[0]); i >= 0 {
			needs, _ := inv.Graph.Of(inv.Packages[i].Node)
			inv.Packages[i].Root = len(needs) > 0
		}
	}
	if d.trivy {
		inv.untell()
	}
	d.findMain()
	needed := make([]bool, len(inv.Graph))
	for _, list := range inv.Graph {
		for _, n := range list {
			needed[n] = true
		}
	}
	// The distribution is in the inventory already.
	inv.Components = slices.DeleteFunc(inv.Components, func(c Component) bool {
		needs, _ := inv.Graph.Of(c.Node)
		return c.Kind == string(cdx.ComponentTypeOS) && len(needs) == 0 && !needed[c.Node]
	})
}

// untell takes back that the packages of a lock file need nothing, where a tool
// says so of all of them: Trivy does of files that tell no graph.
func (inv *Inventory) untell() {
	for _, c := range inv.Components {
		list, _ := inv.Graph.Of(c.Node)
		if c.Path == "" || slices.ContainsFunc(list, func(n int32) bool { return len(inv.Graph[n]) > 0 }) {
			continue
		}
		for _, n := range list {
			inv.Graph[n] = nil
		}
	}
}

// findMain sees to it that a graph has a root: where nothing that others are
// there for says what it needs, it is what nothing else needs.
func (d *decoder) findMain() {
	inv := d.inv
	var of []int32
	edges := false
	for _, p := range inv.Packages {
		needs, told := inv.Graph.Of(p.Node)
		if p.Root && told {
			return
		}
		edges = edges || len(needs) > 0
		of = append(of, p.Node)
	}
	main := -1
	for i, c := range inv.Components {
		if needs, _ := inv.Graph.Of(c.Node); c.Root && len(needs) > 0 {
			return
		}
		if c.Main {
			main = i
		}
	}
	if !edges {
		return
	}
	if main < 0 {
		main = len(inv.Components)
		c := Component{Kind: string(cdx.ComponentTypeApplication), Name: orElse(inv.Subject.Name, d.name), Root: true, Main: true}
		c.Node = int32(len(inv.Graph))
		inv.Components, inv.Graph = append(inv.Components, c), append(inv.Graph, nil)
	}
	c := &inv.Components[main]
	c.Guessed = true
	inv.Graph[c.Node] = inv.Graph.Heads(of)
}

// nativeNeeds counts what something in Drydock's own format needs.
func (d *decoder) nativeNeeds(to *[][]int32, needs *[]int32) error {
	if needs == nil {
		*to = append(*to, nil)
		return nil
	}
	if d.edges += len(*needs); d.edges > maxEdges {
		return errEdges
	}
	if *needs == nil {
		*needs = []int32{}
	}
	*to = append(*to, *needs)
	return nil
}

// cdxDependency reads an element of a CycloneDX document's graph. That there is
// one tells what its component needs, be it nothing.
func (d *decoder) cdxDependency(dec *json.Decoder) error {
	if err := d.count(); err != nil {
		return err
	}
	var e struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
	if err := dec.Decode(&e); err != nil {
		var wrong *json.UnmarshalTypeError
		if !errors.As(err, &wrong) {
			return err
		}
		d.unknown("what "+orElse(e.Ref, "a component")+" needs", "its entry cannot be read: "+err.Error())
		return nil
	}
	d.refs.tell(e.Ref)
	for _, to := range e.DependsOn {
		if err := d.refs.need(e.Ref, to); err != nil {
			return err
		}
	}
	return nil
}

// xmlDependency reads an element of a graph in XML: one within another is what
// that needs.
func (d *decoder) xmlDependency(dec *xml.Decoder, e xml.StartElement, from string) error {
	if err := d.count(); err != nil {
		return err
	}
	ref := ""
	for _, a := range e.Attr {
		if a.Name.Local == "ref" {
			ref = a.Value
		}
	}
	if from != "" {
		if err := d.refs.need(from, ref); err != nil {
			return err
		}
		return dec.Skip()
	}
	d.refs.tell(ref)
	return d.children(dec, func(e xml.StartElement) error {
		if e.Name.Local != "dependency" || ref == "" {
			return dec.Skip()
		}
		return d.xmlDependency(dec, e, ref)
	})
}
