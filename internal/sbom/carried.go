package sbom

import (
	"net/url"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// Carried is what an SBOM says of a package or a component that Drydock itself
// does not ask for. It is kept as it came, for whoever reads the SBOM that comes
// of it.
type Carried struct {
	Ref          string         `json:"ref,omitempty"`  // by which the document refers to it
	Kind         string         `json:"kind,omitempty"` // CycloneDX's type of a package, if not what Drydock would call it
	PURL         string         `json:"purl,omitempty"` // as written, if not as Drydock writes it
	Name         string         `json:"name,omitempty"` // likewise, in an SPDX document
	CPEs         []string       `json:"cpes,omitempty"`
	Scope        string         `json:"scope,omitempty"` // required, optional, excluded
	Supplier     *Organization  `json:"supplier,omitempty"`
	Manufacturer *Organization  `json:"manufacturer,omitempty"`
	Authors      []Contact      `json:"authors,omitempty"`
	Author       string         `json:"author,omitempty"` // CycloneDX's older field
	Publisher    string         `json:"publisher,omitempty"`
	Description  string         `json:"description,omitempty"`
	Copyright    string         `json:"copyright,omitempty"`
	Hashes       []Hash         `json:"hashes,omitempty"`
	Licenses     []LicenseTerms `json:"licenses,omitempty"` // of a component; of a package, where more is said than names
	Properties   []Property     `json:"properties,omitempty"`
	References   []Reference    `json:"references,omitempty"`
	SPDX         *SPDXWords     `json:"spdx,omitempty"` // what only SPDX has a field for
}

// builder is who built a distribution's package, or takes care of it, as RPM's
// Vendor and dpkg's Maintainer are written.
func (c *Carried) builder() string {
	if c == nil {
		return ""
	}
	if c.Publisher != "" {
		return c.Publisher
	}
	for _, o := range []*Organization{c.Manufacturer, c.Supplier} {
		if o == nil || o.Name == "" {
			continue
		}
		if len(o.Contacts) > 0 && o.Contacts[0].Email != "" {
			return o.Name + " <" + o.Contacts[0].Email + ">"
		}
		return o.Name
	}
	return ""
}

// Organization is who supplies or makes something.
type Organization struct {
	Name     string    `json:"name,omitempty"`
	URLs     []string  `json:"urls,omitempty"`
	Contacts []Contact `json:"contacts,omitempty"`
}

// Contact is a person.
type Contact struct {
	Name  string `json:"name,omitempty"`
	Email string `json:"email,omitempty"`
	Phone string `json:"phone,omitempty"`
}

// Hash is a digest of a package's content: the algorithm as CycloneDX calls it
// ("SHA-256"), the value in hex.
type Hash struct {
	Algorithm string `json:"alg"`
	Value     string `json:"value"`
}

// Property is a name with a value that some tool has given a meaning.
type Property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Reference is where more is to be found, of a type that CycloneDX has: "vcs",
// "website", "distribution".
type Reference struct {
	Type    string `json:"type"`
	URL     string `json:"url"`
	Comment string `json:"comment,omitempty"`
}

// The limits of what is carried.
const (
	// maxCarried limits the bytes of an SBOM that an image or a program carries.
	maxCarried      = 64 << 20
	maxCarriedText  = 64 << 10 // of one text
	maxCarriedItems = 1000     // of one list
)

// empty reports whether nothing is said.
func (c *Carried) empty() bool {
	return c.Ref == "" && c.Kind == "" && c.PURL == "" && c.Name == "" && len(c.CPEs) == 0 && c.Scope == "" && c.Supplier == nil && c.Manufacturer == nil &&
		len(c.Authors) == 0 && c.Author == "" && c.SPDX == nil && c.Publisher == "" && c.Description == "" && c.Copyright == "" && len(c.Hashes) == 0 && len(c.Licenses) == 0 &&
		len(c.Properties) == 0 && len(c.References) == 0
}

// sound takes out what no document may hold, and returns nil where nothing is
// left.
func (c *Carried) sound() *Carried {
	c.CPEs = kept(c.CPEs, func(s *string) bool {
		return carriedText(s) && strings.HasPrefix(*s, "cpe:") && !strings.ContainsAny(*s, " \t\n")
	})
	c.Hashes = kept(c.Hashes, func(h *Hash) bool { return hashAlgorithm(h.Algorithm) && hashValue(h.Value) })
	c.Authors = kept(c.Authors, soundContact)
	c.Supplier, c.Manufacturer = c.Supplier.sound(), c.Manufacturer.sound()
	c.Licenses = kept(c.Licenses, (*LicenseTerms).sound)
	c.SPDX = c.SPDX.sound()
	c.Properties = kept(c.Properties, func(p *Property) bool {
		return p.Name != "" && carriedText(&p.Name) && carriedText(&p.Value) && !strings.HasPrefix(p.Name, "drydock:")
	})
	c.References = kept(c.References, func(r *Reference) bool {
		if !slices.Contains(referenceTypes(), r.Type) {
			r.Type = "other"
		}
		return r.URL != "" && iri(r.URL) && !hasPassword(r.URL) && carriedText(&r.Comment)
	})
	for _, s := range []*string{&c.Ref, &c.PURL, &c.Name, &c.Author, &c.Publisher, &c.Description, &c.Copyright} {
		if !carriedText(s) {
			*s = ""
		}
	}
	if !strings.HasPrefix(c.PURL, "pkg:") || strings.ContainsAny(c.PURL, " \t\n") || hasPassword(c.PURL) {
		c.PURL = ""
	}
	if hasPassword(c.Ref) {
		c.Ref = ""
	}
	if c.Scope != "required" && c.Scope != "optional" && c.Scope != "excluded" {
		c.Scope = ""
	}
	if string(componentType(c.Kind)) != c.Kind {
		c.Kind = ""
	}
	if c.SPDX != nil && c.SPDX.Summary == c.Description {
		c.Description = "" // as CycloneDX, which has one field for both, gives it back
	}
	if c.empty() {
		return nil
	}
	return c
}

func (o *Organization) sound() *Organization {
	if o == nil {
		return nil
	}
	o.URLs = kept(o.URLs, func(s *string) bool { return *s != "" && iri(*s) })
	o.Contacts = kept(o.Contacts, soundContact)
	if !carriedText(&o.Name) || o.Name == "" && len(o.URLs)+len(o.Contacts) == 0 {
		return nil
	}
	return o
}

// soundContact reports whether a contact says something. An address that is none
// is left out.
func soundContact(c *Contact) bool {
	if !email.MatchString(c.Email) {
		c.Email = ""
	}
	return carriedText(&c.Name) && carriedText(&c.Phone) && (c.Name != "" || c.Email != "" || c.Phone != "")
}

var email = lazyregexp.New(`^[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$`)

// hashValue reports whether a text is a hash in hexadecimal, of a length that
// CycloneDX has.
func hashValue(s string) bool {
	return slices.Contains([]int{32, 40, 64, 96, 128}, len(s)) && strings.Trim(s, "0123456789abcdefABCDEF") == ""
}

// kept are the first of a list that a function keeps.
func kept[T any](list []T, keep func(*T) bool) []T {
	var out []T
	for i := range list {
		if len(out) < maxCarriedItems && keep(&list[i]) {
			out = append(out, list[i])
		}
	}
	return out
}

// password is that of an address.
var password = lazyregexp.New(`://[^/\s@]*:[^/\s@]*@`)

// hasPassword reports whether an address, as it stands or escaped within another,
// holds a password: what writes SBOMs passes none on.
func hasPassword(s string) bool {
	plain, err := url.PathUnescape(s)
	return password.MatchString(s) || err == nil && password.MatchString(plain)
}

// carriedText reports whether s is no longer than one may be, and takes out what no XML
// may hold.
func carriedText(s *string) bool {
	if len(*s) > maxCarriedText {
		return false
	}
	*s = strings.TrimSpace(printable(*s))
	return true
}

// printable is s without what no XML may hold.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r >= ' ' && r != 0x7f && r != 0xfffe && r != 0xffff {
			return r
		}
		return -1
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// iri reports whether s can stand where CycloneDX wants an IRI reference.
func iri(s string) bool {
	if len(s) > maxCarriedText || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"{}|\\^`", r) || r >= 0x7f }) {
		return false
	}
	_, err := url.Parse(s)
	return err == nil
}

