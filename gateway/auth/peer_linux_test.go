package auth

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

func TestPeerIsThisProcess(t *testing.T) {
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	client, err := net.DialUnix("unix", nil, listener.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	server, err := listener.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = server.Close() }()
	peer, err := PeerOf(server)
	if err != nil || peer.PID != os.Getpid() || int(peer.UID) != os.Geteuid() {
		t.Fatal(peer, err)
	}
}
