package auth

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// PeerOf returns the peer of a unix socket and refuses another user.
func PeerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: err}
	}
	var peer Peer
	var failed error
	if err := raw.Control(func(fd uintptr) {
		credentials, err := unix.GetsockoptXucred(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERCRED)
		if err != nil {
			failed = err
			return
		}
		peer.UID = credentials.Uid
		if pid, err := unix.GetsockoptInt(int(fd), unix.SOL_LOCAL, unix.LOCAL_PEERPID); err == nil {
			peer.PID = pid
		}
	}); err != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: err}
	}
	if failed != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: failed}
	}
	if int(peer.UID) != os.Geteuid() {
		return peer, &PeerError{Op: "check peer", UID: peer.UID, Err: fmt.Errorf("user %d is not the gateway's owner", peer.UID), Hint: "run the command as the user who runs the gateway"}
	}
	return peer, nil
}
