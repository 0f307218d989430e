package tui

import (
	"context"
	"os"
	"os/exec"
	"strconv"
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
	overlaySave
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

	views       map[view.Name]viewer
	agents      *view.AgentsView
	connections *view.ConnectionsView
	denials     *view.DenialsView
	logs        *view.LogsView
	chat        *view.ChatView
	config      *view.ConfigView
	secrets     *view.SecretsView
	help        *view.HelpView
	palette     *view.PaletteView
	saving      *view.FilterSaveView
	current     view.Name
	previous    view.Name
	entered     view.Name // a view that was opened and still waits for its rows
	over        overlay

	instant    func() time.Time // a clock that only goes forward
	keyed      time.Time        // when the last key was pressed, by instant
	pausing    pausing
	told       bool      // the asks that waited before are known
	rang       time.Time // when the bell rang last
	bell       bool
	clipboard  string // a sequence for the terminal
	getenv     func(string) string
	home       string // where files are written
	edit       func(line int) (*exec.Cmd, error)
	editing    bool
	editAt     int
	importer   *Importer
	tokens     *TokenMaker
	tokensAt   time.Time       // when the tokens were fetched, by instant
	showing    *view.TokenPlan // a token that the terminal is to show
	saveFilter func(name, line string, write bool) (view.FilterDraft, error)
	start      func(ctx context.Context, agent string, command []string) (string, error)
	live       live
	verifying  bool // the audit log is being verified
	checking   bool // all that the Audit view stands on is being looked at
	reading    bool // what a run said is being fetched
	previewing view.PreviewKey

	pending    []task
	loading    int
	generation uint64
	stale      bool   // the overview's numbers may have changed
	madeUp     uint64 // events that were missed when the held requests were fetched last
	fetched    time.Time
	fetching   bool
	batch      []event.Event

	names         []view.Name
	bits          []bit // of the status line, reused
	width, height int
	root, body    *view.Canvas
	dirty         bool
	out           []byte
	cached        string

	settings        Settings
	desktop         Desktop
	notice          notice
	mouse           bool // it is taken from the terminal
	tabs            []tab
	screenCame      *event.Screen // that the settings were taken from
	lookSettings    func() (Settings, error)
	looking         bool
	lookedAt        time.Time
	settingsProblem string

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
		current: view.Overview, previous: view.Overview, dirty: true, names: view.Names(),
		root: view.NewCanvas(theme), body: view.NewCanvas(theme),
		instant: time.Now, getenv: o.Getenv, edit: o.Edit, importer: o.Importer, start: o.Start,
		agents: view.NewAgents(d), connections: view.NewConnections(d), denials: view.NewDenials(d), logs: view.NewLogs(d), chat: view.NewChat(d), config: view.NewConfig(d), secrets: view.NewSecrets(d), help: view.NewHelp(d), palette: view.NewPalette(d),
		saving: view.NewFilterSave(d), saveFilter: o.SaveFilter,
	}
	if s.tokens = o.Tokens; s.tokens != nil {
		d.TokenScopes = s.tokens.Scopes
	}
	s.live.open, s.live.attach = o.Open, o.Attach
	d.Folder = view.Printable(o.Folder, view.MaxText)
	d.Keys, d.Words, d.Elsewhere = s.keys, theme.Words.With(s.keys), o.Start == nil
	theme.Words, s.settings, s.lookSettings, s.desktop = d.Words, DefaultSettings(), o.Settings, o.Desktop
	if s.getenv == nil {
		s.getenv = os.Getenv
	}
	s.home = s.getenv("HOME")
	s.views = map[view.Name]viewer{
		view.Overview: view.NewOverview(d), view.Connections: s.connections, view.Denials: s.denials,
		view.Agents: s.agents, view.Logs: s.logs, view.Secrets: s.secrets, view.Audit: view.NewAudit(d),
		view.Config: s.config, view.Chat: s.chat,
	}
	return s
}

// resize sets the size of the terminal in cells.
func (s *screen) resize(width, height int) {
	s.width, s.height, s.dirty = width, height, true
	s.fitPane()
}

// clock brings the times up to date and has everything drawn anew.
func (s *screen) clock() {
	s.dirty = true
	s.data.Now, s.data.Instant = s.now(), s.instant()
	s.followSettings()
}

// standstill is how long after the last tick, which comes each second, a key was
// pressed at a screen that stood still: stopped, or on a machine asleep.
const standstill = 3 * time.Second

// stoodStill reports whether this is the first that the screen does after it
// stood still. What was typed meanwhile was not about what is in sight.
func (s *screen) stoodStill() bool {
	return s.data.Now.Before(s.now().Add(-standstill)) || s.data.Instant.Before(s.instant().Add(-standstill))
}

