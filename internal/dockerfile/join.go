package dockerfile

import (
	"slices"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/image"
)

// Join says for each step of an image's history which instruction made it, as
// an index into f.Instructions, or -1 for a step of the base image. It joins
// from the last step backwards, through the stages that this one builds on,
// and is nil when the history was not made by this stage: an instruction that
// does not match its step means that nothing can be said.
func Join(f *File, stage *Stage, steps []image.Step) []int {
	out := slices.Repeat([]int{-1}, len(steps))
	at := len(steps) - 1
	for at >= 0 && addedByFlag(steps[at].CreatedBy, f, stage) {
		at--
	}
	chain := f.Chain(stage)
	shells := knownShells(f, chain)
	for i := len(chain) - 1; i >= 0; i-- {
		for n := chain[i].End - 1; n > chain[i].From; n-- {
			in := &f.Instructions[n]
			if at >= 0 && made(in, parseStep(steps[at].CreatedBy), shells[n]) {
				out[at] = n
				at--
				continue
			}
			// BuildKit keeps no record of a trigger, and Kaniko none of an argument.
			if in.Cmd != "ONBUILD" && in.Cmd != "ARG" {
				return nil
			}
		}
	}
	if chain[0].Base == "scratch" && at >= 0 {
		return nil // nothing can come from an empty base
	}
	return out
}

// addedByFlag reports whether a last step is `docker build --label`'s, which the
// older builder records as an instruction.
func addedByFlag(createdBy string, f *File, stage *Stage) bool {
	s := parseStep(createdBy)
	if s.cmd != "LABEL" || !s.nop {
		return false
	}
	if stage.End == stage.From+1 {
		return true
	}
	last := &f.Instructions[stage.End-1]
	return !made(last, s, nil)
}

// knownShells says for each instruction of the stages of a chain, by its index,
// which shell its commands run under; nil: the base's, which the file does not
// say.
func knownShells(f *File, chain []*Stage) map[int][]string {
	var shell []string
	if chain[0].Base == "scratch" {
		shell = []string{"/bin/sh", "-c"}
	}
	out := map[int][]string{}
	for _, s := range chain {
		for n := s.From + 1; n < s.End; n++ {
			if f.Instructions[n].Cmd == "SHELL" {
				shell = f.Instructions[n].Args
			}
			out[n] = shell
		}
	}
	return out
}

// JoinLayers says for each layer of an image, bottom first, where in the
// Dockerfile it comes from: the instruction that made it, or the FROM that
// brought it in with the base image. It is nil for a layer of which that is
// not known; if the history does not match the stage, that is each of them.
func JoinLayers(f *File, stage *Stage, im *image.Image) []*finding.Span {
	out := make([]*finding.Span, len(im.Layers))
	joined := Join(f, stage, im.Steps)
	if joined == nil {
		return out
	}
	from := f.Chain(stage)[0].Span
	for i, l := range im.Layers {
		if l.Step < 0 || l.Step >= len(joined) {
			continue
		}
		span := from
		if n := joined[l.Step]; n >= 0 {
			span = f.Instructions[n].Span
		}
		out[i] = &span
	}
	return out
}
