package auth

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// PeerOf returns the peer of a unix socket and refuses one that is another
// user, or that lives in another user namespace: a caged agent runs under our
// own uid and would otherwise be taken for its owner, should the socket ever
// come into its reach.
func PeerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: err}
	}
	var credentials *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) {
		credentials, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: err}
	}
	if failed != nil {
		return Peer{}, &PeerError{Op: "read peer credentials", Err: failed}
	}
	peer := Peer{UID: credentials.Uid, PID: int(credentials.Pid)}
	if int(credentials.Uid) != os.Geteuid() {
		return peer, &PeerError{Op: "check peer", UID: credentials.Uid, Err: fmt.Errorf("user %d is not the gateway's owner", credentials.Uid), Hint: "run the command as the user who runs the gateway"}
	}
	if inOtherUserNamespace(peer.PID) {
		return peer, &PeerError{Op: "check peer", UID: credentials.Uid, Err: fmt.Errorf("process %d lives in another user namespace", peer.PID), Hint: "a caged agent cannot control the gateway"}
	}
	return peer, nil
}

// inOtherUserNamespace compares the peer's user namespace with ours. One of a
// cage that we own can always be read; where it cannot be read (a process of
// our own that hides its memory) it is not one of a cage.
func inOtherUserNamespace(pid int) bool {
	if pid <= 0 {
		return true // not visible from here: in a pid namespace beside ours
	}
	ours, err := os.Readlink("/proc/self/ns/user")
	if err != nil {
		return false
	}
	theirs, err := os.Readlink(fmt.Sprintf("/proc/%d/ns/user", pid))
	return err == nil && theirs != ours
}
