package runtime

import (
	"os/exec"
	"runtime"
	"syscall"
)

// runTied runs a program that is told to end when this process dies, however it
// dies: a build must not go on for nobody. The kernel looks at the thread that
// started the program, which is therefore kept until it has ended.
func runTied(cmd *exec.Cmd) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	return cmd.Run()
}
