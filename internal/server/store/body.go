package store

import (
	"github.com/drydock-dev/drydock/internal/sbom"
	"github.com/drydock-dev/drydock/internal/vuln"
)

// partBody is a part as it is stored. The hash of it is the part's identity: a field
// that is added here is left out where it is empty, or every part becomes another.
type partBody struct {
	Distro   *distroBody   `json:"distro,omitempty"`
	Packages []packageBody `json:"packages"`
	Sourced  bool          `json:"sourced,omitempty"`
}

type distroBody struct {
	ID           string   `json:"id,omitempty"`
	IDLike       []string `json:"like,omitempty"`
	VersionID    string   `json:"version,omitempty"`
	Codename     string   `json:"codename,omitempty"`
	PrettyName   string   `json:"name,omitempty"`
	CPEName      string   `json:"cpe,omitempty"`
	Repositories []string `json:"repositories,omitempty"`
}

type packageBody struct {
	Type          string   `json:"t,omitempty"`
	Namespace     string   `json:"ns,omitempty"`
	Name          string   `json:"n,omitempty"`
	Version       string   `json:"v,omitempty"`
	Source        string   `json:"src,omitempty"`
	SourceVersion string   `json:"srcv,omitempty"`
	Module        string   `json:"mod,omitempty"`
	Vendor        string   `json:"by,omitempty"`
	VersionBy     string   `json:"vby,omitempty"`
	Origin        string   `json:"from,omitempty"`
	UUID          string   `json:"uuid,omitempty"`
	Arch          string   `json:"arch,omitempty"`
	Licenses      []string `json:"lic,omitempty"`
	Owner         string   `json:"own,omitempty"`
	Removed       bool     `json:"gone,omitempty"`
	Root          bool     `json:"root,omitempty"`
	Dev           bool     `json:"dev,omitempty"`
	Cataloger     string   `json:"cat,omitempty"`
}

func encodePart(p *vuln.Part) ([]byte, error) {
	b := partBody{Distro: (*distroBody)(p.Inventory.Distro), Sourced: p.Sourced, Packages: make([]packageBody, len(p.Inventory.Packages))}
	for i := range p.Inventory.Packages {
		q := &p.Inventory.Packages[i]
		b.Packages[i] = packageBody{
			q.Type, q.Namespace, q.Name, q.Version, q.Source, q.SourceVersion, q.Module, q.Vendor, q.VersionBy, q.Origin,
			q.UUID, q.Arch, q.Licenses, q.Owner, q.Removed, q.Root, q.Dev, q.Cataloger,
		}
	}
	return encode(&b)
}

func (b *partBody) part() vuln.Part {
	p := vuln.Part{Sourced: b.Sourced}
	p.Inventory.Distro = (*sbom.Distro)(b.Distro)
	p.Inventory.Packages = make([]sbom.Package, len(b.Packages))
	for i := range b.Packages {
		q := &b.Packages[i]
		p.Inventory.Packages[i] = sbom.Package{
			Type: q.Type, Namespace: q.Namespace, Name: q.Name, Version: q.Version, Source: q.Source, SourceVersion: q.SourceVersion,
			Module: q.Module, Vendor: q.Vendor, VersionBy: q.VersionBy, Origin: q.Origin, UUID: q.UUID, Arch: q.Arch, Licenses: q.Licenses,
			Owner: q.Owner, Removed: q.Removed, Root: q.Root, Dev: q.Dev, Cataloger: q.Cataloger,
		}
	}
	return p
}
