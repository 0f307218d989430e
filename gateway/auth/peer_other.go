//go:build !linux && !darwin

package auth

import (
	"errors"
	"net"
)

// PeerOf refuses: this system does not tell who the peer is.
func PeerOf(*net.UnixConn) (Peer, error) {
	return Peer{}, &PeerError{Op: "read peer credentials", Err: errors.New("not supported on this system"), Hint: "use the gateway's TCP address and its token"}
}
