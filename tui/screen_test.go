package tui

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// driver runs a screen without a terminal: tasks run at once, frames are text.
type driver struct {
	t      testing.TB
	s      *screen
	frames []string
	at     time.Time // the clock that only goes forward: a second for each key
}

func newDriver(tb testing.TB, b Backend, color bool, width, height int) *driver {
	tb.Helper()
	o := Options{Backend: b, Version: "test", Now: func() time.Time { return demoTime(28) }, Start: startNothing, Tokens: newTokens(), Importer: newKeysInFiles().importer()}
	d := &driver{t: tb, s: newScreen(&o, newFeed(feedSize), view.NewTheme(color, false))}
	d.s.instant = func() time.Time { return d.at }
	d.s.resize(width, height)
	d.s.feed.setLink(view.Link{Up: true, Tried: true})
	d.frame()
	return d
}

// frame takes in what came and runs what is queued until nothing is.
func (d *driver) frame() string {
	d.t.Helper()
	for range 20 {
		d.s.frame()
		tasks := d.s.pending
		d.s.pending = nil
		for _, task := range tasks {
			if apply := task(context.Background()); apply != nil {
				apply()
			}
		}
		if len(tasks) == 0 {
			break
		}
	}
	d.s.dirty = true
	out := d.s.view()
	d.frames = append(d.frames, out)
	return out
}

func (d *driver) event(events ...event.Event) *driver {
	for _, e := range events {
		d.s.feed.push(view.Clean(e))
	}
	d.frame()
	return d
}

// press sends keys by name; "type:abc" types and "paste:abc" pastes.
func (d *driver) press(keys ...string) string {
	d.t.Helper()
	for _, k := range keys {
		d.at = d.at.Add(time.Second)
		switch {
		case strings.HasPrefix(k, "type:"):
			for _, r := range strings.TrimPrefix(k, "type:") {
				d.s.key(view.Key{Text: []rune{r}})
				d.frame()
			}
		case strings.HasPrefix(k, "paste:"):
			d.s.key(view.Key{Text: []rune(strings.TrimPrefix(k, "paste:")), Paste: true})
		case len([]rune(k)) == 1:
			d.s.key(view.Key{Text: []rune(k)})
		default:
			d.s.key(view.Key{Name: k})
		}
		d.frame()
	}
	return d.frame()
}

// atWork is the demo with its whole script played.
func atWork(tb testing.TB, color bool, width, height int) *driver {
	tb.Helper()
	demo := NewDemo()
	d := newDriver(tb, demo, color, width, height)
	for i := range demo.script {
		demo.seq++
		demo.script[i].Seq = demo.seq
	}
	return d.event(demo.script...)
}

// noAsks is the demo at work with nothing held.
func noAsks(tb testing.TB, color bool, width, height int) *driver {
	tb.Helper()
	demo := NewDemo()
	demo.world.asks = nil
	d := newDriver(tb, demo, color, width, height)
	return d.event(demo.script...)
}

func strip(s string) string {
	for _, seq := range []string{"\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		s = strings.ReplaceAll(s, seq, "")
	}
	return s
}

// sound fails when a frame could do more than show text and colour, or does not
// fit the window.
func sound(tb testing.TB, frame string, width, height int) {
	tb.Helper()
	lines := strings.Split(strip(frame), "\n")
	if len(lines) > max(height, 1) {
		tb.Fatalf("%d lines in %d rows", len(lines), height)
	}
	for _, line := range lines {
		if w := ansi.StringWidth(line); w > width {
			tb.Fatalf("%d cells in %d: %q", w, width, line)
		}
		for _, r := range line {
			if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
				tb.Fatalf("%U is left in %q", r, line)
			}
		}
	}
}

// Without colour, the selected row and every state must still be there as text.
func TestStatesAreWordsNotColours(t *testing.T) {
	d := atWork(t, false, 80, 24)
	for _, s := range []struct {
		keys  []string
		words []string
	}{
		{[]string{"1"}, []string{"running", "invalid", "stopped", "rejected", "deny"}},
		{[]string{"2"}, []string{"›", "open", "stream", "refused"}},
		{[]string{"3"}, []string{"› ", "deny", "built-in"}},
		{[]string{"6"}, []string{"›", "stored", "missing", "unlocked"}},
		{[]string{"8"}, []string{"REJECTED"}},
	} {
		frame := d.press(s.keys...)
		for _, w := range s.words {
			if w == "built-in" {
				frame = d.press("G")
			}
			if !strings.Contains(strip(frame), w) {
				t.Errorf("%v: %q is not there", s.keys, w)
			}
		}
		if strings.Contains(frame, "\x1b[3") {
			t.Errorf("%v: a colour in the frame", s.keys)
		}
	}
	if frame := d.press("3"); !strings.Contains(frame, "\x1b[7m") {
		t.Error("the selected row is not reversed")
	}
}

