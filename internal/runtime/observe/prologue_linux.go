// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// The kernel lets a program read the registers of a call only if its licence is
// one that the kernel counts as compatible with the GPL, so this file, the source
// of such programs, may be used under either licence.

package observe

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Places on the programs' stacks.
const (
	fpKey     = -24  // a callKey or a capKey, with room for an argKey's value
	fpTask    = -32  // a task's id
	fpOne     = -40  // a value to store
	fpPending = -112 // pendingSize bytes
	fpID      = -120 // thread and process
	fpName    = -208 // the name of a cgroup
	fpArgv    = -336 // argvBytes of a command line
)

// What a process of a container is, beside a phase of its own: the values of the
// table of tasks. One that is not there is a program that ran before anybody
// watched, or a runtime, which is known by its name then and marked.
const (
	markProgram = 0x100 + iota // it is in the phase that its container is in
	markRuntime                // it prepares the process that it will be, and has not executed it yet
	markGate                   // it waits at the start gate
)

// prologue leaves the current task in R7 and the key's cgroup and phase on the
// stack, and jumps to "out" where nothing is to be recorded. R9 is the container,
// and 0 for a runtime: its paths and arguments are not the workload's.
func (k *kernel) prologue(at offsets) asm.Instructions {
	code := k.container(at)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "stranger"),
		asm.LoadMapPtr(asm.R1, k.tasks.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "unmarked"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.JEq.Imm(asm.R1, markGate, "out"), // it is ours
		asm.JEq.Imm(asm.R1, markRuntime, "runtime"),
		asm.JEq.Imm(asm.R1, markProgram, "program"),
		asm.StoreMem(asm.RFP, fpKey+13, asm.R1, asm.Byte),
		asm.Ja.Label("filtered"),
		asm.LoadMem(asm.R1, asm.R7, at.comm, asm.Word).WithSymbol("unmarked"),
		asm.JEq.Imm(asm.R1, word("runc"), "begins"),
		asm.JEq.Imm(asm.R1, word("crun"), "begins"),
		asm.LoadMem(asm.R1, asm.R9, targetPhase, asm.Byte).WithSymbol("program"),
		asm.StoreMem(asm.RFP, fpKey+13, asm.R1, asm.Byte),
		asm.LoadMem(asm.R1, asm.R9, targetBare, asm.Byte).WithSymbol("filtered"),
		asm.JNE.Imm(asm.R1, 0, "known"),
		asm.LoadMem(asm.R1, asm.R7, at.mode, asm.Word),
		asm.JEq.Imm(asm.R1, filtered, "known"),
		asm.Ja.Label("out"),
		// A runtime joins the container to put a process beside the first.
		asm.Mov.Imm(asm.R1, markRuntime).WithSymbol("begins"),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.Word),
	)
	code = append(code, k.mark()...)
	code = append(code,
		asm.LoadMem(asm.R1, asm.R7, at.mode, asm.Word).WithSymbol("runtime"),
		asm.JNE.Imm(asm.R1, filtered, "out"), // what runs before its filter is loaded is the runtime's own work
		asm.Mov.Imm(asm.R9, 0),
		asm.Ja.Label("known"),
		// A runtime in a container that nobody watches yet: it may be the next one.
		asm.LoadMem(asm.R1, asm.R7, at.mode, asm.Word).WithSymbol("stranger"),
		asm.JNE.Imm(asm.R1, filtered, "out"),
		asm.LoadMem(asm.R1, asm.R7, at.comm, asm.Word),
		asm.JEq.Imm(asm.R1, word("runc"), "unknown"),
		asm.JEq.Imm(asm.R1, word("crun"), "unknown"),
		asm.JEq.Imm(asm.R1, word("docker-init"), "unknown"), // the Engine's, before the container's own program
		asm.Ja.Label("out"),
		asm.Mov.Imm(asm.R9, 0).WithSymbol("unknown"),
	)
	code = append(code, k.adopt(at)...)
	return append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("known"))
}

// filtered is SECCOMP_MODE_FILTER of a task.
const filtered = 2

// container leaves the context in R6, the current task in R7, its container, if it
// is watched, in R9, and the key's cgroup and the task's process on the stack.
func (k *kernel) container(at offsets) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnGetCurrentTaskBtf.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.FnGetCurrentCgroupId.Call(),
		asm.StoreMem(asm.RFP, fpKey, asm.R0, asm.DWord),
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, fpKey+8, asm.R0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.RFP, fpTask, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.targets.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.FnMapLookupElem.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),
	}
}

