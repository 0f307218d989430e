package tui

import (
	"context"
	"encoding/base64"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// operatorBackend notes what it is told to do.
type operatorBackend struct {
	*Demo
	told []string
}

func (b *operatorBackend) note(words ...string) error {
	b.told = append(b.told, strings.Join(words, " "))
	return nil
}

func (b *operatorBackend) Disconnect(_ context.Context, id string) error { return b.note("close", id) }

func (b *operatorBackend) Ban(_ context.Context, network, during string) error {
	return b.note("ban", network, during)
}

func (b *operatorBackend) StopRun(_ context.Context, run string, kill bool) error {
	if kill {
		return b.note("kill", run)
	}
	return b.note("stop", run)
}

// What ends something asks first, and only y says yes.
func TestWhatEndsSomethingAsksFirst(t *testing.T) {
	for _, c := range []struct {
		keys []string
		asks string
		want string
	}{
		{[]string{"2", "/", "type:kind:unix", "enter", "x"}, "Close the connection of openclaw tui demo?", "close c-19"},
		{[]string{"2", "/", "type:kind:net", "enter", "x"}, "Close api.example.test:443, of cage coder? It may open another.", "close c-20"},
		{[]string{"2", "/", "type:a-call", "enter", "x"}, "Close POST /v1/messages → a-call, of cage coder?", "close c-91"},
		{[]string{"2", "/", "type:far", "enter", "b"}, "Ban 198.51.100.7 for an hour", "ban 198.51.100.7 1h"},
		{[]string{"4", "x"}, "Ask run r7 of coder to end", "stop r7"},
		{[]string{"4", "K"}, "Kill run r7 of coder", "kill r7"},
	} {
		for _, answer := range []string{"y", "n", "enter", "esc", "paste:y", "space"} {
			b := &operatorBackend{Demo: NewDemo()}
			d := newDriver(t, b, false, 120, 36)
			d.event(event.Event{Connection: &event.Connection{ID: "c-90", Kind: "ws", Client: "far", From: "198.51.100.7:4711", State: "open"}},
				event.Event{Connection: &event.Connection{ID: "c-91", Kind: "http", Agent: "coder", From: "cage coder", Route: "POST /v1/messages → a-call", State: "stream"}})
			if frame := strip(d.press(c.keys...)); !strings.Contains(frame, c.asks) || len(b.told) != 0 {
				t.Fatalf("%v: asks nothing, or did it already (%v):\n%s", c.keys, b.told, frame)
			}
			d.press(answer)
			if want := answer == "y"; (len(b.told) == 1) != want || want && b.told[0] != c.want {
				t.Errorf("%v then %s: told %v", c.keys, answer, b.told)
			}
		}
	}
	// What cannot be is not asked about: this machine's own address, a cage's connection's, one that is over, an agent that does not run.
	b := &operatorBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 120, 36)
	d.press("2", "/", "type:browser", "enter", "b", "y", "x", "y", "/", "ctrl+u", "type:kind:net", "enter", "b", "y", "4", "j", "x", "y", "K", "y")
	if len(b.told) != 0 {
		t.Errorf("told %v", b.told)
	}
}

// A request is tried on the policy as it is, and nothing is run.
func TestARequestIsTriedOnThePolicy(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.press("4", "t")
	for _, c := range [][2]string{
		{"connect api.example.test:443", "✓ allow"}, {"connect nowhere.example:443", "✗ deny  not in allowed_domains"},
		{"read ~/project/x", "✓ allow"}, {"write ~/.ssh/config", "✗ deny  built-in: SSH keys"}, {"exec /usr/bin/sudo", "✗ deny"},
		{"connect h:99999", "a port is a number"}, {"eat it", "nothing is run"},
	} {
		if frame := strip(d.press("ctrl+u", "type:"+c[0])); !strings.Contains(frame, c[1]) {
			t.Errorf("%s: want %q:\n%s", c[0], c[1], frame)
		}
	}
	if frame := strip(d.press("esc")); strings.Contains(frame, "eat it") {
		t.Errorf("esc does not end it:\n%s", frame)
	}
}

