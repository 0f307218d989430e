package spool

import "strings"

// Replaced reports whether the process that has the supervisor's number now is surely
// another one: numbers are given again, and after a start of the machine to almost
// everybody.
func (h *Header) Replaced() bool {
	was, is := strings.Fields(h.Process), strings.Fields(processOf(h.PID))
	if len(was) != processFields || len(is) != processFields {
		return false // not known
	}
	if was[0] != is[0] {
		return true
	}
	return was[1] == is[1] && was[2] != is[2] // each time namespace counts from another moment
}

// processFields is how many words say which process one is: the machine's start, the
// reader's time namespace, and when it began by that.
const processFields = 3
