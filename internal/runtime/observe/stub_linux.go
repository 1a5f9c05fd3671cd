package observe

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// stub is a static program for Linux: it opens the FIFO that its first argument
// names, reads a path from it, and executes that with its second argument as name
// and those after it as arguments.
func stub(arch string) ([]byte, error) {
	switch arch {
	case "amd64":
		return program(62, 0x1000, amd64()), nil
	case "arm64":
		return program(183, 0x10000, arm64()), nil
	}
	return nil, fmt.Errorf("the start gate has no program for %s", arch)
}

// program is a program of one segment: ELF64's header, a program header and the code
// (elf(5)).
func program(machine uint16, page uint64, code []byte) []byte {
	const base, head = 0x400000, 64 + 56
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes everything
		}
	}
	put([]byte("\x7fELF\x02\x01\x01"), make([]byte, 9), uint16(2), machine, uint32(1))
	put(uint64(base+head), uint64(64), uint64(0), uint32(0), uint16(64), uint16(56), uint16(1), uint16(0), uint16(0), uint16(0))
	size := uint64(head + len(code))
	put(uint32(1), uint32(5), uint64(0), uint64(base), uint64(base), size, size, page)
	b.Write(code)
	return b.Bytes()
}

func amd64() []byte {
	return []byte{
		0x48, 0x89, 0xe3, //                   mov  rbx, rsp           the stack: argc, argv, 0, envp
		0xb8, 0x02, 0x00, 0x00, 0x00, //       mov  eax, 2             open(
		0x48, 0x8b, 0x7b, 0x10, //             mov  rdi, [rbx+16]        argv[1],
		0xbe, 0x00, 0x00, 0x08, 0x00, //       mov  esi, 0x80000         O_CLOEXEC,
		0x31, 0xd2, //                         xor  edx, edx             0)
		0x0f, 0x05, //                         syscall
		0x48, 0x85, 0xc0, //                   test rax, rax
		0x78, 0x30, //                         js   fail
		0x89, 0xc7, //                         mov  edi, eax           read(fd,
		0x48, 0x81, 0xec, 0x00, 0x10, 0, 0, // sub  rsp, 4096
		0x48, 0x89, 0xe6, //                   mov  rsi, rsp             the stack,
		0xba, 0x00, 0x10, 0x00, 0x00, //       mov  edx, 4096            4096)
		0x31, 0xc0, //                         xor  eax, eax
		0x0f, 0x05, //                         syscall
		0x48, 0x85, 0xc0, //                   test rax, rax
		0x7e, 0x16, //                         jle  fail
		0xb8, 0x3b, 0x00, 0x00, 0x00, //       mov  eax, 59            execve(
		0x48, 0x89, 0xe7, //                   mov  rdi, rsp             what was read,
		0x48, 0x8d, 0x73, 0x18, //             lea  rsi, [rbx+24]        &argv[2],
		0x48, 0x8b, 0x0b, //                   mov  rcx, [rbx]
		0x48, 0x8d, 0x54, 0xcb, 0x10, //       lea  rdx, [rbx+rcx*8+16]  envp)
		0x0f, 0x05, //                         syscall
		0xbf, 0x7f, 0x00, 0x00, 0x00, // fail: mov  edi, 127           exit_group(127)
		0xb8, 0xe7, 0x00, 0x00, 0x00, //       mov  eax, 231
		0x0f, 0x05, //                         syscall
	}
}

func arm64() []byte {
	var b []byte
	for _, instruction := range []uint32{
		0x910003f3, //       mov  x19, sp              the stack: argc, argv, 0, envp
		0xd2800708, //       mov  x8, 56               openat(
		0x92800c60, //       mov  x0, -100               AT_FDCWD,
		0xf9400a61, //       ldr  x1, [x19, 16]          argv[1],
		0xd2a00102, //       mov  x2, 0x80000            O_CLOEXEC,
		0xd2800003, //       mov  x3, 0                  0)
		0xd4000001, //       svc  0
		0xb7f801e0, //       tbnz x0, 63, fail
		0xd28007e8, //       mov  x8, 63               read(fd,
		0xd14007ff, //       sub  sp, sp, 4096
		0x910003e1, //       mov  x1, sp                 the stack,
		0xd2820002, //       mov  x2, 4096               4096)
		0xd4000001, //       svc  0
		0xf100001f, //       cmp  x0, 0
		0x5400010d, //       b.le fail
		0xd2801ba8, //       mov  x8, 221              execve(
		0x910003e0, //       mov  x0, sp                 what was read,
		0x91006261, //       add  x1, x19, 24            &argv[2],
		0xf9400262, //       ldr  x2, [x19]
		0x8b020e62, //       add  x2, x19, x2, lsl 3
		0x91004042, //       add  x2, x2, 16             envp)
		0xd4000001, //       svc  0
		0xd2800fe0, // fail: mov  x0, 127              exit_group(127)
		0xd2800bc8, //       mov  x8, 94
		0xd4000001, //       svc  0
	} {
		b = binary.LittleEndian.AppendUint32(b, instruction)
	}
	return b
}
