package tui

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"golang.org/x/term"

	"openclaw/tui/quiet"
	"openclaw/tui/view"
)

//nolint:gochecknoglobals // runs once, after Bubble Tea was initialised
var _ = quiet.Restore()

// Options says what the screen runs on.
type Options struct {
	Backend  Backend
	In       *os.File // nil: standard input
	Out      *os.File // nil: standard output
	ReadOnly bool     // nothing that changes anything is offered
	Plain    bool     // labelled lines and typed words, no escape sequences
	NoColor  bool     // no colours; bold and reverse stay
	ASCII    bool     // no glyphs beyond ASCII
	Language string   // of view.Languages; empty: as the locale says
	Version  string
	// Edit opens the config in the person's editor, at a line where the editor can; 0:
	// anywhere. nil: it lies elsewhere.
	Edit func(line int) (*exec.Cmd, error)
	// Start starts an agent's command without a terminal, its output kept; no
	// command: the agent's own of the config. nil: the agents run elsewhere.
	Start func(ctx context.Context, agent string, command []string) (run string, err error)
	// Open starts one in a terminal of its own, of a size, which goes on when the
	// screen does not; Attach shows that. nil: the agents run elsewhere.
	Open   func(ctx context.Context, agent string, command []string, columns, rows int) (run string, err error)
	Attach func(ctx context.Context, run string) (Terminal, error)
	// Tokens makes tokens for clients of the gateway; nil: it runs elsewhere.
	Tokens *TokenMaker
	// Importer moves keys that stand in clear in files of this machine; nil: the gateway
	// runs elsewhere.
	Importer *Importer
	// SaveFilter writes a filter line into the config of this machine under a name, or
	// takes the name out where the line is empty; without write it only says what that
	// would do. nil: no config is at hand.
	SaveFilter func(name, line string, write bool) (view.FilterDraft, error)
	Folder     string // offered to a new agent; empty: none
	// Desktop tells the person's desktop that an agent asks; nil: nobody does.
	Desktop Desktop
	// Settings reads what the config of this machine says about the screen, for one
	// whose gateway is elsewhere; nil: what comes with the gateway's config holds.
	Settings func() (Settings, error)
	Mask     func(string) string // takes secrets out of the lines of the plain mode, typed words among them; nil: nothing does
	Now      func() time.Time    // nil: time.Now; its location is the one that times are shown in
	Getenv   func(string) string // nil: os.Getenv; TERM, NO_COLOR, OPENCLAW_PLAIN
}

// Outcome is what the person chose when leaving.
type Outcome struct {
	StopGateway bool
}

// ErrInterrupted is the error of Run when a signal or the end of the context
// closed the screen. The terminal has been restored.
var ErrInterrupted = errors.New("the screen was interrupted")

