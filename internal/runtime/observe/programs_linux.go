// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// The kernel lets a program read the registers of a call only if its licence is
// one that the kernel counts as compatible with the GPL, so this file, the source
// of such programs, may be used under either licence.

package observe

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// argument loads the argument whose number, from 1, is in R1 into R8; registers
// are in R3. Label is the program's own.
func argument(at offsets, label string) asm.Instructions {
	var code asm.Instructions
	for i, off := range at.args {
		next := fmt.Sprintf("%s %d", label, i+1)
		first := asm.JNE.Imm(asm.R1, int32(i+1), next)
		if i > 0 {
			first = first.WithSymbol(fmt.Sprintf("%s %d", label, i))
		}
		code = append(code, first, asm.LoadMem(asm.R8, asm.R3, off, asm.DWord), asm.Ja.Label(label))
	}
	return append(code,
		asm.Mov.Imm(asm.R8, 0).WithSymbol(fmt.Sprintf("%s %d", label, len(at.args))),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(label))
}

// enter counts a call, keeps the argument that its rule selects, and where to
// find its path when it is done.
func (k *kernel) enter(at offsets) asm.Instructions {
	code := k.prologue(at)
	code = append(code,
		asm.LoadMem(asm.R8, asm.R6, 8, asm.DWord), // the number
		asm.Mov.Imm(asm.R2, abiNative),
		asm.LoadMem(asm.R1, asm.R7, at.status, asm.Word),
		asm.JSet.Imm(asm.R1, at.compat, "compat"),
		asm.JSet.Imm(asm.R8, x32Bit, "x32"),
		asm.Ja.Label("abi"),
		asm.Mov.Imm(asm.R2, abiCompat).WithSymbol("compat"),
		asm.Ja.Label("abi"),
		asm.Mov.Imm(asm.R2, abiX32).WithSymbol("x32"),
		asm.And.Imm(asm.R8, ^int32(x32Bit)),
		asm.StoreMem(asm.RFP, fpKey+8, asm.R8, asm.Word).WithSymbol("abi"),
		asm.StoreMem(asm.RFP, fpKey+12, asm.R2, asm.Byte),
	)
	code = append(code, k.count(k.calls, lostCalls, "counted")...)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "out"),
		asm.LoadMem(asm.R1, asm.RFP, fpKey+12, asm.Byte),
		asm.JNE.Imm(asm.R1, abiNative, "out"),
		asm.LoadMapPtr(asm.R1, k.rules.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpKey+8),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, "out"),
		asm.LoadMem(asm.R9, asm.R0, 0, asm.Word), // the rule
		asm.JEq.Imm(asm.R9, 0, "out"),
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.RSh.Imm(asm.R1, 8),
		asm.And.Imm(asm.R1, 0xff), // the argument that counts
		asm.JEq.Imm(asm.R1, 0, "no argument"),
		asm.LoadMem(asm.R3, asm.R6, 0, asm.DWord),
	)
	code = append(code, argument(at, "selected")...)
	code = append(code, asm.StoreMem(asm.RFP, fpKey+16, asm.R8, asm.DWord))
	code = append(code, k.count(k.args, lostArgs, "argued")...)
	code = append(code,
		asm.Mov.Reg(asm.R1, asm.R9).WithSymbol("no argument"),
		asm.And.Imm(asm.R1, 0xff), // the path
		asm.JEq.Imm(asm.R1, 0, "out"),
		asm.Mov.Imm(asm.R8, 0),
	)
	for off := int16(0); off < pendingSize; off += 8 {
		code = append(code, asm.StoreMem(asm.RFP, fpPending+off, asm.R8, asm.DWord))
	}
	// Of a pending event, Dir, Next and Return hold the arguments before, at and
	// after the path; the exit puts them where they belong.
	for i, to := range []int16{8, 24, 16} {
		label := []string{"before", "path", "after"}[i]
		code = append(code,
			asm.Mov.Reg(asm.R1, asm.R9),
			asm.And.Imm(asm.R1, 0xff),
			asm.Add.Imm(asm.R1, int32(i-1)),
			asm.LoadMem(asm.R3, asm.R6, 0, asm.DWord),
		)
		code = append(code, argument(at, label)...)
		code = append(code, asm.StoreMem(asm.RFP, fpPending+to, asm.R8, asm.DWord))
	}
	code = append(code,
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.RSh.Imm(asm.R1, 16),
		asm.And.Imm(asm.R1, 0xff),
		asm.JNE.Imm(asm.R1, kindMap, "file"),
		asm.LoadMem(asm.R1, asm.RFP, fpPending+8, asm.DWord),
		asm.LSh.Imm(asm.R1, 32),
		asm.ArSh.Imm(asm.R1, 32),
		asm.JSLT.Imm(asm.R1, 0, "out"), // memory of no file
		asm.LoadMem(asm.R1, asm.RFP, fpKey, asm.DWord).WithSymbol("file"),
		asm.StoreMem(asm.RFP, fpPending, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.RFP, fpPending+32, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, fpKey+8, asm.Word),
		asm.StoreMem(asm.RFP, fpPending+36, asm.R1, asm.Word),
		asm.RSh.Imm(asm.R9, 16),
		asm.Mov.Reg(asm.R1, asm.R9),
		asm.And.Imm(asm.R1, 0xff),
		asm.StoreMem(asm.RFP, fpPending+40, asm.R1, asm.Word), // what kind of thing the path is
		asm.RSh.Imm(asm.R9, 8),
		asm.StoreMem(asm.RFP, fpPending+44, asm.R9, asm.Word), // whether it is within an open folder
		asm.LoadMem(asm.R1, asm.RFP, fpKey+13, asm.Byte),
		asm.StoreMem(asm.RFP, fpPending+48, asm.R1, asm.Word),
		asm.FnGetCurrentPidTgid.Call(),
		asm.StoreMem(asm.RFP, fpID, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, k.pending.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpID),
		asm.Mov.Reg(asm.R3, asm.RFP),
		asm.Add.Imm(asm.R3, fpPending),
		asm.Mov.Imm(asm.R4, 0),
		asm.FnMapUpdateElem.Call(),
	)
	return append(code, epilogue()...)
}

