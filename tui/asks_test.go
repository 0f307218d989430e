package tui

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
	"openclaw/tui/view"
)

// inboxBackend holds asks and notes what it is told.
type inboxBackend struct {
	*Demo
	told []string
	late bool // somebody else is always first
}

func (b *inboxBackend) AnswerAsk(ctx context.Context, id string, allow bool, scope, match, note string) (event.Ask, bool, error) {
	word := "deny"
	if allow {
		word = "allow"
	}
	b.told = append(b.told, strings.TrimSpace(strings.Join([]string{word, id, scope, match, note}, " ")))
	if b.late {
		return event.Ask{ID: id, State: event.AskDenied, By: "openclaw deny"}, false, nil
	}
	return b.Demo.AnswerAsk(ctx, id, allow, scope, match, note)
}

func inboxAt(t *testing.T, width, height int) (*driver, *inboxBackend) {
	t.Helper()
	b := &inboxBackend{Demo: NewDemo()}
	b.now = demoTime(28)
	return newDriver(t, b, false, width, height), b
}

// A held request keeps a program waiting: whoever looks at the screen sees that,
// whatever the view, and how to answer. No byte of it reaches the terminal raw.
func TestHeldRequestsAreSeen(t *testing.T) {
	d, _ := inboxAt(t, 120, 36)
	if frame := strip(d.frame()); !strings.Contains(frame, "? 3 asks wait, 0:48") || !strings.Contains(frame, "! 3 held requests, the first has 0:48 left") {
		t.Errorf("held requests are not seen:\n%s", frame)
	}
	if d.s.bell {
		t.Error("the bell rings for what waited before the screen opened")
	}
	d.press("5")
	d.event(event.Event{Kind: event.KindAsk, Ask: &event.Ask{
		ID: "a1", State: event.AskWaiting, Agent: "coder", Operation: "open", Target: "/x/\x1b[2J\u202ey", Count: 1, Deadline: demoTime(60),
	}})
	frame := d.frame()
	if !strings.Contains(frame, "coder asks: open /x/") || strings.Contains(frame, "\u202e") || strings.Contains(frame, "\x1b[2J") {
		t.Errorf("a new held request is not seen, or raw:\n%q", frame)
	}
	if !d.s.bell || d.s.title() != "(4 asks) openclaw" {
		t.Errorf("bell %v, title %q", d.s.bell, d.s.title())
	}
	d.s.bell = false
	d.event(event.Event{Kind: event.KindAsk, Ask: &event.Ask{ID: "a2", State: event.AskWaiting, Count: 1, Deadline: demoTime(60)}})
	if d.s.bell {
		t.Error("a burst rings twice")
	}
	d.s.resize(30, 5)
	if frame := d.frame(); !strings.Contains(frame, "? 5 asks") {
		t.Errorf("a small screen does not say that requests wait: %q", frame)
	}
}

// What each key sends, seen from the person's side.
func TestAnswersFromTheScreen(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want string
	}{
		{"allow once", []string{"3", "a"}, "allow 4f2a91 once exact"},
		{"deny", []string{"3", "d"}, "deny 4f2a91"},
		{"from another view", []string{"5", "n", "a"}, "allow 4f2a91 once exact"},
		{"the second", []string{"5", "n", "n", "a"}, "allow 9e33a0 once exact"},
		{"round to the first", []string{"n", "n", "n", "n", "d"}, "deny 4f2a91"},
		{"for the run", []string{"3", "s", "a", "y"}, "allow 4f2a91 run exact"},
		{"every port", []string{"3", "m", "a", "y"}, "allow 4f2a91 run host"},
		{"always, once confirmed", []string{"3", "s", "s", "a", "y"}, "allow 4f2a91 always exact"},
		{"always, the wider rule", []string{"3", "s", "s", "m", "a", "y"}, "allow 4f2a91 always host"},
		{"always, not confirmed", []string{"3", "s", "s", "a", "enter"}, ""},
		{"always, a held key", []string{"3", "s", "s", "a", "a", "a", "n"}, ""},
		{"always, pasted", []string{"3", "s", "s", "a", "paste:y"}, ""},
		{"never always", []string{"3", "j", "s", "s", "s", "a", "y"}, "allow 9e33a0 run exact"},
		{"a scope is for one ask", []string{"3", "s", "s", "j", "k", "a"}, "allow 4f2a91 once exact"},
		{"with a note", []string{"3", "c", "type:not now", "enter"}, "deny 4f2a91   not now"},
		{"no note after all", []string{"3", "c", "type:not now", "esc"}, ""},
		{"all of the agent and kind", []string{"3", "A", "y"}, "allow 4f2a91, allow c0ffee"},
		{"all, not confirmed", []string{"3", "D", "space"}, ""},
		{"the marked ones", []string{"3", "space", "space", "D", "y"}, "deny 4f2a91, deny 9e33a0"},
		{"missed, for the next time", []string{"3", "/", "type:state:missed", "enter", "s", "a", "y"}, "allow 1b90e4 always exact"},
		{"missed is not denied twice", []string{"3", "/", "type:state:missed", "enter", "d"}, ""},
		{"enter, space, esc, tab", []string{"3", "enter", "enter", "esc", "space", "tab", "tab", "esc"}, ""},
		{"pasted text", []string{"3", "paste:a", "paste:d"}, ""},
		{"not in another view", []string{"3", "1", "a", "d"}, ""},
		{"not under the help", []string{"3", "?", "a"}, ""},
		{"not through the palette", []string{"3", ":", "type:allow the", "enter"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, b := inboxAt(t, 120, 36)
			d.press(c.keys...)
			if got := strings.Join(b.told, ", "); got != c.want {
				t.Errorf("told %q, want %q\n%s", got, c.want, strip(d.frame()))
			}
		})
	}
}

