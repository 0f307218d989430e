package tui

import (
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// What a rule refused becomes a rule that allows it: seen to the file and the
// line, widened step by step, confirmed, and taken back.
func TestADenialBecomesARule(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"exact", []string{"a", "a", "y"}, "allow denial-d6 always exact"},
		{"every port", []string{"a", "m", "a", "y"}, "allow denial-d6 always host"},
		{"the domain", []string{"a", "m", "m", "a", "y"}, "allow denial-d6 always *.example.test"},
		{"round", []string{"a", "m", "m", "m", "a", "y"}, "allow denial-d6 always exact"},
		{"not confirmed", []string{"a", "a", "enter"}, ""},
		{"a held key", []string{"a", "a", "a", "a", "a"}, ""},
		{"pasted", []string{"a", "a", "paste:y"}, ""},
		{"left", []string{"a", "esc", "y"}, ""},
		{"another row", []string{"a", "j", "k", "j", "a", "y"}, ""},
		{"deny, note, mark, many", []string{"d", "c", "A", "D", "y"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, b := inboxAt(t, 120, 36)
			d.event(b.script...)
			d.press("3", "/")
			d.press("type:target:registry -op:x", "enter", "G")
			d.press(c.keys...)
			if got := strings.Join(b.told, ", "); got != c.want {
				t.Errorf("told %q, want %q\n%s", got, c.want, strip(d.frame()))
			}
		})
	}
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		d, b := inboxAt(t, size[0], size[1])
		d.event(b.script...)
		d.press("3", "j", "j", "j")
		if frame := strip(d.frame()); !strings.Contains(frame, "a shows the rule that would allow it") {
			t.Errorf("%v: nothing says how:\n%s", size, frame)
		}
		frame := strip(d.press("a", "m", "m"))
		if strings.Contains(frame, "a show the whole rule") {
			frame = strip(d.press("a"))
		}
		for _, want := range []string{"[*.example.test]", "+     - '*.example.test'", "config.yaml:26", "would also match 3 asks and 1 denial"} {
			if !strings.Contains(frame, want) {
				t.Errorf("%v: no %q:\n%s", size, want, frame)
			}
		}
		d.press("a")
		if frame := strip(d.frame()); !strings.Contains(frame, "Write - '*.example.test' into ") {
			t.Errorf("%v: it does not ask:\n%s", size, frame)
		}
		d.press("y")
		d.event(event.Event{Kind: event.KindAsk, Ask: ask(t, b, "denial-d6")})
		if row := strip(d.frame()); !strings.Contains(row, "› ✓ always") || !strings.Contains(row, "config.yaml:26") {
			t.Errorf("%v: the answer is not in the place of the denial:\n%s", size, row)
		}
		d.press("u")
		if b.world.asks[len(b.world.asks)-1].State != event.AskUndone {
			t.Errorf("%v: not taken back", size)
		}
		if row := strip(d.press("g", "j", "j", "j")); !strings.Contains(row, "✗ deny") {
			t.Errorf("%v: the denial is gone:\n%s", size, row)
		}
	}
	d, b := inboxAt(t, 120, 36)
	d.event(b.script...)
	if frame := strip(d.press("3", "j", "j", "j", "j", "j", "j", "a")); !strings.Contains(frame, "✗ the rule would have no effect") {
		t.Errorf("what cannot be allowed does not say so:\n%s", frame)
	}
	if d.press("a", "y"); len(b.told) > 0 {
		t.Errorf("told %v", b.told)
	}
}

func ask(t *testing.T, b *inboxBackend, id string) *event.Ask {
	t.Helper()
	a, err := b.find(id)
	if err != nil {
		t.Fatal(err)
	}
	row := *a
	return &row
}

// A read-only screen offers no rule.
func TestAReadOnlyScreenMakesNoRule(t *testing.T) {
	b := &inboxBackend{Demo: NewDemo()}
	b.now = demoTime(28)
	d := newDriver(t, b, false, 120, 36)
	d.s.data.ReadOnly, d.s.keys = true, view.NewKeys(view.Table(), true)
	d.event(b.script...)
	if frame := strip(d.press("3", "j", "j", "j", "a", "a", "y")); strings.Contains(frame, "shows the rule") || len(b.told) > 0 {
		t.Errorf("told %v:\n%s", b.told, frame)
	}
}

