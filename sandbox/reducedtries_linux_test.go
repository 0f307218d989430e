package sandbox_test

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// The test program is also what tries to get out of a reduced cage.
const (
	tryVariable  = "OPENCLAW_TEST_TRY"
	homeVariable = "OPENCLAW_TEST_HOME"
	portVariable = "OPENCLAW_TEST_PORT"
	pidVariable  = "OPENCLAW_TEST_PID"

	exitHeld = 10
)

// memoryOutside is what another program of the person shares by a name.
func memoryOutside(home string) string {
	return "/dev/shm/" + strings.ReplaceAll(strings.Trim(home, "/"), "/", "-")
}

// tried runs one try in this process.
func tried(name string) int {
	for _, one := range reducedTries() {
		if one.name != name {
			continue
		}
		if err := one.run(os.Getenv(homeVariable)); err != nil {
			fmt.Println(err)
			return exitHeld
		}
		return 0
	}
	return 99
}

type reducedTry struct {
	name string
	run  func(home string) error // nil: it worked
}

func reducedTries() []reducedTry {
	shared := func(home string) string { return filepath.Join(home, "shared/lib.txt") }
	opened := func(home string) (int, error) { return unix.Open(shared(home), unix.O_RDONLY, 0) }
	pid, _ := strconv.Atoi(os.Getenv(pidVariable))
	port, _ := strconv.Atoi(os.Getenv(portVariable))
	loopback := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
	socket := func(family, kind int, then func(fd int) error) error {
		fd, err := unix.Socket(family, kind, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
		return then(fd)
	}
	call := func(number uintptr, arguments ...uintptr) error {
		var a [6]uintptr
		copy(a[:], arguments)
		_, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		if errno != 0 {
			return errno
		}
		return nil
	}
	return []reducedTry{
		{"socket with a path outside", func(home string) error {
			return socket(unix.AF_UNIX, unix.SOCK_STREAM, func(fd int) error {
				return unix.Connect(fd, &unix.SockaddrUnix{Name: filepath.Join(home, "other/bus")})
			})
		}},
		{"socket with a path outside, through a link", func(home string) error {
			link := filepath.Join(home, "project/link")
			_ = os.Remove(link)
			if err := os.Symlink("../other/bus", link); err != nil {
				return err
			}
			return socket(unix.AF_UNIX, unix.SOCK_STREAM, func(fd int) error { return unix.Connect(fd, &unix.SockaddrUnix{Name: link}) })
		}},
		{"abstract socket", func(home string) error {
			return socket(unix.AF_UNIX, unix.SOCK_STREAM, func(fd int) error {
				return unix.Connect(fd, &unix.SockaddrUnix{Name: "@" + home})
			})
		}},
		{"abstract socket of its own", func(home string) error {
			return socket(unix.AF_UNIX, unix.SOCK_STREAM, func(fd int) error { return unix.Bind(fd, &unix.SockaddrUnix{Name: "@own" + home}) })
		}},
		{"datagram to a path", func(home string) error {
			return socket(unix.AF_UNIX, unix.SOCK_DGRAM, func(fd int) error {
				return unix.Sendto(fd, []byte("x"), 0, &unix.SockaddrUnix{Name: filepath.Join(home, "other/log")})
			})
		}},
		{"datagram from a pair", func(home string) error {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			return unix.Sendto(pair[0], []byte("x"), 0, &unix.SockaddrUnix{Name: filepath.Join(home, "other/log")})
		}},
		{"port of the machine", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error { return unix.Connect(fd, loopback) })
		}},
		{"port of the machine, fast open", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error { return unix.Sendto(fd, []byte("x"), unix.MSG_FASTOPEN, loopback) })
		}},
		{"port of the machine, fast open by option", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error {
				if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_FASTOPEN_CONNECT, 1); err != nil {
					return err
				}
				if err := unix.Connect(fd, loopback); err != nil {
					return err
				}
				_, err := unix.Write(fd, []byte("x"))
				return err
			})
		}},
		{"port of the machine by UDP", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_DGRAM, func(fd int) error { return unix.Sendto(fd, []byte("x"), 0, loopback) })
		}},
		{"listen without a bind", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error { return unix.Listen(fd, 1) })
		}},
		{"listen on a port", func(string) error {
			listener, err := net.Listen("tcp4", "127.0.0.1:0")
			if err == nil {
				_ = listener.Close()
			}
			return err
		}},
		{"source route", func(string) error {
			return socket(unix.AF_INET, unix.SOCK_STREAM, func(fd int) error {
				return unix.SetsockoptString(fd, unix.IPPROTO_IP, unix.IP_OPTIONS, "\x83\x07\x04\x7f\x00\x00\x01\x00")
			})
		}},
		{"netlink", func(string) error {
			return socket(unix.AF_NETLINK, unix.SOCK_RAW, func(int) error { return nil })
		}},
		{"mode by a descriptor", func(home string) error {
			fd, err := opened(home)
			if err != nil {
				return err
			}
			return unix.Fchmod(fd, 0o640)
		}},
		{"mode by a descriptor's name", func(home string) error {
			fd, err := opened(home)
			if err != nil {
				return err
			}
			return os.Chmod("/proc/self/fd/"+strconv.Itoa(fd), 0o640)
		}},
		{"mode of a file outside", func(home string) error { return os.Chmod(filepath.Join(home, "other/notes.txt"), 0o640) }},
		{"mode through a link", func(home string) error {
			link := filepath.Join(home, "project/mode")
			_ = os.Remove(link)
			if err := os.Symlink("../other/notes.txt", link); err != nil {
				return err
			}
			return os.Chmod(link, 0o640)
		}},
		{"times by a descriptor", func(home string) error {
			fd, err := opened(home)
			if err != nil {
				return err
			}
			return unix.Futimes(fd, []unix.Timeval{{Sec: 1}, {Sec: 1}})
		}},
		{"extended attribute", func(home string) error { return unix.Setxattr(shared(home), "user.x", []byte("x"), 0) }},
		{"attributes by ioctl", func(home string) error {
			fd, err := opened(home)
			if err != nil {
				return err
			}
			flags, err := unix.IoctlGetInt(fd, unix.FS_IOC_GETFLAGS)
			if err != nil {
				return err
			}
			return unix.IoctlSetPointerInt(fd, unix.FS_IOC_SETFLAGS, flags^0x40)
		}},
		{"watch a folder outside", func(home string) error {
			fd, err := unix.InotifyInit()
			if err != nil {
				return err
			}
			_, err = unix.InotifyAddWatch(fd, filepath.Join(home, "other"), unix.IN_OPEN)
			return err
		}},
		{"shared memory by number", func(string) error { return call(unix.SYS_SHMGET, 0x0c1a, 4096, 0o1600) }},
		{"semaphore by number", func(string) error { return call(unix.SYS_SEMGET, 0x0c1a, 1, 0o1600) }},
		{"queue by number", func(string) error { return call(unix.SYS_MSGGET, 0x0c1a, 0o1600) }},
		{"queue by name", func(string) error {
			name := [...]byte{'o', 'c', 0}
			return call(unix.SYS_MQ_OPEN, uintptr(unsafe.Pointer(&name)), unix.O_CREAT|unix.O_RDWR, 0o600, 0)
		}},
		{"read shared memory by name", func(home string) error { _, err := os.ReadFile(memoryOutside(home)); return err }},
		{"write shared memory by name", func(home string) error {
			file, err := os.OpenFile(memoryOutside(home), os.O_RDWR, 0)
			if err == nil {
				err = file.Close()
			}
			return err
		}},
		{"link shared memory by name", func(home string) error {
			name := memoryOutside(home) + strconv.Itoa(os.Getpid())
			defer func() { _ = os.Remove(name) }()
			return os.Link(memoryOutside(home), name)
		}},
		{"environment of a process outside", func(string) error {
			_, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
			return err
		}},
		{"command line of a process outside", func(string) error {
			_, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
			return err
		}},
		{"list of processes", func(string) error { _, err := os.ReadDir("/proc"); return err }},
		{"memory of a process outside", func(string) error {
			local := []unix.Iovec{{Base: new(byte), Len: 1}}
			_, err := unix.ProcessVMReadv(pid, local, []unix.RemoteIovec{{Base: 0x400000, Len: 1}}, 0)
			if errors.Is(err, unix.EFAULT) {
				return nil // allowed, only nothing is there
			}
			return err
		}},
		{"signal to a process outside", func(string) error { return unix.Kill(pid, 0) }},
		{"signal to the parent", func(string) error { return unix.Kill(os.Getppid(), 0) }},
		{"signal to the parent's group", func(string) error { return unix.Kill(-pid, unix.SIGCONT) }},
		{"trace a process outside", func(string) error {
			runtime.LockOSThread()
			if err := unix.PtraceSeize(pid); err != nil {
				return err
			}
			return nil
		}},
		{"priority of a process outside", func(string) error { return unix.Setpriority(unix.PRIO_PROCESS, pid, 19) }},
		{"processor of a process outside", func(string) error {
			var set unix.CPUSet
			set.Set(0)
			return unix.SchedSetaffinity(pid, &set)
		}},
		{"terminal of somebody else", func(string) error { _, err := os.ReadDir("/dev/pts"); return err }},
		{"file that a second thread swaps", swapConnect},
		{"link that a second thread swaps", swapMode},
	}
}

