package sbom

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"

	"github.com/drydock-dev/drydock/internal/finding"
)

// cdxSubject takes from a document's metadata what it describes.
func (d *decoder) cdxSubject(c *cdx.Component, ps []cdx.Property) error {
	inv := d.inv
	own := false
	for _, p := range ps {
		switch p.Name {
		case propSubjectKind:
			own, inv.Subject.Kind = true, finding.SubjectKind(p.Value)
		case propSubjectName:
			own, inv.Subject.Name = true, p.Value
		case propSubjectDigest:
			own, inv.Subject.Digest = true, finding.Digest(p.Value)
		case propUnknown:
			own = true
			var n nativeUnknown
			if err := json.Unmarshal([]byte(p.Value), &n); err != nil {
				return fmt.Errorf("property %s: %w", p.Name, err)
			}
			inv.Unknown = append(inv.Unknown, n.unknown())
		case propLicenseText:
			own = true
			var l ExtractedLicense
			if err := json.Unmarshal([]byte(p.Value), &l); err != nil {
				return fmt.Errorf("property %s: %w", p.Name, err)
			}
			d.licenseText(l)
		}
	}
	if c == nil {
		return nil
	}
	text, main := otherProperty(deref(c.Properties))
	if ownComponent(deref(c.Properties)) { // a package that an SBOM is about
		return d.component(c)
	}
	switch {
	case main:
		return d.ownComponent(text, c)
	case own || c.BOMRef == subjectRef:
		d.own = true
		return nil
	}
	inv.Subject.Name = c.Name
	if strings.HasPrefix(c.Version, "sha256:") {
		inv.Subject.Digest = finding.Digest(c.Version)
	} else if c.Version != "" {
		inv.Subject.Name += ":" + c.Version
	}
	for _, p := range deref(c.Properties) {
		switch p.Name {
		case "aquasecurity:trivy:DiffID":
			d.diffIDs = append(d.diffIDs, finding.Digest(p.Value))
		case "aquasecurity:trivy:ImageID":
			inv.Subject.Digest = finding.Digest(p.Value)
		}
	}
	return d.addOther(Component{
		Kind: string(c.Type), Group: c.Group, Name: c.Name, Version: c.Version, Root: true, Main: true, Carried: carriedOf(c),
	}, c.BOMRef)
}

// otherProperty is the property of a component that is no package, in
// documents that Drydock wrote.
func otherProperty(ps []cdx.Property) (string, bool) {
	i := slices.IndexFunc(ps, func(p cdx.Property) bool { return p.Name == propComponent })
	if i < 0 {
		return "", false
	}
	return ps[i].Value, true
}

// ownComponent reads a component that Drydock wrote and that is no package.
func (d *decoder) ownComponent(text string, c *cdx.Component) error {
	var n nativeComponent
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		return fmt.Errorf("property %s: %w", propComponent, err)
	}
	d.own = true
	out := n.toComponent()
	if out.Carried = d.keep(out.Carried); out.Carried == nil && !ownDistro(deref(c.Properties)) {
		carried := carriedOf(c)
		carried.Kind = ""
		out.Carried = d.carry(carried, nil)
	}
	return d.addComponent(out, c.BOMRef)
}

// component takes one component, without those inside it.
func (d *decoder) component(c *cdx.Component) error {
	ps := deref(c.Properties)
	text, other := otherProperty(ps)
	if c.Type == cdx.ComponentTypeOS && (!other || ownDistro(ps)) {
		d.cdxDistro(c, ps)
		switch {
		case other:
			return d.ownComponent(text, c)
		case ownDistro(ps):
			return nil
		}
		return d.addOther(Component{
			Kind: string(c.Type), Name: c.Name, Version: c.Version, Root: true, Carried: carriedOf(c),
		}, c.BOMRef)
	}
	switch {
	case other:
		return d.ownComponent(text, c)
	case ownComponent(ps):
		p, err := ownPackage(c, ps)
		if err != nil {
			return fmt.Errorf("component %s: %w", c.BOMRef, err)
		}
		d.own = true
		p.Carried = d.carry(carriedOf(c), &p)
		if err = d.add(p); err == nil {
			d.standFor(c.BOMRef, false)
		}
		return err
	}
	return d.foreignComponent(c, ps)
}

func ownComponent(ps []cdx.Property) bool {
	return len(ps) > 0 && ps[0].Name == propType
}

