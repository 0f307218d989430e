package supervise

import (
	"fmt"

	"openclaw/gateway/event"
)

// warnedInAll is what a person at a terminal is told, of a run that has ended, of what
// was the matter with it: a denied file that has a second name is refused to no program,
// so that nothing else would say so. Empty: nothing is said.
func (o *Options) warnedInAll(warnings []string) string {
	if len(warnings) == 0 || o.Terminal != event.OnTerminal {
		return ""
	}
	if more := len(warnings) - 1; more > 0 {
		return fmt.Sprintf("%s; and %d more of this kind: 'openclaw logs' says which", warnings[0], more)
	}
	return warnings[0]
}
