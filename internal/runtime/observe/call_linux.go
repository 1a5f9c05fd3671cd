package observe

import (
	"encoding/binary"
	"errors"
	"runtime"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// call looks at a task that stopped as it enters or leaves a call.
func (h *thread) call(tid int, k *task) {
	info, err := syscallInfo(tid)
	if err != nil {
		return
	}
	switch info.op {
	case infoEntry:
		k.inside = true
		h.enter(tid, k, info)
	case infoExit:
		if k.inside {
			h.leave(tid, k, info.result)
		}
		k.inside = false
	}
}

// enter counts a call, unless the filter refuses it.
func (h *thread) enter(tid int, k *task, info callInfo) {
	pr := k.proc
	k.call = entered{abi: info.abi, number: info.number, args: info.args}
	c := &k.call
	native := info.abi == seccomp.Native()
	if name, _ := info.abi.Name(info.number); native && (name == "execve" || name == "execveat") {
		// When it is left, the memory with its path is gone.
		at := c.args[0]
		if name == "execveat" {
			at = c.args[1]
		}
		c.program, _ = textAt(tid, at)
	}
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if pr.mark == markGate || !k.filtered && (pr.mark == markRuntime || !h.t.bare) {
		return
	}
	c.phase = h.phaseOf(pr)
	act, err := seccomp.Evaluate(h.t.filters, seccomp.Call{ABI: c.abi, Number: c.number, Args: c.args})
	if c.refused = h.t.known && err == nil && !act.Passes(); c.refused {
		return
	}
	c.counted = true
	fresh := 0
	if h.t.tally.call(c.abi, c.number, c.phase) {
		fresh++
	}
	if rule := h.p.rules[uint32(c.number)]; native && pr.mark != markRuntime && rule>>8&0xff != 0 {
		name, _ := c.abi.Name(c.number)
		arg := int(rule>>8&0xff) - 1
		if h.t.tally.argument(Argument{Name: name, Index: arg, Value: c.args[arg]}) {
			fresh++
		}
	}
	h.t.s.fresh(fresh, time.Now())
}

// leave learns from a call that is done: its path, or that it was refused.
func (h *thread) leave(tid int, k *task, result int64) {
	pr, c := k.proc, &k.call
	if !k.filtered && result >= 0 && h.loads(tid, k) {
		return
	}
	if !c.counted && !c.refused {
		return
	}
	errno := unix.Errno(-result)
	denied := result < 0 && (errno == unix.EPERM || errno == unix.ENOSYS)
	h.t.mu.Lock()
	defer h.t.mu.Unlock()
	if c.counted && denied && !h.t.known {
		// Without the filter, what it refuses looks like this. Whoever refuses it later
		// does no harm.
		h.t.tally.uncall(c.abi, c.number, c.phase)
		c.counted = false
	}
	if pr.mark == markRuntime || c.abi != seccomp.Native() {
		return
	}
	e := event{PID: uint32(pr.pid), Number: uint32(c.number), Return: result, Phase: uint32(number(c.phase))}
	rule := h.p.rules[uint32(c.number)]
	path := int(rule&0xff) - 1
	if path < 0 || !c.counted {
		if result < 0 && slices.Contains([]unix.Errno{unix.EPERM, unix.EACCES, unix.EROFS, unix.ENOSYS}, errno) {
			e.Kind = kindRefused
			h.t.s.take(e, nil, time.Now())
		}
		return
	}
	e.Kind = rule >> 16 & 0xff
	if path > 0 {
		e.Dir = c.args[path-1]
	}
	if path < 5 {
		e.Next = c.args[path+1]
	}
	in := h.folder(tid, "cwd")
	if fd := int32(uint32(e.Dir)); rule>>24 != 0 && fd != unix.AT_FDCWD {
		in = h.folder(tid, "fd/"+strconv.Itoa(int(fd)))
	}
	switch e.Kind {
	case kindMap:
		if int32(uint32(e.Dir)) < 0 {
			return // memory of no file
		}
	case kindAddress:
		n := min(e.Next, maxAddress)
		if _, err := memory(tid, c.args[path], e.Data[:n]); err != nil {
			e.Length = -1
		}
	default:
		if e.Kind == kindHow {
			var flags [8]byte
			if _, err := memory(tid, e.Next, flags[:]); err == nil {
				e.Next = binary.NativeEndian.Uint64(flags[:])
			}
		}
		e.Length = -1
		if s, err := textAt(tid, c.args[path]); err == nil {
			e.path(s)
		}
	}
	h.t.s.take(e, in, time.Now())
}

// loads notes that a call has loaded a filter, and reads it.
func (h *thread) loads(tid int, k *task) bool {
	name, _ := k.call.abi.Name(k.call.number)
	const setFilter, modeFilter = 1, 2
	byPrctl := name == "prctl" && k.call.args[0] == unix.PR_SET_SECCOMP && k.call.args[1] == modeFilter
	if !byPrctl && (name != "seccomp" || k.call.args[0] != setFilter) {
		return false
	}
	k.filtered = true
	h.t.mu.Lock()
	if !h.t.begun {
		h.t.looked = false // there may be several: the last one that is loaded sees them all
	}
	h.t.mu.Unlock()
	return true
}

// callInfo is what the kernel says of a call that a task is at.
type callInfo struct {
	op     uint8
	abi    seccomp.ABI
	number int
	args   [6]uint64
	result int64
}

// Of linux/ptrace.h.
const (
	ptraceSyscallInfo = 0x420e // PTRACE_GET_SYSCALL_INFO
	ptraceListenCode  = 0x4208 // PTRACE_LISTEN
	ptraceSeizeCode   = 0x4206 // PTRACE_SEIZE
	infoEntry         = 1
	infoExit          = 2
)

var errNoCall = errors.New("no call")

// syscallInfo asks which call a task enters or leaves (ptrace(2), struct
// ptrace_syscall_info).
func syscallInfo(tid int) (callInfo, error) {
	var b [88]byte
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceSyscallInfo, uintptr(tid), uintptr(len(b)), uintptr(unsafe.Pointer(&b[0])), 0, 0) //nolint:gosec // the kernel writes at most len(b) bytes
	runtime.KeepAlive(&b)
	if errno != 0 {
		return callInfo{}, errno
	}
	in := callInfo{op: b[0]}
	word := func(at int) uint64 { return binary.NativeEndian.Uint64(b[at:]) }
	switch in.op {
	case infoEntry:
		nr := word(24)
		in.abi = seccomp.ABIOf(binary.NativeEndian.Uint32(b[4:]), nr&x32Bit != 0)
		in.number = int(int32(uint32(nr &^ x32Bit)))
		for i := range in.args {
			in.args[i] = word(32 + 8*i)
		}
	case infoExit:
		in.result = int64(word(24))
	default:
		return in, errNoCall
	}
	return in, nil
}

