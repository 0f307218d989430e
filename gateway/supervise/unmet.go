package supervise

import (
	"fmt"

	"openclaw/gateway/event"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// stands tells the person of the cage what cannot be seen of it, before the command draws.
func (o *Options) stands(report sandbox.Report) {
	if elsewhere(report.Dir, o.Dir) && o.Terminal != event.OnPipe && o.Terminal != event.Kept { // what those say is read by programs
		o.Warn("it begins in " + report.Dir + ": the agent may not read the folder that you stand in")
	}
	o.warnNotOpened(report.Unmet)
}

// warnNotOpened says in one line what the policy names and this run is not given: a
// program says no more than that it is refused. What does not exist is none: the program
// says so, and may make it.
func (o *Options) warnNotOpened(list []policy.Unmet) {
	said, more := "", 0
	for i := range list {
		switch {
		case !list[i].NotOpened():
		case said == "":
			said = list[i].String()
		default:
			more++
		}
	}
	if said == "" {
		return
	}
	if more > 0 {
		said = fmt.Sprintf("%s; and %d more: openclaw agent show %s", said, more, o.Agent)
	}
	o.Warn(said)
}
