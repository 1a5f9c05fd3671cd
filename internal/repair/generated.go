package repair

import (
	"bytes"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// generatedBy is how files say that a program writes them.
var generatedBy = lazyregexp.New(`(?i)\b(?:(?:please )?do(?: not|n't) (?:(?:edit|modify)\b|(?:change|touch) (?:this|it|by hand|manually|directly)\b)|auto[- ]?generated\b|` +
	`automatically (?:created|generated|written) by\b|(?:file|dockerfile) (?:is|was|has been) (?:auto[- ]?)?generated\b|` +
	`^#+\s*(?:code )?generated (?:by|from|via|with)\b)`)

// generatedWithin is in how many lines from the top a file says so.
const generatedWithin = 40

// generated is the line in which a file's comments say that it is generated; 0:
// none does.
func generated(b []byte) int {
	n := 0
	for line := range bytes.Lines(b) {
		if n++; n > generatedWithin {
			return 0
		}
		if text := bytes.TrimSpace(line); bytes.HasPrefix(text, []byte("#")) && generatedBy.Match(text) {
			return n
		}
	}
	return 0
}
