// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// A part of the programs whose licence must be one that the kernel counts as
// compatible with the GPL, so this file may be used under either licence.

package observe

import "github.com/cilium/ebpf/asm"

// sigStop is SIGSTOP, which reaches the first process of a container too.
const sigStop = 19

// exec tells of a program that was executed: the call's own path is gone by then.
// From now on the process is a program, whatever it calls itself: of the container
// or, if a runtime put it beside the first, a health check's or somebody's. The
// first program of a container that is held is stopped before it runs.
func (k *kernel) exec(at offsets) asm.Instructions {
	code := k.container(at)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "out"),
		asm.LoadMem(asm.R1, asm.R9, targetBare, asm.Byte),
		asm.JNE.Imm(asm.R1, 0, "looked at"),
		asm.LoadMem(asm.R1, asm.R7, at.mode, asm.Word),
		asm.JNE.Imm(asm.R1, filtered, "out"),
		asm.LoadMapPtr(asm.R1, k.tasks.FD()).WithSymbol("looked at"),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapLookupElem.Call(),
		asm.Mov.Imm(asm.R8, markProgram),
		asm.JEq.Imm(asm.R0, 0, "is"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.JEq.Imm(asm.R1, markGate, "is"),
		asm.JNE.Imm(asm.R1, markRuntime, "was"),
		asm.LoadMem(asm.R1, asm.R9, 0, asm.Word),
		asm.JEq.Imm(asm.R1, held, "is"),
	)
	code = append(code, k.beside(at)...)
	code = append(code,
		asm.Ja.Label("is"),
		asm.Mov.Reg(asm.R8, asm.R1).WithSymbol("was"),
		asm.StoreMem(asm.RFP, fpOne, asm.R8, asm.Word).WithSymbol("is"),
	)
	code = append(code, k.mark()...)
	code = append(code,
		asm.StoreMem(asm.RFP, fpKey+13, asm.R8, asm.Byte),
		asm.JLT.Imm(asm.R8, markProgram, "its own"),
		asm.LoadMem(asm.R1, asm.R9, targetPhase, asm.Byte),
		asm.StoreMem(asm.RFP, fpKey+13, asm.R1, asm.Byte),
		asm.LoadMem(asm.R1, asm.R9, 0, asm.Word).WithSymbol("its own"),
		asm.JNE.Imm(asm.R1, held, "runs"),
		asm.Mov.Imm(asm.R1, begun),
		asm.StoreMem(asm.R9, 0, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, sigStop),
		asm.FnSendSignal.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("runs"),
	)
	// What executes a script, or a program for another machine, is a program too.
	code = append(code,
		asm.LoadMem(asm.R1, asm.R6, 16, asm.DWord),
		asm.LoadMem(asm.R2, asm.R1, at.filename, asm.DWord),
		asm.LoadMem(asm.R3, asm.R1, at.interp, asm.DWord),
		asm.JEq.Reg(asm.R2, asm.R3, "itself"),
	)
	code = append(code, k.executed(at, kindInterpreter, at.interp, eventSize, "interpreter ")...)
	code = append(code, k.submit("interpreter ")...)
	code = append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("itself"))
	code = append(code, k.executed(at, kindExec, at.filename, eventSize+folderSize, "")...)
	code = append(code, asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, fpTask, asm.R1, asm.Word)) // a relative name begins at the process's own folder
	code = append(code, at.folder()...)
	code = append(code, k.submit("")...)
	return append(code, epilogue()...)
}

