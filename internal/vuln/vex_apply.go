package vuln

import (
	"slices"
	"strings"

	packageurl "github.com/package-url/packageurl-go"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sbom"
)

// ApplyVEX returns the findings with what the statements say of them: those
// that are not affected or fixed are suppressed, those that are affected or
// under investigation get it as evidence. Of several statements about one
// finding the newest counts, and of equally new ones the last. A finding about
// a source package is suppressed by a statement about that package, or by
// statements about every one of its binaries.
//
// A product matches by purl, whose version may be left out and whose
// architecture, distribution and repository must be the package's where it
// states them; by the image, its reference, with or without tag and registry,
// or its digest; or by the project that was looked at, with its parts as
// subcomponents. Findings that are suppressed already stay as they are. The
// findings given are not changed.
func ApplyVEX(findings []finding.Finding, statements []Statement) []finding.Finding {
	return ApplyVEXTo(findings, statements, nil)
}

// Known is what is known of a subject beside its name.
type Known struct {
	// Names are references ("nginx:1.20") and digests by which an image that was
	// read from a file is known, and package URLs of the projects that a folder
	// holds. A product that names any of them is the subject.
	Names  []string
	Distro *sbom.Distro // of its packages; nil: none
}

// ApplyVEXTo is [ApplyVEX] where more is known of the subjects.
func ApplyVEXTo(findings []finding.Finding, statements []Statement, known map[finding.Subject]Known) []finding.Finding {
	if len(statements) == 0 {
		return findings
	}
	x := indexVEX(statements)
	x.known = known
	out := make([]finding.Finding, len(findings))
	for i, f := range findings {
		if f.Vuln != nil && f.Suppressed == nil {
			f = x.apply(f)
		}
		out[i] = f
	}
	return out
}

// vexIndex holds statements by lower-case vulnerability id, with their purls
// parsed once.
type vexIndex struct {
	byID  map[string][]int
	all   []Statement
	purls map[string]*packageurl.PackageURL
	known map[finding.Subject]Known
}

func indexVEX(statements []Statement) *vexIndex {
	x := &vexIndex{byID: map[string][]int{}, all: statements, purls: map[string]*packageurl.PackageURL{}}
	for i, s := range statements {
		for _, id := range s.VulnIDs {
			id = strings.ToLower(id)
			if at := x.byID[id]; len(at) == 0 || at[len(at)-1] != i {
				x.byID[id] = append(at, i)
			}
		}
	}
	return x
}

func (x *vexIndex) apply(f finding.Finding) finding.Finding {
	var at []int
	for _, id := range append([]string{f.Vuln.ID}, f.Vuln.Aliases...) {
		at = append(at, x.byID[strings.ToLower(id)]...)
	}
	if len(at) == 0 {
		return f
	}
	own := x.parse(f.Vuln.Package)
	if s := x.effective(at, f.Subject, vexPackage{own, archs(f)}); s != nil {
		return speak(f, s)
	}
	// No word about the source: what of each of its binaries?
	var said *Statement
	for _, e := range f.Evidence {
		if e.Package == nil || own == nil {
			continue
		}
		binary := *own
		binary.Name, binary.Version = e.Package.Name, e.Package.Version
		s := x.effective(at, f.Subject, vexPackage{&binary, []string{e.Package.Arch}})
		if s == nil || (s.Status != NotAffected && s.Status != Fixed) {
			return f
		}
		said = s
	}
	if said == nil {
		return f
	}
	return speak(f, said)
}

// vexPackage is a package that statements may be about, with the architectures
// that it is there for.
type vexPackage struct {
	purl  *packageurl.PackageURL
	archs []string
}

// archs are the architectures of a source package's binaries.
func archs(f finding.Finding) []string {
	var out []string
	for _, e := range f.Evidence {
		if e.Package != nil && !slices.Contains(out, e.Package.Arch) {
			out = append(out, e.Package.Arch)
		}
	}
	return out
}

// speak applies one statement to a finding.
func speak(f finding.Finding, s *Statement) finding.Finding {
	reason := strings.ReplaceAll(string(s.Status), "_", " ")
	for _, t := range []string{s.Justification, s.Impact} {
		if t != "" {
			reason += ": " + t
		}
	}
	if s.Status == NotAffected || s.Status == Fixed {
		f.Suppressed = &finding.Suppression{By: "vex", Source: s.Source, Reason: reason}
		return f
	}
	evidence := make([]finding.Evidence, 0, len(f.Evidence)+1)
	f.Evidence = append(append(evidence, f.Evidence...), finding.Evidence{Kind: finding.EvidenceVEX, Text: reason + " (" + s.Source + ")"})
	return f
}

