package escape_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// victim starts a process of the same person outside.
func victim(w *world) {
	// It ends with this process, by its input, and not with the thread that starts it, as
	// by a signal of the parent's death: here threads of a supervisor come and go.
	command := exec.Command("cat")
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if _, err := command.StdinPipe(); err != nil {
		w.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	w.hint = strconv.Itoa(command.Process.Pid)
}

// inside reports whether this is in a cage.
func inside() bool { return os.Getenv(insideVariable) != "" }

// initPID is the process that started the command: the first one of the cage,
// or the supervisor's child where a cage has no process namespace; and the
// victim outside.
func (p place) initPID() int {
	if text := os.Getenv(parentVariable); text != "" {
		pid, _ := strconv.Atoi(text)
		return pid
	}
	if inside() {
		return os.Getppid()
	}
	return p.pid()
}

func (p place) init(name string) string { return fmt.Sprintf("/proc/%d/%s", p.initPID(), name) }

func (p place) pid() int { pid, _ := strconv.Atoi(p.hint); return pid }

func processAttempts() []try {
	deny := func(w *world) { no := false; w.perms.ExecuteCommands = &no }
	return []try{
		{name: "signal a process outside", prepare: victim, run: func(p place) error { return unix.Kill(p.pid(), unix.SIGCONT) }},
		{name: "signal by descriptor", prepare: victim, run: func(p place) error {
			fd, err := unix.PidfdOpen(p.pid(), 0)
			if err != nil {
				return err
			}
			return unix.PidfdSendSignal(fd, unix.SIGCONT, nil, 0)
		}},
		{name: "trace a process outside", prepare: victim, run: func(p place) error { return unix.PtraceAttach(p.pid()) }},
		{name: "memory of a process outside", prepare: victim, run: func(p place) error {
			_, err := os.OpenFile(fmt.Sprintf("/proc/%d/mem", p.pid()), os.O_RDWR, 0)
			return err
		}},
		{name: "environment of a process outside", prepare: victim, run: func(p place) error {
			_, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", p.pid()))
			return err
		}},
		{name: "limits of a process outside", prepare: victim, run: func(p place) error {
			return unix.Prlimit(p.pid(), unix.RLIMIT_NOFILE, nil, &unix.Rlimit{})
		}},
		{name: "memory of init", prepare: victim, run: func(p place) error { _, err := os.OpenFile(p.init("mem"), os.O_RDONLY, 0); return err }},
		{name: "environment of init", prepare: victim, run: func(p place) error {
			text, err := os.ReadFile(p.init("environ"))
			if err == nil && len(text) == 0 {
				err = errors.New("empty")
			}
			return err
		}},
		{name: "descriptors of init", prepare: victim, run: func(p place) error { _, err := os.Readlink(p.init("fd/0")); return err }},
		{name: "root of init", prepare: victim, run: func(p place) error { _, err := os.ReadDir(p.init("root/")); return err }},
		{name: "program of init", prepare: victim, run: func(p place) error { _, err := os.Open(p.init("exe")); return err }},
		{name: "namespace of init", prepare: victim, run: func(p place) error { _, err := os.Open(p.init("ns/mnt")); return err }},
		{name: "stack of init", prepare: victim, run: func(p place) error { _, err := os.ReadFile(p.init("maps")); return err }},
		{name: "trace init", prepare: victim, run: func(p place) error { return unix.PtraceAttach(p.initPID()) }},
		{name: "stop init", older: endsItself, prepare: victim, run: func(p place) error { return unix.Kill(p.initPID(), unix.SIGSTOP) }},
		{name: "crash init", older: endsItself, prepare: victim, run: func(p place) error { return unix.Kill(p.initPID(), unix.SIGABRT) }},
		{name: "limits of init", prepare: victim, run: func(p place) error {
			return unix.Prlimit(p.initPID(), unix.RLIMIT_NOFILE, &unix.Rlimit{}, nil)
		}},
		{name: "own a signal of init", older: endsItself, run: signalOwner},
		{name: "become root by su", run: func(place) error { return setUIDGains() }},
		{name: "change user", root: true, run: func(place) error { _, _, e := unix.RawSyscall(unix.SYS_SETUID, 1, 0, 0); return errnoOrNil(e) }},
		{name: "raise limits", root: true, run: func(place) error {
			var limit unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_NICE, &limit); err != nil {
				return err
			}
			limit.Cur, limit.Max = 40, 40
			return unix.Setrlimit(unix.RLIMIT_NICE, &limit)
		}},
		{name: "dump core", run: func(place) error {
			var limit unix.Rlimit
			if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
				return err
			}
			// A limit of 1 stops both kinds of dump: files are larger, and it is
			// the kernel's mark for "not even into a pipe".
			if limit.Max > 1 {
				return nil
			}
			return errors.New("no core dump")
		}},
		{name: "execute a system program by another name", run: func(p place) error {
			link := fmt.Sprintf("/tmp/openclaw-escape-%d", os.Getpid())
			if err := os.Symlink("/usr/bin/su", link); err != nil {
				return err
			}
			defer func() { _ = os.Remove(link) }()
			return exec.Command(link, "--version").Run()
		}},
		{name: "execute though forbidden", prepare: deny, run: func(place) error { return exec.Command("/bin/true").Run() }},
		{name: "execute from memory though forbidden", prepare: deny, run: func(place) error { return runFromMemory() }},
		{name: "execute own file though forbidden", prepare: deny, run: func(p place) error {
			text, err := os.ReadFile("/bin/true")
			if err != nil {
				return err
			}
			if err := os.WriteFile(p.path("project/true"), text, 0o700); err != nil {
				return err
			}
			return exec.Command(p.path("project/true")).Run()
		}},
		{name: "execute by racing descriptor though forbidden", prepare: deny, run: raceExec},
		{name: "map a program though forbidden", reduced: "what may be read may be mapped for execution, where no mount says otherwise", prepare: deny, run: func(p place) error {
			fd, err := unix.Open(p.path("project/main.go"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			_, err = unix.Mmap(fd, 0, 4096, unix.PROT_READ|unix.PROT_EXEC, unix.MAP_PRIVATE)
			return err
		}},
		{name: "shared memory with a process outside", prepare: shareMemory, run: func(p place) error {
			_, err := unix.SysvShmAttach(p.pid(), 0, unix.SHM_RDONLY)
			return err
		}},
	}
}

func shareMemory(w *world) {
	id, err := unix.SysvShmGet(unix.IPC_PRIVATE, 4096, unix.IPC_CREAT|0o600)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _, _ = unix.SysvShmCtl(id, unix.IPC_RMID, nil) })
	w.hint = strconv.Itoa(id)
}

