package lsp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/creachadair/jrpc2"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/dockerfile"
	"github.com/drydock-dev/drydock/internal/lazyregexp"
)

// mention is a place in a Dockerfile where a stage is named.
type mention struct {
	start, end int
	stage      *dockerfile.Stage
	defines    bool
	number     bool // it is named by its number
}

// mentions are those of all stages of a file, in its order.
func mentions(f *dockerfile.File) []mention {
	var out []mention
	for i := range f.Stages {
		st := &f.Stages[i]
		if st.Parent != nil && !strings.Contains(st.BaseRaw, "$") {
			out = append(out, mention{start: st.BaseWord.Span.Start, end: st.BaseWord.Span.End, stage: st.Parent})
		}
		if st.Name != "" {
			out = append(out, mention{start: st.NameWord.Span.Start, end: st.NameWord.Span.End, stage: st, defines: true})
		}
		for n := st.From + 1; n < st.End; n++ {
			in := &f.Instructions[n]
			if in.Trigger != nil {
				in = in.Trigger
			}
			for _, flag := range in.FlagWords {
				out = append(out, flagMentions(f, st, flag)...)
			}
		}
	}
	return out
}

// flagMentions are the stages that --from= and --mount=from= name.
func flagMentions(f *dockerfile.File, at *dockerfile.Stage, flag dockerfile.Flag) []mention {
	begin := flag.Span.End - len(flag.Value)
	if flag.Value == "" || begin < flag.Span.Start || string(f.Bytes[begin:flag.Span.End]) != flag.Value {
		return nil // written over several lines
	}
	var out []mention
	add := func(from int, name string) {
		if bare := strings.Trim(name, `"'`); bare != name {
			from, name = from+strings.Index(name, bare), bare
		}
		if st := above(f, at, name); st != nil {
			_, err := strconv.Atoi(name)
			out = append(out, mention{start: from, end: from + len(name), stage: st, number: err == nil && st.Name != name})
		}
	}
	switch flag.Name {
	case "from":
		add(begin, flag.Value)
	case "mount":
		for field := range strings.SplitSeq(flag.Value, ",") {
			if name, ok := strings.CutPrefix(field, "from="); ok {
				add(begin+len("from="), name)
			}
			begin += len(field) + 1
		}
	}
	return out
}

