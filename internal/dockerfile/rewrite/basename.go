package rewrite

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// Rename has stages name other images: in FROM, or in the default of the build
// argument that gives FROM the name or a part of it. A default is edited where
// FROM alone reads it, every FROM agrees, and no file in sight gives the argument
// another value; else the reason is the error.
func Rename(r Request, to map[*dockerfile.Stage]string) ([]finding.Edit, error) {
	d := newDraft(r)
	given := map[string]string{} // arguments and their new defaults
	var noted []string
	for i := range d.File.Stages {
		st := &d.File.Stages[i]
		ref, moved := to[st]
		if !moved {
			continue
		}
		if !strings.ContainsRune(st.BaseWord.Text, '$') {
			if string(d.File.Bytes[st.BaseWord.Span.Start:st.BaseWord.Span.End]) != st.Base {
				return nil, refuse(d.fromOf(st), "the name of the base is not written plainly")
			}
			d.edit(st.BaseWord.Span.Start, st.BaseWord.Span.End, ref)
			continue
		}
		name, value, err := d.argumentFor(st, ref)
		if err != nil {
			return nil, err
		}
		if was, twice := given[name]; twice && was != value {
			return nil, refuse(d.fromOf(st), "the build argument %s would have to be %s here and %s before", name, value, was)
		}
		given[name] = value
		noted = append(noted, name)
	}
	for _, name := range slices.Compact(noted) {
		if err := d.redefine(name, given[name]); err != nil {
			return nil, err
		}
	}
	d.edits = joined(slices.CompactFunc(d.edits, func(a, b finding.Edit) bool { return a == b }))
	return d.edits, d.renamed(to)
}

// fromOf is the FROM of a stage.
func (d *draft) fromOf(st *dockerfile.Stage) *dockerfile.Instruction {
	return &d.File.Instructions[st.From]
}

var plainVariable = lazyregexp.New(`\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)

// argumentFor is the one build argument of a FROM that another value of makes the
// name of its base ref, and that value.
func (d *draft) argumentFor(st *dockerfile.Stage, ref string) (name, value string, err error) {
	word, from := st.BaseWord.Text, d.fromOf(st)
	if string(d.File.Bytes[st.BaseWord.Span.Start:st.BaseWord.Span.End]) != word || strings.ContainsAny(plainVariable.ReplaceAllString(word, ""), "$\"'\\`") {
		return "", "", refuse(from, "a build argument gives %s, or a part of it, in a way that is not followed: raise its default, and what others pass for it", st.BaseRaw)
	}
	defaults := map[string]string{}
	for _, a := range d.File.GlobalArgs {
		defaults[a.Name] = a.Value
	}
	spots := plainVariable.FindAllStringSubmatchIndex(word, -1)
	fill := func(text string) string {
		return plainVariable.ReplaceAllStringFunc(text, func(v string) string { return defaults[strings.Trim(v, "${}")] })
	}
	for _, m := range spots {
		left, right := fill(word[:m[0]]), fill(word[m[1]:])
		if len(left)+len(right) >= len(ref) || !strings.HasPrefix(ref, left) || !strings.HasSuffix(ref, right) {
			continue
		}
		v := ref[len(left) : len(ref)-len(right)]
		if n := strings.Trim(word[m[0]:m[1]], "${}"); v != defaults[n] {
			if name != "" && name != n {
				return "", "", refuse(from, "%s or %s would have to change for %s, and which of them is meant is not known", name, n, ref)
			}
			name, value = n, v
		}
	}
	if name == "" {
		return "", "", refuse(from, "no other default of one of its build arguments makes %s of %s: write it by hand", ref, st.BaseRaw)
	}
	return name, value, nil
}

// redefine gives a build argument that only FROM reads another default.
func (d *draft) redefine(name, value string) error {
	var at *finding.Span
	for i := range d.File.Instructions {
		in := &d.File.Instructions[i]
		if in.Trigger != nil {
			in = in.Trigger
		}
		if in.Cmd != "ARG" {
			continue
		}
		for _, p := range in.Pairs() {
			switch {
			case p.Key.Text != name:
			case in.Stage >= 0:
				return refuse(in, "the build argument %s gives the base its name and is used here, too: raise its default where both may have it", name)
			case at != nil:
				return refuse(in, "the build argument %s is declared twice", name)
			case !p.HasValue:
				return refuse(in, "the build argument %s has no default", name)
			case strings.ContainsAny(p.Value.Text, "$\\`"):
				return refuse(in, "the default of the build argument %s is made of others: raise it by hand", name)
			default:
				at = &p.Value.Span
			}
		}
	}
	for _, u := range d.Uses {
		if slices.Contains(u.Args, name) {
			return refuse(nil, "%s gives the build argument %s, whose default would not count: raise it there, and the default with it", said(u), name)
		}
	}
	if at == nil {
		return refuse(nil, "the file does not declare the build argument %s before its first FROM", name)
	}
	start, end := at.Start, at.End
	if q := d.File.Bytes[start]; end-start > 1 && (q == '"' || q == '\'') && d.File.Bytes[end-1] == q {
		start, end = start+1, end-1
	}
	if strings.ContainsAny(string(d.File.Bytes[start:end]), "\"'\n") {
		return refuse(nil, "the default of the build argument %s is not written plainly: raise it by hand", name)
	}
	d.edit(start, end, value)
	return nil
}

// renamed makes sure that the stages stand on what they are to, and the others on
// what they stood on.
func (d *draft) renamed(to map[*dockerfile.Stage]string) error {
	f, err := dockerfile.Parse(d.File.Name, d.result())
	if err != nil || len(f.Stages) != len(d.File.Stages) {
		return refuse(nil, "the result would be no Dockerfile (%v)", err)
	}
	for i := range f.Stages {
		was := &d.File.Stages[i]
		want, moved := to[was]
		if !moved {
			want = was.Base
		}
		if f.Stages[i].Base != want || f.Stages[i].Platform != was.Platform {
			return refuse(d.fromOf(was), "%s has its name from the same build argument, and would be %s", was.BaseRaw, f.Stages[i].Base)
		}
	}
	return nil
}
