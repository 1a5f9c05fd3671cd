package dockerfile

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

var (
	loneVariable = lazyregexp.New(`^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})$`)
	// setters are programs that may set any variable, or one that they name.
	setters = []string{"eval", "source", ".", "read", "unset", "mapfile", "readarray", "getopts", "printf", "let"}
)

// settle fills in what variables stand for where the script itself says so: a
// variable that is set once, not in a branch, to what nothing is expanded in, and
// that nothing else may set.
func (w *walker) settle() {
	set := map[string][]int{} // by variable, the commands that set it
	for n := range w.script.Commands {
		c := &w.script.Commands[n]
		for _, a := range c.Assigns {
			set[a.Name] = append(set[a.Name], n)
		}
		if slices.Contains(setters, c.Program()) {
			for _, word := range c.Args() {
				set[word.Text] = append(set[word.Text], n)
				if p := c.Program(); p == "eval" || p == "source" || p == "." {
					set[""] = append(set[""], n)
				}
			}
		}
	}
	if len(set[""]) > 0 || len(set)+len(w.loops) == 0 {
		return
	}
	for n := range w.script.Commands {
		c := &w.script.Commands[n]
		if slices.Contains(c.Within, "nested") || slices.Contains(c.Within, "function") {
			continue
		}
		for k := range c.Words {
			word := &c.Words[k]
			if m := loneVariable.FindStringSubmatch(word.Text); m != nil && len(word.Vars) == 1 {
				word.Values = w.values(m[1]+m[2], set[m[1]+m[2]], n)
				if word.Quoted && len(word.Values) > 1 && w.loops[m[1]+m[2]] == 0 {
					word.Values = nil // one word, which is no name
				}
			}
		}
	}
}

// values are the words of a variable at command n, which the commands of by set.
func (w *walker) values(name string, by []int, n int) []string {
	var words []ShellWord
	switch {
	case w.loops[name] == 1 && len(by) == 0:
		words = w.items[name]
	case w.loops[name] > 0 || len(by) != 1 || by[0] >= n:
		return nil
	default:
		c := &w.script.Commands[by[0]]
		lasts := len(c.Words) == 0 || slices.Contains([]string{"export", "readonly", "declare", "typeset", "local"}, c.Words[0].Text)
		if !lasts || c.After == "||" || c.After == "|" || c.Input >= 0 || slices.ContainsFunc(c.Within, func(in string) bool { return in != "group" }) {
			return nil
		}
		for _, a := range c.Assigns {
			if a.Name == name {
				words = append(words, a.Value)
			}
		}
		if len(words) != 1 {
			return nil
		}
	}
	var out []string
	for _, x := range words {
		if !x.Literal || strings.ContainsAny(x.Text, "*?[\\$`") {
			return nil
		}
		out = append(out, strings.Fields(x.Text)...)
	}
	return out
}
