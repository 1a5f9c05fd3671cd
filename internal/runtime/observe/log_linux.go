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

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// logger sees by the kernel's audit records: the container runs with a filter that logs
// every call that the Engine's own would let pass. It sees calls and nothing else; what
// files are opened is told by fanotify.
type logger struct {
	socket  int
	closing chan struct{}
	done    chan struct{}

	mu      sync.Mutex
	logged  map[string]*logged // by container
	foreign uint64             // records of processes that are in no container of these
	orphans uint64             // records of processes that had ended before anybody looked
	lost    bool
	failed  error
	allowed []seccomp.Filter // the Engine's own filter
}

// logged is a container that is seen by what it logs.
type logged struct {
	id     string
	tally  *tally
	s      *sightings
	in     cgroups
	first  int            // the process that waited at the gate
	tests  map[int]bool   // processes of the exercise
	forked uint32         // the mark of the process that has forked last
	marks  map[int]uint32 // of processes: as those of the kernel's programs
	phases []turn
	health []string
	files  *opened
	users  map[User]struct{}
}

// turn is when a container came to a phase.
type turn struct {
	at    time.Time
	phase Phase
}

// Of linux/audit.h and linux/netlink.h.
const (
	netlinkAudit   = 9    // NETLINK_AUDIT
	auditReadLog   = 1    // AUDIT_NLGRP_READLOG, a bit
	auditSeccomp   = 1326 // AUDIT_SECCOMP
	netlinkHeader  = 16
	auditBuffer    = 32 << 20
	maxLogged      = 1 << 16 // processes of a container that are known
	actionsLogged  = "/proc/sys/kernel/seccomp/actions_logged"
	wordOfLogging  = "log"
	settleFor      = 50 * time.Millisecond // with nothing new
	settleAtMost   = 5 * time.Second
	longestMessage = 64 << 10
)

func newLogger() (_ tracer, err error) {
	if b, err := os.ReadFile(actionsLogged); err == nil && !slices.Contains(strings.Fields(string(b)), wordOfLogging) {
		return nil, fmt.Errorf("%s has no %q: the kernel logs no call", actionsLogged, wordOfLogging)
	}
	l := &logger{closing: make(chan struct{}), done: make(chan struct{}), logged: map[string]*logged{}}
	if l.socket, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, netlinkAudit); err != nil {
		return nil, fmt.Errorf("the kernel's audit: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, unix.Close(l.socket))
		}
	}()
	if err := unix.SetsockoptInt(l.socket, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, auditBuffer); err != nil {
		return nil, fmt.Errorf("the kernel's audit: %w", err)
	}
	wait := unix.NsecToTimeval(int64(100 * time.Millisecond))
	if err := unix.SetsockoptTimeval(l.socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		return nil, fmt.Errorf("the kernel's audit: %w", err)
	}
	if err := unix.Bind(l.socket, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: auditReadLog}); err != nil {
		return nil, fmt.Errorf("the kernel's audit records: %w", err)
	}
	go l.read()
	return l, nil
}

func (l *logger) way() string { return "log" }

func (l *logger) unseen() []string {
	return []string{"arguments", "capabilities", "connects", "devices", "processes", "refused"}
}

func (l *logger) expect(id string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logged[id] = &logged{
		id: id, tally: newTally(), s: newSightings(time.Now()), marks: map[int]uint32{}, tests: map[int]bool{}, forked: markProgram, users: map[User]struct{}{},
		phases: []turn{{time.Time{}, StartUp}},
	}
	return nil
}

func (l *logger) filters(pid int) ([]seccomp.Filter, error) {
	filters, err := seccomp.Loaded(pid)
	if err != nil {
		return nil, err
	}
	return filters, narrower(filters, l.allowed)
}

// own is the profile under which a container is seen: what the filters let pass is
// logged, and nothing else passes.
func (l *logger) own(filters []seccomp.Filter) (string, error) {
	native := seccomp.Native()
	var abis []seccomp.ABI
	var pass []string
	for _, abi := range seccomp.ABIs() {
		calls, err := seccomp.Reachable(filters, abi)
		if err != nil {
			return "", err
		}
		if len(calls) == 0 && abi != native {
			continue
		}
		abis = append(abis, abi)
		// Of calls that both have, a rule for one is a rule for the other.
		pass = append(pass, slices.DeleteFunc(calls, func(name string) bool {
			_, both := native.Number(name)
			return both && abi != native
		})...)
	}
	p := seccomp.NewLogging(abis, nil, pass, seccomp.Ceilings())
	l.allowed = filters
	b, err := p.Marshal()
	return string(b), err
}

