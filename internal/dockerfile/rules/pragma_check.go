package rules

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
)

// checkComment is a comment in the form of BuildKit's check directive.
var checkComment = regexp.MustCompile(`(?i)^#\s*check\s*=\s*(\S+)`)

// checkComments reads the "# check=skip=A,B" comments above instructions, by
// the instruction's first byte. As in BuildKit an empty comment sets apart what
// is above it, an empty line does not, and of two the first counts.
func checkComments(f *dockerfile.File) map[int][]string {
	local := map[int][]string{}
	if !bytes.Contains(f.Bytes, []byte("skip")) {
		return local
	}
	var waiting []string
	next := 0
	for _, t := range f.Tokens() {
		for next < len(f.Instructions) && t.Start >= f.Instructions[next].Span.Start {
			local[f.Instructions[next].Span.Start] = waiting
			waiting = nil
			next++
		}
		if t.Kind != dockerfile.Comment || next > 0 && t.Start < f.Instructions[next-1].Span.End {
			continue
		}
		text := bytes.TrimSpace(f.Bytes[t.Start:t.End])
		if string(text) == "#" {
			waiting = nil
		}
		m := checkComment.FindSubmatch(text)
		if m == nil || waiting != nil {
			continue
		}
		for _, option := range strings.Split(string(m[1]), ";") {
			if key, value, _ := strings.Cut(option, "="); strings.TrimSpace(key) == "skip" {
				waiting = list(value)
			}
		}
	}
	return local
}
