package lsp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/creachadair/jrpc2"

	"github.com/drydock-dev/drydock/internal/check"
)

// Options say who serves, and how files are looked at.
type Options struct {
	Version string // of the program
	// Pipeline makes what looks at the files of a folder, by the configuration there.
	// It must be offline.
	Pipeline func(dir string) (*check.Pipeline, error)
	Delay    time.Duration // between the last key and the look at the text; 0: 150 ms
	Log      *slog.Logger  // nil: none
}

const usualDelay = 150 * time.Millisecond

// ErrNoShutdown is a client that ended the session without saying so first.
var ErrNoShutdown = errors.New("the editor went away without shutting the server down")

// The protocol's own error codes.
const (
	codeNotInitialized   jrpc2.Code = -32002
	codeRequestCancelled jrpc2.Code = -32800
	codeRequestFailed    jrpc2.Code = -32803
)

// Serve serves one client until it says exit, goes away, or ctx ends. A session that
// the client did not shut down ends in [ErrNoShutdown].
func Serve(ctx context.Context, in io.Reader, out io.Writer, opt Options) error {
	if opt.Delay == 0 {
		opt.Delay = usualDelay
	}
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	s := &session{opt: opt, ctx: ctx, docs: map[string]*document{}, looking: make(chan struct{}, 1)}
	s.rpc = jrpc2.NewServer(s, &jrpc2.ServerOptions{
		AllowPush: true, DisableBuiltin: true, Concurrency: 8, NewContext: func() context.Context { return ctx },
	})
	f := newFrames(in, out)
	s.rpc.Start(f)
	context.AfterFunc(ctx, s.rpc.Stop)
	err := s.rpc.Wait()
	if err == nil {
		err = ctx.Err()
	}
	stop()
	s.mu.Lock()
	for _, d := range s.docs {
		d.stop()
	}
	s.mu.Unlock()
	s.background.Wait()
	if err == nil && !s.shut {
		err = ErrNoShutdown
	}
	return err
}

// state is how far a session has come.
type state int

const (
	starting state = iota
	serving
	ending
	gone
)

// session is one client's.
type session struct {
	opt Options
	ctx context.Context //nolint:containedctx // what a timer starts ends with the session
	rpc *jrpc2.Server

	looking    chan struct{}  // holds one while a text is looked at
	background sync.WaitGroup // of what timers started
	asked      sync.WaitGroup // requests without an answer yet

	mu    sync.Mutex // guards what follows
	state state
	shut  bool // the client said that it is about to go
	can   clientCan
	roots []string // folders that the client works in
	docs  map[string]*document
	known map[string]known // of bases, by reference
}

// Assign implements jrpc2.Assigner. It sees messages in the order in which they came,
// and so is where the session's state moves on; nil: there is no such method.
func (s *session) Assign(ctx context.Context, name string) jrpc2.Handler {
	do := s.method(name)
	if do == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now, next := s.state, s.state
	switch {
	case name == "exit":
		next = gone
	case name == "initialize" && now == starting:
		next = serving
	case now == starting:
		do = failed(jrpc2.Errorf(codeNotInitialized, "%s: initialize comes first", name))
	case now != serving || name == "initialize":
		do = failed(jrpc2.Errorf(jrpc2.InvalidRequest, "%s: the session is not in a state for it", name))
	case name == "shutdown":
		next, s.shut = ending, true
	}
	s.state = next
	if req := jrpc2.InboundRequest(ctx); req != nil && req.IsNotification() || now == gone {
		return do
	}
	s.asked.Add(1)
	return func(ctx context.Context, req *jrpc2.Request) (any, error) {
		defer s.asked.Done()
		return do(ctx, req)
	}
}

func failed(err error) jrpc2.Handler {
	return func(context.Context, *jrpc2.Request) (any, error) { return nil, err }
}