// Keys that were typed at a screen that stood still were not about what it shows
// now, and nothing counts down where no gateway could deny.
func TestAStoppedScreenOrGatewayAnswersNothing(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3", "j", "k")
	d.at = d.at.Add(time.Minute) // stopped, and gone on
	d.s.key(view.Key{Text: []rune{'a'}})
	d.frame()
	if len(b.told) > 0 {
		t.Errorf("a key of the standstill answered: %v", b.told)
	}
	d.press("j", "k", "a")
	if len(b.told) != 1 {
		t.Errorf("the keys do not wake: %v", b.told)
	}

	d, _ = inboxAt(t, 120, 36)
	d.press("3")
	d.s.feed.setLink(view.Link{Tried: true, Problem: "gone", Attempt: 1})
	frame := strip(d.frame())
	for _, not := range []string{"0:48", "1:12", "1:55"} {
		if strings.Contains(frame, not) {
			t.Errorf("%s counts down without a gateway:\n%s", not, frame)
		}
	}
	if !strings.Contains(frame, "without it the cage denies what") || !strings.Contains(frame, "? 3 asks wait") {
		t.Errorf("it does not say what that means:\n%s", frame)
	}
}

// The plain mode does the same in words.
func TestADenialBecomesARuleInPlainWords(t *testing.T) {
	b := &inboxBackend{Demo: NewDemo()}
	b.now = demoTime(28)
	got, _ := runPlainWith(t, b, false, "show d2", "allow denial-d6 always", "allow denial-d6 always *.example.test", "allow denial-d6 always *.example.test yes", "undo", "quit")
	for _, want := range []string{
		"allow: allow denial-d2 always, shows the rule", "rule: would be written to config.yaml:26, in agents.", "rule: +          - registry.example.test:443",
		"rule: or wider, with one of these words: host, *.example.test", "rule: +          - '*.example.test'",
		"Wrote to config.yaml:26: - '*.example.test'", "done: taken back",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q:\n%s", want, got)
		}
	}
	if len(b.told) != 1 {
		t.Errorf("told %v", b.told)
	}
}

// A key that can do nothing for the row that is selected says why, and decides nothing.
func TestAKeyThatCanDoNothingSaysWhy(t *testing.T) {
	for _, c := range []struct {
		filter string
		keys   []string
		says   string
	}{
		{"state:allowed", []string{"a", "d", "c", "s", "m"}, "it is answered already; e opens the config at its rule"},
		{"state:missed", []string{"d", "c"}, "it was denied, and nobody waits any more; a makes a rule for the next time"},
		{"target:registry -op:x -state:waiting", []string{"d", "c", "s"}, "a rule refused it, and nobody waits for an answer; a shows the rule that would allow it"},
		{"state:missed", []string{"u"}, "nothing can be taken back: only what an answer allowed, for 30 seconds"},
	} {
		for _, key := range c.keys {
			d, b := inboxAt(t, 120, 36)
			d.event(b.script...)
			d.later(time.Minute)
			d.press("3", "/", "type:"+c.filter, "enter", "G")
			if frame := strip(d.press(key)); !strings.Contains(frame, c.says) || len(b.told) > 0 {
				t.Errorf("%s on %s: told %q, and the screen does not say %q:\n%s", key, c.filter, b.told, c.says, frame)
			}
		}
	}
}

// What the keys of the filter line do is what the foot says; what a filter hid is not new
// when it is taken off.
func TestTheFilterLineSaysWhatItsKeysDo(t *testing.T) {
	d := atWork(t, false, 120, 36)
	if frame := strip(d.press("7", "/", "type:denied", "enter", "G", "/")); !strings.Contains(frame, "enter keeps it, esc takes it out") {
		t.Errorf("the foot:\n%s", frame)
	}
	if frame := strip(d.press("enter", "\\")); strings.Contains(frame, " new ") {
		t.Errorf("off:\n%s", frame)
	}
	if frame := strip(d.press("/", "esc")); strings.Contains(frame, "filter: denied") {
		t.Errorf("esc keeps it:\n%s", frame)
	}
	if frame := strip(d.press("/", "up")); !strings.Contains(frame, "filter: denied") {
		t.Errorf("up does not have it:\n%s", frame)
	}
}

// So does one of the connections.
func TestAKeyThatCanDoNothingForAConnectionSaysWhy(t *testing.T) {
	for _, c := range []struct {
		row  event.Connection
		key  string
		says string
	}{
		{event.Connection{Kind: "unix", State: "closed"}, "x", "only a connection that is open can be closed"},
		{event.Connection{Kind: "net", Agent: "coder", State: "refused"}, "x", "only a connection that is open can be closed"},
		{event.Connection{Kind: "http", From: "127.0.0.1:5123", State: "refused"}, "b", "only the address of a peer that came over the network can be banned"},
		{event.Connection{Kind: "unix", From: "unix", State: "open"}, "w", "no rule of a policy was asked"},
	} {
		d := newDriver(t, NewDemo(), false, 120, 36)
		c.row.ID, c.row.Opened, c.row.Route = "here", demoTime(20), "there"
		d.event(event.Event{Connection: &c.row})
		if frame := strip(d.press("2", "/", "type:there", "enter", "g", c.key)); !strings.Contains(frame, c.says) || strings.Contains(frame, "y yes") {
			t.Errorf("%s on %+v: no %q:\n%s", c.key, c.row, c.says, frame)
		}
	}
}
