package tui

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// startNothing is the start of a run in tests that are not about it.
func startNothing(context.Context, string, []string) (string, error) { return "r8", nil }

// starter notes what is to be started and started again.
type starter struct {
	*Demo
	told   []string
	output []event.Output
	fails  error
}

func (b *starter) RestartRun(_ context.Context, run string) error {
	b.told = append(b.told, "restart "+run)
	return b.fails
}

func (b *starter) RunOutput(_ context.Context, run string, cursor int64, _ int) (event.Output, error) {
	if b.fails != nil {
		return event.Output{}, b.fails
	}
	if int(cursor) >= len(b.output) {
		return event.Output{Run: run, Cursor: cursor}, nil
	}
	out := b.output[cursor]
	out.Cursor = cursor + 1
	return out, nil
}

func (b *starter) start(_ context.Context, agent string, command []string) (string, error) {
	b.told = append(b.told, agent+"|"+strings.Join(command, "|"))
	return "r8", b.fails
}

func startAt(t *testing.T, width, height int) (*driver, *starter) {
	t.Helper()
	b := &starter{Demo: NewDemo()}
	d := newDriver(t, b, false, width, height)
	d.s.start = b.start
	return d, b
}

// A command is started from the screen as a shell would read it, and nothing is
// before enter.
func TestARunIsStartedFromTheScreen(t *testing.T) {
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"enter"}, `coder|sh|-c|npm install && npm test`}, // the command of its last run
		{[]string{"ctrl+u", "enter"}, "coder|"},
		{[]string{"ctrl+u", `type:make "a b" 'c"d' e\ f`, "enter"}, `coder|make|a b|c"d|e f`},
		{[]string{"ctrl+u", "type:make 'open", "enter"}, ""},
		{[]string{"ctrl+u", `type:make \`, "enter"}, ""},
		{[]string{"esc", "enter"}, ""},
		{[]string{"ctrl+u", "type:x", "esc"}, ""},
	} {
		d, b := startAt(t, 120, 36)
		d.press("4", "s")
		if frame := strip(d.frame()); !strings.Contains(frame, "start coder: sh -c 'npm install && npm test'") || len(b.told) > 0 {
			t.Fatalf("%v:\n%s", b.told, frame)
		}
		d.press(c.keys...)
		if got := strings.Join(b.told, ", "); got != c.want {
			t.Errorf("%v: told %q, want %q\n%s", c.keys, got, c.want, strip(d.frame()))
		}
	}
	d, b := startAt(t, 80, 24)
	b.output = []event.Output{{Lines: []string{"one"}}, {Lines: []string{"two \x1b[31mred\x1b[m", "10%\r100%\r", "\u202e\x1b]0;x\ay"}}}
	d.press("4", "s", "enter")
	if frame := strip(d.frame()); !strings.Contains(frame, "output of run r8") || !strings.Contains(frame, "run r8 of coder goes on without a terminal") || !strings.Contains(frame, "one") {
		t.Errorf("its output is not in sight:\n%s", frame)
	}
	d.s.tick()
	frame := strip(d.frame())
	for _, want := range []string{"two red", " 100%", `\u{202e}y`} {
		if !strings.Contains(frame, want) || strings.Contains(frame, "10%\\r") || strings.ContainsAny(frame, "\x1b\u202e") {
			t.Errorf("no %q, or raw bytes:\n%q", want, frame)
		}
	}
	d, b = startAt(t, 80, 24)
	b.fails = errors.New("the cage refuses")
	if frame := strip(d.press("4", "s", "enter")); !strings.Contains(frame, "✗ not started: the cage refuses") {
		t.Errorf("it does not say why:\n%s", frame)
	}
	// A screen of another machine's gateway, and a read-only one, start nothing.
	d, b = startAt(t, 120, 36)
	d.s.start, d.s.data.Elsewhere = nil, true
	if frame := strip(d.press("4", "s")); !strings.Contains(frame, "openclaw agent run --detach coder, there") {
		t.Errorf("it does not say where:\n%s", frame)
	}
	d.s.data.Elsewhere, d.s.keys = false, view.NewKeys(view.Table(), true)
	d.press("s", "enter", "r", "y")
	if len(b.told) > 0 {
		t.Errorf("told %v", b.told)
	}
}

// A run is started again where it was started, after a yes; what cannot be
// started again says so, and what its supervisor can no more do is offered here.
func TestARunIsStartedAgain(t *testing.T) {
	run := func(terminal string, learning bool) event.Event {
		return event.Event{Agent: &event.Agent{Name: "coder", State: "running", Runs: []event.Run{{ID: "r7", Agent: "coder", Command: []string{"make"}, Terminal: terminal, Learning: learning}}}}
	}
	for _, c := range []struct {
		event event.Event
		says  string
		key   string
		want  string
	}{
		{run(event.OnTerminal, false), "start its command again, on the terminal where it runs?", "y", "restart r7"},
		{run(event.OnTerminal, false), "?", "enter", ""},
		{run(event.Kept, false), "start its command again, without a terminal as now?", "y", "restart r7"},
		{run(event.OnPipe, false), "its input is a pipe or a file", "y", ""},
		{run("", false), "cannot be started again from here", "y", ""},
		{run(event.OnTerminal, true), "or it learns", "y", ""},
	} {
		d, b := startAt(t, 120, 36)
		d.event(c.event)
		if frame := strip(d.press("4", "r")); !strings.Contains(frame, c.says) || len(b.told) > 0 {
			t.Errorf("no %q (%v):\n%s", c.says, b.told, frame)
		}
		d.press(c.key)
		if got := strings.Join(b.told, ", "); got != c.want {
			t.Errorf("%s, %s: told %q, want %q", c.says, c.key, got, c.want)
		}
	}
	d, b := startAt(t, 120, 36)
	d.press("4", "j", "j", "r") // its newest run has ended
	if frame := strip(d.frame()); !strings.Contains(frame, "start reviewer: review --all") {
		t.Errorf("an ended run is not offered:\n%s", frame)
	}
	d.press("enter")
	if got := strings.Join(b.told, ", "); got != "reviewer|review|--all" {
		t.Errorf("told %q", got)
	}
}

// Who looks at what a run says and starts it again sees what the new one says, once it is
// there. A run that others started takes nobody's sight.
func TestTheOutputFollowsARunThatIsStartedAgain(t *testing.T) {
	at := time.Date(2026, 11, 9, 12, 0, 0, 0, time.UTC)
	runs := func(ids ...string) event.Event {
		a := event.Agent{Name: "coder", State: "running"}
		for i, id := range ids {
			r := event.Run{ID: id, Agent: "coder", Command: []string{"make"}, Terminal: event.Kept, Started: at.Add(time.Duration(i) * time.Second)}
			if i < len(ids)-1 {
				r.Ended, r.Exit = at.Add(time.Minute), "exit 0"
			}
			a.Runs = append(a.Runs, r)
		}
		return event.Event{Agent: &a}
	}
	for _, c := range []struct {
		keys []string
		want string
	}{
		{[]string{"r", "y"}, "output of run r8"},
		{[]string{"r", "n"}, "output of run r7"},
		{nil, "output of run r7"},
		{[]string{"r", "y", "esc"}, "AGENT"},
	} {
		d, _ := startAt(t, 120, 36)
		d.event(runs("r7"))
		d.press("4", "o")
		d.press(c.keys...)
		d.s.tick()
		if frame := strip(d.frame()); strings.Contains(frame, "r8") || c.want != "AGENT" && !strings.Contains(frame, "output of run r7") {
			t.Errorf("%v, before the new run:\n%s", c.keys, frame)
		}
		d.event(runs("r7", "r8"))
		d.s.tick()
		if frame := strip(d.frame()); !strings.Contains(frame, c.want) {
			t.Errorf("%v: no %q:\n%s", c.keys, c.want, frame)
		}
		d.event(runs("r7", "r8", "r9"))
		d.s.tick()
		if frame := strip(d.frame()); strings.Contains(frame, "output of run r9") {
			t.Errorf("%v: another's run came into sight:\n%s", c.keys, frame)
		}
	}
}

// The output scrolls, follows, is bounded, and says when there is none.
func TestTheOutputOfARun(t *testing.T) {
	d, b := startAt(t, 80, 24)
	lines := make([]string, view.MaxOutput+100)
	for i := range lines {
		lines[i] = "line " + strings.Repeat("x", i%200)
	}
	lines[len(lines)-1] = "the last"
	b.output = []event.Output{
		{Lines: lines, Truncated: true}, {Lines: []string{"after it"}, Open: "\x1b[1mGo on?\x1b[m [y/N] "}, {Lines: []string{"anew"}, Reset: true},
	}
	frame := strip(d.press("4", "j", "j", "o"))
	sound(t, d.frame(), 80, 24)
	if !strings.Contains(frame, "the last") || !strings.Contains(frame, "5000 lines") || !strings.Contains(frame, "ended, exit 0") {
		t.Errorf("not the newest lines:\n%s", frame)
	}
	if frame := strip(d.press("pgup")); strings.Contains(frame, "the last") || !strings.Contains(frame, "lines below: G") {
		t.Errorf("it does not scroll:\n%s", frame)
	}
	d.press("G")
	d.s.tick()
	if frame := strip(d.frame()); !strings.Contains(frame, "after it") || !strings.Contains(frame, "Go on? [y/N]") {
		t.Errorf("it does not follow:\n%s", frame)
	}
	d.s.tick()
	if frame := strip(d.frame()); !strings.Contains(frame, "anew") || strings.Contains(frame, "the last") || strings.Contains(frame, "Go on?") {
		t.Errorf("a new file is taken for the old one's end:\n%s", frame)
	}
	if frame := strip(d.press("esc")); !strings.Contains(frame, "AGENT") {
		t.Errorf("esc does not close it:\n%s", frame)
	}
	if frame := strip(d.press("g", "o")); !strings.Contains(frame, "no run of coder without a terminal") {
		t.Errorf("it does not say that there is none:\n%s", frame)
	}
	b.fails = errors.New("the file is gone")
	if frame := strip(d.press("G", "o")); !strings.Contains(frame, "✗ the file is gone") {
		t.Errorf("it does not say why:\n%s", frame)
	}
}

// A rule says how often it refused or connected, and nothing else is counted.
func TestRulesSayHowOftenTheyWereUsed(t *testing.T) {
	d := atWork(t, false, 120, 36)
	frame := strip(d.press("4", "enter"))
	for _, want := range []string{"config.yaml:23 75 ×", "config.yaml:24 1 ×", "× refused or connected; what a path rule allows is not counted"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	d.event(event.Event{Denial: &event.Denial{ID: "x", Agent: "coder", Count: 5, Origin: fromConfig(23, "agents.coder.permissions.network.allowed_domains")}})
	if frame := strip(d.frame()); !strings.Contains(frame, "config.yaml:23 80 ×") {
		t.Errorf("it does not count on:\n%s", frame)
	}
}

// The plain mode starts, restarts and shows in words.
func TestRunsInPlainWords(t *testing.T) {
	b := &starter{Demo: NewDemo(), output: []event.Output{{Lines: []string{"\x1b[1mhello\x1b[m"}, Open: "Go on? "}}}
	got, _ := runPlainStarting(t, b, b.start, "start", "start coder make 'a b'", "start coder 'x", "restart r7", "restart r7 yes", "output", "output r6", "quit")
	for _, want := range []string{
		"error: start AGENT, then a command", "run: run r8 of coder goes on without a terminal", "error: a quote is not closed",
		"error: restart RUN yes", "run: the run's supervisor was told", "error: output RUN", "output: hello", "output: Go on?", "output: 1 lines of run r6",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q:\n%s", want, got)
		}
	}
	if told := strings.Join(b.told, ", "); told != "coder|make|a b, restart r7" {
		t.Errorf("told %q", told)
	}
}

// A key that can do nothing says what to do instead.
func TestKeysOfTheAgentsSayWhatToDo(t *testing.T) {
	for _, c := range []struct {
		none bool // no agent
		keys []string
		says string
	}{
		{true, []string{"o"}, "there is no agent yet: a adds one"},
		{true, []string{"s"}, "there is no agent yet"},
		{true, []string{"r"}, "there is no agent yet"},
		{true, []string{"t"}, "there is no agent yet"},
		{true, []string{"x"}, "there is no agent yet"},
		{true, []string{"K"}, "there is no agent yet"},
		{false, []string{"o"}, "no run of coder without a terminal, whose output is kept: s starts one"},
		{false, []string{"j", "x"}, "no run of legacy goes on: s starts one"},
		{false, []string{"j", "r"}, "start legacy: "},
	} {
		d, b := startAt(t, 120, 36)
		if c.none {
			b.world.agents = nil
			d.s.load()
		}
		if frame := strip(d.press(append([]string{"4"}, c.keys...)...)); !strings.Contains(frame, c.says) || len(b.told) > 0 {
			t.Errorf("%v: no %q:\n%s", c.keys, c.says, frame)
		}
	}
}

// An unlock with an end says when that is.
func TestAnUnlockedVaultSaysUntilWhen(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 200, 60)
	d.s.data.Store = event.SecretStore{Backend: "vault", State: "unlocked", Until: demoTime(28 + 90)}
	d.s.dirty = true
	frame := strip(d.press("6"))
	for _, want := range []string{"vault unlocked, 1:30 left", "unlocked until " + demoTime(28+90).Format("15:04:05") + ", 1:30 left"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	d.s.data.Store.Until = demoTime(28 + 30*3600)
	d.s.dirty = true
	if frame = strip(d.press("6")); !strings.Contains(frame, "until "+demoTime(28+30*3600).Format("2006-01-02 15:04:05")+", 1d left") {
		t.Errorf("not which day:\n%s", frame)
	}
}