func TestResizeStorm(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	d := noAsks(t, true, 120, 36)
	d.press("3", "j", "j")
	selected := strings.Contains(d.frame(), "denial d4")
	for i := range 300 {
		width, height := 1+r.IntN(300), 1+r.IntN(100)
		if i%10 == 0 {
			width, height = 1+r.IntN(3), 1+r.IntN(3)
		}
		d.s.resize(width, height)
		sound(t, d.frame(), width, height)
		d.s.key(view.Key{Text: []rune{rune("12345678?jkqopmwvO"[r.IntN(18)])}})
		sound(t, d.frame(), width, height)
		d.s.key(view.Key{Name: "esc"})
		d.s.quit = false
	}
	d.s.resize(120, 36)
	d.press("esc", "3")
	_ = selected
	if !selected {
		t.Error("the denial under test was not selected to begin with")
	}
}

func TestSelectionSurvivesResizeAndArrivals(t *testing.T) {
	d := noAsks(t, true, 120, 36)
	d.press("3", "j", "j")
	for i := range 40 {
		row := demoDenial(fmt.Sprint("new", i), 40+i, 1, "coder", "net", "connect", "a.example:1", "sh", builtIn("x"), "r", "egress")
		d.event(event.Event{Kind: event.KindDenial, Denial: &row})
		d.s.resize(60+i, 16+i%20)
		if frame := d.frame(); !strings.Contains(strip(frame), "denial d4") {
			t.Fatalf("after %d arrivals another denial is selected:\n%s", i+1, strip(frame))
		}
	}
}

func TestReadOnlyOffersNoChange(t *testing.T) {
	o := Options{Backend: NewDemo(), ReadOnly: true, Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(true, false))}
	d.s.resize(100, 40)
	d.s.feed.setLink(view.Link{Up: true})
	d.frame()
	for _, keys := range [][]string{{"6", "a"}, {"6", "d"}, {"6", "v"}, {"8", "r"}} {
		d.press(keys...)
		if d.s.captures() || len(d.s.pending) > 0 {
			t.Errorf("%v did something", keys)
		}
	}
	d.press("q", "s")
	if d.s.quit || d.s.outcome.StopGateway {
		t.Error("a read-only screen stops the gateway")
	}
	if frame := strip(d.press("esc", "?")); strings.Contains(frame, "delete") || !strings.Contains(frame, "read-only") {
		t.Error("help offers what a read-only screen cannot do")
	}
}

func TestQuitAsksAndLeavesByDefault(t *testing.T) {
	for _, c := range []struct {
		key  string
		quit bool
		stop bool
	}{{"enter", true, false}, {"l", true, false}, {"s", true, true}, {"esc", false, false}, {"x", false, false}, {"q", true, false}} {
		d := atWork(t, true, 80, 24)
		if frame := strip(d.press("q")); !strings.Contains(frame, "agent coder (1)") || !strings.Contains(frame, "leave the gateway running") {
			t.Fatalf("q does not say what runs:\n%s", frame)
		}
		d.press(c.key)
		if d.s.quit != c.quit || d.s.outcome.StopGateway != c.stop {
			t.Errorf("%s: quit %v stop %v", c.key, d.s.quit, d.s.outcome.StopGateway)
		}
	}
}

func TestFrameBudget(t *testing.T) {
	d := atWork(t, true, 120, 40)
	for i := range view.MaxLogs {
		d.s.data.Logs.Push(event.LogLine{Time: demoTime(i), Level: "INFO", Source: "gateway", Message: "request"})
	}
	for _, key := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9"} {
		d.press(key)
		if n := testing.AllocsPerRun(20, func() { d.s.dirty = true; d.s.view() }); n > frameBudget {
			t.Errorf("view %s: %v allocations a frame, want at most %d", key, n, frameBudget)
		}
	}
}

func BenchmarkFrame(b *testing.B) {
	d := atWork(b, true, 120, 40)
	for i := range view.MaxLogs {
		d.s.data.Logs.Push(event.LogLine{Time: demoTime(i), Level: "INFO", Source: "gateway", Message: "request", Text: "agent=coder"})
	}
	for i, n := range view.Names() {
		b.Run(string(n), func(b *testing.B) {
			d.press(fmt.Sprint(i + 1))
			b.ReportAllocs()
			for b.Loop() {
				d.s.dirty = true
				d.s.view()
			}
		})
	}
}

