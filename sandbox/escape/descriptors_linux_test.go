package escape_test

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

func stdin(name string, flags int) func(*world) {
	return func(w *world) {
		file, err := os.OpenFile(w.path(name), flags, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = file.Close() })
		w.stdin = file
	}
}

func descriptorAttempts() []try {
	return []try{
		{name: "reopen standard input for writing", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			file, err := os.OpenFile("/proc/self/fd/0", os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			_, err = file.WriteString("x")
			return err
		}, check: changed("other/notes.txt")},
		{name: "truncate standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			return unix.Truncate("/proc/self/fd/0", 0)
		}, check: changed("other/notes.txt")},
		{name: "truncate standard input by opening it", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			_, err := unix.Open("/proc/thread-self/fd/0", unix.O_RDONLY|unix.O_TRUNC, 0)
			return err
		}, check: changed("other/notes.txt")},
		// The mode that it has, so that the machine stays as it is.
		{name: "mode of the null device as input", root: true, run: func(place) error { return unix.Fchmod(0, 0o666) }},
		{name: "mode of the null device as input, by name", root: true, run: func(place) error { return unix.Chmod("/proc/self/fd/0", 0o666) }},
		{name: "mode of the null device", root: true, run: func(place) error { return unix.Chmod("/dev/null", 0o666) }},
		{name: "owner of the zero device", root: true, run: func(place) error { return unix.Chown("/dev/zero", 0, 0) }},
		{name: "mode of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error { return unix.Fchmod(0, 0o777) }},
		{name: "owner of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			return unix.Fchown(0, os.Getuid(), os.Getgid())
		}},
		{name: "times of standard input", prepare: stdin("other/notes.txt", os.O_RDONLY), run: func(place) error {
			return unix.Utimes("/proc/self/fd/0", []unix.Timeval{{Sec: 1}, {Sec: 1}})
		}},
		{name: "reopen standard output for reading", known: "the person gave the file to the command", prepare: stdin("other/notes.txt", os.O_WRONLY), run: func(place) error {
			return reads("/proc/self/fd/0")
		}},
		{name: "folder as standard input", unstartable: true, prepare: stdin(".", os.O_RDONLY), run: func(place) error {
			fd, err := unix.Openat(0, ".ssh/id_ed25519", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			buffer := make([]byte, 100)
			n, err := unix.Read(fd, buffer)
			if err == nil && !strings.Contains(string(buffer[:n]), secret) {
				err = errors.New("something else")
			}
			return err
		}},
		{name: "folder as standard input, by its parent", unstartable: true, prepare: stdin("project", os.O_RDONLY), run: func(place) error {
			if err := unix.Fchdir(0); err != nil {
				return err
			}
			return reads("../.ssh/id_ed25519")
		}},
		{name: "inherited descriptors", prepare: inherit, run: func(p place) error {
			for fd := 3; fd < 64; fd++ {
				buffer := make([]byte, 100)
				n, err := unix.Pread(fd, buffer, 0)
				if err == nil && strings.Contains(string(buffer[:n]), secret) {
					return nil
				}
			}
			// Outside a cage os/exec leaves out what this program marked; open it.
			if !inside() {
				return reads(p.path("other/notes.txt"))
			}
			return fmt.Errorf("none holds it")
		}},
	}
}

// inherit leaves descriptors open that are not marked to be closed.
func inherit(w *world) {
	for range 12 {
		fd, err := unix.Open(w.path("other/notes.txt"), unix.O_RDONLY, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = unix.Close(fd) })
	}
}
