package supervise

import (
	"fmt"
	"os"
	"slices"

	"openclaw/gateway/event"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// stillSo are the warnings of a run that has ended but for those that it has seen pass: a
// folder that did not exist when it began, and that it or somebody else made meanwhile.
func stillSo(report sandbox.Report) []string {
	return slices.DeleteFunc(slices.Clone(report.Warnings), func(warning string) bool {
		return slices.ContainsFunc(report.Unmet, func(u policy.Unmet) bool {
			if u.Kind != policy.UnmetMissing || u.String() != warning {
				return false
			}
			_, err := os.Stat(u.Path) // what a link leads to is what is opened
			return err == nil
		})
	})
}

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