// mark writes the value at fpOne into the table of tasks, for the task at fpTask.
func (k *kernel) mark() asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, k.tasks.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, fpOne),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
	}
}

// What is known of a container that is observed: the first word of its entry.
const (
	held  = iota // its program has not begun, and is to be stopped when it does
	begun        // its program runs
)

// The rest of the entry, a byte each.
const (
	targetPhase = 4
	targetBare  = 5 // it has no filter: what its runtime prepares cannot be told by it
	targetSize  = 8
)

// adopt makes the cgroup of a runtime that prepares the expected container one
// that is observed.
func (k *kernel) adopt(at offsets) asm.Instructions {
	code := asm.Instructions{
		asm.Mov.Imm(asm.R0, 0),
		asm.StoreMem(asm.RFP, fpTask, asm.R0, asm.Word),
		asm.LoadMapPtr(asm.R1, k.expected.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "known"),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.LoadMem(asm.R1, asm.R8, 0, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "known"), // none is expected
		asm.LoadMem(asm.R1, asm.R7, at.group, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, at.unified, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, at.node, asm.DWord),
		asm.LoadMem(asm.R9, asm.R1, at.name, asm.DWord),
	}
	for i, skip := range []int32{0, int32(len("docker-"))} {
		next := []string{"scope", "other"}[i]
		first := asm.Mov.Reg(asm.R3, asm.R9)
		if i > 0 {
			first = first.WithSymbol("scope")
		}
		code = append(code, first,
			asm.Add.Imm(asm.R3, skip),
			asm.Mov.Reg(asm.R1, asm.RFP),
			asm.Add.Imm(asm.R1, fpName),
			asm.Mov.Imm(asm.R2, -fpName+fpID),
			asm.FnProbeReadKernelStr.Call(),
			asm.JSLT.Imm(asm.R0, idLength+1, next), // with the zero at its end
		)
		for off := int16(0); off < idLength; off += 8 {
			code = append(code, asm.LoadMem(asm.R1, asm.RFP, fpName+off, asm.DWord),
				asm.LoadMem(asm.R2, asm.R8, off, asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, next))
		}
		if i == 0 {
			code = append(code, asm.Ja.Label("mine"))
		}
	}
	code = append(code,
		asm.Mov.Imm(asm.R1, held).WithSymbol("mine"),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, phaseStartUp),
		asm.StoreMem(asm.RFP, fpOne+targetPhase, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.targets.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, fpOne),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.RFP, fpTask, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, markRuntime),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.Word),
	)
	code = append(code, k.mark()...)
	return append(code, asm.Mov.Imm(asm.R9, 0).WithSymbol("other"))
}

// epilogue ends a program.
func epilogue() asm.Instructions {
	return asm.Instructions{asm.Mov.Imm(asm.R0, 0).WithSymbol("out"), asm.Return()}
}

// count adds one to a table's value for the key on the stack, and tells of a key that
// is new. done is a label of the program's own, for each use.
func (k *kernel) count(table *ebpf.Map, lost int32, done string) asm.Instructions {
	code := asm.Instructions{
		asm.LoadMapPtr(asm.R1, table.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, done+" new"),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Ja.Label(done),
		asm.Mov.Imm(asm.R1, 1).WithSymbol(done + " new"),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.DWord),
		asm.LoadMapPtr(asm.R1, table.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, fpOne),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
		asm.JNE.Imm(asm.R0, 0, done+" lost"),
	}
	for off := int16(0); off < pendingSize; off += 8 {
		code = append(code, asm.StoreMem(asm.RFP, fpPending+off, asm.R0, asm.DWord))
	}
	return append(code,
		asm.LoadMem(asm.R1, asm.RFP, fpKey, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, kindNew),
		asm.StoreMem(asm.RFP, fpPending+40, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.events.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpPending),
		asm.Mov.Imm(asm.R3, pendingSize),
		asm.Mov.Imm(asm.R4, noWakeup),
		asm.FnRingbufOutput.Call(), // one that does not fit is told by what comes next
		asm.Ja.Label(done),
		asm.Mov.Imm(asm.R1, lost).WithSymbol(done+" lost"),
		asm.StoreMem(asm.RFP, fpTask, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.lost.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, done),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(done),
	)
}
