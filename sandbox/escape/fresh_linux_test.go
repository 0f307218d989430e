package escape_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Numbers that golang.org/x/sys does not have, or not for every processor. From
// the kernel's include/uapi: asm-generic/unistd.h, linux/prctl.h, linux/sockios.h.
const (
	callQuotaByDescriptor = 443

	memoryProgram = 13     // PR_SET_MM_EXE_FILE
	noticeCreate  = 4      // DN_CREATE, of linux/fcntl.h
	socketSpace   = 0x894c // SIOCGSKNS
)

// makesNamespace makes a namespace in a program of one thread.
func makesNamespace(flag int) func(place) error {
	return func(place) error {
		out, err := exec.Command("/usr/bin/perl", "-e", `syscall($ARGV[0]+0, $ARGV[1]+0) == 0 or die "unshare: $!\n"`,
			strconv.Itoa(unix.SYS_UNSHARE), strconv.Itoa(flag)).CombinedOutput()
		return wrapped(err, out)
	}
}

func wrapped(err error, out []byte) error {
	if err == nil {
		return nil
	}
	return errors.Join(err, errors.New(string(out)))
}

// callOn makes a bare call whose first argument is the cage's first process.
func callOn(number uintptr, arguments ...uintptr) func(place) error {
	return func(p place) error { return call(number, append([]uintptr{uintptr(p.initPID())}, arguments...)...)(p) }
}

