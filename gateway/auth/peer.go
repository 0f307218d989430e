package auth

import "fmt"

// Peer is the process at the other end of a unix socket, by the kernel's word.
type Peer struct {
	UID uint32
	PID int // 0: the system does not say
}

// PeerError is a peer that may not use the unix socket.
type PeerError struct {
	Op   string
	UID  uint32
	Err  error
	Hint string
}

func (e *PeerError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return e.Op
}

func (e *PeerError) Unwrap() error { return e.Err }
