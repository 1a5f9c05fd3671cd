package policy

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// ParseSeverities reads severities in any case, each word one or several with
// commas between. No words are no severities: all of them.
func ParseSeverities(words []string) ([]finding.Severity, error) {
	var out []finding.Severity
	for _, w := range words {
		for s := range strings.SplitSeq(w, ",") {
			if strings.TrimSpace(s) == "" {
				continue
			}
			v, err := finding.ParseSeverity(s)
			if err != nil {
				return nil, err
			}
			if !slices.Contains(out, v) {
				out = append(out, v)
			}
		}
	}
	return out, nil
}
