package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// inForce refuses, as a gateway does, to go back to what is in force.
type inForce struct{ *Demo }

func (b inForce) RollbackConfig(ctx context.Context, version int, dry bool) (event.Rollback, error) {
	if version == 12 {
		return event.Rollback{}, errors.New("it is in force already")
	}
	return b.Demo.RollbackConfig(ctx, version, dry)
}

// d in Config shows what has changed since a version that was in force: the way back the
// other way round. d again, and esc, leave it, and no key of it brings a version back.
func TestDComparesWithAConfigThatWasInForce(t *testing.T) {
	d := newDriver(t, inForce{NewDemo()}, false, 120, 36)
	frame := strip(d.press("8", "d"))
	for _, want := range []string{"Compare with", "What has changed since #11", "@@ -21,4 +21,5 @@", "+          - api.example.test", "-  level: debug", "+  level: info"} {
		if !strings.Contains(frame, want) {
			t.Errorf("the screen lacks %q:\n%s", want, frame)
		}
	}
	if goes, comes := strings.Index(frame, "-  level: debug"), strings.Index(frame, "+  level: info"); goes > comes {
		t.Errorf("what goes stands below what comes:\n%s", frame)
	}
	if frame := strip(d.press("up")); !strings.Contains(frame, "What has changed since #12") || !strings.Contains(frame, "\n nothing\n") {
		t.Errorf("the config in force is not the same as itself:\n%s", frame)
	}
	for _, key := range []string{"d", "esc"} {
		if frame := strip(d.press(key)); strings.Contains(frame, "Compare with") {
			t.Errorf("%s does not leave:\n%s", key, frame)
		}
		d.press("d")
	}
	if frame := strip(d.press("R")); d.s.question() != "" || !strings.Contains(frame, "What #11 would change") || !strings.Contains(frame, "-          - api.example.test") {
		t.Errorf("R asks before it has shown what it would change:\n%s", frame)
	}
	if d.press("R"); !strings.Contains(d.s.question(), "#11") {
		t.Error("R does not ask")
	}
}

// A read-only screen compares, and offers no way back.
func TestAReadOnlyScreenCompares(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.s.data.ReadOnly, d.s.keys = true, view.NewKeys(view.Table(), true)
	if frame := strip(d.press("8", "d")); !strings.Contains(frame, "What has changed since #11") || strings.Contains(frame, "rolls back") {
		t.Errorf("the read-only screen:\n%s", frame)
	}
}
