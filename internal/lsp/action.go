package lsp

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/finding"
	"github.com/drydock-dev/drydock/internal/fix"
)

// codeActions are what can be done about the findings at a range: safe fixes are quick
// fixes, and together one action; all others are for the user to choose.
func (s *session) codeActions(ctx context.Context, p codeActionParams) ([]codeAction, error) {
	out := []codeAction{}
	v := s.current(p.Document.URI)
	if v == nil || s.can.TextDocument.CodeAction.Literals == nil {
		return out, nil // commands are all that such a client takes
	}
	asked := func(kind string) bool {
		return len(p.Context.Only) == 0 || slices.ContainsFunc(p.Context.Only, func(only string) bool {
			return kind == only || strings.HasPrefix(kind, only+".")
		})
	}
	got := s.foundIn(v)
	for i := range got.findings {
		f := &got.findings[i]
		if !s.covers(v, f, p.Range) {
			continue
		}
		for n := range f.Fixes {
			if a, ok := s.actionOf(v, got, f, &f.Fixes[n]); ok && asked(a.Kind) {
				out = append(out, a)
			}
		}
	}
	out = slices.CompactFunc(out, func(a, b codeAction) bool { return a.Kind == b.Kind && a.Title == b.Title })
	if asked(kindFixAll) {
		if a, ok := s.fixAll(ctx, v, got); ok {
			out = append(out, a)
		}
	}
	return out, ctx.Err()
}

func (s *session) actionOf(v *version, got *found, f *finding.Finding, x *finding.Fix) (codeAction, bool) {
	edit, ok := s.editOf(v, got, x.Edits)
	if !ok {
		return codeAction{}, false
	}
	a := codeAction{Title: x.Title, Kind: kindRewrite, Edit: edit}
	if x.Safety == finding.Safe && x.Offer == "" {
		a.Kind, a.Diagnostics = kindQuickFix, []diagnostic{s.diagnostic(v, got, f)}
		a.Preferred = len(f.Fixes) == 1
	}
	return a, true
}

// maxRounds bounds the fixes of what fixes bring.
const maxRounds = 8

// fixAll is every safe fix that changes the document alone, those of what they bring
// included.
func (s *session) fixAll(ctx context.Context, v *version, got *found) (codeAction, bool) {
	now, name := v.text.Bytes(), v.doc.name()
	for range maxRounds {
		var fixes []finding.Fix
		for _, f := range got.findings {
			for _, x := range f.Fixes {
				alone := !slices.ContainsFunc(x.Edits, func(e finding.Edit) bool { return e.File != name })
				if x.Safety == finding.Safe && x.Offer == "" && len(x.Edits) > 0 && alone {
					fixes = append(fixes, x)
					break // the first is the one to take
				}
			}
		}
		plan := fix.Compose(map[string][]byte{name: now}, fixes)
		next, changed := plan.Files[name]
		if !changed || ctx.Err() != nil {
			break
		}
		now = next
		got = s.examine(ctx, &version{doc: v.doc, text: NewText(string(now)), kind: v.kind})
	}
	if string(now) == v.text.s {
		return codeAction{}, false
	}
	edit, ok := s.editOf(v, got, fix.Edits(name, v.text.Bytes(), now))
	return codeAction{Title: "Apply all safe fixes", Kind: kindFixAll, Edit: edit}, ok
}

// fileEdits are those of one file.
type fileEdits struct {
	version *version // of an open document; nil: the file is on the disk alone
	uri     string
	create  bool
	edits   []textEdit
}

// editOf is a fix's edits as the editor takes them; false: they are of other bytes than
// those that are there, or the client cannot do them.
func (s *session) editOf(v *version, got *found, edits []finding.Edit) (*workspaceEdit, bool) {
	if len(edits) == 0 {
		return nil, false
	}
	byFile := map[string][]finding.Edit{}
	for _, e := range edits {
		byFile[e.File] = append(byFile[e.File], e)
	}
	var files []fileEdits
	for _, name := range slices.Sorted(maps.Keys(byFile)) {
		of, t, ok := s.fileOf(v, got, name)
		if !ok {
			return nil, false
		}
		base := finding.DigestOf(t.Bytes())
		for _, e := range byFile[name] {
			if e.Base != base || e.Start < 0 || e.End < e.Start || e.End > len(t.s) {
				return nil, false
			}
			of.edits = append(of.edits, textEdit{t.Range(e.Start, e.End), e.New})
		}
		files = append(files, of)
	}
	return s.workspaceEdit(files), true
}

// fileOf is a file that a fix edits, as it is now.
func (s *session) fileOf(v *version, got *found, name string) (fileEdits, *Text, bool) {
	if name == v.doc.name() {
		return fileEdits{version: v}, v.text, true
	}
	if _, open := got.texts[name]; open {
		if o := s.current(uriOf(name)); o != nil {
			return fileEdits{version: o}, o.text, true
		}
	}
	b, err := fix.ReadFile(name)
	switch {
	case errors.Is(err, os.ErrNotExist):
		can := s.can.Workspace.WorkspaceEdit
		return fileEdits{uri: uriOf(name), create: true}, NewText(""), can.DocumentChanges && slices.Contains(can.ResourceOperations, "create")
	case err != nil || len(b) > maxText:
		return fileEdits{}, nil, false
	}
	return fileEdits{uri: uriOf(name)}, NewText(string(b)), true
}

func (s *session) workspaceEdit(files []fileEdits) *workspaceEdit {
	w := &workspaceEdit{}
	for _, f := range files {
		id := versionedID{URI: f.uri}
		if f.version != nil {
			id = versionedID{f.version.doc.uri, &f.version.number}
		}
		if !s.can.Workspace.WorkspaceEdit.DocumentChanges {
			if w.Changes == nil {
				w.Changes = map[string][]textEdit{}
			}
			w.Changes[id.URI] = append(w.Changes[id.URI], f.edits...)
			continue
		}
		if f.create {
			w.Documents = append(w.Documents, createFile{"create", f.uri})
		}
		w.Documents = append(w.Documents, documentEdit{id, f.edits})
	}
	return w
}
