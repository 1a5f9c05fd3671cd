package inspect

import (
	"slices"
	"strings"
)

// MaxReadme limits the bytes of a README that is read for commands.
const MaxReadme = 1 << 20

// AnyMentions reports whether one of the words stands in a RUN, or in a file of the
// context.
func (in *Input) AnyMentions(words []string, files ...string) bool {
	has := func(text string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	for i := range in.File.Instructions {
		if inst := &in.File.Instructions[i]; inst.Cmd == "RUN" && has(inst.Raw) {
			return true
		}
	}
	return slices.ContainsFunc(files, func(name string) bool {
		b, err := in.Options.Context.Beside(name, MaxReadme)
		return err == nil && (has(string(b)) || has(betweenWords.Replace(string(b))))
	})
}
