package dockerfile

import (
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/patternmatcher"
)

// Redone says of a step of a build whether it is made anew after files of its context
// have changed. Steps are the instructions that make a layer.
type Redone struct {
	At    int    // index of the instruction
	Stage int    // of the stage
	Anew  bool   // it is made again
	By    string // the changed file that it reads; empty: none
	On    int    // index of the step that it stands on, or copies from, and that is made anew; -1: none
	Maybe bool   // what it copies cannot be told from the file, and so it may be made again
}

// Rebuilt tells what a build of a stage makes anew after files of its context changed,
// as BuildKit's cache has it: a step whose input changed, and whatever stands on it or
// copies from it. changed are paths that the build sees, slash-separated and relative to
// the context; a folder stands for all that is in it.
func (f *File) Rebuilt(target *Stage, changed []string, sc *Scopes) []Redone {
	r := &rebuilding{file: f, sc: sc, changed: changed, ends: map[int]int{}}
	needed := f.needed(target)
	for i := range f.Stages {
		if needed[i] {
			r.stage(&f.Stages[i])
		}
	}
	return r.out
}

// needed are the stages that a stage stands on or copies from, by index, itself
// included.
func (f *File) needed(target *Stage) []bool {
	out := make([]bool, len(f.Stages))
	for todo := []*Stage{target}; len(todo) > 0; {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if out[s.Index] {
			continue
		}
		out[s.Index] = true
		if s.Parent != nil {
			todo = append(todo, s.Parent)
		}
		for i := s.From + 1; i < s.End; i++ {
			for _, name := range f.Instructions[i].froms() {
				if from := f.above(s, name); from != nil {
					todo = append(todo, from)
				}
			}
		}
	}
	return out
}

// froms are the stages or images that an instruction copies from or mounts.
func (in *Instruction) froms() []string {
	var out []string
	for _, fl := range in.FlagWords {
		switch fl.Name {
		case "from":
			out = append(out, strings.Trim(fl.Value, `"'`))
		case "mount":
			for field := range strings.SplitSeq(fl.Value, ",") {
				if name, ok := strings.CutPrefix(field, "from="); ok {
					out = append(out, strings.Trim(name, `"'`))
				}
			}
		}
	}
	return out
}

// above is the stage before another that a name or a number means; nil: none.
func (f *File) above(at *Stage, name string) *Stage {
	for i := at.Index - 1; i >= 0; i-- {
		if name != "" && f.Stages[i].Name == strings.ToLower(name) {
			return &f.Stages[i]
		}
	}
	if n, err := strconv.Atoi(name); err == nil && n >= 0 && n < at.Index {
		return &f.Stages[n]
	}
	return nil
}

type rebuilding struct {
	file    *File
	sc      *Scopes
	changed []string
	ends    map[int]int // by stage: the last step that is made anew
	out     []Redone
}

func (r *rebuilding) stage(s *Stage) {
	dirty, broken := 0, false
	if s.Parent != nil {
		dirty, broken = r.end(s.Parent)
	}
	for i := s.From + 1; i < s.End; i++ {
		in := &r.file.Instructions[i]
		if !slices.Contains([]string{"RUN", "COPY", "ADD", "WORKDIR"}, in.Cmd) {
			continue
		}
		step := Redone{At: i, Stage: s.Index, On: -1}
		step.By, step.Maybe = r.reads(s, i, in)
		if broken && !linked(in) {
			step.On = dirty
		}
		for _, name := range in.froms() {
			if from := r.file.above(s, name); from != nil && step.On < 0 {
				if at, ok := r.end(from); ok {
					step.On = at
				}
			}
		}
		step.Anew = step.By != "" || step.On >= 0
		if step.Maybe = step.Maybe && !step.Anew; step.Anew {
			dirty, broken = i, true
		}
		r.out = append(r.out, step)
	}
	if broken {
		r.ends[s.Index] = dirty
	}
}

func (r *rebuilding) end(s *Stage) (at int, broken bool) {
	at, broken = r.ends[s.Index]
	return at, broken
}

// linked reports whether a copy makes a layer that does not depend on those below.
func linked(in *Instruction) bool {
	return slices.ContainsFunc(in.FlagWords, func(fl Flag) bool { return fl.Name == "link" && fl.Value != "false" })
}

