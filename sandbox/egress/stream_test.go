package egress

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"openclaw/sandbox/policy"
)

func allowing(tb testing.TB, domains ...string) *policy.Policy {
	tb.Helper()
	return compiled(tb, policy.Network{AllowedDomains: domains})
}

func (c *cage) wantRefusal(target, rule string) {
	c.t.Helper()
	c.until("the refusal of "+target, func() bool {
		return slices.ContainsFunc(c.refusals, func(r Refusal) bool {
			return r.Operation == "connect" && r.Target == target && strings.Contains(r.Rule, rule) && r.Mechanism == MechanismEgress
		})
	})
}

func (c *cage) wantDialled(want ...string) {
	c.t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	if !slices.Equal(c.dialled, want) {
		c.t.Errorf("dialled %q, want %q", c.dialled, want)
	}
}

// An allowed name is looked up out here, dialled at exactly the address that
// was judged, and carried both ways with half-close and counts.
func TestAllowedConnection(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{
		Policy:   allowing(t, "good.example:7000"),
		Identify: func(netip.AddrPort, bool) (int, string, string) { return 42, "/usr/bin/nc", "nc good.example" },
	}, server)
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte("over and back")); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != "over and back" {
		t.Fatalf("got %q, %v", got, err)
	}
	c.until("the end", func() bool {
		return len(c.connections) > 0 && !c.connections[len(c.connections)-1].Closed.IsZero()
	})
	c.wantDialled("93.184.216.34:7000")
	c.mu.Lock()
	defer c.mu.Unlock()
	first, last := c.connections[0], c.connections[len(c.connections)-1]
	if first.Target != "good.example:7000" || first.Address != "93.184.216.34:7000" || first.PID != 42 || !first.Closed.IsZero() ||
		first.Rule == "" || first.ID == "" {
		t.Errorf("first %+v", first)
	}
	if last.ID != first.ID || last.Sent != 13 || last.Recv != 13 || last.Error != "" {
		t.Errorf("last %+v", last)
	}
	if len(c.refusals) != 0 {
		t.Errorf("refusals %+v", c.refusals)
	}
}

// A large transfer arrives whole both ways at once, and is counted while it
// runs and at its end, whoever moves it.
func TestLargeTransfer(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
	const size = 24 << 20
	conn := c.dialName("good.example.", "7000")
	sent, received := sha256.New(), sha256.New()
	ended := make(chan error, 1)
	go func() {
		n, err := io.Copy(received, conn)
		if err == nil && n != size {
			err = errors.New("only " + strconv.FormatInt(n, 10) + " bytes")
		}
		ended <- err
	}()
	block := make([]byte, 64<<10)
	for i := range size / len(block) {
		block[0], block[1] = byte(i), byte(i>>8)
		sent.Write(block)
		if _, err := conn.Write(block); err != nil {
			t.Fatal(err)
		}
		if i == size/len(block)/2 {
			c.until("counts in the middle", func() bool {
				return slices.ContainsFunc(c.connections, func(n Connection) bool { return n.Closed.IsZero() && n.Sent >= 4<<20 })
			})
		}
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sent.Sum(nil), received.Sum(nil)) {
		t.Error("the bytes changed")
	}
	c.until("the end", func() bool {
		last := c.connections[len(c.connections)-1]
		return !last.Closed.IsZero() && last.Sent == size && last.Recv == size && last.Error == ""
	})
}

