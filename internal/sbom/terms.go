package sbom

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// LicenseTerms is one licence: an identifier of SPDX, a name, or an expression.
type LicenseTerms struct {
	ID              string          `json:"id,omitempty"`
	Name            string          `json:"name,omitempty"`
	Expression      string          `json:"expression,omitempty"`
	URL             string          `json:"url,omitempty"`
	Acknowledgement string          `json:"acknowledgement,omitempty"` // declared or concluded; empty: not said
	Text            *Attachment     `json:"text,omitempty"`
	Details         []LicenseDetail `json:"details,omitempty"` // of what an expression names
}

// LicenseDetail is what a document says of one licence of an expression.
type LicenseDetail struct {
	ID   string      `json:"id"`
	URL  string      `json:"url,omitempty"`
	Text *Attachment `json:"text,omitempty"`
}

// Attachment is a text as CycloneDX has it.
type Attachment struct {
	Content     string `json:"content"`
	ContentType string `json:"contentType,omitempty"`
	Encoding    string `json:"encoding,omitempty"` // base64, or nothing
}

// ExtractedLicense is a licence that a document defines, since it is not on the
// SPDX licence list.
type ExtractedLicense struct {
	ID      string   `json:"licenseId"` // LicenseRef-…
	Text    string   `json:"extractedText"`
	Name    string   `json:"name,omitempty"`
	Comment string   `json:"comment,omitempty"`
	SeeAlso []string `json:"seeAlsos,omitempty"`
}

// SPDXWords is what an SPDX document says of a package in fields that CycloneDX
// does not have.
type SPDXWords struct {
	Purpose         string   `json:"purpose,omitempty"` // if not what Drydock would write
	FileName        string   `json:"fileName,omitempty"`
	Summary         string   `json:"summary,omitempty"`
	LicenseComments string   `json:"licenseComments,omitempty"`
	Attribution     []string `json:"attribution,omitempty"`
	None            []string `json:"none,omitempty"` // fields that say that there is nothing, which is more than to say nothing

	References []SPDXReference `json:"references,omitempty"` // beside the first purl, CPEs and advisories
}

// SPDXReference is an external reference of a package, as SPDX has them (7.21).
type SPDXReference struct {
	Category string `json:"referenceCategory"` // SECURITY, PACKAGE-MANAGER, PERSISTENT-ID, OTHER
	Type     string `json:"referenceType"`
	Locator  string `json:"referenceLocator"`
	Comment  string `json:"comment,omitempty"`
}

// sound reports whether a reference may stand in a document.
func (r *SPDXReference) sound() bool {
	r.Category = strings.ReplaceAll(r.Category, "_", "-")
	return slices.Contains([]string{"SECURITY", "PACKAGE-MANAGER", "PERSISTENT-ID", "OTHER"}, r.Category) && carriedText(&r.Comment) &&
		spdxWord(r.Type) && spdxWord(r.Locator) && !hasPassword(r.Locator)
}

// spdxWord reports whether s can stand where SPDX wants a text without spaces.
func spdxWord(s string) bool {
	return s != "" && len(s) <= maxCarriedText && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// The acknowledgements of a licence: what the package's authors say, and what
// somebody found out.
const (
	declared  = "declared"
	concluded = "concluded"
)

// maxLicenseText limits the bytes of one licence text.
const maxLicenseText = 1 << 20

// sound reports whether terms name a licence, and takes out what no document may
// hold.
func (l *LicenseTerms) sound() bool {
	if !iri(l.URL) {
		l.URL = ""
	}
	for _, s := range []*string{&l.ID, &l.Name, &l.Expression} {
		if !carriedText(s) {
			return false
		}
	}
	if l.Expression != "" {
		switch l.ID, l.Name = "", ""; {
		case spdxID(l.Expression):
			l.ID, l.Expression = l.Expression, ""
		case isLicenseRef(l.Expression):
			l.Name, l.Expression = l.Expression, ""
		}
	}
	switch {
	case spdxID(l.ID):
		l.Name = ""
	case l.ID != "":
		l.ID, l.Name = "", orElse(l.Name, l.ID)
	}
	if l.Acknowledgement != declared && l.Acknowledgement != concluded {
		l.Acknowledgement = ""
	}
	if l.Expression != "" { // its parts have texts and addresses
		l.Text, l.URL = nil, ""
	} else {
		l.Details = nil
	}
	l.Text = l.Text.sound()
	l.Details = kept(l.Details, func(d *LicenseDetail) bool {
		if d.Text = d.Text.sound(); !iri(d.URL) {
			d.URL = ""
		}
		return carriedText(&d.ID) && d.ID != "" && (d.Text != nil || d.URL != "")
	})
	return l.ID != "" || l.Name != "" || l.Expression != ""
}

func (a *Attachment) sound() *Attachment {
	if a == nil || !longText(&a.Content) || a.Content == "" || !carriedText(&a.ContentType) {
		return nil
	}
	if a.Encoding != "base64" {
		a.Encoding = ""
	}
	return a
}

// plain is the text itself; empty where it is none that can be read.
func (a *Attachment) plain() string {
	switch {
	case a == nil:
		return ""
	case a.Encoding == "":
		return a.Content
	}
	b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(a.Content), ""))
	if s := string(b); err == nil && utf8.ValidString(s) && longText(&s) {
		return s
	}
	return ""
}

