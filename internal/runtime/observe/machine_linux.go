package observe

import (
	"encoding/binary"
	"runtime"
)

// x32Bit is set in the numbers of calls of the x32 ABI, on amd64 only; no other
// architecture has numbers that high.
const x32Bit = 0x40000000

// register is where an argument of a call is kept in pt_regs.
type register struct {
	name string
	plus int16 // into an array of registers
}

// machine is what the programs must know of the architecture.
var machine = map[string]struct {
	args        [6]register
	number      string // of pt_regs: the number of the call
	compatField string // of thread_info
	compatBit   int32  // set while a call of the 32-bit ABI is made
}{
	"amd64": {
		args: [6]register{{"di", 0}, {"si", 0}, {"dx", 0}, {"r10", 0}, {"r8", 0}, {"r9", 0}}, number: "orig_ax",
		compatField: "status", compatBit: 2, // TS_COMPAT
	},
	"arm64": {
		args: [6]register{{"regs", 0}, {"regs", 8}, {"regs", 16}, {"regs", 24}, {"regs", 32}, {"regs", 40}}, number: "syscallno",
		compatField: "flags", compatBit: 1 << 22, // TIF_32BIT
	},
}[runtime.GOARCH]

// little reports whether the machine writes the lowest byte of a number first.
func little() bool { return binary.NativeEndian.Uint16([]byte{1, 0}) == 1 }
