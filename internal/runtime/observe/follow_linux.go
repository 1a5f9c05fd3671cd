package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Follower watches containers that are started as they are, without a start gate:
// it knows them by their ids before they run, and the kernel stops their first
// program when it begins, so that somebody can look.
type Follower struct {
	t      *bpf
	cgroup uint64
}

// Follow loads the programs that watch. It needs what [Run] needs.
func Follow() (*Follower, error) {
	t, err := newBPF()
	if err != nil {
		return nil, unavailable(err)
	}
	return &Follower{t: t}, nil
}

// Close ends it.
func (f *Follower) Close() error { return f.t.close() }

// Expect says which container is started next.
func (f *Follower) Expect(id string) error {
	if len(id) != idLength {
		return fmt.Errorf("container id %q has not %d digits", id, idLength)
	}
	if err := f.t.k.expected.Put(uint32(0), []byte(id)); err != nil {
		return fmt.Errorf("table of containers: %w", err)
	}
	return nil
}

// holdWithin is how long a program may take to be stopped once it was started.
const holdWithin = 5 * time.Second

// Held waits until the container's first program, whose process is pid, was stopped, or
// has ended: a filter may keep the runtime from executing it. It is let go with
// [Follower.Release].
func (f *Follower) Held(ctx context.Context, pid int) error {
	for end := time.Now().Add(holdWithin); ; {
		b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the container's process: %w", err)
		}
		if i := bytes.LastIndexByte(b, ')'); i >= 0 && i+2 < len(b) && b[i+2] == 'T' {
			break
		}
		if time.Now().After(end) {
			return errors.New("the container's program was not stopped")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * time.Millisecond):
		}
	}
	cgroup, err := cgroupOf(pid)
	if errors.Is(err, os.ErrNotExist) {
		return nil // killed while it was stopped
	}
	f.cgroup = cgroup
	return err
}

// Release lets the program go on.
func (f *Follower) Release(pid int) error {
	if err := unix.Kill(pid, unix.SIGCONT); err != nil && !errors.Is(err, unix.ESRCH) {
		return fmt.Errorf("let the container's program go on: %w", err)
	}
	return nil
}

// Serving says that the workload is up.
func (f *Follower) Serving() error { return f.t.turn(f.cgroup, Serving) }

// Refused are the calls that the kernel refused to the container that was held
// last, sorted.
func (f *Follower) Refused() []Refusal {
	f.t.settle()
	f.t.mu.Lock()
	defer f.t.mu.Unlock()
	if s := f.t.seen[f.cgroup]; s != nil {
		return s.refusals()
	}
	return nil
}
