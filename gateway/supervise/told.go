package supervise

import (
	"encoding/json"
	"syscall"

	"openclaw/gateway/wire"
)

// told ends the run because a person said so, in a screen or on a command line.
func (l *link) told(payload json.RawMessage) {
	var params wire.RunStopParams
	if err := json.Unmarshal(payload, &params); err != nil || params.Run != l.started.Run {
		return
	}
	l.stop("you ended it")
	if params.Kill {
		_ = l.process.Signal(syscall.SIGKILL) // it may have ended already
	}
}
