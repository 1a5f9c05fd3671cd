package observe

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// ptracer sees by ptrace: every process of a container is traced, from when its
// runtime joins the container on. It needs no privilege but that of tracing these
// processes; it is slow, and cannot see capabilities.
type ptracer struct {
	rules map[uint32]uint32 // see [ruleTable]

	mu      sync.Mutex
	traced  map[string]*traced // by container
	found   map[int]bool       // processes that are, or were, traced
	closing chan struct{}
	work    sync.WaitGroup
}

// traced is a container that is seen by ptrace.
type traced struct {
	id string

	mu      sync.Mutex // of all below
	s       *sightings
	tally   *tally
	phase   Phase
	health  []string
	bare    bool
	begun   bool             // its first program was executed
	filters []seccomp.Filter // of the container
	known   bool             // the filters could be read, or there are none
	looked  bool             // whether they could was found out
	in      cgroups          // nil: its processes are not known yet
	users   map[User]struct{}
	late    int // processes that were found only when their filter was loaded
	failed  error

	refusals int // how often a process could not be traced
}

func newPtrace() (tracer, error) {
	if b, err := os.ReadFile("/proc/sys/kernel/yama/ptrace_scope"); err == nil && strings.TrimSpace(string(b)) == "3" {
		return nil, errors.New("this kernel lets nobody trace (kernel.yama.ptrace_scope is 3)")
	}
	return &ptracer{rules: ruleTable(seccomp.Native()), traced: map[string]*traced{}, found: map[int]bool{}, closing: make(chan struct{})}, nil
}

func (p *ptracer) way() string { return "ptrace" }

func (p *ptracer) unseen() []string { return []string{"capabilities"} }

// of is a container's record, made if it is not there.
func (p *ptracer) of(id string) (t *traced, made bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t := p.traced[id]; t != nil {
		return t, false
	}
	t = &traced{id: id, s: newSightings(time.Now()), tally: newTally(), phase: StartUp, users: map[User]struct{}{}}
	p.traced[id] = t
	return t, true
}

func (p *ptracer) expect(id string) error {
	t, _ := p.of(id)
	p.work.Go(func() { p.hunt(t) })
	return nil
}

// errUnreadable is a filter that this user may not read.
var errUnreadable = errors.New("the container's seccomp filter cannot be read without CAP_SYS_ADMIN")

func (p *ptracer) filters(pid int) ([]seccomp.Filter, error) {
	if tracedBy(pid) == 0 {
		filters, err := seccomp.Loaded(pid)
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES) {
			return nil, errUnreadable
		}
		return filters, err
	}
	for end := time.Now().Add(holdWithin); time.Now().Before(end); time.Sleep(time.Millisecond) {
		p.mu.Lock()
		all := make([]*traced, 0, len(p.traced))
		for _, t := range p.traced {
			all = append(all, t)
		}
		p.mu.Unlock()
		for _, t := range all {
			t.mu.Lock()
			looked, known, filters, mine := t.looked, t.known, t.filters, t.in != nil && slices.Contains(t.in.processes(), pid)
			t.mu.Unlock()
			switch {
			case !mine || !looked:
			case !known:
				return nil, errUnreadable
			default:
				return filters, nil
			}
		}
	}
	return nil, fmt.Errorf("process %d is traced by somebody else", pid)
}

func (p *ptracer) watch(l *looks, w watching) error {
	t, made := p.of(l.ID)
	t.mu.Lock()
	t.phase, t.health, t.bare, t.in = w.phase, w.health, w.bare, l.in
	t.s.began = w.began
	if w.raw {
		t.s.raw = map[string]struct{}{}
	}
	t.s.snapshot(w.running)
	if made {
		filters, err := p.filters(l.PID)
		t.filters, t.known, t.looked, t.begun = filters, err == nil, true, true
	}
	t.mu.Unlock()
	if made { // it runs already
		for _, pid := range w.running {
			p.claim(t, pid, true)
		}
		p.work.Go(func() { p.hunt(t) })
	}
	return p.ready(context.Background(), l, l.PID)
}

func (p *ptracer) holds() bool { return true }

func (p *ptracer) ready(ctx context.Context, l *looks, pid int) error {
	t, _ := p.of(l.ID)
	for end := time.Now().Add(holdWithin); ; time.Sleep(time.Millisecond) {
		t.mu.Lock()
		failed := t.failed
		t.mu.Unlock()
		switch {
		case failed != nil:
			return failed
		case ctx.Err() != nil:
			return ctx.Err()
		case tracedBy(pid) != 0:
			return nil
		case time.Now().After(end):
			return errors.New("the container's process is not traced")
		}
	}
}

