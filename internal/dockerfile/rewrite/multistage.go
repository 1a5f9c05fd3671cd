package rewrite

import "github.com/drydock-dev/drydock/internal/dockerfile"

// converter converts the files of one language. It reports whether a file is its
// own; of one that is not, nothing is said.
type converter struct {
	name    string
	mine    func(*conversion) bool
	convert func(*conversion) error
}

func converters() []converter {
	return []converter{
		{"Node", isNode, convertNode},
		{"Go", isGo, convertGo},
		{"Python", isPython, convertPython},
		{"Java", isJava, convertJava},
		{"Rust", isRust, convertRust},
		{".NET", isDotnet, convertDotnet},
		{"PHP", isPHP, convertPHP},
	}
}

// MultiStage makes two stages of one: what builds stays in the first, and the
// final one has what runs. The error is a [*Refused] for a file that cannot be
// converted, or of which nothing would be gained.
func MultiStage(r Request) (Rewrite, error) {
	c, err := newConversion(r)
	if err != nil {
		return Rewrite{}, err
	}
	for _, l := range converters() {
		if l.mine(c) {
			c.title = "Build in a stage of its own, and ship only what runs (" + l.name + ")"
			if err := l.convert(c); err != nil {
				return Rewrite{}, err
			}
			return c.split()
		}
	}
	return Rewrite{}, refuse(c.from(), "what is built here is in no language whose builds are known")
}

func (c *conversion) from() *dockerfile.Instruction { return &c.File.Instructions[c.stage.From] }
