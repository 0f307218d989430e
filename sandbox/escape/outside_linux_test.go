package escape_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// companion starts a process of the person in the process group of the attempt: of who
// runs a cage it is this program's own, and outside a cage one that has nobody else in
// it. It notes a signal that is of no matter to others.
func companion(w *world) {
	script := `trap ': > "$0"' WINCH; echo; while :; do sleep 0.02; done`
	command := exec.Command("/bin/sh", "-c", script, w.path("other/came"))
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: !w.inCage, Pdeathsig: syscall.SIGKILL}
	out, err := command.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = command.Process.Kill(); _ = command.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		w.t.Fatal(err)
	}
	w.noted["companion"] = command.Process.Pid
	if !w.inCage {
		w.group = command.Process.Pid
	}
	nice, err := unix.Getpriority(unix.PRIO_PROCESS, command.Process.Pid)
	if err != nil {
		w.t.Fatal(err)
	}
	w.noted["nice"] = nice
}

const ioClassBestEffort, ioWhoProcess, ioWhoGroup = 2, 1, 2

func diskPriority(pid int) (int, error) {
	value, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, ioWhoProcess, uintptr(pid), 0)
	return int(value), errnoOrNil(errno)
}

// itCame says that the companion has had its signal.
func itCame(w *world) error {
	for end := time.Now().Add(w.patience(500 * time.Millisecond)); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(w.path("other/came")); err == nil {
			return nil
		}
	}
	return errors.New("it did not come")
}

// signalByOwner has the kernel send the signal, for a descriptor that can be read
// (F_SETOWN, F_SETSIG): whoever the descriptor belongs to. The newest process of a
// group is the group to some of the kernel's questions, so new ones do it.
func signalByOwner(owner string) error {
	out, err := exec.Command("/usr/bin/perl", "-e", `use Socket; use Fcntl; my $held = 0;
		for (1..40) { my $child = fork // die; if ($child) { waitpid($child, 0); $held++ if $?; next }
			my $owner = `+owner+`; exit 1 unless $owner;
			socketpair(my $read, my $write, AF_UNIX, SOCK_STREAM, 0) or exit 1;
			fcntl($read, 8, $owner) && fcntl($read, 10, 28) && fcntl($read, F_SETFL, O_ASYNC | O_NONBLOCK) or exit 1;
			syswrite($write, "x"); exit 0 }
		die "no descriptor has that owner\n" if $held == 40;`).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	if inside() {
		return errors.New("whether it came is not seen from here")
	}
	return nil
}

