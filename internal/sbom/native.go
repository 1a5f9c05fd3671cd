package sbom

import (
	"io"
	"slices"
	"time"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/jsonstream"
)

// Schema names Drydock's own format and its version.
const Schema = "drydock-sbom/v1"

// native is an inventory as Drydock's own JSON has it. Its parts also travel
// inside SPDX documents, as comments.
type native struct {
	Schema  string      `json:"schema"`
	Tool    *nativeTool `json:"tool,omitempty"`
	Created string      `json:"created,omitempty"`
	nativeHeader
	Packages   []nativePackage   `json:"packages"`
	Components []nativeComponent `json:"otherComponents,omitempty"`
}

// nativeHeader is what an inventory says of its target as a whole.
type nativeHeader struct {
	Subject nativeSubject   `json:"subject"`
	Distro  *nativeDistro   `json:"distro,omitempty"`
	Unknown []nativeUnknown `json:"unknown,omitempty"`
	// Licenses are those that documents define, with their texts.
	Licenses []ExtractedLicense `json:"extractedLicenses,omitempty"`
}

type nativeTool struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
}

type nativeSubject struct {
	Kind   finding.SubjectKind `json:"kind,omitempty"`
	Name   string              `json:"name,omitempty"`
	Digest finding.Digest      `json:"digest,omitempty"`
}

type nativeDistro struct {
	ID         string   `json:"id,omitempty"`
	IDLike     []string `json:"idLike,omitempty"`
	VersionID  string   `json:"versionId,omitempty"`
	Codename   string   `json:"codename,omitempty"`
	PrettyName string   `json:"prettyName,omitempty"`
	CPEName    string   `json:"cpeName,omitempty"`

	Repositories []string `json:"repositories,omitempty"`
}

type nativePackage struct {
	PURL          string           `json:"purl,omitempty"`
	Type          string           `json:"type"`
	Namespace     string           `json:"namespace,omitempty"`
	Name          string           `json:"name"`
	Version       string           `json:"version,omitempty"`
	Source        string           `json:"source,omitempty"`
	SourceVersion string           `json:"sourceVersion,omitempty"`
	Module        string           `json:"module,omitempty"`
	Vendor        string           `json:"vendor,omitempty"`
	VersionBy     string           `json:"versionBy,omitempty"`
	UUID          string           `json:"uuid,omitempty"`
	Origin        string           `json:"origin,omitempty"` // where it came from, if not from its registry
	Arch          string           `json:"arch,omitempty"`
	Licenses      []string         `json:"licenses,omitempty"`
	Locations     []nativeLocation `json:"locations,omitempty"`
	Layer         finding.Digest   `json:"layer,omitempty"`
	LayerIndex    *int             `json:"layerIndex,omitempty"` // absent: not known
	Owner         string           `json:"owner,omitempty"`
	Removed       bool             `json:"removed,omitempty"`
	Root          bool             `json:"root,omitempty"` // others are there for it
	Dev           bool             `json:"dev,omitempty"`
	InBase        *bool            `json:"inBase,omitempty"`
	Cataloger     string           `json:"cataloger,omitempty"`
	DependsOn     *[]int32         `json:"dependsOn,omitempty"` // see nativeNeeds
	Carried       *Carried         `json:"carried,omitempty"`
}

// nativeComponent is a component. DependsOn is as a package's.
type nativeComponent struct {
	Kind      string   `json:"kind,omitempty"`
	Group     string   `json:"group,omitempty"`
	Name      string   `json:"name,omitempty"`
	Version   string   `json:"version,omitempty"`
	Path      string   `json:"path,omitempty"`
	Folder    string   `json:"folder,omitempty"`
	Root      bool     `json:"root,omitempty"`
	Main      bool     `json:"main,omitempty"`
	Guessed   bool     `json:"guessed,omitempty"`
	DependsOn *[]int32 `json:"dependsOn,omitempty"`
	Carried   *Carried `json:"carried,omitempty"`
}

type nativeLocation struct {
	Path  string         `json:"path"`
	Layer finding.Digest `json:"layer,omitempty"`
	Line  int            `json:"line,omitempty"`
}

type nativeUnknown struct {
	Subject *nativeSubject `json:"subject,omitempty"`
	What    string         `json:"what,omitempty"`
	Why     string         `json:"why,omitempty"`
}

func writeNative(w io.Writer, inv *Inventory, opt EncodeOptions) error {
	n := native{
		Schema: Schema, nativeHeader: toNativeHeader(inv),
		Tool: &nativeTool{Name: "drydock", Version: opt.ToolVersion}, Created: timestamp(opt.Now),
	}
	write := jsonstream.Write
	if opt.Compact {
		write = jsonstream.WriteCompact
	}
	return write(w, jsonstream.Value{V: &n, Lists: nativeLists(inv)})
}

