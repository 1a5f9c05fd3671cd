package observe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// tracer watches containers by programs in the kernel.
type tracer struct {
	k     *kernel
	links []link.Link
	ring  *ringbuf.Reader
	done  chan struct{} // closed when every event was taken

	mu   sync.Mutex
	seen map[uint64]*sightings // by cgroup
	now  Phase
}

// newTracer loads and attaches the programs. From then on, what a runtime calls
// for any container is counted; the rest begins with watch.
func newTracer() (_ *tracer, err error) {
	k, err := load()
	if err != nil {
		return nil, err
	}
	t := &tracer{k: k, done: make(chan struct{}), seen: map[uint64]*sightings{}}
	defer func() {
		if err != nil {
			close(t.done)
			err = errors.Join(err, t.close())
		}
	}()
	for nr, rule := range ruleTable(seccomp.Native()) {
		if err := k.rules.Put(nr, rule); err != nil {
			return nil, fmt.Errorf("table of rules: %w", err)
		}
	}
	if t.ring, err = ringbuf.NewReader(k.events); err != nil {
		return nil, fmt.Errorf("events: %w", err)
	}
	// What an event is about was set up before the events of it come.
	for _, p := range slices.Backward(k.programs) {
		l, err := link.AttachTracing(link.TracingOptions{Program: p, AttachType: ebpf.AttachTraceRawTp})
		if err != nil {
			return nil, fmt.Errorf("attach %s: %w", p, err)
		}
		t.links = append(t.links, l)
	}
	go t.read()
	return t, nil
}

// close takes the programs away.
func (t *tracer) close() error {
	var errs []error
	for _, l := range t.links {
		errs = append(errs, l.Close())
	}
	if t.ring != nil {
		errs = append(errs, t.ring.Close())
	}
	<-t.done
	return errors.Join(append(errs, t.k.Close())...)
}

// watch begins to record what processes of a cgroup do.
func (t *tracer) watch(cgroup uint64, began time.Time) error {
	t.mu.Lock()
	t.seen[cgroup] = newSightings(began)
	t.mu.Unlock()
	if err := t.k.targets.Put(cgroup, uint32(begun)); err != nil {
		return fmt.Errorf("table of containers: %w", err)
	}
	return nil
}

// phase says what the container's own processes are at from now on.
func (t *tracer) phase(n uint32) error {
	t.mu.Lock()
	t.now = phase(n)
	t.mu.Unlock()
	if err := t.k.config.Put(uint32(0), n); err != nil {
		return fmt.Errorf("phase: %w", err)
	}
	return nil
}

// read takes events until the ring is closed.
func (t *tracer) read() {
	defer close(t.done)
	var rec ringbuf.Record
	for t.ring.ReadInto(&rec) == nil {
		var e event
		raw := append(rec.RawSample, make([]byte, max(0, eventSize-len(rec.RawSample)))...) // some have no path
		if binary.Read(bytes.NewReader(raw), binary.NativeEndian, &e) != nil {
			continue // not one of ours: the size is fixed
		}
		t.mu.Lock()
		s := t.seen[e.Cgroup]
		if s == nil && len(t.seen) < maxTargets {
			s = newSightings(time.Now())
			t.seen[e.Cgroup] = s
		}
		if s != nil {
			s.take(e, t.now, time.Now())
		}
		t.mu.Unlock()
	}
}

// settle waits until the events that are there were taken.
func (t *tracer) settle() {
	for range 100 {
		if t.ring.AvailableBytes() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// tables adds what the kernel counted for a cgroup to an observation, and returns
// what was lost.
func (t *tracer) tables(cgroup uint64, o *Observation) (lost [lostKinds]uint64, err error) {
	native := seccomp.Native()
	abis := map[uint8]seccomp.ABI{abiNative: native, abiCompat: seccomp.I386, abiX32: seccomp.X32}
	if native == seccomp.AArch64 {
		abis[abiCompat] = seccomp.ARM
	}
	var ck callKey
	var n uint64
	var calls []Call
	for it := t.k.calls.Iterate(); it.Next(&ck, &n); {
		if ck.Cgroup == cgroup {
			c := Call{ABI: abis[ck.ABI], Number: int(ck.Number), Count: n, Phases: []Phase{phase(uint32(ck.Phase))}}
			c.Name, _ = c.ABI.Name(c.Number)
			calls = append(calls, c)
		}
	}
	var ak argKey
	selected := argumentCalls()
	var args []Argument
	for it := t.k.args.Iterate(); it.Next(&ak, &n); {
		if ak.Cgroup == cgroup {
			name, _ := native.Name(int(ak.Number))
			args = append(args, Argument{Name: name, Index: selected[name], Value: ak.Value, Count: n})
		}
	}
	var pk capKey
	names := seccomp.Capabilities()
	var caps []Capability
	for it := t.k.caps.Iterate(); it.Next(&pk, &n); {
		if pk.Cgroup == cgroup && int(pk.Cap) < len(names) {
			c := Capability{Name: names[pk.Cap], Count: n, Phases: []Phase{phase(uint32(pk.Phase))}}
			if pk.Denied != 0 {
				c.Refused = n
			}
			caps = append(caps, c)
		}
	}
	var uk userKey
	for it := t.k.users.Iterate(); it.Next(&uk, &n); {
		if u := (User{int(uk.UID), int(uk.GID)}); uk.Cgroup == cgroup && !slices.Contains(o.Users, u) {
			o.Users = append(o.Users, u)
		}
	}
	for i := range lost {
		if err := t.k.lost.Lookup(uint32(i), &lost[i]); err != nil {
			return lost, fmt.Errorf("what was lost: %w", err)
		}
	}
	m, err := Merge(o, &Observation{Image: o.Image, Runtime: o.Runtime, Status: o.Status, Calls: calls, Arguments: args, Capabilities: caps, Began: o.Began})
	if err != nil {
		return lost, err
	}
	o.Calls, o.Arguments, o.Capabilities = m.Calls, m.Arguments, m.Capabilities
	return lost, nil
}

// cgroupOf is the id of a process's cgroup, as the kernel's programs see it: the
// inode of its folder in the unified hierarchy.
func cgroupOf(pid int) (uint64, error) {
	in, err := groups(pid)
	if err != nil {
		return 0, err
	}
	dir, ok := in.folder("")
	if !ok {
		return 0, errors.New("no unified cgroup hierarchy (cgroup v2) is mounted")
	}
	st, err := os.Stat(dir)
	if err != nil {
		return 0, fmt.Errorf("the container's cgroup: %w", err)
	}
	return inode(st)
}

func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
