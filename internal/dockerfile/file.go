package dockerfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
)

// Limits on a Dockerfile that is read. An image has 127 layers at most: what has
// more instructions than some hundred is generated, or hostile.
const (
	// MaxBytes limits the bytes of a Dockerfile.
	MaxBytes = 1 << 20
	// MaxInstructions limits the instructions of a Dockerfile.
	MaxInstructions = 1 << 15
)

// File is a Dockerfile that BuildKit would accept. Its slices are read only.
type File struct {
	Name         string
	Bytes        []byte
	Escape       byte // '\\', or '`' by directive
	Directives   []Directive
	Instructions []Instruction // all of them, in order
	Stages       []Stage       // at least one
	GlobalArgs   []Arg         // declared before the first FROM

	byName map[string]int // the last stage of each name
	lines  []int          // byte offset of each line's start, and of the end of the file
}

// Directive is a parser directive: a comment at the top that is meant.
type Directive struct {
	Name  string // "syntax", "escape" or "check"
	Value string
	Span  finding.Span
}

// Instruction is one instruction with its place. Its span begins at its first
// character and ends before the line end of its last line, continuation lines
// and here-documents included.
type Instruction struct {
	Cmd   string   // upper case: "RUN"
	Raw   string   // the bytes of Span
	Flags []string // as written: "--from=build"
	// Args are the arguments as BuildKit's parser splits them, continuations
	// joined, quotes and variables as written: the strings of the JSON form, one
	// string for the shell form of RUN, CMD and ENTRYPOINT, "key=value" for ENV
	// and LABEL, words for the others.
	Args     []string
	JSON     bool // the arguments are a JSON array
	Heredocs []Heredoc
	Stage    int // index into Stages; -1 before the first FROM
	Span     finding.Span

	Keyword   Word         // as written
	FlagWords []Flag       // as Flags, with their bytes
	Words     []Word       // as Args, with their bytes
	Trigger   *Instruction // what ONBUILD says, as an instruction of its own; else nil

	line line // what a builder reads of it, and where that is
	rest int  // where the arguments begin in line
}

// Word is a part of an instruction with its bytes.
type Word struct {
	Text string       // as BuildKit reads it: continuations taken out, quotes and variables as written, JSON decoded
	Span finding.Span // continuations within it, and a JSON string's quotes, included
}

// Flag is a flag of an instruction: "--from=build".
type Flag struct {
	Name  string // "from"
	Value string // "build"; empty also where there is none
	Span  finding.Span
}

// Heredoc is a here-document of an instruction.
type Heredoc struct {
	Name    string
	Content string       // with its line ends, without the terminator
	Expand  bool         // variables in it are replaced
	Chomp   bool         // leading tabs are taken away
	Body    finding.Span // the bytes of Content
	End     finding.Span // the line of the terminator, without its line end
}

// Arg is a global build argument.
type Arg struct {
	Name    string
	Default string // as written; meaningful if HasDefault
	// Value is the default with the defaults of earlier arguments filled in.
	Value      string
	HasDefault bool
}

// Stage is a build stage. Its instructions are those of [File.Of].
type Stage struct {
	Index    int
	Name     string // lower case; empty: none
	BaseRaw  string // as written: "node:${VERSION}"
	BaseWord Word   // the same, with its bytes
	NameWord Word   // the name as written; no text: none
	Base     string // with global arguments' defaults filled in; empty: cannot be told from the file
	Parent   *Stage // the stage it builds on; nil: an image, or scratch
	Platform string // of --platform, likewise; empty: none, or cannot be told
	From     int    // index of its FROM in File.Instructions
	End      int    // index after its last instruction
	Span     finding.Span
}

// Of returns the instructions of a stage, without its FROM.
func (f *File) Of(s *Stage) []Instruction { return f.Instructions[s.From+1 : s.End] }

// Target returns the stage of that name or number, or the last for an empty
// one, as `docker build --target` takes it.
func (f *File) Target(stage string) (*Stage, error) {
	if stage == "" {
		return &f.Stages[len(f.Stages)-1], nil
	}
	n, ok := f.byName[strings.ToLower(stage)]
	if i, err := strconv.Atoi(stage); err == nil && i >= 0 && i < len(f.Stages) && (!ok || i > n) {
		n, ok = i, true
	}
	if ok {
		return &f.Stages[n], nil
	}
	return nil, fmt.Errorf("%s has no stage %q", f.Name, stage)
}

// Chain returns the stages that s is built from, the one on an image first and
// s last.
func (f *File) Chain(s *Stage) []*Stage {
	chain := []*Stage{s}
	for s.Parent != nil {
		s = s.Parent
		chain = append(chain, s)
	}
	slices.Reverse(chain)
	return chain
}

// Error is a Dockerfile that BuildKit would refuse, with the place.
type Error struct {
	Span finding.Span // of the line or instruction; Line 0: the file as a whole
	Err  error
}

func (e *Error) Error() string {
	if e.Span.Line == 0 {
		return fmt.Sprintf("%s: %v", e.Span.File, e.Err)
	}
	return fmt.Sprintf("%s:%d: %v", e.Span.File, e.Span.Line, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
