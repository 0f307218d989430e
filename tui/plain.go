package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// plain is the screen for readers of lines: no redraw, no escape sequences, no
// boxes. Every line starts with a label, every answer is a typed word.
type plain struct {
	o       *Options
	backend Backend
	feed    *feed
	keys    *view.Keys
	in      *lineReader

	words  *view.Words
	missed uint64 // events, as was said last; the feed's goroutine's

	mu      sync.Mutex
	out     io.Writer
	hold    bool // a secret is being typed: nothing else is written
	held    []string
	numbers []string // ids of asks; the first is number 1
	follow  bool     // log lines are written as they come
	failed  error
}

// maxHeld bounds what waits while a secret is typed; more is counted.
const maxHeld = 1000

func runPlain(ctx context.Context, o *Options) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := newLineReader(o.In)
	if err != nil {
		return Outcome{}, &Error{Op: "read the input", Err: err, Hint: "run it on a terminal, or give commands on a pipe"}
	}
	p := &plain{
		o: o, backend: o.Backend, feed: newFeed(feedSize), out: o.Out, in: in,
		keys: view.NewKeys(view.Table(), o.ReadOnly), words: o.words(),
	}
	work := &work{}
	work.start(func() { p.feed.follow(ctx, o.Backend) })
	work.start(func() { p.feed.pace(ctx, p.frame) })
	work.start(func() { <-ctx.Done(); in.cancel() })
	outcome, err := p.loop(ctx)
	interrupted := ctx.Err() != nil
	cancel()
	work.end()
	in.close()
	switch {
	case p.fault() != nil:
		return Outcome{}, &Error{Op: "write the output", Err: p.fault()}
	case interrupted:
		return Outcome{}, ErrInterrupted
	}
	return outcome, err
}

// say writes one labelled line.
func (p *plain) say(label, text string) {
	if p.o.Mask != nil {
		text = p.o.Mask(text)
	}
	line := view.Printable(label+": "+text, view.MaxText) + "\n"
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hold {
		if len(p.held) < maxHeld {
			p.held = append(p.held, line)
		}
		return
	}
	p.write(line)
}

func (p *plain) write(line string) {
	if _, err := io.WriteString(p.out, line); err != nil && p.failed == nil {
		p.failed = err
	}
}

func (p *plain) fault() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.failed
}

func (p *plain) sayf(label, format string, args ...any) { p.say(label, fmt.Sprintf(format, args...)) }

// frame writes what the feed holds.
func (p *plain) frame() {
	events, missed := p.feed.take(nil)
	if missed > p.missed {
		p.missed = missed
		p.sayf(p.T("missed"), p.T("%d events in all"), missed)
	}
	for i := range events {
		p.event(&events[i])
	}
	link, _ := p.feed.state()
	if !link.Up && link.Attempt == 1 {
		p.say(p.T("gateway"), p.T("lost: %s. Trying again.", link.Problem))
	}
}

func (p *plain) event(e *event.Event) {
	switch {
	case e.Denial != nil:
		p.say(p.T("denied"), p.denialLine(e.Denial))
	case e.Chat != nil:
		p.answerLines(e.Chat)
	case e.Ask != nil:
		p.say(p.T("ask"), p.askLine(e.Ask))
	case e.Connection != nil && e.Connection.State == "refused":
		p.say(p.T("refused"), e.Connection.From+" "+e.Connection.Route+", "+e.Connection.Detail)
	case e.Agent != nil:
		p.say(p.T("agent"), e.Agent.Name+" "+p.T(e.Agent.State))
	case e.Config != nil:
		p.configLine(e.Config)
	case e.Notice != nil:
		p.say(orWord(e.Notice.Level, p.T("notice")), e.Notice.Text)
	case e.Log != nil:
		p.mu.Lock()
		follow := p.follow
		p.mu.Unlock()
		if follow {
			p.say(p.T("log"), p.logText(e.Log))
		}
	}
}

func (p *plain) denialLine(d *event.Denial) string {
	line := fmt.Sprintf(p.T("id %s, agent %s, program %s, pid %d, %s %s, rule %s"), d.ID, d.Agent, d.Program, d.PID, d.Operation, d.Target, d.Rule)
	if d.Origin.Line > 0 {
		line += fmt.Sprintf(p.T(" at %s line %d"), d.Origin.File, d.Origin.Line)
	}
	if d.Count > 1 {
		line += fmt.Sprintf(p.T(", %d times"), d.Count)
	}
	return line
}

func (p *plain) logText(l *event.LogLine) string {
	return strings.Join([]string{l.Time.In(p.o.Now().Location()).Format(time.TimeOnly), l.Level, l.Source, l.Message, l.Text}, " ")
}

func orWord(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

func (p *plain) configLine(c *event.ConfigStatus) {
	if c.Rejected {
		p.sayf(p.T("config"), p.T("the file on disk is rejected, version %d stays active"), c.Version)
	} else {
		p.sayf(p.T("config"), p.T("version %d is active, from %s"), c.Version, c.Path)
	}
	for i := range c.Problems {
		q := &c.Problems[i]
		p.sayf(p.T("problem"), p.T("line %d column %d, %s: %s"), q.Line, q.Column, q.Key, q.Message)
	}
}

// loop reads commands until quit, the end of the input, or ctx.
func (p *plain) loop(ctx context.Context) (Outcome, error) {
	p.say("openclaw", p.T("plain screen. Type a command and press enter; help lists them."))
	p.command(ctx, "overview", "")
	for ctx.Err() == nil && p.fault() == nil {
		line, err := p.in.line()
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case word == "quit" || word == "exit":
			if rest == "stop" && !p.o.ReadOnly {
				return Outcome{StopGateway: true}, nil
			}
			if rest == "" {
				p.say(p.T("quit"), p.T("the gateway keeps running."))
				return Outcome{}, nil
			}
			p.say(p.T("error"), p.T("quit leaves the gateway running, quit stop stops it"))
		case word != "":
			p.command(ctx, word, strings.TrimSpace(rest))
		}
		if errors.Is(err, io.EOF) {
			return Outcome{}, nil
		}
		if err != nil {
			return Outcome{}, fmt.Errorf("read a command: %w", err)
		}
	}
	return Outcome{}, nil
}

// command runs one typed command with its own deadline.
func (p *plain) command(ctx context.Context, word, rest string) {
	known := word == "follow" || word == "show"
	for _, b := range p.keys.All() {
		known = known || b.Word == word
	}
	run, ok := p.commands()[word]
	if !known || !ok {
		p.say(p.T("error"), p.T("no command %s; help lists them", word))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := run(ctx, rest); err != nil {
		p.say(p.T("error"), problemText(err))
	}
}
