package rules

import (
	"cmp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// leastSecret is the shortest value that is masked wherever it stands: a shorter
// one is a part of too many words.
const leastSecret = 4

// SecretValues are the values that a Dockerfile's variables and commands have
// and that findings say are secret, by their names or formats: they are not to be
// shown. Of a file that does not parse there are none.
func SecretValues(found []finding.Finding, name string, b []byte) []string {
	var at []finding.Span
	for _, f := range found {
		if !f.Hides {
			continue
		}
		for _, l := range f.At {
			if l.Source != nil && l.Source.File == name {
				at = append(at, *l.Source)
			}
		}
	}
	if len(at) == 0 {
		return nil
	}
	f, err := dockerfile.Parse(name, b)
	if err != nil {
		return nil
	}
	slices.SortFunc(at, func(a, b finding.Span) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End)) })
	all := slices.Compact(at)
	var out []string
	for i := range f.Instructions {
		in := &f.Instructions[i]
		for len(all) > 0 && all[0].End <= in.Span.Start {
			all = all[1:]
		}
		n := 0
		for n < len(all) && all[n].Start < in.Span.End {
			n++
		}
		at := all[:n] // those that lie in the instruction
		if in.Cmd != "ENV" && in.Cmd != "ARG" && in.Cmd != "LABEL" {
			for _, s := range at {
				if s.Start >= in.Span.Start && s.End <= in.Span.End {
					out = appendSecret(out, string(b[s.Start:s.End]))
				}
			}
			continue
		}
		for _, p := range in.Pairs() {
			for len(at) > 0 && at[0].End <= p.Key.Span.Start {
				at = at[1:]
			}
			if len(at) == 0 || at[0].Start >= p.Value.Span.End {
				continue
			}
			if v := strings.Trim(p.Value.Text, `"'`); len(v) >= leastSecret && !strings.HasPrefix(v, "$") {
				out = append(out, v)
			}
		}
	}
	return out
}

// appendSecret appends what of a command's word is secret: what follows the name
// of a user or of an option. A whole command is not one, and a URL's password is
// known by its form.
func appendSecret(out []string, word string) []string {
	word = strings.Trim(word, `"'`)
	if strings.ContainsAny(word, " \t\n$") || strings.Contains(word, "://") {
		return out
	}
	if i := strings.IndexAny(word, "=:"); i >= 0 {
		word = strings.Trim(word[i+1:], `"'`)
	} else if strings.HasPrefix(word, "-") {
		return out
	}
	if len(word) < leastSecret {
		return out
	}
	return append(out, word)
}
