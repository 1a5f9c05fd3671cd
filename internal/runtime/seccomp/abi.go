package seccomp

import (
	"runtime"
	"slices"
	"strings"

	"github.com/elastic/go-seccomp-bpf/arch"
)

// ABI is a way to enter the kernel. Numbers of calls mean something only within
// one: the same number is another call in another ABI.
type ABI string

// The ABIs that are known. A process of a 64-bit kernel can use the older ones of
// its architecture at any time, whatever its program was compiled for.
const (
	X8664   ABI = "x86_64"
	I386    ABI = "i386"
	X32     ABI = "x32"
	AArch64 ABI = "aarch64"
	ARM     ABI = "arm"
)

// every are all of them; of one machine the native one comes first.
func every() []ABI { return []ABI{X8664, AArch64, I386, X32, ARM} }

// x32Bit is set in the number of every call of the x32 ABI.
const x32Bit = 0x40000000

// maxNumber is above every number in the tables, with room for kernels to come.
const maxNumber = 1024

// Native is the ABI of programs compiled for this machine; empty if it is not
// known.
func Native() ABI {
	switch runtime.GOARCH {
	case "amd64":
		return X8664
	case "arm64":
		return AArch64
	}
	return ""
}

// ABIs are the ABIs that this machine's kernel may offer, the native one first.
func ABIs() []ABI {
	switch runtime.GOARCH {
	case "amd64":
		return []ABI{X8664, I386, X32}
	case "arm64":
		return []ABI{AArch64, ARM}
	}
	return nil
}

func (a ABI) info() *arch.Info {
	switch a {
	case X8664:
		return arch.X86_64
	case I386:
		return arch.I386
	case X32:
		return arch.X32
	case AArch64:
		return arch.AARCH64
	case ARM:
		return arch.ARM
	}
	return nil
}

// Name is the name of the call with a number; false if the tables do not have it.
func (a ABI) Name(number int) (string, bool) {
	i := a.info()
	if i == nil {
		return "", false
	}
	if a == X32 {
		if own := x32Own(); number >= firstX32 && number < firstX32+len(own) {
			return own[number-firstX32], true
		} else if slices.Contains(own, i.SyscallNumbers[number]) {
			return "", false // x86_64's number of it
		}
	}
	name, ok := i.SyscallNumbers[number]
	return name, ok
}

// firstX32 is the first of the numbers of calls that x32 does not share with x86_64.
const firstX32 = 512

// x32Own are the names of those calls, in the order of their numbers
// (arch/x86/entry/syscalls/syscall_64.tbl).
func x32Own() []string {
	return strings.Fields(`rt_sigaction rt_sigreturn ioctl readv writev recvfrom sendmsg recvmsg execve ptrace
		rt_sigpending rt_sigtimedwait rt_sigqueueinfo sigaltstack timer_create mq_notify kexec_load waitid
		set_robust_list get_robust_list vmsplice move_pages preadv pwritev rt_tgsigqueueinfo recvmmsg sendmmsg
		process_vm_readv process_vm_writev setsockopt getsockopt io_setup io_submit execveat preadv2 pwritev2`)
}

// narrow reports whether the ABI's arguments have 32 bits.
func (a ABI) narrow() bool { return a == I386 || a == X32 || a == ARM }

// Number is the number of a call, without the bit that marks x32.
func (a ABI) Number(name string) (int, bool) {
	i := a.info()
	if i == nil {
		return 0, false
	}
	if a == X32 {
		if n := slices.Index(x32Own(), name); n >= 0 {
			return firstX32 + n, true
		}
	}
	n, ok := i.SyscallNames[name]
	return n, ok
}

// Has reports whether the ABI has a call with that name.
func (a ABI) Has(name string) bool {
	_, ok := a.Number(name)
	return ok
}

// Names are the names of all calls of an ABI, sorted.
func (a ABI) Names() []string {
	i := a.info()
	if i == nil {
		return nil
	}
	names := make([]string, 0, len(i.SyscallNames))
	for n := range i.SyscallNames {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// Since are the names of a call and of those whose numbers are higher, sorted.
func (a ABI) Since(first string) []string {
	from, ok := a.Number(first)
	return slices.DeleteFunc(a.Names(), func(name string) bool {
		n, _ := a.Number(name)
		return !ok || n < from
	})
}

// audit is what a filter is told about the ABI: AUDIT_ARCH_… of linux/audit.h.
func (a ABI) audit() uint32 {
	if i := a.info(); i != nil {
		return uint32(i.ID)
	}
	return 0
}

// Profile's name of the ABI: SCMP_ARCH_… of libseccomp.
func (a ABI) profileName() string {
	return map[ABI]string{
		X8664: "SCMP_ARCH_X86_64", I386: "SCMP_ARCH_X86", X32: "SCMP_ARCH_X32", AArch64: "SCMP_ARCH_AARCH64", ARM: "SCMP_ARCH_ARM",
	}[a]
}

// ABIOf is the ABI of a call, by what the kernel's audit calls the architecture
// (AUDIT_ARCH_… of linux/audit.h), and whether the number has the bit of x32; empty if
// it is not known.
func ABIOf(audit uint32, x32 bool) ABI {
	for _, a := range []ABI{X8664, I386, AArch64, ARM} {
		if a.audit() == audit {
			if a == X8664 && x32 {
				return X32
			}
			return a
		}
	}
	return ""
}
