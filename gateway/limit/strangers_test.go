package limit

import (
	"encoding/binary"
	"net"
	"net/netip"
	"runtime"
	"testing"
)

// A botnet with a few connections from each of very many addresses takes its share
// of the descriptors and no more: its own oldest connections give way. What has a
// good credential, what is this machine's and what is a proxy's stays.
func TestManyAddressesTogetherTakeTheirShareOnly(t *testing.T) {
	proxy := netip.MustParseAddr("192.0.2.1")
	l := New(fixed(Settings{Enabled: true, Connections: 4, Proxy: func(a netip.Addr) bool { return a == proxy }}), nil)
	l.mostStrangers = 100
	open := map[*conn]bool{}
	connect := func(address netip.Addr) *conn {
		c := &conn{limiter: l, address: address, group: Group(address)}
		evicted, refused := l.acquire(c)
		if refused || c.over {
			t.Fatalf("%s is refused", address)
		}
		open[c] = true
		if evicted != nil {
			if !open[evicted] {
				t.Fatal("closed twice")
			}
			delete(open, evicted)
		}
		return c
	}
	client := connect(netip.MustParseAddr("203.0.113.1"))
	l.hold(client)
	kept := []*conn{client, connect(netip.MustParseAddr("127.0.0.1")), connect(proxy)}
	var last *conn
	for i := range 50_000 {
		var b [16]byte
		b[0] = 0x20
		binary.BigEndian.PutUint32(b[4:], uint32(i/3)) // three connections from each /64
		last = connect(netip.AddrFrom16(b))
	}
	for i, c := range append(kept, last) {
		if !open[c] {
			t.Errorf("connection %d had to give way", i)
		}
	}
	if n := len(open); n != 100+len(kept) {
		t.Errorf("%d are open", n)
	}
	if n := len(l.open); n > 100+len(kept) {
		t.Errorf("%d addresses are remembered", n)
	}
	l.letLoose(client) // it is one of the many again, the youngest
	if l.strangers.Back().Value != client {
		t.Error("a client whose request has ended is not the youngest")
	}
	for c := range open {
		l.release(c)
	}
	if l.strangers.Len() != 0 || len(l.open) != 0 {
		t.Error(l.strangers.Len(), l.open)
	}
}

// A local program that comes from ever new loopback addresses has the room of one.
func TestAllOfThisMachineIsOne(t *testing.T) {
	inner, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(fixed(Settings{Enabled: true, Connections: 2}), nil)
	listener := l.Listen(inner)
	defer listener.Close()
	for i := range LoopbackConnections + 40 {
		dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, byte(i>>8), byte(i)|1)}}
		client, err := dialer.Dial("tcp4", inner.Addr().String())
		if err != nil {
			if runtime.GOOS != "linux" {
				t.Skip("this system has one loopback address: ", err)
			}
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		if _, err := listener.Accept(); err != nil {
			t.Fatal(err)
		}
	}
	if n := l.open[netip.MustParseAddr("127.0.0.1")].count; n != LoopbackConnections || len(l.open) != 1 {
		t.Errorf("%d connections are open, of %d addresses", n, len(l.open))
	}
}