// The rule is in sight, to the file and the line, before a key can write it.
func TestTheRuleIsShownBeforeItIsWritten(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		d, b := inboxAt(t, size[0], size[1])
		frame := strip(d.press("3", "s", "s", "m"))
		if strings.Contains(frame, "a show the whole rule") {
			frame = strip(d.press("a"))
		}
		if !strings.Contains(frame, "+ network:") || !strings.Contains(frame, "+   allowed_domains:") || !strings.Contains(frame, "+     - registry.example.test") || !strings.Contains(frame, "agents.coder") || !strings.Contains(frame, "config.yaml:26") ||
			!strings.Contains(frame, "would also match") {
			t.Errorf("%v: the rule is not in sight:\n%s", size, frame)
		}
		if frame = strip(d.press("a")); !strings.Contains(frame, "Write - registry.example.test into ") || !strings.Contains(frame, "omains, config.yaml:26?") {
			t.Errorf("%v: no question, or not about what:\n%s", size, frame)
		}
		d.press("y")
		if frame = strip(d.frame()); len(b.told) != 1 || !strings.Contains(frame, "undo (30 s)") && !strings.Contains(frame, "undo (31 s)") {
			t.Errorf("%v: told %v, and no way back:\n%s", size, b.told, frame)
		}
		if frame = strip(d.press("u")); !strings.Contains(frame, "taken back") {
			t.Errorf("%v: not taken back:\n%s", size, frame)
		}
	}
}

// A rule that is longer than its place is opened over the whole screen by a, and
// not written unseen.
func TestARuleIsNotWrittenUnseen(t *testing.T) {
	d, b := inboxAt(t, 80, 24)
	d.press("3", "s", "s")
	key := view.PreviewKey{ID: "4f2a91", Match: "exact"}
	p := d.s.data.Previews[key]
	for i := range 10 {
		p.Lines = append(p.Lines, "+          - line"+strconv.Itoa(i))
	}
	d.s.data.Previews[key] = p
	if frame := strip(d.frame()); !strings.Contains(frame, "more lines: enter shows all") || strings.Contains(frame, "line9") {
		t.Errorf("it does not say that there is more:\n%s", frame)
	}
	if frame := strip(d.press("a")); strings.Contains(frame, "Write - line9 into ") || !strings.Contains(frame, "line9") || len(b.told) > 0 {
		t.Errorf("told %v, or the rule is not in sight:\n%s", b.told, frame)
	}
	if frame := strip(d.press("a")); !strings.Contains(frame, "Write - line9 into ") || !strings.Contains(frame, "line9") {
		t.Errorf("no question:\n%s", frame)
	}
	d.press("y")
	if told := strings.Join(b.told, ", "); told != "allow 4f2a91 always exact" {
		t.Errorf("told %q", told)
	}
}

// What y writes is what was shown: where the config changed in between it writes nothing.
func TestARuleThatChangedSinceItWasShownIsNotWritten(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3", "s", "s", "a")
	key := view.PreviewKey{ID: "4f2a91", Match: "exact"}
	p := d.s.data.Previews[key]
	p.Where = "config.yaml:90"
	d.s.data.Previews[key] = p
	if d.press("y"); len(b.told) > 0 {
		t.Errorf("told %q", b.told)
	}
	if d.press("a", "y"); len(b.told) != 1 {
		t.Errorf("shown anew it is not written: %q", b.told)
	}
}

