package egress

import (
	"context"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// A narrower policy cuts what it does not allow, and nothing else, at once.
func TestSetPolicyCuts(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: compiled(t, policy.Network{
		AllowedDomains: []string{"kept.example", "gone.example"}, AllowedIPs: []string{"198.51.100.9"},
	})}, server)
	open := map[string]net.Conn{
		"kept": c.dialName("kept.example.", "7000"), "gone": c.dialName("gone.example.", "7000"), "literal": c.dial("198.51.100.9:7000"),
	}
	for name, conn := range open {
		if _, err := conn.Write([]byte("1")); err != nil {
			t.Fatal(name, err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(name, err)
		}
	}
	c.SetPolicy(allowing(t, "kept.example"))
	wantReset(t, open["gone"])
	wantReset(t, open["literal"])
	if _, err := open["kept"].Write([]byte("2")); err != nil {
		t.Fatal(err)
	}
	if _, err := open["kept"].Read(make([]byte, 1)); err != nil {
		t.Errorf("the connection that is still allowed: %v", err)
	}
	c.until("two ends that say why", func() bool {
		ended := 0
		for _, connection := range c.connections {
			if strings.HasPrefix(connection.Error, "no longer allowed: ") && !connection.Closed.IsZero() {
				ended++
			}
		}
		return ended == 2
	})
}

// An address that is blocked from now on ends the connections to it, though their
// name stays allowed.
func TestSetPolicyCutsWhatIsBlocked(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "kept.example")}, server)
	conn := c.dialName("kept.example.", "7000")
	if _, err := conn.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.SetPolicy(compiled(t, policy.Network{AllowedDomains: []string{"kept.example"}, BlockedIPs: []string{"93.184.0.0/16"}}))
	wantReset(t, conn)
}

// A connection that nobody was asked about ends when the policy wants it asked from
// now on; one that a person allowed goes on.
func TestSetPolicyCutsWhatIsNowAsked(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{
		Policy: compiled(t, policy.Network{AllowedDomains: []string{"given.example"}}, policy.ClassNet),
		Ask:    func(context.Context, Refusal) (bool, error) { return true, nil },
	}, server)
	open := map[string]net.Conn{"given": c.dialName("given.example.", "7000"), "asked": c.dialName("asked.example.", "7000")}
	for name, conn := range open {
		if _, err := conn.Write([]byte("1")); err != nil {
			t.Fatal(name, err)
		}
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(name, err)
		}
	}
	c.SetPolicy(compiled(t, policy.Network{AllowedDomains: []string{"other.example"}}, policy.ClassNet))
	wantReset(t, open["given"])
	if _, err := open["asked"].Write([]byte("2")); err != nil {
		t.Fatal(err)
	}
	if _, err := open["asked"].Read(make([]byte, 1)); err != nil {
		t.Errorf("the connection that a person allowed: %v", err)
	}
}

// A policy that becomes stricter between the judgement and the connection holds for
// that connection too: no byte of it goes out.
func TestSetPolicyWhileDialled(t *testing.T) {
	server, received := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "gone.example")}, server)
	real := c.o.Dial
	c.o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := real(ctx, network, address)
		c.SetPolicy(allowing(t, "kept.example"))
		return conn, err
	}
	conn := c.dialName("gone.example.", "7000")
	_, _ = conn.Write([]byte("1"))
	wantReset(t, conn)
	c.until("the end that says why", func() bool {
		return slices.ContainsFunc(c.connections, func(n Connection) bool { return strings.HasPrefix(n.Error, "no longer allowed: ") })
	})
	if n := received(); n != 0 {
		t.Errorf("%d bytes went out", n)
	}
}

// What the policy wants asked is held until the answer; no answer is a no.
func TestAsk(t *testing.T) {
	server, received := echo(t)
	answers := make(chan bool)
	asked := make(chan Refusal)
	c := newCage(t, Options{
		Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.example"}}, policy.ClassNet),
		Ask: func(ctx context.Context, r Refusal) (bool, error) {
			asked <- r
			select {
			case answer := <-answers:
				return answer, nil
			case <-ctx.Done():
				return true, ctx.Err()
			}
		},
	}, server)
	allowed := c.dialName("asked.example.", "7000")
	if _, err := allowed.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	first := <-asked
	if first.Target != "asked.example:7000" || first.Operation != "connect" {
		t.Errorf("asked %+v", first)
	}
	if received() != 0 {
		t.Error("a byte went out before the answer")
	}
	answers <- true
	if _, err := allowed.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	c.until("that connection, and how long it was held", func() bool {
		return slices.ContainsFunc(c.connections, func(n Connection) bool { return n.ID == first.Connection && n.Held > 0 })
	})
	denied := c.dialName("asked.example.", "7000")
	<-asked
	answers <- false
	wantReset(t, denied)
	c.wantRefusal("asked.example:7000", "allowed_domains")
	held := c.dial("8.8.8.8:443")
	if got := <-asked; got.Target != "8.8.8.8:443" {
		t.Errorf("asked %+v", got)
	}
	_ = held // the end of the test is the end of ctx: no answer, and Serve still returns
}

// The gateway's endpoint is carried to the gateway and nowhere else; without
// one it is reset.
func TestGatewayEndpoint(t *testing.T) {
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t), Gateway: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", server)
	}}, "")
	conn, err := net.Dial("tcp", c.door)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 100)); n == 0 || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
	c.wantDialled()
	without := newCage(t, Options{Policy: allowing(t)}, "")
	shut, err := net.Dial("tcp", without.door)
	if err != nil {
		return // reset before it was open
	}
	defer func() { _ = shut.Close() }()
	_ = shut.SetDeadline(time.Now().Add(patience))
	wantReset(t, shut)
}

// Connections past the limit are reset and told; those before go on.
func TestTooManyConnections(t *testing.T) {
	if testing.Short() {
		t.Skip("opens a thousand connections")
	}
	server, _ := echo(t)
	c := newCage(t, Options{Policy: compiled(t, policy.Network{AllowedIPs: []string{"198.51.100.9"}})}, server)
	var last *net.TCPConn
	for range maxConnections {
		last = c.dial("198.51.100.9:7000")
	}
	c.until("a full house", func() bool { return len(c.dialled) == maxConnections })
	wantReset(t, c.dial("198.51.100.9:7001"))
	c.wantRefusal("198.51.100.9:7001", "more than 1024")
	if _, err := last.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := last.Read(make([]byte, 1)); err != nil {
		t.Error(err)
	}
}