func (p *ptracer) phase(l *looks, to Phase) error {
	t, _ := p.of(l.ID)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.phase = to
	return nil
}

func (p *ptracer) into(l *looks, o *Observation) error {
	t, _ := p.of(l.ID)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil {
		return t.failed
	}
	for u := range t.users {
		if !slices.Contains(o.Users, u) {
			o.Users = append(o.Users, u)
		}
	}
	t.tally.into(o)
	t.s.into(o, time.Now())
	if !t.known {
		o.Unseen = append(o.Unseen, "engineDefault")
	}
	if t.late > 0 {
		o.lack(Partial, fmt.Sprintf("%d processes of the runtime's were found when their filter was loaded: what it calls then may be missing", t.late))
	}
	return nil
}

func (p *ptracer) close() error {
	close(p.closing)
	p.work.Wait()
	return nil
}

// tracedBy is the process that traces another; 0: none, or there is no such process.
func tracedBy(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "TracerPid:"); ok {
			return atoi(strings.TrimSpace(v))
		}
	}
	return 0
}

// The times between two looks for processes that a runtime puts into a container.
const (
	huntEvery = 200 * time.Microsecond
	freshFor  = 2 * time.Second // how long a new process of the machine may take to join one
)

// hunt looks for processes of a container that nobody traces yet.
func (p *ptracer) hunt(t *traced) {
	fresh := map[int]time.Time{}
	for _, pid := range processes() {
		fresh[pid] = time.Time{} // was there before
	}
	for {
		select {
		case <-p.closing:
			return
		case <-time.After(huntEvery):
		}
		t.mu.Lock()
		in := t.in
		t.mu.Unlock()
		if in != nil {
			for _, pid := range in.processes() {
				p.claim(t, pid, false)
			}
			continue
		}
		for _, pid := range processes() {
			since, seen := fresh[pid]
			if !seen {
				since = time.Now()
				fresh[pid] = since
			}
			if time.Since(since) > freshFor || !isIn(pid, t.id) {
				continue
			}
			if in, err := groups(pid); err == nil {
				// A process joins one hierarchy after the other.
				if dir, ok := in.folder("pids"); ok && strings.Contains(dir, t.id) {
					t.mu.Lock()
					t.in = in
					t.mu.Unlock()
				}
			}
			p.claim(t, pid, false)
		}
	}
}

// processes are those of this machine.
func processes() []int {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close() //nolint:errcheck // read only
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil
	}
	var pids []int
	for _, n := range names {
		if pid := atoi(n); pid > 0 {
			pids = append(pids, pid)
		}
	}
	return pids
}

// isIn reports whether a process is in a container: its cgroup has the id in its name.
func isIn(pid int, id string) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	return err == nil && strings.Contains(string(b), id)
}

// maxRefusals is how often a process may be refused before nobody tries any more.
const maxRefusals = 100

// refused is told of a process that could not be traced: another thread may have it
// since a moment, or it ends. Else it is tried again, some times.
func (p *ptracer) refused(t *traced, pid int, err error) {
	if tracedBy(pid) != 0 || !isIn(pid, t.id) || ending(pid) {
		return
	}
	t.mu.Lock()
	if t.refusals++; t.refusals > maxRefusals {
		t.failed = errors.Join(t.failed, err)
	}
	failed := t.failed
	t.mu.Unlock()
	if failed == nil {
		p.mu.Lock()
		delete(p.found, pid)
		p.mu.Unlock()
	}
}

// ending reports whether a process is on its way out.
func ending(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	i := strings.LastIndexByte(string(b), ')')
	return err != nil || i < 0 || i+2 >= len(b) || b[i+2] == 'Z' || b[i+2] == 'X'
}

// claim begins to trace a process that nobody traces.
func (p *ptracer) claim(t *traced, pid int, ran bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found[pid] || tracedBy(pid) != 0 || !isIn(pid, t.id) {
		return
	}
	p.found[pid] = true
	p.work.Go(func() {
		runtime.LockOSThread() // a tracer is a thread; it is thrown away, and lets go of all
		th := &thread{p: p, t: t, tasks: map[int]*task{}, orphans: map[int]bool{}}
		if err := th.seize(pid, ran); err != nil && !errors.Is(err, unix.ESRCH) {
			p.refused(t, pid, err)
		}
		th.run()
	})
}
