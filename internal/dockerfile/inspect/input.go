package inspect

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// Input is what a rule looks at. It is made once for all rules.
type Input struct {
	File    *dockerfile.File
	Scopes  *dockerfile.Scopes
	Options Options

	scripts []*dockerfile.Script
	Pragmas *pragmas
	digest  finding.Digest
	lineEnd string
}

// Options are what is known beside the file. The zero value is a file alone.
type Options struct {
	// Base says what is known of the image that a stage stands on; nil: nothing.
	Base func(*dockerfile.Stage) *dockerfile.BaseFacts
	// Platform that is built for, "linux/amd64"; empty: linux/amd64.
	Platform string
	// Context is the folder of the build; nil: it is not known.
	Context *dockerfile.Context
	// Folder is how edits name the context's folder; empty: the Dockerfile's own.
	Folder string
	// TrustedRegistries are the only ones that a base may come from; empty: any.
	// "*.example.com" and "docker.io/library" are patterns.
	TrustedRegistries []string
	// LabelSchema says which labels an image must have, and of which kind:
	// "text", "url", "semver", "hash", "rfc3339", "spdx", "email".
	LabelSchema  map[string]string
	StrictLabels bool // no label but those of LabelSchema
	IgnorePragma bool // hadolint's pragmas do not count
	// MaxFindings of one rule and severity are kept; 0: [MaxFindings].
	MaxFindings int
}

// New prepares a file for the rules.
func New(f *dockerfile.File, o Options) *Input {
	in := &Input{File: f, Scopes: f.Scopes(o.Base), Options: o, digest: finding.DigestOf(f.Bytes), Pragmas: readPragmas(f, o.IgnorePragma), lineEnd: "\n"}
	if bytes.Contains(f.Bytes, []byte("\r\n")) {
		in.lineEnd = "\r\n"
	}
	in.scripts = make([]*dockerfile.Script, len(f.Instructions))
	for i := range f.Instructions {
		inst := &f.Instructions[i]
		if inst.Stage < 0 {
			continue
		}
		shell := in.Scopes.Shell(in.Stage(i), i).Words
		if said := in.Pragmas.shell[i]; said != "" {
			shell = []string{said}
		}
		in.scripts[i] = f.Script(inst, shell)
	}
	return in
}

// Stage is the stage of instruction i; nil before the first FROM.
func (in *Input) Stage(i int) *dockerfile.Stage {
	n := in.File.Instructions[i].Stage
	if n < 0 {
		return nil
	}
	return &in.File.Stages[n]
}

// Final is the stage that a build makes.
func (in *Input) Final() *dockerfile.Stage { return &in.File.Stages[len(in.File.Stages)-1] }

// Script is what instruction i runs; it is never nil, and empty for those that
// run nothing.
func (in *Input) Script(i int) *dockerfile.Script {
	if s := in.scripts[i]; s != nil {
		return s
	}
	return &dockerfile.Script{}
}

// ScriptOfBuild is what instruction i runs as the shell of a build reads it; nil where
// that was not read, since a pragma names another shell.
func (in *Input) ScriptOfBuild(i int) *dockerfile.Script {
	if in.Pragmas.shell[i] != "" {
		return nil
	}
	return in.scripts[i]
}

// Each calls visit for each instruction of that name, triggers of ONBUILD
// left out.
func (in *Input) Each(cmd string, visit func(i int, inst *dockerfile.Instruction)) {
	for i := range in.File.Instructions {
		if inst := &in.File.Instructions[i]; inst.Cmd == cmd {
			visit(i, inst)
		}
	}
}

// EachAnywhere calls visit for each instruction of that name, triggers of ONBUILD
// included: i is ONBUILD's index then.
func (in *Input) EachAnywhere(cmd string, visit func(i int, inst *dockerfile.Instruction)) {
	for i := range in.File.Instructions {
		inst := &in.File.Instructions[i]
		if inst.Trigger != nil {
			inst = inst.Trigger
		}
		if inst.Cmd == cmd {
			visit(i, inst)
		}
	}
}

