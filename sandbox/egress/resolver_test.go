package egress

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"openclaw/sandbox/policy"
)

// What a program gets for a look-up, and what is told of it.
func TestLookups(t *testing.T) {
	c := newCage(t, Options{
		Policy: compiled(t, policy.Network{AllowedDomains: []string{"example.com", "*.example.org", "xn--bcher-kva.example"}}),
		Lookup: nil,
	}, "")
	const ok, missing = dnsmessage.RCodeSuccess, dnsmessage.RCodeNameError // what is refused is missing, too
	for name, row := range map[string]struct {
		query   string
		kind    dnsmessage.Type
		code    dnsmessage.RCode
		answers int
		refusal string // target of the refusal
	}{
		"allowed":                 {"example.com.", dnsmessage.TypeA, ok, 1, ""},
		"upper case":              {"EXAMPLE.Com.", dnsmessage.TypeA, ok, 1, ""},
		"below a wildcard":        {"a.b.example.org.", dnsmessage.TypeA, ok, 1, ""},
		"the wildcard itself":     {"example.org.", dnsmessage.TypeA, missing, 0, "example.org"},
		"punycode":                {"XN--bcher-kva.example.", dnsmessage.TypeA, ok, 1, ""},
		"IPv6 is empty":           {"example.com.", dnsmessage.TypeAAAA, ok, 0, ""},
		"HTTPS record is empty":   {"example.com.", dnsmessage.TypeHTTPS, ok, 0, ""},
		"SVCB record is empty":    {"example.com.", dnsmessage.TypeSVCB, ok, 0, ""},
		"MX is empty":             {"example.com.", dnsmessage.TypeMX, ok, 0, ""},
		"TXT is empty":            {"example.com.", dnsmessage.TypeTXT, ok, 0, ""},
		"denied":                  {"denied.test.", dnsmessage.TypeA, missing, 0, "denied.test"},
		"denied IPv6":             {"denied6.test.", dnsmessage.TypeAAAA, missing, 0, "denied6.test"},
		"denied TXT (a tunnel)":   {"c2VjcmV0.evil.test.", dnsmessage.TypeTXT, missing, 0, "c2vjcmv0.evil.test"},
		"a suffix of the name":    {"notexample.com.", dnsmessage.TypeA, missing, 0, "notexample.com"},
		"the name as a label":     {"example.com.evil.test.", dnsmessage.TypeA, missing, 0, "example.com.evil.test"},
		"bytes that are no name":  {"a\x1b[31m.example.org.", dnsmessage.TypeA, missing, 0, `"a\x1b[31m.example.org."`},
		"root":                    {".", dnsmessage.TypeNS, missing, 0, "."},
		"localhost":               {"localhost.", dnsmessage.TypeA, ok, 1, ""},
		"localhost IPv6":          {"localhost.", dnsmessage.TypeAAAA, ok, 1, ""},
		"reverse of an unknown":   {"8.8.8.8.in-addr.arpa.", dnsmessage.TypePTR, missing, 0, ""},
		"reverse of IPv6":         {"1.0.ip6.arpa.", dnsmessage.TypePTR, missing, 0, ""},
		"an address as the name":  {"8.8.8.8.", dnsmessage.TypeA, missing, 0, "8.8.8.8"},
		"a service of an allowed": {"_imap._tcp.a.example.org.", dnsmessage.TypeSRV, ok, 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			got := c.ask(row.query, row.kind)
			if got.RCode != row.code || len(got.Answers) != row.answers || got.ID != 7 || !got.Response {
				t.Errorf("got %v", got)
			}
			if row.refusal == "" {
				return
			}
			c.until("the refusal", func() bool {
				for _, r := range c.refusals {
					if r.Target == row.refusal {
						return r.Operation == "resolve" && r.Mechanism == MechanismDNS && r.Rule != "" && r.Class == policy.ClassNet
					}
				}
				return false
			})
		})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.refusals) != 9 {
		t.Errorf("%d refusals, want 9: %+v", len(c.refusals), c.refusals)
	}
}

