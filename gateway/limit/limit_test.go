package limit

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"
)

func fixed(s Settings) func() Settings { return func() Settings { return s } }

func TestRequestsPastTheLimitAreRefusedUntilTheBucketFills(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	l := New(fixed(Settings{Enabled: true, PerMinute: 60}), func() time.Time { return clock })
	who := l.ClientOf(netip.MustParseAddr("203.0.113.7"), "a")
	for i := range 60 {
		if _, ok := l.Allow(who); !ok {
			t.Fatalf("request %d of a burst of 60 is refused", i)
		}
	}
	retry, ok := l.Allow(who)
	if ok || retry <= 0 || retry > time.Second {
		t.Fatal(retry, ok)
	}
	if _, ok := l.Allow(l.ClientOf(netip.MustParseAddr("203.0.113.8"), "a")); !ok {
		t.Fatal("another address pays for it")
	}
	clock = clock.Add(retry)
	if _, ok := l.Allow(who); !ok {
		t.Fatal("refused after the time that was told")
	}
}

func TestLocalProgramsAreCountedByCredential(t *testing.T) {
	l := New(fixed(Settings{Enabled: true, PerMinute: 5}), nil)
	local := netip.MustParseAddr("127.0.0.1")
	for range 50 {
		l.Allow(l.ClientOf(local, "flooding agent"))
		l.Allow(l.ClientOf(local, ""))
	}
	if _, ok := l.Allow(l.ClientOf(local, "other agent")); !ok {
		t.Fatal("one agent's flood shuts out another")
	}
	remote := netip.MustParseAddr("203.0.113.7")
	for i := range 5 {
		l.Allow(l.ClientOf(remote, string(rune('a'+i))))
	}
	if _, ok := l.Allow(l.ClientOf(remote, "fresh credential")); ok {
		t.Fatal("a remote address escapes its limit by changing its credential")
	}
}

func TestIPv6CountsBySixtyFour(t *testing.T) {
	for in, want := range map[string]string{
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "::ffff:203.0.113.7": "203.0.113.7", "::1": "::1", "fe80::1%eth0": "fe80::", "127.0.0.1": "127.0.0.1", "127.200.3.4": "127.0.0.1", "::ffff:127.0.0.9": "127.0.0.1",
	} {
		if got := Group(netip.MustParseAddr(in)).String(); got != want {
			t.Errorf("%s counts as %s, want %s", in, got, want)
		}
	}
}

func TestMemoryIsBoundedUnderAFloodOfAddresses(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	l := New(fixed(Settings{Enabled: true, PerMinute: 1}), func() time.Time { return clock })
	for i := range 4 * shards * perShard {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(i)+0x0b000000)
		l.Allow(Client{Address: netip.AddrFrom4(b)})
	}
	total := 0
	for i := range l.shards {
		if len(l.shards[i].clients) != l.shards[i].order.Len() {
			t.Fatal("map and order disagree")
		}
		total += len(l.shards[i].clients)
	}
	if total > shards*perShard {
		t.Fatalf("%d clients are remembered", total)
	}
	clock = clock.Add(time.Hour)
	for i := range 1000 {
		l.Allow(Client{Address: netip.AddrFrom4([4]byte{1, 1, byte(i >> 8), byte(i)})})
	}
	for i := range l.shards {
		if n := len(l.shards[i].clients); n > 1000 {
			t.Fatalf("%d quiet clients are still remembered in one shard", n)
		}
	}
}

func TestLimitsFollowTheConfigLive(t *testing.T) {
	s := Settings{Enabled: true, PerMinute: 1}
	l := New(func() Settings { return s }, nil)
	who := Client{Address: netip.MustParseAddr("203.0.113.7")}
	l.Allow(who)
	if _, ok := l.Allow(who); ok {
		t.Fatal("not limited")
	}
	s.Enabled = false
	if _, ok := l.Allow(who); !ok {
		t.Fatal("limited while switched off")
	}
}

func (l *Limiter) connect(t *testing.T, address string) (c, evicted *conn, refused bool) {
	t.Helper()
	c = &conn{limiter: l, group: Group(netip.MustParseAddr(address))}
	evicted, refused = l.acquire(c)
	return c, evicted, refused
}

func TestConnectionsOfOneAddressAreBounded(t *testing.T) {
	l := New(fixed(Settings{Enabled: true, Connections: 3}), nil)
	const remote = "203.0.113.7"
	var open []*conn
	for i := range 7 {
		c, evicted, refused := l.connect(t, remote)
		if evicted != nil || c.over != (i >= 3) || refused != (i >= 6) {
			t.Fatalf("connection %d: evicted %v, over %v, refused %v", i, evicted != nil, c.over, refused)
		}
		l.hold(c)
		open = append(open, c)
	}
	for _, c := range open {
		l.release(c)
		l.release(c)
	}
	if len(l.open) != 0 {
		t.Fatal(l.open)
	}
	for i := range LoopbackConnections {
		if c, evicted, _ := l.connect(t, "127.0.0.1"); c.over || evicted != nil {
			t.Fatalf("local connection %d is too many", i)
		}
	}
}

