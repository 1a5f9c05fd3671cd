package rules

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// obey suppresses a finding that the file's pragmas name: of one in several
// places, those of any of them count.
// A name of another tool's stands for the whole rule where the finding itself is one
// that the tool does not have: who ignores DL3009 means apt's lists, too.
func obey(in *Input, f *finding.Finding, rule *finding.Rule) {
	also := *f
	also.Aliases = slices.Concat(f.Aliases, otherwise(f.Aliases, rule.Aliases))
	p := in.pragmas.global.about(&also)
	for _, l := range f.At {
		if p != nil || l.Source == nil {
			continue
		}
		if n := owner(in.File, l.Source.Start); n >= 0 {
			if p = in.pragmas.local[n].about(&also); p == nil {
				p = in.pragmas.stage[in.File.Instructions[n].Stage].about(&also)
			}
		}
	}
	if p == nil {
		return
	}
	reason := p.reason
	if reason == "" {
		reason = map[string]string{"check": "# check=skip", "hadolint": "# hadolint ignore", "drydock": "# drydock ignore"}[p.tool]
	}
	f.Suppressed = &finding.Suppression{By: finding.ByPragma, Source: p.source(), Reason: reason}
}

// otherwise are the names of a rule by the tools that have none for the finding.
// Names of BuildKit's are exact.
func otherwise(has, all []string) []string {
	if len(has) == len(all) {
		return nil
	}
	tool := func(name string) string { return strings.TrimRight(name, "0123456789.-") }
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return isBuildKits(name) || slices.ContainsFunc(has, func(h string) bool { return tool(h) == tool(name) })
	})
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

// naming are pragmas by the names in them, the first one of each.
type naming map[string]*pragma

// add joins a pragma. BuildKit minds the case of its own names, and "all" are
// its own only.
func (n naming) add(p *pragma) {
	keep := func(key string) {
		if n[key] == nil {
			n[key] = p
		}
	}
	if p.all {
		keep("=")
	}
	for _, name := range p.names {
		if p.tool == "check" && isBuildKits(name) {
			keep("=" + name)
		} else {
			keep(strings.ToLower(name))
		}
	}
}

// about is a pragma that names a finding; nil: none does.
func (n naming) about(f *finding.Finding) *pragma {
	if len(n) == 0 {
		return nil
	}
	if p := n[strings.ToLower(string(f.Rule))]; p != nil {
		return p
	}
	for _, alias := range f.Aliases {
		if p := n[strings.ToLower(alias)]; p != nil {
			return p
		}
		if !isBuildKits(alias) {
			continue
		}
		if p := n["="+alias]; p != nil {
			return p
		}
		if p := n["="]; p != nil {
			return p
		}
	}
	return nil
}

// isBuildKits reports whether a name is of the form of BuildKit's, which are words
// without a number.
func isBuildKits(name string) bool { return !strings.ContainsAny(name, "0123456789/-") }

// Named reports whether one of the names, in any case, is the finding's rule or
// one of its aliases.
func Named(f *finding.Finding, names []string) bool {
	for _, n := range names {
		if strings.EqualFold(n, string(f.Rule)) || slices.ContainsFunc(f.Aliases, func(a string) bool { return strings.EqualFold(a, n) }) {
			return true
		}
	}
	return false
}
