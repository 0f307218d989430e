package sandbox_test

import (
	"strings"
	"testing"
)

// tracee makes its parent, which is the cage's first process, its tracer, and then
// sends itself a signal.
const tracee = `exec /usr/bin/python3 -c "
import ctypes, os, signal
signal.signal(signal.SIGTERM, lambda *_: print(\"the command heard it\", flush=True))
print(\"traced\", ctypes.CDLL(None).ptrace(0, 0, 0, 0), flush=True) # PTRACE_TRACEME
os.kill(os.getpid(), signal.SIGTERM)
print(\"went on\", flush=True)
"`

// A signal on which the command stops because it is traced stays its own: the rest of
// the person's job, which stops when the command does, hears nothing of it.
func TestTracedCommandSignalsNobodyElse(t *testing.T) {
	modes(t, func(t *testing.T, newWorld func(testing.TB) *world) {
		t.Helper()
		c := consoleFor(t, newWorld(t), tracee)
		c.wrong = func() string {
			if strings.Contains(c.seen.String(), "neighbour heard it\r\n") {
				return "a signal left the cage"
			}
			return ""
		}
		c.say(`./run | dash -c 'trap "echo neighbour heard it" TERM; while :; do read line || break; echo "$line"; done; echo neighbour ends'` + "\n")
		c.until("traced 0\r\n")
		c.until("the command heard it\r\n")
		c.until("went on\r\n")
		c.until("neighbour ends\r\n")
	})
}
