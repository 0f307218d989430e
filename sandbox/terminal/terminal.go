//go:build darwin || linux

package terminal

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal is the terminal of one run. Attach, Detach and Close are for one caller at
// a time; the rest is safe beside them.
type Terminal struct {
	master, slave *os.File
	ours          int      // the master's descriptor
	outer         *os.File // the person's, whose modes and size count
	to            *os.File // the person's, where the run's output goes
	from          int      // the person's, where they type
	reopened      bool     // from is a descriptor of our own
	opened        *os.File // the person's, if it is not among the files
	files         [3]*os.File
	whole         bool

	ending  wake // of the output
	finish  sync.Once
	shown   atomic.Int64 // bytes that the person's terminal has taken
	idle    atomic.Bool  // Run waits for more
	done    chan struct{}
	resized chan os.Signal
	sizing  sync.WaitGroup

	mu      sync.Mutex
	running bool // Run has begun and not returned; under mu
	ran     bool // it has returned; under mu
	hungUp  bool // the command's terminal is to be, or is; under mu

	showing sync.Mutex // held while something is shown to the person
	midLine bool       // that ended within a line; under showing

	attached atomic.Bool // input is not nil, for all

	input *input        // nil: what is typed is the person's shell's
	modes *unix.Termios // of the person's terminal, before it was attached first
	raw   *unix.Termios // as it was attached
	began *unix.Termios // the command's terminal
	typed func()
}

// New makes a terminal for the command if any of its three files is one, or this
// process has one by name (/dev/tty), and nil if not. It touches nothing of the
// person's.
func New(stdin, stdout, stderr *os.File) (*Terminal, error) {
	t := &Terminal{files: [3]*os.File{stdin, stdout, stderr}, done: make(chan struct{})}
	var is [3]bool
	for i, file := range t.files {
		if file == nil || !term.IsTerminal(int(file.Fd())) {
			continue
		}
		is[i] = true
		if t.outer == nil {
			t.outer = file
		}
		if i > 0 && t.to == nil {
			t.to = file
		}
	}
	if t.outer == nil {
		// The command could still open the terminal of this process's session by name,
		// unless there is none or this user may not.
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY, 0)
		switch {
		case err == nil:
			t.outer, t.opened = tty, tty
		case !errors.Is(err, unix.ENXIO) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrPermission):
			return nil, fmt.Errorf("look for terminal: %w", err)
		}
	}
	if t.outer == nil {
		return nil, nil
	}
	t.whole = is[0] && is[1]
	if t.to == nil {
		t.to = t.outer
	}
	t.from, t.reopened = reopen(t.outer)
	if err := t.open(); err != nil {
		t.closeFiles()
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	for i := range t.files {
		if is[i] {
			t.files[i] = t.slave
		}
	}
	t.resized = make(chan os.Signal, 1)
	signal.Notify(t.resized, syscall.SIGWINCH)
	t.sizing.Go(func() {
		for range t.resized {
			t.Resize()
		}
	})
	return t, nil
}

func (t *Terminal) open() error {
	var err error
	if t.master, t.slave, err = pty.Open(); err != nil {
		return err
	}
	if t.ending, err = newWake(); err != nil {
		return err
	}
	// A run that does not read must not keep us from being told to stop. File.Fd would
	// make it blocking again.
	t.ours = int(t.master.Fd())
	if err := unix.SetNonblock(t.ours, true); err != nil {
		return err
	}
	modes, err := getModes(int(t.outer.Fd()))
	if err != nil {
		return err
	}
	if err := t.begin(modes); err != nil {
		return err
	}
	t.Resize()
	return nil
}

// begin gives the command's terminal the modes that it begins with.
func (t *Terminal) begin(modes *unix.Termios) error {
	if err := setModes(int(t.slave.Fd()), modes); err != nil {
		return err
	}
	var err error
	t.began, err = getModes(int(t.slave.Fd())) // as the system understood it
	return err
}

// Resize gives the command the size of the person's terminal. One without a size has
// none to give. A person's terminal that changes is followed.
func (t *Terminal) Resize() {
	if size, err := unix.IoctlGetWinsize(int(t.outer.Fd()), unix.TIOCGWINSZ); err == nil {
		_ = unix.IoctlSetWinsize(t.ours, unix.TIOCSWINSZ, size)
	}
}

// Files are the command's three files.
func (t *Terminal) Files() (stdin, stdout, stderr *os.File) {
	return t.files[0], t.files[1], t.files[2]
}

// Whole reports whether both the command's input and its output are the terminal, so
// that no other program of a pipeline has a part in it.
func (t *Terminal) Whole() bool { return t.whole }

// Outer is the person's terminal.
func (t *Terminal) Outer() *os.File { return t.outer }

// Name is the device of the command's terminal.
func (t *Terminal) Name() string { return t.slave.Name() }

// Slave is the command's end. It stays open here until Close: a command that has
// closed all of its own may open it again.
func (t *Terminal) Slave() *os.File { return t.slave }

// OnSuspend has a function called when the person types the key that stops a job
// while the command's terminal heeds it. It is called before Attach, or not at all.
func (t *Terminal) OnSuspend(typed func()) { t.typed = typed }

// Gone reports whether the person's terminal has gone: somebody closed its window, or
// the connection to it is lost.
func (t *Terminal) Gone() bool {
	_, err := getModes(int(t.outer.Fd()))
	return err != nil
}

// HangUp does to the command's terminal what was done to a person's that has gone: who
// reads there finds an end, who writes an error, and who opens it by name nothing
// (tty_hangup of the kernel's drivers/tty/tty_io.c). Nothing is passed on any more.
func (t *Terminal) HangUp() {
	_ = t.Detach(false) // it restores nothing, and so cannot fail
	t.lose()
}

// lose hangs up once nobody waits for the command's terminal.
func (t *Terminal) lose() {
	t.attached.Store(false)
	t.mu.Lock()
	t.hungUp = true
	if t.ran {
		t.drop()
	}
	t.mu.Unlock()
	t.Finish() // Run does it otherwise
}

// drop closes the master, which hangs up the other end. Its number goes on to be a file
// of ours: of one that takes nothing of what is asked of a terminal. mu is held.
func (t *Terminal) drop() {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return // no descriptor is left: the command waits until it is ended
	}
	_ = replace(t.ours, int(null.Fd())) // it fails for none that are open
	_ = null.Close()
}

// Close detaches, and gives up both ends. While Run still waits for the person's
// terminal to take something, what it uses stays open.
func (t *Terminal) Close(restore bool) error {
	err := t.Detach(restore)
	signal.Stop(t.resized)
	close(t.resized)
	t.sizing.Wait()
	t.Finish()
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.running {
		t.closeFiles()
	}
	return err
}

func (t *Terminal) closeFiles() {
	for _, file := range []*os.File{t.master, t.slave, t.opened} {
		if file != nil {
			_ = file.Close()
		}
	}
	if t.reopened {
		_ = unix.Close(t.from)
	}
	t.ending.close()
}
