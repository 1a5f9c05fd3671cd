package policy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Baseline is what was found before, by fingerprint.
type Baseline struct {
	name  string
	known map[string]bool
}

// maxBaseline limits the bytes of a baseline.
const maxBaseline = 256 << 20

// ParseBaseline reads an earlier JSON report of ours, or fingerprints one a
// line with "#" comments. Findings that the report shows as suppressed are not
// part of it: what an exception hides must come back when the exception ends.
func ParseBaseline(name string, b []byte) (*Baseline, error) {
	if len(b) > maxBaseline {
		return nil, fmt.Errorf("read %s: a baseline is at most 256 MiB", name)
	}
	out := &Baseline{name: name, known: map[string]bool{}}
	if t := bytes.TrimSpace(b); len(t) > 0 && t[0] == '{' {
		if err := out.report(b); err != nil {
			return nil, err
		}
		return out, nil
	}
	line := 0
	for text := range strings.SplitSeq(string(b), "\n") {
		line++
		text, _, _ = strings.Cut(text, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if !isFingerprint(text) {
			return nil, &lineError{name, line, fmt.Errorf("%.40q is not a fingerprint of 32 hex digits", text)}
		}
		out.known[text] = true
	}
	return out, nil
}

func (b *Baseline) report(data []byte) error {
	var doc struct {
		Schema   string `json:"schema"`
		Findings []struct {
			Fingerprint string          `json:"fingerprint"`
			Suppressed  json.RawMessage `json:"suppressed"`
		} `json:"findings"`
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("read %s: %w", b.name, err)
	}
	if !strings.HasPrefix(doc.Schema, "drydock/") {
		return fmt.Errorf("read %s: not a JSON report of drydock (its schema is %q)", b.name, doc.Schema)
	}
	for i, f := range doc.Findings {
		if s := string(f.Suppressed); s != "" && s != "null" {
			continue
		}
		if !isFingerprint(f.Fingerprint) {
			return fmt.Errorf("read %s: finding %d has no fingerprint", b.name, i+1)
		}
		b.known[f.Fingerprint] = true
	}
	return nil
}

// Len is how many findings the baseline knows.
func (b *Baseline) Len() int { return len(b.known) }

// Apply returns the findings with those that the baseline knows suppressed.
// The findings given are not changed.
func (b *Baseline) Apply(findings []finding.Finding) []finding.Finding {
	if b == nil || len(b.known) == 0 {
		return findings
	}
	out := make([]finding.Finding, len(findings))
	for i, f := range findings {
		if f.Suppressed == nil && b.known[f.Fingerprint()] {
			f.Suppressed = &finding.Suppression{By: finding.ByBaseline, Source: b.name, Reason: "known before"}
		}
		out[i] = f
	}
	return out
}

func isFingerprint(s string) bool {
	return len(s) == 32 && strings.Trim(s, "0123456789abcdef") == ""
}
