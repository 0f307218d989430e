package tui

import (
	"context"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// viewer is what the screen needs of a view.
type viewer interface {
	Draw(c *view.Canvas)
	Do(a view.ID) (view.Action, bool)
	Key(k view.Key) view.Action
	Captures() bool
}

// overlay is what lies over the current view.
type overlay int

const (
	overlayNone overlay = iota
	overlayHelp
	overlayPalette
	overlayQuit
)

// task is work that may wait for the network. It runs elsewhere; what it
// returns runs on the screen's goroutine.
type task func(ctx context.Context) func()

// screen is the whole state behind the terminal. All methods run on one
// goroutine; none does I/O.
type screen struct {
	backend Backend
	feed    *feed
	now     func() time.Time
	data    *view.Data
	keys    *view.Keys

	views    map[view.Name]viewer
	agents   *view.AgentsView
	secrets  *view.SecretsView
	help     *view.HelpView
	palette  *view.PaletteView
	current  view.Name
	previous view.Name
	homeless bool      // home was asked for
	entered  view.Name // a view that was opened and still waits for its rows
	over     overlay

	pending    []task
	loading    int
	generation uint64
	stale      bool // the overview's numbers may have changed
	fetched    time.Time
	fetching   bool
	batch      []event.Event

	width, height int
	root, body    *view.Canvas
	dirty         bool
	out           []byte
	cached        string

	quit    bool
	outcome Outcome
	suspend bool
	redraw  bool
}

func newScreen(o *Options, f *feed, theme *view.Theme) *screen {
	d := view.NewData()
	d.Version, d.ReadOnly, d.Now = view.Printable(o.Version, 40), o.ReadOnly, o.Now()
	s := &screen{
		backend: o.Backend, feed: f, now: o.Now, data: d, keys: view.NewKeys(view.Table(), o.ReadOnly),
		current: view.Overview, previous: view.Overview, dirty: true,
		root: view.NewCanvas(theme), body: view.NewCanvas(theme),
		agents: view.NewAgents(d), secrets: view.NewSecrets(d), help: view.NewHelp(d), palette: view.NewPalette(d),
	}
	d.Keys = s.keys
	s.views = map[view.Name]viewer{
		view.Overview: view.NewOverview(d), view.Connections: view.NewConnections(d), view.Denials: view.NewDenials(d),
		view.Agents: s.agents, view.Logs: view.NewLogs(d), view.Secrets: s.secrets, view.Audit: view.NewAudit(d),
		view.Config: view.NewConfig(d),
	}
	return s
}

// resize sets the size of the terminal in cells.
func (s *screen) resize(width, height int) {
	s.width, s.height, s.dirty = width, height, true
}

// frame takes in what the feed holds.
func (s *screen) frame() {
	s.dirty = true
	s.data.Now = s.now()
	link, generation := s.feed.state()
	s.data.Link = link
	if link.Up && generation != s.generation {
		s.generation = generation
		s.data.Restart()
		s.load()
	}
	if s.loading > 0 {
		return // what comes after the snapshot is applied after it
	}
	var lost uint64
	s.batch, lost = s.feed.take(s.batch[:0])
	s.data.Dropped = lost
	for i := range s.batch {
		s.apply(&s.batch[i])
	}
	clear(s.batch)
}

func (s *screen) apply(e *event.Event) {
	if s.data.Apply(e) {
		s.stale = true
	}
	switch {
	case e.Agent != nil:
		delete(s.data.Details, e.Agent.Name)
		s.agents.Forget()
		s.findHome()
	case e.Config != nil:
		clear(s.data.Details)
		s.agents.Forget()
		s.fetchSecrets() // which secrets are needed, and by whom, follows from the config
	case e.Ask != nil:
		s.stale = true // the overview counts those that wait
		if a := e.Ask; a.State == event.AskWaiting {
			s.say(view.Bold, "? "+a.Agent+" asks: "+a.Operation+" "+a.Target+"   (held; answer with openclaw asks, allow, deny)")
		}
	case e.Notice != nil:
		s.say(view.Plain, e.Notice.Text)
	}
	s.want()
}

// tick runs once a second: clocks move, and numbers that may be old are fetched.
func (s *screen) tick() {
	s.data.Now = s.now()
	s.dirty = true
	const often, seldom = time.Second, 10 * time.Second
	age := time.Since(s.fetched)
	if s.data.Link.Up && s.loading == 0 && !s.fetching && (s.stale && age > often || age > seldom) {
		s.fetchOverview()
	}
	if s.current == view.Audit && s.over == overlayNone && s.stale {
		s.fetchAudit()
	}
}

// say sets the result line.
func (s *screen) say(st view.Style, text string) {
	s.data.Result = view.Result{Style: st, Text: view.Printable(text, 600)}
	s.dirty = true
}

// want asks for the policy that the Agents view lacks.
func (s *screen) want() {
	if s.current == view.Agents {
		s.act(s.agents.Wants())
	}
}

// open shows a view.
func (s *screen) open(n view.Name) {
	if n != s.current {
		s.secrets.Close()
		s.previous, s.current = s.current, n
		s.enter(n)
		s.entered = n
	}
	s.over = overlayNone
	if n == view.Audit {
		s.fetchAudit()
	}
	s.dirty = true
}

// enter tells a view that it comes into sight.
func (s *screen) enter(n view.Name) {
	if v, ok := s.views[n].(interface{ Enter() }); ok {
		v.Enter()
	}
}

// step opens the view that lies by away.
func (s *screen) step(by int) {
	names := view.Names()
	for i, n := range names {
		if n == s.current {
			s.open(names[(i+by+len(names))%len(names)])
			return
		}
	}
}

// key handles one key press.
func (s *screen) key(k view.Key) {
	s.dirty = true
	if k.Name == "ctrl+c" && s.captures() {
		k.Name = "esc"
	}
	switch {
	case s.over == overlayQuit:
		s.quitKey(k)
	case s.over == overlayPalette:
		if k.Name == "esc" || k.Name == "ctrl+k" {
			s.over = overlayNone
			return
		}
		s.act(s.palette.Key(k))
	case s.captures():
		s.act(s.views[s.current].Key(k))
	case k.Name != "":
		s.press(k.Name)
	case k.Paste:
		s.say(view.Plain, "Pasted text was left out: nothing here takes text.")
	default:
		for _, r := range k.Text {
			name := string(r)
			if r == ' ' {
				name = "space"
			}
			s.press(name)
		}
	}
	s.want()
}

// captures reports whether typed text goes to a view and not to the action
// table.
func (s *screen) captures() bool {
	return s.over == overlayPalette || s.over == overlayNone && s.views[s.current].Captures()
}

// press runs the action of a key.
func (s *screen) press(name string) {
	if s.over == overlayQuit {
		s.quitKey(view.Key{Text: []rune(name)})
		return
	}
	if s.captures() { // an earlier key of the same burst opened a form
		s.views[s.current].Key(view.Key{Text: []rune(name)})
		return
	}
	if id, ok := s.keys.Find(s.current, name); ok {
		s.run(id)
	}
}

// run runs an action of the table.
func (s *screen) run(id view.ID) {
	s.data.Result = view.Result{}
	for _, n := range view.Names() {
		if id == view.OpenView(n) {
			s.open(n)
			return
		}
	}
	switch id {
	case view.ActNextView:
		s.step(1)
	case view.ActLastView:
		s.open(s.previous)
	case view.ActHelp:
		s.help.Open(s.current)
		s.toggle(overlayHelp)
	case view.ActPalette:
		s.palette.Open(s.current)
		s.toggle(overlayPalette)
	case view.ActQuit:
		if s.over == overlayHelp {
			s.over = overlayNone
			return
		}
		s.over = overlayQuit
	case view.ActRedraw:
		s.redraw = true
	case view.ActSuspend:
		s.suspend = true
	case view.ActRefresh:
		s.load()
		s.say(view.Plain, "fetching everything anew")
	default:
		s.runInView(id)
	}
}

func (s *screen) toggle(o overlay) {
	if s.over == o {
		o = overlayNone
	}
	s.over = o
}

func (s *screen) runInView(id view.ID) {
	if s.over == overlayHelp {
		if _, used := s.help.Do(id); !used {
			s.over = overlayNone
		}
		return
	}
	action, _ := s.views[s.current].Do(id)
	s.act(action)
}

// quitKey answers the question that q asks.
func (s *screen) quitKey(k view.Key) {
	name := k.Name
	if len(k.Text) == 1 && !k.Paste {
		name = string(k.Text[0])
	}
	switch name {
	case "l", "enter", "q", "ctrl+c":
		s.quit = true
	case "s":
		if !s.data.ReadOnly && s.data.Link.Up {
			s.quit, s.outcome.StopGateway = true, true
		}
	case "esc", "n":
		s.over = overlayNone
	}
}

// view returns the frame as text with escape sequences.
func (s *screen) view() string {
	if s.dirty {
		s.draw()
		s.cached = string(s.out)
		s.dirty = false
	}
	return s.cached
}
