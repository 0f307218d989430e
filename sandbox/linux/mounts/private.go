//go:build linux

package mounts

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Private makes the folders that every cage has of its own. It needs no plan.
func (b *Builder) Private() error {
	processes := ""
	if b.HideFirst {
		processes = "hidepid=ptraceable" // Linux 5.8
	}
	for _, m := range []struct {
		name, kind, options string
		flags               uintptr
	}{
		{"/tmp", "tmpfs", tmpSize, unix.MS_NOSUID | unix.MS_NODEV},
		{"/run", "tmpfs", runSize, unix.MS_NOSUID | unix.MS_NODEV},
		{"/dev", "tmpfs", runSize, unix.MS_NOSUID | unix.MS_NOEXEC},
		{"/dev/pts", "devpts", "newinstance,ptmxmode=0666,mode=620", unix.MS_NOSUID | unix.MS_NOEXEC},
		{"/dev/shm", "tmpfs", tmpSize, unix.MS_NOSUID | unix.MS_NODEV},
		{"/proc", "proc", processes, unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC},
	} {
		if err := b.place(m.name, false); err != nil {
			return err
		}
		if m.name == hiddenUnder {
			if err := b.hide(); err != nil {
				return err
			}
		}
		if err := unix.Mount(m.kind, newRoot+m.name, m.kind, m.flags, m.options); err != nil {
			return fmt.Errorf("mount %s: %w", m.name, err)
		}
	}
	for _, name := range ownDevices() {
		if err := b.device("/dev/" + name); err != nil {
			return err
		}
	}
	for name, target := range map[string]string{
		"dev/ptmx": "pts/ptmx", "dev/fd": "/proc/self/fd", "dev/stdin": "/proc/self/fd/0",
		"dev/stdout": "/proc/self/fd/1", "dev/stderr": "/proc/self/fd/2",
	} {
		if err := unix.Symlinkat(target, b.root, name); err != nil {
			return fmt.Errorf("make /%s: %w", name, err)
		}
	}
	return nil
}

// device binds one of the host's device nodes; a namespace cannot make its own.
// The bind is read-only: that keeps a cage of root from changing the node's mode
// for everybody, and a device is written to all the same.
func (b *Builder) device(name string) error {
	if err := b.place(name, true); err != nil {
		return err
	}
	if err := b.move(b.host, name, name, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC); err != nil {
		return fmt.Errorf("bind %s: %w", name, err)
	}
	return nil
}

// KernelFiles closes what /proc offers beyond the cage's own processes. The
// kernel judges some of it by user id 0 alone, so it must not rest on
// capabilities when root runs a cage.
func (b *Builder) KernelFiles() error {
	b.spare()
	if b.Nested && unix.Getuid() != 0 {
		// The kernel gives a namespace below a /proc of its own only where one is
		// wholly in sight. To this user the files are read-only or closed anyway.
		return nil
	}
	for _, name := range []string{"/proc/sys", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi", "/proc/driver", "/proc/mtrr", "/proc/dynamic_debug"} {
		err := b.move(b.root, name, name, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NODEV|unix.MOUNT_ATTR_NOEXEC)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("close %s: %w", name, err)
		}
	}
	closed := append([]string{
		"/proc/kcore", "/proc/kmsg", "/proc/keys", "/proc/key-users", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/sched_debug",
		"/proc/latency_stats", "/proc/kpagecount", "/proc/kpageflags", "/proc/kpagecgroup", "/proc/vmallocinfo", "/proc/slabinfo",
	}, rootsFiles()...)
	slices.Sort(closed)
	for _, name := range slices.Compact(closed) {
		err := b.move(b.host, "/dev/null", name, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOSUID|unix.MOUNT_ATTR_NOEXEC)
		if err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			return fmt.Errorf("close %s: %w", name, err)
		}
	}
	return nil
}

// spare leaves the user's other programs, other cages first of all, something of what
// the kernel counts for all programs of a user together: it bounds what is counted in the
// cage's user namespace (namespaces(7), /proc/sys/user). Where that cannot be done, a
// program may use it up. Then other cages do not start; none is weaker for it.
func (b *Builder) spare() {
	bound := func(name, of string, share int) {
		text, err := os.ReadFile(newRoot + "/proc/sys/" + of)
		if err != nil {
			return
		}
		most, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil {
			return
		}
		fd, err := unix.Open(newRoot+"/proc/sys/user/"+name, unix.O_WRONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return
		}
		_, _ = unix.Write(fd, strconv.AppendInt(nil, int64(max(1, most/share)), 10))
		_ = unix.Close(fd)
	}
	bound("max_inotify_instances", "fs/inotify/max_user_instances", 4)
	bound("max_inotify_watches", "fs/inotify/max_user_watches", 2)
	if !b.Nested {
		return // its programs make no namespaces
	}
	for _, kind := range []string{"user", "mnt", "pid", "net", "ipc", "uts", "cgroup", "time"} {
		bound("max_"+kind+"_namespaces", "kernel/threads-max", 8) // a quarter of what a user has: half of the threads
	}
}

// rootsFiles are what the kernel shows to user id 0 only, and so to a cage that
// root runs, whatever rights it has. The list is the running kernel's.
func rootsFiles() []string {
	if os.Getuid() != 0 {
		return nil
	}
	entries, err := os.ReadDir(newRoot + "/proc")
	if err != nil {
		return nil
	}
	var names []string
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o004 == 0 {
			names = append(names, "/proc/"+entry.Name())
		}
	}
	return names
}