// The same name keeps its address, whatever the spelling; the address leads
// back to the name.
func TestLookupIsStable(t *testing.T) {
	c := newCage(t, Options{Policy: compiled(t, policy.Network{AllowedDomains: []string{"*.example.com"}})}, "")
	address := func(name string) netip.Addr {
		return netip.AddrFrom4(c.ask(name, dnsmessage.TypeA).Answers[0].Body.(*dnsmessage.AResource).A)
	}
	one, again, other := address("a.example.com."), address("A.EXAMPLE.com."), address("b.example.com.")
	if one != again || one == other || !standsForName(one) {
		t.Errorf("addresses %v, %v, %v", one, again, other)
	}
	octets := one.As4()
	reversed := netip.AddrFrom4([4]byte{octets[3], octets[2], octets[1], octets[0]}).String() + ".in-addr.arpa."
	pointer := c.ask(reversed, dnsmessage.TypePTR)
	if len(pointer.Answers) != 1 || pointer.Answers[0].Body.(*dnsmessage.PTRResource).PTR.String() != "a.example.com." {
		t.Errorf("reverse look-up: %v", pointer)
	}
}

// Without outbound every name is refused, and the refusal names what switched
// the network off.
func TestLookupWithoutOutbound(t *testing.T) {
	no := false
	c := newCage(t, Options{Policy: compiled(t, policy.Network{AllowOutbound: &no, AllowedDomains: []string{"example.com"}})}, "")
	if got := c.ask("example.com.", dnsmessage.TypeA); got.RCode != dnsmessage.RCodeNameError {
		t.Errorf("got %v", got)
	}
	c.until("the refusal", func() bool { return len(c.refusals) == 1 && c.refusals[0].Rule == "allow_outbound: false" })
}

// A resolver's four queries for one look-up are one refusal with its process;
// another process's look-up is another.
func TestRepeatedQueriesAreOneRefusal(t *testing.T) {
	pid := make(chan int, 1)
	pid <- 41
	c := newCage(t, Options{
		Policy: compiled(t, policy.Network{AllowedDomains: []string{"example.com"}}),
		Identify: func(netip.AddrPort, bool) (int, string, string) {
			id := <-pid
			pid <- id
			return id, "/usr/bin/curl", "curl denied.test"
		},
	}, "")
	for range 2 {
		c.ask("denied.test.", dnsmessage.TypeA)
		c.ask("denied.test.", dnsmessage.TypeAAAA)
	}
	<-pid
	pid <- 42
	c.ask("denied.test.", dnsmessage.TypeA)
	c.until("two refusals", func() bool { return len(c.refusals) == 2 })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refusals[0].PID != 41 || c.refusals[1].PID != 42 || c.refusals[0].Program != "/usr/bin/curl" {
		t.Errorf("refusals %+v", c.refusals)
	}
}

// What is not a query gets no answer and stops nothing.
func TestMalformedQueriesAreDropped(t *testing.T) {
	c := newCage(t, Options{Policy: compiled(t, policy.Network{AllowedDomains: []string{"example.com"}})}, "")
	conn, err := net.Dial("udp", c.dns)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, packet := range brokenQueries(t) {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	if got := c.ask("example.com.", dnsmessage.TypeA); len(got.Answers) != 1 {
		t.Errorf("after broken packets: %v", got)
	}
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 512)); err == nil {
		t.Errorf("a broken packet got an answer of %d bytes", n)
	}
}

func brokenQueries(tb testing.TB) [][]byte {
	tb.Helper()
	good := queryFor(tb, "example.com.", dnsmessage.TypeA)
	response := append([]byte(nil), good...)
	response[2] |= 0x80
	two := append([]byte(nil), good...)
	two[5] = 2
	loop := append(append([]byte(nil), good[:12]...), 0xC0, 0x0C, 0, 1, 0, 1)
	return [][]byte{nil, {0}, good[:11], good[:len(good)-1], response, two, loop}
}