// ownPackage reads a component that Drydock wrote: the inverse of
// packageComponent.
func ownPackage(c *cdx.Component, ps []cdx.Property) (Package, error) {
	p := Package{Namespace: c.Group, Name: c.Name, Version: c.Version, LayerIndex: -1}
	for _, prop := range ps {
		v := prop.Value
		switch prop.Name {
		case propType:
			p.Type = v
		case propSource:
			p.Source = v
		case propSourceVersion:
			p.SourceVersion = v
		case propModule:
			p.Module = v
		case propVendor:
			p.Vendor = v
		case propVersionBy:
			p.VersionBy = v
		case propOrigin:
			p.Origin = v
		case propUUID:
			p.UUID = v
		case propArch:
			p.Arch = v
		case propLicense:
			p.Licenses = append(p.Licenses, v)
		case propLocation:
			var n nativeLocation
			if err := json.Unmarshal([]byte(v), &n); err != nil {
				return p, fmt.Errorf("property %s: %w", prop.Name, err)
			}
			p.Locations = append(p.Locations, Location(n))
		case propLayer:
			p.Layer = finding.Digest(v)
		case propLayerIndex:
			n, err := strconv.Atoi(v)
			if err != nil || n < 0 {
				return p, fmt.Errorf("property %s: %q is not a layer", prop.Name, v)
			}
			p.LayerIndex = n
		case propOwner:
			p.Owner = v
		case propRemoved:
			p.Removed = v == "true"
		case propDev:
			p.Dev = v == "true"
		case propRoot:
			p.Root = v == "true"
		case propInBase:
			in := v == "true"
			p.InBase = &in
		case propCataloger:
			p.Cataloger = v
		}
	}
	if p.Type == "" || p.Name == "" {
		return p, fmt.Errorf("it has no type or no name")
	}
	return p, nil
}

// foreignComponent reads a component that another tool wrote.
func (d *decoder) foreignComponent(c *cdx.Component, ps []cdx.Property) error {
	other := Component{Kind: string(c.Type), Group: c.Group, Name: c.Name, Version: c.Version}
	other.Carried = carriedOf(c)
	switch c.Type {
	case cdx.ComponentTypeFile:
		if c.PackageURL == "" {
			return nil // said not to be a package, and there are many
		}
	case cdx.ComponentTypeContainer, cdx.ComponentTypePlatform, cdx.ComponentTypeDevice,
		cdx.ComponentTypeData, cdx.ComponentTypeCryptographicAsset:
		if c.PackageURL == "" {
			return d.addOther(other, c.BOMRef)
		}
	}
	facts := make(map[string]string, len(ps))
	for _, p := range ps {
		if _, seen := facts[p.Name]; !seen {
			facts[p.Name] = p.Value
		}
	}
	if c.PackageURL == "" && facts["aquasecurity:trivy:Class"] != "" { // Trivy's heading over what one lock file lists
		other.Path, other.Root = c.Name, true
		return d.addOther(other, c.BOMRef)
	}
	e := element{
		id: c.BOMRef, other: other,
		name: joinName(c.Group, c.Name), version: c.Version, purl: c.PackageURL, facts: facts,
		licenses: names(other.Carried.Licenses),
	}
	if c.Evidence != nil {
		for _, o := range deref(c.Evidence.Occurrences) {
			l := Location{Path: o.Location}
			if o.Line != nil && *o.Line > 0 {
				l.Line = *o.Line
			}
			e.locations = append(e.locations, l)
		}
	}
	return d.foreign(&e)
}

// ownDistro reports whether Drydock wrote a component of a distribution.
func ownDistro(ps []cdx.Property) bool {
	return slices.ContainsFunc(ps, func(p cdx.Property) bool { return strings.HasPrefix(p.Name, propDistro) })
}

// cdxDistro reads an operating-system component.
func (d *decoder) cdxDistro(c *cdx.Component, ps []cdx.Property) {
	var out Distro
	for _, p := range ps {
		field, ok := strings.CutPrefix(p.Name, propDistro)
		if !ok {
			if field, ok = strings.CutPrefix(p.Name, "syft:distro:"); !ok {
				continue
			}
		}
		switch field {
		case "id":
			out.ID = p.Value
		case "version-id", "versionID":
			out.VersionID = p.Value
		case "codename", "versionCodename":
			out.Codename = p.Value
		case "pretty-name", "prettyName":
			out.PrettyName = p.Value
		case "cpe", "cpeName":
			out.CPEName = p.Value
		case "repository":
			out.Repositories = append(out.Repositories, p.Value)
		default:
			if field == "id-like" || strings.HasPrefix(field, "idLike:") {
				out.IDLike = append(out.IDLike, p.Value)
			}
		}
	}
	if ownDistro(ps) {
		d.own = true
		d.inv.Distro = &out
		return
	}
	out.ID, out.VersionID = orElse(out.ID, c.Name), orElse(out.VersionID, c.Version)
	out.CPEName = orElse(out.CPEName, c.CPE)
	d.setDistro(out)
}

// joinName is a component's whole name for people.
func joinName(group, name string) string {
	if group == "" {
		return name
	}
	return group + "/" + name
}

func deref[T any](p *[]T) []T {
	if p == nil {
		return nil
	}
	return *p
}
