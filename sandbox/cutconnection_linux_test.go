package sandbox_test

import (
	"net"
	"testing"
	"time"

	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// One connection of a running program is closed by its ID, in either kind of network
// and in the reduced mode: both ends see a reset, and its last report says why.
func TestOneConnectionIsCut(t *testing.T) {
	needBash(t)
	cut := func(t *testing.T, w *world, way string) {
		t.Helper()
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		ended := make(chan error, 1)
		go func() {
			conn, err := listener.Accept()
			if err == nil {
				defer func() { _ = conn.Close() }()
				_, err = conn.Read(make([]byte, 1))
			}
			ended <- err
		}()
		yes := true
		w.perms.NetworkAccess = &yes
		w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedIPs: []string{listener.Addr().String()}}
		host, port, _ := net.SplitHostPort(listener.Addr().String())
		spec := w.spec("bash", "-c", `exec 9<>/dev/tcp/$0/$1; read -u 9 line || echo over`, host, port)
		told := make(chan sandbox.Connection, 16)
		spec.Connected = func(c sandbox.Connection) { told <- c }
		process, wait := startBy(t, way, spec)
		next := func() sandbox.Connection {
			t.Helper()
			select {
			case c := <-told:
				return c
			case <-time.After(30 * time.Second):
				t.Fatal("nothing is told of the connection")
				return sandbox.Connection{}
			}
		}
		open := next()
		if process.CutConnection("nosuch", "another") || !process.CutConnection(open.ID, "you closed it") {
			t.Errorf("%+v was not found", open)
		}
		last := open
		for last.Closed.IsZero() {
			last = next()
		}
		if last.Error != "you closed it" || last.ID != open.ID {
			t.Errorf("%+v", last)
		}
		if res := wait(); res.out != "over\n" {
			t.Errorf("out %q, err %q", res.out, res.err)
		}
		if err := <-ended; err == nil {
			t.Error("the server's end was not cut")
		}
	}
	ways(t, func(t *testing.T, way string) {
		t.Helper()
		cut(t, newWorld(t), way)
	})
	t.Run("reduced", func(t *testing.T) { cut(t, newWorld(t).reduced(), "") })
}
