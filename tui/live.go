package tui

import (
	"context"
	"errors"
	"slices"
	"sync"

	"openclaw/gateway/event"
	"openclaw/tui/pane"
	"openclaw/tui/view"
)

// Terminal is a run's own terminal, as somebody sees it and types to it. Its
// frames are taken until they end. Nothing here blocks.
type Terminal interface {
	Frames() <-chan pane.Frame
	Keys(p []byte) (read bool) // false: the program does not read, and they are lost
	Resize(columns, rows int)
	Look(up int)
	Close() error
}

// live is the terminal that is shown in the Agents view. All but taken belongs to
// the screen's goroutine.
type live struct {
	open   func(ctx context.Context, agent string, command []string, columns, rows int) (run string, err error)
	attach func(ctx context.Context, run string) (Terminal, error)

	terminal      Terminal // nil: none is shown
	columns, rows int      // that it was told
	followed      string   // the run in whose place a new one is shown

	mu     sync.Mutex
	frames []pane.Frame // that came since the screen looked
	over   bool
	from   Terminal // whose these are
}

// follow takes the frames of a terminal until they end.
func (l *live) follow(t Terminal, wake func()) {
	for f := range t.Frames() {
		l.mu.Lock()
		if l.from == t {
			l.frames = merge(l.frames, &f)
		}
		l.mu.Unlock()
		wake()
	}
	l.mu.Lock()
	l.over = l.over || l.from == t
	l.mu.Unlock()
	wake()
}

// merge keeps no more frames than have rows to say: a full one takes the place of
// all before it.
func merge(frames []pane.Frame, f *pane.Frame) []pane.Frame {
	if len(f.Lines) >= f.Rows {
		frames = frames[:0]
	}
	const most = 64 // of a screen that does not look; by then rows repeat
	if len(frames) == most {
		kept := map[int]pane.Line{}
		for i := range frames {
			for _, line := range frames[i].Lines {
				kept[line.Row] = line
			}
		}
		last := frames[most-1]
		last.Lines = nil
		for _, line := range kept {
			last.Lines = append(last.Lines, line)
		}
		frames = append(frames[:0], last)
	}
	return append(frames, *f)
}

// hurry wakes the screen for something that a person waits for.
func (f *feed) hurry() {
	f.mu.Lock()
	f.urgent = true
	f.mu.Unlock()
	f.signal()
}

// paneSize is the room for a terminal.
func (s *screen) paneSize() (columns, rows int) {
	return view.PaneSize(s.width, s.height-frameRows)
}

// startLive starts an agent's command in a terminal of its own, and shows it.
func (s *screen) startLive(agent string, command []string) {
	if s.live.open == nil {
		s.say(view.Bad, s.data.T("agents run on the gateway's machine: openclaw agent run --detach %s, there", agent))
		return
	}
	s.say(view.Plain, s.data.T("starting a run of %s", agent))
	columns, rows := s.paneSize()
	s.pending = append(s.pending, func(ctx context.Context) func() {
		ctx, cancel := context.WithTimeout(ctx, startTimeout)
		defer cancel()
		run, err := s.live.open(ctx, agent, command, columns, rows)
		return func() {
			switch {
			case errors.Is(err, context.Canceled):
			case err != nil:
				s.say(view.Bad, s.data.T("not started: %s", problemText(err)))
			default:
				s.data.Result = view.Result{}
				s.showPane(view.Printable(run, 100), agent)
			}
		}
	})
}

// showPane connects to the terminal of a run, and gives it the keys where the
// Agents view is still in sight.
func (s *screen) showPane(run, agent string) {
	if s.live.attach == nil {
		s.say(view.Bad, s.data.T("its terminal is on the gateway's machine"))
		return
	}
	s.add(func(ctx context.Context) func() {
		t, err := s.live.attach(ctx, run)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("its terminal does not answer: %s", problemText(err)))
				return
			}
			s.leavePane()
			s.live.mu.Lock()
			s.live.terminal, s.live.from, s.live.frames, s.live.over = t, t, nil, false
			s.live.mu.Unlock()
			s.live.columns, s.live.rows = 0, 0
			p := &view.Pane{Run: run, Agent: agent, Focus: s.current == view.Agents && s.over == overlayNone && !s.data.ReadOnly}
			s.agents.ShowPane(p)
			s.fitPane()
			s.dirty = true
			go s.live.follow(t, s.feed.hurry) // it ends with the terminal, which leavePane closes
		}
	})
}

// leavePane lets a run go on without this screen.
func (s *screen) leavePane() {
	if s.live.terminal != nil {
		_ = s.live.terminal.Close() // nobody listens any more
		s.live.terminal = nil
	}
	s.agents.ShowPane(nil)
}