// reads is the first changed file that an instruction reads out of the context; maybe
// says that what it reads cannot be told.
func (r *rebuilding) reads(s *Stage, i int, in *Instruction) (by string, maybe bool) {
	switch in.Cmd {
	case "COPY", "ADD":
		if in.Flag("from") != "" || len(in.Args) < 2 {
			return "", false
		}
		for _, word := range in.Args[:len(in.Args)-1] {
			if strings.HasPrefix(word, "<<") || strings.Contains(word, "://") || strings.HasPrefix(word, "git@") {
				continue
			}
			source, known := word, true
			if r.sc != nil && strings.ContainsAny(word, "$") {
				source, known = r.sc.Expand(s, i, word)
			} else if !in.JSON {
				source = unquote(word)
			}
			// A build argument has its default here, and a build may set another.
			maybe = maybe || !known || strings.Contains(source, "$")
			if source == "" || strings.Contains(source, "$") {
				continue
			}
			if by := r.read(source, in); by != "" {
				return by, false
			}
		}
	case "RUN":
		for _, fl := range in.FlagWords {
			if source, ok := boundSource(fl); ok {
				if by := r.read(source, in); by != "" {
					return by, false
				}
			}
		}
	}
	return "", maybe
}

// boundSource is what of the context a flag of RUN mounts.
func boundSource(fl Flag) (source string, ok bool) {
	if fl.Name != "mount" {
		return "", false
	}
	source = "."
	for field := range strings.SplitSeq(fl.Value, ",") {
		key, value, _ := strings.Cut(field, "=")
		switch key {
		case "from":
			return "", false
		case "type":
			if value != "bind" {
				return "", false
			}
		case "source", "src":
			source = value
		}
	}
	return source, true
}

// read is the first changed file that a source of the context covers.
func (r *rebuilding) read(source string, in *Instruction) string {
	source = contextPath(source)
	var out *patternmatcher.PatternMatcher
	var excluded []string
	for _, fl := range in.FlagWords {
		if fl.Name == "exclude" {
			excluded = append(excluded, fl.Value)
		}
	}
	if len(excluded) > 0 {
		out, _ = patternmatcher.New(excluded) // one that is broken leaves nothing out
	}
	for _, name := range r.changed {
		rel, ok := covers(source, name)
		if !ok {
			continue
		}
		if out != nil && rel != "." {
			if no, err := out.MatchesOrParentMatches(rel); err == nil && no {
				continue
			}
		}
		return name
	}
	return ""
}

// covers reports whether a source, which may be a pattern, is a path, or a folder above
// it, or is in it; rel is the path within the source.
func covers(source, name string) (rel string, ok bool) {
	if source == "." || name == "." {
		return name, true
	}
	src, at := strings.Split(source, "/"), strings.Split(name, "/")
	for i := range min(len(src), len(at)) {
		if src[i] == "**" {
			return strings.Join(at[i:], "/"), true
		}
		if ok, err := path.Match(src[i], at[i]); err != nil || !ok {
			return "", false
		}
	}
	if len(at) <= len(src) {
		return path.Base(name), true // the source itself, or the folder that it is in
	}
	return strings.Join(at[len(src):], "/"), true
}

// Copied is how many bytes an instruction copies out of a context; ok reports whether that
// can be told, of a context with at most so many files and folders (0: of any).
func (f *File) Copied(s *Stage, i int, sc *Scopes, c *Context, most int) (bytes int64, ok bool) {
	in := &f.Instructions[i]
	if in.Cmd != "COPY" && in.Cmd != "ADD" || in.Flag("from") != "" || len(in.Heredocs) > 0 || c == nil {
		return 0, false
	}
	met, over := 0, false
	err := c.Walk(func(name string, d fs.DirEntry) bool {
		if met++; most > 0 && met > most {
			over = true
			return false
		}
		r := &rebuilding{file: f, sc: sc, changed: []string{name}}
		by, maybe := r.reads(s, i, in)
		if ok = ok || by != ""; maybe {
			ok = false
			return false
		}
		if by != "" {
			if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
				bytes += info.Size()
			}
		}
		return true
	})
	return bytes, ok && !over && err == nil
}
