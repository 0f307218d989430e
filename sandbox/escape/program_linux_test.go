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

func noCommands(w *world) { no := false; w.perms.ExecuteCommands = &no }

// mapped tries to map a file for execution that a program may write.
func mapFor(protection int, name string) error {
	text, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, text[:4096], 0o700); err != nil {
		return err
	}
	defer func() { _ = os.Remove(name) }()
	fd, err := open(name, unix.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }()
	data, err := unix.Mmap(fd, 0, 4096, protection, unix.MAP_PRIVATE)
	if err != nil {
		return err
	}
	return unix.Mprotect(data, unix.PROT_READ|unix.PROT_EXEC)
}

// executeCall makes execve or execveat itself; it ends this process with the
// program's status when it is let through.
func executeCall(number, folder uintptr, name string, flags uintptr) error {
	path, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	zero, err := unix.BytePtrFromString("true")
	if err != nil {
		return err
	}
	arguments, environment := []*byte{zero, nil}, []*byte{nil}
	var errno unix.Errno
	if number == unix.SYS_EXECVEAT {
		_, _, errno = unix.Syscall6(number, folder, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&arguments[0])), uintptr(unsafe.Pointer(&environment[0])), flags, 0)
	} else {
		_, _, errno = unix.Syscall(number, uintptr(unsafe.Pointer(path)), uintptr(unsafe.Pointer(&arguments[0])), uintptr(unsafe.Pointer(&environment[0])))
	}
	return errno
}

func loader() string {
	if runtime.GOARCH == "arm64" {
		return "/lib/ld-linux-aarch64.so.1"
	}
	return "/lib64/ld-linux-x86-64.so.2"
}

