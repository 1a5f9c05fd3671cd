package check

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
	"github.com/drydock-dev/drydock/internal/secret"
)

// leastSecret is the shortest value that is masked wherever it stands: a shorter
// one is a part of too many words.
const leastSecret = 4

// secretValues are the values that a Dockerfile's variables have and that rules
// say are secret, by their names or formats. They are never printed.
func secretValues(found []finding.Finding, name string, b []byte) []string {
	var at []finding.Span
	for _, f := range found {
		if !strings.Contains(string(f.Rule), "secret") && !strings.Contains(string(f.Rule), "password") {
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
	var out []string
	for i := range f.Instructions {
		in := &f.Instructions[i]
		if in.Cmd != "ENV" && in.Cmd != "ARG" && in.Cmd != "LABEL" {
			for _, s := range at {
				if s.Start >= in.Span.Start && s.End <= in.Span.End {
					out = appendSecret(out, string(b[s.Start:s.End]))
				}
			}
			continue
		}
		for _, p := range in.Pairs() {
			if !slices.ContainsFunc(at, func(s finding.Span) bool { return s.Start < p.Value.Span.End && p.Key.Span.Start < s.End }) {
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

// mask takes values out of a text.
func mask(text string, values []string) string {
	for _, v := range values {
		text = strings.ReplaceAll(text, v, "****")
	}
	return text
}

// maskHunks takes values out of what a diff shows.
func maskHunks(hunks []fix.Hunk, values []string) []fix.Hunk {
	if len(values) == 0 {
		return hunks
	}
	for i := range hunks {
		for n := range hunks[i].Lines {
			hunks[i].Lines[n].Text = mask(hunks[i].Lines[n].Text, values)
		}
	}
	return hunks
}

// withhold leaves out the edits whose text would hold a secret: a report is read
// by others. `fix` computes them anew and writes them.
func withhold(found []finding.Finding, values []string) {
	for i := range found {
		for n := range found[i].Fixes {
			x := &found[i].Fixes[n]
			if slices.ContainsFunc(x.Edits, func(e finding.Edit) bool { return mask(e.New, values) != e.New || secret.Redact(e.New) != e.New }) {
				x.Edits = nil
				x.Title += " (drydock fix writes it: the text holds a secret)"
			}
		}
	}
}