// reserve leaves room for an event in R8, or jumps to "full". label is the program's
// own, for each event.
func (k *kernel) reserve(size int32, label string) asm.Instructions {
	return asm.Instructions{
		asm.LoadMapPtr(asm.R1, k.events.FD()),
		asm.Mov.Imm(asm.R2, size),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.Mov.Reg(asm.R8, asm.R0),
		asm.JEq.Imm(asm.R8, 0, label+"full"),
	}
}

// submit hands the event in R8 over, and counts it as lost at "full".
func (k *kernel) submit(label string) asm.Instructions {
	code := asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R8),
		asm.Mov.Imm(asm.R2, noWakeup),
		asm.FnRingbufSubmit.Call(),
		asm.Ja.Label(label + "sent"),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(label + "full"),
	}
	return append(append(code, k.lose(label)...), asm.Mov.Imm(asm.R0, 0).WithSymbol(label+"sent"))
}

// lose counts an event as lost.
func (k *kernel) lose(label string) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Imm(asm.R1, lostEvents),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.lost.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpOne),
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, label+"sent"),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
	}
}

// exit reads the path of a call that is done: at its entry the page may not have
// been there yet.
func (k *kernel) exit(at offsets) asm.Instructions {
	code := asm.Instructions{
		asm.Mov.Reg(asm.R6, asm.R1),
		asm.FnGetCurrentPidTgid.Call(),
		asm.StoreMem(asm.RFP, fpID, asm.R0, asm.DWord),
		asm.LoadMapPtr(asm.R1, k.pending.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpID),
		asm.FnMapLookupElem.Call(),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.JNE.Imm(asm.R0, 0, "pending"),
		// No path: only what was refused is of interest. A call that the filter
		// refuses is not entered at all, but it is left.
		asm.LoadMem(asm.R8, asm.R6, 8, asm.DWord),
		asm.JEq.Imm(asm.R8, -1, "refused"),  // EPERM
		asm.JEq.Imm(asm.R8, -13, "refused"), // EACCES
		asm.JEq.Imm(asm.R8, -30, "refused"), // EROFS
		asm.JEq.Imm(asm.R8, -38, "refused"), // ENOSYS
		asm.Ja.Label("out"),
		asm.Mov.Reg(asm.R1, asm.R6).WithSymbol("refused"),
	}
	code = append(code, k.prologue(at)...)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "out"),
		asm.LoadMem(asm.R1, asm.RFP, fpKey, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.RFP, fpPending+8, asm.R1, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending+16, asm.R1, asm.DWord),
		asm.LoadMem(asm.R8, asm.R6, 8, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending+24, asm.R8, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, fpKey+13, asm.Byte),
		asm.StoreMem(asm.RFP, fpPending+48, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, at.tgid, asm.Word),
		asm.StoreMem(asm.RFP, fpPending+32, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.R6, 0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R1, at.number, asm.DWord),
		asm.StoreMem(asm.RFP, fpPending+36, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, kindRefused),
		asm.StoreMem(asm.RFP, fpPending+40, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.RFP, fpPending+44, asm.R1, asm.Word),
		asm.LoadMapPtr(asm.R1, k.events.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpPending),
		asm.Mov.Imm(asm.R3, pendingSize),
		asm.Mov.Imm(asm.R4, noWakeup),
		asm.FnRingbufOutput.Call(),
		asm.JNE.Imm(asm.R0, 0, "full"),
		asm.Ja.Label("out"),
		// A path that begins at a folder needs more room.
		asm.LoadMem(asm.R1, asm.R7, 40, asm.Word).WithSymbol("pending"),
		asm.JEq.Imm(asm.R1, kindAddress, "absolute"),
		asm.JEq.Imm(asm.R1, kindMap, "relative"),
		asm.Mov.Imm(asm.R1, '/'),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, fpOne),
		asm.Mov.Imm(asm.R2, 1),
		asm.LoadMem(asm.R3, asm.R7, 24, asm.DWord),
		asm.FnProbeReadUser.Call(),
		asm.LoadMem(asm.R1, asm.RFP, fpOne, asm.Byte),
		asm.JEq.Imm(asm.R1, '/', "absolute"),
		asm.JEq.Imm(asm.R1, 0, "absolute"), // the call is about an open file
		asm.Mov.Imm(asm.R0, 0).WithSymbol("relative"),
	)
	code = append(code, k.reserve(eventSize+folderSize, "")...)
	code = append(code, k.left("relative ")...)
	code = append(code, asm.LoadMem(asm.R1, asm.R7, 44, asm.Word), asm.StoreMem(asm.RFP, fpTask, asm.R1, asm.Word))
	code = append(code, text("relative ")...)
	code = append(code, at.folder()...)
	code = append(code, asm.Ja.Label("submit"), asm.Mov.Imm(asm.R0, 0).WithSymbol("absolute"))
	code = append(code, k.reserve(eventSize, "")...)
	code = append(code, k.left("")...)
	code = append(code,
		asm.LoadMem(asm.R1, asm.R7, 40, asm.Word),
		asm.JEq.Imm(asm.R1, kindAddress, "address"),
	)
	code = append(code, text("")...)
	code = append(code,
		asm.Ja.Label("submit"),
		asm.Mov.Reg(asm.R1, asm.R8).WithSymbol("address"),
		asm.Add.Imm(asm.R1, eventHead),
		asm.LoadMem(asm.R2, asm.R7, 16, asm.DWord), // its length
		asm.JLE.Imm(asm.R2, maxAddress, "fits"),
		asm.Mov.Imm(asm.R2, maxAddress),
		asm.Mov.Reg(asm.R3, asm.R9).WithSymbol("fits"),
		asm.FnProbeReadUser.Call(),
		asm.StoreMem(asm.R8, 44, asm.R0, asm.Word),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("submit"),
	)
	code = append(code, k.submit("")...)
	code = append(code,
		asm.LoadMapPtr(asm.R1, k.pending.FD()),
		asm.Mov.Reg(asm.R2, asm.RFP),
		asm.Add.Imm(asm.R2, fpID),
		asm.FnMapDeleteElem.Call(),
	)
	return append(code, epilogue()...)
}