func ptraceSeize(tid, options int) error {
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceSeizeCode, uintptr(tid), 0, uintptr(options), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func ptraceListen(tid int) error {
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, ptraceListenCode, uintptr(tid), 0, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func ptraceDetach(tid, sig int) error {
	if _, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_DETACH, uintptr(tid), 0, uintptr(sig), 0, 0); errno != 0 {
		return errno
	}
	return nil
}

// memory reads the memory of a task that is stopped.
func memory(tid int, at uint64, into []byte) (int, error) {
	if len(into) == 0 {
		return 0, nil
	}
	local := []unix.Iovec{{Base: &into[0]}}
	local[0].SetLen(len(into))
	return unix.ProcessVMReadv(tid, local, []unix.RemoteIovec{{Base: uintptr(at), Len: len(into)}}, 0)
}

// textAt reads a string of a task that is stopped, up to maxPath bytes.
func textAt(tid int, at uint64) (string, error) {
	const page = 4096 // the least there is: what lies behind a page may not be there
	var b []byte
	for len(b) < maxPath {
		part := make([]byte, min(maxPath-len(b), page-int((at+uint64(len(b)))%page)))
		n, err := memory(tid, at+uint64(len(b)), part)
		if err != nil {
			return "", err
		}
		if i := slices.Index(part[:n], 0); i >= 0 {
			return string(append(b, part[:i]...)), nil
		}
		b = append(b, part[:n]...)
	}
	return string(b[:maxPath-1]), nil
}
