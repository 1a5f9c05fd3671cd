package sbom

import (
	"fmt"
	"net/url"
	"strings"

	packageurl "github.com/package-url/packageurl-go"
)

// PURL is the package's URL in canonical form, with the qualifiers that tell
// builds and sources of it apart: arch, epoch (rpm) and rpmmod, upstream (the source
// package where it differs), vcs_url and download_url. It names no distribution release; [Package.PURLIn]
// does. A Go module keeps the case of its path: the specification would have it
// lowered, but module paths are case sensitive and every tool writes them as
// they are.
func (p Package) PURL() string { return p.PURLIn(nil) }

// PURLIn is PURL with the distro qualifier for packages of a distribution, as
// an SBOM that leaves the image behind needs it.
func (p Package) PURLIn(d *Distro) string {
	var q packageurl.Qualifiers
	add := func(key, value string) {
		if value != "" {
			q = append(q, packageurl.Qualifier{Key: key, Value: value})
		}
	}
	version, epoch := p.Version, ""
	if p.Type == packageurl.TypeRPM {
		epoch, version = splitEpoch(p.Version)
	}
	add("arch", p.Arch)
	if d != nil && p.FromDistro() {
		add("distro", d.qualifier())
	}
	add("epoch", epoch)
	if p.Type == packageurl.TypeRPM {
		add("rpmmod", p.Module)
	}
	add("upstream", p.upstream())
	add("uuid", p.UUID)
	switch {
	case fromRepository(p.Origin):
		add("vcs_url", p.Origin)
	case strings.HasPrefix(p.Origin, "https://"), strings.HasPrefix(p.Origin, "http://"):
		add("download_url", p.Origin)
	}
	return formatPURL(p.Type, p.Namespace, p.Name, version, q)
}

// FromDistro reports whether the package is of a type that distributions use.
func (p Package) FromDistro() bool {
	switch p.Type {
	case packageurl.TypeDebian, packageurl.TypeApk, packageurl.TypeRPM:
		return true
	}
	return false
}

// SourcePURL is the purl by which a finding names what is vulnerable: the
// source package for a distribution's, the package itself for any other,
// without qualifiers that do not matter to advisories. A '+' is left as it is
// for people to read, which every parser takes. d fills in the namespace where
// the package has none; it may be nil.
func SourcePURL(p Package, d *Distro) string {
	var q packageurl.Qualifiers
	namespace, name, version := p.Namespace, p.Name, p.Version
	if p.FromDistro() {
		name, version = orElse(p.Source, name), orElse(p.SourceVersion, version)
		if namespace == "" && d != nil {
			namespace = d.ID
		}
		if p.Type == packageurl.TypeRPM {
			var epoch string
			if epoch, version = splitEpoch(version); epoch != "" {
				q = packageurl.Qualifiers{{Key: "epoch", Value: epoch}}
			}
		}
	}
	return strings.ReplaceAll(formatPURL(p.Type, namespace, name, version, q), "%2B", "+")
}

// identity is what makes two records the same package: type, namespace, name,
// version, architecture and where it came from, in canonical form.
func (p Package) identity() string {
	p.Source, p.SourceVersion, p.Module = "", "", ""
	if p.Origin != "" && !fromRepository(p.Origin) {
		return p.PURL() + " " + p.Origin
	}
	return p.PURL()
}

func formatPURL(typ, namespace, name, version string, q packageurl.Qualifiers) string {
	u := packageurl.PackageURL{Type: typ, Namespace: namespace, Name: name, Version: version, Qualifiers: q}
	if typ != packageurl.TypeGolang {
		if n := u; n.Normalize() == nil {
			u = n
		}
	}
	return u.String()
}

// upstream is the value of the qualifier: "name", or "name@version".
func (p Package) upstream() string {
	if !p.FromDistro() || p.Source == "" && p.SourceVersion == "" {
		return ""
	}
	name := orElse(p.Source, p.Name)
	if p.SourceVersion == "" {
		return name
	}
	return name + "@" + p.SourceVersion
}

// FromPURL reads a package URL in any tool's dialect: upstream as Syft writes
// it (a name, name@version, or the file name of a source rpm), the epoch as a
// qualifier. What it cannot tell (layers, places) is left empty, LayerIndex -1.
func FromPURL(s string) (Package, error) {
	p, _, err := fromPURL(s)
	return p, err
}