// writesText opens for writing and writes what is there, or the text.
func writesText(name func(place) string, text string) func(place) error {
	return func(p place) error {
		if text == "" {
			was, err := os.ReadFile(name(p))
			if err != nil {
				return err
			}
			text = string(was)
		}
		file, err := os.OpenFile(name(p), os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		defer func() { _ = file.Close() }()
		if isNull(int(file.Fd())) {
			return errors.New("it is the null device")
		}
		_, err = file.WriteString(text)
		return err
	}
}

func named(name string) func(place) string { return func(place) string { return name } }

// freshAttempts are by ways that are seldom thought of.
func freshAttempts() []try {
	return []try{
		// Files.
		{name: "read outside by the newer open", run: func(p place) error {
			fd, err := open(p.path("project"), unix.O_PATH|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			got, err := unix.Openat2(fd, "../other/notes.txt", &unix.OpenHow{Flags: unix.O_RDONLY})
			if err != nil {
				return err
			}
			return holds(got)
		}},
		{name: "read denied by the newer open in a root of its own", denied: true, run: func(p place) error {
			fd, err := open(p.path("project"), unix.O_PATH|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			got, err := unix.Openat2(fd, "/secret/key", &unix.OpenHow{Flags: unix.O_RDONLY, Resolve: unix.RESOLVE_IN_ROOT})
			if err != nil {
				return err
			}
			return holds(got)
		}},
		{name: "changes in a folder outside, by the oldest watch", run: func(p place) error {
			runtime.LockOSThread()
			fd, err := open(p.path("other"), unix.O_RDONLY|unix.O_DIRECTORY)
			if err != nil {
				return err
			}
			_, err = unix.FcntlInt(uintptr(fd), unix.F_NOTIFY, noticeCreate)
			return err
		}},
		{name: "changes in a folder outside, by the newest watch", run: func(p place) error {
			fd, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF|unix.FAN_REPORT_FID, 0) // any user may
			if err != nil {
				return err
			}
			return unix.FanotifyMark(fd, unix.FAN_MARK_ADD, unix.FAN_CREATE, unix.AT_FDCWD, p.path("other"))
		}},
		{name: "keep a file outside from being changed", run: func(p place) error {
			fd, err := open(p.path("other/notes.txt"), unix.O_RDONLY)
			if err != nil {
				return err
			}
			return unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB)
		}},
		{name: "race: hard link by swapping a link", run: func(p place) error {
			name, flip := swapLinks(p, p.path("project/main.go"), p.path("other/notes.txt"))
			mine := p.path("project/mine")
			return race(flip, func() error {
				_ = os.Remove(mine)
				if err := unix.Linkat(unix.AT_FDCWD, name, unix.AT_FDCWD, mine, unix.AT_SYMLINK_FOLLOW); err != nil {
					return err
				}
				return reads(mine)
			})
		}},
		{name: "race: times by a path changed in memory", check: func(w *world) error {
			info, err := os.Stat(w.path("shared/lib.txt"))
			if err == nil && info.ModTime().Unix() != 1 {
				err = errors.New("it has its own time")
			}
			return err
		}, run: func(p place) error {
			b := newText()
			times := []unix.Timespec{{Sec: 1}, {Sec: 1}}
			return race(b.between(p.path("project/main.go"), p.path("shared/lib.txt")), func() error {
				_, _, errno := unix.Syscall6(unix.SYS_UTIMENSAT, atCWD(), b.pointer(), uintptr(unsafe.Pointer(&times[0])), 0, 0, 0)
				info, err := os.Stat(p.path("shared/lib.txt"))
				if errno == 0 && err == nil && info.ModTime().Unix() != 1 {
					return errors.New("the other file")
				}
				return errnoOrNil(errno)
			})
		}},

		// The process that holds the cage together.
		{name: "write memory of init by call", prepare: victim, run: func(p place) error {
			from := []byte{0}
			local := []unix.Iovec{{Base: &from[0], Len: 1}}
			_, err := unix.ProcessVMWritev(p.initPID(), local, []unix.RemoteIovec{{Base: 0x1000, Len: 1}}, 0)
			if errors.Is(err, unix.EFAULT) { // permitted, and nothing is there
				return nil
			}
			return err
		}},
		{name: "where the memory of init lies", prepare: victim, run: callOn(unix.SYS_MOVE_PAGES, 0, 0, 0, 0, 0)},
		{name: "move the memory of init", prepare: victim, run: func(p place) error {
			nodes := uint64(1)
			_, _, errno := unix.Syscall6(unix.SYS_MIGRATE_PAGES, uintptr(p.initPID()), 2, uintptr(unsafe.Pointer(&nodes)), uintptr(unsafe.Pointer(&nodes)), 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "slow the timers of init", root: true, prepare: victim, run: writesText(func(p place) string { return p.init("timerslack_ns") }, "50000")},

		// Powers.
		{name: "never be ended where memory is short", root: true, run: writesText(named("/proc/self/oom_score_adj"), "-999")},
		{name: "security bits", spaces: true, run: func(place) error { return unix.Prctl(unix.PR_SET_SECUREBITS, 0, 0, 0, 0) }},
		{name: "pass for another program", root: true, run: func(place) error {
			fd, err := open("/bin/true", unix.O_RDONLY)
			if err != nil {
				return err
			}
			return reaches(unix.SYS_PRCTL, unix.PR_SET_MM, memoryProgram, uintptr(fd), 0, 0)(place{})
		}},
		{name: "restart the machine", root: true, run: reaches(unix.SYS_REBOOT, 0, 0, 0, 0)}, // without its magic: nothing happens
		{name: "unload a module", root: true, run: func(place) error {
			name, err := unix.BytePtrFromString("openclaw-none")
			if err != nil {
				return err
			}
			_, _, errno := unix.Syscall(unix.SYS_DELETE_MODULE, uintptr(unsafe.Pointer(name)), unix.O_NONBLOCK, 0)
			if errno == unix.ENOENT { // there is none of that name
				return nil
			}
			return errnoOrNil(errno)
		}},
		{name: "load a module from memory", root: true, run: reaches(unix.SYS_INIT_MODULE, 0, 0, 0)},
		{name: "quota by descriptor", root: true, run: reaches(callQuotaByDescriptor, ^uintptr(0), 0, 0, 0)},
		{name: "what the kernel runs at a crash", root: true, run: writesText(named("/proc/sys/kernel/core_pattern"), "")},
		{name: "what the kernel runs for a module", root: true, run: writesText(named("/proc/sys/kernel/modprobe"), "")},
		{name: "physical memory", root: true, run: opens("/dev/mem", unix.O_RDONLY)},
		{name: "registers of a processor", root: true, run: opens("/dev/cpu/0/msr", unix.O_RDONLY)},
		{name: "faults of others by a device", root: true, run: opens("/dev/userfaultfd", unix.O_RDWR)},
		{name: "memory shared with devices", root: true, run: opens("/dev/udmabuf", unix.O_RDWR)},

		// Namespaces and mounts.
		{name: "process namespace", spaces: true, run: makesNamespace(unix.CLONE_NEWPID)},
		{name: "IPC namespace", spaces: true, run: makesNamespace(unix.CLONE_NEWIPC)},
		{name: "host name namespace", spaces: true, run: makesNamespace(unix.CLONE_NEWUTS)},
		{name: "cgroup namespace", spaces: true, run: makesNamespace(unix.CLONE_NEWCGROUP)},
		{name: "join namespaces by a process", spaces: true, run: func(place) error {
			runtime.LockOSThread()
			fd, err := unix.PidfdOpen(os.Getpid(), 0)
			if err != nil {
				return err
			}
			return unix.Setns(fd, unix.CLONE_NEWNET|unix.CLONE_NEWUTS)
		}},
		{name: "network namespace by a socket", spaces: true, run: func(place) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
			if err != nil {
				return err
			}
			return ioctl(fd, socketSpace, nil)
		}},
		{name: "control groups of the first version", root: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return unix.Mount("none", p.path("project"), "cgroup", 0, "memory") })
		}},
		{name: "interpreters of the machine", spaces: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return unix.Mount("none", p.path("project"), "binfmt_misc", 0, "") })
		}},

		// Network.
		{name: "raise the network's device", spaces: true, network: true, run: func(place) error {
			fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			request, err := unix.NewIfreq("lo")
			if err != nil {
				return err
			}
			request.SetUint16(unix.IFF_UP)
			return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
		}},
		{name: "pose as a named socket of the person's", network: true, prepare: func(w *world) {
			name := "@openclaw-escape-pose-" + filepath.Base(w.home)
			while(w, func() {
				if conn, err := net.DialTimeout("unix", name, time.Second); err == nil {
					_ = conn.Close()
				}
			})
		}, run: func(p place) error {
			listener, err := net.Listen("unix", "@openclaw-escape-pose-"+filepath.Base(p.home))
			if err != nil {
				return err
			}
			_ = listener.(*net.UnixListener).SetDeadline(time.Now().Add(patience() / 3))
			conn, err := listener.Accept()
			if err == nil {
				_ = conn.Close()
			}
			return err
		}},
	}
}