// The only one that an address may have gives way, too.
func TestTheOnlyConnectionOfAnAddressGivesWay(t *testing.T) {
	l := New(fixed(Settings{Enabled: true, Connections: 1}), nil)
	last, _, _ := l.connect(t, "203.0.113.7")
	for range 3 {
		c, evicted, refused := l.connect(t, "203.0.113.7")
		if evicted != last || refused || c.over {
			t.Fatalf("evicted %v, refused %v, over %v", evicted, refused, c.over)
		}
		l.release(evicted) // its server closes it
		last = c
	}
	l.hold(last)
	if c, evicted, _ := l.connect(t, "203.0.113.7"); evicted != nil || !c.over {
		t.Fatal("one with a good credential gave way")
	}
	if n := l.open[last.group].count; n != 2 {
		t.Fatalf("%d are counted", n)
	}
}

// Whoever opens connections and shows no credential takes nobody's place.
func TestConnectionsWithoutACredentialGiveWay(t *testing.T) {
	l := New(fixed(Settings{Enabled: true, Connections: 3}), nil)
	const remote = "203.0.113.7"
	good, _, _ := l.connect(t, remote)
	l.hold(good)
	oldest, _, _ := l.connect(t, remote)
	for i := range 100 {
		c, evicted, refused := l.connect(t, remote)
		if c.over || refused {
			t.Fatalf("connection %d finds no room", i)
		}
		if evicted == good || i == 1 && evicted != oldest {
			t.Fatal("the wrong one gave way")
		}
	}
	if n := l.open[good.group].count; n != 3 {
		t.Fatalf("%d are counted", n)
	}
	l.letLoose(good) // its request has ended: it is the youngest of the loose ones
	if _, evicted, _ := l.connect(t, remote); evicted == good || evicted == nil {
		t.Fatal("the wrong one gave way")
	}
	l.release(oldest)
	l.letLoose(oldest)
	if oldest.loose != nil {
		t.Fatal("a closed connection is kept")
	}
}

func TestListenerGivesThePlaceBackOnce(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := New(fixed(Settings{Enabled: true, Connections: 1}), nil)
	listener := l.Listen(inner)
	defer listener.Close()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if l.open[netip.MustParseAddr("127.0.0.1")].count != 1 || Over(Context(t.Context(), server)) {
		t.Fatal(l.open)
	}
	server.Close()
	server.Close()
	if len(l.open) != 0 {
		t.Fatal(l.open)
	}
}

// from is a connection that claims to come from an address.
type from struct {
	net.Conn
	address string
}

func (f from) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(f.address + ":4711"))
}

// given is a listener of connections that are there already.
type given struct {
	net.Listener
	conns []net.Conn
}

func (g *given) Accept() (net.Conn, error) {
	if len(g.conns) == 0 {
		return nil, net.ErrClosed
	}
	c := g.conns[0]
	g.conns = g.conns[1:]
	return c, nil
}

// A banned address gets no connection, not a byte is read from it, and what it
// had open is closed.
func TestTheBannedGetNoConnection(t *testing.T) {
	l := New(fixed(Settings{Enabled: true, Connections: 3}), nil)
	banned := false
	refused := 0
	l.Shut(func(a netip.Addr) bool { return banned && a.String() == "203.0.113.7" }, func(netip.Addr) { refused++ })
	pipe := func(address string) (server, client net.Conn) {
		server, client = net.Pipe()
		t.Cleanup(func() { server.Close(); client.Close() })
		return from{server, address}, client
	}
	first, firstEnd := pipe("203.0.113.7")
	second, secondEnd := pipe("203.0.113.7")
	other, otherEnd := pipe("203.0.113.8")
	listener := l.Listen(&given{conns: []net.Conn{first, second, other}})
	if _, err := listener.Accept(); err != nil {
		t.Fatal(err)
	}
	banned = true
	accepted, err := listener.Accept()
	if err != nil || AddressOf(accepted.RemoteAddr()).String() != "203.0.113.8" {
		t.Fatalf("%v %v", accepted, err)
	}
	closed := func(c net.Conn, patience time.Duration) bool {
		_ = c.SetReadDeadline(time.Now().Add(patience))
		_, err := c.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	}
	const must, mustNot = 20 * time.Second, 20 * time.Millisecond
	if !closed(secondEnd, must) || closed(firstEnd, mustNot) {
		t.Error("the wrong one is closed")
	}
	if n := l.CloseFrom(func(a netip.Addr) bool { return a.String() == "203.0.113.7" }); n != 1 || !closed(firstEnd, must) || closed(otherEnd, mustNot) {
		t.Errorf("%d closed", n)
	}
	if refused != 0 {
		t.Error("a ban counts as a refusal: it would last for ever")
	}
}
