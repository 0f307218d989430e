package sandbox

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/egress/proxy"
	"openclaw/sandbox/policy"
)

// A connection that has the port of one before, and arrives before it is known where it
// goes, does not go where that one went. A person's yes to the one before that it had no
// use for, such as where a policy allowed it meanwhile, is over with it.
func TestAPortThatIsUsedAgainLeadsNowhereOld(t *testing.T) {
	const before, next = "192.0.2.1:7000", "192.0.2.2:7000"
	yes := true
	compiled, problems := policy.Compile(policy.Input{Agent: "coder", Home: "/home/ada", StateDir: "/home/ada/.openclaw", Own: policy.Permissions{
		Network: &policy.Network{AllowOutbound: &yes, AllowedIPs: []string{before, next}},
	}})
	if compiled == nil {
		t.Fatal(problems)
	}
	dialled := make(chan string, 2)
	w := &wayOut{owners: map[uint16]connection{}, asked: map[approval]bool{}}
	var err error
	w.proxy, err = proxy.New(proxy.Options{Token: strings.Repeat("t", 32), Egress: egress.Options{
		Policy: compiled,
		Dial: func(_ context.Context, _, address string) (net.Conn, error) {
			dialled <- address
			near, far := net.Pipe()
			return near, far.Close() // the server says nothing and hangs up
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		return listener
	}
	w.listens, w.direct = listen(), listen()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.proxy.Serve(ctx, w.listens) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})

	from := 0 // of an address of this machine whose ports nobody else has
	connect := func() (client net.Conn, carried chan struct{}) {
		client, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 77, 3, 9), Port: from}}).Dial("tcp4", w.direct.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = client.Close() })
		from = client.LocalAddr().(*net.TCPAddr).Port
		if err := client.(*net.TCPConn).SetLinger(0); err != nil { // no TIME_WAIT: the port is free at once
			t.Fatal(err)
		}
		conn, err := w.direct.Accept()
		if err != nil {
			t.Fatal(err)
		}
		carried = make(chan struct{})
		go func() {
			defer close(carried)
			w.carry(ctx, conn)
		}()
		return client, carried
	}
	client, carried := connect()
	w.answered(approval{1, before})
	w.made(from, connection{pid: 1, destination: netip.MustParseAddrPort(before)})
	if to := <-dialled; to != before {
		t.Fatal(to)
	}
	_ = client.Close()
	<-carried
	if len(w.asked) != 0 {
		t.Errorf("there is a yes left: %v", w.asked)
	}
	client, carried = connect()
	early := ""
	select { // the handler takes its time
	case early = <-dialled:
	case <-time.After(100 * time.Millisecond):
	}
	w.made(from, connection{pid: 1, destination: netip.MustParseAddrPort(next)})
	if early == "" {
		early = <-dialled
	}
	if early != next {
		t.Errorf("a connection to %s went to %s", next, early)
	}
	_ = client.Close()
	<-carried
}