func hashAlgorithm(s string) bool {
	switch s {
	case "MD5", "SHA-1", "SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512",
		"BLAKE2b-256", "BLAKE2b-384", "BLAKE2b-512", "BLAKE3", "Streebog-256", "Streebog-512":
		return true
	}
	return false
}

// referenceTypes are those of CycloneDX.
func referenceTypes() []string {
	return []string{
		"vcs", "issue-tracker", "website", "advisories", "bom", "mailing-list", "social", "chat", "documentation", "support",
		"source-distribution", "distribution", "distribution-intake", "license", "build-meta", "build-system", "release-notes",
		"security-contact", "model-card", "log", "configuration", "evidence", "formulation", "attestation", "threat-model",
		"adversary-model", "risk-assessment", "vulnerability-assertion", "exploitability-statement", "pentest-report",
		"static-analysis-report", "dynamic-analysis-report", "runtime-analysis-report", "component-analysis-report",
		"maturity-report", "certification-report", "codified-infrastructure", "quality-metrics", "poam",
		"electronic-signature", "digital-signature", "rfc-9116", "other",
	}
}

// size is about how many bytes are carried.
func (c *Carried) size() int {
	n := len(c.Ref) + len(c.PURL) + len(c.Name) + len(c.Publisher) + len(c.Description) + len(c.Copyright) + 64*(len(c.Authors)+len(c.CPEs)) + 200
	for i := range c.Licenses {
		n += c.Licenses[i].size()
	}
	for _, h := range c.Hashes {
		n += len(h.Value) + 40
	}
	for _, p := range c.Properties {
		n += len(p.Name) + len(p.Value) + 32
	}
	for _, r := range c.References {
		n += len(r.URL) + len(r.Comment) + 48
	}
	return n
}
