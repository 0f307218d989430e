package escape_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// addKey is a call that the filter of a cage refuses and nothing else would.
func addKey() error {
	_, err := unix.AddKey("user", "openclaw-escape", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
	return err
}

// filterAttempts go round the call filter.
func filterAttempts() []try {
	return []try{
		{name: "filter: from a new thread", run: func(place) error {
			done := make(chan error)
			go func() { runtime.LockOSThread(); done <- addKey() }()
			return <-done
		}},
		{name: "filter: from a program that was started", run: func(place) error {
			return exec.Command("/usr/bin/perl", "-e", fmt.Sprintf(`my ($t,$d,$p)=("user","openclaw","x"); syscall(%d, $t, $d, $p, 1, -2) > 0 or die "add_key: $!\n"`, unix.SYS_ADD_KEY)).Run()
		}},
		{name: "filter: a number with high bits", run: func(place) error {
			kind, _ := unix.BytePtrFromString("user")
			name, _ := unix.BytePtrFromString("openclaw")
			payload := []byte("x")
			ring := -2
			_, _, errno := unix.Syscall6(1<<32|unix.SYS_ADD_KEY, uintptr(unsafe.Pointer(kind)), uintptr(unsafe.Pointer(name)), uintptr(unsafe.Pointer(&payload[0])), 1, uintptr(ring), 0)
			return errnoOrNil(errno)
		}},
		{name: "filter: allow oneself by a filter of one's own", run: func(place) error {
			runtime.LockOSThread()
			if err := ownFilter(unix.SECCOMP_RET_ALLOW, 0); err != nil {
				return err
			}
			return addKey()
		}},
		{name: "filter: a listener of one's own", run: func(place) error {
			runtime.LockOSThread()
			return ownFilter(unix.SECCOMP_RET_ALLOW, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
		}},
		{name: "filter: a call changed by a tracer", run: func(place) error { return tracedCall() }},
		{name: "filter: rules of one's own open a folder", check: sharedChanged, run: func(p place) error {
			runtime.LockOSThread()
			if err := ownLandlock(p.path("shared")); err != nil {
				return err
			}
			return os.WriteFile(p.path("shared/lib.txt"), []byte("x"), 0o600)
		}},
		{name: "filter: personality of another machine", run: call(unix.SYS_PERSONALITY, 0x0400000|0x8)},
		{name: "filter: a refused socket in registers whose upper halves say otherwise", run: func(place) error {
			var err error
			for _, high := range []uintptr{1 << 32, 1 << 40, 1 << 63, 0xffffffff << 32} {
				for _, flags := range []uintptr{0, unix.SOCK_CLOEXEC, unix.SOCK_NONBLOCK, unix.SOCK_CLOEXEC | unix.SOCK_NONBLOCK} {
					for which := range 8 {
						a := [3]uintptr{unix.AF_UNIX, unix.SOCK_DGRAM | flags, 0}
						for i := range a {
							if which&(1<<i) != 0 {
								a[i] |= high
							}
						}
						if _, _, errno := unix.Syscall(unix.SYS_SOCKET, a[0], a[1], a[2]); errno == 0 {
							return nil
						} else if err = errno; !errors.Is(errno, unix.EACCES) {
							return fmt.Errorf("%x: %w", a, errno)
						}
					}
				}
			}
			return err
		}},
		{name: "filter: a refused socket among thousands at once, between signals", run: manySockets},
		{name: "filter: from a child that shares memory", run: func(place) error {
			// vfork's child has its parent's memory, and its filter.
			return exec.Command("/bin/sh", "-c", fmt.Sprintf(`exec /usr/bin/perl -e 'my ($t,$d,$p)=("user","openclaw","x"); exit(syscall(%d, $t, $d, $p, 1, -2) > 0 ? 0 : 1)'`, unix.SYS_ADD_KEY)).Run()
		}},
	}
}

// manySockets asks for a refused socket from many threads, which are interrupted all the
// while: whoever answers for the filter has much to do, and calls are made anew.
func manySockets(place) error {
	const threads, times = 48, 400
	answers, done := make(chan error, threads), make(chan struct{})
	defer close(done)
	go func() {
		for {
			select {
			case <-done:
				return
			default:
				_ = unix.Kill(os.Getpid(), unix.SIGURG) // the runtime's own, which does nothing
			}
		}
	}()
	for range threads {
		go func() {
			runtime.LockOSThread()
			var err error
			for range times {
				fd, e := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
				if e == nil {
					_ = unix.Close(fd)
					answers <- nil
					return
				}
				err = e
			}
			answers <- err
		}()
	}
	var err error
	for range threads {
		if err = <-answers; err == nil {
			return nil
		}
	}
	return err
}

// ownFilter puts a filter on the calling thread that always gives one answer.
func ownFilter(answer uint32, flags uintptr) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{{Code: unix.BPF_RET | unix.BPF_K, K: answer}}
	program := unix.SockFprog{Len: 1, Filter: &filter[0]}
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	return errnoOrNil(errno)
}

// ownLandlock restricts the calling thread to write below one folder.
func ownLandlock(folder string) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	handled := uint64(unix.LANDLOCK_ACCESS_FS_WRITE_FILE)
	ruleset, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&handled)), 8, 0)
	if errno != 0 {
		return errno
	}
	fd, err := open(folder, unix.O_PATH|unix.O_DIRECTORY)
	if err != nil {
		return err
	}
	var rule [12]byte
	*(*uint64)(unsafe.Pointer(&rule[0])) = handled
	*(*int32)(unsafe.Pointer(&rule[8])) = int32(fd)
	if _, _, errno = unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, ruleset, 1, uintptr(unsafe.Pointer(&rule[0])), 0, 0, 0); errno != 0 {
		return errno
	}
	_, _, errno = unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0, 0)
	return errnoOrNil(errno)
}