// Error is what Run returns when the screen cannot go on.
type Error struct {
	Op   string
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

func (o *Options) fill() {
	if o.In == nil {
		o.In = os.Stdin
	}
	if o.Out == nil {
		o.Out = os.Stdout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	o.NoColor = o.NoColor || o.Getenv("NO_COLOR") != ""
	o.Plain = o.Plain || o.Getenv("OPENCLAW_PLAIN") == "1" || o.Getenv("TERM") == "dumb" ||
		!term.IsTerminal(int(o.In.Fd())) || !term.IsTerminal(int(o.Out.Fd()))
}

// words are the texts of the screen's language.
func (o *Options) words() *view.Words {
	language := o.Language
	if language == "" {
		language = view.LanguageOf(o.Getenv)
	}
	return view.NewWords(language)
}

func (o *Options) theme() *view.Theme {
	theme := view.NewTheme(!o.NoColor, o.ASCII)
	theme.Words = o.words()
	return theme
}

// Run shows the screen until the person quits or ctx ends. Where there is no
// terminal, or a dumb one, it runs the plain mode. It restores the terminal on
// every way out: quit, SIGTERM, SIGHUP, SIGINT, a panic. It never stops the
// gateway itself: it returns what the person chose.
func Run(ctx context.Context, o Options) (Outcome, error) {
	o.fill()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP, os.Interrupt)
	defer stop()
	if o.Plain {
		return runPlain(ctx, &o)
	}
	return runScreen(ctx, &o)
}

type (
	frameMsg struct{}
	tickMsg  struct{}
	wakeMsg  struct{}
	paceMsg  struct{}
	doneMsg  struct{ apply func() }
)

// model is the thin layer between Bubble Tea and the screen.
type model struct {
	screen *screen
	ctx    context.Context //nolint:containedctx // of the one Run that it belongs to
	crash  *crash
	work   *work
	in     *os.File
	out    *terminal
	titled int // how many requests wait by the window's title, and one; 0: it has none yet

	pressed bool // a key came since the last frame
	waking  bool // a frame is held, and will be drawn
	mouse   bool // the terminal tells of it
}

// newModel returns a model whose panics call stop. It has no terminal of its own.
func newModel(ctx context.Context, stop context.CancelFunc, o *Options) *model {
	return &model{screen: newScreen(o, newFeed(feedSize), o.theme()), ctx: ctx, crash: &crash{stop: stop}, work: &work{}}
}

// start has the gateway's events come into a loop, in frames, until the model's context
// ends: that ends the loop.
func (m *model) start(send func(tea.Msg)) {
	f, b := m.screen.feed, m.screen.backend
	m.work.start(func() { defer m.crash.guard(); f.follow(m.ctx, b) })
	m.work.start(func() { defer m.crash.guard(); f.pace(m.ctx, func() { send(frameMsg{}) }) })
	// Not tea.WithContext: that way out closes the input while it is being read.
	m.work.start(func() { <-m.ctx.Done(); send(tea.Quit()) })
}

func runScreen(ctx context.Context, o *Options) (Outcome, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := newModel(ctx, cancel, o)
	m.in, m.out = o.In, newTerminal(o.Out)
	m.out.pace.set(lineSpeed(o.Out))
	if o.Settings != nil {
		if set, err := o.Settings(); err == nil { // else the screen says so, in a moment
			m.screen.use(set)
		}
	}
	m.out.command(titleSave)
	defer m.out.command(titleRestore)
	program := tea.NewProgram(m, tea.WithAltScreen(), tea.WithFPS(1), // of a renderer whose frames are left out
		tea.WithInput(keys(o.In)), tea.WithOutput(m.out),
		tea.WithoutSignalHandler(), tea.WithoutCatchPanics())
	m.work.start(func() { defer m.crash.guard(); m.out.follow(ctx) })
	m.start(program.Send)
	_, err := program.Run()
	m.screen.secrets.Close()
	m.screen.leavePane()
	interrupted := ctx.Err() != nil
	cancel()
	m.work.end()
	switch p := m.crash.found(); {
	case p != nil:
		return Outcome{}, p
	case m.screen.quit:
		return m.screen.outcome, nil
	case interrupted:
		return Outcome{}, ErrInterrupted
	case err != nil:
		return Outcome{}, &Error{Op: "run the screen", Err: err, Hint: "openclaw tui --plain needs no terminal"}
	}
	return m.screen.outcome, nil
}

// Init starts the clock.
func (m *model) Init() tea.Cmd { return second() }

func second() tea.Cmd { return tea.Tick(time.Second, func(time.Time) tea.Msg { return tickMsg{} }) }

// Update does the bookkeeping of one message.
func (m *model) Update(msg tea.Msg) (next tea.Model, cmd tea.Cmd) {
	defer m.crash.guard()
	defer func() { next = m }() // also after a panic: the loop goes on until it is told to quit
	s := m.screen
	var cmds []tea.Cmd
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		s.resize(msg.Width, msg.Height)
	case tea.KeyMsg:
		m.pressed = true
		s.key(keyOf(msg))
		if s.secrets.Captures() {
			clear(msg.Runes)
		}
	case tea.MouseMsg:
		press, counts := mouseOf(msg)
		if !counts {
			return m, nil
		}
		s.point(press)
	case frameMsg:
		s.frame()
	case tickMsg:
		s.tick()
		cmds = append(cmds, second())
	case doneMsg:
		if msg.apply != nil {
			msg.apply()
		}
	case wakeMsg:
		s.clock()
		return m, nil
	case paceMsg:
		m.waking = false
	case tea.ResumeMsg:
		s.denials.Doze() // it was out of sight
		m.mouse = false  // the terminal was given back
		s.clock()
	default:
		return m, nil
	}
	for _, t := range s.pending {
		cmds = append(cmds, m.command(t))
	}
	s.pending = s.pending[:0]
	if s.redraw {
		s.redraw = false
		cmds = append(cmds, tea.ClearScreen)
	}
	cmds = append(cmds, m.signals()...)
	if wait, due := m.later(); due {
		cmds = append(cmds, tea.Tick(wait, func(time.Time) tea.Msg { return paceMsg{} }))
	}
	if s.suspend {
		s.suspend = false
		cmds = append(cmds, tea.Suspend)
	}
	if s.quit {
		cmds = append(cmds, tea.Quit)
	}
	return m, tea.Batch(cmds...)
}