// frame takes in what the feed holds.
func (s *screen) frame() {
	s.clock()
	defer s.rescan()
	s.takePane()
	link, generation := s.feed.state()
	switch was := s.data.Link; {
	case was.Up && !link.Up:
		s.data.Fault(view.Printable(s.data.T("the gateway was lost: %s", link.Problem), 600))
	case !was.Up && link.Up && s.data.Loaded:
		s.data.Mended(s.data.T("the gateway answers again"))
		s.say(view.Good, s.data.T("the gateway answers again"))
	}
	s.data.Link = link
	if link.Up && generation != s.generation {
		s.generation = generation
		s.load()
	}
	if s.loading > 0 {
		return // what comes after the snapshot is applied after it
	}
	s.batch, s.data.Missed = s.feed.take(s.batch[:0])
	for i := range s.batch {
		s.apply(&s.batch[i])
	}
	if len(s.batch) > 0 {
		s.want()
	}
	s.followPane()
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
	case e.Config != nil:
		clear(s.data.Details)
		clear(s.data.Previews)
		clear(s.data.Backs)
		s.config.Forget()
		s.agents.Forget()
		s.fetchSecrets() // which secrets are needed, and by whom, follows from the config
	case e.Ask != nil:
		s.stale = true // the overview counts those that wait
		if a := e.Ask; a.State == event.AskWaiting {
			switch {
			case a.Count > 1 || s.current == view.Denials:
			case s.typesToProgram():
				s.say(view.Bold, s.data.T("? %s asks: %s %s   (held; %s, then {asks.next} shows it)", a.Agent, a.Operation, s.data.Short(a.Target), view.LeavePane))
			default:
				s.say(view.Bold, s.data.T("? %s asks: %s %s   (held; {asks.next} shows it)", a.Agent, a.Operation, s.data.Short(a.Target)))
			}
			s.ring(a)
			s.announce(a)
		}
	case e.Notice != nil:
		s.say(view.Plain, e.Notice.Text)
	}
}

// tick runs once a second: clocks move, and numbers that may be old are fetched.
func (s *screen) tick() {
	s.clock()
	defer s.rescan()
	const often, seldom = time.Second, 10 * time.Second
	age := time.Since(s.fetched)
	s.readSettings()
	s.tellDesktop()
	s.pauseClock()
	s.makeUp()
	if s.data.Link.Up && s.loading == 0 && !s.fetching && (s.stale && age > often || age > seldom) {
		s.fetchOverview()
	}
	if run := s.agents.Output(); run != "" && s.current == view.Agents && s.over == overlayNone && s.data.Link.Up {
		s.readOutput(run)
	}
	if s.current == view.Audit && s.over == overlayNone && s.stale {
		s.fetchAudit()
	}
	if s.current == view.Connections && s.over == overlayNone && s.data.Link.Up {
		s.act(s.connections.Wants())
	}
	if s.current == view.Secrets && s.data.Link.Up && s.data.Instant.Sub(s.tokensAt) >= tokensEach {
		s.fetchTokens()
	}
}

// say sets the result line.
func (s *screen) say(st view.Style, text string) {
	s.data.Result = view.Result{Style: st, Text: view.Printable(text, 600)}
	if st == view.Bad {
		s.data.Fault(s.data.Result.Text) // the next thing that is done takes its place here
	}
	s.dirty = true
}

// bellPause is the least time between two bells: a burst rings once.
const bellPause = 10 * time.Second

// ring has the bell rung for an ask that is new.
func (s *screen) ring(a *event.Ask) {
	if now := s.instant(); s.settings.Bell && s.told && a.Count <= 1 && (s.rang.IsZero() || now.Sub(s.rang) >= bellPause) {
		s.bell, s.rang = true, now
	}
}

// want asks for the policy that the Agents view lacks.
func (s *screen) want() {
	if s.current == view.Agents {
		s.act(s.agents.Wants())
	}
	if s.current == view.Denials {
		s.act(s.denials.Wants())
	}
	if s.current == view.Connections {
		s.act(s.connections.Wants())
	}
	if s.current == view.Chat {
		s.act(s.chat.Wants())
	}
	if s.current == view.Config {
		s.act(s.config.Wants())
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
		if s.data.Chain.Status == "" {
			s.verifyAudit()
		}
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

// view returns the frame as text with escape sequences.
func (s *screen) view() string {
	if s.dirty {
		s.draw()
		s.cached = string(s.out)
		s.dirty = false
	}
	return s.cached
}

// title is what the window is called: it says how many asks wait. No text from
// outside is in it.
func (s *screen) title() string {
	n, _ := s.data.Waiting()
	switch n {
	case 0:
		return "openclaw"
	case 1:
		return "(1 ask) openclaw"
	}
	return "(" + strconv.Itoa(n) + " asks) openclaw"
}