func signalOwner(place) error {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_NONBLOCK); err != nil {
		return err
	}
	_, err := unix.FcntlInt(uintptr(fds[0]), unix.F_SETOWN, 1)
	if err != nil {
		return err
	}
	if _, err := unix.FcntlInt(uintptr(fds[0]), unix.F_SETSIG, int(unix.SIGABRT)); err != nil {
		return err
	}
	if !inside() {
		return nil
	}
	_, _ = unix.FcntlInt(uintptr(fds[0]), unix.F_SETFL, unix.O_ASYNC)
	_, _ = unix.Write(fds[1], []byte("x"))
	return errors.New("init would have died of it, and this process with it")
}

func setUIDGains() error {
	if os.Getuid() == 0 {
		out, err := os.ReadFile("/proc/self/status")
		if err == nil && strings.Contains(string(out), "CapEff:\t0000000000000000") {
			err = errors.New("no capability")
		}
		return err
	}
	// A set-uid program that runs with another effective user.
	out, err := exec.Command("/usr/bin/perl", "-e", `my $p = open(my $h, "|-", "/usr/bin/su", "-c", "true"); select(undef,undef,undef,0.3); open(my $s, "<", "/proc/$p/status") or die; while(<$s>){ print if /^Uid/ } kill 9, $p;`).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	if fields := strings.Fields(string(out)); len(fields) > 2 && fields[2] == "0" {
		return nil
	}
	return fmt.Errorf("it ran as %s", out)
}

func runFromMemory() error {
	text, err := os.ReadFile("/bin/true")
	if err != nil {
		return err
	}
	fd, err := unix.MemfdCreate("x", 0)
	if err != nil {
		return err
	}
	if _, err := unix.Write(fd, text); err != nil {
		return err
	}
	return exec.Command(fmt.Sprintf("/proc/self/fd/%d", fd)).Run()
}

// raceExec names a descriptor that is opened only while the call is judged.
func raceExec(place) error {
	program, err := unix.Open("/bin/true", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	const number = 77
	empty := []byte{0}
	name, err := unix.BytePtrFromString("true")
	if err != nil {
		return err
	}
	arguments := []*byte{name, nil}
	environment := []*byte{nil}
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			_ = unix.Dup3(program, number, 0)
			_ = unix.Close(number)
		}
	}()
	// execveat ends this process with status 0 when it is let through.
	for until := time.Now().Add(raceTime); time.Now().Before(until); {
		_, _, _ = unix.Syscall6(unix.SYS_EXECVEAT, number, uintptr(unsafe.Pointer(&empty[0])), uintptr(unsafe.Pointer(&arguments[0])),
			uintptr(unsafe.Pointer(&environment[0])), unix.AT_EMPTY_PATH, 0)
	}
	close(stop)
	return errors.New("never executed")
}
