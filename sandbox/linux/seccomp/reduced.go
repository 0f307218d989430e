//go:build linux

package seccomp

import (
	"errors"
	"unsafe"

	"openclaw/sandbox/policy"

	"golang.org/x/sys/unix"
)

// The filter of a cage without namespaces. Landlock is the wall for files there;
// the rows that use the rules below stand for what Landlock has no word on:
// sockets that have a path or a name, listening, the attributes of files,
// watches, the priority of others' processes, and memory, semaphores and queues
// that have a number or a name for the whole machine.

// onReduced applies a rule in a reduced cage only; a namespace holds it
// otherwise.
func onReduced(then rule) rule {
	return func(o Options) []unix.SockFilter {
		if o.Reduced {
			return then(o)
		}
		return allow()
	}
}

func reducedOnly(o Options, body []unix.SockFilter) []unix.SockFilter {
	if o.Reduced {
		return body
	}
	return nil
}

// noIPC answers as a kernel without such memory, semaphores and queues does. A
// program that hears EACCES takes the number for somebody else's and tries the next
// one: PostgreSQL does so for ever. Nobody is told but of what a program begins with.
func noIPC(Options) []unix.SockFilter { return errno(unix.ENOSYS) }

func makesIPC(o Options) []unix.SockFilter { return barred(o, unix.ENOSYS) }

// connected allows what can only send where it is connected to. A datagram
// socket sends to any name, given in memory where a filter cannot see it.
func connected(o Options) []unix.SockFilter {
	return sequence(
		ifEqual(1, socketTypes, unix.SOCK_STREAM, allow()),
		ifEqual(1, socketTypes, unix.SOCK_SEQPACKET, allow()),
		barred(o, unix.EACCES),
	)
}

// onReducedSocket allows local sockets that are connected, and TCP over IPv4. Nobody is
// told of IPv6: programs ask for it first, and do without.
func onReducedSocket(o Options) []unix.SockFilter {
	tcp := ifEqual(1, socketTypes, unix.SOCK_STREAM, ifOneOf(2, []uint32{0, unix.IPPROTO_TCP}, allow()))
	if !o.Internet {
		tcp = nil
	}
	other := barred(o, unix.EACCES)
	return sequence(
		ifEqual(0, allBits, unix.AF_UNIX, connected(o)),
		ifEqual(0, allBits, unix.AF_INET, sequence(tcp, ifEqual(1, socketTypes, unix.SOCK_STREAM, multipath(unix.EACCES)), other)),
		ifOneOf(0, []uint32{unix.AF_NETLINK, unix.AF_PACKET}, other),
		ifEqual(0, allBits, unix.AF_INET6, onlyOrdinary(errno(unix.EAFNOSUPPORT))),
		barred(o, unix.EAFNOSUPPORT),
	)
}

// onlyOrdinary runs then for sockets of streams and of datagrams.
func onlyOrdinary(then []unix.SockFilter) []unix.SockFilter {
	return sequence(ifEqual(1, socketTypes, unix.SOCK_STREAM, then), ifEqual(1, socketTypes, unix.SOCK_DGRAM, then))
}

// ways refuses options that lead a connection another way than its address
// says: source routes, interfaces, and the protocols that take a socket over.
func ways(o Options) []unix.SockFilter {
	no := barred(o, unix.EPERM)
	return sequence(
		ifEqual(1, allBits, unix.IPPROTO_IP, ifEqual(2, allBits, unix.IP_OPTIONS, no)),
		ifEqual(1, allBits, unix.SOL_SOCKET, ifOneOf(2, []uint32{unix.SO_BINDTODEVICE, unix.SO_BINDTOIFINDEX}, no)),
		ifEqual(1, allBits, unix.IPPROTO_TCP, ifEqual(2, allBits, unix.TCP_ULP, no)),
	)
}

// reducedShapes are the calls that only a handler which makes them itself can
// judge.
func reducedShapes() map[string]shape {
	own := func(operation string, class policy.Class) shape {
		return shape{operation, class, -1, -1, -1, -1, -1, -1}
	}
	return map[string]shape{
		"bind":               own("bind", policy.ClassNet),
		"listen":             own("listen", policy.ClassNet),
		"inotify_add_watch":  own("watch", policy.ClassPathRead),
		"setpriority":        own("set priority", policy.ClassExec),
		"ioprio_set":         own("set priority", policy.ClassExec),
		"sched_setparam":     own("set priority", policy.ClassExec),
		"sched_setscheduler": own("set priority", policy.ClassExec),
		"sched_setaffinity":  own("set priority", policy.ClassExec),
		"sched_setattr":      own("set priority", policy.ClassExec),
	}
}

// ReadString reads a NUL-terminated string of a thread, at most a path long. An
// error is the errno for the program.
func ReadString(tid int, address uint64) (string, error) { return answerable(readString(tid, address)) }

// ReadMemory fills the buffer from a thread's memory, or fails with the errno
// for the program.
func ReadMemory(tid int, address uint64, buffer []byte) error {
	n, err := answerable(readMemory(tid, address, buffer))
	if err == nil && n != len(buffer) {
		return unix.EFAULT
	}
	return err
}

func answerable[T any](got T, err error) (T, error) {
	if errors.Is(err, errNothing) {
		return got, unix.EACCES // the thread has gone, or its memory is not to be read
	}
	return got, err
}

// addDescriptor is struct seccomp_notif_addfd.
type addDescriptor struct {
	id       uint64
	flags    uint32
	source   uint32
	number   uint32
	newFlags uint32
}

// From the kernel's include/uapi/linux/seccomp.h: IOW('!', 3, struct
// seccomp_notif_addfd), and SECCOMP_ADDFD_FLAG_SEND (Linux 5.14).
const (
	ioctlAddDescriptor = 0x40182103
	addAndAnswer       = 1 << 1
)

// give puts the file among the program's descriptors and answers the call with
// its number, at once. What could not be given is an errno.
func (l *Listener) give(id uint64, v Verdict) Verdict {
	defer func() { _ = unix.Close(v.Give.Descriptor) }()
	add := addDescriptor{id: id, flags: addAndAnswer, source: uint32(v.Give.Descriptor)}
	if v.Give.CloseOnExec {
		add.newFlags = unix.O_CLOEXEC
	}
	for {
		_, _, number := unix.Syscall(unix.SYS_IOCTL, uintptr(l.fd), ioctlAddDescriptor, uintptr(unsafe.Pointer(&add))) //nolint:gosec // the kernel reads during the call
		switch {
		case number == 0, errors.Is(number, unix.ENOENT): // given; or the program has gone
			return v
		case errors.Is(number, unix.EINTR):
		case errors.Is(number, unix.EMFILE):
			return Verdict{Errno: unix.EMFILE}
		default:
			return Verdict{Errno: unix.EACCES}
		}
	}
}
