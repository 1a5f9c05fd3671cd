package sbom

import (
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// element is a component or package of another tool's document: what is common
// to CycloneDX and SPDX, and the facts that only its dialect names.
type element struct {
	id            string    // by which the document refers to it
	other         Component // what it is if it is no package
	name, version string
	purl          string
	licenses      []string
	locations     []Location
	facts         map[string]string // properties and annotations by their names in the dialect
}

// foreign makes a package of an element, or an unknown.
func (d *decoder) foreign(e *element) error {
	label := strings.TrimSpace(e.name + " " + e.version)
	if e.purl == "" {
		if label == "" {
			label = orElse(e.id, "without a name")
		}
		d.unknown("component "+label, "it has no package URL, so nothing can be looked up for it")
		return d.addOther(e.other, e.id)
	}
	p, q, err := fromPURL(e.purl)
	if err != nil {
		d.unknown("component "+orElse(label, e.purl), err.Error())
		return d.addOther(e.other, e.id)
	}
	switch p.Type {
	case "oci", "docker": // an image, not a package
		e.other.Kind = "container"
		return d.addOther(e.other, e.id)
	}
	if p.Type == "maven" && p.Namespace == "" {
		if group, name, ok := strings.Cut(p.Name, ":"); ok {
			p.Namespace, p.Name = group, name
		} else {
			p.Namespace = e.other.Group
		}
	}
	if strings.EqualFold(e.name, joinName(p.Namespace, p.Name)) && p.Type == "golang" {
		p.Namespace, p.Name = e.name[:len(p.Namespace)], e.name[len(e.name)-len(p.Name):]
	}
	if p.Version == "" {
		p.Version = e.version
	}
	if p.Version == "" && p.Type == "golang" {
		p.Version = "(devel)" // as Go itself calls a main module that no release was made of
	}
	if p.Version == "" {
		d.unknown("vulnerabilities of "+e.purl, "the SBOM gives it no version")
	}
	d.noteDistro(&p, q)
	p.Licenses, p.Locations = e.licenses, e.locations
	if p.FromDistro() {
		p.Vendor = e.other.Carried.builder()
	}
	d.trivy = trivyFacts(&p, e.facts) || d.trivy
	syftFacts(&p, e.facts)
	if name := developmentProperty(p.Type); name != "" && e.facts[name] == "true" {
		p.Dev = true
	}
	p.normalSource()
	p.Carried = d.carry(e.other.Carried, &p)
	if err := d.add(p); err != nil {
		return err
	}
	d.standFor(e.id, false)
	return nil
}

// trivyFacts reads what Trivy says beside the purl, and reports whether it wrote
// the document.
func trivyFacts(p *Package, facts map[string]string) bool {
	const prefix = "aquasecurity:trivy:"
	if p.FromDistro() {
		if name := facts[prefix+"SrcName"]; name != "" {
			p.Source = name
		}
		if v := facts[prefix+"SrcVersion"]; v != "" {
			if r := facts[prefix+"SrcRelease"]; r != "" {
				v += "-" + r
			}
			p.SourceVersion = withEpoch(facts[prefix+"SrcEpoch"], v)
		}
	}
	if m := ModuleStream(facts[prefix+"Modularitylabel"]); m != "" {
		p.Module = m
	}
	if l := facts[prefix+"LayerDiffID"]; l != "" {
		p.Layer = finding.Digest(l)
	}
	if path := facts[prefix+"FilePath"]; path != "" && len(p.Locations) == 0 {
		p.Locations = []Location{{Path: absolute(path), Layer: p.Layer}}
	}
	return facts[prefix+"PkgType"] != "" || facts[prefix+"PkgID"] != ""
}

// syftFacts reads what Syft says beside the purl: places with their layers,
// and the package database's own fields.
func syftFacts(p *Package, facts map[string]string) {
	if by := facts["syft:package:foundBy"]; by != "" {
		p.Cataloger = by
	}
	var found []Location
	for i := 0; ; i++ {
		at := "syft:location:" + strconv.Itoa(i)
		path, ok := facts[at+":path"]
		if !ok {
			break
		}
		found = append(found, Location{Path: path, Layer: finding.Digest(facts[at+":layerID"])})
	}
	if len(found) > 0 {
		p.Locations = found
		p.Layer = found[0].Layer
		// The package database is written anew by every layer that installs
		// something; a file of the package's own tells which one brought it.
		for _, l := range found {
			if !packageDatabase(l.Path) {
				p.Layer = l.Layer
				break
			}
		}
	}
	if !p.FromDistro() {
		return
	}
	if p.Type == "rpm" {
		p.Version = withEpoch(facts["syft:metadata:epoch"], p.Version)
		p.Module = orElse(p.Module, ModuleStream(facts["syft:metadata:modularityLabel"]))
		if rpm := facts["syft:metadata:sourceRpm"]; rpm != "" && p.Source == "" {
			p.Source, p.SourceVersion = splitUpstream(rpm)
		}
	}
	for _, key := range []string{"syft:metadata:source", "syft:metadata:originPackage"} {
		if p.Source == "" {
			p.Source = facts[key]
		}
	}
	if p.SourceVersion == "" {
		p.SourceVersion = facts["syft:metadata:sourceVersion"]
	}
}

func packageDatabase(path string) bool {
	return path == "/var/lib/dpkg/status" || path == "/lib/apk/db/installed" || strings.HasPrefix(path, "/var/lib/rpm/") ||
		strings.HasPrefix(path, "/usr/lib/sysimage/rpm/")
}

// absolute puts the slash before a path that a tool wrote without.
func absolute(path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return "/" + path
}
