package supervise

import (
	"strings"
	"syscall"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// stopGrace is how long a command has to end by itself after SIGTERM.
const stopGrace = 5 * time.Second

// narrowed does what on_narrow says of what a running cage cannot take back. A
// policy that could not be applied at all counts as one of which everything is
// still open.
func (l *link) narrowed(next *policy.Policy, change sandbox.Change, err error) {
	open := strings.Join(change.StillOpen, "; ")
	if err != nil {
		open = "the new policy could not be applied: " + err.Error()
	}
	switch {
	case open == "":
	case next.OnNarrow == policy.NarrowStop:
		l.stop("on_narrow: stop" + place(next.NarrowFrom) + ": the policy forbids what this run cannot give up: " + open)
	default:
		l.note("the policy became narrower during the run, and the run kept what it had (on_narrow: flag): " + open)
	}
}

func place(from policy.Origin) string {
	if from.File == "" {
		return ""
	}
	return " (" + from.String() + ")"
}

// stop ends the run: the command is asked first, and killed with all that it
// started if it does not end. The first reason counts.
func (l *link) stop(reason string) {
	if l.stopped.Load() != nil || !l.stopped.CompareAndSwap(nil, &reason) {
		return
	}
	l.note("the run was ended: " + reason)
	_ = l.process.Signal(syscall.SIGTERM) // it may have ended already
	l.killer = time.AfterFunc(stopGrace, func() { _ = l.process.Signal(syscall.SIGKILL) })
}

// ended is how the run ended, for the gateway.
func (l *link) ended(status sandbox.ExitStatus, err error) string {
	if l.killer != nil {
		l.killer.Stop()
	}
	if reason := l.stopped.Load(); reason != nil {
		return "stopped: " + *reason
	}
	return describe(status, err)
}
