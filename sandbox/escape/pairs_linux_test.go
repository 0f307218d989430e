package escape_test

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// pairAttempts send by one end of a pair of sockets to a socket of the host's that
// has a path: a folder that is mounted read-only does not keep anybody from that.
func pairAttempts() []try {
	send := func(name string, to func(fd int, address unix.Sockaddr) error) func(place) error {
		return func(p place) error {
			pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_DGRAM, 0)
			if err != nil {
				return err
			}
			if err := to(pair[0], &unix.SockaddrUnix{Name: p.path(name)}); err != nil {
				return err
			}
			if n, _, err := unix.Recvfrom(pair[1], make([]byte, 10), unix.MSG_DONTWAIT); err == nil && n > 0 {
				return errors.New("it came to the pair's other end")
			}
			return nil
		}
	}
	sendTo := func(fd int, address unix.Sockaddr) error { return unix.Sendto(fd, []byte("x"), 0, address) }
	sendMessage := func(fd int, address unix.Sockaddr) error { return unix.Sendmsg(fd, []byte("x"), nil, address, 0) }
	connect := func(fd int, address unix.Sockaddr) error {
		if err := unix.Connect(fd, address); err != nil {
			return err
		}
		_, err := unix.Write(fd, []byte("x"))
		return err
	}
	apart := func(fd int, address unix.Sockaddr) error {
		nowhere := [16]byte{} // AF_UNSPEC: a datagram socket then has no other end
		_, _, _ = unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nowhere[0])), uintptr(len(nowhere)))
		return unix.Sendto(fd, []byte("x"), 0, address)
	}
	var list []try
	for _, to := range []string{"shared/d", "other/d"} {
		list = append(list,
			try{name: "sendto by a pair, " + to, prepare: listenPacketIn(to), run: send(to, sendTo)},
			try{name: "sendmsg by a pair, " + to, prepare: listenPacketIn(to), run: send(to, sendMessage)},
			try{name: "connect of a pair, " + to, prepare: listenPacketIn(to), run: send(to, connect)},
			try{name: "sendto by a pair taken apart, " + to, prepare: listenPacketIn(to), run: send(to, apart)},
		)
	}
	return list
}