// The clipboard gets what the screen shows of a row; what cannot be known is not
// claimed.
func TestARowIsSentToTheClipboard(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.s.getenv = func(string) string { return "" }
	sent := func(keys ...string) string {
		d.s.clipboard = ""
		d.press(keys...)
		body, found := strings.CutPrefix(d.s.clipboard, "\x1b]52;c;")
		if !found {
			return ""
		}
		text, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(body, "\a"))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got := sent("3", "y"); got != "waiting coder connect registry.example.test:443 not in allowed_domains" {
		t.Errorf("row: %q", got)
	}
	if got := sent("Y"); !strings.HasPrefix(got, `{"id":"4f2a91","state":"waiting"`) {
		t.Errorf("JSON: %q", got)
	}
	if frame := strip(d.frame()); !strings.Contains(frame, "sent to the terminal") {
		t.Errorf("it is not said, or more is said than is known:\n%s", frame)
	}
	if got := sent("6", "y"); got != "anthropic" {
		t.Errorf("secret: %q", got)
	}
	if got := sent("5", "Y"); !strings.Contains(got, "upstream refused") {
		t.Errorf("log: %q", got)
	}
	if got := sent("1", "y"); got != "" {
		t.Errorf("overview: %q", got)
	}
	d.event(event.Event{Log: &event.LogLine{Level: "INFO", Message: "long", Raw: strings.Repeat("x", 60_000)}})
	if inside := clipboard("eA==", true, false); !strings.Contains(inside, "\x1bPtmux;\x1b\x1b]52;c;eA==\a\x1b\\") || !strings.HasPrefix(inside, "\x1b]52") {
		t.Errorf("tmux: %q", inside)
	}
	long := strings.Repeat("A", 5000)
	whole := ""
	for piece := range strings.SplitSeq(clipboard(long, false, true), "\x1b\\") {
		if len(piece) > 250 || piece != "" && !strings.HasPrefix(piece, "\x1bP") {
			t.Errorf("a piece that screen does not hand on: %q", piece)
		}
		whole += strings.TrimPrefix(piece, "\x1bP")
	}
	if whole != "\x1b]52;c;"+long+"\a" {
		t.Errorf("the pieces are not the whole: %q", whole)
	}
	if inside := clipboard("eA==", false, true); inside != "\x1bP\x1b]52;c;eA==\a\x1b\\" {
		t.Errorf("screen: %q", inside)
	}
}

func TestTheLogIsSavedAsItIsShown(t *testing.T) {
	d := atWork(t, false, 120, 36)
	d.s.home = t.TempDir()
	frame := strip(d.press("5", "/", "type:token", "enter", "ctrl+s"))
	path := filepath.Join(d.s.home, "openclaw-log-20261122-113028.txt")
	if !strings.Contains(frame, "wrote "+path[:20]) {
		t.Errorf("not said:\n%s", frame)
	}
	got, err := os.ReadFile(path)
	if err != nil || strings.Count(string(got), "\n") != 1 || !strings.Contains(string(got), "token=••••") {
		t.Errorf("%q, %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if frame := strip(d.press("ctrl+s")); !strings.Contains(frame, "not written") {
		t.Errorf("a file that was there is written over:\n%s", frame)
	}
}

func TestASecretGetsANewValue(t *testing.T) {
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	old := event.Secret{Name: "anthropic", Store: "keychain", Changed: demoTime(-91 * 86400)}
	d := newDriver(t, b, false, 120, 36)
	if frame := strip(d.event(event.Event{Secret: &old}).press("6")); !strings.Contains(frame, "! old") || !strings.Contains(frame, "R gives it a new value") {
		t.Errorf("its age is not seen:\n%s", frame)
	}
	if frame := strip(d.press("R", "type:sk-new")); !strings.Contains(frame, "saving replaces it") {
		t.Errorf("it does not say what happens to the old one:\n%s", frame)
	}
	d.press("enter")
	if b.stored["anthropic"] != "sk-new" {
		t.Errorf("stored %v", b.stored)
	}
}

func TestTheConfigIsEditedWhereItLies(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 100, 30)
	if frame := strip(d.press("8", "e")); !strings.Contains(frame, "on the gateway's machine") || d.s.editing {
		t.Errorf("a config elsewhere is opened:\n%s", frame)
	}
	d.s.edit = func(int) (*exec.Cmd, error) { return exec.Command("true"), nil }
	if d.press("e"); !d.s.editing || d.s.editAt != 0 {
		t.Errorf("the editor is not opened, or at line %d", d.s.editAt)
	}
	for _, c := range []struct {
		keys []string
		line int
	}{{[]string{"3", "e"}, 12}, {[]string{"4", "e"}, 12}, {[]string{"8", "e"}, 0}} {
		if d.press(c.keys...); d.s.editAt != c.line {
			t.Errorf("%v opens it at line %d, not %d", c.keys, d.s.editAt, c.line)
		}
	}
}