// effective is the newest statement about a package of a subject; nil: none.
func (x *vexIndex) effective(at []int, subject finding.Subject, pkg vexPackage) *Statement {
	best := -1
	for _, i := range at {
		s := &x.all[i]
		if !x.covers(s, subject, pkg) {
			continue
		}
		if best < 0 || s.Timestamp.After(x.all[best].Timestamp) || (s.Timestamp.Equal(x.all[best].Timestamp) && i > best) {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return &x.all[best]
}

func (x *vexIndex) covers(s *Statement, subject finding.Subject, pkg vexPackage) bool {
	distro := x.known[subject].Distro
	for _, p := range s.Products {
		for _, id := range p.IDs {
			switch {
			case x.isImage(id, subject), len(p.Subcomponents) > 0 && x.isProject(id, subject):
				if len(p.Subcomponents) == 0 {
					return true
				}
				for _, c := range p.Subcomponents {
					if samePackage(x.parse(c), pkg.purl) && agrees(x.parse(c), pkg, distro) {
						return true
					}
				}
			case len(p.Subcomponents) == 0 && samePackage(x.parse(id), pkg.purl) && agrees(x.parse(id), pkg, distro):
				return true
			}
		}
	}
	return false
}

// parse reads a purl once; nil for anything else.
func (x *vexIndex) parse(s string) *packageurl.PackageURL {
	if p, ok := x.purls[s]; ok {
		return p
	}
	var p *packageurl.PackageURL
	if strings.HasPrefix(s, "pkg:") {
		if u, err := packageurl.FromString(s); err == nil {
			p = &u
		}
	}
	x.purls[s] = p
	return p
}

// isImage reports whether an id names the subject: "pkg:oci/…", "pkg:docker/…",
// an image reference or a digest. What names a digest is that image and no
// other of the same name.
func (x *vexIndex) isImage(id string, subject finding.Subject) bool {
	p := x.parse(id)
	switch {
	case p == nil:
		return x.sameImage(splitImage(id), subject)
	case p.Type == "docker":
		return x.sameImage(splitImage(joinName(p.Namespace, p.Name, "/")+versionSuffix(p.Version)), subject)
	case p.Type == "oci":
		name, q := p.Name, p.Qualifiers.Map()
		if r := q["repository_url"]; r != "" {
			name = r
			if !strings.HasSuffix(r, "/"+p.Name) && r != p.Name {
				name += "/" + p.Name
			}
		}
		ref := splitImage(name + versionSuffix(p.Version))
		if ref.Tag == "" {
			ref.Tag = q["tag"]
		}
		return x.sameImage(ref, subject)
	}
	return false
}

// isProject reports whether a package URL names what was looked at: a project of the
// folder, or what an SBOM is of.
func (x *vexIndex) isProject(id string, subject finding.Subject) bool {
	p := x.parse(id)
	if p == nil {
		return false
	}
	for _, name := range x.known[subject].Names {
		if own := x.parse(name); own != nil {
			if samePackage(p, own) || own.Version == "" && samePackage(&packageurl.PackageURL{Type: p.Type, Namespace: p.Namespace, Name: p.Name}, own) {
				return true
			}
		}
	}
	if subject.Kind != finding.KindSBOM {
		return false
	}
	name, version := subject.Name, ""
	if i := strings.LastIndexByte(name, ':'); i > 0 {
		name, version = name[:i], name[i+1:]
	}
	if p.Version != "" && p.Version != version {
		return false
	}
	return name == p.Name || name == joinName(p.Namespace, p.Name, "/") || name == joinName(p.Namespace, p.Name, ":")
}

// versionSuffix is a purl's version as a reference writes it.
func versionSuffix(version string) string {
	switch {
	case version == "":
		return ""
	case strings.HasPrefix(version, "sha256:"):
		return "@" + version
	}
	return ":" + version
}

// imageRef is an image reference taken apart, its name without what Docker
// adds by itself.
type imageRef struct{ finding.Reference }

func splitImage(s string) imageRef {
	if strings.HasPrefix(s, "sha256:") {
		return imageRef{finding.Reference{Digest: s}}
	}
	r := finding.ParseReference(s)
	for _, p := range []string{"index.docker.io/", "docker.io/", "library/"} {
		r.Name = strings.TrimPrefix(r.Name, p)
	}
	return imageRef{r}
}

func (x *vexIndex) sameImage(want imageRef, subject finding.Subject) bool {
	if want.Digest != "" && want.Digest == string(subject.Digest) {
		return true
	}
	if want.is(subject.Name) {
		return true
	}
	return slices.ContainsFunc(x.known[subject].Names, want.is)
}

// is reports whether a reference as a statement has it names the same image as
// one that an image is known by.
func (want imageRef) is(name string) bool {
	have := splitImage(name)
	if want.Digest != "" {
		return want.Digest == have.Digest
	}
	if have.Tag == "" && have.Digest == "" {
		have.Tag = "latest"
	}
	return want.Name != "" && want.Name == have.Name && (want.Tag == "" || want.Tag == have.Tag)
}
