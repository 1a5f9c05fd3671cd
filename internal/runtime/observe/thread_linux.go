package observe

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// thread traces processes: a thread of this program, since that is what the kernel
// takes for a tracer.
type thread struct {
	p       *ptracer
	t       *traced
	tasks   map[int]*task
	orphans map[int]bool // stopped, and not known by their parents' word yet
	closing bool
}

// task is a thread of a process that is traced.
type task struct {
	proc     *proc
	filtered bool // it has a filter: a runtime loads one for the thread that executes the program
	seized   bool // it has not stopped since it was seized
	inside   bool // a call was entered and not left
	call     entered
}

// proc is what the threads of a process have in common.
type proc struct {
	pid   int
	mark  uint32 // a phase's number, markProgram, markRuntime or markGate
	aside bool   // a runtime put it beside the first

	ran      bool // before anybody watched
	unplaced bool // what it is was not looked at yet: it must be stopped for that
}

// entered is a call as it was entered.
type entered struct {
	abi     seccomp.ABI
	number  int
	args    [6]uint64
	phase   Phase
	counted bool // it was counted
	refused bool // by the filter
	program string
}

const ptraceOptions = unix.PTRACE_O_TRACESYSGOOD | unix.PTRACE_O_TRACEFORK | unix.PTRACE_O_TRACEVFORK |
	unix.PTRACE_O_TRACECLONE | unix.PTRACE_O_TRACEEXEC | unix.PTRACE_O_TRACEEXIT

// seize begins to trace a process with all its threads.
func (h *thread) seize(pid int, ran bool) error {
	pr := &proc{pid: pid, mark: markRuntime, ran: ran, unplaced: true}
	dir := "/proc/" + strconv.Itoa(pid) + "/task"
	for more := true; more; {
		more = false
		all, err := os.ReadDir(dir)
		if err != nil {
			return unix.ESRCH
		}
		for _, e := range all {
			tid := atoi(e.Name())
			if h.tasks[tid] != nil {
				continue
			}
			if err := ptraceSeize(tid, ptraceOptions); err != nil {
				if errors.Is(err, unix.ESRCH) {
					continue
				}
				return fmt.Errorf("trace process %d: %w", pid, err)
			}
			more = true
			h.tasks[tid] = &task{proc: pr, seized: true}
			if err := unix.PtraceInterrupt(tid); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("stop process %d: %w", pid, err)
			}
		}
	}
	return nil
}

// place finds out what a process is that was seized. One that ran before anybody watched
// is a program; else it is a runtime's, unless it was found late.
func (h *thread) place(k *task) {
	pr := k.proc
	if !pr.unplaced {
		return
	}
	pr.unplaced = false
	name, err := os.ReadFile("/proc/" + strconv.Itoa(pr.pid) + "/comm")
	if err != nil {
		return
	}
	h.t.mu.Lock()
	begun := h.t.begun
	if k.filtered && !pr.ran {
		h.t.late++
	}
	h.t.mu.Unlock()
	switch comm := strings.TrimSpace(string(name)); {
	case pr.ran:
		pr.mark = markProgram
	case !k.filtered, isRuntimeName(comm):
	case comm == gateName:
		pr.mark, pr.aside = markGate, begun
	case !begun:
		pr.mark = markProgram
	default:
		pr.mark = h.beside(pr.pid)
	}
}

// filteredBy reports whether a thread has a seccomp filter.
func filteredBy(tid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	return err == nil && strings.Contains(string(b), "\nSeccomp:\t2\n")
}

// run follows the processes until all have ended, or nobody wants to know.
func (h *thread) run() {
	idle := 0
	for len(h.tasks) > 0 {
		var ws unix.WaitStatus
		tid, err := unix.Wait4(-1, &ws, unix.WALL|unix.WNOTHREAD|unix.WNOHANG, nil)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return
		case tid > 0:
			idle = 0
			h.handle(tid, ws)
			continue
		}
		if !h.closing {
			select {
			case <-h.p.closing:
				h.letGo()
			default:
			}
		}
		// The next stop of a process that works comes in microseconds.
		if idle++; idle > 50 {
			time.Sleep(min(time.Duration(idle)*time.Microsecond, time.Millisecond))
		}
	}
}

