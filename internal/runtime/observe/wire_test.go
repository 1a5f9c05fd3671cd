package observe

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/drydock-dev/drydock/internal/runtime"
)

// toldEye notes what it is told.
type toldEye struct{ told []string }

func (e *toldEye) way() string          { return "bpf" }
func (e *toldEye) observer() string     { return "" }
func (e *toldEye) mount() runtime.Mount { return runtime.Mount{} }
func (e *toldEye) filtered() bool       { return true }
func (e *toldEye) holds() bool          { return true }
func (e *toldEye) tell(what ...string)  { e.told = append(e.told, strings.Join(what, " ")) }

func (e *toldEye) hold(context.Context) (string, error) { e.tell("hold"); return "start-1", nil }

func (e *toldEye) own(_ context.Context, pid int, _ string) (string, error) {
	if pid != 7 {
		return "", &Error{errors.New("no such process"), "try 7"}
	}
	return "{}", nil
}

func (e *toldEye) expect(_ context.Context, id string) error { e.tell("expect", id); return nil }

func (e *toldEye) watch(_ context.Context, s subject) (Default, error) {
	e.tell("watch", s.ID, s.FIFO, strings.Join(s.Health, "+"))
	return Default{Calls: []string{"read"}}, nil
}

func (e *toldEye) open(_ context.Context, id, fifo, program string) error {
	e.tell("open", id, fifo, program)
	return nil
}

func (e *toldEye) phase(_ context.Context, id string, p Phase) error {
	e.tell("phase", id, string(p))
	return nil
}

func (e *toldEye) finish(context.Context, string) (*Observation, error) {
	return &Observation{Way: "bpf", Programs: []string{"/bin/sh"}, Listens: []Socket{{Family: "inet", Port: 80}}}, nil
}

func (e *toldEye) close() error { e.tell("close"); return nil }

// TestWire holds that an eye at the other end of a wire is told, and tells, the same.
func TestWire(t *testing.T) {
	here, there := net.Pipe()
	e := &toldEye{}
	done := make(chan error, 1)
	go func() {
		done <- answer(t.Context(), there, func(via string, raw bool) (eye, error) {
			if via != "" || !raw {
				return nil, errors.New("not as it was asked")
			}
			return e, nil
		})
	}()
	ctx := t.Context()
	r := &remote{wire: newWire(here), volume: "v"}
	if _, err := r.hold(ctx); err == nil {
		t.Error("it holds before it has begun")
	}
	var err error
	if r.said, err = r.ask(ctx, request{Op: "begin", Raw: true}); err != nil {
		t.Fatal(err)
	}
	if r.way() != "bpf" || !r.holds() || !r.filtered() || r.observer() != "container" || !r.mount().Volume {
		t.Errorf("%+v", r.said)
	}
	if fifo, err := r.hold(ctx); fifo != "start-1" || err != nil {
		t.Errorf("%q %v", fifo, err)
	}
	var hint *Error
	if _, err := r.own(ctx, 8, "x"); !errors.As(err, &hint) || hint.Hint() != "try 7" || !strings.Contains(err.Error(), "no such process") {
		t.Errorf("%v", err)
	}
	if p, err := r.own(ctx, 7, "x"); p != "{}" || err != nil {
		t.Errorf("%q %v", p, err)
	}
	d, err := r.watch(ctx, subject{ID: "c", FIFO: "start-1", Health: []string{"a", "b"}})
	if !slices.Equal(d.Calls, []string{"read"}) || err != nil {
		t.Errorf("%+v %v", d, err)
	}
	if err := errors.Join(r.expect(ctx, "c"), r.open(ctx, "c", "start-1", "/bin/sh"), r.phase(ctx, "c", Serving)); err != nil {
		t.Error(err)
	}
	seen, err := r.finish(ctx, "c")
	want, _ := e.finish(ctx, "c")
	if diff := cmp.Diff(want, seen); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	if _, err := r.ask(ctx, request{Op: "dance"}); err == nil {
		t.Error("it dances")
	}
	_ = here.Close()
	if err := <-done; err != nil && !errors.Is(err, io.ErrClosedPipe) {
		t.Error(err)
	}
	told := []string{"hold", "watch c start-1 a+b", "expect c", "open c start-1 /bin/sh", "phase c serving", "close"}
	if diff := cmp.Diff(told, e.told); diff != "" {
		t.Error(diff)
	}
}

// endless says something, and then the same for ever.
type endless struct {
	head string
	rest byte
	at   *int
}

func (e endless) Write(b []byte) (int, error) { return len(b), nil }

func (e endless) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = e.rest
		if *e.at < len(e.head) {
			b[i] = e.head[*e.at]
		}
		*e.at++
	}
	return len(b), nil
}

// FuzzAnswers holds that an observer cannot make its client panic, or take what is no
// answer for one.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte(`{"way":"bpf"}` + "\n"))
	f.Add([]byte(`{"error":"x","hint":"y"}`))
	f.Add([]byte(`{"seen":{"calls":[{"abi":"x86_64"}]}}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, b []byte) {
		w := newWire(struct {
			io.Reader
			io.Writer
		}{bytes.NewReader(b), io.Discard})
		r, err := w.ask(t.Context(), request{Op: "finish"})
		if err == nil && r.Error != "" || !bytes.Contains(b, []byte("{")) && err == nil && !bytes.Contains(b, []byte("null")) {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestAnswersHaveALimit(t *testing.T) {
	for _, e := range []endless{{`{"error":"`, 'a', new(int)}, {"", '[', new(int)}, {`{"seen":{"raw":`, '[', new(int)}} {
		if _, err := newWire(e).ask(t.Context(), request{Op: "finish"}); err == nil {
			t.Errorf("%s%c…: an endless answer", e.head, e.rest)
		}
		if *e.at > 2*maxAnswer {
			t.Errorf("%s%c…: %d bytes were read", e.head, e.rest, *e.at)
		}
	}
}
