package supervise

import (
	"encoding/json"
	"syscall"

	"openclaw/gateway/wire"
)

// cut closes one connection of the run because a person said so. One that has ended
// meanwhile was reported as that.
func (l *link) cut(payload json.RawMessage) {
	var params wire.RunCut
	if err := json.Unmarshal(payload, &params); err != nil || params.Run != l.started.Run {
		return
	}
	l.process.CutConnection(params.Connection, "you closed it")
}

// told ends the run because a person said so, in a screen or on a command line.
func (l *link) told(payload json.RawMessage) {
	var params wire.RunStopParams
	if err := json.Unmarshal(payload, &params); err != nil || params.Run != l.started.Run {
		return
	}
	if params.Restart {
		l.again.Store(true)
		l.stop("you start it again")
		return
	}
	l.again.Store(false) // ended for good, also while it was ending to be started again
	l.stop("you ended it")
	if params.Kill {
		_ = l.process.Signal(syscall.SIGKILL) // it may have ended already
	}
}
