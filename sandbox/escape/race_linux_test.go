package escape_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// raceTime is how long a race is tried.
const raceTime = 300 * time.Millisecond

// race calls try over and over, while another thread calls flip with 0 and 1 in
// turn, until try is nil or the time is over.
func race(flip func(turn int), try func() error) error {
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		for i := 0; !stop.Load(); i++ {
			flip(i % 2)
		}
	}()
	defer func() { stop.Store(true); <-done }()
	last := errors.New("never tried")
	for until := time.Now().Add(raceTime); time.Now().Before(until); {
		if last = try(); last == nil {
			return nil
		}
	}
	return last
}

// text is a path in memory that another thread changes.
type text struct{ at []byte }

func newText() *text {
	at, err := unix.Mmap(-1, 0, 2*4096, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return &text{make([]byte, 2*4096)}
	}
	return &text{at}
}

func (b *text) set(name string) { copy(b.at, name+"\x00") }

func (b *text) pointer() uintptr { return uintptr(unsafe.Pointer(&b.at[0])) }

// between flips a path between two names, of which the second is the one wanted.
func (b *text) between(shown, wanted string) func(int) {
	return func(turn int) {
		if turn == 0 {
			b.set(shown)
		} else {
			b.set(wanted)
		}
	}
}

// atCWD is AT_FDCWD as an argument.
func atCWD() uintptr { at := unix.AT_FDCWD; return uintptr(at) }

// swapLinks makes two links and exchanges them for good.
func swapLinks(p place, shown, wanted string) (name string, flip func(int)) {
	name, other := p.path("project/swap"), p.path("project/swap2")
	_ = os.Symlink(shown, name)
	_ = os.Symlink(wanted, other)
	return name, func(int) { _ = unix.Renameat2(unix.AT_FDCWD, name, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE) }
}

// modeOf fails unless the mode of a file of the world is that.
func modeOf(name string, mode os.FileMode) func(*world) error {
	return func(w *world) error {
		info, err := os.Lstat(w.path(name))
		if err == nil && info.Mode().Perm() != mode {
			err = errors.New("it has the mode " + info.Mode().String())
		}
		return err
	}
}