// narrower is an error if filters let a call pass that others do not.
func narrower(filters, than []seccomp.Filter) error {
	for _, abi := range seccomp.ABIs() {
		pass, err := seccomp.Reachable(filters, abi)
		if err != nil {
			return err
		}
		may, err := seccomp.Reachable(than, abi)
		if err != nil {
			return err
		}
		for _, name := range pass {
			if !slices.Contains(may, name) {
				return fmt.Errorf("the filter that logs would let %s of %s pass, which the Engine's own refuses", name, abi)
			}
		}
	}
	return nil
}

func (l *logger) holds() bool { return true }

func (l *logger) ready(_ context.Context, of *looks, pid int) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.logged[of.ID]; g != nil && pid != g.first && len(g.tests) < maxLogged {
		g.tests[pid] = true
	}
	return nil
}

func (l *logger) watch(of *looks, w watching) error {
	if len(w.running) > 0 {
		return &Error{errors.New("a container that runs already logs nothing"), "--via bpf or ptrace sees it"}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.logged[of.ID]
	if g == nil {
		return fmt.Errorf("container %s is not watched", of.ID)
	}
	g.in, g.health = of.in, w.health
	g.s.began = w.began
	if w.raw {
		g.s.raw = map[string]struct{}{}
	}
	if w.gate != 0 {
		g.marks[w.gate], g.first = markGate, w.gate
	}
	var err error
	if g.files, err = openedIn(of.root, newMounts(of.PID), func(e event, p string) {
		l.mu.Lock()
		defer l.mu.Unlock()
		g.s.take(e, func() (string, bool) { return p, true }, time.Now())
	}); err != nil {
		of.lacks = append(of.lacks, lack{Partial, "files were not seen: " + err.Error()})
	}
	return nil
}

func (l *logger) phase(of *looks, p Phase) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if g := l.logged[of.ID]; g != nil {
		g.phases = append(g.phases, turn{time.Now(), p})
		g.s.listen(g.in.processes())
	}
	return nil
}

// read takes records until it is to end.
func (l *logger) read() {
	defer close(l.done)
	b := make([]byte, longestMessage)
	for {
		n, _, err := unix.Recvfrom(l.socket, b, 0)
		switch {
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EINTR):
			select {
			case <-l.closing:
				return
			default:
				continue
			}
		case errors.Is(err, unix.ENOBUFS):
			l.mu.Lock()
			l.lost = true
			l.mu.Unlock()
			continue
		case err != nil:
			l.mu.Lock()
			l.failed = fmt.Errorf("the kernel's audit records: %w", err)
			l.mu.Unlock()
			return
		}
		l.messages(b[:n])
	}
}

// messages takes the netlink messages of a packet.
func (l *logger) messages(b []byte) {
	for len(b) >= netlinkHeader {
		size, kind := int(binary.NativeEndian.Uint32(b)), binary.NativeEndian.Uint16(b[4:])
		if size < netlinkHeader || size > len(b) {
			return
		}
		if kind == auditSeccomp {
			if m, ok := seccomp.ParseMade("type=1326 " + string(b[netlinkHeader:size])); ok && m.Action.Kind() == seccomp.Log {
				l.mu.Lock()
				l.take(m)
				l.mu.Unlock()
			}
		}
		b = b[min(len(b), (size+3)&^3):]
	}
}

// take counts a call for the container that made it.
func (l *logger) take(m seccomp.Made) {
	for _, g := range l.logged {
		if mark, known := g.marks[m.PID]; known {
			g.take(m, mark)
			return
		}
	}
	alive := false
	if b, err := os.ReadFile("/proc/" + strconv.Itoa(m.PID) + "/cgroup"); err == nil {
		alive = true
		for id, g := range l.logged {
			if strings.Contains(string(b), id) {
				g.take(m, g.place(m.PID, m.Command))
				return
			}
		}
	}
	if alive || len(l.logged) != 1 {
		l.foreign++
		return
	}
	l.orphans++
	for _, g := range l.logged {
		mark := g.forked // whoever has forked last has most likely forked this one
		if isRuntimeName(m.Command) {
			mark = markRuntime
		}
		if len(g.marks) < maxLogged {
			g.marks[m.PID] = mark
		}
		g.take(m, mark)
	}
}