// EachRun calls visit for each command of each RUN.
func (in *Input) EachRun(visit func(i int, c *dockerfile.Command)) {
	in.Each("RUN", func(i int, _ *dockerfile.Instruction) {
		s := in.Script(i)
		for n := range s.Commands {
			visit(i, &s.Commands[n])
		}
	})
}

// Used says which stages the final one needs, by index: those that it stands
// on, copies from or mounts, and theirs.
func (in *Input) Used() []bool {
	used := make([]bool, len(in.File.Stages))
	todo := []*dockerfile.Stage{in.Final()}
	for len(todo) > 0 {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if used[s.Index] {
			continue
		}
		used[s.Index] = true
		todo = append(todo, in.standsOn(s)...)
		for i := s.From + 1; i < s.End; i++ {
			for _, name := range Sources(&in.File.Instructions[i]) {
				if from, err := in.File.Target(name); name != "" && err == nil && from.Index < s.Index {
					todo = append(todo, from)
				}
			}
		}
	}
	return used
}

// standsOn are the stages that a stage may stand on: the one that its FROM names or,
// where a variable chooses, each whose name it can be.
func (in *Input) standsOn(s *dockerfile.Stage) []*dockerfile.Stage {
	var out []*dockerfile.Stage
	if s.Parent != nil {
		out = append(out, s.Parent)
	}
	if !strings.Contains(s.BaseRaw, "$") {
		return out
	}
	parts := variable.Split(regexp.QuoteMeta(strings.ToLower(s.BaseRaw)), -1)
	if strings.Join(parts, "") == "" {
		return out // any at all
	}
	name, err := regexp.Compile("^" + strings.Join(parts, ".+") + "$")
	if err != nil {
		return out
	}
	for i := range in.File.Stages[:s.Index] {
		if other := &in.File.Stages[i]; other != s.Parent && name.MatchString(strings.ToLower(other.Name)) {
			out = append(out, other)
		}
	}
	return out
}

// variable is one in a name in which what a pattern minds is quoted.
var variable = lazyregexp.New(`\\\$(\\\{[^}]*\}|[a-z_0-9]+)`)

// Sources are the stages or images that an instruction copies from or mounts.
func Sources(inst *dockerfile.Instruction) []string {
	var out []string
	for _, f := range inst.FlagWords {
		out = append(out, FlagSources(f)...)
	}
	return out
}

// FlagSources are those that a flag of COPY or RUN names.
func FlagSources(f dockerfile.Flag) []string {
	switch f.Name {
	case "from":
		return []string{f.Value}
	case "mount":
		var out []string
		for _, field := range strings.Split(f.Value, ",") {
			if name, ok := strings.CutPrefix(field, "from="); ok {
				out = append(out, name)
			}
		}
		return out
	}
	return nil
}

// Edit replaces the bytes of a span of the Dockerfile.
func (in *Input) Edit(at finding.Span, text string) finding.Edit {
	return finding.Edit{File: in.File.Name, Base: in.digest, Start: at.Start, End: at.End, New: text}
}

// Insert puts text before the byte at offset pos.
func (in *Input) Insert(pos int, text string) finding.Edit {
	return finding.Edit{File: in.File.Name, Base: in.digest, Start: pos, End: pos, New: text}
}

// Remove takes an instruction away, with the line end after it and the comments
// that stand directly above left where they are.
func (in *Input) Remove(inst *dockerfile.Instruction) finding.Edit {
	b := in.File.Bytes
	start, end := inst.Span.Start, inst.Span.End
	for start > 0 && (b[start-1] == ' ' || b[start-1] == '\t') {
		start--
	}
	if end < len(b) && b[end] == '\r' {
		end++
	}
	if end < len(b) && b[end] == '\n' {
		end++
	}
	return finding.Edit{File: in.File.Name, Base: in.digest, Start: start, End: end}
}

// LineEnd is the line end that the file uses.
func (in *Input) LineEnd() string { return in.lineEnd }

// MaxManifest limits the bytes of a manifest that rules over Dockerfiles read.
const MaxManifest = 1 << 20
