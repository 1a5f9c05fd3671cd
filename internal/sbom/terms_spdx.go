package sbom

import (
	"maps"
	"slices"
	"strings"

	"github.com/spdx/tools-golang/spdx/v2/v2_3"
)

// spdxTerms are the licences of an SPDX document that the licence list does not
// have, by identifier: what the inventory's own documents defined, and what names
// and texts of its packages need.
type spdxTerms map[string]*v2_3.OtherLicense

// The comments of licences that Drydock defines for a name or a text that a package
// has. They are not read again.
const (
	nameOnly = Schema + ": a package declares this name; the text is not known"
	fromText = Schema + ": a package has this text"
)

func newSPDXTerms(inv *Inventory) spdxTerms {
	t := spdxTerms{}
	for _, l := range inv.LicenseTexts {
		t[l.ID] = &v2_3.OtherLicense{
			LicenseIdentifier: l.ID, ExtractedText: l.Text, LicenseName: l.Name, LicenseComment: l.Comment, LicenseCrossReferences: l.SeeAlso,
		}
	}
	return t
}

// sorted are the licences by identifier.
func (t spdxTerms) sorted() []*v2_3.OtherLicense {
	var out []*v2_3.OtherLicense
	for _, id := range slices.Sorted(maps.Keys(t)) {
		out = append(out, t[id])
	}
	return out
}

// define makes sure that the document defines an identifier. An empty text is one
// that is not known.
func (t spdxTerms) define(id, name, text, url string) string {
	if t[id] != nil {
		return id
	}
	l := &v2_3.OtherLicense{LicenseIdentifier: id, ExtractedText: text, LicenseName: oneLine(name), LicenseComment: fromText}
	if text == "" {
		l.ExtractedText, l.LicenseComment = name, nameOnly
	}
	if url != "" {
		l.LicenseCrossReferences = []string{url}
	}
	t[id] = l
	return id
}

// names is one expression for all the licences that a package names.
func (t spdxTerms) names(licenses []string) string {
	all := make([]LicenseTerms, 0, len(licenses))
	for _, l := range licenses {
		switch {
		case spdxID(l):
			all = append(all, LicenseTerms{ID: l})
		case !isLicenseRef(l) && spdxExpression(l):
			all = append(all, LicenseTerms{Expression: l})
		default:
			all = append(all, LicenseTerms{Name: l})
		}
	}
	return t.expression(all, "")
}

// expression is one expression for the licences of an acknowledgement: those that
// are concluded, or all others.
func (t spdxTerms) expression(all []LicenseTerms, acknowledgement string) string {
	of := kept(all, func(l *LicenseTerms) bool {
		return l.label() != "" && (l.Acknowledgement == concluded) == (acknowledgement == concluded)
	})
	var out []string
	for i := range of {
		term := t.term(&of[i])
		if len(of) > 1 && strings.Contains(term, " ") {
			term = "(" + term + ")"
		}
		if !slices.Contains(out, term) {
			out = append(out, term)
		}
	}
	if len(out) == 0 {
		return noAssertion
	}
	return strings.Join(out, " AND ")
}

// term is one licence as an expression has it.
func (t spdxTerms) term(l *LicenseTerms) string {
	if l.ID != "" {
		return l.ID
	}
	name := l.Name
	if l.Expression != "" {
		ids, _, ok := expression(l.Expression)
		if ok {
			for _, id := range ids {
				if isLicenseRef(id) {
					d := l.detail(id)
					t.define(id, id, d.Text.plain(), d.URL)
				}
			}
			return l.Expression
		}
		name = l.Expression
	}
	text := l.Text.plain()
	if isLicenseRef(name) && (t[name] == nil || text == "" || t[name].ExtractedText == text) {
		return t.define(name, name, text, l.URL)
	}
	if text == "" && l.URL == "" {
		return t.define(licenseRef(name, name), name, "", "")
	}
	return t.define(licenseRef(name, name+"\n"+text+"\n"+l.URL), name, text, l.URL)
}

// detail is what is said of a licence of an expression.
func (l *LicenseTerms) detail(id string) LicenseDetail {
	for _, d := range l.Details {
		if d.ID == id {
			return d
		}
	}
	return LicenseDetail{ID: id}
}