// place finds out what a process is that is seen for the first time.
func (g *logged) place(pid int, command string) uint32 {
	mark := uint32(markProgram)
	parent, known := g.marks[parentOf(pid)]
	switch {
	case isRuntimeName(command):
		mark = markRuntime
	case command == gateName:
		mark = markGate
	case known && parent != markRuntime && parent != markGate:
		mark = parent
	}
	if len(g.marks) < maxLogged {
		g.marks[pid] = mark
	}
	return mark
}

// take counts a call of a process. One that a runtime put beside the first becomes a
// health check, or somebody's, when it has another name.
func (g *logged) take(m seccomp.Made, mark uint32) {
	was := mark
	switch {
	case m.Command == gateName:
		mark = markGate
	case (mark == markRuntime || mark == markGate) && !isRuntimeName(m.Command):
		mark = markProgram
		if g.in != nil && m.PID != g.first {
			mark = g.beside(m.PID, m.Command)
		}
	}
	if mark != was {
		g.marks[m.PID] = mark
	}
	if name, _ := m.ABI.Name(m.Number); mark != markRuntime && mark != markGate && slices.Contains([]string{"fork", "vfork", "clone", "clone3"}, name) {
		g.forked = mark
	}
	var in Phase
	switch mark {
	case markGate:
		return
	case markRuntime:
		in = Runtime
	case markProgram:
		in = g.at(m.At)
	default:
		in = phase(mark)
	}
	if g.tally.call(m.ABI, m.Number, in) {
		g.s.fresh(1, time.Now())
	}
	if u := (User{m.UID, m.GID}); mark != markRuntime && len(g.users) < maxUsers {
		g.users[u] = struct{}{}
	}
	if mark != markRuntime && len(m.Program) > 1 {
		g.s.programs[Generalise(m.Program)] = struct{}{}
		g.s.had(Generalise(m.Program)).Execute = true
	}
}

// beside is the mark of a process that a runtime put beside the first. What the exercise
// runs was held; of others that are something else by now, or nothing any more, the
// health check is the one that comes by itself.
func (g *logged) beside(pid int, command string) uint32 {
	if g.tests[pid] || len(g.health) == 0 {
		return phaseExec
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	if err != nil || strings.TrimSpace(string(b)) != command {
		return phaseHealth
	}
	return besideOf(pid, g.health)
}

// at is the phase that a container was in at a time.
func (g *logged) at(t time.Time) Phase {
	in := StartUp
	for _, turn := range g.phases {
		if !turn.at.After(t) {
			in = turn.phase
		}
	}
	return in
}

func (l *logger) into(of *looks, o *Observation) error {
	l.settle()
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.logged[of.ID]
	if g == nil {
		return fmt.Errorf("container %s is not watched", of.ID)
	}
	if g.files != nil {
		l.mu.Unlock() // which what it tells needs
		g.files.close()
		l.mu.Lock()
		if g.files.overflow.Load() {
			o.lack(Truncated, "files were opened too fast, and some were not seen")
		}
	}
	g.tally.into(o)
	g.s.into(o, time.Now())
	for u := range g.users {
		if !slices.Contains(o.Users, u) {
			o.Users = append(o.Users, u)
		}
	}
	switch {
	case l.failed != nil:
		return l.failed
	case l.lost:
		o.lack(Truncated, "the kernel's records came too fast, and some were lost")
	case l.orphans > 0 && l.foreign > 0:
		o.lack(Partial, fmt.Sprintf("%d calls of processes that had ended were taken for the container's, and others log, too", l.orphans))
	case l.foreign > 0 && len(l.logged) > 1:
		o.lack(Partial, fmt.Sprintf("%d calls could not be told to be of one container", l.foreign))
	}
	return nil
}

// settle waits until no more records come.
func (l *logger) settle() {
	count := func() (n uint64) {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, g := range l.logged {
			for _, c := range g.tally.calls {
				n += c
			}
		}
		return n
	}
	for end, last := time.Now().Add(settleAtMost), uint64(0); time.Now().Before(end); {
		time.Sleep(settleFor)
		now := count()
		if now == last {
			return
		}
		last = now
	}
}

func (l *logger) close() error {
	close(l.closing)
	<-l.done
	err := unix.Close(l.socket)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, g := range l.logged {
		if g.files != nil {
			g.files.close()
		}
	}
	return err
}
