package observe

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/ringbuf"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// bpf watches containers by programs in the kernel.
type bpf struct {
	k     *kernel
	links []link.Link
	ring  *ringbuf.Reader
	done  chan struct{} // closed when every event was taken

	mu   sync.Mutex
	seen map[uint64]*sightings // by cgroup
}

// newBPF loads and attaches the programs. From then on, what a runtime calls
// for any container is counted; the rest begins with watch.
func newBPF() (_ *bpf, err error) {
	k, err := load()
	if err != nil {
		return nil, err
	}
	t := &bpf{k: k, done: make(chan struct{}), seen: map[uint64]*sightings{}}
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
func (t *bpf) close() error {
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

// target is a container that is watched, as the kernel's programs have it.
type target struct {
	State uint32
	Phase uint8
	Bare  uint8 // it has no filter
	_     uint16
}

func (t *bpf) way() string { return "bpf" }

func (t *bpf) unseen() []string { return nil }

func (t *bpf) expect(string) error { return nil }

func (t *bpf) holds() bool { return false }

func (t *bpf) ready(context.Context, *looks, int) error { return nil }

func (t *bpf) filters(pid int) ([]seccomp.Filter, error) { return seccomp.Loaded(pid) }

// watch begins to record what processes of a container do.
func (t *bpf) watch(l *looks, w watching) error {
	cgroup, err := cgroupOf(l.PID)
	if err != nil {
		return err
	}
	l.cgroup = cgroup
	t.mu.Lock()
	t.seen[cgroup] = newSightings(w.began)
	t.seen[cgroup].mounted = newMounts(l.PID).at
	if w.raw {
		t.seen[cgroup].raw = map[string]struct{}{}
	}
	t.seen[cgroup].snapshot(w.running)
	t.mu.Unlock()
	v := target{State: begun, Phase: number(w.phase)}
	if w.bare {
		v.Bare = 1
	}
	if w.gate != 0 {
		err = t.k.tasks.Put(uint32(w.gate), uint32(markGate))
	}
	if len(w.health) > 0 {
		var argv [argvBytes]byte
		copy(argv[:], strings.Join(w.health, "\x00")+"\x00")
		err = errors.Join(err, t.k.health.Put(cgroup, argv[:]))
	}
	if err := errors.Join(err, t.k.targets.Put(cgroup, v)); err != nil {
		return fmt.Errorf("table of containers: %w", err)
	}
	return nil
}

// phase says what a container's own processes are at from now on.
func (t *bpf) phase(l *looks, p Phase) error { return t.turn(l.cgroup, p) }

func (t *bpf) turn(cgroup uint64, p Phase) error {
	var v target
	err := t.k.targets.Lookup(cgroup, &v)
	if err == nil {
		v.Phase = number(p)
		err = t.k.targets.Put(cgroup, v)
	}
	if err != nil {
		return fmt.Errorf("phase: %w", err)
	}
	return nil
}

// read takes events until the ring is closed.
func (t *bpf) read() {
	defer close(t.done)
	var rec ringbuf.Record
	t.ring.SetDeadline(time.Now().Add(lookEvery))
	for {
		if err := t.ring.ReadInto(&rec); errors.Is(err, os.ErrDeadlineExceeded) {
			t.ring.SetDeadline(time.Now().Add(lookEvery))
			continue
		} else if err != nil {
			return
		}
		e, in, ok := decode(rec.RawSample)
		if !ok {
			continue // not one of ours: the sizes are fixed
		}
		t.mu.Lock()
		s := t.seen[e.Cgroup]
		if s == nil && len(t.seen) < maxTargets {
			s = newSightings(time.Now())
			t.seen[e.Cgroup] = s
		}
		if s != nil {
			s.take(e, func() (string, bool) { return s.folderOf(in) }, time.Now())
		}
		t.mu.Unlock()
	}
}

// decode reads an event, and the folder that its path begins at if one is there. Some
// events have no path. It is done by hand: a server under load makes many thousands a
// second, and what reads them takes the time from it.
func decode(raw []byte) (e event, in *folder, ok bool) {
	if len(raw) < eventHead {
		return e, nil, false
	}
	n := binary.NativeEndian
	e = event{
		Cgroup: n.Uint64(raw), Dir: n.Uint64(raw[8:]), Next: n.Uint64(raw[16:]), Return: int64(n.Uint64(raw[24:])),
		PID: n.Uint32(raw[32:]), Number: n.Uint32(raw[36:]), Kind: n.Uint32(raw[40:]), Length: int32(n.Uint32(raw[44:])),
		Phase: n.Uint32(raw[48:]), Parent: n.Uint32(raw[52:]),
	}
	copy(e.Data[:], raw[eventHead:])
	if len(raw) >= eventSize+folderSize {
		f := raw[eventSize:]
		in = &folder{Mount: int32(n.Uint32(f)), Depth: n.Uint32(f[4:])}
		for i := range in.Names {
			copy(in.Names[i][:], f[8+i*maxName:])
		}
	}
	return e, in, true
}

// settle waits until the events that are there were taken.
func (t *bpf) settle() {
	for range 100 {
		if t.ring.AvailableBytes() == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// into adds what was seen of a container to an observation.
func (t *bpf) into(l *looks, o *Observation) error { return t.collect(l.cgroup, o) }

// collect adds what was seen of a cgroup to an observation.
func (t *bpf) collect(cgroup uint64, o *Observation) error {
	t.settle()
	lost, err := t.tables(cgroup, o)
	if err != nil {
		return err
	}
	t.mu.Lock()
	if s := t.seen[cgroup]; s != nil {
		s.into(o, time.Now())
	}
	t.mu.Unlock()
	for i, what := range []string{"calls", "arguments", "paths", "capabilities"} {
		if lost[i] > 0 {
			o.lack(Truncated, fmt.Sprintf("%d events about %s were lost", lost[i], what))
		}
	}
	return nil
}

// tables adds what the kernel counted for a cgroup to an observation, and returns
// what was lost.
func (t *bpf) tables(cgroup uint64, o *Observation) (lost [lostKinds]uint64, err error) {
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
