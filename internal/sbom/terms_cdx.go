package sbom

import (
	"strings"

	cdx "github.com/CycloneDX/cyclonedx-go"
)

// termsOf reads a licence of a component.
func termsOf(l *cdx.LicenseChoice) LicenseTerms {
	if one := l.License; one != nil {
		return LicenseTerms{
			ID: one.ID, Name: one.Name, URL: one.URL, Acknowledgement: string(one.Acknowledgement), Text: attachment(one.Text),
		}
	}
	out := LicenseTerms{Expression: l.Expression}
	if l.Acknowledgement != nil {
		out.Acknowledgement = string(*l.Acknowledgement)
	}
	for _, d := range deref(l.ExpressionDetails) {
		out.Details = append(out.Details, LicenseDetail{d.LicenseIdentifier, d.URL, attachment(d.Text)})
	}
	return out
}

func attachment(t *cdx.AttachedText) *Attachment {
	if t == nil {
		return nil
	}
	return &Attachment{t.Content, t.ContentType, t.Encoding}
}

func (a *Attachment) attached() *cdx.AttachedText {
	if a == nil {
		return nil
	}
	return &cdx.AttachedText{Content: a.Content, ContentType: a.ContentType, Encoding: a.Encoding}
}

// licenses is what is carried of licences.
func (c *Carried) licenses() *cdx.Licenses {
	var out cdx.Licenses
	for i := range c.Licenses {
		out = append(out, c.Licenses[i].choice())
	}
	return &out
}

func (l *LicenseTerms) choice() cdx.LicenseChoice {
	if l.Expression == "" {
		return cdx.LicenseChoice{License: &cdx.License{
			ID: l.ID, Name: l.Name, URL: l.URL, Text: l.Text.attached(), Acknowledgement: cdx.LicenseAcknowledgement(l.Acknowledgement),
		}}
	}
	out := cdx.LicenseChoice{Expression: l.Expression}
	if l.Acknowledgement != "" {
		who := cdx.LicenseAcknowledgement(l.Acknowledgement)
		out.Acknowledgement = &who
	}
	var details []cdx.LicenseExpressionDetail
	for _, d := range l.Details {
		details = append(details, cdx.LicenseExpressionDetail{LicenseIdentifier: d.ID, URL: d.URL, Text: d.Text.attached()})
	}
	out.ExpressionDetails = orNil(details)
	return out
}

// maxTexts limits the bytes of licence texts that stand with the components of a document.
// CycloneDX has no one place for a text that many components share.
const maxTexts = 16 << 20

// cdxTexts are the texts that the inventory's documents gave for licences of theirs.
type cdxTexts struct {
	byID map[string]string
	left int
	used map[string]bool
}

func newCDXTexts(inv *Inventory) *cdxTexts {
	t := &cdxTexts{byID: map[string]string{}, left: maxTexts, used: map[string]bool{}}
	for _, l := range inv.LicenseTexts {
		t.byID[l.ID] = l.Text
	}
	return t
}

// text is the text of a licence, at its first use, and at others while there is room.
func (t *cdxTexts) text(id string) *cdx.AttachedText {
	text := t.byID[id]
	if text == "" || t.used[id] && t.left < len(text) {
		return nil
	}
	t.used[id] = true
	t.left -= len(text)
	return &cdx.AttachedText{Content: text}
}

// attach puts the texts of a document's own licences with a component's.
func (t *cdxTexts) attach(to *cdx.Licenses) {
	if to == nil || len(t.byID) == 0 {
		return
	}
	for i := range *to {
		l := &(*to)[i]
		if one := l.License; one != nil {
			if one.Text == nil && isLicenseRef(one.Name) {
				one.Text = t.text(one.Name)
			}
			continue
		}
		details := deref(l.ExpressionDetails)
		ids, _, _ := expression(l.Expression)
		for _, id := range ids {
			if !isLicenseRef(id) || strings.Contains(detailIDs(details), " "+id+" ") {
				continue
			}
			if text := t.text(id); text != nil {
				details = append(details, cdx.LicenseExpressionDetail{LicenseIdentifier: id, Text: text})
			}
		}
		l.ExpressionDetails = orNil(details)
	}
}

func detailIDs(details []cdx.LicenseExpressionDetail) string {
	out := " "
	for _, d := range details {
		out += d.LicenseIdentifier + " "
	}
	return out
}

// withoutTexts takes out of terms what attach put there.
func withoutTexts(terms []LicenseTerms, byID map[string]string) []LicenseTerms {
	same := func(id string, a *Attachment) bool {
		return a != nil && byID[id] != "" && *a == Attachment{Content: byID[id]}
	}
	for i := range terms {
		l := &terms[i]
		if same(l.Name, l.Text) {
			l.Text = nil
		}
		l.Details = kept(l.Details, func(d *LicenseDetail) bool { return d.URL != "" || !same(d.ID, d.Text) })
	}
	return terms
}