// A refused place is a reset and one refusal that names the rule, and nothing
// is dialled.
func TestRefusedConnections(t *testing.T) {
	lookups := map[string]string{
		"rebind.example": "127.0.0.1", "metadata.example": "169.254.169.254", "private.example": "10.1.2.3",
		"mapped.example": "::ffff:127.0.0.1", "six.example": "::1", "own.example": "203.0.114.7",
		"zero.example": "0.0.0.0", "blocked.example": "93.184.216.34", "nat64.example": "64:ff9b::7f00:1", "zone.example": "fe80::1%lo",
	}
	p := compiled(t, policy.Network{
		AllowedDomains: []string{"*.example", "port.test:443"}, BlockedIPs: []string{"93.184.216.0/24"}, AllowedIPs: []string{"198.51.100.9:22"},
	})
	server, _ := echo(t)
	for name, row := range map[string]struct{ host, port, target, rule string }{
		"rebinding to loopback":    {"rebind.example", "80", "rebind.example:80", "loopback"},
		"metadata service":         {"metadata.example", "80", "metadata.example:80", "metadata"},
		"private network":          {"private.example", "443", "private.example:443", "private"},
		"mapped loopback":          {"mapped.example", "80", "mapped.example:80", "loopback"},
		"IPv6 loopback":            {"six.example", "80", "six.example:80", "loopback"},
		"this machine":             {"own.example", "80", "own.example:80", "address of this machine"},
		"unspecified":              {"zero.example", "80", "zero.example:80", "not an address"},
		"blocked range":            {"blocked.example", "443", "blocked.example:443", "blocked_ips"},
		"NAT64 loopback":           {"nat64.example", "80", "nat64.example:80", "built-in"},
		"zone":                     {"zone.example", "80", "zone.example:80", "not an address"},
		"another port of the name": {"port.test", "80", "port.test:80", "allowed_domains"},
		"literal":                  {"", "", "8.8.8.8:443", "allowed_ips"},
		"literal, another port":    {"", "", "198.51.100.9:80", ""},
		"IPv6 literal":             {"", "", "[2606:4700::1111]:443", "allowed_ips"},
		"mapped literal":           {"", "", "127.0.0.1:80", ""},
		"unknown synthetic":        {"", "", "198.19.7.7:443", "stands for no name"},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCage(t, Options{Policy: p, Lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
				return []netip.Addr{netip.MustParseAddr(lookups[host])}, nil
			}}, server)
			var conn net.Conn
			if row.host != "" {
				conn = c.dialName(row.host+".", row.port)
			} else {
				conn = c.dial(strings.Replace(row.target, "127.0.0.1", "[::ffff:127.0.0.1]", 1))
			}
			wantReset(t, conn)
			c.wantRefusal(row.target, row.rule)
			c.wantDialled()
			c.mu.Lock()
			defer c.mu.Unlock()
			if len(c.refusals) != 1 || len(c.connections) != 0 {
				t.Errorf("refusals %+v, connections %+v", c.refusals, c.connections)
			}
		})
	}
}

// Of several addresses only those that may be are dialled, in their order.
func TestOnlyJudgedAddressesAreDialled(t *testing.T) {
	server, _ := echo(t)
	var tries atomic.Int32
	c := newCage(t, Options{
		Policy: allowing(t, "good.example"),
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{
				netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("2606:4700::1"),
				netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("93.184.216.34"),
			}, nil
		},
	}, server)
	real := c.o.Dial
	c.o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := real(ctx, network, address)
		if tries.Add(1) == 1 && err == nil {
			_ = conn.Close()
			return nil, errors.New("no route")
		}
		return conn, err
	}
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.wantDialled("[2606:4700::1]:7000", "93.184.216.34:7000")
}

// This machine's own addresses are out of reach in whatever form they come, and
// when they are not known nothing is dialled.
func TestOwnAddressesAreNotDialled(t *testing.T) {
	own := netip.MustParseAddr("203.0.114.7")
	for name, row := range map[string]struct {
		answer string
		hosts  func() ([]netip.Addr, error)
		rule   string
	}{
		"as it is":      {"203.0.114.7", nil, "an address of this machine"},
		"as IPv6":       {"::ffff:203.0.114.7", nil, "an address of this machine"},
		"not known":     {"93.184.216.34", func() ([]netip.Addr, error) { return nil, errors.New("no interfaces") }, "the addresses of this machine are not known"},
		"partly unread": {"93.184.216.34", func() ([]netip.Addr, error) { return []netip.Addr{own}, errors.New("cut short") }, "the addresses of this machine are not known"},
	} {
		t.Run(name, func(t *testing.T) {
			server, _ := echo(t)
			c := newCage(t, Options{
				Policy: allowing(t, "good.example"), HostAddresses: row.hosts,
				Lookup: func(context.Context, string) ([]netip.Addr, error) {
					return []netip.Addr{netip.MustParseAddr(row.answer)}, nil
				},
			}, server)
			wantReset(t, c.dialName("good.example.", "7000"))
			c.wantRefusal("good.example:7000", row.rule)
			c.wantDialled()
		})
	}
}

