package rules

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
)

// unlessBroken takes fixes away that edit a part of what was meant as a JSON
// array and is none: its words are not what they look like. To write all of it
// anew is another matter.
func (in *Input) unlessBroken(f *finding.Finding) {
	f.Fixes = slices.DeleteFunc(f.Fixes, func(x finding.Fix) bool {
		return slices.ContainsFunc(x.Edits, func(e finding.Edit) bool {
			inst := in.instructionAt(e)
			if inst == nil || !brokenJSON(inst) {
				return false
			}
			first, last := inst.Words[0].Span.Start, inst.Words[len(inst.Words)-1].Span.End
			return e.Start > first || e.End < last
		})
	})
}

// instructionAt is the instruction that an edit changes something of; nil: none.
func (in *Input) instructionAt(e finding.Edit) *dockerfile.Instruction {
	if e.File != in.File.Name {
		return nil
	}
	all := in.File.Instructions
	i, _ := slices.BinarySearchFunc(all, e.Start, func(inst dockerfile.Instruction, at int) int { return inst.Span.End - at })
	if i == len(all) || all[i].Span.Start > e.Start {
		return nil
	}
	return &all[i]
}

// brokenJSON reports whether an instruction's arguments begin like a JSON array
// and are not one. What only tests a condition, RUN [ -f x ], is a command.
func brokenJSON(inst *dockerfile.Instruction) bool {
	if inst.Trigger != nil {
		inst = inst.Trigger
	}
	if inst.JSON || len(inst.Words) == 0 || !strings.HasPrefix(inst.Words[0].Text, "[") {
		return false
	}
	switch inst.Cmd {
	case "COPY", "ADD", "VOLUME", "SHELL":
		return true
	case "RUN", "CMD", "ENTRYPOINT":
		text := strings.TrimSpace(inst.Words[0].Text)
		return strings.HasSuffix(text, "]") && !strings.HasPrefix(text, "[ ") && !strings.HasPrefix(text, "[[") ||
			strings.HasPrefix(strings.TrimLeft(text[1:], " "), `"`) && strings.Contains(text, `",`)
	}
	return false
}
