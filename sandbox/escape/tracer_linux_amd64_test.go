package escape_test

import (
	"errors"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// tracedCall turns a harmless call of a traced child into the request for a
// keyring, after the kernel has stopped it at the call's entry.
func tracedCall() error {
	runtime.LockOSThread()
	// getppid is what the child calls over and over.
	command := exec.Command("/usr/bin/perl", "-e", `exit(syscall(110) == -1 ? 1 : 0) if 0; my $r = 0; for (1..50) { $r = syscall(110); }`)
	command.SysProcAttr = &syscall.SysProcAttr{Ptrace: true, Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return err
	}
	pid := command.Process.Pid
	defer func() { _ = command.Process.Kill(); _ = command.Wait() }()
	var status unix.WaitStatus
	if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
		return err
	}
	if err := unix.PtraceSetOptions(pid, unix.PTRACE_O_TRACESYSGOOD); err != nil {
		return err
	}
	changed := false
	for range 100000 {
		if err := unix.PtraceSyscall(pid, 0); err != nil {
			return err
		}
		if _, err := unix.Wait4(pid, &status, 0, nil); err != nil {
			return err
		}
		if status.Exited() || status.Signaled() {
			return errors.New("the child ended without such a call")
		}
		var regs unix.PtraceRegs
		if err := unix.PtraceGetRegs(pid, &regs); err != nil {
			return err
		}
		if changed {
			if result := int64(regs.Rax); result < 0 {
				return unix.Errno(-result)
			}
			return nil
		}
		if regs.Orig_rax == unix.SYS_GETPPID {
			regs.Orig_rax, regs.Rdi, regs.Rsi = unix.SYS_KEYCTL, unix.KEYCTL_GET_KEYRING_ID, ^uint64(3) // the user's keyring
			regs.Rdx = 1
			if err := unix.PtraceSetRegs(pid, &regs); err != nil {
				return err
			}
			changed = true
		}
	}
	return errors.New("no such call came")
}
