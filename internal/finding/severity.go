package finding

import (
	"fmt"
	"strings"
)

// Severity says how bad a finding is. The zero value is Unspecified: nobody
// has said. Severities order by badness, so a gate is a comparison.
type Severity int

// The severities, least to most severe.
const (
	Unspecified Severity = iota
	Negligible
	Low
	Medium
	High
	Critical
)

// Place is where a severity stands among others that are read worst first, 0 for
// the worst. What nobody has rated may be anything: it comes after high and before
// medium, where it is seen and hides nothing that is known to be bad.
func (s Severity) Place() int {
	switch s {
	case Critical:
		return 0
	case High:
		return 1
	case Unspecified:
		return 2
	}
	return 3 + int(Medium-s)
}

// Severities lists every severity, most severe first, as reports show them.
func Severities() []Severity {
	return []Severity{Critical, High, Medium, Low, Negligible, Unspecified}
}

func (s Severity) String() string {
	switch s {
	case Critical:
		return "critical"
	case High:
		return "high"
	case Medium:
		return "medium"
	case Low:
		return "low"
	case Negligible:
		return "negligible"
	}
	return "unspecified"
}

// ParseSeverity reads a severity in any case. It takes the words that other
// tools and advisory sources use for the same thing: "moderate" and "warning"
// are medium, "important" and "error" high, "info" low, "style" and
// "unimportant" negligible, "unknown" and "unrated" unspecified.
func ParseSeverity(s string) (Severity, error) {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "critical":
		return Critical, nil
	case "high", "important", "error":
		return High, nil
	case "medium", "moderate", "warning":
		return Medium, nil
	case "low", "info", "minor":
		return Low, nil
	case "negligible", "unimportant", "style", "none":
		return Negligible, nil
	case "unspecified", "unknown", "unrated":
		return Unspecified, nil
	}
	return Unspecified, fmt.Errorf("unknown severity %q (one of critical, high, medium, low, negligible, unspecified)", s)
}

// MarshalText implements encoding.TextMarshaler.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}
