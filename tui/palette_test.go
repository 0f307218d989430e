package tui

import (
	"strings"
	"testing"
)

// A command is found by its name from every view, by what the foot line calls it too, and
// is run in the view that it belongs to; what asks first there asks here.
func TestThePaletteFindsTheCommandsOfEveryView(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want []string
	}{
		{"by its label, in another view", []string{"9", ":", "type:stop", "enter"}, []string{"[4 Agents]", "Ask run", "y yes"}},
		{"by its words", []string{"1", ":", "type:lines alike", "enter"}, []string{"[5 Logs]", "alike folded"}},
		{"one action of two views is that of the view named", []string{"1", ":", "type:agent of the record"}, []string{"Audit", "7 then e", "1 commands"}},
		{"its own view's has no way to it", []string{"5", ":", "type:lines alike"}, []string{"Logs         f\n"}},
	} {
		d := atWork(t, false, 120, 36)
		frame := strip(d.press(c.keys...))
		for _, want := range c.want {
			if !strings.Contains(frame, want) {
				t.Errorf("%s: no %q:\n%s", c.name, want, frame)
			}
		}
	}
}
