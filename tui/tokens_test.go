package tui

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/creack/pty"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

const newToken = "oc_5ecret5ecret5ecret5ecret5ecret5ecret5ecret5"

// tokens makes the same token each time, and remembers what for.
type tokens struct {
	plans []view.TokenPlan
	fail  error
}

func (m *tokens) make(_ context.Context, plan view.TokenPlan) ([]byte, error) {
	m.plans = append(m.plans, plan)
	if m.fail != nil {
		return nil, m.fail
	}
	if plan.Place != view.TokenShown {
		return nil, nil
	}
	return []byte(newToken), nil
}

func (m *tokens) maker() *TokenMaker {
	return &TokenMaker{Scopes: []string{"read", "write", "approvals", "admin"}, Make: m.make}
}

func newTokens() *TokenMaker { return new(tokens).maker() }

func tokenDriver(t *testing.T, m *tokens) *driver {
	t.Helper()
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.s.tokens = m.maker()
	d.s.data.TokenScopes = d.s.tokens.Scopes
	return d
}

// The form asks for the least that a token needs, and hands it on as it was chosen.
func TestATokenIsMadeAsTheFormSays(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		want view.TokenPlan
		says string
	}{
		{"as offered", []string{"enter", "enter", "enter"}, view.TokenPlan{Name: "ci", Scopes: []string{"read"}, For: "90d", Place: view.TokenStored}, "OPENCLAW_GATEWAY_TOKEN=keychain://openclaw/client/ci"},
		{"other scopes", []string{"space", "right", "right", "space", "enter", "enter", "enter"}, view.TokenPlan{Name: "ci", Scopes: []string{"approvals"}, For: "90d", Place: view.TokenStored}, "is stored"},
		{"without an end, into a file", []string{"enter", "ctrl+u", "enter", "2", "enter", "ctrl+u", "type:/tmp/x y", "enter"}, view.TokenPlan{Name: "ci", Scopes: []string{"read"}, Place: view.TokenFile, Path: "/tmp/x y"}, "the token of ci is in /tmp/x y, for you alone"},
	} {
		m := new(tokens)
		d := tokenDriver(t, m)
		d.press("6", "t", "type:ci", "enter")
		frame := strip(d.press(c.keys...))
		if len(m.plans) != 1 || m.plans[0].Name != c.want.Name || !slices.Equal(m.plans[0].Scopes, c.want.Scopes) || m.plans[0].For != c.want.For ||
			m.plans[0].Place != c.want.Place || m.plans[0].Path != c.want.Path {
			t.Errorf("%s: made %+v, want %+v", c.name, m.plans, c.want)
		}
		if !strings.Contains(frame, c.says) {
			t.Errorf("%s: the screen does not say %q:\n%s", c.name, c.says, frame)
		}
	}
}

// What cannot be is refused before anything is made.
func TestATokenThatCannotBeIsNotMade(t *testing.T) {
	for _, c := range []struct {
		name string
		keys []string
		says string
	}{
		{"a name that is none", []string{"type:My Phone", "enter", "enter", "enter", "enter"}, "A name is 1 to 64 of"},
		{"a client that has one", []string{"type:phone", "enter", "enter", "enter", "enter"}, "phone has a token that is in force"},
		{"no scope", []string{"type:ci", "enter", "space", "enter", "enter"}, "At least one"},
		{"a time that is none", []string{"type:ci", "enter", "enter", "ctrl+u", "type:soon", "enter", "enter", "enter"}, "It is written like 12h or 30d."},
		{"no time at all", []string{"type:ci", "enter", "enter", "ctrl+u", "type:0d", "enter", "enter", "enter"}, "It is written like 12h or 30d."},
		{"left", []string{"type:ci", "enter", "enter", "enter", "esc", "enter"}, "secrets and tokens"},
		{"no file", []string{"type:ci", "enter", "enter", "enter", "2", "enter", "ctrl+u", "enter"}, "Type or paste it first."},
	} {
		m := new(tokens)
		d := tokenDriver(t, m)
		d.press("6", "t")
		if frame := strip(d.press(c.keys...)); len(m.plans) > 0 || d.s.showing != nil || !strings.Contains(frame, c.says) && c.name != "left" {
			t.Errorf("%s: made %+v, and the screen does not say %q:\n%s", c.name, m.plans, c.says, frame)
		}
	}
}

