package lsp

import (
	"bytes"
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/finding"
)

// found is what was found in a version.
type found struct {
	findings []finding.Finding // those that count
	unknown  []finding.Unknown
	texts    map[string][]byte // of the files that were open, by name: what edits are of
	err      error             // why nothing can be told
}

// nowhere is what a document without a file is called.
const nowhere = "<stdin>"

// name is what findings call the document.
func (d *document) name() string {
	if d.path == "" {
		return nowhere
	}
	return d.path
}

// look has a version looked at and shows what was found, unless another has come.
func (s *session) look(v *version) {
	if s.ctx.Err() != nil || s.current(v.doc.uri) != v {
		return
	}
	got := s.foundIn(v)
	if s.ctx.Err() != nil || s.current(v.doc.uri) != v {
		return
	}
	list := s.diagnostics(v, got)
	params := diagnosticsParams{URI: v.doc.uri, Version: v.number, Diagnostics: list}
	if err := s.rpc.Notify(s.ctx, "textDocument/publishDiagnostics", params); err != nil {
		s.opt.Log.Debug("publish", "error", err)
	}
}

// foundIn is what there is in a version, worked out once. One text is looked at at a
// time: that of others waits.
func (s *session) foundIn(v *version) *found {
	v.once.Do(func() {
		s.looking <- struct{}{}
		defer func() {
			<-s.looking
			if p := recover(); p != nil {
				s.opt.Log.Error("panic", "document", v.doc.uri, "panic", p, "stack", string(debug.Stack()))
				v.found = &found{err: fmt.Errorf("a bug of drydock's: %v", p)}
			}
		}()
		v.found = s.examine(s.ctx, v)
	})
	return v.found
}

func (s *session) examine(ctx context.Context, v *version) *found {
	if v.kind == other {
		return &found{}
	}
	if len(v.text.s) > maxText {
		return &found{err: fmt.Errorf("larger than %d MB", maxText>>20)}
	}
	root := s.root(v.doc)
	p, err := s.opt.Pipeline(root)
	if err != nil {
		return &found{err: err}
	}
	texts := s.texts()
	texts[v.doc.name()] = v.text.Bytes() // another version may be there by now
	var res *check.Result
	if v.kind == dockerfiles {
		res, err = p.LintText(ctx, root, v.doc.name(), texts)
	} else {
		res, err = p.AuditText(ctx, root, v.doc.name(), texts)
	}
	if err != nil {
		return &found{err: err, texts: texts}
	}
	out := &found{unknown: finding.Asked(res.Unknown), texts: texts}
	for _, f := range res.Findings {
		if f.Suppressed == nil {
			out.findings = append(out.findings, f)
		}
	}
	return out
}

// rulesPage has the text of every rule.
const rulesPage = "https://github.com/drydock-dev/drydock/blob/main/docs/rules.md"

// diagnostics are what was found as the editor shows it. What could not be told is
// shown too: an empty list would say that all is well.
func (s *session) diagnostics(v *version, got *found) []diagnostic {
	out := []diagnostic{}
	if got.err != nil {
		return append(out, diagnostic{Range: firstLine(v.text), Severity: severityError, Source: "drydock", Message: got.err.Error()})
	}
	refused := false
	for i := range got.findings {
		f := &got.findings[i]
		refused = refused || f.Refused
		out = append(out, s.diagnostic(v, got, f))
	}
	for _, u := range got.unknown {
		if refused { // the finding says the same, at its place
			break
		}
		out = append(out, diagnostic{
			Range: firstLine(v.text), Severity: severityInformation, Source: "drydock",
			Message: "Could not tell " + u.What + ": " + u.Why,
		})
	}
	return out
}

func (s *session) diagnostic(v *version, got *found, f *finding.Finding) diagnostic {
	d := diagnostic{
		Range: s.rangeOf(v, f), Severity: severityOf(f.Severity), Code: string(f.Rule), Source: "drydock", Message: f.Message,
		About: &codeHref{rulesPage + "#" + anchor(string(f.Rule))},
	}
	if !s.can.TextDocument.PublishDiagnostics.RelatedInformation {
		return d
	}
	for _, at := range f.At {
		if at.Source == nil || at.Source.Line == 0 {
			continue
		}
		file := at.Source.File
		t := v.text
		if file != v.doc.name() {
			b, known := got.texts[file]
			if !known {
				continue
			}
			t = NewText(string(b))
		}
		if r := t.spanRange(*at.Source); file != v.doc.name() || r != d.Range {
			uri := v.doc.uri
			if file != v.doc.name() {
				uri = uriOf(file)
			}
			d.Related = append(d.Related, related{location{uri, r}, "here, too"})
		}
	}
	return d
}

// rangeOf is where a finding is in its document: the first line where it is nowhere.
func (s *session) rangeOf(v *version, f *finding.Finding) Range {
	for _, at := range f.At {
		if at.Source != nil && at.Source.File == v.doc.name() && at.Source.Line > 0 {
			return v.text.spanRange(*at.Source)
		}
	}
	return firstLine(v.text)
}

// covers reports whether a finding is at a range. In YAML the key that a value stands
// behind counts as the value.
func (s *session) covers(v *version, f *finding.Finding, r Range) bool {
	at := s.rangeOf(v, f)
	if v.kind == containers {
		at.Start.Character = 0
	}
	return at.touches(r)
}

// spanRange is where the bytes of a finding are. One that names a line and no bytes is
// the rest of that line.
func (t *Text) spanRange(at finding.Span) Range {
	if at.End > at.Start {
		return t.Range(at.Start, at.End)
	}
	line := min(max(at.Line-1, 0), len(t.lines)-1)
	end := t.lineEnd(line)
	return t.Range(min(t.lines[line]+max(at.Column-1, 0), end), end)
}

func firstLine(t *Text) Range {
	end := t.lineEnd(0)
	return t.Range(end-len(bytes.TrimLeft([]byte(t.s[:end]), " \t")), end)
}

func severityOf(s finding.Severity) int {
	switch {
	case s >= finding.High:
		return severityError
	case s == finding.Medium, s == finding.Unspecified:
		return severityWarning
	case s == finding.Low:
		return severityInformation
	}
	return severityHint
}

// anchor is a heading's name within its page.
func anchor(heading string) string { return strings.NewReplacer("/", "", ".", "").Replace(heading) }
