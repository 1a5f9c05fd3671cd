package lsp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/runtime/audit"
)

// document is one that is open in the editor.
type document struct {
	uri      string
	path     string // on the disk, absolute; empty: it is nowhere yet
	language string

	now  *version // guarded by the session's mu; so is what follows
	due  *time.Timer
	drop func() // says that what is due does not come
}

// version is a document at one time, with what was found in it, once that was asked.
type version struct {
	doc    *document
	number int
	text   *Text
	kind   kind

	once  sync.Once
	found *found
}

// kind is what a document is to the rules.
type kind int

const (
	other kind = iota
	dockerfiles
	containers // a compose file, or a manifest of Kubernetes
)

// kindOf tells by the editor's word and the name what a text is. A YAML file is what
// it holds.
func kindOf(language, path, text string) kind {
	switch language {
	case "dockerfile", "containerfile":
		return dockerfiles
	case "dockercompose":
		return containers
	}
	if path != "" && check.IsDockerfile(path) {
		return dockerfiles
	}
	if ext := filepath.Ext(path); language == "yaml" || strings.HasPrefix(language, "yaml.") || ext == ".yaml" || ext == ".yml" {
		if b := []byte(text); check.IsCompose(path) || audit.IsCompose(b) || audit.IsManifest(b) {
			return containers
		}
	}
	return other
}

// stop forgets a look that is due. The session's mu is held.
func (d *document) stop() {
	if d.due != nil && d.due.Stop() {
		d.drop()
	}
}

func (s *session) opened(_ context.Context, p openParams) (any, error) {
	d := &document{uri: p.Document.URI, path: pathOf(p.Document.URI), language: p.Document.Language}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.docs[d.uri]; old != nil {
		old.stop()
	} else if len(s.docs) >= maxOpen {
		return nil, fmt.Errorf("%s is not looked at: more than %d documents are open", d.uri, maxOpen)
	}
	s.docs[d.uri] = d
	s.put(d, p.Document.Version, NewText(p.Document.Text), 0)
	return nil, nil
}

func (s *session) changed(_ context.Context, p changeParams) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.docs[p.Document.URI]
	if d == nil {
		return nil, fmt.Errorf("%s is not open", p.Document.URI)
	}
	t := d.now.text
	for _, c := range p.Changes {
		t = t.Edit(c.Range, c.Text)
	}
	s.put(d, p.Document.Version, t, s.opt.Delay)
	return nil, nil
}

func (s *session) closed(ctx context.Context, p documentParams) (any, error) {
	s.mu.Lock()
	d := s.docs[p.Document.URI]
	if d != nil {
		d.stop()
		delete(s.docs, d.uri)
	}
	s.mu.Unlock()
	if d == nil {
		return nil, nil
	}
	return nil, s.rpc.Notify(ctx, "textDocument/publishDiagnostics", diagnosticsParams{URI: d.uri, Diagnostics: []diagnostic{}})
}

// changedElsewhere looks at all documents again: files beside them have changed.
func (s *session) changedElsewhere(context.Context, json.RawMessage) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.docs {
		s.put(d, d.now.number, d.now.text, s.opt.Delay)
	}
	return nil, nil
}

func (s *session) foldersChanged(ctx context.Context, p foldersParams) (any, error) {
	s.mu.Lock()
	for _, f := range p.Event.Removed {
		gone := pathOf(f.URI)
		s.roots = slices.DeleteFunc(s.roots, func(r string) bool { return r == gone })
	}
	for _, f := range p.Event.Added {
		s.addRoot(f.URI)
	}
	s.mu.Unlock()
	return s.changedElsewhere(ctx, nil)
}

// addRoot adds a folder that the client works in. The session's mu is held.
func (s *session) addRoot(uri string) {
	if dir := pathOf(uri); dir != "" && !slices.Contains(s.roots, dir) {
		s.roots = append(s.roots, dir)
	}
}

// put makes a text a document's newest version, and has it looked at after a time in
// which no other comes. The session's mu is held.
func (s *session) put(d *document, number int, t *Text, after time.Duration) {
	d.stop()
	v := &version{doc: d, number: number, text: t, kind: kindOf(d.language, d.path, t.s)}
	d.now = v
	if s.ctx.Err() != nil {
		return
	}
	s.background.Add(1)
	d.drop = s.background.Done
	d.due = time.AfterFunc(after, func() {
		defer s.background.Done()
		s.look(v)
	})
}

// current is a document's newest version; nil: it is not open.
func (s *session) current(uri string) *version {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := s.docs[uri]; d != nil {
		return d.now
	}
	return nil
}

// texts are all open documents with a name, by that.
func (s *session) texts() map[string][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]byte{}
	for _, d := range s.docs {
		if d.path != "" {
			out[d.path] = d.now.text.Bytes()
		}
	}
	return out
}

// root is the folder whose configuration holds for a document: the innermost of the
// client's that it is in, else its own.
func (s *session) root(d *document) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	best := ""
	for _, r := range s.roots {
		if rel, err := filepath.Rel(r, d.path); d.path != "" && err == nil && filepath.IsLocal(rel) && len(r) > len(best) {
			best = r
		}
	}
	if best == "" && d.path != "" {
		return filepath.Dir(d.path)
	}
	if best == "" && len(s.roots) > 0 {
		return s.roots[0]
	}
	return cmp.Or(best, ".")
}

// pathOf is the path of a file's URI; empty: it is of no file here.
func pathOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "file" || u.Host != "" && u.Host != "localhost" || u.Path == "" {
		return ""
	}
	p := u.Path
	if runtime.GOOS == "windows" && len(p) > 2 && p[0] == '/' && p[2] == ':' {
		p = p[1:]
	}
	return filepath.Clean(filepath.FromSlash(p))
}

// uriOf is the URI of a file.
func uriOf(path string) string {
	p := filepath.ToSlash(path)
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	return (&url.URL{Scheme: "file", Path: p}).String()
}
