package confine

import "strings"

// families are calls that stand for each other from one libc, or runtime, to the
// next: a step of either does not break a portable profile.
func families() [][]string {
	return [][]string{
		{"open", "openat", "openat2"},
		{"stat", "lstat", "fstat", "newfstatat", "statx"},
		{"access", "faccessat", "faccessat2"},
		{"fork", "vfork", "clone", "clone3"},
		{"select", "pselect6", "poll", "ppoll"},
		{"epoll_create", "epoll_create1"},
		{"epoll_wait", "epoll_pwait", "epoll_pwait2"},
		{"dup2", "dup3"},
		{"pipe", "pipe2"},
		{"accept", "accept4"},
		{"mkdir", "mkdirat"},
		{"unlink", "unlinkat", "rmdir"},
		{"rename", "renameat", "renameat2"},
		{"chmod", "fchmodat", "fchmodat2"},
		{"chown", "fchownat", "lchown"},
		{"readlink", "readlinkat"},
		{"getdents", "getdents64"},
		{"eventfd", "eventfd2"},
		{"signalfd", "signalfd4"},
		{"inotify_init", "inotify_init1"},
		{"wait4", "waitid"},
		{"exit", "exit_group"},
		{"time", "gettimeofday", "clock_gettime"},
		{"nanosleep", "clock_nanosleep"},
		{"getrlimit", "setrlimit", "prlimit64"},
	}
}

// families32 are those that the calls of i386 add.
func families32() [][]string {
	return [][]string{
		{"stat64", "lstat64", "fstat64", "fstatat64", "statx"},
		{"fcntl", "fcntl64"},
		{"lseek", "_llseek"},
		{"mmap", "mmap2"},
		{"clock_gettime", "clock_gettime64"},
		{"clock_nanosleep", "clock_nanosleep_time64"},
		{"futex", "futex_time64"},
		{"select", "_newselect", "pselect6_time64", "ppoll_time64"},
	}
}

// always are calls that a program may make in one run and not in another, whatever it
// does: by a signal that comes, a clock that the kernel cannot read in user space,
// another thread at the same lock, an allocator or a collector that needs more, the
// end. madvise is not among them: its refusal costs memory at most.
func always() []string {
	return strings.Fields(`brk clock_gettime execve exit exit_group futex getcpu getpid gettid gettimeofday mmap
		munmap nanosleep restart_syscall rt_sigprocmask rt_sigreturn sched_yield tgkill time`)
}

// always32 are those of them that i386 calls otherwise.
func always32() []string { return strings.Fields("clock_gettime64 futex_time64 mmap2 sigreturn") }

// byChance are the calls that a runtime makes now and then while the filter is loaded
// and the program has not begun: runc is written in Go, whose scheduler comes when it
// likes.
func byChance(runtime string) []string {
	if runtime != "runc" {
		return nil
	}
	return []string{"epoll_pwait"}
}

// atStart are the calls that runtimes make between loading the filter and executing
// the program, all of them together: seen of runc 1.1.5, runc 1.5.3 and crun 1.8.1.
// With no new privileges the filter is loaded last, and there are few.
func atStart(noNewPrivileges bool) []string {
	few := strings.Fields(`close epoll_ctl execve fcntl fstat fstatfs futex getdents64 getpid openat openat2
		rt_sigreturn statx umask write`)
	if noNewPrivileges {
		return append(few, byChance("runc")...)
	}
	many := strings.Fields(`capget capset chdir close_range faccessat faccessat2 fchown getcwd getppid ioctl newfstatat
		prctl pselect6 read rt_sigaction rt_sigprocmask setgid setgroups setresgid setresuid setuid`)
	return append(append(few, many...), byChance("runc")...)
}
