package sandbox

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/stage"
)

// suspend stops a run without a terminal, and this process with it, as SIGTSTP stops a
// group: not who handles or ignores it, and nobody of a group that nobody could have go
// on. Of that the kernel knows for this process's group only, since the command's has
// always nobody. It returns when this process goes on; next are the signals that stop it
// and have it go on.
func (p *Process) suspend(next <-chan os.Signal) {
	group := p.PID()
	if group <= 0 {
		return
	}
	alone := orphaned(unix.Getpgrp())
	for _, pid := range membersOf(group) {
		status, ok := readStatus(filepath.Join("/proc", strconv.Itoa(pid)))
		if !ok {
			continue
		}
		by := unix.SIGTSTP
		if !alone && (status.handled|status.ignored)&(1<<(unix.SIGTSTP-1)) == 0 {
			by = unix.SIGSTOP
		}
		signalIf(pid, by, func() bool { return groupOf(pid) == group })
	}
	if alone {
		return
	}
	goes := false
	for len(next) > 0 {
		goes = <-next == unix.SIGCONT
	}
	if goes {
		p.send(stage.Signal{Number: int(unix.SIGCONT), Group: true})
		return
	}
	_ = unix.Kill(os.Getpid(), unix.SIGSTOP)
}