// fromPURL is FromPURL that also returns the qualifiers.
func fromPURL(s string) (Package, map[string]string, error) {
	const limit = 64 << 10
	if len(s) > limit {
		return Package{}, nil, fmt.Errorf("purl of %d bytes is over the limit of %d", len(s), limit)
	}
	u, err := packageurl.FromString(s)
	if bare := bareJulia(s); err != nil && bare != "" {
		if u, err = packageurl.FromString(bare); err == nil {
			u.Qualifiers = nil
		}
	}
	if err != nil {
		return Package{}, nil, fmt.Errorf("purl %q: %w", s, err)
	}
	p := Package{Type: u.Type, Namespace: u.Namespace, Name: u.Name, Version: u.Version, LayerIndex: -1}
	if u.Type == packageurl.TypeGolang {
		p.Namespace, p.Name = goModule(s, u)
	}
	q := u.Qualifiers.Map()
	p.Arch = q["arch"]
	p.Origin = orElse(q["vcs_url"], p.downloaded(q["download_url"]))
	if p.Type == packageurl.TypeJulia {
		p.UUID = q["uuid"]
	}
	if !p.FromDistro() {
		return p, q, nil
	}
	p.Version = withEpoch(q["epoch"], p.Version)
	p.Module = ModuleStream(q["rpmmod"])
	p.Source, p.SourceVersion = splitUpstream(q["upstream"])
	p.normalSource()
	return p, q, nil
}

// bareJulia is a package URL of Julia's with the qualifier that the specification asks
// for, where it has none at all; "" for any other.
func bareJulia(s string) string {
	if !strings.HasPrefix(s, "pkg:julia/") || strings.ContainsAny(s, "?#") {
		return ""
	}
	return s + "?uuid=none"
}

// normalSource empties what is the same as the package's own. The name of a
// source rpm leaves the epoch out.
func (p *Package) normalSource() {
	if p.Source == p.Name {
		p.Source = ""
	}
	_, bare := splitEpoch(p.Version)
	if p.SourceVersion == p.Version || p.Type == packageurl.TypeRPM && p.SourceVersion == bare {
		p.SourceVersion = ""
	}
}

// goModule recovers the case of a module path, which the canonical form lowers.
func goModule(s string, u packageurl.PackageURL) (namespace, name string) {
	raw, _, _ := strings.Cut(s, "#")
	raw, _, _ = strings.Cut(raw, "?")
	_, raw, _ = strings.Cut(raw, "/")
	if i := strings.LastIndexByte(raw, '@'); i > 0 {
		raw = raw[:i]
	}
	path, err := url.PathUnescape(strings.Trim(raw, "/"))
	whole := strings.TrimPrefix(u.Namespace+"/"+u.Name, "/")
	if err != nil || !strings.EqualFold(path, whole) || len(path) != len(whole) {
		return u.Namespace, u.Name
	}
	return path[:len(u.Namespace)], path[len(path)-len(u.Name):]
}

// fromRepository tells a repository's address from a folder and from an
// archive's: package URLs have a qualifier for the first.
func fromRepository(origin string) bool {
	scheme, _, ok := strings.Cut(origin, "://")
	return ok && (strings.HasPrefix(scheme, "git") || strings.HasPrefix(scheme, "ssh") || strings.Contains(scheme, "+"))
}

// ModuleStream is the module and stream of an RPM package's label,
// "mariadb:10.3:8030020200623232426:30b713e6".
func ModuleStream(label string) string {
	name, rest, ok := strings.Cut(label, ":")
	stream, _, _ := strings.Cut(rest, ":")
	if !ok || name == "" || stream == "" {
		return ""
	}
	return name + ":" + stream
}

func splitUpstream(v string) (name, version string) {
	if base, ok := strings.CutSuffix(v, ".src.rpm"); ok {
		// name-version-release.src.rpm: neither version nor release holds a dash.
		if i := strings.LastIndexByte(base, '-'); i > 0 {
			if j := strings.LastIndexByte(base[:i], '-'); j > 0 {
				return base[:j], base[j+1:]
			}
		}
		return base, ""
	}
	name, version, _ = strings.Cut(v, "@")
	return name, version
}

// splitEpoch takes "1:2.3-4" apart into "1" and "2.3-4".
func splitEpoch(version string) (epoch, rest string) {
	e, rest, ok := strings.Cut(version, ":")
	if !ok || e == "" || strings.Trim(e, "0123456789") != "" {
		return "", version
	}
	return e, rest
}

// withEpoch puts an epoch before a version that has none; "0" says nothing.
func withEpoch(epoch, version string) string {
	if epoch == "" || epoch == "0" || strings.Trim(epoch, "0123456789") != "" || version == "" {
		return version
	}
	if e, _ := splitEpoch(version); e != "" {
		return version
	}
	return epoch + ":" + version
}

// qualifier is the distribution as a purl names it: "debian-11", "alpine-3.18.9".
func (d *Distro) qualifier() string {
	release := orElse(d.VersionID, d.Codename)
	if d.ID == "" || release == "" {
		return d.ID
	}
	return d.ID + "-" + release
}

func orElse(s, otherwise string) string {
	if s != "" {
		return s
	}
	return otherwise
}