func (s *session) method(name string) jrpc2.Handler {
	switch name {
	case "initialize":
		return handle(s, s.initialize)
	case "initialized", "$/setTrace":
		return failed(nil)
	case "shutdown":
		return failed(nil)
	case "exit":
		return s.leave
	case "$/cancelRequest":
		return handle(s, s.cancel)
	case "workspace/didChangeWorkspaceFolders":
		return handle(s, s.foldersChanged)
	case "workspace/didChangeConfiguration", "workspace/didChangeWatchedFiles", "textDocument/didSave":
		return handle(s, s.changedElsewhere)
	case "textDocument/didOpen":
		return handle(s, s.opened)
	case "textDocument/didChange":
		return handle(s, s.changed)
	case "textDocument/didClose":
		return handle(s, s.closed)
	case "textDocument/codeAction":
		return handle(s, s.codeActions)
	case "textDocument/hover":
		return handle(s, s.hovered)
	case "textDocument/completion":
		return handle(s, s.complete)
	case "textDocument/definition":
		return handle(s, s.definition)
	case "textDocument/references":
		return handle(s, s.references)
	case "textDocument/prepareRename":
		return handle(s, s.prepareRename)
	case "textDocument/rename":
		return handle(s, s.rename)
	case "textDocument/documentSymbol":
		return handle(s, s.symbols)
	}
	return nil
}

// handle is a method with its parameters. Whatever goes wrong in it is one answer's
// error and not the server's end.
func handle[P, R any](s *session, do func(context.Context, P) (R, error)) jrpc2.Handler {
	return func(ctx context.Context, req *jrpc2.Request) (answer any, err error) {
		defer func() {
			if p := recover(); p != nil {
				s.opt.Log.Error("panic", "method", req.Method(), "panic", p, "stack", string(debug.Stack()))
				answer, err = nil, jrpc2.Errorf(jrpc2.InternalError, "%s: a bug of drydock's: %v", req.Method(), p)
			}
			if err != nil && req.IsNotification() {
				s.say(severityError, fmt.Sprintf("%s: %v", req.Method(), err))
			}
		}()
		var params P
		if req.HasParams() {
			if err := req.UnmarshalParams(&params); err != nil {
				return nil, jrpc2.Errorf(jrpc2.InvalidParams, "%s: %v", req.Method(), err)
			}
		}
		got, err := do(ctx, params)
		if err != nil && ctx.Err() != nil {
			return nil, jrpc2.Errorf(codeRequestCancelled, "%s: cancelled", req.Method())
		}
		return got, err
	}
}

func (s *session) initialize(_ context.Context, p initializeParams) (*initializeResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.can = p.Capabilities
	for _, f := range p.Folders {
		s.addRoot(f.URI)
	}
	if len(s.roots) == 0 && p.RootURI != "" {
		s.addRoot(p.RootURI)
	}
	if len(s.roots) == 0 && p.RootPath != "" {
		s.roots = append(s.roots, p.RootPath)
	}
	if d := p.Options.Delay; d != nil {
		s.opt.Delay = time.Duration(min(max(*d, 0), 10_000)) * time.Millisecond
	}
	out := &initializeResult{Server: serverInfo{"drydock", s.opt.Version}}
	can := &out.Capabilities
	can.Encoding = "utf-16"
	can.Sync = syncOptions{OpenClose: true, Change: 2}
	can.CodeAction = &codeActionOptions{Kinds: []string{kindQuickFix, kindRewrite, kindFixAll}}
	can.Hover, can.Definition, can.References, can.Symbols = true, true, true, true
	can.Rename.Prepare = true
	can.Completion.Triggers = []string{" ", "-", "=", ":", "$", "{", ",", "/"}
	can.Workspace.Folders.Supported, can.Workspace.Folders.Changes = true, true
	return out, nil
}

// leave ends the session, once what was asked before is answered.
func (s *session) leave(context.Context, *jrpc2.Request) (any, error) {
	go func() {
		s.asked.Wait()
		s.rpc.Stop()
	}()
	return nil, nil
}

func (s *session) cancel(_ context.Context, p struct {
	ID json.RawMessage `json:"id"`
},
) (any, error) {
	s.rpc.CancelRequest(string(p.ID))
	return nil, nil
}

// say writes a line into the client's log.
func (s *session) say(kind int, message string) {
	s.opt.Log.Info(message)
	_ = s.rpc.Notify(s.ctx, "window/logMessage", logParams{kind, message}) // a client that has gone needs none
}
