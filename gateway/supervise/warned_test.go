package supervise

import (
	"testing"

	"openclaw/gateway/event"
)

// Who started a run at a terminal is told of a denied file that could be read by another
// name, also when no screen was open; who reads the output by a program is not.
func TestWhatARunWasWarnedOfIsSaidAtItsEnd(t *testing.T) {
	for _, c := range []struct {
		terminal string
		warnings []string
		want     string
	}{
		{event.OnTerminal, nil, ""},
		{event.OnTerminal, []string{"/p/a is another name of /p/key"}, "/p/a is another name of /p/key"},
		{event.OnTerminal, []string{"/p/a is another name of /p/key", "x", "y"}, "/p/a is another name of /p/key; and 2 more of this kind: 'openclaw logs' says which"},
		{event.OnPipe, []string{"/p/a is another name of /p/key"}, ""},
		{event.Kept, []string{"/p/a is another name of /p/key"}, ""},
	} {
		o := &Options{Agent: "coder", Terminal: c.terminal}
		if got := o.warnedInAll(c.warnings); got != c.want {
			t.Errorf("%s %q: %q, want %q", c.terminal, c.warnings, got, c.want)
		}
	}
}