// raceAttempts change what a call says while it is judged.
func raceAttempts() []try {
	input := stdin("other/notes.txt", os.O_RDONLY)
	return []try{
		{name: "race: read by swapping a link", run: func(p place) error {
			name, flip := swapLinks(p, p.path("project/main.go"), p.path("other/notes.txt"))
			return race(flip, func() error { return reads(name) })
		}},
		{name: "race: write by swapping a link", check: sharedChanged, run: func(p place) error {
			name, flip := swapLinks(p, p.path("project/main.go"), p.path("shared/lib.txt"))
			return race(flip, func() error {
				fd, err := open(name, unix.O_WRONLY|unix.O_APPEND)
				if err != nil {
					return err
				}
				_, err = unix.Write(fd, []byte("x"))
				_ = unix.Close(fd)
				text, readErr := os.ReadFile(p.path("shared/lib.txt"))
				if err == nil && readErr == nil && string(text) == "shared" {
					err = errors.New("the other file")
				}
				return err
			})
		}},
		{name: "race: create by swapping a folder for a link", check: appeared("shared/new"), run: func(p place) error {
			if err := os.Mkdir(p.path("project/honest"), 0o700); err != nil {
				return err
			}
			name, flip := swapLinks(p, p.path("project/honest"), p.path("shared"))
			return race(flip, func() error {
				fd, err := open(name+"/new", unix.O_CREAT|unix.O_WRONLY)
				if err == nil {
					_ = unix.Close(fd)
					_, err = os.Lstat(p.path("shared/new"))
				}
				return err
			})
		}},
		{name: "race: write by a path changed in memory", check: sharedChanged, run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/main.go"), p.path("shared/lib.txt")), func() error {
				fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, atCWD(), b.pointer(), unix.O_WRONLY|unix.O_TRUNC, 0, 0, 0)
				if errno != 0 {
					return errno
				}
				_ = unix.Close(int(fd))
				if text, err := os.ReadFile(p.path("shared/lib.txt")); err == nil && string(text) == "shared" {
					return errors.New("the other file")
				}
				return nil
			})
		}},
		{name: "race: remove by a path changed in memory", check: sharedChanged, run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/nothing"), p.path("shared/lib.txt")), func() error {
				_, _, errno := unix.Syscall6(unix.SYS_UNLINKAT, atCWD(), b.pointer(), 0, 0, 0, 0)
				return errnoOrNil(errno)
			})
		}},
		{name: "race: mode by a path changed in memory", check: modeOf("shared/lib.txt", 0o640), run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/main.go"), p.path("shared/lib.txt")), func() error {
				_, _, errno := unix.Syscall6(unix.SYS_FCHMODAT, atCWD(), b.pointer(), 0o640, 0, 0, 0)
				info, err := os.Stat(p.path("shared/lib.txt"))
				if errno == 0 && err == nil && info.Mode().Perm() != 0o640 {
					return errors.New("the other file")
				}
				return errnoOrNil(errno)
			})
		}},
		{name: "race: move denied by a path changed in memory", denied: true, run: func(p place) error {
			b := newText()
			to, err := unix.BytePtrFromString(p.path("project/mine"))
			if err != nil {
				return err
			}
			return race(b.between(p.path("project/main.go"), p.path("project/.env")), func() error {
				_, _, _ = unix.Syscall6(unix.SYS_RENAMEAT2, atCWD(), b.pointer(), atCWD(), uintptr(unsafe.Pointer(to)), 0, 0)
				return reads(p.path("project/mine"))
			})
		}},
		{name: "race: read while ancestors are exchanged", denied: true, run: func(p place) error {
			if err := os.MkdirAll(p.path("project/deep2/er/hidden"), 0o700); err != nil {
				return err
			}
			return race(func(int) {
				_ = unix.Renameat2(unix.AT_FDCWD, p.path("project/deep"), unix.AT_FDCWD, p.path("project/deep2"), unix.RENAME_EXCHANGE)
			}, func() error { return reads(p.path("project/deep2/er/hidden/file")) })
		}},
		{name: "race: truncate standard input by a path changed in memory", prepare: input, check: changed("other/notes.txt"), run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/main.go"), "/proc/self/fd/0"), func() error {
				_, _, _ = unix.Syscall(unix.SYS_TRUNCATE, b.pointer(), 0, 0)
				return emptied(0)
			})
		}},
		{name: "race: truncate standard input by opening it to read", prepare: input, check: changed("other/notes.txt"), run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/main.go"), "/proc/self/fd/0"), func() error {
				fd, _, errno := unix.Syscall6(unix.SYS_OPENAT, atCWD(), b.pointer(), unix.O_RDONLY|unix.O_TRUNC, 0, 0, 0)
				if errno == 0 {
					_ = unix.Close(int(fd))
				}
				return emptied(0)
			})
		}},
		{name: "race: mode of standard input by a path changed in memory", prepare: input, check: modeOf("other/notes.txt", 0o640), run: func(p place) error {
			b := newText()
			return race(b.between(p.path("project/main.go"), "/proc/self/fd/0"), func() error {
				_, _, _ = unix.Syscall6(unix.SYS_FCHMODAT, atCWD(), b.pointer(), 0o640, 0, 0, 0)
				return modeIs(0, 0o640)
			})
		}},
		{name: "race: mode of standard input by a descriptor changed", prepare: input, check: modeOf("other/notes.txt", 0o640), run: func(p place) error {
			const number = 100
			own, err := open(p.path("project/main.go"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			return race(func(turn int) {
				if turn == 0 {
					_ = unix.Dup3(own, number, 0)
				} else {
					_ = unix.Dup3(0, number, 0)
				}
			}, func() error {
				_ = unix.Fchmod(number, 0o640)
				return modeIs(0, 0o640)
			})
		}},
		{name: "race: address changed in memory", network: true, prepare: twoServices, run: func(p place) error {
			allowed, refused := p.ports()
			memory := newText()
			address := (*unix.RawSockaddrInet4)(unsafe.Pointer(&memory.at[0]))
			address.Family, address.Addr = unix.AF_INET, [4]byte{127, 0, 0, 1}
			port := (*[2]byte)(unsafe.Pointer(&address.Port))
			return race(func(turn int) {
				to := allowed
				if turn == 1 {
					to = refused
				}
				port[0], port[1] = byte(to>>8), byte(to)
			}, func() error {
				fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
				if err != nil {
					return err
				}
				defer func() { _ = unix.Close(fd) }()
				_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), memory.pointer(), unix.SizeofSockaddrInet4)
				if errno != 0 {
					return errno
				}
				return saysRefused(fd)
			})
		}},
		{name: "race: cover of a denied file that is replaced", denied: true, prepare: func(w *world) {
			// What an editor of the person does.
			while(w, func() {
				_ = os.WriteFile(w.path("project/.env.new"), []byte(secret), 0o600)
				_ = os.Rename(w.path("project/.env.new"), w.path("project/.env"))
			})
		}, run: func(p place) error {
			return race(func(int) { time.Sleep(time.Millisecond) }, func() error { return reads(p.path("project/.env")) })
		}},
		{name: "race: look-ups of an outside folder while it is made and removed", prepare: func(w *world) {
			while(w, func() {
				_ = os.MkdirAll(w.path("other/door"), 0o700)
				_ = os.WriteFile(w.path("other/door/key"), []byte(secret), 0o600)
				_ = os.RemoveAll(w.path("other/door"))
			})
		}, run: func(p place) error {
			return race(func(int) { _, _ = os.Lstat(p.path("other/door")) }, func() error { return reads(p.path("other/door/key")) })
		}},
		{name: "race: reading a file outside while the person moves it", prepare: func(w *world) {
			while(w, func() {
				_ = os.Rename(w.path("other/notes.txt"), w.path("other/.moved"))
				_ = os.Rename(w.path("other/.moved"), w.path("other/notes.txt"))
			})
		}, run: func(p place) error {
			return race(func(int) { _, _ = os.Lstat(p.path("other/.moved")) }, func() error {
				fd, err := open(filepath.Join(p.home, "other/notes.txt"), unix.O_RDONLY)
				if err != nil {
					return err
				}
				defer func() { _ = unix.Close(fd) }()
				return holds(fd)
			})
		}},
	}
}

func emptied(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Size != 0 {
		return errors.New("it is as long as it was")
	}
	return nil
}

func modeIs(fd int, mode uint32) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return err
	}
	if stat.Mode&0o777 != mode {
		return errors.New("it has the mode that it had")
	}
	return nil
}
