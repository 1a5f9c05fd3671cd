package sbom

import "github.com/drydock-dev/drydock/internal/finding"

// Package is one piece of software at one version. One purl is one package,
// however many places it was seen in.
type Package struct {
	Type          string         // purl type: deb, apk, rpm, npm, golang, cargo, pypi, maven, gem, composer, nuget, generic, bitnami
	Namespace     string         // purl namespace: "debian", "@babel", "org.apache.logging.log4j", "github.com/spf13"
	Name          string         // purl name: "openssl", "core", "log4j-core", "cobra"
	Version       string         // whole, as its ecosystem compares it: "1:2.3-4" with epoch for deb and rpm
	Source        string         // source package's name, a distribution's package only; empty: the same as Name
	SourceVersion string         // empty: the same as Version
	Module        string         // the RPM module and stream it is built for, "mariadb:10.3"; empty: none
	Vendor        string         // who built a distribution's package, by its own word: RPM's Vendor, dpkg's Maintainer; empty: not said
	VersionBy     string         // who says the version, "the builder golang:1.22.5"; empty: who names the package
	Origin        string         // where the code came from, if not from its ecosystem's registry: a repository's address, "file:…"
	UUID          string         // by which Julia tells packages of one name apart; empty for others
	Arch          string         // "amd64", "x86_64" ...; empty: none
	Licenses      []string       // as declared, sorted
	Locations     []Location     // sorted by path; where it was read from
	Layer         finding.Digest // diffID of the layer that first introduced it; empty: not known
	LayerIndex    int            // of that layer, bottom 0; -1: not known
	Owner         string         // purl of the distribution package that owns its files; empty: none
	Removed       bool           // installed in one layer and removed above: not in the final image
	Root          bool           // others are there for it: the main module of a program
	Dev           bool           // a development dependency, by its lock file
	InBase        *bool          // nil: not known
	Cataloger     string         // which one found it: "dpkg", "npm", "program"
	Node          int32          // its number in the inventory's graph; 0: it has no place in it
	Carried       *Carried       // what an SBOM says of it besides; nil: nothing
}

// Location is a file that a package was read from.
type Location struct {
	Path  string         // absolute in an image; relative to the target for a folder
	Layer finding.Digest // diffID; empty for a folder
	Line  int            // 1-based line in a lock file; 0: the file as a whole
}

// Distro is the distribution of a root file system, from os-release.
type Distro struct {
	ID         string // "debian", "alpine", "ubuntu", "wolfi", "rhel" ...
	IDLike     []string
	VersionID  string // "12", "3.18.9", "22.04"; empty for rolling ones such as sid
	Codename   string // "bookworm"
	PrettyName string
	CPEName    string
	// Repositories are those of the vendor's that the packages come from, where the
	// image says so: Red Hat's content sets, "rhel-9-for-x86_64-baseos-rpms".
	Repositories []string
}

// Inventory is everything found in one target.
type Inventory struct {
	Subject    finding.Subject
	Distro     *Distro           // nil: none found
	Packages   []Package         // sorted by purl
	Components []Component       // what is no package and needs some; sorted by file
	Graph      Graph             // what needs what
	Unknown    []finding.Unknown // what could not be read
	// LicenseTexts are the licences that SPDX documents defined; sorted by identifier.
	LicenseTexts []ExtractedLicense
}
