package lsp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drydock-dev/drydock/internal/check"
	"github.com/drydock-dev/drydock/internal/lsp"
)

// client is an editor: it writes and reads the protocol's bytes by itself, and keeps
// the texts of its documents as an editor would.
type client struct {
	t     testing.TB
	out   io.WriteCloser
	in    *bufio.Reader
	dir   string
	next  int
	notes []note // that came while an answer was waited for
	ended chan error
	docs  map[string]*open
}

type open struct {
	text    string
	version int
}

type note struct {
	Method string
	Params json.RawMessage
}

// capabilities are those of a client that can do everything.
const capabilities = `{"workspace":{"workspaceEdit":{"documentChanges":true,"resourceOperations":["create"]}},"textDocument":{
	"publishDiagnostics":{"relatedInformation":true},"codeAction":{"codeActionLiteralSupport":{}},"hover":{"contentFormat":["markdown","plaintext"]}}}`

// pipelineIn looks at files without Engine and network.
func pipelineIn(dir string) (*check.Pipeline, error) {
	getenv := func(name string) string {
		if name == "DOCKER_HOST" {
			return "unix:///nonexistent.sock"
		}
		return ""
	}
	cfg, err := check.LoadConfig(dir, "")
	if err != nil {
		return nil, err
	}
	return &check.Pipeline{
		Surroundings: check.Surroundings{
			Offline: true, Getenv: getenv, Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) },
		},
		Policy: check.Policy{Config: cfg},
	}, nil
}

// start begins a session in a folder with files in it.
func start(t testing.TB, files map[string]string) *client {
	t.Helper()
	c := begin(t, files)
	c.hello(capabilities)
	return c
}

func begin(t testing.TB, files map[string]string) *client {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serverIn, out := io.Pipe()
	in, serverOut := io.Pipe()
	c := &client{t: t, out: out, in: bufio.NewReader(in), dir: dir, ended: make(chan error, 1), docs: map[string]*open{}}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		err := lsp.Serve(ctx, serverIn, serverOut, lsp.Options{Version: "1.2.3", Pipeline: pipelineIn, Delay: 5 * time.Millisecond})
		c.ended <- err
		close(c.ended)
		_ = serverOut.Close()
	}()
	t.Cleanup(func() {
		stop()
		_ = in.Close()
		for range c.ended { // waits for its end
		}
	})
	return c
}

func (c *client) hello(can string) map[string]any {
	c.t.Helper()
	var got map[string]any
	c.call("initialize", map[string]any{
		"processId": 1, "rootUri": c.uri(""), "capabilities": json.RawMessage(can),
		"workspaceFolders": []map[string]string{{"uri": c.uri(""), "name": "x"}},
	}, &got)
	c.notify("initialized", map[string]any{})
	return got
}

func (c *client) uri(name string) string {
	return "file://" + filepath.ToSlash(filepath.Join(c.dir, name))
}

func (c *client) write(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := fmt.Fprintf(c.out, "Content-Length: %d\r\n\r\n%s", len(b), b); err != nil {
		c.t.Fatal(err)
	}
}

type message struct {
	ID     *int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

func (c *client) read() message {
	c.t.Helper()
	length := 0
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			c.t.Fatalf("read: %v", err)
		}
		if line == "\r\n" {
			break
		}
		if _, err := fmt.Sscanf(line, "Content-Length: %d\r\n", &length); err != nil {
			c.t.Fatalf("%q: %v", line, err)
		}
	}
	b := make([]byte, length)
	if _, err := io.ReadFull(c.in, b); err != nil {
		c.t.Fatal(err)
	}
	var m message
	if err := json.Unmarshal(b, &m); err != nil {
		c.t.Fatalf("%s: %v", b, err)
	}
	return m
}

func (c *client) notify(method string, params any) {
	c.write(map[string]any{"jsonrpc": "2.0", "method": method, "params": params})
}

// call asks and waits for the answer; it returns the error's code, 0 for none.
func (c *client) call(method string, params, into any) int {
	c.t.Helper()
	c.next++
	c.write(map[string]any{"jsonrpc": "2.0", "id": c.next, "method": method, "params": params})
	for {
		m := c.read()
		if m.ID == nil {
			c.notes = append(c.notes, note{m.Method, m.Params})
			continue
		}
		if *m.ID != c.next {
			c.t.Fatalf("an answer to %d, not %d", *m.ID, c.next)
		}
		if m.Error != nil {
			if into != nil {
				c.t.Fatalf("%s: %+v", method, *m.Error)
			}
			return m.Error.Code
		}
		if into != nil {
			if err := json.Unmarshal(m.Result, into); err != nil {
				c.t.Fatalf("%s: %s: %v", method, m.Result, err)
			}
		}
		return 0
	}
}

// note waits for a notification of a method that is as wanted.
func (c *client) note(method string, want func(json.RawMessage) bool) {
	c.t.Helper()
	for {
		for i, n := range c.notes {
			if n.Method == method && want(n.Params) {
				c.notes = slices.Delete(c.notes, i, i+1)
				return
			}
		}
		m := c.read()
		if m.ID != nil {
			c.t.Fatalf("an answer that nobody asked for: %+v", m)
		}
		c.notes = append(c.notes, note{m.Method, m.Params})
	}
}

