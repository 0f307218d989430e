package tui

import (
	"bytes"
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"openclaw/tui/view"
)

// AttachOptions is one run's terminal on a terminal of the person's.
type AttachOptions struct {
	In, Out    *os.File // a terminal
	Terminal   Terminal
	Run, Agent string
	NoColor    bool
	Language   string // of view.Languages; empty: as the locale says
	Getenv     func(string) string
}

// Left is how Attach ended.
type Left struct {
	Ended bool   // the run has; else it goes on
	Exit  string // how it ended
}

// sizeEach is how often the terminal's size is looked at.
const sizeEach = 200 * time.Millisecond

// leaveByte is view.LeavePane as a terminal sends it.
const leaveByte = 0x1d

// Attach shows a run's terminal over the whole of this one and gives it the keys, until
// the run ends, view.LeavePane is pressed, or ctx ends. As in a pane of the screen,
// nothing that the program writes reaches this terminal but cells. It restores the
// terminal on every way out, and ends nothing.
func Attach(ctx context.Context, o *AttachOptions) (Left, error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	options := Options{Language: o.Language, Getenv: o.Getenv, NoColor: o.NoColor || o.Getenv("NO_COLOR") != ""}
	state, err := term.MakeRaw(int(o.In.Fd()))
	if err != nil {
		return Left{}, &Error{Op: "attach to a run", Err: err, Hint: "it needs a terminal"}
	}
	defer func() { _ = term.Restore(int(o.In.Fd()), state) }()
	a := attached{o: o, out: newTerminal(o.Out), words: options.words(), canvas: view.NewCanvas(options.theme()), pane: view.Pane{Run: o.Run, Agent: o.Agent, Focus: true}}
	_, _ = a.out.WriteString(ansi.SetModeAltScreenSaveCursor + ansi.HideCursor) // as with every frame: who reads the keys learns that it is gone
	defer func() {
		_, _ = a.out.WriteString(cursorKeys(false) + pasteMarks(false) + ansi.ResetModeAltScreenSaveCursor + ansi.ShowCursor)
	}()
	painting, endPaint := context.WithCancel(ctx)
	painted := make(chan struct{})
	go func() { defer close(painted); a.out.follow(painting) }()
	defer func() { endPaint(); <-painted }()
	return a.run(ctx)
}

type attached struct {
	o             *AttachOptions
	out           *terminal
	canvas        *view.Canvas
	pane          view.Pane
	words         *view.Words
	width, height int
	application   bool
	marks         bool
}

func (a *attached) run(ctx context.Context) (Left, error) {
	gone := make(chan struct{})
	go a.keys(gone)
	sizes := time.NewTicker(sizeEach)
	defer sizes.Stop()
	a.fit()
	for {
		select {
		case <-ctx.Done():
			return Left{}, ErrInterrupted
		case <-gone:
			return Left{}, nil
		case <-sizes.C:
			a.fit()
		case f, more := <-a.o.Terminal.Frames():
			if !more {
				return Left{Ended: true, Exit: a.words.T("its supervisor is gone")}, nil
			}
			a.pane.Take(&f)
			a.modes(f.KeysApplication, f.Paste)
			a.draw()
			if f.Ended {
				return Left{Ended: true, Exit: view.Printable(f.Exit, 200)}, nil
			}
		}
	}
}

// keys gives what is typed to the program as it comes, until the key that leaves.
// Where nobody reads any more it ends with the process.
func (a *attached) keys(gone chan<- struct{}) {
	defer close(gone)
	buffer := make([]byte, 4096)
	for {
		n, err := a.o.In.Read(buffer)
		typed, _, leave := bytes.Cut(buffer[:n], []byte{leaveByte})
		if len(typed) > 0 {
			a.o.Terminal.Keys(bytes.Clone(typed)) // false: the program does not read, and they are lost
		}
		clear(buffer[:n]) // it may have been a password
		if leave || err != nil {
			return
		}
	}
}

// fit tells the run the size that there is for it, once a size.
func (a *attached) fit() {
	width, height, err := term.GetSize(int(a.o.Out.Fd()))
	if err != nil || width == a.width && height == a.height {
		return
	}
	a.width, a.height = width, height
	columns, rows := view.PaneSize(width, height)
	a.o.Terminal.Resize(columns, rows)
	a.draw()
}

func (a *attached) draw() {
	a.canvas.Reset(a.width, a.height)
	a.pane.Draw(a.canvas)
	a.out.show(string(a.canvas.AppendTo(nil)), a.width, a.height)
}

// modes has this terminal send keys as the program asked its own to.
func (a *attached) modes(application, marks bool) {
	if application != a.application {
		a.application = application
		a.out.command(cursorKeys(application))
	}
	if marks != a.marks {
		a.marks = marks
		a.out.command(pasteMarks(marks))
	}
}

func cursorKeys(application bool) string {
	if application {
		return "\x1b[?1h"
	}
	return "\x1b[?1l"
}

func pasteMarks(on bool) string {
	if on {
		return "\x1b[?2004h"
	}
	return "\x1b[?2004l"
}