// timestamp is t in UTC to the second, as every format wants it; empty for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// nativeLists are the packages and components of an inventory, made one by one.
func nativeLists(inv *Inventory) jsonstream.Lists {
	places := inv.places()
	packages := jsonstream.Map(slices.Values(inv.Packages), func(p Package) nativePackage {
		n := toNativePackage(p)
		n.PURL, n.DependsOn = p.PURLIn(inv.Distro), inv.nativeNeeds(p.Node, places)
		return n
	})
	components := jsonstream.Map(slices.Values(inv.Components), func(c Component) nativeComponent {
		n := toNativeComponent(c)
		n.DependsOn = inv.nativeNeeds(c.Node, places)
		return n
	})
	return jsonstream.Lists{"packages": packages, "otherComponents": components}
}

// nativeNeeds is what a node needs: places in the list of packages and, after
// these, of components. It is absent where that is not told.
func (inv *Inventory) nativeNeeds(node int32, places []int32) *[]int32 {
	needs, told := inv.Graph.Of(node)
	if !told {
		return nil
	}
	out := make([]int32, 0, len(needs))
	for _, n := range needs {
		if at := places[n]; at >= 0 {
			out = append(out, at)
		}
	}
	return &out
}

// places is, by node, its place in the list of packages and, after these, of
// components; -1: it is in neither.
func (inv *Inventory) places() []int32 {
	out := make([]int32, len(inv.Graph))
	for i := range out {
		out[i] = -1
	}
	put := func(node int32, place int) {
		if inv.Graph.Has(node) {
			out[node] = int32(place)
		}
	}
	for i := range inv.Packages {
		put(inv.Packages[i].Node, i)
	}
	for i := range inv.Components {
		put(inv.Components[i].Node, len(inv.Packages)+i)
	}
	return out
}

func toNativeHeader(inv *Inventory) nativeHeader {
	return nativeHeader{
		Subject: nativeSubject(inv.Subject),
		Distro:  (*nativeDistro)(inv.Distro),
		Unknown: toNativeUnknown(inv.Unknown), Licenses: inv.LicenseTexts,
	}
}

func (inv *Inventory) setHeader(h nativeHeader) {
	inv.Subject = finding.Subject(h.Subject)
	inv.Distro = (*Distro)(h.Distro)
	for _, u := range h.Unknown {
		inv.Unknown = append(inv.Unknown, u.unknown())
	}
}

func toNativeUnknown(us []finding.Unknown) []nativeUnknown {
	var out []nativeUnknown
	for _, u := range us {
		n := nativeUnknown{What: u.What, Why: u.Why}
		if u.Subject != (finding.Subject{}) {
			s := nativeSubject(u.Subject)
			n.Subject = &s
		}
		out = append(out, n)
	}
	return out
}

func (n nativeUnknown) unknown() finding.Unknown {
	u := finding.Unknown{What: n.What, Why: n.Why}
	if n.Subject != nil {
		u.Subject = finding.Subject(*n.Subject)
	}
	return u
}

func toNativePackage(p Package) nativePackage {
	n := nativePackage{
		Type: p.Type, Namespace: p.Namespace, Name: p.Name, Version: p.Version,
		Source: p.Source, SourceVersion: p.SourceVersion, Licenses: p.Licenses,
		Module: p.Module, Vendor: p.Vendor, VersionBy: p.VersionBy, Origin: p.Origin, UUID: p.UUID, Arch: p.Arch,
		Layer: p.Layer, Owner: p.Owner, Removed: p.Removed, Root: p.Root, Dev: p.Dev, InBase: p.InBase, Cataloger: p.Cataloger,
		Carried: p.Carried,
	}
	for _, l := range p.Locations {
		n.Locations = append(n.Locations, nativeLocation(l))
	}
	if p.LayerIndex >= 0 {
		n.LayerIndex = &p.LayerIndex
	}
	return n
}

func (n nativePackage) toPackage() Package {
	p := Package{
		Type: n.Type, Namespace: n.Namespace, Name: n.Name, Version: n.Version,
		Source: n.Source, SourceVersion: n.SourceVersion, Licenses: n.Licenses,
		Module: n.Module, Vendor: n.Vendor, VersionBy: n.VersionBy, Origin: n.Origin, UUID: n.UUID, Arch: n.Arch,
		Layer: n.Layer, LayerIndex: -1, Owner: n.Owner, Removed: n.Removed, Root: n.Root, Dev: n.Dev, InBase: n.InBase, Cataloger: n.Cataloger,
		Carried: n.Carried,
	}
	for _, l := range n.Locations {
		p.Locations = append(p.Locations, Location(l))
	}
	if n.LayerIndex != nil && *n.LayerIndex >= 0 {
		p.LayerIndex = *n.LayerIndex
	}
	return p
}

func toNativeComponent(c Component) nativeComponent {
	return nativeComponent{
		Kind: c.Kind, Group: c.Group, Name: c.Name, Version: c.Version, Path: c.Path, Folder: c.Folder,
		Root: c.Root, Main: c.Main, Guessed: c.Guessed, Carried: c.Carried,
	}
}

func (n nativeComponent) toComponent() Component {
	return Component{
		Kind: n.Kind, Group: n.Group, Name: n.Name, Version: n.Version, Path: n.Path, Folder: n.Folder,
		Root: n.Root, Main: n.Main, Guessed: n.Guessed, Carried: n.Carried,
	}
}