// letGo asks every task to stop, so that it can be detached.
func (h *thread) letGo() {
	h.closing = true
	for tid := range h.tasks {
		_ = unix.PtraceInterrupt(tid) // it may have ended
	}
}

// handle looks at a task that stopped or ended.
func (h *thread) handle(tid int, ws unix.WaitStatus) {
	k := h.tasks[tid]
	if ws.Exited() || ws.Signaled() {
		h.ended(tid, k)
		return
	}
	if !ws.Stopped() {
		return
	}
	if k == nil {
		h.orphans[tid] = true // its parent's stop tells who it is
		return
	}
	if h.closing {
		sig := 0
		if event, s := int(ws)>>16, ws.StopSignal(); event == 0 && s != unix.SIGTRAP|0x80 {
			sig = int(s)
		}
		_ = ptraceDetach(tid, sig)
		delete(h.tasks, tid)
		return
	}
	if k.seized {
		k.seized, k.filtered = false, filteredBy(tid)
		h.place(k)
	}
	if k.filtered {
		h.readFilters(tid)
	}
	sig := ws.StopSignal()
	switch event := int(ws) >> 16; {
	case sig == unix.SIGTRAP|0x80:
		h.call(tid, k)
	case event == unix.PTRACE_EVENT_STOP && sig != unix.SIGTRAP:
		_ = ptraceListen(tid) // it was stopped by somebody's signal, and stays so
		return
	case event == unix.PTRACE_EVENT_FORK, event == unix.PTRACE_EVENT_VFORK, event == unix.PTRACE_EVENT_CLONE:
		h.forked(tid, k)
	case event == unix.PTRACE_EVENT_EXEC:
		h.executed(tid, k)
	case event == unix.PTRACE_EVENT_EXIT:
		h.user(tid, k)
	case event == 0:
		_ = unix.PtraceSyscall(tid, int(sig)) // a signal, which it gets
		return
	}
	_ = unix.PtraceSyscall(tid, 0) // it may have been killed meanwhile
}

func (h *thread) ended(tid int, k *task) {
	delete(h.tasks, tid)
	delete(h.orphans, tid)
	if k == nil || tid != k.proc.pid {
		return
	}
	h.t.mu.Lock()
	h.t.s.take(event{Kind: kindExit, PID: uint32(tid)}, nil, time.Now())
	h.t.mu.Unlock()
	h.p.mu.Lock()
	delete(h.p.found, tid) // the number is given out anew
	h.p.mu.Unlock()
}

// forked is told of a new task.
func (h *thread) forked(tid int, k *task) {
	msg, err := unix.PtraceGetEventMsg(tid)
	if err != nil {
		return
	}
	child := int(msg)
	pr := k.proc
	if threadGroup(child) == child { // no thread
		pr = &proc{pid: child, mark: k.proc.mark}
		h.p.mu.Lock()
		h.p.found[child] = true
		h.p.mu.Unlock()
		h.t.mu.Lock()
		h.t.s.take(event{Kind: kindFork, PID: uint32(child), Parent: uint32(k.proc.pid)}, nil, time.Now())
		h.t.mu.Unlock()
	}
	h.tasks[child] = &task{proc: pr, filtered: k.filtered}
	if h.orphans[child] {
		delete(h.orphans, child)
		_ = unix.PtraceSyscall(child, 0)
	}
}

// threadGroup is the process that a thread belongs to.
func threadGroup(tid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return tid
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "Tgid:"); ok {
			return atoi(strings.TrimSpace(v))
		}
	}
	return tid
}

// beside is the mark of a process that a runtime put beside the first of its container.
func (h *thread) beside(pid int) uint32 {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	return besideOf(pid, h.t.health)
}

// besideOf is that mark, by the command line: a health check's, or somebody's.
func besideOf(pid int, health []string) uint32 {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return phaseExec
	}
	if argv := strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00"); len(health) > 0 && slices.Equal(argv, health) {
		return phaseHealth
	}
	return phaseExec
}

// isRuntime reports whether a process that has no filter yet is a runtime, by its name:
// its own, or that of the file descriptor by which it executes itself.
func isRuntime(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm")
	name := strings.TrimSpace(string(b))
	return err == nil && (isRuntimeName(name) || name == "exe" || digits(name, "0123456789"))
}

// isRuntimeName reports whether a process has a name that runtimes give themselves.
func isRuntimeName(name string) bool {
	return strings.HasPrefix(name, "runc") || strings.HasPrefix(name, "crun")
}

