package sandbox

import (
	"strings"

	"golang.org/x/sys/unix"
)

// stopSignals are those that stop a process unless it does something else on them.
const stopSignals = 1<<(unix.SIGTSTP-1) | 1<<(unix.SIGTTIN-1) | 1<<(unix.SIGTTOU-1)

// stops reports whether a process is stopped, or is to stop and has not yet: some
// of its threads have, or the signal waits to be delivered. One that blocks or
// ignores the signal is not going to.
func stops(pid int) bool {
	for _, task := range tasksOf(pid) {
		status, ok := readStatus(task)
		if !ok {
			continue
		}
		if strings.HasPrefix(status.state, "T") || strings.HasPrefix(status.state, "t") || status.pending()&^status.ignored&stopSignals != 0 {
			return true
		}
	}
	return false
}

// command is the command's process, also while it is being started: the only child of
// the first process that is in its session. The guard of a reduced cage has left it. It
// is 0 when there is none.
func (p *Process) command() int {
	if pid := p.PID(); pid > 0 {
		return pid
	}
	first := p.first.pid()
	for _, pid := range childrenOf(first) {
		if session, err := unix.Getsid(pid); err == nil && session == first {
			return pid
		}
	}
	return 0
}
