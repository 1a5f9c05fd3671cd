package gate

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"sync"
	"time"
)

// want is a name that a call uses, or moves.
type want struct {
	name  string // "image docker.io/library/nginx:1.29", "image *", "containers"
	moves bool
}

// lease is what a call holds from its decision to the Engine's answer.
type lease struct {
	wants []want
	call  [sha256.Size]byte
	what  string
	since time.Time
	until time.Time // then the Engine's answer is not waited for any more
}

// serial has calls that move a name wait for those that use it, and the other way
// round. The zero value is ready.
type serial struct {
	mu      sync.Mutex
	held    []*lease
	changed chan struct{}
}

const anyImage = "image *"

func (a want) conflicts(b want) bool {
	if !a.moves && !b.moves {
		return false
	}
	image := func(w want) bool { return len(w.name) > 6 && w.name[:6] == "image " }
	return a.name == b.name || image(a) && image(b) && (a.name == anyImage || b.name == anyImage)
}

// busyError is a name that another call holds for too long.
type busyError struct{ what string }

func (e *busyError) Error() string {
	return fmt.Sprintf("a name that it uses is being changed (%s); try again", e.what)
}

// acquire waits until no other call holds what this one wants, for so long at most.
func (s *serial) acquire(ctx context.Context, l *lease, patience time.Duration) error {
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	for {
		other, changed := s.take(l)
		if other == nil {
			return nil
		}
		wake := time.NewTimer(time.Until(other.until) + time.Millisecond)
		select {
		case <-changed:
		case <-wake.C:
		case <-ctx.Done():
			wake.Stop()
			return &busyError{other.what}
		}
		wake.Stop()
	}
}

// take holds what is wanted, or says which lease is in the way.
func (s *serial) take(l *lease) (*lease, chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.held = slices.DeleteFunc(s.held, func(h *lease) bool { return now.After(h.until) })
	for _, h := range s.held {
		for _, a := range h.wants {
			if slices.ContainsFunc(l.wants, a.conflicts) {
				if s.changed == nil {
					s.changed = make(chan struct{})
				}
				return h, s.changed
			}
		}
	}
	if len(l.wants) > 0 {
		s.held = append(s.held, l)
	}
	return nil, nil
}

// release ends one lease of a call. Of calls that are the same any will do.
func (s *serial) release(call [sha256.Size]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.held, func(h *lease) bool { return h.call == call })
	if i < 0 {
		return
	}
	s.held = slices.Delete(s.held, i, i+1)
	if s.changed != nil {
		close(s.changed)
		s.changed = nil
	}
}

// mark tells calls apart: the Engine repeats the request when it has answered.
func (r *Request) mark() [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q\n", r.User, r.Method, r.URI)
	h.Write(r.Body)
	return [sha256.Size]byte(h.Sum(nil))
}
