package gate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/drydock-dev/drydock/internal/egress"
)

// maxRequest limits the bytes of a request of the Engine to the gate: its own limit of bodies, in
// base64, and room for headers.
const maxRequest = 16 << 20

// DefaultSocket is where the Engine looks for the plugin "drydock".
const DefaultSocket = "/run/docker/plugins/drydock.sock"

// Serve answers the Engine on a socket until ctx ends, and lets what is under way end
// then. It takes the place of a socket whose server is gone, or with replace of one that
// still answers: whoever is connected there stays until its server ends.
func (g *Gate) Serve(ctx context.Context, socket string, replace bool, ready func()) error {
	if !replace {
		if err := free(ctx, socket); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return err
	}
	// The new socket takes the old one's name at one instant: there is always one.
	next := fmt.Sprintf("%s.%d", socket, os.Getpid())
	_ = os.Remove(next) // of a process that had this number before
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "unix", next)
	if err != nil {
		return err
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false)
	if err = os.Chmod(next, 0o600); err == nil {
		err = os.Rename(next, socket)
	}
	if err != nil {
		return errors.Join(err, l.Close(), os.Remove(next))
	}
	mine, err := os.Stat(socket)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s := &http.Server{Handler: g.Handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	ready()
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, stop := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer stop()
		err = s.Shutdown(grace)
	}
	if now, serr := os.Stat(socket); serr == nil && os.SameFile(now, mine) {
		err = errors.Join(err, os.Remove(socket))
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// ErrServed is a socket that another gate answers on.
var ErrServed = errors.New("another gate answers there")

// free reports whether nobody answers on a socket.
func free(ctx context.Context, socket string) error {
	info, err := os.Lstat(socket)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is there, and is no socket", socket)
	}
	ctx, stop := context.WithTimeout(ctx, time.Second)
	defer stop()
	if egress.Answers(ctx, socket) {
		return fmt.Errorf("%s: %w", socket, ErrServed)
	}
	return nil
}

// Handler speaks the protocol of authorization plugins.
func (g *Gate) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /Plugin.Activate", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, map[string][]string{"Implements": {"authz"}})
	})
	mux.HandleFunc("POST /AuthZPlugin.AuthZReq", func(w http.ResponseWriter, r *http.Request) {
		q, err := readRequest(r.Body)
		if err != nil {
			reply(w, Response{Err: err.Error()})
			return
		}
		// The Engine obeys whether or not whoever asked still waits: so is decided.
		reply(w, g.Authorize(context.WithoutCancel(r.Context()), q))
	})
	mux.HandleFunc("POST /AuthZPlugin.AuthZRes", func(w http.ResponseWriter, r *http.Request) {
		q, err := readRequest(r.Body)
		if err == nil {
			g.Done(q)
		}
		reply(w, Response{Allow: true}) // to refuse an answer undoes nothing
	})
	return mux
}

func readRequest(body io.Reader) (*Request, error) {
	b, err := io.ReadAll(io.LimitReader(body, maxRequest+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxRequest {
		return nil, errors.New("the request is too large")
	}
	var r Request
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("the request of the Engine: %w", err)
	}
	return &r, nil
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/vnd.docker.plugins.v1.2+json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone
}