// above is the stage before another that a name or a number means; nil: none.
func above(f *dockerfile.File, at *dockerfile.Stage, name string) *dockerfile.Stage {
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

// mentioned is the stage that is named at a place of a document.
func (s *session) mentioned(p positionParams) (v *version, f *dockerfile.File, m mention, ok bool) {
	if v = s.current(p.Document.URI); v == nil || v.kind != dockerfiles {
		return v, nil, m, false
	}
	if f = v.file(); f == nil {
		return v, nil, m, false
	}
	at := v.text.Offset(p.Position)
	all := mentions(f)
	i := slices.IndexFunc(all, func(m mention) bool { return m.start <= at && at <= m.end })
	if i < 0 {
		return v, f, m, false
	}
	return v, f, all[i], true
}

// file is what can be read of a Dockerfile while it is typed; nil: nothing.
func (v *version) file() *dockerfile.File {
	if len(v.text.s) > dockerfile.MaxBytes {
		return nil
	}
	return check.Readable(v.doc.name(), v.text.Bytes())
}

func (s *session) definition(_ context.Context, p positionParams) (*location, error) {
	v, f, m, ok := s.mentioned(p)
	if !ok {
		return nil, nil
	}
	at := f.Instructions[m.stage.From].Keyword.Span
	if m.stage.Name != "" {
		at = m.stage.NameWord.Span
	}
	return &location{v.doc.uri, v.text.Range(at.Start, at.End)}, nil
}

type referenceParams struct {
	positionParams
	Context struct {
		Declaration bool `json:"includeDeclaration"`
	} `json:"context"`
}

func (s *session) references(_ context.Context, p referenceParams) ([]location, error) {
	out := []location{}
	v, f, m, ok := s.mentioned(p.positionParams)
	if !ok {
		return out, nil
	}
	for _, o := range mentions(f) {
		if o.stage == m.stage && (p.Context.Declaration || !o.defines) {
			out = append(out, location{v.doc.uri, v.text.Range(o.start, o.end)})
		}
	}
	return out, nil
}

// prepareRename is the name that a rename replaces; nil: there is none here.
func (s *session) prepareRename(_ context.Context, p positionParams) (*Range, error) {
	v, _, m, ok := s.mentioned(p)
	if !ok || m.stage.Name == "" || m.number {
		return nil, nil
	}
	r := v.text.Range(m.start, m.end)
	return &r, nil
}

type renameParams struct {
	positionParams
	Name string `json:"newName"`
}

// stageName is what BuildKit takes for a stage's name, in any case.
var stageName = lazyregexp.New(`^[a-z][a-z0-9_.-]*$`)

// rename gives a stage another name wherever it is named: in the file, and as the target
// of compose files. A name that something else may build is not taken away.
func (s *session) rename(_ context.Context, p renameParams) (*workspaceEdit, error) {
	refuse := func(format string, args ...any) (*workspaceEdit, error) {
		return nil, jrpc2.Errorf(codeRequestFailed, format, args...)
	}
	v, f, m, ok := s.mentioned(p.positionParams)
	switch {
	case v != nil && v.kind == dockerfiles && f == nil:
		return refuse("the file cannot be read as a Dockerfile")
	case !ok || m.stage.Name == "":
		return refuse("no stage is named here")
	}
	lower := strings.ToLower(p.Name)
	switch {
	case !stageName.MatchString(lower) || lower == "scratch" || lower == "context":
		return refuse("%q cannot be a stage's name: a letter, then letters, digits, '-', '_' and '.'", p.Name)
	case slices.ContainsFunc(f.Stages, func(st dockerfile.Stage) bool { return st.Name == lower && st.Index != m.stage.Index }):
		return refuse("there is a stage %s already", p.Name)
	}
	for i := range f.Stages {
		if st := &f.Stages[i]; st.Index > m.stage.Index && canMean(st.BaseRaw, m.stage.Name) {
			return refuse("FROM %s may mean the stage: rename it by hand", st.BaseRaw)
		}
	}
	var files []fileEdits
	of := fileEdits{version: v}
	for _, o := range mentions(f) {
		if o.stage == m.stage && !o.number {
			of.edits = append(of.edits, textEdit{v.text.Range(o.start, o.end), p.Name})
		}
	}
	files = append(files, of)
	if v.doc.path != "" {
		targets, err := check.StageTargets(v.doc.path, m.stage.Name, s.texts())
		if err != nil {
			return refuse("%v", err)
		}
		for _, t := range targets {
			o := fileEdits{uri: uriOf(t.File), version: s.current(uriOf(t.File))}
			for _, at := range t.At {
				o.edits = append(o.edits, textEdit{NewText(string(t.Text)).Range(at.Start, at.End), p.Name})
			}
			files = append(files, o)
		}
	}
	return s.workspaceEdit(files), nil
}

// variable is one in a name in which what a pattern minds is quoted.
var variable = lazyregexp.New(`\\\$(\\\{[^}]*\}|[A-Za-z_0-9]+)`)

// canMean reports whether a base with variables in it may become a stage's name.
func canMean(base, name string) bool {
	if !strings.Contains(base, "$") {
		return false
	}
	parts := variable.Split(regexp.QuoteMeta(base), -1)
	re, err := regexp.Compile("(?i)^" + strings.Join(parts, ".*") + "$")
	return err != nil || re.MatchString(name)
}

type symbol struct {
	Name      string   `json:"name"`
	Detail    string   `json:"detail,omitempty"`
	Kind      int      `json:"kind"`
	Range     Range    `json:"range"`
	Selection Range    `json:"selectionRange"`
	Children  []symbol `json:"children,omitempty"`
}

// symbols are a Dockerfile's stages, for an editor's outline.
func (s *session) symbols(_ context.Context, p documentParams) ([]symbol, error) {
	out := []symbol{}
	v := s.current(p.Document.URI)
	if v == nil || v.kind != dockerfiles {
		return out, nil
	}
	f := v.file()
	if f == nil {
		return out, nil
	}
	const module = 2
	for i := range f.Stages {
		st := &f.Stages[i]
		name, at := st.Name, st.NameWord.Span
		if name == "" {
			name, at = fmt.Sprintf("stage %d", st.Index), st.BaseWord.Span
		}
		end := f.Instructions[st.End-1].Span.End
		out = append(out, symbol{
			Name: name, Detail: st.BaseRaw, Kind: module,
			Range: v.text.Range(f.Instructions[st.From].Span.Start, end), Selection: v.text.Range(at.Start, at.End),
		})
	}
	return out, nil
}