// outsideAttempts reach for what else the person runs.
func outsideAttempts() []try {
	return []try{
		{name: "priority of the process group", prepare: companion, run: func(place) error { return unix.Setpriority(unix.PRIO_PGRP, 0, 1) }, check: func(w *world) error {
			nice, err := unix.Getpriority(unix.PRIO_PROCESS, w.noted["companion"])
			if err == nil && nice == w.noted["nice"] {
				err = errors.New("as it was")
			}
			return err
		}},
		{name: "disk priority of the process group", prepare: companion, run: func(place) error {
			_, _, errno := unix.Syscall(unix.SYS_IOPRIO_SET, ioWhoGroup, 0, ioClassBestEffort<<13|6)
			return errnoOrNil(errno)
		}, check: func(w *world) error {
			value, err := diskPriority(w.noted["companion"])
			if err == nil && value&7 != 6 {
				err = errors.New("as it was")
			}
			return err
		}},
		{name: "signal the process group", prepare: companion, run: func(place) error {
			return exitNow(unix.Kill(0, unix.SIGWINCH))
		}, check: itCame},
		{name: "signal the process group by a descriptor's owner", prepare: companion, run: func(place) error { return signalByOwner("-getpgrp()") }, check: itCame},
		{name: "signal a process outside by a descriptor's owner", prepare: func(w *world) {
			companion(w)
			w.hint = strconv.Itoa(w.noted["companion"])
		}, run: func(p place) error { return signalByOwner(p.hint) }, check: itCame},
		{name: "signal every process", alone: true, prepare: victim, run: func(p place) error {
			// Signal 0 asks who could be reached.
			if !inside() {
				return unix.Kill(p.pid(), 0)
			}
			err := unix.Kill(-1, 0)
			if err == nil {
				for pid := range 4096 {
					// A thread of one's own can be named like a process (kill(2)).
					if _, own := os.Stat("/proc/self/task/" + strconv.Itoa(pid)); own != nil && pid > 0 && unix.Kill(pid, 0) == nil {
						return nil
					}
				}
				err = errors.New("only oneself")
			}
			return err
		}},
		{name: "message queue of the person", prepare: func(w *world) {
			id, _, errno := unix.Syscall(unix.SYS_MSGGET, unix.IPC_PRIVATE, unix.IPC_CREAT|0o600, 0)
			if errno != 0 {
				w.t.Skip("no message queues: " + errno.Error())
			}
			w.t.Cleanup(func() { _, _, _ = unix.Syscall(unix.SYS_MSGCTL, id, unix.IPC_RMID, 0) })
			w.hint = strconv.Itoa(int(id))
		}, run: func(p place) error {
			message := [2]uint64{1, 2}
			_, _, errno := unix.Syscall6(unix.SYS_MSGSND, uintptr(p.pid()), uintptr(unsafe.Pointer(&message[0])), 8, unix.IPC_NOWAIT, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "semaphores of the person", prepare: func(w *world) {
			id, _, errno := unix.Syscall(unix.SYS_SEMGET, unix.IPC_PRIVATE, 1, unix.IPC_CREAT|0o600)
			if errno != 0 {
				w.t.Skip("no semaphores: " + errno.Error())
			}
			w.t.Cleanup(func() { _, _, _ = unix.Syscall(unix.SYS_SEMCTL, id, 0, unix.IPC_RMID) })
			w.hint = strconv.Itoa(int(id))
		}, run: func(p place) error {
			operation := [3]int16{0, 1, unix.IPC_NOWAIT}
			_, _, errno := unix.Syscall(unix.SYS_SEMOP, uintptr(p.pid()), uintptr(unsafe.Pointer(&operation[0])), 1)
			return errnoOrNil(errno)
		}},
		{name: "named queue of the person", prepare: func(w *world) {
			name, err := unix.BytePtrFromString(filepath.Base(w.home))
			if err != nil {
				w.t.Fatal(err)
			}
			fd, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_CREAT|unix.O_RDWR, 0o600, 0, 0, 0)
			if errno != 0 {
				w.t.Skip("no named queues: " + errno.Error())
			}
			w.t.Cleanup(func() {
				_ = unix.Close(int(fd))
				_, _, _ = unix.Syscall(unix.SYS_MQ_UNLINK, uintptr(unsafe.Pointer(name)), 0, 0)
			})
		}, run: func(p place) error {
			name, err := unix.BytePtrFromString(filepath.Base(p.home))
			if err != nil {
				return err
			}
			_, _, errno := unix.Syscall6(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(name)), unix.O_RDWR, 0, 0, 0, 0)
			return errnoOrNil(errno)
		}},
		{name: "socket in the run folder", root: true, prepare: func(w *world) {
			folder := "/run/" + filepath.Base(w.home)
			if err := os.Mkdir(folder, 0o700); err != nil {
				w.t.Fatal(err)
			}
			w.t.Cleanup(func() { _ = os.RemoveAll(folder) })
			listenAt(w, folder+"/s")
		}, run: func(p place) error { return dialUnix("/run/" + filepath.Base(p.home) + "/s") }},
		{name: "socket in the temporary folder", prepare: func(w *world) {
			listenAt(w, "/tmp/"+filepath.Base(w.home))
		}, run: func(p place) error { return dialUnix("/tmp/" + filepath.Base(p.home)) }},
		{name: "descriptor taken over a socket outside", prepare: givingSocket("other/give"), run: takeDescriptor("other/give")},
		{name: "descriptor taken over an abstract socket", prepare: givingSocket("@"), run: takeDescriptor("@")},
		{name: "descriptor taken over a socket in the project", known: "who listens in a folder that the agent may write talks to the agent, and may hand it anything", reduced: "the same", prepare: givingSocket("project/src/give"), run: takeDescriptor("project/src/give")},
	}
}

// givingSocket is a program of the person's that hands the secret file to whoever
// connects.
func givingSocket(where string) func(*world) {
	return func(w *world) {
		name := "@openclaw-escape-give-" + filepath.Base(w.home)
		if where != "@" {
			name = w.path(where)
			if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
				w.t.Fatal(err)
			}
		}
		file, err := os.Open(w.path("other/notes.txt"))
		if err != nil {
			w.t.Fatal(err)
		}
		w.t.Cleanup(func() { _ = file.Close() })
		rights := unix.UnixRights(int(file.Fd()))
		listener := listenAt(w, name)
		go func() {
			for {
				conn, err := listener.AcceptUnix()
				if err != nil {
					return
				}
				_, _, _ = conn.WriteMsgUnix([]byte("x"), rights, nil)
				_ = conn.Close()
			}
		}()
	}
}

func takeDescriptor(where string) func(place) error {
	return func(p place) error {
		name := "@openclaw-escape-give-" + filepath.Base(p.home)
		if where != "@" {
			name = p.path(where)
		}
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, &unix.SockaddrUnix{Name: name}); err != nil {
			return err
		}
		rights := make([]byte, unix.CmsgSpace(4))
		_, n, _, _, err := unix.Recvmsg(fd, make([]byte, 1), rights, 0)
		if err != nil {
			return err
		}
		messages, err := unix.ParseSocketControlMessage(rights[:n])
		if err != nil || len(messages) == 0 {
			return errors.Join(errors.New("none came"), err)
		}
		fds, err := unix.ParseUnixRights(&messages[0])
		if err != nil {
			return err
		}
		return holds(fds[0])
	}
}
