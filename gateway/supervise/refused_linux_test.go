package supervise

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// Who runs a command on a terminal is told at its end how much was refused, and where it
// is said; nothing is said where nothing was, or where programs read what is said.
func TestRefusalsOfARunAreCountedAtItsEnd(t *testing.T) {
	t.Parallel()
	cage, err := sandbox.New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ terminal, script, want string }{
		{event.OnTerminal, "cat ../elsewhere ../elsewhere; echo > ../new", "3 refusals in this run: 'openclaw denials --agent coder' says of what, and why"},
		{event.OnTerminal, "echo > ../new", "one refusal in this run: 'openclaw denials --agent coder' says of what, and why"},
		{event.OnTerminal, "echo > new", ""},
		{event.OnPipe, "echo > ../new", ""},
	} {
		compiled, work := inWork(t)
		if err := os.WriteFile(filepath.Join(filepath.Dir(work), "elsewhere"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		started, err := json.Marshal(wire.RunStarted{Run: "r1", Policy: compiled, Gateway: "127.0.0.1:1", Command: []string{"sh", "-c", c.script}})
		if err != nil {
			t.Fatal(err)
		}
		gateway := &recording{answering: answering{answer: string(started)}, says: func() error { return nil }}
		var said []string
		options := caged(cage, gateway, work)
		options.Terminal, options.Warn = c.terminal, func(text string) { said = append(said, text) }
		_, err = Run(t.Context(), options)
		requireCage(t, err)
		if err != nil {
			t.Fatal(err)
		}
		said = slices.DeleteFunc(said, func(text string) bool { return !strings.Contains(text, "refusal") })
		if got := strings.Join(said, "\n"); got != c.want {
			t.Errorf("%s on a %s: %q, want %q", c.script, c.terminal, got, c.want)
		}
	}
}
