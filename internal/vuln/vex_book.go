package vuln

import "github.com/drydock-dev/drydock/internal/finding"

// Book is statements that are asked finding by finding. It is not safe for
// concurrent use.
type Book struct{ x *vexIndex }

// NewBook makes a book of statements, the later ones of equally new ones last.
func NewBook(statements []Statement) *Book { return &Book{indexVEX(statements)} }

// Apply is [ApplyVEXTo] for one finding, of a subject of which so much is known.
func (b *Book) Apply(f finding.Finding, known Known) finding.Finding {
	if f.Vuln == nil || f.Suppressed != nil {
		return f
	}
	b.x.known = map[finding.Subject]Known{f.Subject: known}
	return b.x.apply(f)
}
