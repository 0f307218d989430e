package egress

import (
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"openclaw/sandbox/policy"
)

// compiled is a policy as a config would give it, built-in ranges included.
func compiled(tb testing.TB, network policy.Network, ask ...policy.Class) *policy.Policy {
	tb.Helper()
	p, problems := policy.Compile(policy.Input{
		Agent: "coder", Workspace: "/work", Home: "/home/user", StateDir: "/home/user/.openclaw",
		Own: policy.Permissions{Network: &network, Ask: ask}, OwnKey: "agents.coder.permissions",
	})
	for _, problem := range problems {
		if !problem.Warning {
			tb.Fatalf("policy: %s: %s", problem.Key, problem.Message)
		}
	}
	return p
}

// cage is an Egress on loopback sockets. Its destinations are told by the
// test, where in a cage the kernel knows them.
type cage struct {
	*Egress
	t      *testing.T
	tcp    string
	dns    string
	stream string
	door   string // the gateway's endpoint

	mu           sync.Mutex
	destinations map[netip.AddrPort]netip.AddrPort
	refusals     []Refusal
	connections  []Connection
	dialled      []string
	changed      chan struct{} // closed and replaced at each change
}

// newCage starts an Egress for one test. Every dial reaches server, whatever
// the address; an empty server refuses.
func newCage(t *testing.T, o Options, server string) *cage {
	t.Helper()
	c := &cage{t: t, destinations: make(map[netip.AddrPort]netip.AddrPort), changed: make(chan struct{})}
	o.Destination = c.destination
	o.Refused = func(r Refusal) { c.note(func() { c.refusals = append(c.refusals, r) }) }
	o.Connected = func(n Connection) { c.note(func() { c.connections = append(c.connections, n) }) }
	if o.Dial == nil {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			c.note(func() { c.dialled = append(c.dialled, address) })
			if server == "" {
				return nil, errors.New("connection refused")
			}
			return (&net.Dialer{}).DialContext(ctx, "tcp", server)
		}
	}
	if o.Lookup == nil {
		o.Lookup = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
		}
	}
	if o.HostAddresses == nil {
		o.HostAddresses = func() ([]netip.Addr, error) { return []netip.Addr{netip.MustParseAddr("203.0.114.7")}, nil }
	}
	c.Egress = New(o)
	tcp, dnsStream, door := listen(t), listen(t), listen(t)
	packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.tcp, c.stream, c.door, c.dns = tcp.Addr().String(), dnsStream.Addr().String(), door.Addr().String(), packets.LocalAddr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- c.Serve(ctx, tcp, packets, dnsStream, door) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	return c
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return listener
}

func (c *cage) note(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	close(c.changed)
	c.changed = make(chan struct{})
}

// patience is how long a test waits for what comes at once where all is well: long
// enough for a busy machine, and no more, so that what is broken shows soon.
const patience = 20 * time.Second

// until waits until done is true of what was noted.
func (c *cage) until(what string, done func() bool) {
	c.t.Helper()
	limit := time.After(patience)
	for {
		c.mu.Lock()
		ok, changed := done(), c.changed
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.t.Fatalf("never saw %s; refusals %+v, connections %+v", what, c.refusals, c.connections)
		}
	}
}

func (c *cage) destination(conn net.Conn) (netip.AddrPort, error) {
	from := addressOf(conn.RemoteAddr())
	var found netip.AddrPort
	for {
		c.mu.Lock()
		var ok bool
		found, ok = c.destinations[from]
		changed := c.changed
		c.mu.Unlock()
		if ok {
			return found, nil
		}
		<-changed
	}
}

// dial connects as a program of the cage would to destination.
func (c *cage) dial(destination string) *net.TCPConn {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.tcp)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	c.note(func() { c.destinations[addressOf(conn.LocalAddr())] = netip.MustParseAddrPort(destination) })
	return conn.(*net.TCPConn)
}

// dialName looks a name up and connects to what it got.
func (c *cage) dialName(name, port string) *net.TCPConn {
	c.t.Helper()
	answer := c.ask(name, dnsmessage.TypeA)
	if len(answer.Answers) != 1 {
		c.t.Fatalf("look-up of %s: %v", name, answer)
	}
	address := netip.AddrFrom4(answer.Answers[0].Body.(*dnsmessage.AResource).A)
	return c.dial(net.JoinHostPort(address.String(), port))
}

// ask sends one query as a packet.
func (c *cage) ask(name string, kind dnsmessage.Type) dnsmessage.Message {
	c.t.Helper()
	conn, err := net.Dial("udp", c.dns)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		c.t.Fatal(err)
	}
	if _, err := conn.Write(queryFor(c.t, name, kind)); err != nil {
		c.t.Fatal(err)
	}
	buffer := make([]byte, 512)
	n, err := conn.Read(buffer)
	if err != nil {
		c.t.Fatalf("look-up of %s: %v", name, err)
	}
	var answer dnsmessage.Message
	if err := answer.Unpack(buffer[:n]); err != nil {
		c.t.Fatal(err)
	}
	return answer
}

func queryFor(tb testing.TB, name string, kind dnsmessage.Type) []byte {
	tb.Helper()
	full, err := dnsmessage.NewName(name)
	if err != nil {
		tb.Fatal(err)
	}
	packed, err := (&dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 7, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: full, Type: kind, Class: dnsmessage.ClassINET}},
	}).Pack()
	if err != nil {
		tb.Fatal(err)
	}
	return packed
}

// wantReset expects that the other side ends conn without a byte.
func wantReset(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil { // many were opened before
		t.Error(err)
	}
	n, err := conn.Read(make([]byte, 1))
	if n != 0 || err == nil || errors.Is(err, io.EOF) {
		t.Errorf("read gave %d bytes and %v, want a reset", n, err)
	}
	if network, ok := errors.AsType[net.Error](err); ok && network.Timeout() {
		t.Error("nothing happened instead of a reset")
	}
}

// echo is a server that sends back what it gets and counts it.
func echo(t *testing.T) (address string, received func() int) {
	t.Helper()
	listener := listen(t)
	var mu sync.Mutex
	total := 0
	var open sync.WaitGroup
	open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() {
				defer func() { _ = conn.Close() }()
				buffer := make([]byte, 32<<10)
				for {
					n, err := conn.Read(buffer)
					mu.Lock()
					total += n
					mu.Unlock()
					if n > 0 {
						if _, err := conn.Write(buffer[:n]); err != nil {
							return
						}
					}
					if err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); open.Wait() })
	return listener.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return total
	}
}
