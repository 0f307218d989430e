package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"github.com/charmbracelet/x/ansi"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

var update = flag.Bool("update", false, "write the golden files anew") //nolint:gochecknoglobals // a test flag

// driver runs a screen without a terminal: tasks run at once, frames are text.
type driver struct {
	t      testing.TB
	s      *screen
	frames []string
	at     time.Time // the clock that only goes forward: a second for each key
}

func newDriver(tb testing.TB, b Backend, color bool, width, height int) *driver {
	tb.Helper()
	o := Options{Backend: b, Version: "test", Now: func() time.Time { return demoTime(28) }, Start: startNothing, Tokens: newTokens()}
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

type scene struct {
	name string
	keys []string
}

func scenes() []scene {
	return []scene{
		{"overview", []string{"1"}},
		{"connections", []string{"2"}},
		{"connections, close", []string{"G", "x"}},
		{"overview mechanisms", []string{"n", "1", "m"}},
		{"ask", []string{"m", "3"}},
		{"ask, always", []string{"s", "s"}},
		{"ask, always, confirm", []string{"a"}},
		{"ask, folder, no always", []string{"x", "j", "m"}},
		{"ask, run, confirm", []string{"a"}},
		{"ask, note", []string{"x", "c", "type:not yet"}},
		{"ask, many", []string{"esc", "A"}},
		{"ask, why", []string{"x", "w"}},
		{"ask missed", []string{"w", "type:jjj", "type:jjjjj"}},
		{"denials", []string{"g", "j", "j", "j"}},
		{"denial, rule", []string{"a"}},
		{"denial, rule, domain", []string{"m", "m"}},
		{"denial, rule, confirm", []string{"a"}},
		{"denials built-in", []string{"x", "esc", "j", "j", "j"}},
		{"denials full", []string{"enter"}},
		{"denials filter", []string{"esc", "/", "type:op:connect since:1h", "enter"}},
		{"filter, save", []string{"S", "type:network"}},
		{"filter, save, confirm", []string{"enter"}},
		{"denials, sorted, still", []string{"esc", "\\", "o", "o", "p"}},
		{"agents", []string{"p", "o", "o", "o", "\\", "4"}},
		{"agents, all rules", []string{"space"}},
		{"agents, test", []string{"space", "t", "type:connect registry.example.test:443", "enter"}},
		{"agents, stop", []string{"x"}},
		{"agents, restart", []string{"n", "r"}},
		{"agents, start", []string{"n", "esc", "s", "ctrl+u", "type:make 'all of it"}},
		{"agents, output", []string{"esc", "j", "j", "o"}},
		{"logs", []string{"esc", "g", "5"}},
		{"logs, searched", []string{"s", "type:src:gateway", "enter", "N"}},
		{"logs, which time", []string{"esc", "G", "f", "t"}},
		{"logs, folded, of 15 minutes", []string{"2"}},
		{"logs again", []string{"f", "t", "6"}},
		{"logs, wrapped", []string{"w"}},
		{"logs, a record as JSON", []string{"w", "G", "v"}},
		{"logs, errors", []string{"v", "e"}},
		{"secrets", []string{"e", "6"}},
		{"secrets add, name", []string{"a"}},
		{"secrets add", []string{"enter", "type:sk-1234"}},
		{"secrets delete", []string{"esc", "d"}},
		{"secrets, marked, delete", []string{"n", "m", "j", "j", "m", "d"}},
		{"secrets rotate", []string{"n", "esc", "g", "R"}},
		{"token", []string{"esc", "G"}},
		{"token, revoke", []string{"d"}},
		{"token, new, scopes", []string{"n", "t", "type:ci", "enter", "right", "space"}},
		{"token, new, where", []string{"enter", "enter"}},
		{"token, new, file", []string{"2", "enter"}},
		{"audit", []string{"esc", "g", "7"}},
		{"audit, checked", []string{"r"}},
		{"config", []string{"8"}},
		{"config, validated", []string{"v"}},
		{"config, compare", []string{"d"}},
		{"config, roll back", []string{"d", "R"}},
		{"config, roll back, confirm", []string{"R"}},
		{"chat", []string{"n", "esc", "9"}},
		{"chat, saying", []string{"i", "type:make them faster"}},
		{"config again", []string{"esc", "8"}},
		{"help", []string{"?"}},
		{"palette", []string{"esc", ":", "type:co"}},
		{"quit", []string{"esc", "q"}},
	}
}

func TestGoldenScreens(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		for _, color := range []bool{true, false} {
			var all strings.Builder
			add := func(name, frame string) {
				sound(t, frame, size[0], size[1])
				if color {
					frame = strip(frame)
				} else {
					frame = strings.ReplaceAll(frame, "\x1b", "␛")
				}
				fmt.Fprintf(&all, "=== %s\n%s\n", name, frame)
			}
			d := atWork(t, color, size[0], size[1])
			d.s.saveFilter = new(saver).save
			for _, s := range scenes() {
				add(s.name, d.press(s.keys...))
			}
			first := newDriver(t, NewDemoFirstRun(), color, size[0], size[1])
			add("first run", first.frame())
			add("first run, no agents", first.press("4"))
			add("first run, add an agent", first.press("a"))
			add("first run, add an agent, lines", first.press("enter", "enter", "type:proxy.golang.org", "enter"))
			add("first run, no store", first.press("esc", "6"))
			add("first run, vault", first.press("v", "type:correct horse", "enter", "type:corr"))
			kind := "text"
			if !color {
				kind = "nocolor"
			}
			golden(t, fmt.Sprintf("screens-%dx%d-%s.golden", size[0], size[1], kind), all.String())
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got == string(want) {
		return
	}
	g, w := strings.Split(got, "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Errorf("%s:%d\n got %q\nwant %q\n(go test ./tui -update writes it anew)", name, i+1, g[i], w[i])
			return
		}
	}
	t.Errorf("%s: %d lines, want %d", name, len(g), len(w))
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

func FuzzEventText(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J\x1b[H", "\u202etxt", "日本語\x00\n\r\t", "\xff\x9b1m", strings.Repeat("w", 5000), "🇩🇪é\u0301\u0301\u0301"} {
		f.Add(s, uint16(120), uint16(36))
	}
	f.Fuzz(func(t *testing.T, s string, w, h uint16) {
		width, height := int(w%200), int(h%60)
		d := newDriver(t, hostileBackend{NewDemo(), s}, true, width, height)
		d.event(hostileEvents(s)...)
		for _, key := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "?"} {
			d.s.key(view.Key{Text: []rune(key)})
			sound(t, d.frame(), width, height)
		}
		d.s.feed.setLink(view.Link{Tried: true, Problem: problemText(errors.New(s)), Attempt: 2})
		sound(t, d.frame(), width, height)
	})
}

func hostileEvents(s string) []event.Event {
	denial := event.Denial{ID: s, Count: 2, Agent: s, Run: s, Program: s, CommandLine: s, Operation: s, Target: s, Rule: s, Mechanism: s}
	denial.Origin.File, denial.Origin.Line, denial.Origin.Key = s, 3, s
	return []event.Event{
		{Denial: &denial},
		{Connection: &event.Connection{ID: s, Kind: s, From: s, Agent: s, Program: s, Client: s, Route: s, State: s, Detail: s, Auth: s}},
		{Agent: &event.Agent{
			Name: s, Role: s, State: s, Problem: s,
			Runs: []event.Run{{ID: s, Command: []string{s}, Warnings: []string{s}, NeedsRun: []string{s}, Mechanisms: []event.Mechanism{{Name: s, Fix: s, Detail: s}}}},
		}},
		{Config: &event.ConfigStatus{
			Path: s, Rejected: true, Problems: []event.Problem{{Line: 1, Key: s, Message: s}}, Diff: []string{s, "+" + s},
			History: []event.Applied{{By: s, Changes: []string{s}}},
		}},
		{Secret: &event.Secret{Name: s, Store: s, UsedBy: []string{s}}},
		{Log: &event.LogLine{Level: s, Source: s, Message: s, Text: s, Raw: s}},
		{Ask: &event.Ask{
			ID: s, State: event.AskWaiting, Agent: s, Run: s, Program: s, CommandLine: s, Operation: s, Target: s, Rule: s, Mechanism: s, Matches: []string{s, s},
			NoAlways: s,
		}},
		{Ask: &event.Ask{ID: "x" + s, State: s, Agent: s, Target: s, By: s, Note: s, Reason: s, Wrote: s, Where: s, Problem: s, Scope: s, Match: s}},
		{Chat: &event.Chat{Agent: "coder", Run: s, State: event.ChatDelta, Message: event.ChatMessage{Role: s, Lines: []string{s, s}, Model: s, Problem: s}}},
		{Chat: &event.Chat{Agent: "coder", Run: s, State: event.ChatError, Problem: s, Message: event.ChatMessage{Role: "assistant", Lines: []string{s}}}},
		{Notice: &event.Notice{Level: s, Text: s}},
	}
}

// hostileBackend answers every call with text from outside.
type hostileBackend struct {
	*Demo
	text string
}

func (b hostileBackend) Overview(context.Context) (event.Overview, error) {
	return event.Overview{
		Listeners: []string{b.text}, Store: event.SecretStore{Backend: b.text, State: b.text, Detail: b.text, Hint: b.text},
		Machine: []event.Mechanism{{Name: b.text, Detail: b.text, Fix: b.text}, {Name: b.text, Enforced: true, Detail: b.text}},
	}, nil
}

func (b hostileBackend) Agent(_ context.Context, name string) (event.Agent, error) {
	p := demoPolicy(b.text)
	for i := range p.Paths {
		p.Paths[i].Path, p.Paths[i].Origin.Key = b.text, b.text
	}
	return event.Agent{Name: name, Policy: p}, nil
}

func (b hostileBackend) Audit(context.Context, time.Duration, int) ([]json.RawMessage, error) {
	line, _ := json.Marshal(map[string]string{"timestamp": b.text, "event_type": b.text, "user": b.text, "reason": b.text})
	return []json.RawMessage{line, json.RawMessage(b.text)}, nil
}

func (b hostileBackend) Config(context.Context) (event.ConfigStatus, error) {
	return event.ConfigStatus{}, errors.New(b.text)
}

// secretBackend keeps what was stored, to see that it arrived, and only there.
type secretBackend struct {
	*Demo
	stored map[string]string
	fail   error
}

func (b *secretBackend) StoreSecret(_ context.Context, name string, value []byte) error {
	b.stored[name] = string(value)
	clear(value)
	return b.fail
}

func TestSecretsNeverReachAFrame(t *testing.T) {
	const canary = "CANARY-sk-ant-7391"
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	d := newDriver(t, b, true, 100, 30)
	d.press("6", "a", "type:anthropic", "enter", "type:"+canary, "enter")
	if b.stored["anthropic"] != canary {
		t.Fatalf("typed: stored %q", b.stored["anthropic"])
	}
	d.press("a", "type:openai", "enter", "paste:"+canary+"\r", "enter")
	if b.stored["openai"] != canary {
		t.Fatalf("pasted: stored %q", b.stored["openai"])
	}
	b.fail = errors.New("the store refused")
	d.press("a", "type:third", "enter", "paste:"+canary, "enter")
	d.press("a", "type:fourth", "enter", "type:"+canary, "ctrl+u", "type:"+canary, "1", "6", "esc")
	if _, stored := b.stored["fourth"]; stored {
		t.Error("esc stored it")
	}
	d.press("a", "type:fifth", "enter", "type:"+canary)
	d.s.open(view.Overview)
	d.press("6", "5", "8")
	for i, frame := range d.frames {
		for _, part := range []string{canary, canary[:8], canary[8:]} {
			if strings.Contains(strip(frame), part) {
				t.Fatalf("frame %d shows %q", i, part)
			}
		}
	}
	if v := fmt.Sprintf("%+v", d.s.data); strings.Contains(v, canary) {
		t.Error("the data of the views holds it")
	}
}

func TestVaultPassphraseTwice(t *testing.T) {
	d := newDriver(t, NewDemoFirstRun(), true, 100, 30)
	d.press("6", "v", "type:correct horse", "enter", "type:wrong horse", "enter")
	if frame := d.frame(); !strings.Contains(strip(frame), "not the same") {
		t.Errorf("two different passphrases were taken:\n%s", strip(frame))
	}
	d.press("type:correct horse", "enter", "type:correct horse", "enter")
	if frame := d.frame(); !strings.Contains(strip(frame), "vault ● unlocked") {
		t.Errorf("no vault:\n%s", strip(frame))
	}
	if frame := d.press("a", "enter", "type:sk", "enter"); !strings.Contains(strip(frame), "stored anthropic") {
		t.Errorf("not stored:\n%s", strip(frame))
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

// lossyBackend loses its connection when told to.
type lossyBackend struct {
	*Demo
	mu      sync.Mutex
	events  chan []event.Event
	down    bool
	back    bool // it answers again
	dials   int
	denials []event.Denial
}

func (b *lossyBackend) Events(context.Context) (<-chan []event.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errors.New("connection refused")
	}
	b.events = make(chan []event.Event)
	return b.events, nil
}

func (b *lossyBackend) Reconnect(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials++
	if b.dials >= 2 && b.back {
		b.down = false
	}
	return nil
}

func (b *lossyBackend) Denials(context.Context) ([]event.Denial, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.denials, nil
}

func TestGatewayLostAndBack(t *testing.T) {
	b := &lossyBackend{Demo: NewDemo(), denials: demoWorldDenials()}
	o := Options{Backend: b, Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(true, false))}
	d.s.resize(100, 30)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.s.feed.follow(ctx, b) })
	defer wg.Wait()
	defer cancel()
	until := func(what string) string {
		t.Helper()
		for range 6000 {
			if frame := strip(d.press("3")); strings.Contains(frame, what) {
				return frame
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("never saw %q:\n%s", what, strip(d.frame()))
		return ""
	}
	until("telemetry.example.test")
	b.mu.Lock()
	b.down = true
	fresh := demoDenial("d9", 5, 1, "coder", "net", "connect", "after.example:1", "sh", builtIn("x"), "r", "egress")
	b.denials = append(b.denials, fresh)
	close(b.events)
	b.mu.Unlock()
	if frame := until("gateway lost"); !strings.Contains(frame, "telemetry.example.test") {
		t.Errorf("what was known is gone:\n%s", frame)
	}
	b.mu.Lock()
	b.back = true // only now that it was seen
	b.mu.Unlock()
	until("● running")
	until("after.example:1")
}

func demoWorldDenials() []event.Denial {
	w, _ := demoAtWork()
	return w.denials
}

func TestPanicInUpdateIsReportedNotPrinted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := &model{ctx: ctx, crash: &crash{stop: cancel}, work: &work{}}
	if next, _ := m.Update(tickMsg{}); next == nil { // there is no screen: this panics
		t.Error("the loop would go on without a model")
	}
	if p := m.crash.found(); p == nil || !bytes.Contains(p.Stack, []byte("Update")) {
		t.Errorf("found %v", p)
	}
	if ctx.Err() == nil {
		t.Error("the program goes on")
	}
}

