package rules

import (
	"regexp"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// obey suppresses what the file's pragmas name: BuildKit's "# check=skip=A,B"
// for the whole file, or above an instruction for that one; hadolint's
// "# hadolint global ignore=A" and "# hadolint ignore=A,B" likewise.
func obey(in *Input, found []finding.Finding) {
	skip := BuildKitDirective(in.File).Skip
	checks := checkComments(in.File)
	var global []string
	local := map[int][]string{} // by the instruction's first byte
	if !in.Options.IgnorePragma {
		global, local = hadolintPragmas(in.File)
	}
	for i := range found {
		f := &found[i]
		above := func(pragmas map[int][]string) bool {
			return slices.ContainsFunc(f.At, func(l finding.Location) bool {
				if l.Source == nil {
					return false
				}
				names := pragmas[owner(in.File, l.Source.Start)]
				return slices.Contains(names, "all") || Named(f, names)
			})
		}
		switch {
		case slices.Contains(skip, "all"), Named(f, skip):
			f.Suppressed = &finding.Suppression{By: "pragma", Source: in.File.Name, Reason: "# check=skip"}
		case Named(f, global):
			f.Suppressed = &finding.Suppression{By: "pragma", Source: in.File.Name, Reason: "# hadolint global ignore"}
		case above(checks):
			f.Suppressed = &finding.Suppression{By: "pragma", Source: in.File.Name, Reason: "# check=skip above it"}
		case above(local):
			f.Suppressed = &finding.Suppression{By: "pragma", Source: in.File.Name, Reason: "# hadolint ignore"}
		}
	}
}

// owner is where the instruction begins that the byte at pos belongs to; -1:
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
	return f.Instructions[i].Span.Start
}

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

// Directive is what a "# check=…" directive says.
type Directive struct {
	Skip         []string // rules; "all" in lower case is each of them
	Experimental []string
	Error        bool // findings are errors
}

// BuildKitDirective reads the file's "# check=skip=A,B;error=true" directive.
func BuildKitDirective(f *dockerfile.File) Directive {
	var d Directive
	for _, line := range f.Directives {
		if line.Name != "check" {
			continue
		}
		for _, part := range strings.Split(line.Value, ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			switch strings.TrimSpace(key) {
			case "skip":
				d.Skip = list(value)
			case "experimental":
				d.Experimental = list(value)
			case "error":
				d.Error = strings.EqualFold(strings.TrimSpace(value), "true")
			}
		}
	}
	return d
}

func list(s string) []string {
	var out []string
	for _, name := range strings.Split(s, ",") {
		if name = strings.TrimSpace(name); name != "" {
			if strings.EqualFold(name, "all") {
				name = "all"
			}
			out = append(out, name)
		}
	}
	return out
}

var pragma = regexp.MustCompile(`^#\s*hadolint\s+(global\s+)?ignore\s*=\s*(.*)$`)

// hadolintPragmas reads the comments that are meant for hadolint.
func hadolintPragmas(f *dockerfile.File) (global []string, local map[int][]string) {
	local = map[int][]string{}
	var waiting []string
	next := 0
	for _, t := range f.Tokens() {
		for next < len(f.Instructions) && t.Start >= f.Instructions[next].Span.Start {
			if len(waiting) > 0 {
				at := f.Instructions[next].Span.Start
				local[at] = append(local[at], waiting...)
				waiting = nil
			}
			next++
		}
		if t.Kind != dockerfile.Comment {
			continue
		}
		m := pragma.FindSubmatch(f.Bytes[t.Start:t.End])
		switch {
		case m == nil:
		case len(m[1]) > 0:
			global = append(global, list(string(m[2]))...)
		default:
			waiting = append(waiting, list(string(m[2]))...)
		}
	}
	return global, local
}