// longText is [carriedText] for licences: longer, and with its blank lines.
func longText(s *string) bool {
	if len(*s) > maxLicenseText {
		return false
	}
	*s = strings.NewReplacer("<text>", "", "</text>", "").Replace(printable(*s))
	if strings.TrimSpace(*s) == "" || !strings.Contains(*s, "\n") {
		*s = strings.TrimSpace(*s)
	}
	return true
}

// sound reports whether an extracted licence is one, and takes out what no document
// may hold.
func (e *ExtractedLicense) sound() bool {
	e.SeeAlso = kept(e.SeeAlso, func(s *string) bool { return *s != "" && iri(*s) })
	e.Name = oneLine(e.Name)
	return isLicenseRef(e.ID) && longText(&e.Text) && longText(&e.Comment) && carriedText(&e.Name) &&
		e.Text != "" && !strings.HasPrefix(e.Comment, Schema)
}

func (w *SPDXWords) sound() *SPDXWords {
	if w == nil {
		return nil
	}
	if !slices.Contains(spdxPurposes(), w.Purpose) {
		w.Purpose = ""
	}
	w.Attribution = kept(w.Attribution, func(s *string) bool { return carriedText(s) && *s != "" })
	for _, s := range []*string{&w.FileName, &w.Summary, &w.LicenseComments} {
		if !carriedText(s) {
			*s = ""
		}
	}
	w.References = kept(w.References, (*SPDXReference).sound)
	w.None = kept(w.None, func(s *string) bool { return slices.Contains(noneFields(), *s) })
	if w.Purpose+w.FileName+w.Summary+w.LicenseComments == "" && len(w.Attribution)+len(w.References)+len(w.None) == 0 {
		return nil
	}
	return w
}

// spdxPurposes are those of SPDX 2.3, as its text spells them (7.24).
func spdxPurposes() []string {
	return []string{
		"APPLICATION", "FRAMEWORK", "LIBRARY", "CONTAINER", purposeOS, "DEVICE", "FIRMWARE", "SOURCE", "ARCHIVE",
		"FILE", "INSTALL", "OTHER",
	}
}

// label is what terms call their licence.
func (l *LicenseTerms) label() string { return orElse(l.Expression, orElse(l.ID, l.Name)) }

// size is about how many bytes are carried.
func (l *LicenseTerms) size() int {
	n := 120 + len(l.label()) + len(l.URL) + l.Text.size()
	for _, d := range l.Details {
		n += 60 + len(d.ID) + len(d.URL) + d.Text.size()
	}
	return n
}

func (a *Attachment) size() int {
	if a == nil {
		return 0
	}
	return len(a.Content) + len(a.ContentType) + 48
}

// names are what a package's licences are called: those that are declared, and
// where none are, those that somebody found.
func names(all []LicenseTerms) []string {
	var said, found []string
	for _, l := range all {
		switch {
		case l.label() == "":
		case l.Acknowledgement == concluded:
			found = append(found, l.label())
		default:
			said = append(said, l.label())
		}
	}
	if len(said) == 0 {
		return found
	}
	return said
}

// moreTerms reports whether licences say more than their names do.
func moreTerms(all []LicenseTerms) bool {
	for _, l := range all {
		if l.URL != "" || l.Text != nil || l.Acknowledgement != "" || len(l.Details) > 0 ||
			l.Expression != "" && (len(all) > 1 || !spdxExpression(l.Expression)) {
			return true
		}
	}
	return false
}

// extractedLicense reads a licence that an SPDX document defines, or that Drydock's
// own kept of one.
func (d *decoder) extractedLicense(dec *json.Decoder) error {
	if err := d.count(); err != nil {
		return err
	}
	var raw json.RawMessage
	if err := dec.Decode(&raw); err != nil {
		return err
	}
	var l ExtractedLicense
	if json.Unmarshal(raw, &l) == nil {
		d.licenseText(l)
	}
	return nil
}

// licenseText keeps a licence that the document defines, if it is not too much.
func (d *decoder) licenseText(l ExtractedLicense) {
	if strings.HasPrefix(l.Comment, Schema) { // Drydock's, for a name that a package has
		return
	}
	if d.carried > maxCarried || !l.sound() {
		d.notCarried++
		return
	}
	d.carried += len(l.ID) + len(l.Text) + len(l.Name) + len(l.Comment) + 120 + 64*len(l.SeeAlso)
	d.inv.LicenseTexts = append(d.inv.LicenseTexts, l)
}

// licenseTexts sorts the licences that the document defines, and gives their texts by
// identifier. The first of two counts.
func (d *decoder) licenseTexts() map[string]string {
	all := d.inv.LicenseTexts
	slices.SortStableFunc(all, func(a, b ExtractedLicense) int { return strings.Compare(a.ID, b.ID) })
	d.inv.LicenseTexts = slices.CompactFunc(all, func(a, b ExtractedLicense) bool { return a.ID == b.ID })
	out := make(map[string]string, len(d.inv.LicenseTexts))
	for _, l := range d.inv.LicenseTexts {
		out[l.ID] = l.Text
	}
	return out
}
