package escape_test

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// powerAttempts use or win back a privilege. An ordinary user has them in
// namespaces of their own, outside a cage.
func powerAttempts() []try {
	return []try{
		{name: "raise a capability", spaces: true, run: func(place) error {
			header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var sets [2]unix.CapUserData
			if err := unix.Capget(&header, &sets[0]); err != nil {
				return err
			}
			sets[0].Effective, sets[0].Permitted = 1<<unix.CAP_SYS_ADMIN, 1<<unix.CAP_SYS_ADMIN
			return unix.Capset(&header, &sets[0])
		}},
		{name: "capabilities after a program was run", spaces: true, run: func(place) error {
			out, err := exec.Command("/bin/grep", "CapEff", "/proc/self/status").Output()
			if err == nil && strings.Contains(string(out), "0000000000000000") {
				err = errors.New("none")
			}
			return err
		}},
		{name: "capability of the bounding set", reduced: asUser("a user without capabilities cannot empty the bounding set; no_new_privs makes it harmless"), spaces: true, run: func(place) error {
			set, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, unix.CAP_SYS_ADMIN, 0, 0, 0)
			if err == nil && set == 0 {
				err = errors.New("it is not in the set")
			}
			return err
		}},
		{name: "other groups", spaces: true, root: true, run: func(place) error {
			groups := [1]uint32{0}
			_, _, errno := unix.RawSyscall(unix.SYS_SETGROUPS, 1, uintptr(unsafe.Pointer(&groups[0])), 0)
			if errno == unix.EPERM && !inside() { // a user namespace of one user
				_, _, errno = unix.RawSyscall(unix.SYS_SETRESGID, 0, 0, 0)
			}
			return errnoOrNil(errno)
		}},
		{name: "file of another user", root: true, prepare: func(w *world) {
			w.write("project/theirs", secret)
			if err := os.Chown(w.path("project/theirs"), 1, 1); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error { return reads(p.path("project/theirs")) }},
		{name: "give a file away", root: true, run: func(p place) error { return os.Chown(p.path("project/main.go"), 1, 1) }},
		{name: "file that is locked to all", root: true, prepare: func(w *world) {
			w.write("project/locked", secret)
			if err := os.Chmod(w.path("project/locked"), 0); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error { return reads(p.path("project/locked")) }},
		{name: "immutable flag", root: true, run: func(p place) error {
			fd, err := open(p.path("project/main.go"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			flags := uint64(0x10) // FS_IMMUTABLE_FL
			if err := ioctl(fd, ioctlSetFlags, unsafe.Pointer(&flags)); err != nil {
				return err
			}
			flags = 0
			return ioctl(fd, ioctlSetFlags, unsafe.Pointer(&flags))
		}},
		{name: "security attribute", root: true, run: func(p place) error {
			return unix.Setxattr(p.path("project/main.go"), "security.capability", []byte{1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0}, 0)
		}},
		{name: "trusted attribute", root: true, run: func(p place) error { return unix.Setxattr(p.path("project/main.go"), "trusted.x", []byte("y"), 0) }},
		{name: "realtime scheduling", root: true, run: func(place) error {
			priority := int32(1)
			_, _, errno := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_FIFO, uintptr(unsafe.Pointer(&priority)))
			return errnoOrNil(errno)
		}},
		{name: "higher priority", root: true, run: func(place) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, -5) }},
		{name: "realtime disk priority", root: true, run: func(place) error {
			_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioWhoProcess, 0, 1<<13)
			return errnoOrNil(errno)
		}},
		{name: "wake the machine", root: true, run: func(place) error {
			fd, _, errno := unix.Syscall(unix.SYS_TIMERFD_CREATE, unix.CLOCK_BOOTTIME_ALARM, 0, 0)
			_ = fd
			return errnoOrNil(errno)
		}},
		{name: "clock drift", root: true, run: func(place) error {
			var now unix.Timex
			if _, err := unix.Adjtimex(&now); err != nil {
				return err
			}
			_, err := unix.Adjtimex(&unix.Timex{Modes: 0x2, Freq: now.Freq}) // ADJ_FREQUENCY, what it was
			return err
		}},
		{name: "domain name of the machine", spaces: true, run: func(place) error { return unix.Setdomainname([]byte("x")) }},
		{name: "let go of no_new_privs", run: func(place) error {
			_ = unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)
			set, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
			if err == nil && set == 1 {
				err = errors.New("it stays")
			}
			return err
		}},
	}
}
