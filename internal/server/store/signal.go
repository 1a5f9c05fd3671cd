package store

import "sync"

// signal wakes whoever waits for a change of this process; what other processes
// change is found by asking now and then.
type signal struct {
	mu sync.Mutex
	ch chan struct{}
}

// next is closed at the next change.
func (s *signal) next() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// Changed is closed when this process has changed something.
func (s *Store) Changed() <-chan struct{} { return s.signal.next() }

// Wake wakes whoever waits for a change: another process has changed something.
func (s *Store) Wake() { s.signal.wake() }

// OnCommit has f told of the events of each change, after it is committed. It is called
// once, before anything is changed, and f does not wait.
func (s *Store) OnCommit(f func([]Emitted)) { s.committed = f }
