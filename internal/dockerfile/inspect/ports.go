package inspect

import "github.com/drydock-dev/drydock/internal/dockerfile"

// EachExposed calls visit for each word of each EXPOSE, with its variables filled
// in as far as they are known.
func (in *Input) EachExposed(visit func(i int, w dockerfile.Word, text string)) {
	in.Each("EXPOSE", func(i int, inst *dockerfile.Instruction) {
		for _, w := range inst.Words {
			text, _ := in.Value(i, w)
			visit(i, w, text)
		}
	})
}