// Elsewhere no form opens: the command to run there is named.
func TestATokenIsMadeAtTheGatewaysOwnMachine(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 120, 36)
	d.s.tokens, d.s.data.TokenScopes = nil, nil
	if frame := strip(d.press("6", "t")); !strings.Contains(frame, "openclaw client add NAME --scopes read") || d.s.views[view.Secrets].Captures() {
		t.Errorf("the screen of a gateway elsewhere:\n%s", frame)
	}
}

// A token that is to be shown is on no frame, before and after, and not in the title, the
// clipboard, the result line or the lines of the log.
func TestAShownTokenIsOnNoFrame(t *testing.T) {
	m := new(tokens)
	d := tokenDriver(t, m)
	d.press("6", "t", "type:ci", "enter", "enter", "enter", "3", "enter")
	if d.s.showing == nil || len(m.plans) != 0 {
		t.Fatal("the token was not left to the terminal")
	}
	text, rows := tokenText(nil, d.s.showing, []byte(newToken), 20)
	if !bytes.Contains(text, []byte(newToken)) || rows < 9 {
		t.Errorf("the terminal shows %q in %d rows", text, rows)
	}
	d.s.showing = nil
	d.press("y", "Y", "5", "6", "?", "esc")
	for _, frame := range append(d.frames, d.s.clipboard, d.s.title()) {
		if strings.Contains(frame, "5ecret") {
			t.Fatalf("the token is on a frame:\n%s", frame)
		}
	}
}

// Why no token was made stands on the screen, and what was typed is there again when the
// form is opened the next time; it does not open by itself.
func TestWhyNoTokenWasMade(t *testing.T) {
	m := &tokens{fail: &Error{Op: "write the token", Err: errors.New("there is no folder /nowhere"), Hint: "make it first"}}
	d := tokenDriver(t, m)
	filled := []string{"6", "t", "type:ci", "enter", "right", "space", "enter", "ctrl+u", "type:12h", "enter", "2", "enter", "ctrl+u", "type:/nowhere/x", "enter"}
	frame := strip(d.press(filled...))
	if why := "no token was made: write the token: there is no folder /nowhere. make it first; t has what you typed"; !strings.Contains(frame, why) {
		t.Errorf("the screen does not say %q:\n%s", why, frame)
	}
	if d.s.views[view.Secrets].Captures() {
		t.Fatal("the form opened by itself")
	}
	if frame = strip(d.press("t")); !strings.Contains(frame, "client     ci") || !strings.Contains(frame, "! write the token: there is no folder /nowhere") {
		t.Errorf("the form does not begin with what was typed and the reason:\n%s", frame)
	}
	m.fail = nil
	d.press("enter", "enter", "enter", "enter", "enter")
	if len(m.plans) != 2 || m.plans[1].Path != "/nowhere/x" || m.plans[1].For != "12h" || !slices.Equal(m.plans[1].Scopes, []string{"read", "write"}) {
		t.Errorf("made %+v", m.plans)
	}
	if frame = strip(d.press("t")); strings.Contains(frame, "client     ci") {
		t.Errorf("after it was made the form holds the old one still:\n%s", frame)
	}
}

// d on a token's row revokes it after y, and a token beside it stays.
func TestATokenIsRevokedAfterY(t *testing.T) {
	for _, key := range []string{"enter", "n", "y"} {
		d := tokenDriver(t, new(tokens))
		d.press("6", "G", "d")
		frame := strip(d.press(key))
		if revoked := strings.Contains(frame, "revoked the token of phone"); revoked != (key == "y") {
			t.Errorf("%s:\n%s", key, frame)
		}
		if state := d.s.data.Tokens[1].State; d.s.data.Tokens[1].Name != "phone" || (state == "revoked") != (key == "y") {
			t.Errorf("after %s the tokens are %+v", key, d.s.data.Tokens)
		}
	}
}

