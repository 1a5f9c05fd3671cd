//go:build unix

package image

import (
	"os/exec"
	"syscall"
)

// ownGroup puts a program into a group of its own, and has all of it killed:
// helpers are scripts more often than not, and their children would live on.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
