package check

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/secret"
)

// withhold leaves out the edits whose text would hold a secret: a report is read
// by others. `fix` computes them anew and writes them.
func withhold(found []finding.Finding, values []string) {
	mask := secret.Masker(values)
	for i := range found {
		for n := range found[i].Fixes {
			x := &found[i].Fixes[n]
			if slices.ContainsFunc(x.Edits, func(e finding.Edit) bool { return mask(e.New) != e.New || secret.Redact(e.New) != e.New }) {
				x.Edits = nil
				x.Title += " (drydock fix writes it: the text holds a secret)"
			}
		}
	}
}