func TestFeedCountsWhatItLost(t *testing.T) {
	f := newFeed(100)
	for i := range 250 {
		f.push(event.Event{Seq: uint64(i + 1)})
	}
	got, lost := f.take(nil)
	if len(got) != 100 || lost != 150 || got[0].Seq != 151 {
		t.Errorf("%d events, %d lost, first %d", len(got), lost, got[0].Seq)
	}
	f.push(event.Event{Seq: 251})
	if got, lost = f.take(got[:0]); len(got) != 1 || lost != 150 || got[0].Seq != 251 {
		t.Errorf("then %d events, %d lost", len(got), lost)
	}
}

// What is missed is counted once, wherever it was lost: on its way, by the gap in the
// numbers, or here, where it was written over. What the gateway counts of all screens is
// not this one's.
func TestWhatIsMissedCountsOnce(t *testing.T) {
	f := newFeed(100)
	const published = 250
	for n := 1; n <= published; n++ {
		if n < 120 || n > 129 && n < 200 || n > 229 {
			f.push(event.Event{Seq: uint64(n)})
		}
	}
	if got, missed := f.take(nil); len(got)+int(missed) != published {
		t.Errorf("%d were seen and %d missed of %d", len(got), missed, published)
	}
	f.setLink(view.Link{Up: true})
	f.push(event.Event{Seq: 9000}, event.Event{Seq: 9001}) // the numbers of another subscription
	f.push(event.Event{Kind: event.KindGap, Seq: 9004})
	if got, missed := f.take(nil); len(got) != 2 || missed != published-100+3 {
		t.Errorf("%d were seen and %d missed after the gateway came back", len(got), missed)
	}

	d := atWork(t, false, 120, 36)
	last := d.s.feed.newest
	d.s.data.Overview.Dropped = 40
	if frame := strip(d.press("1")); strings.Contains(frame, "missed") {
		t.Errorf("another screen's losses are this one's:\n%s", frame)
	}
	d.event(event.Event{Seq: last + 6, Kind: event.KindNotice, Notice: &event.Notice{Text: "after a gap"}})
	if frame := strip(d.press("1")); !strings.Contains(frame, "! 5 events missed") {
		t.Errorf("five events are missing:\n%s", frame)
	}
}

