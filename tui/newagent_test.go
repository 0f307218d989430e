package tui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// adder notes the agents that are to be added.
type adder struct {
	*Demo
	told    []string
	missing []string
	fails   error
}

func (b *adder) CreateAgent(ctx context.Context, name string, paths, domains []string, dry bool) (event.AgentAdded, error) {
	if b.fails != nil {
		return event.AgentAdded{}, b.fails
	}
	added, err := b.Demo.CreateAgent(ctx, name, paths, domains, true)
	added.Missing = b.missing
	if !dry && err == nil {
		b.told = append(b.told, strings.Join(append(append([]string{name}, paths...), domains...), "|"))
		b.missing = nil
	}
	return added, err
}

func addAt(t *testing.T, width, height int) (*driver, *adder) {
	t.Helper()
	b := &adder{Demo: NewDemoFirstRun()}
	return newDriver(t, b, false, width, height), b
}

// An agent is added from the screen: its lines are in sight before, and only y
// writes them.
func TestAnAgentIsAddedFromTheScreen(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"as it is offered", []string{"enter", "enter", "enter", "y"}, "coder|~/projects/demo"},
		{"typed", []string{"type:team.a", "enter", "type:/srv/a b", "enter", "type:x.example.com, *.example.org:8443", "enter", "y"}, "team.a|/srv/a b|x.example.com|*.example.org:8443"},
		{"a part of what is offered", []string{"enter", "right", "type:/sub", "enter", "enter", "y"}, "coder|~/projects/demo/sub"},
		{"changed at the end", []string{"enter", "enter", "enter", "enter", "type:2", "enter", "enter", "enter", "y"}, "coder2|~/projects/demo"},
		{"no name", []string{"ctrl+u", "enter", "enter", "enter", "y", "esc"}, ""},
		{"left at the name", []string{"esc", "y"}, ""},
		{"left at the end", []string{"enter", "enter", "enter", "esc", "y"}, ""},
		{"other keys at the end", []string{"enter", "enter", "enter", "space", "n", "Y"}, ""},
	} {
		d, b := addAt(t, 120, 36)
		d.press("4", "a")
		d.press(c.keys...)
		if got := strings.Join(b.told, ", "); got != c.want {
			t.Errorf("%s: told %q, want %q\n%s", c.name, got, c.want, strip(d.frame()))
		}
	}

	d, b := addAt(t, 80, 24)
	frame := strip(d.press("4", "a", "enter", "enter", "type:api.example.com", "enter"))
	for _, want := range []string{"writes into config.yaml, line 6:", "+  coder:", "+        - ~/projects/demo", "+          - api.example.com", "y writes it"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	if frame := strip(d.press("y")); len(b.told) != 1 || !strings.Contains(frame, "agent coder stands in config.yaml, line 6; s starts a command of it") {
		t.Errorf("%v:\n%s", b.told, frame)
	}
	// Lines that do not fit are read before y counts.
	d, b = addAt(t, 60, 16)
	many := "type:" + strings.Repeat("a.example.com ", 20) + "last.example.com"
	if frame := strip(d.press("4", "a", "enter", "enter", many, "enter", "y")); len(b.told) > 0 || !strings.Contains(frame, "more lines: pgdn") || strings.Contains(frame, "y writes it") {
		t.Errorf("%v:\n%s", b.told, frame)
	}
	if frame := strip(d.press("pgdown", "pgdown", "pgdown", "pgdown", "pgdown")); !strings.Contains(frame, "last.example.com") || !strings.Contains(frame, "y writes it") {
		t.Errorf("the end is not in sight:\n%s", frame)
	}
	if d.press("y"); len(b.told) != 1 {
		t.Errorf("told %v", b.told)
	}
	d, _ = addAt(t, 80, 24)
	d.press("4", "a", "enter", "enter", "enter", "y")
	// The row is selected when it is there.
	for _, name := range []string{"another", "coder"} {
		d.event(event.Event{Agent: &event.Agent{Name: name, State: "idle"}})
	}
	if got := d.s.agents.Copy().Text; !strings.Contains(got, "coder") {
		t.Errorf("selected: %q", got)
	}

	// What the gateway refuses is said before, and typed words stay to be changed.
	d, b = addAt(t, 80, 24)
	b.fails = errors.New("no domain: \x1b]0;x\a")
	frame = strip(d.press("4", "a", "enter", "enter", "enter"))
	if !strings.Contains(frame, "✗ no domain: ") || strings.ContainsAny(frame, "\x1b\a") {
		t.Errorf("it does not say why:\n%q", frame)
	}
	if frame := strip(d.press("y", "enter")); len(b.told) > 0 || !strings.Contains(frame, "coder") {
		t.Errorf("%v:\n%s", b.told, frame)
	}
	// A read-only screen adds nothing.
	d, b = addAt(t, 80, 24)
	d.s.keys = view.NewKeys(view.Table(), true)
	if d.press("4", "a", "enter", "enter", "enter", "y"); len(b.told) > 0 {
		t.Errorf("told %v", b.told)
	}
}

// The folder of a new agent is made where agents run on this machine, and only
// after y.
func TestTheFolderOfANewAgentIsMade(t *testing.T) {
	for _, elsewhere := range []bool{false, true} {
		folder := filepath.Join(t.TempDir(), "projects", "demo")
		d, b := addAt(t, 120, 36)
		d.s.data.Elsewhere, d.s.data.Folder, b.missing = elsewhere, folder, []string{folder}
		frame := strip(d.press("4", "a", "enter", "enter", "enter"))
		if says := strings.Contains(frame, "is not there yet: it is made"); says == elsewhere {
			t.Errorf("elsewhere %v:\n%s", elsewhere, frame)
		}
		if _, err := os.Stat(folder); err == nil {
			t.Error("it was made before y")
		}
		d.press("y")
		if info, err := os.Stat(folder); (err == nil && info.IsDir()) == elsewhere || len(b.told) != 1 {
			t.Errorf("elsewhere %v: %v, told %v", elsewhere, err, b.told)
		}
	}
}

// The plain mode has the same in typed words.
func TestAnAgentIsAddedInPlainWords(t *testing.T) {
	b := &adder{Demo: NewDemoFirstRun()}
	got, _ := runPlainWith(t, b, false, "create coder", "create coder ~/projects/demo api.example.com", "create two '/srv/a b' yes", "quit")
	for _, want := range []string{"create NAME FOLDER, then domains", "diff: +  coder:", "config: the same with yes at the end writes it", "agent: agent two stands in config.yaml, line 6"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q:\n%s", want, got)
		}
	}
	if len(b.told) != 1 || b.told[0] != "two|/srv/a b" {
		t.Errorf("told %v", b.told)
	}
}
