//go:build linux

package seccomp

import (
	"testing"

	"golang.org/x/sys/unix"
)

// What namespaces would hold is refused or handed over in a reduced cage, on
// both architectures, and as it was in a full one.
func TestReducedTable(t *testing.T) {
	type args [6]uint64
	tests := []struct {
		call          string
		args          args
		full, reduced uint32
	}{
		{"openat", args{2: unix.O_RDONLY}, allowed, notified},
		{"bind", args{}, allowed, notified},
		{"listen", args{}, allowed, notified},
		{"connect", args{}, notified, notified},
		{"inotify_add_watch", args{}, allowed, notified},
		{"setpriority", args{}, allowed, notified},
		{"ioprio_set", args{}, allowed, notified},
		{"sched_setparam", args{}, allowed, notified},
		{"sched_setscheduler", args{}, allowed, notified},
		{"sched_setaffinity", args{}, allowed, notified},
		{"sched_setattr", args{}, allowed, notified},
		{"shmget", args{}, allowed, fails(unix.ENOSYS)},
		{"shmat", args{}, allowed, fails(unix.ENOSYS)},
		{"shmctl", args{}, allowed, fails(unix.ENOSYS)},
		{"semget", args{}, allowed, fails(unix.ENOSYS)},
		{"semop", args{}, allowed, fails(unix.ENOSYS)},
		{"semctl", args{}, allowed, fails(unix.ENOSYS)},
		{"semtimedop", args{}, allowed, fails(unix.ENOSYS)},
		{"msgget", args{}, allowed, fails(unix.ENOSYS)},
		{"msgsnd", args{}, allowed, fails(unix.ENOSYS)},
		{"msgrcv", args{}, allowed, fails(unix.ENOSYS)},
		{"msgctl", args{}, allowed, fails(unix.ENOSYS)},
		{"mq_open", args{}, allowed, fails(unix.ENOSYS)},
		{"mq_unlink", args{}, allowed, fails(unix.ENOSYS)},
		{"socket", args{unix.AF_UNIX, unix.SOCK_STREAM | unix.SOCK_CLOEXEC}, allowed, allowed},
		{"socket", args{unix.AF_UNIX, unix.SOCK_SEQPACKET}, allowed, allowed},
		{"socket", args{unix.AF_UNIX, unix.SOCK_DGRAM | unix.SOCK_CLOEXEC}, fails(unix.EACCES), fails(unix.EACCES)},
		{"socket", args{unix.AF_UNIX, unix.SOCK_RAW}, fails(unix.EACCES), fails(unix.EACCES)},
		{"socket", args{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_TCP}, allowed, allowed},
		{"socket", args{unix.AF_INET, unix.SOCK_STREAM, unix.IPPROTO_MPTCP}, fails(unix.EPROTONOSUPPORT), fails(unix.EACCES)},
		{"socket", args{unix.AF_INET, unix.SOCK_DGRAM}, allowed, fails(unix.EACCES)},
		{"socket", args{unix.AF_INET6, unix.SOCK_STREAM}, allowed, fails(unix.EAFNOSUPPORT)},
		{"socket", args{unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE}, allowed, fails(unix.EACCES)},
		{"socketpair", args{unix.AF_UNIX, unix.SOCK_STREAM}, allowed, allowed},
		{"socketpair", args{unix.AF_UNIX, unix.SOCK_DGRAM}, notified, fails(unix.EACCES)},
		{"setsockopt", args{1: unix.IPPROTO_IP, 2: unix.IP_OPTIONS}, allowed, fails(unix.EPERM)},
		{"setsockopt", args{1: unix.IPPROTO_IP, 2: unix.IP_TOS}, allowed, allowed},
		{"setsockopt", args{1: unix.SOL_SOCKET, 2: unix.SO_BINDTODEVICE}, allowed, fails(unix.EPERM)},
		{"setsockopt", args{1: unix.SOL_SOCKET, 2: unix.SO_BINDTOIFINDEX}, allowed, fails(unix.EPERM)},
		{"setsockopt", args{1: unix.IPPROTO_TCP, 2: unix.TCP_ULP}, allowed, fails(unix.EPERM)},
		{"setsockopt", args{1: unix.IPPROTO_TCP, 2: unix.TCP_NODELAY}, allowed, allowed},
	}
	for arch, audit := range architectures {
		numbers := map[string]int{}
		for _, r := range table() {
			numbers[r.name] = r.number(arch)
		}
		full := built(t, Options{Arch: arch, Notify: true})
		reduced := built(t, Options{Arch: arch, Notify: true, Reduced: true, Internet: true})
		for _, test := range tests {
			d := data{number: uint32(numbers[test.call]), arch: audit, arguments: test.args}
			if got := settled(t, barsOf(arch, false), full, d); got != test.full {
				t.Errorf("%s full %s%x: %#x, want %#x", arch, test.call, test.args, got, test.full)
			}
			if got := settled(t, barsOf(arch, true), reduced, d); got != test.reduced {
				t.Errorf("%s reduced %s%x: %#x, want %#x", arch, test.call, test.args, got, test.reduced)
			}
		}
		closed := built(t, Options{Arch: arch, Notify: true, Reduced: true})
		d := data{number: uint32(numbers["socket"]), arch: audit, arguments: args{unix.AF_INET, unix.SOCK_STREAM}}
		if got := settled(t, barsOf(arch, true), closed, d); got != fails(unix.EACCES) {
			t.Errorf("%s: a TCP socket without a way out: %#x", arch, got)
		}
	}
}

// A reduced cage allows nothing that a full one refuses, whatever the call.
func TestReducedIsNeverWider(t *testing.T) {
	for arch, audit := range architectures {
		full := built(t, Options{Arch: arch, Notify: true})
		reduced := built(t, Options{Arch: arch, Notify: true, Reduced: true, Internet: true})
		inFull, inReduced := barsOf(arch, false), barsOf(arch, true)
		for number := range uint32(newestCall + 40) {
			for _, argument := range []uint64{0, 1, 2, 3, unix.AF_INET6, unix.O_CREAT, unix.CLONE_NEWUSER, unix.TIOCSTI, unix.MSG_FASTOPEN, 0o4755, 1 << 33} {
				d := data{number: number, arch: audit, arguments: [6]uint64{argument, argument, argument, argument, argument, argument}}
				if was, is := settled(t, inFull, full, d), settled(t, inReduced, reduced, d); is == allowed && was != allowed || is == notified && was != notified && was != allowed {
					t.Errorf("%s call %d %#x: full %#x, reduced %#x", arch, number, argument, was, is)
				}
			}
		}
	}
}

// What is handed over in a reduced cage, a listener knows.
func TestReducedCallsAreKnown(t *testing.T) {
	known, own := shapes(), reducedShapes()
	for arch, audit := range architectures {
		filter := built(t, Options{Arch: arch, Notify: true, Reduced: true})
		for _, r := range table() {
			if r.number(arch) == none {
				continue
			}
			_, decoded := known[r.name]
			_, left := own[r.name]
			got := settled(t, barsOf(arch, true), filter, data{number: uint32(r.number(arch)), arch: audit})
			if (decoded || left) != (got == notified) || decoded && left {
				t.Errorf("%s %s: %#x, decoded %t, left to the handler %t", arch, r.name, got, decoded, left)
			}
		}
	}
}
