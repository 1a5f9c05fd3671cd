package seccomp

import (
	"slices"
	"strings"
)

// Capabilities are the names of the kernel's capabilities without "CAP_", in the
// order of their numbers (linux/capability.h).
func Capabilities() []string {
	return strings.Fields(`CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP
		LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO
		SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD
		LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
		PERFMON BPF CHECKPOINT_RESTORE`)
}

// CapabilitySet is a set of capabilities as the kernel writes it: a bit each.
type CapabilitySet uint64

// Names are the capabilities in the set, sorted. Bits without a name are left out.
func (s CapabilitySet) Names() []string {
	names := []string{}
	for i, name := range Capabilities() {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
