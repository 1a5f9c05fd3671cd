// Command escape tries to do what a container should not, each attempt in a process of
// its own, and prints a line for each: its name, a tab, and "done" or why not. Without
// arguments it tries nothing, which is what it does while it is observed.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

type attempt struct {
	name string
	do   func() error
}

func main() {
	runtime.LockOSThread() // the first thread is the one that tries
	all := append(append(older(), attempts()...), last()...)
	switch {
	case len(os.Args) < 2:
		run("nothing")
		if err := os.WriteFile("/data/done", nil, 0o600); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case os.Args[1] == "all":
		for _, a := range all {
			fmt.Printf("%s\t%s\n", a.name, run(a.name))
		}
	case os.Args[1] == "sleep":
		time.Sleep(30 * time.Second)
	default:
		for _, a := range append(all, helpers()...) {
			if a.name != os.Args[1] {
				continue
			}
			if err := a.do(); err != nil {
				fmt.Println(err)
				os.Exit(1)
			}
		}
	}
}

// run has a process of its own try something. A filter may kill the thread that tries:
// the first one then is gone, and the others wait for it for ever.
func run(name string) string {
	var out strings.Builder
	c := exec.Command("/proc/self/exe", name)
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		return err.Error()
	}
	ended, killed := make(chan struct{}), false
	go func() {
		for gone := 0; gone < 3; time.Sleep(50 * time.Millisecond) {
			select {
			case <-ended:
				return
			default:
			}
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.Process.Pid))
			if i := strings.LastIndexByte(string(b), ')'); err == nil && i > 0 && b[i+2] == 'Z' {
				gone++
			}
		}
		killed = true
		_ = c.Process.Kill()
	}()
	err := c.Wait()
	close(ended)
	var code *exec.ExitError
	switch {
	case err == nil:
		return "done"
	case killed:
		return "its thread was killed"
	case errors.As(err, &code) && code.ExitCode() == 1:
		return strings.TrimSpace(out.String())
	}
	return err.Error()
}

func errno(e syscall.Errno) error {
	if e == 0 {
		return nil
	}
	return e
}

func call(nr uintptr, args ...uintptr) func() error {
	args = append(args, 0, 0, 0)
	return func() error {
		_, _, e := syscall.RawSyscall(nr, args[0], args[1], args[2])
		return errno(e)
	}
}

// ofParent does something to another process, and lets it go on.
func ofParent(do func(pid int) error) error {
	pid := os.Getppid()
	if err := do(pid); err != nil {
		return err
	}
	var s unix.WaitStatus
	_, err := unix.Wait4(pid, &s, unix.WALL, nil)
	return errors.Join(err, unix.PtraceDetach(pid))
}

func write(path string) func() error {
	return func() error { return os.WriteFile(path, []byte("x"), 0o600) }
}

func attempts() []attempt {
	return []attempt{
		{"mount", func() error { return unix.Mount("none", "/mnt", "tmpfs", 0, "") }},
		{"ptrace", func() error { return ofParent(unix.PtraceAttach) }},
		{"raw socket", func() error { _, err := unix.Socket(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP); return err }},
		{"packet socket", func() error { _, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0); return err }},
		{"netlink socket", func() error { _, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, 0); return err }},
		{"module", func() error { return unix.InitModule([]byte("\x7fELF no module"), "") }},
		{"keyctl", func() error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_SESSION_KEYRING, true); return err }},
		{"unshare", call(unix.SYS_UNSHARE, unix.CLONE_NEWUTS)},
		{"clone with a new namespace", func() error {
			c := exec.Command("/proc/self/exe", "nothing")
			c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWUSER}
			return c.Run()
		}},
		{"bpf", func() error {
			attr := [4]uint32{unix.BPF_MAP_TYPE_ARRAY, 4, 4, 1}
			return call(unix.SYS_BPF, unix.BPF_MAP_CREATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))()
		}},
		{"io_uring", func() error {
			var params [120]byte
			return call(unix.SYS_IO_URING_SETUP, 4, uintptr(unsafe.Pointer(&params)))()
		}},
		{"AF_ALG", func() error { _, err := unix.Socket(unix.AF_ALG, unix.SOCK_SEQPACKET, 0); return err }},
		{"userfaultfd", call(unix.SYS_USERFAULTFD, 1)}, // UFFD_USER_MODE_ONLY
		{"chroot", func() error { return unix.Chroot("/mnt") }},
		{"device", func() error { return unix.Mknod("/data/mem", unix.S_IFCHR|0o600, 1<<8|1) }},
		{"set-user-ID program", func() error {
			out, err := exec.Command("/suid", "who").CombinedOutput()
			if s := string(out); err != nil || s != "0" {
				return fmt.Errorf("it runs as %q: %v", s, err)
			}
			return nil
		}},
		{"write in /etc", write("/etc/x")},
		{"write in /", write("/x")},
		{"write beside the data", write("/data2")},
		{"execute what it wrote", func() error {
			self, err := os.ReadFile("/proc/self/exe")
			if err != nil {
				return err
			}
			if err := os.WriteFile("/data/program", self, 0o700); err != nil {
				return err
			}
			return exec.Command("/data/program", "nothing").Run()
		}},
		{"memory bomb", func() error {
			c := exec.Command("/proc/self/exe", "eat")
			return c.Run()
		}},
		{"many open files", func() error {
			var all []*os.File
			for i := range 5000 {
				f, err := os.Open(filepath.Join("/", "data"))
				if err != nil {
					return fmt.Errorf("%d files: %w", i, err)
				}
				all = append(all, f)
			}
			return all[0].Close()
		}},
	}
}

// last are the attempts after which nothing else may work.
func last() []attempt {
	return []attempt{
		{"fork bomb", func() error {
			for i := range 400 {
				if err := exec.Command("/proc/self/exe", "sleep").Start(); err != nil {
					return fmt.Errorf("%d processes: %w", i, err)
				}
			}
			return nil
		}},
	}
}

// helpers are what attempts execute.
func helpers() []attempt {
	return []attempt{
		{"who", func() error { fmt.Print(os.Geteuid()); return nil }},
		{"eat", func() error {
			b := make([]byte, 512<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			return nil
		}},
	}
}
