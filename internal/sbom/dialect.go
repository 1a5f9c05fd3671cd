package sbom

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// element is a component or package of another tool's document: what is common
// to CycloneDX and SPDX, and the facts that only its dialect names.
type element struct {
	id            string // by which the document refers to it
	kind          string // what it is, in CycloneDX's words
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
		return d.addComponent(Component{Kind: orElse(e.kind, "library"), Name: e.name, Version: e.version}, e.id)
	}
	p, q, err := fromPURL(e.purl)
	if err != nil {
		d.unknown("component "+orElse(label, e.purl), err.Error())
		return d.addComponent(Component{Kind: orElse(e.kind, "library"), Name: e.name, Version: e.version}, e.id)
	}
	switch p.Type {
	case "oci", "docker": // an image, not a package
		return d.addComponent(Component{Kind: "container", Name: e.name, Version: e.version}, e.id)
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
	d.trivy = trivyFacts(&p, e.facts) || d.trivy
	syftFacts(&p, e.facts)
	if name := developmentProperty(p.Type); name != "" && e.facts[name] == "true" {
		p.Dev = true
	}
	p.normalSource()
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

// noteDistro gathers what a purl says of the distribution: as distro
// (Syft "debian-11", Trivy "debian-11.3" or "11.3"), or as Docker Scout's
// os_name, os_version and os_distro.
func (d *decoder) noteDistro(p *Package, q map[string]string) {
	if !p.FromDistro() {
		return
	}
	found := Distro{ID: q["os_name"], VersionID: q["os_version"], Codename: q["os_distro"]}
	if s := q["distro"]; s != "" {
		found = parseDistro(s, p.Namespace)
	}
	if found.ID == "" || found.VersionID == "" && found.Codename == "" {
		return
	}
	if d.systems == nil {
		d.systems = map[string]int{}
	}
	const most = 64 // distributions told apart; a document has one
	key := found.ID + "\x00" + found.VersionID + "\x00" + found.Codename
	if _, ok := d.systems[key]; ok || len(d.systems) < most {
		d.systems[key]++
	}
}

// parseDistro reads a distro qualifier, "debian-11" or a lone release.
func parseDistro(s, namespace string) Distro {
	if i := strings.LastIndexByte(s, '-'); i > 0 && i+1 < len(s) {
		if s[i+1] >= '0' && s[i+1] <= '9' {
			return Distro{ID: s[:i], VersionID: s[i+1:]}
		}
		return Distro{ID: s[:i], Codename: s[i+1:]}
	}
	if s[0] >= '0' && s[0] <= '9' {
		return Distro{ID: namespace, VersionID: s}
	}
	return Distro{ID: namespace, Codename: s}
}

// SameDistro says whether a distro qualifier, as any tool writes it, names a
// distribution: "debian-11", "debian-11.3", "bullseye", "11.3", or "debian".
func SameDistro(qualifier, namespace string, d *Distro) bool {
	if d == nil || qualifier == "" {
		return false
	}
	if strings.EqualFold(qualifier, d.ID) || d.Codename != "" && strings.EqualFold(qualifier, d.Codename) {
		return true
	}
	if namespace == "" {
		namespace = d.ID
	}
	want := normalDistro(parseDistro(qualifier, namespace))
	have := normalDistro(*d)
	if want.ID != have.ID {
		return false
	}
	if want.VersionID == "" || have.VersionID == "" {
		return want.Codename != "" && strings.EqualFold(want.Codename, have.Codename)
	}
	return want.VersionID == have.VersionID || strings.HasPrefix(have.VersionID, want.VersionID+".") || strings.HasPrefix(want.VersionID, have.VersionID+".")
}

// likelyDistro is the distribution that most purls name; nil: none does.
func (d *decoder) likelyDistro() *Distro {
	best, most := "", 0
	for _, key := range slices.Sorted(maps.Keys(d.systems)) {
		if d.systems[key] > most {
			best, most = key, d.systems[key]
		}
	}
	if most == 0 {
		return nil
	}
	f := strings.Split(best, "\x00")
	out := normalDistro(Distro{ID: f[0], VersionID: f[1], Codename: f[2]})
	return &out
}

// setDistro takes the first operating system that the document names.
func (d *decoder) setDistro(found Distro) {
	if d.inv.Distro != nil || found.ID == "" {
		return
	}
	found = normalDistro(found)
	d.inv.Distro = &found
}

// normalDistro says a distribution as its os-release does: tools have names of
// their own for some, and read Debian's point release from another file.
func normalDistro(d Distro) Distro {
	id := strings.ToLower(strings.TrimSpace(d.ID))
	switch id {
	case "redhat", "red hat", "red hat enterprise linux":
		id = "rhel"
	case "amazon", "amazon linux", "amazonlinux":
		id = "amzn"
	case "oracle", "oracle linux", "oraclelinux":
		id = "ol"
	case "alma":
		id = "almalinux"
	case "rockylinux":
		id = "rocky"
	case "alpine linux", "alpinelinux":
		id = "alpine"
	case "suse linux enterprise server":
		id = "sles"
	case "opensuse.leap":
		id = "opensuse-leap"
	case "opensuse.tumbleweed":
		id = "opensuse-tumbleweed"
	}
	d.ID = id
	if id == "debian" {
		d.VersionID, _, _ = strings.Cut(d.VersionID, ".")
		if v := d.VersionID; v != "" && (v[0] < '0' || v[0] > '9') {
			d.Codename, d.VersionID = orElse(d.Codename, v), ""
		}
	}
	return d
}
