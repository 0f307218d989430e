//go:build darwin || linux

package terminal

import (
	"bytes"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// input is what passes the person's keys on.
type input struct {
	stop    wake
	running sync.WaitGroup
	early   int  // how many bytes were typed before, as whole lines
	end     byte // the key that ends a file
}

// restoreEnds makes the key that ends a file of what the kernel made of it: in lines
// that were complete before the terminal was raw it is a NUL.
func (in *input) restoreEnds(keys []byte) {
	early := min(in.early, len(keys))
	for i, key := range keys[:early] {
		if key == 0 {
			keys[i] = in.end
		}
	}
	in.early -= early
}

// Attached reports whether the person's keys are passed on.
func (t *Terminal) Attached() bool { return t.attached.Load() }

// Attach passes on what the person types, every key as it is. With signals, the keys
// that interrupt and stop stay with the person's terminal, which sends them to all
// programs of a pipeline. To a terminal that is attached its modes are given anew, as
// who has it now may have changed them. This process must be in the foreground.
//
// What is typed from the moment of the modes on is passed on after ready has returned,
// which sees to it that the command's terminal has the command in its foreground: a key
// that came earlier would be nobody's. Without such need ready is nil.
func (t *Terminal) Attach(signals bool, ready func()) error {
	modes, err := getModes(int(t.outer.Fd()))
	if err != nil {
		return fmt.Errorf("prepare terminal: %w", err)
	}
	if t.modes == nil {
		if err := t.beginAgain(modes); err != nil {
			return fmt.Errorf("prepare terminal: %w", err)
		}
	}
	if t.modes == nil || *modes != *t.raw { // a shell that gives back what it found gives ours
		t.modes = modes
	}
	t.raw = rawOf(t.modes, signals)
	if err := setModes(int(t.outer.Fd()), t.raw); err != nil {
		return fmt.Errorf("prepare terminal: %w", err)
	}
	if t.raw, err = getModes(int(t.outer.Fd())); err != nil { // as the system understood it
		return fmt.Errorf("prepare terminal: %w", err)
	}
	t.Resize()
	if t.input != nil {
		return nil
	}
	stop, err := newWake()
	if err != nil {
		return fmt.Errorf("prepare terminal: %w", err)
	}
	in := &input{stop: stop}
	if t.modes.Lflag&unix.ICANON != 0 {
		in.early, in.end = t.Typed(), t.modes.Cc[unix.VEOF]
	}
	if ready != nil {
		ready()
	}
	in.running.Go(func() { t.pass(in) })
	t.input = in
	t.attached.Store(true)
	return nil
}

// beginAgain is for a run that was begun in the background: the modes were those of the
// shell's line editor then, and its own are those that it has in the foreground. What the
// command has set itself stays.
func (t *Terminal) beginAgain(modes *unix.Termios) error {
	now, err := getModes(int(t.slave.Fd()))
	if err != nil || *now != *t.began {
		return err
	}
	return t.begin(modes)
}

// Detach leaves what is typed to others. With restore, the person's terminal gets its
// modes back, for which this process must be in the foreground; without, somebody
// else has set its modes since.
func (t *Terminal) Detach(restore bool) error {
	if t.input == nil {
		return nil
	}
	t.input.stop.wake()
	t.input.running.Wait()
	t.input.stop.close()
	t.input = nil
	t.attached.Store(false)
	if !restore {
		return nil
	}
	now, err := getModes(int(t.outer.Fd()))
	if err != nil {
		return fmt.Errorf("restore terminal: %w", err)
	}
	if *now != *t.raw {
		return nil // who has changed them since wants them so
	}
	if err := setModes(int(t.outer.Fd()), t.modes); err != nil {
		return fmt.Errorf("restore terminal: %w", err)
	}
	return nil
}

// Typed is how many bytes wait to be read on the person's terminal: of whole lines, as
// long as it makes lines.
func (t *Terminal) Typed() int {
	n, err := unix.IoctlGetInt(int(t.outer.Fd()), inputCount)
	if err != nil {
		return 0
	}
	return n
}

// pass moves keys until it is stopped, or the person's terminal has gone, which it then
// has the command's know.
func (t *Terminal) pass(in *input) {
	from, master, stop := t.from, t.ours, in.stop.read()
	buffer := make([]byte, pieces)
	var waiting []byte // that the run has had no room for
	for {
		read, write := []int{stop, from}, []int(nil)
		if len(waiting) > 0 {
			read, write = read[:1], []int{master}
		}
		ready, err := await(read, write, -1)
		switch {
		case err != nil || ready[stop]:
			return
		case len(waiting) == 0:
			n, err := unix.Read(from, buffer)
			if errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN) {
				continue
			}
			modes, failed := getModes(from)
			switch {
			case failed != nil:
				t.lose()
				return
			case err != nil:
				return
			case n == 0: // who has it make lines meanwhile has this key end a file
				buffer[0], n = modes.Cc[unix.VEOF], 1
			}
			waiting = buffer[:n]
			in.restoreEnds(waiting)
		}
		stops := t.stops(waiting)
		n, err := unix.Write(master, waiting)
		if err != nil && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EAGAIN) {
			return
		}
		if waiting = waiting[max(n, 0):]; stops && len(waiting) == 0 {
			t.typed()
		}
	}
}

// stops reports whether the key that stops a job is among them, and the command's
// terminal heeds it.
func (t *Terminal) stops(keys []byte) bool {
	if t.typed == nil {
		return false
	}
	modes, err := getModes(t.ours) // those of the command's end
	return err == nil && modes.Lflag&unix.ISIG != 0 && modes.Cc[unix.VSUSP] != disabled && bytes.IndexByte(keys, modes.Cc[unix.VSUSP]) >= 0
}
