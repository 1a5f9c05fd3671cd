package seccomp

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Instruction is one of classic BPF: struct sock_filter of linux/filter.h.
type Instruction struct {
	Op     uint16
	JT, JF uint8
	K      uint32
}

// Filter is a program that the kernel runs before each call.
type Filter []Instruction

// Action is what a filter answers: what becomes of the call. The upper half is
// the kind, the lower an errno or other data.
type Action uint32

// The kinds of actions, SECCOMP_RET_… of linux/seccomp.h.
const (
	KillProcess Action = 0x80000000
	KillThread  Action = 0x00000000
	Trap        Action = 0x00030000
	Errno       Action = 0x00050000
	Notify      Action = 0x7fc00000
	Trace       Action = 0x7ff00000
	Log         Action = 0x7ffc0000
	Allow       Action = 0x7fff0000
)

// Kind is the action without its data.
func (a Action) Kind() Action { return a & 0xffff0000 }

// Data is the action's data: the errno of an Errno.
func (a Action) Data() uint16 { return uint16(a) }

// Passes reports whether the call is made.
func (a Action) Passes() bool { return a.Kind() == Allow || a.Kind() == Log }

func (a Action) String() string {
	switch a.Kind() {
	case KillProcess:
		return "kill process"
	case KillThread:
		return "kill thread"
	case Trap:
		return "trap"
	case Errno:
		return fmt.Sprintf("errno %d", a.Data())
	case Notify:
		return "notify"
	case Trace:
		return "trace"
	case Log:
		return "log"
	case Allow:
		return "allow"
	}
	return fmt.Sprintf("action %#x", uint32(a))
}

// Call is a call as a filter sees it.
type Call struct {
	ABI    ABI
	Number int // without the bit that marks x32
	Args   [6]uint64
}

// data is struct seccomp_data of linux/seccomp.h, in the machine's byte order.
func (c Call) data() [64]byte {
	var b [64]byte
	nr := uint32(c.Number)
	if c.ABI == X32 {
		nr |= x32Bit
	}
	binary.NativeEndian.PutUint32(b[0:], nr)
	binary.NativeEndian.PutUint32(b[4:], c.ABI.audit())
	for i, a := range c.Args {
		binary.NativeEndian.PutUint64(b[16+8*i:], a)
	}
	return b
}

// errProgram is a filter that the kernel would not have loaded.
var errProgram = errors.New("not a seccomp filter")

// Evaluate runs the filters of a process on a call. As in the kernel, all are run
// and the strictest answer holds; no filter allows everything.
func Evaluate(filters []Filter, c Call) (Action, error) {
	act := Allow
	data := c.data()
	for _, f := range filters {
		got, err := f.run(data[:])
		if err != nil {
			return KillProcess, err
		}
		if int32(got.Kind()) < int32(act.Kind()) { // the kernel compares them as signed numbers
			act = got
		}
	}
	return act, nil
}

// The parts of an instruction's code, BPF_… of linux/bpf_common.h.
const (
	classLD, classLDX, classST, classSTX    = 0x00, 0x01, 0x02, 0x03
	classALU, classJMP, classRET, classMISC = 0x04, 0x05, 0x06, 0x07

	modeIMM, modeABS, modeMEM, modeLEN = 0x00, 0x20, 0x60, 0x80
)

// run is an interpreter of what seccomp accepts of classic BPF (seccomp(2), and
// seccomp_check_filter in the kernel): words of the data at aligned offsets, a
// scratch memory of 16 words, jumps forward only. So it ends.
func (f Filter) run(data []byte) (Action, error) {
	var a, x uint32
	var mem [16]uint32
	for pc := 0; pc < len(f); pc++ {
		in := f[pc]
		switch class := in.Op & 0x07; class {
		case classLD, classLDX:
			v, err := load(in, data, &mem)
			if err != nil {
				return 0, err
			}
			if class == classLD {
				a = v
			} else {
				x = v
			}
		case classST, classSTX:
			if in.K >= uint32(len(mem)) {
				return 0, errProgram
			}
			mem[in.K] = a
			if class == classSTX {
				mem[in.K] = x
			}
		case classALU:
			v, err := calculate(in, a, x)
			if err != nil {
				return 0, err
			}
			a = v
		case classJMP:
			skip, err := jump(in, a, x)
			if err != nil {
				return 0, err
			}
			if skip >= uint32(len(f)) {
				return 0, errProgram
			}
			pc += int(skip)
		case classRET:
			if in.Op&0x18 == 0x10 { // the accumulator
				return Action(a), nil
			}
			return Action(in.K), nil
		default: // classMISC
			if in.Op&0xf8 == 0 {
				x = a
			} else {
				a = x
			}
		}
	}
	return 0, errProgram
}

func load(in Instruction, data []byte, mem *[16]uint32) (uint32, error) {
	switch in.Op & 0xe0 {
	case modeIMM:
		return in.K, nil
	case modeABS:
		if in.K%4 != 0 || in.K > uint32(len(data))-4 {
			return 0, errProgram
		}
		return binary.NativeEndian.Uint32(data[in.K:]), nil
	case modeMEM:
		if in.K >= uint32(len(mem)) {
			return 0, errProgram
		}
		return mem[in.K], nil
	case modeLEN:
		return uint32(len(data)), nil
	}
	return 0, errProgram
}

func operand(in Instruction, x uint32) uint32 {
	if in.Op&0x08 != 0 {
		return x
	}
	return in.K
}

func calculate(in Instruction, a, x uint32) (uint32, error) {
	v := operand(in, x)
	switch in.Op & 0xf0 {
	case 0x00:
		return a + v, nil
	case 0x10:
		return a - v, nil
	case 0x20:
		return a * v, nil
	case 0x30:
		if v == 0 {
			return 0, errProgram
		}
		return a / v, nil
	case 0x40:
		return a | v, nil
	case 0x50:
		return a & v, nil
	case 0x60:
		return a << (v & 31), nil
	case 0x70:
		return a >> (v & 31), nil
	case 0x80:
		return -a, nil
	case 0xa0:
		return a ^ v, nil
	}
	return 0, errProgram
}

// jump is how many instructions are skipped.
func jump(in Instruction, a, x uint32) (uint32, error) {
	v := operand(in, x)
	var yes bool
	switch in.Op & 0xf0 {
	case 0x00:
		return in.K, nil
	case 0x10:
		yes = a == v
	case 0x20:
		yes = a > v
	case 0x30:
		yes = a >= v
	case 0x40:
		yes = a&v != 0
	default:
		return 0, errProgram
	}
	if yes {
		return uint32(in.JT), nil
	}
	return uint32(in.JF), nil
}
