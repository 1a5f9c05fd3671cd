package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

const (
	leastSecret     = 4  // bytes of a value that is masked wherever it stands: a shorter one is a part of too many words
	leastSecretLine = 16 // of a line of a secret that has several
)

// SecretValues are the values that findings say are secret, each once: they are
// not to be shown. Of one with several lines it is each line that is told by
// nothing else.
func SecretValues(found []finding.Finding) []string {
	var out []string
	seen := map[string]bool{}
	for i := range found {
		for _, hidden := range found[i].Hidden {
			v := string(hidden)
			least, parts := leastSecret, []string{v}
			if strings.ContainsAny(v, "\r\n") {
				least, parts = leastSecretLine, strings.FieldsFunc(v, func(r rune) bool { return r == '\r' || r == '\n' })
			}
			for _, part := range parts {
				if part = strings.TrimSpace(part); len(part) >= least && !seen[part] {
					seen[part], out = true, append(out, part)
				}
			}
		}
	}
	// The longer first, of which a shorter may be a part.
	slices.SortStableFunc(out, func(a, b string) int { return len(b) - len(a) })
	return out
}

// Hide is a finding of a secret value, as the file says it at span and as it is
// meant.
func (in *Input) Hide(f finding.Finding, span finding.Span, value string) finding.Finding {
	f.Hidden = append(f.Hidden, finding.Secret(value))
	raw := strings.Trim(string(in.File.Bytes[span.Start:span.End]), `"'`)
	if !strings.Contains(raw, value) && !strings.ContainsAny(raw, " \t\n") {
		f.Hidden = append(f.Hidden, finding.Secret(raw)) // written with escapes
	}
	return f
}