// Over a slow line keys come in bursts. How far an answer goes is chosen by them as by
// single ones, and stays chosen; none of them answers.
func TestABurstOfKeysChoosesHowFarAnAnswerGoes(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3")
	d.s.key(view.Key{Text: []rune("ssa")})
	if frame := strip(d.frame()); !strings.Contains(frame, "[always]") || len(b.told) > 0 || strings.Contains(frame, "y does it") {
		t.Errorf("told %q:\n%s", b.told, frame)
	}
	d.press("z") // no key of this view
	if frame := strip(d.press("a")); !strings.Contains(frame, "into agents.coder") {
		t.Errorf("the choice was lost:\n%s", frame)
	}
	if frame := strip(d.press("n", "j")); !strings.Contains(frame, "[once]") {
		t.Errorf("the choice goes on to another request:\n%s", frame)
	}
}

func TestSomebodyElseWasFirst(t *testing.T) {
	d, b := inboxAt(t, 100, 30)
	b.late = true
	if frame := strip(d.press("3", "a")); !strings.Contains(frame, "answered already: denied by openclaw deny") {
		t.Errorf("it looks as if this answer counted:\n%s", frame)
	}
}

func TestAReadOnlyScreenAnswersNothing(t *testing.T) {
	b := &inboxBackend{Demo: NewDemo()}
	o := Options{Backend: b, ReadOnly: true, Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(false, false))}
	d.s.instant = func() time.Time { return d.at }
	d.s.resize(120, 36)
	d.s.feed.setLink(view.Link{Up: true})
	d.press("3", "a", "d", "A", "y", "c", "type:x", "enter", "s", "u")
	if frame := strip(d.frame()); len(b.told) != 0 || !strings.Contains(frame, "read-only") {
		t.Errorf("told %v\n%s", b.told, frame)
	}
}

// Keys that answer sleep until the ask has been in sight for 400 ms, and again
// after each key that came too early. A key that is held down, or a line that
// was typed for something else, answers nothing; nor does what arrives move the
// selection under a finger.
func TestKeysThatAnswerSleep(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		told  int
	}{{0, 0}, {399 * time.Millisecond, 0}, {400 * time.Millisecond, 1}, {time.Second, 1}} {
		d, b := inboxAt(t, 100, 30)
		d.press("3")
		d.at = d.at.Add(c.after)
		d.s.key(view.Key{Text: []rune("a")})
		d.frame()
		if len(b.told) != c.told {
			t.Errorf("after %v: told %v", c.after, b.told)
		}
	}
	d, b := inboxAt(t, 100, 30)
	d.press("3")
	for range 50 { // a held key repeats every 30 ms
		d.s.key(view.Key{Text: []rune("a")})
		d.frame()
		d.at = d.at.Add(30 * time.Millisecond)
	}
	d.press("1", "3")
	d.s.key(view.Key{Text: []rune("ad")})
	d.frame()
	d.at = d.at.Add(time.Hour)
	for _, r := range "zfzxd" { // letters in a row, the first of which mean nothing here
		d.s.key(view.Key{Text: []rune{r}})
		d.frame()
		d.at = d.at.Add(50 * time.Millisecond)
	}
	if len(b.told) != 0 {
		t.Errorf("told %v", b.told)
	}
}

// FuzzArming plays any mix of keys, arrivals, ends of asks and waits. An answer
// may only ever be about the ask that was in sight, selected, for 400 ms before.
func FuzzArming(f *testing.F) {
	f.Add([]byte("3aaaajjjkad"))
	f.Add([]byte{'3', 200, 'a', 1, 'a', 40, 'a', 'n', 'd', 255, 'd'})
	f.Add([]byte("3ssay3mdD y"))
	for i := range 20 {
		r := rand.New(rand.NewPCG(uint64(i), 7))
		seed := make([]byte, 60)
		for j := range seed {
			seed[j] = byte(r.IntN(256))
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		b := &inboxBackend{Demo: NewDemo()}
		b.now = demoTime(28)
		d := newDriver(t, b, false, 100, 30)
		var shown string // the ask that is selected and in sight
		var since time.Time
		look := func() {
			frame := strip(d.frame())
			d.frames = d.frames[:0]
			id := ""
			if _, rest, found := strings.Cut(frame, "─ ask "); found && d.s.over == overlayNone && d.s.current == view.Denials {
				id, _, _ = strings.Cut(rest, ":")
			}
			if id != shown {
				shown, since = id, d.at
			}
		}
		look()
		for i, step := range steps[:min(len(steps), 200)] {
			before, awake := len(b.told), d.at.Sub(since) >= view.ArmDelay
			question := d.s.denials.Captures() // y, or the words of a note
			switch {
			case step < 32: // time goes by
				d.at = d.at.Add(time.Duration(step) * 25 * time.Millisecond)
			case step < 127:
				d.s.key(view.Key{Text: []rune{rune(step)}})
			case step < 190: // one arrives
				row := event.Ask{
					ID: "n" + strings.Repeat("x", i%5) + string(rune('a'+step%26)), State: event.AskWaiting, Agent: "coder", Class: policy.ClassNet,
					Operation: "connect", Target: "h:1", Count: 1, First: demoTime(i), Deadline: demoTime(90), Matches: []string{"exact", "host"},
				}
				d.s.feed.push(event.Event{Ask: &row})
			case step < 230: // one is over
				row := b.world.asks[int(step)%len(b.world.asks)]
				row.State = event.AskGone
				d.s.feed.push(event.Event{Ask: &row})
			default:
				d.s.key(view.Key{Name: []string{"enter", "esc", "up", "down", "tab", "end"}[int(step)%6]})
			}
			was := shown
			look()
			if len(b.told) == before {
				continue
			}
			if !question && !awake {
				t.Fatalf("step %d (%q): %q although %s was not in sight for long enough", i, step, b.told[before:], was)
			}
			if !question && step != 'a' && step != 'd' {
				t.Fatalf("step %d (%q): %q", i, step, b.told[before:])
			}
			if !question && (len(b.told) != before+1 || !strings.Contains(b.told[before], " "+was)) {
				t.Fatalf("step %d (%q): %q, but %s was in sight", i, step, b.told[before:], was)
			}
		}
	})
}