// Queries over a stream get the same answers; a stream that sends nonsense is
// closed.
func TestLookupOverStream(t *testing.T) {
	c := newCage(t, Options{Policy: compiled(t, policy.Network{AllowedDomains: []string{"example.com"}})}, "")
	conn, err := net.Dial("tcp", c.stream)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name string
		code dnsmessage.RCode
	}{{"example.com.", dnsmessage.RCodeSuccess}, {"denied.test.", dnsmessage.RCodeNameError}} {
		message := queryFor(t, row.name, dnsmessage.TypeA)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(message))), message...)); err != nil {
			t.Fatal(err)
		}
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			t.Fatal(err)
		}
		body := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(conn, body); err != nil {
			t.Fatal(err)
		}
		var answer dnsmessage.Message
		if err := answer.Unpack(body); err != nil || answer.RCode != row.code {
			t.Errorf("%s: %v %v", row.name, answer, err)
		}
	}
	if _, err := conn.Write([]byte{0xFF, 0xFF, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Error("a query of 64 KiB was waited for")
	}
}

// The table of names is bounded, and an address is not soon another name's.
func TestNamesAreBounded(t *testing.T) {
	n := newNames(3)
	first := n.address("0.test")
	for i := range 20 {
		n.address(string(rune('a'+i)) + ".test")
		if i%2 == 0 {
			n.address("kept.test")
		}
	}
	if len(n.byName) != 3 || len(n.byAddr) != 3 || n.recent.Len() != 3 {
		t.Errorf("%d names, %d addresses", len(n.byName), len(n.byAddr))
	}
	if name, ok := n.name(first); ok {
		t.Errorf("the address of a name that is gone leads to %s", name)
	}
	n.next = addressCount - 1
	last, wrapped := n.address("last.test"), n.address("wrapped.test")
	if last != netip.MustParseAddr("198.19.255.253") || wrapped != netip.MustParseAddr("198.18.0.1") {
		t.Errorf("addresses at the end of the range: %v, %v", last, wrapped)
	}
}

func FuzzQuery(f *testing.F) {
	for _, packet := range brokenQueries(f) {
		f.Add(packet)
	}
	f.Add(queryFor(f, "example.com.", dnsmessage.TypeA))
	f.Add(queryFor(f, "8.8.8.8.in-addr.arpa.", dnsmessage.TypePTR))
	e := New(Options{Policy: compiled(f, policy.Network{AllowedDomains: []string{"example.com"}})})
	f.Fuzz(func(t *testing.T, message []byte) {
		asked, err := parseQuery(message)
		if err != nil {
			return
		}
		found, refusal := e.resolve(asked)
		answer, err := found.build(asked)
		if err != nil {
			return
		}
		var read dnsmessage.Message
		if err := read.Unpack(answer); err != nil {
			t.Fatalf("our own answer cannot be read: %v", err)
		}
		if read.ID != asked.id || !read.Response || len(answer) > 1024 {
			t.Fatalf("answer %v of %d bytes", read, len(answer))
		}
		if refusal != nil && (len(read.Answers) != 0 || strings.ContainsFunc(refusal.Target, unprintable)) {
			t.Fatalf("refusal %+v with %v", refusal, read)
		}
		if len(read.Answers) > 0 && refusal == nil {
			host, ok := hostName(asked.question.Name.String())
			if !ok || host != "example.com" && host != "localhost" && !strings.HasSuffix(host, ".localhost") && !strings.HasSuffix(host, ".in-addr.arpa") {
				t.Fatalf("%q was answered", host)
			}
		}
	})
}

func unprintable(r rune) bool { return r < ' ' || r > '~' && r != '…' }
