package supervise

import (
	"fmt"

	"openclaw/gateway/event"
)

// refusedInAll is what a person at a terminal is told of the refusals of a run that has
// ended: a program may have said nothing of them. Empty: nothing is said.
func (o *Options) refusedInAll(count int64) string {
	if count == 0 || o.Terminal != event.OnTerminal || o.Learn != nil { // who learns is shown them
		return ""
	}
	what := "one refusal"
	if count > 1 {
		what = fmt.Sprintf("%d refusals", count)
	}
	return what + " in this run: 'openclaw denials --agent " + o.Agent + "' says of what, and why"
}
