package sandbox

import (
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"openclaw/sandbox/linux/stage"
)

// suspend stops a run without a terminal, and this process with it, as SIGTSTP stops a
// group: not who handles or ignores it, and nobody of a group that nobody could have go
// on. Of that the kernel knows for this process's group only, since the command's has
// always nobody. It returns when this process goes on, or when the stop was taken back.
func (p *Process) suspend(s *stopOrder) {
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
	s.last = stage.Now() // who was told to go on before is stopped
	if s.stands() {
		s.take()
	} else { // the first process may have told the group before it was stopped
		p.send(stage.Signal{Number: int(unix.SIGCONT), Group: true})
	}
	p.goesOn(s)
}

// goesOn tells the command's group that this process was told to go on. Several SIGCONT
// may be heard as one here and apart by the first process: what that gave the group before
// the last stop does not count.
func (p *Process) goesOn(s *stopOrder) {
	s.arm()
	p.send(stage.Signal{Number: int(unix.SIGCONT), Group: true, Unheard: true, Since: s.last})
}
