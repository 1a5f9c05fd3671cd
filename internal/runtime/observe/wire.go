package observe

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/drydock-dev/drydock/internal/finding"
)

// request and response are what a client and an observer that runs in a container say
// to each other: a line of JSON each, one after the other.
type request struct {
	Op        string   `json:"op"`
	Container string   `json:"container,omitempty"`
	Subject   *subject `json:"subject,omitempty"`
	FIFO      string   `json:"fifo,omitempty"`
	Program   string   `json:"program,omitempty"`
	Phase     Phase    `json:"phase,omitempty"`
	PID       int      `json:"pid,omitempty"`
	Via       string   `json:"via,omitempty"`
	Raw       bool     `json:"raw,omitempty"`
}

type response struct {
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`

	Way      string       `json:"way,omitempty"`
	Holds    bool         `json:"holds,omitempty"`
	Filtered bool         `json:"filtered,omitempty"`
	FIFO     string       `json:"fifo,omitempty"`
	Profile  string       `json:"profile,omitempty"`
	Default  *Default     `json:"default,omitempty"`
	Seen     *Observation `json:"seen,omitempty"`
}

// err is the error that a response tells of.
func (r response) err() error {
	switch {
	case r.Error == "":
		return nil
	case r.Hint != "":
		return &Error{errors.New(r.Error), r.Hint}
	}
	return errors.New(r.Error)
}

// maxAnswer limits the bytes of an observer's answers. No observation is larger.
const maxAnswer = MaxBytes

// wire is a client's end. Several may ask at the same time.
type wire struct {
	mu  sync.Mutex
	out *json.Encoder
	in  *json.Decoder
	lim *io.LimitedReader
}

func newWire(rw io.ReadWriter) *wire {
	lim := &io.LimitedReader{R: rw}
	return &wire{out: json.NewEncoder(rw), in: json.NewDecoder(lim), lim: lim}
}

// ask sends a request and waits for its response.
func (w *wire) ask(ctx context.Context, q request) (response, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var r response
	if err := ctx.Err(); err != nil {
		return r, err
	}
	if err := w.out.Encode(q); err != nil {
		return r, fmt.Errorf("observer: %w", err)
	}
	w.lim.N = maxAnswer
	if err := w.in.Decode(&r); err != nil {
		return response{}, fmt.Errorf("observer: %w", err)
	}
	return r, r.err()
}

// answer serves an eye to a client until the client has nothing more to ask.
func answer(ctx context.Context, rw io.ReadWriter, open func(via string, raw bool) (eye, error)) (err error) {
	var e eye
	defer func() {
		if e != nil {
			err = errors.Join(err, e.close())
		}
	}()
	in, out := json.NewDecoder(rw), json.NewEncoder(rw)
	for {
		var q request
		if err := in.Decode(&q); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("observer: %w", err)
		}
		var r response
		var err error
		switch {
		case q.Op == "begin" && e == nil:
			if e, err = open(q.Via, q.Raw); err == nil {
				r.Way, r.Holds, r.Filtered = e.way(), e.holds(), e.filtered()
			}
		case e == nil:
			err = errors.New("nothing has begun")
		default:
			r, err = serve(ctx, e, q)
		}
		if err != nil {
			r = response{Error: err.Error(), Hint: finding.HintOf(err)}
		}
		if err := out.Encode(r); err != nil {
			return fmt.Errorf("observer: %w", err)
		}
	}
}

// serve answers one request.
func serve(ctx context.Context, e eye, q request) (r response, err error) {
	switch q.Op {
	case "hold":
		r.FIFO, err = e.hold(ctx)
	case "own":
		r.Profile, err = e.own(ctx, q.PID, q.FIFO)
	case "expect":
		err = e.expect(ctx, q.Container)
	case "watch":
		if q.Subject == nil {
			return r, errors.New("watch whom?")
		}
		var d Default
		d, err = e.watch(ctx, *q.Subject)
		r.Default = &d
	case "open":
		err = e.open(ctx, q.Container, q.FIFO, q.Program)
	case "phase":
		err = e.phase(ctx, q.Container, q.Phase)
	case "finish":
		r.Seen, err = e.finish(ctx, q.Container)
	default:
		err = fmt.Errorf("no operation is called %q", q.Op)
	}
	return r, err
}