// The name is looked up once for a connection: an answer that changes between
// the check and the use changes nothing.
func TestNoSecondLookup(t *testing.T) {
	server, _ := echo(t)
	var lookups atomic.Int32
	c := newCage(t, Options{
		Policy: allowing(t, "good.example"),
		Lookup: func(context.Context, string) ([]netip.Addr, error) {
			if lookups.Add(1) == 1 {
				return []netip.Addr{netip.MustParseAddr("93.184.216.34")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		},
	}, server)
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.wantDialled("93.184.216.34:7000")
	if lookups.Load() != 1 {
		t.Errorf("%d look-ups", lookups.Load())
	}
}

// The first bytes must ask for the name that was looked up; no byte of a
// connection that does not goes out.
func TestFirstBytes(t *testing.T) {
	request := func(host string) string { return "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n" }
	hello := func(name string) string { return string(clientHello(t, name)) }
	for name, row := range map[string]struct {
		send    string
		refused string // part of the rule
	}{
		"TLS for the name":             {hello("good.example"), ""},
		"TLS for another":              {hello("evil.example"), "TLS server name evil.example is not good.example"},
		"TLS for none":                 {hello(""), ""},
		"TLS of a later version":       {string(versioned([]byte(hello("good.example")), 3, 5)), ""},
		"another name, later version":  {string(versioned([]byte(hello("evil.example")), 3, 5)), "TLS server name evil.example is not good.example"},
		"another name, no version":     {string(versioned([]byte(hello("evil.example")), 0, 0)), "TLS server name evil.example is not good.example"},
		"another name behind a word":   {"\x15\x03\x01\x00\x02\x01\x5a" + hello("evil.example"), "a TLS ClientHello behind another record"},
		"another name behind nothing":  {"\x14\x03\x03\x00\x00" + hello("evil.example"), "a TLS ClientHello behind another record"},
		"a length and a message":       {"\x15\x00\x00\x00\x02\x01hello", ""},
		"HTTP for the name":            {request("GOOD.example.:80"), ""},
		"HTTP for another":             {request("evil.example"), "HTTP host evil.example is not good.example"},
		"HTTP for an address":          {request("169.254.169.254"), "HTTP host 169.254.169.254 is not good.example"},
		"HTTP with control characters": {request("\x1b[2Jgood.example"), `HTTP host "\x1b[2Jgood.example" is not good.example`},
		"HTTP through a proxy":         {"CONNECT evil.example:443 HTTP/1.1\r\nHost: good.example\r\n\r\n", "HTTP host evil.example"},
		"HTTP head without an end":     {"GET / HTTP/1.1\r\nX: " + strings.Repeat("a", maxOpening), "does not end"},
		"broken TLS":                   {"\x16\x03\x01\x00\x05\x01\xff\xff\xff\x00", "cannot be read"},
		"another protocol":             {"SSH-2.0-x\r\n", ""},
		"a word that waits":            {"HELLO", ""},
	} {
		t.Run(name, func(t *testing.T) {
			server, received := echo(t)
			c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
			conn := c.dialName("good.example.", "7000")
			// One byte, then the rest: where the bytes are cut is the sender's choice.
			for _, part := range []string{row.send[:1], row.send[1:]} {
				if _, err := conn.Write([]byte(part)); err != nil && row.refused == "" {
					t.Fatal(err)
				}
			}
			if row.refused == "" {
				got := make([]byte, len(row.send))
				if _, err := io.ReadFull(conn, got); err != nil || string(got) != row.send {
					t.Errorf("got %q, %v", got, err)
				}
				return
			}
			wantReset(t, conn)
			c.wantRefusal("good.example:7000", row.refused)
			if n := received(); n != 0 {
				t.Errorf("%d bytes went out", n)
			}
		})
	}
}

// On a port of the web nothing goes out that may still become a request, also
// when the program stops in the middle of it.
func TestWebPortWaitsForTheWholeRequest(t *testing.T) {
	server, received := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, server)
	conn := c.dialName("good.example.", "80")
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	wantReset(t, conn)
	c.wantRefusal("good.example:80", "does not end")
	if n := received(); n != 0 {
		t.Errorf("%d bytes went out", n)
	}
}

// A server that speaks first is heard at once.
func TestServerSpeaksFirst(t *testing.T) {
	listener := listen(t)
	defer func() { _ = listener.Close() }()
	go func() {
		if conn, err := listener.Accept(); err == nil {
			_, _ = conn.Write([]byte("220 ready\r\n"))
			_ = conn.Close()
		}
	}()
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, listener.Addr().String())
	conn := c.dialName("good.example.", "443")
	got := make([]byte, 11)
	if _, err := io.ReadFull(conn, got); err != nil || string(got) != "220 ready\r\n" {
		t.Errorf("got %q, %v", got, err)
	}
}

// A dial that fails is a reset and a connection with an error, not a refusal.
func TestFailedDialIsNoRefusal(t *testing.T) {
	for name, o := range map[string]Options{
		"dial":    {Policy: allowing(t, "good.example")},
		"look up": {Policy: allowing(t, "good.example"), Lookup: func(context.Context, string) ([]netip.Addr, error) { return nil, &net.DNSError{Err: "no such host"} }},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCage(t, o, "")
			wantReset(t, c.dialName("good.example.", "443"))
			c.until("the failed connection", func() bool { return len(c.connections) == 1 })
			c.mu.Lock()
			defer c.mu.Unlock()
			if got := c.connections[0]; !strings.HasPrefix(got.Error, name+": ") || got.Closed.IsZero() || len(c.refusals) != 0 {
				t.Errorf("connection %+v, refusals %+v", got, c.refusals)
			}
		})
	}
}
