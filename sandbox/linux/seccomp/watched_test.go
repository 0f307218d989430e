//go:build linux

package seccomp

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

type supervised struct {
	Calls []string // what the handler saw, one line each
	Said  string   // what the watched child says came of its calls
}

func socketPair() (*os.File, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, err
	}
	return os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs"), nil
}

func receiveDescriptor(from *os.File) (int, error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(int(from.Fd()), make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("no descriptor came: %w", err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return -1, err
	}
	return fds[0], nil
}

// watch serves a listener and returns what it saw, once nobody is left.
func watch(fd, pid int, folder string) func() []string {
	var lock sync.Mutex
	var lines []string
	ended := make(chan error, 1)
	l := NewListener(fd, false, func(_ context.Context, c Call) Verdict {
		line := strings.Join([]string{c.Name, c.Operation, string(c.Class), c.Path, c.Path2, c.UnixPath}, " ")
		if c.Address.IsValid() {
			line += c.Address.String()
		}
		if c.PID != pid || c.TID == 0 || !c.Valid() {
			line += " from another process"
		}
		lock.Lock()
		lines = append(lines, strings.TrimSpace(strings.ReplaceAll(line, folder, "FOLDER")))
		lock.Unlock()
		if strings.Contains(line, "refuse-me") || c.Address.Port() == 9 {
			return Verdict{Errno: unix.EACCES}
		}
		return Verdict{}
	})
	go func() { ended <- l.Run(context.Background()) }()
	return func() []string {
		if err := <-ended; err != nil {
			lines = append(lines, "the listener: "+err.Error())
		}
		return lines
	}
}

// watched makes calls that are handed over, and says what came of them.
func watched() error {
	runtime.LockOSThread()
	folder := os.Getenv("FOLDER")
	here, err := unix.Open(folder, unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	fd, err := install(true)
	if err != nil {
		return err
	}
	if err := unix.Sendmsg(3, []byte{1}, unix.UnixRights(fd), nil, 0); err != nil {
		return err
	}
	_ = unix.Close(fd)
	var said []string
	say := func(what string, err error) { said = append(said, fmt.Sprintf("%s=%d", what, int(code(err)))) }

	f, err := unix.Open(folder+"/a", unix.O_CREAT|unix.O_WRONLY, 0o600)
	say("create", err)
	_, err = unix.Open("refuse-me", unix.O_CREAT|unix.O_WRONLY, 0o600)
	say("create-refused", err)
	_, err = unix.Open(folder+"/a", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	say("read", err)
	say("mkdir", unix.Mkdirat(here, "sub/../d", 0o700))
	say("rename", unix.Renameat2(here, "a", unix.AT_FDCWD, "b", unix.RENAME_NOREPLACE))
	say("chmod", unix.Fchmod(f, 0o640))
	pipe := make([]int, 2)
	if err := unix.Pipe(pipe); err != nil {
		return err
	}
	say("chmod-pipe", unix.Fchmod(pipe[0], 0o600))
	say("touch", unix.UtimesNanoAt(here, "b", []unix.Timespec{{Sec: 1}, {Sec: 1}}, 0))
	say("unlink-refused", unix.Unlinkat(here, "refuse-me/"+strings.Repeat("x", 200)+"/"+strings.Repeat("y", 200), 0))
	say("too-long", unix.Unlink("/"+strings.Repeat("z/", 2100)))
	_, _, e := unix.RawSyscall6(unix.SYS_UNLINKAT, uintptr(here), 8, 0, 0, 0, 0)
	said = append(said, fmt.Sprintf("bad-address=%d", int(e)))

	s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	say("connect-refused", unix.Connect(s, &unix.SockaddrInet4{Port: 9, Addr: [4]byte{127, 0, 0, 1}}))
	s6, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	say("connect6-refused", unix.Connect(s6, &unix.SockaddrInet6{Port: 9, Addr: [16]byte{15: 1}}))
	u, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return err
	}
	say("connect-unix", unix.Connect(u, &unix.SockaddrUnix{Name: "no-socket"}))
	say("connect-abstract", unix.Connect(u, &unix.SockaddrUnix{Name: "@refuse-me"}))
	say("exec-refused", unix.Exec("/bin/refuse-me", []string{"x"}, nil))
	if _, err := os.Stdout.WriteString(strings.Join(said, " ") + "\n"); err != nil {
		return err
	}
	return unix.Exec("/bin/true", []string{"true"}, nil)
}