// swapConnect changes the address while the call is being judged.
func swapConnect(home string) error {
	allowed := filepath.Join(home, "project/own")
	address := struct {
		family uint16
		path   [108]byte
	}{family: unix.AF_UNIX}
	copy(address.path[:], allowed)
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for at := len(home) + 1; !stop.Load(); {
			copy(address.path[at:], "other/bus\x00\x00\x00")
			copy(address.path[at:], "project/own\x00")
		}
	}()
	defer func() { stop.Store(true); <-done }()
	for range 3000 {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&address)), unsafe.Sizeof(address))
		var answer [1]byte
		if errno == 0 {
			_, _ = unix.Read(fd, answer[:])
		}
		_ = unix.Close(fd)
		if answer[0] == 'B' { // what the one outside says
			return nil
		}
	}
	return errors.New("not once in 3000")
}

// swapMode changes where a link leads while the call is being judged.
func swapMode(home string) error {
	link, mine, theirs := filepath.Join(home, "project/swap"), filepath.Join(home, "project/main.go"), filepath.Join(home, "other/notes.txt")
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			for _, to := range []string{mine, theirs} {
				_ = os.Remove(link)
				_ = os.Symlink(to, link)
			}
		}
	}()
	defer func() { stop.Store(true); <-done }()
	before, err := os.Stat(theirs)
	if err != nil {
		return err
	}
	for range 2000 {
		_ = os.Chmod(link, before.Mode().Perm()^0o004)
		if info, err := os.Stat(theirs); err == nil && info.Mode() != before.Mode() {
			return nil
		}
	}
	return errors.New("not once in 2000")
}

