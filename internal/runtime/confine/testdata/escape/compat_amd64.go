package main

import (
	"encoding/binary"
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// interrupt makes a call of i386, whatever this program was compiled for.
func interrupt(nr, a, b, c, d, e uint32) int32

func i386(nr uint32, args ...uint32) (int32, error) {
	args = append(args, 0, 0, 0, 0, 0)
	r := interrupt(nr, args[0], args[1], args[2], args[3], args[4])
	if r < 0 && r > -4096 {
		return r, syscall.Errno(-r)
	}
	return r, nil
}

// x32 makes a call of that ABI.
func x32(nr uintptr, args ...uintptr) error {
	args = append(args, 0, 0, 0)
	_, _, e := syscall.RawSyscall(0x40000000|nr, args[0], args[1], args[2])
	return errno(e)
}

// low is memory at an address of 32 bits, with some text in it.
func low(text string) (uint32, error) {
	const populate, size = unix.MAP_POPULATE, 4096
	at, _, e := syscall.RawSyscall6(unix.SYS_MMAP, 0, size, unix.PROT_READ|unix.PROT_WRITE,
		unix.MAP_PRIVATE|unix.MAP_ANONYMOUS|unix.MAP_32BIT|populate, ^uintptr(0), 0)
	if e != 0 {
		return 0, e
	}
	// The text gets there by a pipe: the kernel writes it, and no pointer is made up.
	var fds [2]int
	if err := unix.Pipe(fds[:]); err != nil {
		return 0, err
	}
	if _, err := unix.Write(fds[1], append([]byte(text), 0)); err != nil {
		return 0, err
	}
	if _, _, e := syscall.RawSyscall(unix.SYS_READ, uintptr(fds[0]), at, uintptr(len(text)+1)); e != 0 {
		return 0, e
	}
	return uint32(at), nil
}

// older are the attempts through the doors of other ABIs.
func older() []attempt {
	call := func(nr uint32, args ...uint32) func() error {
		return func() error {
			_, err := i386(nr, args...)
			return err
		}
	}
	return []attempt{
		{"i386: getpid", call(20)},
		{"i386: mount", func() error {
			kind, err := low("tmpfs")
			target, terr := low("/mnt")
			if err := errors.Join(err, terr); err != nil {
				return err
			}
			_, err = i386(21, kind, target, kind)
			return err
		}},
		{"i386: ptrace", func() error {
			return ofParent(func(pid int) error {
				_, err := i386(26, unix.PTRACE_ATTACH, uint32(pid))
				return err
			})
		}},
		{"i386: raw socket", call(359, unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)},
		{"i386: module", func() error {
			p, err := low("\x7fELF no module")
			if err != nil {
				return err
			}
			_, err = i386(128, p, 13, p)
			return err
		}},
		{"i386: keyctl", call(288, unix.KEYCTL_GET_KEYRING_ID, 0xfffffffd, 1)}, // the session's keyring
		{"i386: unshare", call(310, unix.CLONE_NEWUTS)},
		{"i386: bpf", func() error {
			var b [16]byte
			for i, v := range []uint32{unix.BPF_MAP_TYPE_ARRAY, 4, 4, 1} {
				binary.LittleEndian.PutUint32(b[4*i:], v)
			}
			p, err := low(string(b[:]))
			if err != nil {
				return err
			}
			_, err = i386(357, unix.BPF_MAP_CREATE, p, 16)
			return err
		}},
		{"i386: io_uring", func() error {
			p, err := low(string(make([]byte, 120)))
			if err != nil {
				return err
			}
			_, err = i386(425, 4, p)
			return err
		}},
		{"i386: AF_ALG", call(359, unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
		{"x32: getpid", func() error { return x32(unix.SYS_GETPID) }},
		{"x32: AF_ALG", func() error { return x32(unix.SYS_SOCKET, unix.AF_ALG, unix.SOCK_SEQPACKET) }},
	}
}