// askingBackend holds one request more than any event said.
type askingBackend struct {
	*Demo
	more event.Ask
}

func (b askingBackend) Asks(ctx context.Context) ([]event.Ask, error) {
	list, err := b.Demo.Asks(ctx)
	if b.more.ID != "" {
		list = append(list, b.more)
	}
	return list, err
}

// A held request whose event was missed is seen all the same, within a second.
func TestARequestThatWasMissedIsFetched(t *testing.T) {
	b := &askingBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 120, 36)
	d.event(event.Event{Seq: 10, Kind: event.KindNotice, Notice: &event.Notice{Text: "before"}})
	b.more = event.Ask{
		ID: "a-lost", State: event.AskWaiting, First: demoTime(20), Last: demoTime(20), Count: 1, Waiting: 1, Deadline: demoTime(80),
		Agent: "coder", Class: "net", Operation: "connect", Target: "missed.example.test:443",
	}
	second := func() string {
		d.s.tick()
		d.frame()
		return strip(d.press("3"))
	}
	if frame := second(); strings.Contains(frame, "missed.example.test") {
		t.Fatalf("it is fetched though nothing was missed:\n%s", frame)
	}
	d.event(event.Event{Seq: 12, Kind: event.KindNotice, Notice: &event.Notice{Text: "after"}})
	if frame := second(); !strings.Contains(frame, "missed.example.test") {
		t.Errorf("the request is not there:\n%s", frame)
	}
}