// signals are what reaches the person outside the frame: the bell, and the
// window's title. A slow terminal holds up neither the loop nor the keys.
func (m *model) signals() []tea.Cmd {
	var cmds []tea.Cmd
	if m.screen.bell {
		m.screen.bell = false
		cmds = append(cmds, m.tell("\a"))
	}
	if sequence := m.screen.clipboard; sequence != "" {
		m.screen.clipboard = ""
		cmds = append(cmds, m.tell(sequence))
	}
	if m.screen.editing {
		m.screen.editing = false
		cmds = append(cmds, m.edit())
	}
	if m.screen.showing != nil {
		cmds = append(cmds, m.showToken())
		m.screen.showing = nil
	}
	if n, _ := m.screen.data.Waiting(); n+1 != m.titled {
		m.titled = n + 1
		cmds = append(cmds, m.tell("\x1b]2;"+m.screen.title()+"\x1b\\"))
	}
	if pointing := m.pointing(); pointing != nil {
		cmds = append(cmds, pointing)
	}
	if m.screen.denials.Dozes() { // draw again when the keys are awake
		cmds = append(cmds, tea.Tick(view.ArmDelay+20*time.Millisecond, func(time.Time) tea.Msg { return wakeMsg{} }))
	}
	return cmds
}

// tell sends a sequence to the terminal, beside the loop.
func (m *model) tell(sequence string) tea.Cmd {
	if m.out == nil {
		return nil
	}
	return func() tea.Msg { m.out.command(sequence); return nil }
}

// edit gives the terminal to the person's editor, and says how that ended.
func (m *model) edit() tea.Cmd {
	s := m.screen
	cmd, err := s.edit(s.editAt)
	if err != nil {
		s.say(view.Bad, m.screen.data.T("no editor: %s", problemText(err)))
		return nil
	}
	if m.out != nil { // the terminal itself: an editor asks whether it has one
		cmd.Stdin, cmd.Stdout = m.in, m.out.File
	}
	return tea.ExecProcess(cmd, func(err error) tea.Msg {
		return doneMsg{func() {
			s.redraw, m.mouse = true, false // the terminal was given away
			s.denials.Doze()                // so were the keys
			if err != nil {
				s.say(view.Bad, m.screen.data.T("the editor failed: %s", problemText(err)))
				return
			}
			s.say(view.Plain, m.screen.data.T("the editor is closed; a file that was saved is read by itself"))
		}}
	})
}

// command runs a task outside the loop.
func (m *model) command(t task) tea.Cmd {
	return func() tea.Msg {
		if !m.work.begin() {
			return nil
		}
		defer m.work.running.Done()
		defer m.crash.guard()
		return doneMsg{t(m.ctx)}
	}
}

// work counts the goroutines of one Run. After end nothing begins.
type work struct {
	running sync.WaitGroup

	mu    sync.Mutex
	ended bool
}

func (w *work) begin() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		w.running.Add(1)
	}
	return !w.ended
}

func (w *work) start(run func()) {
	if w.begin() {
		go func() {
			defer w.running.Done()
			run()
		}()
	}
}

func (w *work) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.running.Wait()
}

// View has the frame painted. Without a terminal of our own, in tests, it returns it.
func (m *model) View() (frame string) {
	defer m.crash.guard()
	s := m.screen
	if m.out == nil {
		return s.view()
	}
	if !m.hold() {
		if s.dirty {
			m.pressed = false
			s.data.Flight = m.out.pace.flight(max(s.width*s.height, len(s.out)))
		}
		m.out.show(s.view(), s.width, s.height)
	}
	return ""
}
