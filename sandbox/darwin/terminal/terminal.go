//go:build darwin || linux

// Package terminal gives a run a terminal of its own in place of the person's.
//
// What a program types into its own terminal (TIOCSTI) then stays there,
// where on the person's it would be the next thing that their shell reads.
//
// It owns the pair of terminals and the person's terminal's mode while it is
// raw. Run copies both ways until Finish, and then returns after everything
// that the command wrote has been shown; Close puts the person's terminal back
// as it was. Keys that interrupt reach the command by its own terminal, if its
// input comes from there; otherwise they are signals to this process.
package terminal

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Terminal is the terminal of one run.
type Terminal struct {
	master, slave *os.File
	outer         *os.File // the person's
	from, to      *os.File // the person's, where the command's were terminals
	wakeRead      *os.File
	wakeWrite     *os.File
	before        *term.State
	files         [3]*os.File
	finish        sync.Once
}

// New makes a terminal for the command if any of its three files is one, and
// nil if none is.
func New(stdin, stdout, stderr *os.File) (*Terminal, error) {
	t := &Terminal{files: [3]*os.File{stdin, stdout, stderr}}
	for i, file := range t.files {
		if file == nil || !term.IsTerminal(int(file.Fd())) {
			continue
		}
		if t.outer == nil {
			t.outer = file
		}
		if i == 0 {
			t.from = file
		} else if t.to == nil {
			t.to = file
		}
		t.files[i] = nil
	}
	if t.outer == nil {
		return nil, nil
	}
	if t.to == nil {
		t.to = t.outer
	}
	var err error
	if t.master, t.slave, err = pty.Open(); err != nil {
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	if t.wakeRead, t.wakeWrite, err = os.Pipe(); err != nil {
		t.closeFiles()
		return nil, fmt.Errorf("open terminal: %w", err)
	}
	for i, given := range [3]*os.File{stdin, stdout, stderr} {
		if given != nil && t.files[i] == nil {
			t.files[i] = t.slave
		}
	}
	if t.from == nil {
		// Its output goes to a terminal that still translates it, once is enough.
		if _, err := term.MakeRaw(int(t.slave.Fd())); err != nil {
			t.closeFiles()
			return nil, fmt.Errorf("open terminal: %w", err)
		}
	}
	_ = pty.InheritSize(t.outer, t.master) // a terminal without a size has none to give
	return t, nil
}

// Files are the command's three files.
func (t *Terminal) Files() (stdin, stdout, stderr *os.File) {
	return t.files[0], t.files[1], t.files[2]
}

// Name is the device of the command's terminal.
func (t *Terminal) Name() string { return t.slave.Name() }

// Slave is the command's end; Started closes it here.
func (t *Terminal) Slave() *os.File { return t.slave }

// Started is to be called once the command has its files.
func (t *Terminal) Started() { _ = t.slave.Close() }

// Run copies until Finish has been called and all has been shown.
func (t *Terminal) Run() error {
	if t.from != nil {
		state, err := term.MakeRaw(int(t.from.Fd()))
		if err != nil {
			return fmt.Errorf("prepare terminal: %w", err)
		}
		t.before = state
	}
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	var sizes sync.WaitGroup
	sizes.Go(func() {
		for range resized {
			_ = pty.InheritSize(t.outer, t.master)
		}
	})
	err := t.copy()
	signal.Stop(resized)
	close(resized)
	sizes.Wait()
	return err
}

// copy moves bytes both ways. It waits with select, which alone knows
// terminals on macOS.
func (t *Terminal) copy() error {
	master, wake, from := int(t.master.Fd()), int(t.wakeRead.Fd()), -1
	if t.from != nil {
		from = int(t.from.Fd())
	}
	buffer := make([]byte, 32<<10)
	for ending := false; ; {
		var set unix.FdSet
		set.Set(master)
		if !ending {
			set.Set(wake)
			if from >= 0 {
				set.Set(from)
			}
		}
		var wait *unix.Timeval
		if ending {
			wait = &unix.Timeval{} // what is there is shown, and nothing waited for
		}
		n, err := unix.Select(max(master, wake, from)+1, &set, nil, nil, wait)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("wait for terminal: %w", err)
		case n == 0:
			return nil
		}
		if set.IsSet(master) {
			if !pass(t.to, master, buffer) {
				if ending {
					return nil
				}
				// The command has closed its terminal; it has not ended yet.
				if !t.waitForEnd(wake) {
					return nil
				}
			}
		}
		if from >= 0 && set.IsSet(from) && !ending && !pass(t.master, from, buffer) {
			from = -1
		}
		if set.IsSet(wake) {
			ending = true
		}
	}
}

// waitForEnd waits for Finish alone, as a terminal that was closed is always
// ready. It returns false: there is nothing left to show.
func (t *Terminal) waitForEnd(wake int) bool {
	for {
		var set unix.FdSet
		set.Set(wake)
		if _, err := unix.Select(wake+1, &set, nil, nil, nil); !errors.Is(err, unix.EINTR) {
			return false
		}
	}
}

// pass moves what is there. It returns false at the end.
func pass(to *os.File, from int, buffer []byte) bool {
	n, err := unix.Read(from, buffer)
	if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
		return true
	}
	if n <= 0 {
		return false
	}
	_, err = to.Write(buffer[:n])
	return err == nil
}

// Finish is to be called when the command has ended; Run returns soon after.
func (t *Terminal) Finish() { t.finish.Do(func() { _ = t.wakeWrite.Close() }) }

// Close restores the person's terminal. Run must have returned.
func (t *Terminal) Close() {
	if t.before != nil {
		_ = term.Restore(int(t.from.Fd()), t.before)
	}
	t.Finish()
	_ = t.wakeRead.Close()
	t.closeFiles()
}

func (t *Terminal) closeFiles() {
	_ = t.master.Close()
	_ = t.slave.Close()
}