// A stream is drawn when its next frame is due; what the person is asked at once, and in a
// storm of that no more than thirty times a second.
func TestARequestIsDrawnAtOnce(t *testing.T) {
	f, now := newFeed(1000), time.Now()
	for range 3 * manyEvents {
		f.push(event.Event{Log: &event.LogLine{}}, event.Event{Denial: &event.Denial{}})
	}
	if due, asked := f.due(now, time.Time{}); asked || due.Sub(now) < frameEvery {
		t.Errorf("a stream is drawn after %v", due.Sub(now))
	}
	f.push(event.Event{Ask: &event.Ask{}})
	if due, asked := f.due(now, time.Time{}); !asked || due.After(now) {
		t.Errorf("a request is drawn after %v", due.Sub(now))
	}
	if due, _ := f.due(now, now); due.Sub(now) != frameEvery {
		t.Errorf("the next one is drawn after %v", due.Sub(now))
	}
}

func TestFeedNeverBlocksTheProducer(t *testing.T) {
	f := newFeed(1000)
	const producers, each = 4, 20_000
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			for range each {
				f.push(event.Event{Kind: event.KindLog})
			}
		})
	}
	total, lost := 0, uint64(0)
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		var got []event.Event
		got, lost = f.take(nil)
		total += len(got)
	}
	if total+int(lost) != producers*each {
		t.Errorf("%d taken and %d lost of %d", total, lost, producers*each)
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
		d.s.data.Denials.Put(row)
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