// Everything that a program can do outside and that neither a namespace nor a
// mount is there to hold, it cannot do in a reduced cage.
func TestReducedHolds(t *testing.T) {
	w := newWorld(t).reduced().allow("project").allowRead("shared")
	w.write("shared/lib.txt", "shared")
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	program := w.path("project/try")
	if err := writeFile(program, self, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, says := range map[string]string{w.path("other/bus"): "B", w.path("project/own"): "o", "@" + w.home: "B"} {
		speak(t, name, says)
	}
	log, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: w.path("other/log"), Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = log.Close() })
	if err := os.WriteFile(memoryOutside(w.home), []byte("shared"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(memoryOutside(w.home)) })
	port := serve(t, "the machine's").Port()
	outsider := exec.CommandContext(t.Context(), "sleep", "1000")
	outsider.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := outsider.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = outsider.Process.Kill(); _ = outsider.Wait() })
	environment := func(name string) []string {
		return []string{
			"GORACE=atexit_sleep_ms=0", "PATH=/usr/bin:/bin", tryVariable + "=" + name, homeVariable + "=" + w.home,
			portVariable + "=" + strconv.Itoa(int(port)), pidVariable + "=" + strconv.Itoa(outsider.Process.Pid),
		}
	}
	gateway := serve(t, "gateway")
	var real atomic.Int64
	t.Run("all", func(t *testing.T) {
		for _, one := range reducedTries() {
			t.Run(one.name, func(t *testing.T) {
				t.Parallel()
				free := exec.CommandContext(t.Context(), program)
				free.Env = environment(one.name)
				if out, err := free.CombinedOutput(); err != nil {
					if strings.HasPrefix(one.name, "signal to the parent's group") {
						return
					}
					t.Skipf("not possible outside either: %s", out)
				}
				real.Add(1)
				spec := w.spec(program)
				spec.Env, spec.Gateway = environment(one.name), gateway
				_, wait := start(t, spec)
				res := wait()
				if res.status.Code != exitHeld {
					t.Errorf("status %+v: %s%s", res.status, res.out, res.err)
				}
				t.Logf("held: %s %q", strings.TrimSpace(res.out), slices.Compact(w.brief(res.denials)))
			})
		}
	})
	if real.Load() < 30 {
		t.Errorf("only %d tries were possible outside", real.Load())
	}
}

func TestReducedHoldsAsOrdinaryUser(t *testing.T) { ordinary(t, "^TestReducedHolds$") }

// speak answers every connection to a socket with one byte.
func speak(t *testing.T, name, says string) {
	t.Helper()
	listener, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	serveEach(t, listener, func(conn net.Conn) { _, _ = conn.Write([]byte(says)) })
}
