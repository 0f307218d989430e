//go:build darwin || linux

package terminal

import (
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// pieces is how much is shown at once.
const pieces = 4 << 10

// Run shows what the command writes until Finish has been called and all has been
// shown. A person's terminal that has gone takes everything, until HangUp.
func (t *Terminal) Run() error {
	t.mu.Lock()
	t.running = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		if t.running, t.ran = false, true; t.hungUp {
			t.drop()
		}
		t.mu.Unlock()
		close(t.done)
	}()
	master, to := t.ours, int(t.to.Fd())
	buffer := make([]byte, 1+pieces)
	held := 0 // a carriage return at the front, which may be half a new line
	for ending, gone := false, false; ; {
		read := []int{master}
		wait := time.Duration(0) // what is there is shown, and nothing waited for
		if !ending && held == 0 {
			wait = -1
		}
		if !ending {
			read = append(read, t.ending.read())
		}
		t.idle.Store(wait < 0)
		ready, err := await(read, nil, wait)
		t.idle.Store(false)
		switch {
		case err != nil:
			return fmt.Errorf("wait for terminal: %w", err)
		case ready == nil && held == 0:
			return nil
		case ready == nil:
			gone = gone || t.show(to, buffer[:held]) != nil
			held = 0
		}
		if ready[master] {
			n, err := unix.Read(master, buffer[held:])
			switch {
			case errors.Is(err, unix.EINTR) || errors.Is(err, unix.EAGAIN):
				continue
			case n <= 0:
				return nil
			}
			text := buffer[:held+n]
			if held = 0; t.twice(to) {
				text, held = once(text)
			}
			gone = gone || t.show(to, text) != nil
			buffer[0] = '\r'
			t.shown.Add(int64(n))
		}
		ending = ending || ready[t.ending.read()]
	}
}

// twice reports whether both terminals make a new line of a line feed: the person's
// does unless it is raw.
func (t *Terminal) twice(to int) bool {
	const both = unix.OPOST | unix.ONLCR
	for _, terminal := range []int{t.ours, to} { // ours has the modes of the command's end
		if modes, err := getModes(terminal); err != nil || modes.Oflag&both != both {
			return false
		}
	}
	return true
}

// once undoes in place what the command's terminal did, and holds a carriage return
// back whose line feed may be yet to come.
func once(text []byte) (plain []byte, held int) {
	plain = text[:0]
	for i, b := range text {
		if b == '\r' && i+1 == len(text) {
			return plain, 1
		}
		if b != '\r' || text[i+1] != '\n' {
			plain = append(plain, b)
		}
	}
	return plain, 0
}

// show shows what the command wrote, while nothing is said beside it.
func (t *Terminal) show(to int, text []byte) error {
	t.showing.Lock()
	defer t.showing.Unlock()
	if len(text) > 0 {
		t.midLine = text[len(text)-1] != '\n'
	}
	return show(to, text)
}

// show writes all of it, also to a file that somebody made non-blocking.
func show(to int, text []byte) error {
	for len(text) > 0 {
		n, err := unix.Write(to, text)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			if _, err := await(nil, []int{to}, -1); err != nil {
				return err
			}
		case err != nil:
			return err
		}
		text = text[max(n, 0):]
	}
	return nil
}

// Finish is to be called when the command has ended; Run returns soon after.
func (t *Terminal) Finish() { t.finish.Do(t.ending.wake) }

// Shown returns once Run has, or when the person's terminal has taken nothing for
// that long: one that was stopped takes nothing until it is let go on.
func (t *Terminal) Shown(patience time.Duration) bool {
	for {
		before := t.shown.Load()
		select {
		case <-t.done:
			return true
		case <-time.After(patience):
		}
		if t.shown.Load() == before {
			return false
		}
	}
}

// Settle returns once all that the command wrote before has been shown, or after that
// long: what a command wrote that has just been stopped is seen before its shell says
// so. It is not settled once Run has returned.
func (t *Terminal) Settle(patience time.Duration) bool {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		select {
		case <-t.done:
			return false
		default:
		}
		if !t.idle.Load() {
			continue
		}
		// Nothing is there that Run has not taken, and it has not taken anything since.
		if ready, err := await([]int{t.ours}, nil, 0); err == nil && ready == nil && t.idle.Load() {
			return true
		}
	}
	return false
}

// wake is a pipe that ends a wait.
type wake struct{ r, w *os.File }

func newWake() (wake, error) {
	r, w, err := os.Pipe()
	return wake{r, w}, err
}

func (w wake) read() int { return int(w.r.Fd()) }

func (w wake) wake() { _ = w.w.Close() }

func (w wake) close() {
	if w.r != nil {
		_, _ = w.r.Close(), w.w.Close()
	}
}

// await waits until any of the files can be read or written, and returns which; nil
// after that long, if it is not negative. It waits with select, which alone knows
// terminals on macOS.
func await(read, write []int, patience time.Duration) (map[int]bool, error) {
	for {
		var readable, writable unix.FdSet
		most := 0
		for _, set := range []struct {
			files []int
			into  *unix.FdSet
		}{{read, &readable}, {write, &writable}} {
			for _, file := range set.files {
				if file < 0 || file >= unix.FD_SETSIZE {
					return nil, fmt.Errorf("descriptor %d is none that can be waited for", file)
				}
				set.into.Set(file)
				most = max(most, file)
			}
		}
		var wait *unix.Timeval
		if patience >= 0 {
			value := unix.NsecToTimeval(int64(patience))
			wait = &value
		}
		n, err := unix.Select(most+1, &readable, &writable, nil, wait)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		case n == 0:
			return nil, nil
		}
		ready := map[int]bool{}
		for _, file := range read {
			ready[file] = ready[file] || readable.IsSet(file)
		}
		for _, file := range write {
			ready[file] = ready[file] || writable.IsSet(file)
		}
		return ready, nil
	}
}
