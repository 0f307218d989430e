//go:build unix

package ref

import (
	"os/exec"
	"syscall"
)

// ownGroup ends the program with its children, which may wait for ever.
func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}
