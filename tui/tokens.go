package tui

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/muesli/cancelreader"
	"golang.org/x/term"

	"openclaw/tui/view"
)

// TokenMaker makes tokens for clients of the gateway, on the gateway's own machine.
type TokenMaker struct {
	Scopes []string // that there are, without "operator.", the least first
	// Make makes a token and puts it where the plan says. Only one that is to be shown is
	// returned; whoever gets it wipes it.
	Make func(ctx context.Context, plan view.TokenPlan) (token []byte, err error)
}

// addToken makes a client's token, or has it made once the terminal is free to show it.
func (s *screen) addToken(plan view.TokenPlan) {
	if plan.Place == view.TokenShown {
		s.showing = &plan
		return
	}
	s.say(view.Plain, s.data.T("working"))
	s.add(func(ctx context.Context) func() {
		_, err := s.tokens.Make(ctx, plan)
		return func() {
			s.fetchSecrets()
			if err != nil {
				s.noToken(err)
				return
			}
			s.secrets.TokenEnded("")
			s.say(view.Good, tokenDone(s.data.Words, &plan))
		}
	})
}

// noToken says why no token was made, and keeps what was typed for the next try.
func (s *screen) noToken(err error) {
	problem := problemText(err)
	s.secrets.TokenEnded(problem)
	s.say(view.Bad, s.data.T("no token was made: %s; {secrets.token} has what you typed", problem))
}

// tokenDone says where a new token is.
func tokenDone(w *view.Words, plan *view.TokenPlan) string {
	if plan.Place == view.TokenFile {
		return w.T("the token of %s is in %s, for you alone", plan.Name, plan.Path)
	}
	return w.T("the token of %s is stored; its program reads it as OPENCLAW_GATEWAY_TOKEN=%s", plan.Name, view.TokenReference(plan.Name))
}

// goes deletes secrets and revokes tokens.
func (s *screen) goes(a *view.Action) {
	var done []string
	if len(a.Words) > 0 {
		done = append(done, s.data.T("deleted %s", strings.Join(a.Words, ", ")))
	}
	if len(a.Tokens) > 0 {
		done = append(done, s.data.T("revoked the token of %s", strings.Join(a.Tokens, ", ")))
	}
	s.change(strings.Join(done, "; "), func(ctx context.Context) error {
		return errors.Join(each(ctx, a.Words, s.backend.DeleteSecret), each(ctx, a.Tokens, s.backend.RevokeToken))
	})
}

// showToken gives the terminal to a new token, and says how that ended.
func (m *model) showToken() tea.Cmd {
	s := m.screen
	plan := *s.showing
	shows := &tokenShow{ctx: m.ctx, make: s.tokens.Make, revoke: s.backend.RevokeToken, plan: plan, words: s.data.Words, in: m.in}
	if m.out != nil {
		shows.out = m.out.File
	}
	return tea.Exec(shows, func(err error) tea.Msg {
		return doneMsg{func() {
			s.redraw, m.mouse = true, false // the terminal was given away
			s.denials.Doze()                // so were the keys
			s.fetchSecrets()
			if err != nil {
				s.noToken(err)
				return
			}
			s.secrets.TokenEnded("")
			s.say(view.Good, s.data.T("the token of %s was shown, and is nowhere else", plan.Name))
		}}
	})
}

// tokenShow makes a token and shows it on the terminal, outside the screen, until enter
// or esc. Then it takes it away again. Where neither came, because the screen ends or the
// terminal is gone, nobody is known to have the token, and it is revoked.
type tokenShow struct {
	ctx    context.Context //nolint:containedctx // of the one Run that it belongs to
	make   func(ctx context.Context, plan view.TokenPlan) ([]byte, error)
	revoke func(ctx context.Context, client string) error
	plan   view.TokenPlan
	words  *view.Words
	in     *os.File
	out    *os.File
}

// SetStdin and the next two take what Bubble Tea has read from and drawn on; the
// terminal's own files are used.
func (t *tokenShow) SetStdin(io.Reader) {}

// SetStdout does nothing.
func (t *tokenShow) SetStdout(io.Writer) {}

// SetStderr does nothing.
func (t *tokenShow) SetStderr(io.Writer) {}

// Run makes the token and shows it.
func (t *tokenShow) Run() error {
	if t.in == nil || t.out == nil {
		return &Error{Op: "show the token", Err: errors.New("there is no terminal"), Hint: "openclaw client add prints it"}
	}
	state, err := term.MakeRaw(int(t.in.Fd())) // no echo, and ctrl+c is a key
	if err != nil {
		return &Error{Op: "show the token", Err: err, Hint: "openclaw client add prints it"}
	}
	defer func() { _ = term.Restore(int(t.in.Fd()), state) }()
	ctx, cancel := context.WithTimeout(t.ctx, callTimeout)
	token, err := t.make(ctx, t.plan)
	cancel()
	if err != nil {
		return err
	}
	defer clear(token)
	width, _, err := term.GetSize(int(t.out.Fd()))
	if err != nil {
		width = 80
	}
	text, rows := tokenText(t.words, &t.plan, token, width)
	defer clear(text)
	if _, err := t.out.Write(text); err != nil {
		return &Error{Op: "show the token", Err: errors.Join(err, t.giveUp())}
	}
	taken := waitForEnter(t.ctx, t.in)
	var gone bytes.Buffer
	for range rows { // each row is cleared, and nothing of the person's own above them
		gone.WriteString("\r\x1b[2K\x1b[1A")
	}
	gone.WriteString("\r\x1b[2K")
	if !taken {
		said := t.words.T("The token of %s was revoked: the screen ended before enter was pressed.", t.plan.Name)
		if err := t.giveUp(); err != nil {
			said = t.words.T("The token of %s is in force: openclaw client revoke %s", t.plan.Name, t.plan.Name)
		}
		gone.WriteString(said + "\r\n")
	}
	_, err = t.out.Write(gone.Bytes())
	return err
}

// giveUp revokes the token, also when the screen is about to end.
func (t *tokenShow) giveUp() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), callTimeout)
	defer cancel()
	if err := t.revoke(ctx, t.plan.Name); err != nil {
		return &Error{Op: "revoke the token", Err: err}
	}
	return nil
}

// tokenText is what the terminal shows, and how many rows below the first it takes.
func tokenText(w *view.Words, plan *view.TokenPlan, token []byte, width int) (text []byte, rows int) {
	var out bytes.Buffer
	line := func(b []byte, cells int) {
		out.WriteByte('\r')
		out.Write(b)
		out.WriteString("\r\n")
		rows += max((cells+width-1)/max(width, 1), 1)
	}
	for _, s := range []string{
		w.T("The token of %s, shown this once; the gateway keeps its hash only:", plan.Name), "", string(token), "",
		w.T("enter: back to the screen, and it is taken off this one"),
		w.T("A screen that ends before that revokes it."),
	} {
		line([]byte(s), view.Width(s))
	}
	return out.Bytes(), rows
}

// waitForEnter returns when enter, esc or ctrl+c is pressed, the input ends, or ctx does,
// and reports whether it was a key.
func waitForEnter(ctx context.Context, in *os.File) bool {
	reader, err := cancelreader.NewReader(in)
	if err != nil {
		return false
	}
	defer reader.Close()
	stop := context.AfterFunc(ctx, func() { reader.Cancel() })
	defer stop()
	var b [1]byte
	for {
		switch n, err := reader.Read(b[:]); {
		case err != nil:
			return false
		case n == 1 && bytes.IndexByte([]byte("\r\n\x1b\x03\x04"), b[0]) >= 0:
			return true
		}
	}
}
