package inspect

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// InstructionAt is the index of the instruction that the byte at pos belongs to; -1:
// none.
func InstructionAt(f *dockerfile.File, pos int) int {
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
type naming map[string]*Pragma

// add joins a pragma. BuildKit minds the case of its own names, and "all" are
// its own only.
func (n naming) add(p *Pragma) {
	keep := func(key string) {
		if n[key] == nil {
			n[key] = p
		}
	}
	if p.all {
		keep("=")
	}
	for _, name := range p.Names {
		if p.Tool == "check" && IsBuildKits(name) {
			keep("=" + name)
		} else {
			keep(strings.ToLower(name))
		}
	}
}

// About is a pragma that names a finding; nil: none does.
func (n naming) About(f *finding.Finding) *Pragma {
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
		if !IsBuildKits(alias) {
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

// IsBuildKits reports whether a name is of the form of BuildKit's, which are words
// without a number.
func IsBuildKits(name string) bool { return !strings.ContainsAny(name, "0123456789/-") }
