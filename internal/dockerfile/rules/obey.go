package rules

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile/inspect"
	"github.com/drydock-dev/drydock/internal/finding"
)

// obey suppresses a finding that the file's pragmas name: of one in several
// places, those of any of them count.
// A name of another tool's stands for the whole rule where the finding itself is one
// that the tool does not have: who ignores DL3009 means apt's lists, too.
func obey(in *inspect.Input, f *finding.Finding, rule *finding.Rule) {
	also := *f
	also.Aliases = slices.Concat(f.Aliases, otherwise(f.Aliases, rule.Aliases))
	p := in.Pragmas.Global.About(&also)
	for _, l := range f.At {
		if p != nil || l.Source == nil {
			continue
		}
		if n := inspect.InstructionAt(in.File, l.Source.Start); n >= 0 {
			if p = in.Pragmas.Local[n].About(&also); p == nil {
				p = in.Pragmas.Stage[in.File.Instructions[n].Stage].About(&also)
			}
		}
	}
	if p == nil {
		return
	}
	reason := p.Reason
	if reason == "" {
		reason = map[string]string{"check": "# check=skip", "hadolint": "# hadolint ignore", "drydock": "# drydock ignore"}[p.Tool]
	}
	f.Suppressed = &finding.Suppression{By: finding.ByPragma, Source: p.Source(), Reason: reason}
}

// otherwise are the names of a rule by the tools that have none for the finding.
// Names of BuildKit's are exact.
func otherwise(has, all []string) []string {
	if len(has) == len(all) {
		return nil
	}
	tool := func(name string) string { return strings.TrimRight(name, "0123456789.-") }
	return slices.DeleteFunc(slices.Clone(all), func(name string) bool {
		return inspect.IsBuildKits(name) || slices.ContainsFunc(has, func(h string) bool { return tool(h) == tool(name) })
	})
}

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
