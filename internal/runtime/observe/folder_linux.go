// SPDX-License-Identifier: MIT OR GPL-2.0-only
//
// A part of the programs whose licence must be one that the kernel counts as
// compatible with the GPL, so this file may be used under either licence.

package observe

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// walk is where the fields lie by which a folder's names are found.
type walk struct {
	fs, pwd               int16 // task_struct -> fs_struct -> path
	files, table, fd, fds int16 // task_struct -> files_struct -> fdtable -> files
	path, mnt, dentry     int16 // file -> path -> vfsmount, dentry
	root, id              int16 // of a vfsmount; id is that of the mount around it
	up, called            int16 // dentry -> its parent, its name
}

// peek reads size bytes of the kernel's memory at R3 onto the stack at fpOne.
func peek(size int32) asm.Instructions {
	return asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.RFP),
		asm.Add.Imm(asm.R1, fpOne),
		asm.Mov.Imm(asm.R2, size),
		asm.FnProbeReadKernel.Call(),
	}
}

// follow leaves the pointer in to that lies at an offset from the one in from.
func follow(to, from asm.Register, off int16) asm.Instructions {
	code := asm.Instructions{asm.Mov.Reg(asm.R3, from), asm.Add.Imm(asm.R3, int32(off))}
	return append(append(code, peek(8)...), asm.LoadMem(to, asm.RFP, fpOne, asm.DWord))
}

// folder writes behind the event in R8 which folder its path begins at: that of the
// process, or the one that the number in its Dir has open if the word at fpTask is
// not 0. It uses all registers but R8.
func (at walk) folder() asm.Instructions {
	const id, depth, names = eventSize, eventSize + 4, eventSize + 8
	code := asm.Instructions{
		asm.Mov.Imm(asm.R1, -1),
		asm.StoreMem(asm.R8, id, asm.R1, asm.Word),
		asm.StoreMem(asm.R8, depth, asm.R1, asm.Word), // more than there can be: not known
		asm.FnGetCurrentTaskBtf.Call(),
		asm.Mov.Reg(asm.R9, asm.R0),
		asm.LoadMem(asm.R1, asm.RFP, fpTask, asm.Word),
		asm.JEq.Imm(asm.R1, 0, "own folder"),
		asm.LoadMem(asm.R7, asm.R8, 8, asm.DWord),
		asm.LSh.Imm(asm.R7, 32), // an int
		asm.RSh.Imm(asm.R7, 32),
		asm.Mov.Imm32(asm.R1, -100), // AT_FDCWD
		asm.JEq.Reg(asm.R7, asm.R1, "own folder"),
	}
	code = append(code, follow(asm.R6, asm.R9, at.files)...)
	code = append(code, follow(asm.R6, asm.R6, at.table)...)
	code = append(code, asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, int32(at.fds)))
	code = append(code, peek(4)...)
	code = append(code,
		asm.LoadMem(asm.R1, asm.RFP, fpOne, asm.Word),
		asm.JGE.Reg(asm.R7, asm.R1, "walked"),
		asm.LSh.Imm(asm.R7, 3),
	)
	code = append(code, follow(asm.R6, asm.R6, at.fd)...)
	code = append(code, asm.Add.Reg(asm.R6, asm.R7))
	code = append(code, follow(asm.R9, asm.R6, 0)...)
	code = append(code,
		asm.JEq.Imm(asm.R9, 0, "walked"),
		asm.Add.Imm(asm.R9, int32(at.path)),
		asm.Ja.Label("folder"),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("own folder"),
	)
	code = append(code, follow(asm.R9, asm.R9, at.fs)...)
	code = append(code,
		asm.Add.Imm(asm.R9, int32(at.pwd)),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("folder"),
	)
	code = append(code, follow(asm.R6, asm.R9, at.mnt)...)
	code = append(code, follow(asm.R9, asm.R9, at.dentry)...)
	code = append(code, follow(asm.R7, asm.R6, at.root)...)
	code = append(code, asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, int32(at.id)))
	code = append(code, peek(4)...)
	code = append(code,
		asm.LoadMem(asm.R1, asm.RFP, fpOne, asm.Word),
		asm.StoreMem(asm.R8, id, asm.R1, asm.Word),
	)
	for i := range int16(maxDepth) {
		up := fmt.Sprintf("up %d", i)
		code = append(code,
			asm.JNE.Reg(asm.R9, asm.R7, up),
			asm.Mov.Imm(asm.R1, int32(i)),
			asm.StoreMem(asm.R8, depth, asm.R1, asm.Word),
			asm.Ja.Label("walked"),
			asm.Mov.Imm(asm.R0, 0).WithSymbol(up),
		)
		code = append(code, follow(asm.R3, asm.R9, at.called)...)
		code = append(code,
			asm.Mov.Reg(asm.R1, asm.R8),
			asm.Add.Imm(asm.R1, int32(names+i*maxName)),
			asm.Mov.Imm(asm.R2, maxName),
			asm.FnProbeReadKernelStr.Call(),
		)
		code = append(code, follow(asm.R9, asm.R9, at.up)...)
	}
	return append(code,
		asm.JNE.Reg(asm.R9, asm.R7, "walked"),
		asm.Mov.Imm(asm.R1, maxDepth),
		asm.StoreMem(asm.R8, depth, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("walked"),
	)
}