// executed leaves an event in R8 about a program whose name a field of the context's
// linux_binprm has.
func (k *kernel) executed(at offsets, kind int32, field int16, size int32, label string) asm.Instructions {
	code := k.reserve(size, label)
	code = append(code, asm.Mov.Imm(asm.R1, 0))
	for off := int16(0); off < eventHead; off += 8 {
		code = append(code, asm.StoreMem(asm.R8, off, asm.R1, asm.DWord))
	}
	return append(code,
		asm.LoadMem(asm.R1, asm.RFP, fpKey, asm.DWord),
		asm.StoreMem(asm.R8, 0, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.R8, 32, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.R7, at.parent, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, at.tgid, asm.Word),
		asm.StoreMem(asm.R8, 52, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, kind),
		asm.StoreMem(asm.R8, 40, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, fpKey+13, asm.Byte),
		asm.StoreMem(asm.R8, 48, asm.R1, asm.Word),
		asm.LoadMem(asm.R3, asm.R6, 16, asm.DWord),
		asm.LoadMem(asm.R3, asm.R3, field, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.Add.Imm(asm.R1, eventHead),
		asm.Mov.Imm(asm.R2, maxPath),
		asm.FnProbeReadKernelStr.Call(),
		asm.StoreMem(asm.R8, 44, asm.R0, asm.Word),
	)
}

// beside leaves the phase in R8 of a process that a runtime put beside the first of
// its container: a health check is known by its command line.
func (k *kernel) beside(at offsets) asm.Instructions {
	code := asm.Instructions{asm.Mov.Imm(asm.R1, 0)}
	for off := int16(0); off < argvBytes; off += 8 {
		code = append(code, asm.StoreMem(asm.RFP, fpArgv+off, asm.R1, asm.DWord))
	}
	code = append(code,
		asm.LoadMem(asm.R1, asm.R7, at.mm, asm.DWord),
		asm.Mov.Imm(asm.R8, phaseExec),
		asm.JEq.Imm(asm.R1, 0, "beside"),
		asm.LoadMem(asm.R3, asm.R1, at.argStart, asm.DWord),
		asm.LoadMem(asm.R2, asm.R1, at.argEnd, asm.DWord),
		asm.Sub.Reg(asm.R2, asm.R3),
		asm.JLE.Imm(asm.R2, argvBytes, "short"),
		asm.Mov.Imm(asm.R2, argvBytes),
		asm.Mov.Reg(asm.R1, asm.RFP).WithSymbol("short"),
		asm.Add.Imm(asm.R1, fpArgv),
		asm.FnProbeReadUser.Call(),
		asm.LoadMapPtr(asm.R1, k.health.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "beside"),
	)
	for off := int16(0); off < argvBytes; off += 8 {
		code = append(code, asm.LoadMem(asm.R1, asm.RFP, fpArgv+off, asm.DWord),
			asm.LoadMem(asm.R2, asm.R0, off, asm.DWord), asm.JNE.Reg(asm.R1, asm.R2, "beside"))
	}
	return append(code, asm.Mov.Imm(asm.R8, phaseHealth), asm.Mov.Imm(asm.R0, 0).WithSymbol("beside"))
}

// fork hands the mark of a process on to its child, and tells of it.
func (k *kernel) fork(at offsets) asm.Instructions {
	code := k.container(at)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "out"),
		asm.LoadMem(asm.R6, asm.R6, 8, asm.DWord),
		asm.LoadMem(asm.R8, asm.R6, at.tgid, asm.Word),
		asm.LoadMem(asm.R1, asm.R6, at.pid, asm.Word),
		asm.JNE.Reg(asm.R1, asm.R8, "out"), // a thread
		asm.LoadMapPtr(asm.R1, k.tasks.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "unmarked"),
		asm.LoadMem(asm.R1, asm.R0, 0, asm.Word),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.Word),
		asm.StoreMem(asm.RFP, fpTask, asm.R8, asm.Word),
	)
	code = append(code, k.mark()...)
	code = append(code, asm.Mov.Imm(asm.R0, 0).WithSymbol("unmarked"))
	code = append(code, k.tell(at, kindFork)...)
	return append(code, epilogue()...)
}

// tell sends an event about the process in R8, a child of the current one.
func (k *kernel) tell(at offsets, kind int32) asm.Instructions {
	code := asm.Instructions{asm.Mov.Imm(asm.R1, 0)}
	for off := int16(0); off < pendingSize; off += 8 {
		code = append(code, asm.StoreMem(asm.RFP, fpPending+off, asm.R1, asm.DWord))
	}
	return append(code,
		asm.LoadMem(asm.R1, asm.RFP, fpKey, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending, asm.R1, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending+32, asm.R8, asm.Word),
		asm.Mov.Imm(asm.R1, kind),
		asm.StoreMem(asm.RFP, fpPending+40, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.RFP, fpPending+52, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.events.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpPending),
		asm.Mov.Imm(asm.R3, pendingSize),
		asm.Mov.Imm(asm.R4, noWakeup),
		asm.FnRingbufOutput.Call(), // without one, only a parent is not known
	)
}

// ended notes who a process was at its end, tells of that, and forgets it.
func (k *kernel) ended(at offsets) asm.Instructions {
	code := k.container(at)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "noted"),
		asm.FnGetCurrentUidGid.Call(),
		asm.StoreMem(asm.RFP, fpKey+8, asm.R0, asm.DWord),
	)
	code = append(code, k.count(k.users, lostCaps, "noted")...)
	code = append(code,
		asm.LoadMem(asm.R8, asm.R7, at.tgid, asm.Word),
		asm.LoadMem(asm.R1, asm.R7, at.pid, asm.Word),
		asm.JNE.Reg(asm.R1, asm.R8, "out"), // a thread
		asm.StoreMem(asm.RFP, fpTask, asm.R8, asm.Word),
		asm.LoadMapPtr(asm.R1, k.tasks.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpTask),
		asm.FnMapDeleteElem.Call(),
		asm.JEq.Imm(asm.R9, 0, "out"),
	)
	code = append(code, k.tell(at, kindExit)...)
	return append(code, epilogue()...)
}

// word is four characters as the kernel's memory has them.
func word(s string) int32 {
	return int32(s[0]) | int32(s[1])<<8 | int32(s[2])<<16 | int32(s[3])<<24
}
