package escape_test

import (
	"errors"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// call makes a bare system call.
func call(number uintptr, arguments ...uintptr) func(place) error {
	return func(place) error {
		var a [6]uintptr
		copy(a[:], arguments)
		_, _, errno := unix.Syscall6(number, a[0], a[1], a[2], a[3], a[4], a[5])
		return errnoOrNil(errno)
	}
}

// reaches is call for one that fails outside a cage too, but in the kernel's
// own code: anything but a refusal at the door counts.
func reaches(number uintptr, arguments ...uintptr) func(place) error {
	return func(p place) error {
		err := call(number, arguments...)(p)
		if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EAFNOSUPPORT) {
			return err
		}
		return nil
	}
}

func socketOf(family, kind, protocol int) func(place) error {
	return func(place) error { _, err := unix.Socket(family, kind, protocol); return err }
}

// memory is that many bytes for a call to use; 0 when there are none.
func memory(size int) uintptr {
	data, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return 0
	}
	return uintptr(unsafe.Pointer(&data[0]))
}

func kernelAttempts() []try {
	tries := []try{
		{name: "bpf", root: true, run: reaches(unix.SYS_BPF, 0, 0, 0)},
		{name: "perf", root: true, run: reaches(unix.SYS_PERF_EVENT_OPEN, memory(4096), 0, ^uintptr(0), ^uintptr(0), 0)},
		{name: "userfaultfd", root: true, run: call(unix.SYS_USERFAULTFD, unix.O_CLOEXEC)},
		{name: "userfaultfd for user mode", run: call(unix.SYS_USERFAULTFD, unix.O_CLOEXEC|1)},
		{name: "io_uring", run: call(unix.SYS_IO_URING_SETUP, 4, memory(4096))},
		{name: "keyring", run: func(place) error { _, err := unix.KeyctlGetKeyringID(unix.KEY_SPEC_USER_KEYRING, true); return err }},
		{name: "add key", run: func(place) error {
			_, err := unix.AddKey("user", "openclaw-escape", []byte("x"), unix.KEY_SPEC_PROCESS_KEYRING)
			return err
		}},
		{name: "kernel log", root: true, run: func(place) error { _, err := unix.Klogctl(10, nil); return err }},
		{name: "fanotify", root: true, run: func(place) error { _, err := unix.FanotifyInit(unix.FAN_CLASS_NOTIF, 0); return err }},
		{name: "swap", root: true, run: reaches(unix.SYS_SWAPOFF, memory(4096))},
		{name: "load module", root: true, run: reaches(unix.SYS_FINIT_MODULE, ^uintptr(0), 0, 0)},
		{name: "kexec", root: true, run: reaches(unix.SYS_KEXEC_LOAD, 0, 17, 0, 0)},
		{name: "quota", root: true, run: reaches(unix.SYS_QUOTACTL, 0, 0, 0, 0)},
		{name: "accounting", root: true, run: reaches(unix.SYS_ACCT, 1)},
		{name: "executable personality", run: call(unix.SYS_PERSONALITY, 0x0400000)},
		{name: "raw socket", spaces: true, run: socketOf(unix.AF_INET, unix.SOCK_RAW, unix.IPPROTO_ICMP)},
		{name: "packet socket", spaces: true, run: socketOf(unix.AF_PACKET, unix.SOCK_RAW, 0)},
		{name: "algorithm socket", run: socketOf(unix.AF_ALG, unix.SOCK_SEQPACKET, 0)},
		{name: "machine socket", run: socketOf(unix.AF_VSOCK, unix.SOCK_STREAM, 0)},
		{name: "multipath socket", run: socketOf(unix.AF_INET, unix.SOCK_STREAM, 262)},
		{name: "generic netlink", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_GENERIC)},
		{name: "netfilter netlink", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_NETFILTER)},
		{name: "socket diagnosis", run: socketOf(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_SOCK_DIAG)},
		{name: "pair of another family", run: func(place) error {
			_, err := unix.Socketpair(unix.AF_INET, unix.SOCK_STREAM, 0)
			if errors.Is(err, unix.EOPNOTSUPP) { // the family's own code said so
				return nil
			}
			return err
		}},
		{name: "pair of the cluster family", run: func(place) error { _, err := unix.Socketpair(unix.AF_TIPC, unix.SOCK_STREAM, 0); return err }},
		{name: "process memory", run: func(place) error {
			from, to := []byte("x"), make([]byte, 1)
			local := []unix.Iovec{{Base: &to[0], Len: 1}}
			remote := []unix.RemoteIovec{{Base: uintptr(unsafe.Pointer(&from[0])), Len: 1}}
			_, err := unix.ProcessVMReadv(os.Getpid(), local, remote, 0)
			return err
		}},
		{name: "copy a descriptor", run: func(place) error {
			fd, err := unix.PidfdOpen(os.Getpid(), 0)
			if err != nil {
				return err
			}
			_, err = unix.PidfdGetfd(fd, 0, 0)
			return err
		}},
		{name: "kernel settings", root: true, run: func(place) error {
			const name = "/proc/sys/kernel/printk_delay"
			text, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			return os.WriteFile(name, text, 0) // what it was
		}},
		{name: "settings through init", root: true, prepare: victim, run: func(p place) error {
			f, err := os.OpenFile(p.init("root/proc/sys/kernel/printk_delay"), os.O_WRONLY, 0)
			if err == nil {
				_ = f.Close()
			}
			return err
		}},
		{name: "system request", root: true, run: func(place) error {
			f, err := os.OpenFile("/proc/sysrq-trigger", os.O_WRONLY, 0)
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			info, err := f.Stat()
			if err == nil && info.Mode()&os.ModeDevice != 0 {
				err = errors.New("it is the null device")
			}
			return err
		}},
		{name: "host name", spaces: true, run: func(place) error {
			name, err := os.Hostname()
			if err != nil {
				return err
			}
			return unix.Sethostname([]byte(name)) // what it was
		}},
		{name: "clock", root: true, run: reaches(unix.SYS_CLOCK_SETTIME, 99, 0)},
		{name: "device node", root: true, run: func(p place) error {
			return unix.Mknod(p.path("project/node"), unix.S_IFCHR|0o600, int(unix.Mkdev(1, 3)))
		}},
		{name: "kernel log device", root: true, run: func(place) error {
			f, err := os.Open("/dev/kmsg")
			if err == nil {
				_ = f.Close()
			}
			return err
		}},
		{name: "devices of the machine", reduced: looking, run: func(place) error { _, err := os.Stat("/dev/fuse"); return err }},
		{name: "system tree", run: func(place) error { _, err := os.ReadDir("/sys/kernel"); return err }},
	}
	return append(tries, processorTries()...)
}
