package observe

import (
	"slices"
	"strings"

	"github.com/drydock-dev/drydock/internal/runtime/seccomp"
)

// Phase is when something was seen.
type Phase string

// The phases of a container's life. What the runtime itself calls under the
// container's filter, before it executes a program, whichever, is a phase of its
// own: the profile must allow it, and another runtime calls other things there.
const (
	Runtime  Phase = "runtime"
	StartUp  Phase = "startup"
	Serving  Phase = "serving" // the exercise, or what the workload does once it is up
	Shutdown Phase = "shutdown"
	Exec     Phase = "exec"   // docker exec: processes that somebody puts beside the first
	Health   Phase = "health" // health checks, which the Engine puts there
)

// The numbers of the phases in the kernel's tables.
const (
	phaseRuntime = iota
	phaseStartUp
	phaseServing
	phaseShutdown
	phaseExec
	phaseHealth
)

func phases() []Phase { return []Phase{Runtime, StartUp, Serving, Shutdown, Exec, Health} }

func number(p Phase) uint8 { return uint8(max(0, slices.Index(phases(), p))) }

func phase(n uint32) Phase { return phases()[min(n, phaseHealth)] }

// What kind of thing the argument of a call points at.
const (
	kindPath        = iota // a path that is looked up, the flags after it are the call's own
	kindOpen               // a path, and open(2)'s flags after it
	kindHow                // a path, and a struct open_how behind the argument after it
	kindWrite              // a path that the call makes or takes away, in a folder that must be writable
	kindChange             // a path whose owner, mode, times or attributes the call changes
	kindAddress            // a socket address
	kindExec               // a program that was executed
	kindRefused            // no path: a call that the kernel refused
	kindNew                // no path: a call, an argument or a capability is seen for the first time
	kindFork               // no path: a process has a child
	kindExit               // no path: a process has ended
	kindInterpreter        // a program that executes another one, a script
	kindMap                // no path: a file that is open is mapped
)

// maxRules is the length of the table of rules: numbers of calls from there on have
// no rule.
const maxRules = 512

// pathCalls are the calls of which an argument is read: which one, from 0, and
// what it is.
func pathCalls() map[string][2]int {
	return map[string][2]int{
		"open": {0, kindOpen}, "openat": {1, kindOpen}, "openat2": {1, kindHow}, "creat": {0, kindWrite},
		"stat": {0, kindPath}, "lstat": {0, kindPath}, "newfstatat": {1, kindPath}, "statx": {1, kindPath},
		"access": {0, kindPath}, "faccessat": {1, kindPath}, "faccessat2": {1, kindPath},
		"readlink": {0, kindPath}, "readlinkat": {1, kindPath}, "statfs": {0, kindPath}, "chdir": {0, kindPath},
		"getxattr": {0, kindPath}, "lgetxattr": {0, kindPath}, "inotify_add_watch": {1, kindPath},
		"mkdir": {0, kindWrite}, "mkdirat": {1, kindWrite}, "rmdir": {0, kindWrite},
		"unlink": {0, kindWrite}, "unlinkat": {1, kindWrite}, "rename": {1, kindWrite}, "renameat": {3, kindWrite}, "renameat2": {3, kindWrite},
		"chmod": {0, kindChange}, "fchmodat": {1, kindChange}, "fchmodat2": {1, kindChange},
		"chown": {0, kindChange}, "lchown": {0, kindChange}, "fchownat": {1, kindChange},
		"symlink": {1, kindWrite}, "symlinkat": {2, kindWrite}, "link": {1, kindWrite}, "linkat": {3, kindWrite},
		"mknod": {0, kindWrite}, "mknodat": {1, kindWrite}, "truncate": {0, kindChange},
		"utime": {0, kindChange}, "utimes": {0, kindChange}, "futimesat": {1, kindChange}, "utimensat": {1, kindChange},
		"setxattr": {0, kindChange}, "lsetxattr": {0, kindChange}, "removexattr": {0, kindChange},
		"bind": {1, kindAddress}, "connect": {1, kindAddress},
		"mmap": {5, kindMap}, // the file is the argument before
	}
}

// argumentCalls are the calls of which an argument tells what is asked for: a
// family of sockets, a set of flags, a request.
func argumentCalls() map[string]int {
	return map[string]int{
		"socket": 0, "socketpair": 0, "clone": 0, "unshare": 0, "setns": 1, "ioctl": 1, "prctl": 0, "fcntl": 1,
		"personality": 0, "keyctl": 0, "bpf": 0, "ptrace": 0, "futex": 1, "madvise": 2,
	}
}

// within reports whether a call's path begins at the folder that the argument before
// it has open.
func within(call string) bool {
	return strings.HasSuffix(strings.TrimRight(call, "2"), "at") && call != "stat" && call != "lstat" || call == "statx"
}

// ruleTable is both of these as the kernel's programs read them, by number: the
// path's argument from 1, the selected one from 1, the kind, and whether the path is
// within an open folder, a byte each from the lowest.
func ruleTable(abi seccomp.ABI) map[uint32]uint32 {
	table := map[uint32]uint32{}
	for name, p := range pathCalls() {
		if nr, ok := abi.Number(name); ok && nr < maxRules {
			table[uint32(nr)] |= uint32(p[0]+1) | uint32(p[1])<<16
			if within(name) || p[1] == kindMap {
				table[uint32(nr)] |= 1 << 24
			}
		}
	}
	for name, arg := range argumentCalls() {
		if nr, ok := abi.Number(name); ok && nr < maxRules {
			table[uint32(nr)] |= uint32(arg+1) << 8
		}
	}
	return table
}
