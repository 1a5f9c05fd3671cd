package egress

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
)

// watch ends a request that is waited for too long.
type watch struct {
	t      *Transport
	x      *exchange
	host   string
	cancel context.CancelFunc

	mu    sync.Mutex
	timer *time.Timer
	since time.Time
	late  *TimeoutError // why the request was ended
	gen   int           // of the timer: one that was stopped too late does nothing
}

// begin starts to wait for a phase, at most limit and what the exchange has left.
func (w *watch) begin(p Phase, limit time.Duration) {
	left := w.x.remains(w.t.lim)
	if left < limit && p == Stalled || left <= 0 {
		p = Slow
	}
	limit = max(min(limit, left), 0)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gen++
	gen, since := w.gen, time.Now()
	w.since = since
	w.timer = time.AfterFunc(limit, func() { w.expire(gen, p, since) })
}

func (w *watch) expire(gen int, p Phase, since time.Time) {
	got, waited := w.x.sums()
	waited += time.Since(since)
	w.mu.Lock()
	defer w.mu.Unlock()
	if gen != w.gen || w.late != nil {
		return
	}
	w.late = &TimeoutError{Host: w.host, What: w.x.ask.What, Phase: p, Waited: waited, Got: got}
	if p != Slow {
		w.late.Waited = time.Since(since)
	}
	w.cancel()
}

// end stops waiting: n bytes came. It returns why the request was ended, if it was.
func (w *watch) end(n int) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gen++
	w.timer.Stop()
	waited := time.Since(w.since)
	w.since = time.Now()
	if !w.x.draw(w.t.lim, waited, n, w.x.ask.Rate) && w.late == nil {
		got, all := w.x.sums()
		w.late = &TimeoutError{Host: w.host, What: w.x.ask.What, Phase: Slow, Waited: all, Got: got}
		w.cancel()
	}
	if w.late == nil {
		return nil
	}
	return w.late
}

// body is an answer's body, held to its limits of time and size.
type body struct {
	inner  io.ReadCloser
	watch  *watch
	parent context.Context
	read   int64
	failed error
}

// Read implements [io.Reader].
func (b *body) Read(p []byte) (int, error) {
	if b.failed != nil {
		return 0, b.failed
	}
	b.watch.begin(Stalled, b.watch.t.lim.Idle)
	n, err := b.inner.Read(p)
	late := b.watch.end(n)
	b.read += int64(n)
	ask := b.watch.x.ask
	switch {
	case b.read > ask.Max:
		n, err = n-int(b.read-ask.Max), &LimitError{Host: b.watch.host, What: ask.What, Max: ask.Max}
	case errors.Is(err, io.EOF):
	case late != nil && b.parent.Err() == nil:
		err = late
	case err != nil && b.parent.Err() != nil:
		err = b.parent.Err()
	}
	if err != nil {
		b.failed = err
		b.watch.cancel()
	}
	return n, err
}

// Close gives the connection up, or back where the body was read to its end.
func (b *body) Close() error {
	err := b.inner.Close()
	b.watch.cancel()
	return err
}