// programAttempts run what may not be run.
func programAttempts() []try {
	return []try{
		{name: "no commands: become another program", prepare: noCommands, run: func(place) error { return executeCall(unix.SYS_EXECVE, 0, "/bin/true", 0) }},
		{name: "no commands: become another program by its descriptor", prepare: noCommands, run: func(place) error {
			fd, err := unix.Open("/bin/true", unix.O_PATH, 0)
			if err != nil {
				return err
			}
			return executeCall(unix.SYS_EXECVEAT, uintptr(fd), "", unix.AT_EMPTY_PATH)
		}},
		{name: "no commands: start the loader", prepare: noCommands, run: func(place) error { return exec.Command(loader(), "/bin/true").Run() }},
		{name: "no commands: start itself again", prepare: noCommands, run: func(place) error {
			command := exec.Command("/proc/self/exe", "-test.run", "^$")
			command.Env = []string{"PATH=/usr/bin:/bin"}
			return command.Run()
		}},
		{name: "no commands: start a script", prepare: noCommands, run: func(p place) error {
			name := p.path("project/script")
			if err := os.WriteFile(name, []byte("#!/bin/true\n"), 0o700); err != nil {
				return err
			}
			return executeCall(unix.SYS_EXECVE, 0, name, 0)
		}},
		{name: "no commands: start from the project by the loader's own way", reduced: "what may be read may be mapped for execution, where no mount says otherwise", prepare: noCommands, run: func(p place) error {
			return mapFor(unix.PROT_READ|unix.PROT_EXEC, p.path("project/library.so"))
		}},
		{name: "no commands: map a file, then make it executable", reduced: "what may be read may be mapped for execution, where no mount says otherwise", prepare: noCommands, run: func(p place) error {
			return mapFor(unix.PROT_READ, p.path("project/library.so"))
		}},
		{name: "no commands: map a temporary file for execution", prepare: noCommands, run: func(place) error {
			return mapFor(unix.PROT_READ|unix.PROT_EXEC, fmt.Sprintf("/tmp/openclaw-escape-%d.so", os.Getpid()))
		}},
		{name: "no commands: map a shared memory file for execution", reduced: "what may be read may be mapped for execution, where no mount says otherwise", prepare: noCommands, run: func(place) error {
			return mapFor(unix.PROT_READ|unix.PROT_EXEC, fmt.Sprintf("/dev/shm/openclaw-escape-%d.so", os.Getpid()))
		}},
		{name: "no commands: start while another thread changes the name", prepare: noCommands, run: func(p place) error {
			b := newText()
			zero := [2]uintptr{}
			return race(b.between("/nothing", "/bin/true"), func() error {
				_, _, errno := unix.Syscall(unix.SYS_EXECVE, b.pointer(), uintptr(unsafe.Pointer(&zero[0])), uintptr(unsafe.Pointer(&zero[0])))
				return errno
			})
		}},
		{name: "program that lies outside", prepare: func(w *world) {
			text, err := os.ReadFile("/bin/true")
			if err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(w.path("other/program"), text, 0o755); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error { return exec.Command(p.path("other/program")).Run() }},
		{name: "program outside by the loader", prepare: func(w *world) {
			text, err := os.ReadFile("/bin/true")
			if err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(w.path("other/program"), text, 0o755); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error { return exec.Command(loader(), p.path("other/program")).Run() }},
		{name: "library outside, loaded ahead", prepare: func(w *world) {
			w.write("other/library.so", secret)
		}, run: func(p place) error {
			command := exec.Command("/bin/cat", p.path("other/library.so"))
			command.Env = []string{"LD_PRELOAD=" + p.path("other/library.so")}
			return command.Run()
		}},
		{name: "interpreter outside", prepare: func(w *world) {
			text, err := os.ReadFile("/bin/true")
			if err != nil {
				w.t.Fatal(err)
			}
			if err := os.WriteFile(w.path("other/interpreter"), text, 0o755); err != nil {
				w.t.Fatal(err)
			}
		}, run: func(p place) error {
			name := p.path("project/script")
			if err := os.WriteFile(name, []byte("#!"+p.path("other/interpreter")+"\n"), 0o700); err != nil {
				return err
			}
			return exec.Command(name).Run()
		}},
		{name: "set-group file", check: appeared("project/sgid"), run: func(p place) error {
			if err := os.WriteFile(p.path("project/plain"), nil, 0o700); err != nil {
				return err
			}
			if err := unix.Chmod(p.path("project/plain"), 0o2755); err != nil {
				return err
			}
			return os.Rename(p.path("project/plain"), p.path("project/sgid"))
		}},
		{name: "set-uid file by the newest call", check: appeared("project/suid"), run: func(p place) error {
			if err := os.WriteFile(p.path("project/plain"), nil, 0o700); err != nil {
				return err
			}
			if err := unix.Fchmodat(unix.AT_FDCWD, p.path("project/plain"), 0o4755, unix.AT_SYMLINK_NOFOLLOW); err != nil {
				return err
			}
			return os.Rename(p.path("project/plain"), p.path("project/suid"))
		}},
		{name: "set-uid file by a device call", check: appeared("project/suid"), run: func(p place) error {
			return unix.Mknod(p.path("project/suid"), unix.S_IFREG|0o4755, 0)
		}},
		{name: "system program by its own name", run: func(place) error { return exec.Command("/usr/bin/su", "--version").Run() }},
		{name: "system program by a descriptor", reduced: "the names of system programs are for a clear answer, not a wall", run: func(place) error {
			fd, err := unix.Open("/usr/bin/su", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			command := exec.Command(fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), fd), "--version")
			return command.Run()
		}},
		{name: "system program under another root name", run: func(place) error { return exec.Command("/proc/self/root/usr/bin/su", "--version").Run() }},
		{name: "own program in the place of the cage's", run: func(place) error {
			// The first process of a cage is this program once more, by its name.
			target, err := os.Readlink("/proc/self/exe")
			if err != nil {
				return err
			}
			file, err := os.OpenFile(target, os.O_WRONLY, 0)
			if errors.Is(err, unix.ETXTBSY) { // a running program; one that is not would have been opened
				return nil
			}
			if err == nil {
				_ = file.Close()
			}
			return err
		}},
	}
}