// A token that is shown when the screen is ended, or its terminal is gone, is in nobody's
// hands: it opens nothing from then on. One that was left with enter is in force.
func TestATokenThatNobodyTookIsRevoked(t *testing.T) {
	for _, c := range []struct {
		name    string
		end     func(stop context.CancelFunc, terminal *os.File)
		revoked bool
		says    string
	}{
		{"enter", func(_ context.CancelFunc, terminal *os.File) { _, _ = terminal.WriteString("\r") }, false, ""},
		{"a signal", func(stop context.CancelFunc, _ *os.File) { stop() }, true, "was revoked"},
		{"a terminal that is gone", func(_ context.CancelFunc, terminal *os.File) { _ = terminal.Close() }, true, ""},
	} {
		terminal, line, err := pty.Open()
		need(t, err == nil, fmt.Sprint("no pseudo-terminal: ", err))
		if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var revoked []string
		shows := &tokenShow{
			ctx: ctx, make: new(tokens).make, plan: view.TokenPlan{Name: "ci", Place: view.TokenShown}, in: line, out: line,
			revoke: func(ctx context.Context, client string) error {
				revoked = append(revoked, client)
				return ctx.Err()
			},
		}
		ended := make(chan error, 1)
		go func() { ended <- shows.Run() }()
		screen := bufio.NewReader(terminal)
		for text := ""; !strings.Contains(text, "ends before"); {
			more, err := screen.ReadString(' ')
			if err != nil {
				t.Fatal(c.name, err)
			}
			text += more
		}
		c.end(stop, terminal)
		if err := <-ended; err != nil && c.says != "" {
			t.Error(c.name, err)
		}
		if slices.Contains(revoked, "ci") != c.revoked {
			t.Errorf("%s: revoked %q", c.name, revoked)
		}
		_ = line.Close()
		if rest, _ := io.ReadAll(screen); !strings.Contains(string(rest), c.says) {
			t.Errorf("%s: the terminal says %q", c.name, rest)
		}
		stop()
		_ = terminal.Close()
	}
}

// No event says that a secret was read: what is in sight is looked up again.
func TestWhenASecretWasReadComesIntoSight(t *testing.T) {
	demo := NewDemo()
	d := newDriver(t, demo, false, 120, 36)
	d.press("6", "g")
	for i := range demo.world.secrets {
		if s := &demo.world.secrets[i]; s.Name == "anthropic" {
			s.LastUsed = demoTime(20)
		}
	}
	d.later(tokensEach)
	if frame := strip(d.frame()); !strings.Contains(frame, "last read 2026-11-22 11:30:20") {
		t.Errorf("the screen:\n%s", frame)
	}
}

// lockedVault is a gateway whose vault is locked, or whose store fails otherwise.
type lockedVault struct {
	*Demo
	state string
}

func (b *lockedVault) Secrets(context.Context) (event.SecretStore, []event.Secret, error) {
	return event.SecretStore{}, nil, errors.New("the store does not open")
}

func (b *lockedVault) Overview(ctx context.Context) (event.Overview, error) {
	o, err := b.Demo.Overview(ctx)
	o.Store = event.SecretStore{Backend: "vault", State: b.state}
	return o, err
}

// A locked vault is a state, which the Secrets view shows with its cure and with the
// clients' tokens: no error that takes the place of other news. What fails otherwise is one.
func TestALockedVaultIsNoFailure(t *testing.T) {
	d := newDriver(t, &lockedVault{NewDemo(), "locked"}, false, 120, 36)
	if frame := strip(d.frame()); strings.Contains(frame, "could not load") {
		t.Errorf("an error in sight:\n%s", frame)
	}
	if frame := strip(d.press("6")); !strings.Contains(frame, "locked") || !strings.Contains(frame, "unlock") || d.s.data.Store.State != "locked" || len(d.s.data.Tokens) == 0 {
		t.Errorf("not locked, or without the tokens (%v):\n%s", d.s.data.Tokens, frame)
	}
	d = newDriver(t, &lockedVault{NewDemo(), "unreachable"}, false, 120, 36)
	if frame := strip(d.frame()); !strings.Contains(frame, "could not load the secrets: the store does not open") {
		t.Errorf("no error in sight:\n%s", frame)
	}
}