// readFilters reads the container's filters of a task that is stopped, if nobody has.
func (h *thread) readFilters(tid int) {
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if h.t.looked {
		return
	}
	filters, err := seccomp.Traced(tid)
	h.t.filters, h.t.known, h.t.looked = filters, err == nil, true
}

// executed is told that a task has executed a program: the other threads of its process
// are gone, and it has the number of the first.
func (h *thread) executed(tid int, k *task) *task {
	if msg, err := unix.PtraceGetEventMsg(tid); err == nil && int(msg) != tid {
		if old := h.tasks[int(msg)]; old != nil {
			delete(h.tasks, int(msg))
			k = old
			h.tasks[tid] = k
		}
	}
	pr, name := k.proc, k.call.program
	if name == "" { // it was entered before it was traced
		name, _ = h.folder(tid, "exe")()
	}
	if pr.mark == markRuntime && !k.filtered && isRuntime(pr.pid) {
		return k // a runtime executes itself anew
	}
	h.t.mu.Lock()
	first := !h.t.begun
	h.t.begun = h.t.begun || pr.mark == markRuntime
	h.t.mu.Unlock()
	pr.aside = pr.aside || pr.mark == markRuntime && !first
	switch {
	case name == gateFolder+"/"+gateName:
		pr.mark = markGate
	case (pr.mark == markGate || pr.mark == markRuntime) && pr.aside:
		pr.mark = h.beside(pr.pid)
	case pr.mark == markGate || pr.mark == markRuntime:
		pr.mark = markProgram
	}
	h.user(tid, k)
	if pr.mark == markGate || !k.filtered && !h.t.bare {
		return k
	}
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	e := event{Kind: kindExec, PID: uint32(pr.pid), Phase: uint32(number(h.phaseOf(pr))), Parent: uint32(parentOf(pr.pid))}
	e.path(name)
	h.t.s.take(e, h.folder(tid, "cwd"), time.Now())
	if in := script(tid, name); in != "" {
		e.Kind = kindInterpreter
		e.path(in)
		h.t.s.take(e, nil, time.Now())
	}
	return k
}

// path puts a path into an event.
func (e *event) path(p string) {
	e.Data = [maxPath]byte{}
	e.Length = int32(copy(e.Data[:maxPath-1], p)) + 1
}

// parentOf is the process that has started another.
func parentOf(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "PPid:"); ok {
			return atoi(strings.TrimSpace(v))
		}
	}
	return 0
}

// script is the program that executes a script, as the script names it (execve(2));
// empty: the program is none.
func script(pid int, name string) string {
	in, err := rootOf(pid)
	if err != nil {
		return ""
	}
	defer in.close()
	fd, err := in.open(name, unix.O_RDONLY|unix.O_NONBLOCK)
	if err != nil {
		return ""
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close() //nolint:errcheck // read only
	head := make([]byte, 256)
	n, _ := f.ReadAt(head, 0)
	line, _, _ := strings.Cut(string(head[:n]), "\n")
	rest, ok := strings.CutPrefix(line, "#!")
	if fields := strings.Fields(rest); ok && len(fields) > 0 {
		return fields[0]
	}
	return ""
}

// user notes who a task runs as.
func (h *thread) user(tid int, k *task) {
	if k.proc.mark == markGate || k.proc.mark == markRuntime {
		return
	}
	b, err := os.ReadFile("/proc/" + strconv.Itoa(tid) + "/status")
	if err != nil {
		return
	}
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if len(h.t.users) < maxUsers {
		h.t.users[User{UID: idOf(b, "Uid:"), GID: idOf(b, "Gid:")}] = struct{}{}
	}
}

// phaseOf is the phase that a process is in; the container is locked.
func (h *thread) phaseOf(pr *proc) Phase {
	switch pr.mark {
	case markProgram:
		return h.t.phase
	case markRuntime, markGate:
		return Runtime
	}
	return phase(pr.mark)
}

// folder is where a link below /proc of a task that is stopped leads.
func (h *thread) folder(tid int, link string) folders {
	return func() (string, bool) {
		dir, err := os.Readlink("/proc/" + strconv.Itoa(tid) + "/" + link)
		return strings.TrimSuffix(dir, " (deleted)"), err == nil && strings.HasPrefix(dir, "/")
	}
}