// A widening says what else it would have let through.
func TestWideningCountsWhatItWouldHaveMatched(t *testing.T) {
	d, _ := inboxAt(t, 120, 36)
	for i, target := range []string{"registry.example.test:80", "registry.example.test:8080", "other.example.test:443"} {
		row := demoDenial("w"+target, 20+i, 1, "coder", policy.ClassNet, "connect", target, "node", builtIn("x"), "not in allowed_domains", "egress")
		d.event(event.Event{Denial: &row})
	}
	if frame := strip(d.press("3", "s")); !strings.Contains(frame, "would also match 0 asks and 0 denials") {
		t.Errorf("the exact target:\n%s", frame)
	}
	if frame := strip(d.press("m")); !strings.Contains(frame, "would also match 0 asks and 2 denials") {
		t.Errorf("the host:\n%s", frame)
	}
}

func TestPlainModeAnswers(t *testing.T) {
	b := &inboxBackend{Demo: NewDemo()}
	b.now = demoTime(28)
	got, _ := runPlainWith(t, b, false, "asks", "allow", "allow 1 always", "allow 2", "deny 3 not before the release", "allow 1 run host", "undo",
		"allow 1 sometimes", "allow nosuch", "quit")
	for _, want := range []string{
		"ask: number 1, id 4f2a91, agent coder", "48 seconds left, then it is denied", "rule: would be written to config.yaml:26, in agents.coder.permissions.network.allowed_domains:",
		"rule: +      network:\nrule: +        allowed_domains:\nrule: +          - registry.example.test:443\n",
		"error: allow does not know the word sometimes", "done: taken back", "error: there is no such ask", "undo takes it back",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
	if told := strings.Join(b.told, ", "); told != "allow 9e33a0 once, deny c0ffee   not before the release, allow 4f2a91 run host, allow nosuch once" {
		t.Errorf("told %q", told)
	}
	b.told = nil
	if got, _ := runPlainWith(t, b, true, "allow 4f2a91", "deny 4f2a91", "undo", "quit"); len(b.told) != 0 || !strings.Contains(got, "no command allow") {
		t.Errorf("a read-only screen answers: %v\n%s", b.told, got)
	}
}

// Where the policy forbids "always" it is no choice, and why stands beside the others, also
// when nobody answered in time and "once" is none any more.
func TestWhyThereIsNoAlways(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}} {
		for _, state := range []string{event.AskWaiting, event.AskMissed, event.AskGone} {
			d := newDriver(t, NewDemo(), false, size[0], size[1])
			d.event(event.Event{Ask: &event.Ask{
				ID: "4f2a91", State: state, Agent: "coder", Run: "r7", Class: "net", Operation: "connect", Target: "a.example:22", First: demoTime(0), Last: demoTime(0),
				Count: 1, Waiting: 1, Deadline: demoTime(90), Matches: []string{"exact", "host"}, NoAlways: "never_always of agent coder lists net",
			}})
			frame := strip(d.press("3", "/", "type:target:a.example", "enter", "g"))
			if !strings.Contains(frame, "always: never_always of agent coder") || strings.Contains(frame, "[always]") || !strings.Contains(frame, "a allow") {
				t.Errorf("%v, %s:\n%s", size, state, frame)
			}
		}
	}
}