// fitPane tells the run the size of its pane, once a size.
func (s *screen) fitPane() {
	columns, rows := s.paneSize()
	if s.live.terminal == nil || s.width < minWidth || s.height < minHeight || columns == s.live.columns && rows == s.live.rows {
		return
	}
	s.live.columns, s.live.rows = columns, rows
	if !s.data.ReadOnly {
		s.live.terminal.Resize(columns, rows)
	}
}

// takePane brings the picture of the terminal up to date.
func (s *screen) takePane() {
	p := s.agents.Pane()
	if p == nil {
		return
	}
	s.live.mu.Lock()
	frames, over := s.live.frames, s.live.over
	s.live.frames = nil
	s.live.mu.Unlock()
	for i := range frames {
		p.Take(&frames[i])
	}
	if p.Frame.Ended || over {
		if !p.Frame.Ended && p.Problem == "" {
			p.Problem = s.data.T("its supervisor is gone")
		}
		p.Focus = false
	}
}

// followPane shows the run that the one in the pane was started again as: the same
// supervisor's, as soon as its cage has reported.
func (s *screen) followPane() {
	p := s.agents.Pane()
	if p == nil || !p.Frame.Ended || s.live.followed == p.Run {
		return
	}
	for i := range s.data.Agents {
		a := &s.data.Agents[i]
		if a.Name != p.Agent {
			continue
		}
		old := slices.IndexFunc(a.Runs, func(r event.Run) bool { return r.ID == p.Run })
		for j := old + 1; old >= 0 && j < len(a.Runs); j++ {
			if r := &a.Runs[j]; r.PID == a.Runs[old].PID && r.Terminal == event.InPane && r.Ended.IsZero() && len(r.Mechanisms) > 0 {
				s.live.followed = p.Run
				s.showPane(r.ID, p.Agent)
				return
			}
		}
	}
}

// typesToProgram reports whether keys go to the program of the pane.
func (s *screen) typesToProgram() bool {
	p := s.agents.Pane()
	return p != nil && p.Focus && s.live.terminal != nil && s.current == view.Agents && s.over == overlayNone
}

const pageUp = "pgup"

// drawPaneKeys fills the foot line while a terminal is shown.
func (s *screen) drawPaneKeys(c *view.Canvas) bool {
	p := s.agents.Pane()
	if p == nil || s.current != view.Agents || s.over != overlayNone {
		return false
	}
	put := func(key, text string) {
		if c.Room() >= view.Width(key)+1+view.Width(text) {
			c.Put(view.Bold, key)
			c.Put(view.Plain, " "+text+"   ")
		}
	}
	if s.typesToProgram() {
		put(view.LeavePane, c.T("leaves; every other key goes to %s", p.Agent))
	} else {
		if !p.Frame.Ended && p.Problem == "" && !s.data.ReadOnly {
			put("enter", c.T("type to it"))
		}
		if p.Frame.Ended || p.Problem != "" {
			put("esc", c.T("close"))
		} else {
			put("esc", c.T("close; it goes on"))
		}
		put(pageUp, c.T("what stands above"))
		put("n", c.T("next ask"))
		put("?", c.T("help"))
	}
	c.End()
	return true
}

// toProgram gives a key to the program of the pane, and reports whether it did.
// What is typed for it never answers a request, and goes nowhere else.
func (s *screen) toProgram(k view.Key) bool {
	if !s.typesToProgram() {
		return false
	}
	p := s.agents.Pane()
	s.denials.Doze()
	if k.Name == view.LeavePane {
		p.Focus = false
		s.say(view.Plain, s.data.T("the keys are this screen's again; {list.open} gives them back to %s, {back} closes the pane", p.Agent))
		return true
	}
	if s.width < minWidth || s.height < minHeight {
		return true // it is not in sight: they are nobody's
	}
	if b := k.Bytes(p.Frame.KeysApplication, p.Frame.Paste); len(b) > 0 {
		p.Lost = !s.live.terminal.Keys(b)
	}
	return true
}

// lives does what a view asks for about terminals. It reports whether it was about
// that.
func (s *screen) lives(a view.Action) bool {
	switch a.Verb {
	case view.VerbStartLive:
		s.startLive(a.Name, a.Words)
	case view.VerbShowPane:
		s.showPane(a.Name, a.Text)
	case view.VerbLookUp:
		if s.live.terminal != nil {
			s.live.terminal.Look(a.Count)
		}
	case view.VerbLeavePane:
		s.leavePane()
	default:
		return false
	}
	return true
}

var _ Terminal = (*pane.Client)(nil)
