package escape_test

import (
	"errors"
	"io"
	"os"
	"unsafe"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

// terminal gives the attempt a terminal of its own as standard input.
func terminal(w *world) {
	ours, theirs, err := pty.Open()
	require(w.t, err == nil, "no pseudo-terminals here")
	w.t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	go func() { _, _ = io.Copy(io.Discard, ours) }()
	w.stdin, w.tty, w.session = theirs, theirs, true
}

// controlled makes standard input the controlling terminal of this process, as
// it is for a command that a person starts.
func controlled() error {
	_, _ = unix.Setsid() // outside a cage it has one already
	return unix.IoctlSetInt(0, unix.TIOCSCTTY, 0)
}

// exclusive reports whether a terminal was closed to other programs.
func exclusive(w *world) error {
	value, err := unix.IoctlGetInt(int(w.tty.Fd()), 0x80045440) // TIOCGEXCL
	if err == nil && value == 0 {
		err = errors.New("it is open")
	}
	return err
}

func terminalAttempts() []try {
	onTerminal := func(do func() error) func(place) error {
		return func(place) error {
			if err := controlled(); err != nil {
				return err
			}
			return do()
		}
	}
	return []try{
		{name: "terminal: type into it", prepare: terminal, run: onTerminal(func() error {
			letter := byte('x')
			return ioctl(0, unix.TIOCSTI, unsafe.Pointer(&letter))
		})},
		{name: "terminal: type into it with high bits", prepare: terminal, run: onTerminal(func() error {
			letter := byte('x')
			return ioctl(0, unix.TIOCSTI|1<<40, unsafe.Pointer(&letter))
		})},
		{name: "terminal: another line discipline", prepare: terminal, run: onTerminal(func() error {
			discipline := int32(0)
			return ioctl(0, unix.TIOCSETD, unsafe.Pointer(&discipline))
		})},
		{name: "terminal: close it to other programs", prepare: terminal, check: exclusive, run: onTerminal(func() error {
			return ioctl(0, unix.TIOCEXCL, nil)
		})},
		{name: "terminal: times by name", prepare: terminal, run: func(place) error {
			return unix.Utimes("/proc/self/fd/0", []unix.Timeval{{Sec: 1}, {Sec: 1}})
		}},
		{name: "terminal: owner by descriptor", prepare: terminal, run: func(place) error { return unix.Fchown(0, os.Getuid(), os.Getgid()) }},
		{name: "terminal: mode by descriptor", prepare: terminal, run: func(place) error { return unix.Fchmod(0, 0o622) }},
		{name: "terminal: of another session", prepare: func(w *world) {
			ours, theirs, err := pty.Open()
			require(w.t, err == nil, "no pseudo-terminals here")
			w.t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
			w.hint = theirs.Name()
		}, run: func(p place) error {
			file, err := os.OpenFile(p.hint, os.O_WRONLY|unix.O_NOCTTY, 0)
			if err == nil {
				_ = file.Close()
			}
			return err
		}},
	}
}
