package secret

import (
	"cmp"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/sorting"
)

// Match is one secret: bytes Start to End (exclusive) of what was searched.
type Match struct {
	Kind       string // "github-token", "private-key", "password" ...
	Severity   finding.Severity
	Start, End int

	keep int // how many leading bytes are a public prefix, shown by Redacted
}

// mark stands for the part of a secret that is not shown. No format's alphabet
// has it, so that what was redacted is never found again.
const mark = "****"

// Redacted is the secret as it may be shown: its public prefix, and a mark. b
// is what was searched.
func (m Match) Redacted(b []byte) string { return string(b[m.Start:m.Start+m.keep]) + mark }

// Line is the 1-based line of b on which the secret starts.
func (m Match) Line(b []byte) int {
	n := 1
	for _, c := range b[:m.Start] {
		if c == '\n' {
			n++
		}
	}
	return n
}

// maxMatches bounds what one search returns, so that a hostile file cannot make
// a report of millions; the first ones say enough.
const maxMatches = 1000

// Find returns the secrets in b that their own format gives away, in the order
// in which they lie, none overlapping another; at most 1000.
func Find(b []byte) []Match { return settle(find(b, nil)) }

func find(b []byte, out []Match) []Match {
	inKey := 0 // nothing within a private key is looked at
	tables().scan(b, func(at int, w *word) bool {
		if at < inKey {
			return true
		}
		if m, ok := w.format.match(b, at, w.text); ok {
			out = append(out, m)
			if m.End-m.Start > 512 {
				inKey = m.End
			}
		}
		return len(out) < maxMatches
	})
	return out
}

// settle sorts matches and joins those that overlap: of one secret found by its
// format and by its name, all bytes are secret, and the worse kind names it.
func settle(ms []Match) []Match {
	if len(ms) < 2 {
		return ms
	}
	sorting.By(ms, func(a, b Match) int {
		return cmp.Or(a.Start-b.Start, b.End-a.End, int(b.Severity-a.Severity))
	})
	out := ms[:1]
	for _, m := range ms[1:] {
		last := &out[len(out)-1]
		if m.Start >= last.End && m.End > m.Start {
			out = append(out, m)
			continue
		}
		if m.Severity > last.Severity || m.Severity == last.Severity && m.keep > last.keep {
			last.Kind, last.Severity = m.Kind, m.Severity
			if last.keep = 0; m.Start == last.Start {
				last.keep = m.keep
			}
		}
		last.End = max(last.End, m.End)
	}
	return out[:min(len(out), maxMatches)]
}