// left fills the event in R8 in from what was kept at the entry of the call, which is
// in R7, and leaves the path's address in R9.
func (k *kernel) left(label string) asm.Instructions {
	var code asm.Instructions
	for off := int16(0); off < eventHead; off += 8 {
		code = append(code, asm.LoadMem(asm.R1, asm.R7, off, asm.DWord), asm.StoreMem(asm.R8, off, asm.R1, asm.DWord))
	}
	code = append(code,
		asm.LoadMem(asm.R9, asm.R7, 24, asm.DWord), // the path
		asm.LoadMem(asm.R1, asm.R6, 8, asm.DWord),  // what the call returned
		asm.StoreMem(asm.R8, 24, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, 40, asm.Word),
		asm.JNE.Imm(asm.R1, kindHow, label+"flags"),
		// openat2 has its flags behind a pointer.
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.RFP, fpOne, asm.R1, asm.DWord),
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, fpOne),
		asm.Mov.Imm(asm.R2, 8),
		asm.LoadMem(asm.R3, asm.R7, 16, asm.DWord),
		asm.FnProbeReadUser.Call(),
		asm.LoadMem(asm.R1, asm.RFP, fpOne, asm.DWord),
		asm.StoreMem(asm.R8, 16, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R0, 0).WithSymbol(label+"flags"),
	)
	return code
}

// text reads the path at R9 into the event in R8.
func text(label string) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R8).WithSymbol(label + "string"),
		asm.Add.Imm(asm.R1, eventHead),
		asm.Mov.Imm(asm.R2, maxPath),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.FnProbeReadUserStr.Call(),
		asm.StoreMem(asm.R8, 44, asm.R0, asm.Word),
	}
}

// capable counts the capabilities that the kernel asked for, and whether they were
// there.
func (k *kernel) capable(at offsets) asm.Instructions {
	code := k.prologue(at)
	code = append(code,
		asm.LoadMem(asm.R1, asm.R6, 24, asm.DWord),
		asm.StoreMem(asm.RFP, fpKey+8, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.R6, 32, asm.DWord),
		asm.LSh.Imm(asm.R1, 32), // an int: only its lower half counts
		asm.JEq.Imm(asm.R1, 0, "granted"),
		asm.Mov.Imm(asm.R1, 1),
		asm.StoreMem(asm.RFP, fpKey+12, asm.R1, asm.Byte),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("granted"),
	)
	code = append(code, k.count(k.caps, lostCaps, "counted")...)
	return append(code, epilogue()...)
}
