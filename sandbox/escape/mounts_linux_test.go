package escape_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// apart is the state of a thread with mounts of its own, so that an attempt
// outside a cage changes nothing of the machine's.
func apart() error {
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS | unix.CLONE_FS); err != nil {
		return err
	}
	return unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
}

// outsideOnly runs a step in which a cage has no part.
func orAlready(err error) error {
	if inside() { // inside a cage: nothing is to be set apart
		return nil
	}
	return err
}

func mountAttempts() []try {
	return []try{
		{name: "unmount", spaces: true, run: func(p place) error {
			dir := p.path("project/secret")
			if err := orAlready(func() error {
				if err := apart(); err != nil {
					return err
				}
				return unix.Mount("tmpfs", dir, "tmpfs", 0, "")
			}()); err != nil {
				return err
			}
			return unix.Unmount(dir, unix.MNT_DETACH)
		}},
		{name: "mount memory", spaces: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return unix.Mount("tmpfs", p.path("project"), "tmpfs", 0, "") })
		}},
		{name: "bind mount", spaces: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return unix.Mount("/", p.path("project"), "", unix.MS_BIND|unix.MS_REC, "") })
		}},
		{name: "remount writable", spaces: true, check: sharedChanged, run: func(p place) error {
			dir := p.path("shared")
			return first(func() error {
				if inside() {
					return nil
				}
				return first(apart, func() error { return unix.Mount(dir, dir, "", unix.MS_BIND, "") },
					func() error { return unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "") })
			}, func() error { return unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT, "") },
				func() error { return os.WriteFile(dir+"/lib.txt", nil, 0o600) })
		}},
		{name: "mount by the new calls", spaces: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error {
				fd, err := unix.Fsopen("tmpfs", 0)
				if err != nil {
					return err
				}
				if _, _, errno := unix.Syscall6(unix.SYS_FSCONFIG, uintptr(fd), 6, 0, 0, 0, 0); errno != 0 { // FSCONFIG_CMD_CREATE
					return errno
				}
				mount, err := unix.Fsmount(fd, 0, 0)
				if err != nil {
					return err
				}
				return unix.MoveMount(mount, "", unix.AT_FDCWD, p.path("project"), unix.MOVE_MOUNT_F_EMPTY_PATH)
			})
		}},
		{name: "reconfigure a file system", spaces: true, run: func(place) error {
			return first(func() error { return orAlready(apart()) }, func() error {
				_, err := unix.Fspick(unix.AT_FDCWD, "/proc", 0)
				if !inside() && err != nil { // a file system of the machine: only one's own may be
					if err := unix.Mount("tmpfs", "/tmp", "tmpfs", 0, ""); err != nil {
						return err
					}
					_, err = unix.Fspick(unix.AT_FDCWD, "/tmp", 0)
				}
				return err
			})
		}},
		{name: "change the root by turning it", spaces: true, run: reaches(unix.SYS_PIVOT_ROOT, 0, 0)},
		{name: "overlay over an allowed folder", spaces: true, run: func(p place) error {
			return first(func() error { return orAlready(apart()) }, func() error { return os.MkdirAll(p.path("project/work"), 0o700) },
				func() error { return os.MkdirAll(p.path("project/upper"), 0o700) }, func() error {
					return unix.Mount("overlay", p.path("project/deep"), "overlay", 0, "lowerdir="+p.path("shared")+",upperdir="+p.path("project/upper")+",workdir="+p.path("project/work"))
				})
		}},
		{name: "clone tree", spaces: true, run: func(place) error {
			_, err := unix.OpenTree(unix.AT_FDCWD, "/", unix.OPEN_TREE_CLONE|unix.AT_RECURSIVE) // alone, what is mounted below would be seen through
			return err
		}},
		{name: "new mount interface", spaces: true, run: func(place) error { _, err := unix.Fsopen("tmpfs", 0); return err }},
		{name: "mount attributes", spaces: true, run: func(place) error {
			return first(func() error { return orAlready(apart()) }, func() error {
				return unix.MountSetattr(unix.AT_FDCWD, "/", 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
			})
		}},
		{name: "change root", spaces: true, run: func(p place) error { return unix.Chroot(p.path("project")) }},
		{name: "user namespace", nested: building, run: func(place) error { return unshareIn(unix.CLONE_NEWUSER) }},
		{name: "mount namespace", spaces: true, run: func(place) error { return unshareIn(unix.CLONE_NEWNS) }},
		{name: "network namespace", spaces: true, run: func(place) error { return unshareIn(unix.CLONE_NEWNET) }},
		{name: "time namespace", spaces: true, run: func(place) error { return unshareIn(unix.CLONE_NEWTIME) }},
		{name: "user namespace with high bits", nested: building, run: func(place) error {
			runtime.LockOSThread()
			_, _, errno := unix.RawSyscall(unix.SYS_UNSHARE, 1<<40|unix.CLONE_NEWUTS|unix.CLONE_NEWUSER, 0, 0)
			if errno == unix.EINVAL { // the Go program has threads, or the bits are refused; the low half is what counts
				return unshareIn(unix.CLONE_NEWUSER)
			}
			return errnoOrNil(errno)
		}},
		{name: "clone into user namespace", nested: building, run: func(place) error {
			command := exec.Command("/bin/true")
			command.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWUSER}
			return command.Run()
		}},
		{name: "clone3 into user namespace", run: func(place) error { return cloneThree(unix.CLONE_NEWUSER) }},
		{name: "join namespace", spaces: true, run: func(place) error {
			runtime.LockOSThread()
			fd, err := unix.Open("/proc/self/ns/net", unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return unix.Setns(fd, unix.CLONE_NEWNET)
		}},
		{name: "join namespace of init", root: true, prepare: victim, run: func(p place) error {
			runtime.LockOSThread()
			fd, err := unix.Open(p.init("ns/uts"), unix.O_RDONLY, 0)
			if err != nil {
				return err
			}
			return unix.Setns(fd, 0)
		}},
	}
}

func errnoOrNil(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// unshareIn does it in a program of one thread, as user namespaces ask for.
func unshareIn(flag int) error {
	names := map[int]string{unix.CLONE_NEWUSER: "-U", unix.CLONE_NEWNS: "-m", unix.CLONE_NEWNET: "-n", unix.CLONE_NEWTIME: "-T"}
	out, err := exec.Command("/usr/bin/perl", "-e", `syscall(272, $ARGV[0]+0) == 0 or die "unshare: $!\n"`, fmt.Sprint(flag)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w %s", names[flag], err, out)
	}
	return nil
}

func cloneThree(flags uint64) error {
	out, err := exec.Command("/usr/bin/perl", "-e",
		`my $a = pack("Q8", $ARGV[0], 0, 0, 0, 17, 0, 0, 0); my $r = syscall(435, $a, 64); die "clone3: $!\n" if $r < 0; exit 0 if $r == 0; wait`, fmt.Sprint(flags)).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w %s", err, out)
	}
	return nil
}