// BenchmarkKeyToFrame is a key press with a frame's share of 10,000 events a
// second before it (a thirtieth of a second), in the inbox with 10,000 rows: what
// a person waits for besides the terminal.
func BenchmarkKeyToFrame(b *testing.B) {
	d := atWork(b, true, 120, 40)
	for i := range 10_000 {
		row := demoDenial(fmt.Sprint("k", i), i, 1, "coder", "net", "connect", fmt.Sprint("h", i, ".example:443"), "node", builtIn("x"), "not in allowed_domains", "egress")
		d.s.data.Denials.Put(&row)
	}
	d.press("3")
	events := make([]event.Event, 333)
	for i := range events {
		if i%10 == 0 {
			row := demoDenial(fmt.Sprint("k", i), 20_000, i, "coder", "net", "connect", fmt.Sprint("h", i, ".example:443"), "node", builtIn("x"), "not in allowed_domains", "egress")
			events[i].Denial = &row
		} else {
			line := demoLog(i, "INFO", "gateway", "request", "agent=coder")
			events[i].Log = &line
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range events {
			d.s.feed.push(events[i])
		}
		d.s.frame()
		d.s.key(view.Key{Text: []rune("j")})
		d.s.view()
		d.s.pending = d.s.pending[:0]
	}
}

type cured struct{ cure string }

func (c cured) Error() string { return "no editor" }
func (c cured) Hint() string  { return c.cure }

func TestErrorsComeWithTheirCure(t *testing.T) {
	failed := fmt.Errorf("call: %w", &Error{Op: "dial", Err: errors.New("refused"), Hint: "start the gateway"})
	if got, want := problemText(failed), "call: dial: refused. start the gateway"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"no cure", errors.New("plain"), "plain"},
		{"the outermost knows none", &Error{Op: "start", Err: fmt.Errorf("call: %w", failed)}, "start: call: call: dial: refused. start the gateway"},
		{"one of several", errors.Join(errors.New("first"), failed), "first; call: dial: refused. start the gateway"},
		{"a method, as failures of commands have one", cured{"set it, such as:\n  EDITOR=nano"}, "no editor. set it, such as: EDITOR=nano"},
		{"said already", &Error{Op: "dial", Err: errors.New("refused: start it"), Hint: "start it"}, "dial: refused: start it"},
	} {
		if got := problemText(c.err); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A chosen store that does not answer is never offered to be switched.
func TestStoreThatDoesNotAnswer(t *testing.T) {
	for _, c := range []struct {
		store       event.SecretStore
		key         string
		want, never string
	}{
		{event.SecretStore{Backend: "keychain", State: "unreachable", Detail: "no answer", Hint: "log in to a desktop"}, "a", "log in to a desktop", "Add secret"},
		{event.SecretStore{Backend: "keychain", State: "unreachable"}, "v", "never switched silently", "again"},
		{event.SecretStore{Backend: "keychain", State: "locked", Hint: "unlock the keyring"}, "u", "unlock the keyring", "passphrase"},
		{event.SecretStore{Backend: "vault", State: "locked"}, "u", "Unlock the vault", "Add secret"},
		{event.SecretStore{Backend: "vault", State: "locked"}, "a", "u unlocks it", "Add secret"},
		{event.SecretStore{State: "none"}, "v", "Create the encrypted vault", "Add secret"},
	} {
		demo := NewDemo()
		demo.world.overview.Store = c.store
		d := newDriver(t, demo, true, 100, 30)
		frame := strip(d.press("6", c.key))
		if !strings.Contains(frame, c.want) || strings.Contains(frame, c.never) {
			t.Errorf("%+v %s: want %q, not %q:\n%s", c.store, c.key, c.want, c.never, frame)
		}
	}
}

func TestAStoredSecretIsTheSelectedOne(t *testing.T) {
	d := atWork(t, true, 120, 36)
	d.press("6", "j", "j", "a", "type:a-new-one", "enter", "type:sk", "enter")
	d.event(event.Event{Secret: &event.Secret{Name: "a-new-one", Store: "keychain"}})
	if frame := strip(d.frame()); !strings.Contains(frame, "› a-new-one") {
		t.Errorf("another one is selected, and the next key would act on it:\n%s", frame)
	}
}