// open opens a document and returns what is found in it.
func (c *client) open(name, language, text string) []diagnostic {
	c.t.Helper()
	c.docs[name] = &open{text: text, version: 1}
	c.notify("textDocument/didOpen", map[string]any{"textDocument": map[string]any{
		"uri": c.uri(name), "languageId": language, "version": 1, "text": text,
	}})
	return c.published(name)
}

// replace makes one word of another where it stands first.
func (c *client) replace(name, old, with string) []diagnostic {
	c.t.Helper()
	d := c.docs[name]
	at := strings.Index(d.text, old)
	if at < 0 {
		c.t.Fatalf("%q is not in %q", old, d.text)
	}
	d.version++
	r := map[string]any{"start": place(d.text, at), "end": place(d.text, at+len(old))}
	d.text = d.text[:at] + with + d.text[at+len(old):]
	c.notify("textDocument/didChange", map[string]any{
		"textDocument":   map[string]any{"uri": c.uri(name), "version": d.version},
		"contentChanges": []any{map[string]any{"range": r, "text": with}},
	})
	return c.published(name)
}

// published waits for what is found in a document's newest version.
func (c *client) published(name string) []diagnostic {
	c.t.Helper()
	var p struct {
		URI         string
		Version     int
		Diagnostics []diagnostic
	}
	c.note("textDocument/publishDiagnostics", func(b json.RawMessage) bool {
		p.Diagnostics = nil
		if err := json.Unmarshal(b, &p); err != nil {
			c.t.Fatal(err)
		}
		return p.URI == c.uri(name) && p.Version == c.docs[name].version
	})
	return p.Diagnostics
}

type position struct{ Line, Character int }

type span struct{ Start, End position }

type diagnostic struct {
	Range    span   `json:"range"`
	Severity int    `json:"severity"`
	Code     string `json:"code"`
	Source   string `json:"source"`
	Message  string `json:"message"`
}

type textEdit struct {
	Range   span
	NewText string
}

type action struct {
	Title       string
	Kind        string
	Diagnostics []diagnostic
	Edit        struct {
		DocumentChanges []struct {
			Kind         string
			URI          string
			TextDocument struct {
				URI     string
				Version *int
			}
			Edits []textEdit
		}
		Changes map[string][]textEdit
	}
}

// place is where a byte of a text is: the test's own way to count.
func place(text string, at int) map[string]int {
	before := text[:at]
	line := strings.Count(before, "\n")
	units := 0
	for _, r := range before[strings.LastIndexByte(before, '\n')+1:] {
		units++
		if r > 0xffff {
			units++
		}
	}
	return map[string]int{"line": line, "character": units}
}

// at is the byte at a place, counted as place counts.
func at(text string, p position) int {
	for i := 0; i <= len(text); i++ {
		if q := place(text, i); q["line"] == p.Line && q["character"] == p.Character {
			return i
		}
	}
	return -1
}

func (d diagnostic) in(text string) string {
	return text[at(text, d.Range.Start):at(text, d.Range.End)]
}

// actions are those at the first of a word.
func (c *client) actions(name, word string, only ...string) []action {
	c.t.Helper()
	text := c.docs[name].text
	i := strings.Index(text, word)
	var out []action
	params := map[string]any{
		"textDocument": map[string]any{"uri": c.uri(name)},
		"range":        map[string]any{"start": place(text, i), "end": place(text, i)},
		"context":      map[string]any{"diagnostics": []any{}, "only": only},
	}
	c.call("textDocument/codeAction", params, &out)
	return out
}

// apply is a document's text after an action's edits.
func (c *client) apply(name string, a action) string {
	c.t.Helper()
	text := c.docs[name].text
	var edits []textEdit
	for _, d := range a.Edit.DocumentChanges {
		if d.TextDocument.URI != c.uri(name) {
			continue
		}
		if d.TextDocument.Version == nil || *d.TextDocument.Version != c.docs[name].version {
			c.t.Fatalf("%s: of version %v, and it is %d", a.Title, d.TextDocument.Version, c.docs[name].version)
		}
		edits = append(edits, d.Edits...)
	}
	edits = append(edits, a.Edit.Changes[c.uri(name)]...)
	if len(edits) == 0 {
		c.t.Fatalf("%s: no edit of %s", a.Title, name)
	}
	slices.SortStableFunc(edits, func(x, y textEdit) int { return at(text, y.Range.Start) - at(text, x.Range.Start) })
	for _, e := range edits {
		text = text[:at(text, e.Range.Start)] + e.NewText + text[at(text, e.Range.End):]
	}
	return text
}

func codes(found []diagnostic) string {
	var out []string
	for _, d := range found {
		out = append(out, strings.TrimPrefix(d.Code, "dockerfile/"))
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

// end shuts the session down and returns what Serve says.
func (c *client) end() error {
	c.t.Helper()
	c.call("shutdown", nil, nil)
	c.notify("exit", nil)
	return <-c.ended
}
