package check

import (
	"bytes"
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
)

// oneSecret makes one finding of those that rules have of one secret: what a
// variable is called and what it holds, or one value by two ways to know it. The
// worst stays, with the others' names. It is for findings that were held to what
// the user ignores, so that ignoring the name of a variable ignores no secret.
func oneSecret(res *Result) {
	byFile := map[string][]int{}
	for i, f := range res.Findings {
		if f.Hides && f.Suppressed == nil && len(f.At) > 0 && f.At[0].Source != nil {
			file := f.At[0].Source.File
			byFile[file] = append(byFile[file], i)
		}
	}
	gone := map[int]bool{}
	for file, all := range byFile {
		slices.SortStableFunc(all, func(a, b int) int {
			return res.Findings[a].At[0].Source.Start - res.Findings[b].At[0].Source.Start
		})
		for n := 1; n < len(all); n++ {
			a, b := all[n-1], all[n]
			if !sameSecret(res.Sources[file], res.Findings[a], res.Findings[b]) {
				continue
			}
			stays, goes := b, a
			if res.Findings[a].Severity > res.Findings[b].Severity {
				stays, goes = a, b
			}
			f := &res.Findings[stays]
			f.Aliases = slices.Clone(f.Aliases)
			for _, name := range append(slices.Clone(res.Findings[goes].Aliases), string(res.Findings[goes].Rule)) {
				if name != string(f.Rule) && !slices.Contains(f.Aliases, name) {
					f.Aliases = append(f.Aliases, name)
				}
			}
			all[n], gone[goes] = stays, true
		}
	}
	if len(gone) == 0 {
		return
	}
	kept := res.Findings[:0:0]
	for i, f := range res.Findings {
		if !gone[i] {
			kept = append(kept, f)
		}
	}
	res.Findings = kept
}

// sameSecret reports whether two places of a file, in their order, are of one
// secret: they overlap, or only what joins a name to its value is between them.
func sameSecret(b []byte, first, second finding.Finding) bool {
	one, two := first.At[0].Source, second.At[0].Source
	if first.Subject != second.Subject || one.Line != two.Line {
		return false
	}
	if two.Start < one.End {
		return first.Rule != second.Rule || first.Message == second.Message
	}
	if one.End < 0 || two.Start > len(b) {
		return false
	}
	joint, line := b[one.End:two.Start], b[bytes.LastIndexByte(b[:one.Start], '\n')+1:one.Start]
	if first.Rule == second.Rule || len(bytes.Trim(joint, "= \t\"'")) > 0 {
		return false
	}
	return bytes.IndexByte(joint, '=') >= 0 || len(bytes.Fields(line)) == 1 // as in "ENV NAME value"
}
