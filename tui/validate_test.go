package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

type trialBackend struct {
	*Demo
	trial event.ConfigTrial
	fail  error
}

func (b *trialBackend) ValidateConfig(context.Context) (event.ConfigTrial, error) {
	return b.trial, b.fail
}

// v in Config says what reading the file would come to, also on a read-only screen.
func TestTheConfigIsValidated(t *testing.T) {
	wrong := []event.Problem{{File: "config.yaml", Line: 44, Column: 7, Key: "agents.coder.alow", Message: "unknown key"}, {Message: "another"}}
	for _, c := range []struct {
		trial event.ConfigTrial
		fail  error
		want  string
	}{
		{event.ConfigTrial{}, nil, "✓ valid, and what is active; 0 warnings"},
		{event.ConfigTrial{Problems: []event.Problem{{Warning: true}}, Changes: []string{"a", "b", "c", "d"}}, nil, "✓ valid, and not in force yet: a, b, c, and 1 more; 1 warning"},
		{event.ConfigTrial{Refused: true, Problems: wrong}, nil, "✗ would be refused: config.yaml:44:7: agents.coder.alow: unknown key, and 1 more"},
		{event.ConfigTrial{}, errors.New("no answer"), "✗ not validated: no answer"},
	} {
		d := newDriver(t, &trialBackend{NewDemo(), c.trial, c.fail}, false, 120, 36)
		d.s.data.ReadOnly = true
		frame := strip(d.press("8", "v"))
		if !strings.Contains(frame, " "+c.want) {
			t.Errorf("no %q:\n%s", c.want, frame)
		}
	}
}
