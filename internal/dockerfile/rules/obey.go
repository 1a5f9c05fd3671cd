package rules

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// obey suppresses what the file's pragmas name: of a finding in several places,
// those of any of them count.
func obey(in *Input, found []finding.Finding) {
	d, span, _ := checkDirective(in.File)
	top := &pragma{tool: "check", names: d.Skip, all: d.all, span: span}
	for i := range found {
		f := &found[i]
		said := []*pragma{top}
		said = append(said, in.pragmas.global...)
		for _, l := range f.At {
			if l.Source == nil {
				continue
			}
			if n := owner(in.File, l.Source.Start); n >= 0 {
				said = append(said, in.pragmas.local[n]...)
				said = append(said, in.pragmas.stage[in.File.Instructions[n].Stage]...)
			}
		}
		for _, p := range said {
			if p.tool != "check" && in.Options.IgnorePragma || !p.about(f) {
				continue
			}
			reason := p.reason
			if reason == "" {
				reason = map[string]string{"check": "# check=skip", "hadolint": "# hadolint ignore", "drydock": "# drydock ignore"}[p.tool]
			}
			f.Suppressed = &finding.Suppression{By: "pragma", Source: p.source(), Reason: reason}
			break
		}
	}
}

// owner is the index of the instruction that the byte at pos belongs to; -1:
// none.
func owner(f *dockerfile.File, pos int) int {
	i, ok := slices.BinarySearchFunc(f.Instructions, pos, func(in dockerfile.Instruction, pos int) int {
		switch {
		case in.Span.End <= pos:
			return -1
		case in.Span.Start > pos:
			return 1
		}
		return 0
	})
	if !ok {
		return -1
	}
	return i
}

// about says whether the pragma is about a finding. BuildKit minds the case of
// its own names, and "all" are its own only.
func (p *pragma) about(f *finding.Finding) bool {
	if p.tool != "check" {
		return Named(f, p.names)
	}
	return p.all && slices.ContainsFunc(f.Aliases, isBuildKits) || slices.ContainsFunc(p.names, func(name string) bool {
		if isBuildKits(name) {
			return slices.Contains(f.Aliases, name)
		}
		return Named(f, []string{name})
	})
}

// isBuildKits says whether a name is of the form of BuildKit's, which are words
// without a number.
func isBuildKits(name string) bool { return !strings.ContainsAny(name, "0123456789/-") }

// Named says whether one of the names, in any case, is the finding's rule or
// one of its aliases.
func Named(f *finding.Finding, names []string) bool {
	for _, n := range names {
		if strings.EqualFold(n, string(f.Rule)) || slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.EqualFold(a, n) }) {
			return true
		}
	}
	return false
}
