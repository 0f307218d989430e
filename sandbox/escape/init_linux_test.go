package escape_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sleeper is a child that does nothing.
type sleeper struct {
	command *exec.Cmd
	pid     int
}

func startSleeper(dir string) (*sleeper, error) {
	command := exec.Command("/bin/sleep", "60")
	command.Dir = dir
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &sleeper{command: command, pid: command.Process.Pid}, nil
}

func (s *sleeper) end() { _ = s.command.Process.Kill(); _ = s.command.Wait() }

// asUser is a word on what only a cage of an ordinary user cannot hold.
func asUser(why string) string {
	if os.Getuid() == 0 {
		return ""
	}
	return why
}

// initAttempts are about the process that holds the cage together.
func initAttempts() []try {
	return []try{
		{name: "write memory of init", prepare: victim, run: func(p place) error { _, err := os.OpenFile(p.init("mem"), os.O_RDWR, 0); return err }},
		{name: "memory of init by call", prepare: victim, run: func(p place) error {
			into := make([]byte, 1)
			local := []unix.Iovec{{Base: &into[0], Len: 1}}
			_, err := unix.ProcessVMReadv(p.initPID(), local, []unix.RemoteIovec{{Base: 0x1000, Len: 1}}, 0)
			if errors.Is(err, unix.EFAULT) { // permitted, and nothing is there
				return nil
			}
			return err
		}},
		{name: "copy a descriptor of init", prepare: victim, run: func(p place) error {
			fd, err := unix.PidfdOpen(p.initPID(), 0)
			if err != nil {
				return err
			}
			for number := range 32 {
				if _, err = unix.PidfdGetfd(fd, number, 0); err == nil {
					return nil
				}
			}
			return err
		}},
		{name: "compare kernel objects with init", prepare: victim, run: func(p place) error {
			_, _, errno := unix.Syscall6(unix.SYS_KCMP, uintptr(os.Getpid()), uintptr(p.initPID()), 2, 0, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "list of locks of init", prepare: victim, run: func(p place) error {
			var head, size uintptr
			_, _, errno := unix.Syscall(unix.SYS_GET_ROBUST_LIST, uintptr(p.initPID()), uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&size)))
			return errnoOrNil(errno)
		}},
		{name: "follow init without stopping it", prepare: victim, run: func(p place) error {
			runtime.LockOSThread()
			_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_SEIZE, uintptr(p.initPID()), 0, 0, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "where init is in the kernel", prepare: victim, run: func(p place) error { _, err := os.ReadFile(p.init("syscall")); return err }},
		{name: "what init maps", prepare: victim, run: func(p place) error { _, err := os.ReadDir(p.init("map_files")); return err }},
		{name: "working folder of init", prepare: victim, run: func(p place) error { _, err := os.Readlink(p.init("cwd")); return err }},
		{name: "let init be killed first", prepare: victim, run: func(p place) error { return os.WriteFile(p.init("oom_score_adj"), []byte("1000"), 0) }},
		{name: "descriptor table of init", prepare: victim, run: func(p place) error { _, err := os.ReadDir(p.init("fdinfo")); return err }},
		{name: "auxiliary vector of init", prepare: victim, run: func(p place) error {
			text, err := os.ReadFile(p.init("auxv"))
			if err == nil && len(text) == 0 {
				err = errors.New("empty")
			}
			return err
		}},
		{name: "namespace of init by its descriptor", prepare: victim, run: func(p place) error {
			fd, err := unix.PidfdOpen(p.initPID(), 0)
			if err != nil {
				return err
			}
			_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), 0xff03, 0) // PIDFD_GET_MNT_NAMESPACE
			return errnoOrNil(errno)
		}},
		{name: "advise about memory of init", root: true, prepare: victim, run: func(p place) error {
			fd, err := unix.PidfdOpen(p.initPID(), 0)
			if err != nil {
				return err
			}
			vector := []unix.Iovec{{Base: (*byte)(nil), Len: 0}}
			_, _, errno := unix.Syscall6(unix.SYS_PROCESS_MADVISE, uintptr(fd), uintptr(unsafe.Pointer(&vector[0])), 1, unix.MADV_COLD, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "kill init by a queued signal", older: endsItself, prepare: victim, run: func(p place) error {
			var info [128]byte
			*(*int32)(unsafe.Pointer(&info[0])) = int32(unix.SIGCONT)
			*(*int32)(unsafe.Pointer(&info[8])) = -1 // SI_QUEUE
			_, _, errno := unix.Syscall(unix.SYS_RT_SIGQUEUEINFO, uintptr(p.initPID()), uintptr(unix.SIGCONT), uintptr(unsafe.Pointer(&info[0])))
			return errnoOrNil(errno)
		}},
		{name: "priority of init", prepare: victim, run: func(p place) error { return unix.Setpriority(unix.PRIO_PROCESS, p.initPID(), 19) }},
		{name: "processors of init", prepare: victim, run: func(p place) error {
			var set unix.CPUSet
			if err := unix.SchedGetaffinity(0, &set); err != nil {
				return err
			}
			return unix.SchedSetaffinity(p.initPID(), &set)
		}},
		{name: "scheduling of init", prepare: victim, run: func(p place) error {
			priority := int32(0)
			_, _, errno := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, uintptr(p.initPID()), unix.SCHED_BATCH, uintptr(unsafe.Pointer(&priority)))
			return errnoOrNil(errno)
		}},
		{name: "disk priority of init", prepare: victim, run: func(p place) error {
			_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioWhoProcess, uintptr(p.initPID()), 3<<13)
			return errnoOrNil(errno)
		}},
		{name: "stop the cage by its own threads of init", older: endsItself, prepare: victim, run: func(p place) error {
			tasks, err := os.ReadDir(p.init("task"))
			if err != nil {
				return err
			}
			for _, task := range tasks {
				tid, _ := strconv.Atoi(task.Name())
				if err = unix.Tgkill(p.initPID(), tid, unix.SIGCONT); err == nil {
					return nil
				}
			}
			return err
		}},
		{name: "outlive the run", check: stillAlive, prepare: func(w *world) {
			w.t.Cleanup(func() { _ = os.WriteFile(w.path("project/stop"), nil, 0o600); time.Sleep(30 * time.Millisecond) })
		}, run: func(p place) error {
			script := `trap '' TERM HUP INT QUIT
i=0; while [ $i -lt 2000 ] && [ ! -e "$0/stop" ]; do echo x >> "$0/alive" || exit; sleep 0.02; i=$((i+1)); done`
			err := exec.Command("/usr/bin/setsid", "--fork", "/bin/sh", "-c", script, p.path("project")).Run()
			if err != nil {
				return err
			}
			for range 6000 { // a minute
				if _, err = os.Stat(p.path("project/alive")); err == nil {
					break
				}
				time.Sleep(10 * time.Millisecond)
			}
			return exitNow(err)
		}},
		{name: "outlive the run by many generations", check: stillAlive, prepare: func(w *world) {
			w.t.Cleanup(func() { _ = os.WriteFile(w.path("project/stop"), nil, 0o600); time.Sleep(30 * time.Millisecond) })
		}, run: func(p place) error {
			// Each process starts the next and ends.
			script := `n=$1; [ $n -gt 2000 ] || [ -e "$0/stop" ] && exit; echo x >> "$0/alive"; sleep 0.02; setsid /bin/sh "$0/script" $((n+1)) & exit`
			if err := os.WriteFile(p.path("project/script"), []byte(strings.ReplaceAll(script, "$0", p.path("project"))), 0o600); err != nil {
				return err
			}
			if err := exec.Command("/bin/sh", p.path("project/script"), "1").Run(); err != nil {
				return err
			}
			time.Sleep(100 * time.Millisecond)
			_, err := os.Stat(p.path("project/alive"))
			return exitNow(err)
		}},
	}
}

// exitNow ends with the status of what is held: whether it escaped is for check
// to say, which looks after the run.
func exitNow(err error) error {
	if err == nil && inside() {
		return errors.New("whether it goes on is seen from outside")
	}
	return err
}

// stillAlive reports whether the attempt's process goes on after its run.
func stillAlive(w *world) error {
	size := func() int64 {
		info, err := os.Stat(w.path("project/alive"))
		if err != nil {
			return 0
		}
		return info.Size()
	}
	before := size()
	for end := time.Now().Add(w.patience(200 * time.Millisecond)); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if size() > before {
			return nil
		}
	}
	return fmt.Errorf("it has ended")
}
