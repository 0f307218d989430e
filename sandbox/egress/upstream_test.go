package egress

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"openclaw/sandbox/policy"
)

// upstream is a name server as the machine's resolver asks it. It counts what
// it is asked and answers from records, one answer after the other.
type upstream struct {
	address string

	mu      sync.Mutex
	asked   []string
	records map[string][][]string // of a name: the answers, each a list of addresses or "CNAME name"
}

func newUpstream(t *testing.T, records map[string][][]string) *upstream {
	t.Helper()
	u := &upstream{records: records}
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.address = conn.LocalAddr().String()
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			if answer := u.answer(buffer[:n]); answer != nil {
				_, _ = conn.WriteTo(answer, from)
			}
		}
	})
	t.Cleanup(func() { _ = conn.Close(); serving.Wait() })
	return u
}

func (u *upstream) answer(message []byte) []byte {
	asked, err := parseQuery(message)
	if err != nil {
		return nil
	}
	name := strings.TrimSuffix(strings.ToLower(asked.question.Name.String()), ".")
	reply := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: asked.id, Response: true, RecursionDesired: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{asked.question},
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.asked = append(u.asked, name+" "+strings.TrimPrefix(asked.question.Type.String(), "Type"))
	answers := u.records[name]
	if len(answers) == 0 {
		reply.RCode = dnsmessage.RCodeNameError
	} else if asked.question.Type == dnsmessage.TypeA {
		for _, record := range answers[0] {
			reply.Answers = append(reply.Answers, u.record(asked.question.Name, record)...)
		}
		if len(answers) > 1 {
			u.records[name] = answers[1:]
		}
	}
	packed, err := reply.Pack()
	if err != nil {
		return nil
	}
	return packed
}

// record is one record with a time to live of 0, and what a CNAME leads to.
func (u *upstream) record(name dnsmessage.Name, written string) []dnsmessage.Resource {
	header := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 0}
	target, alias := strings.CutPrefix(written, "CNAME ")
	if !alias {
		return []dnsmessage.Resource{{Header: header, Body: &dnsmessage.AResource{A: netip.MustParseAddr(written).As4()}}}
	}
	next := dnsmessage.MustNewName(target + ".")
	list := []dnsmessage.Resource{{Header: header, Body: &dnsmessage.CNAMEResource{CNAME: next}}}
	for _, record := range u.records[target][0] {
		list = append(list, u.record(next, record)...)
	}
	return list
}

func (u *upstream) questions() []string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.asked)
}

// lookup is the machine's resolver, with this server.
func (u *upstream) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", u.address)
	}}
	return resolver.LookupNetIP(ctx, "ip", host+".")
}

// No query leaves for a name that is refused, nor for any other type than a
// connection needs, nor before there is a connection: whatever a program puts
// into names stays here.
func TestNothingIsForwarded(t *testing.T) {
	u := newUpstream(t, map[string][][]string{"good.example": {{"93.184.216.34"}}})
	server, _ := echo(t)
	c := newCage(t, Options{Policy: allowing(t, "good.example", "*.wild.example"), Lookup: u.lookup}, server)
	const anything = dnsmessage.Type(255)
	for _, kind := range []dnsmessage.Type{
		dnsmessage.TypeA, dnsmessage.TypeAAAA, dnsmessage.TypeTXT, dnsmessage.TypeMX, dnsmessage.TypeNS, dnsmessage.TypeSRV, dnsmessage.TypePTR,
		dnsmessage.TypeCNAME, dnsmessage.TypeSOA, dnsmessage.TypeHTTPS, dnsmessage.TypeSVCB, anything, 65400,
	} {
		for _, name := range []string{"c2VjcmV0.evil.example.", "good.example.", "c2VjcmV0.wild.example.", "1.2.3.4.in-addr.arpa.", "wild.example."} {
			got := c.ask(name, kind)
			if kind != dnsmessage.TypeA && len(got.Answers) != 0 {
				t.Errorf("%s %v: %v", name, kind, got.Answers)
			}
		}
	}
	if asked := u.questions(); len(asked) != 0 {
		t.Fatalf("look-ups left: %q", asked)
	}
	conn := c.dialName("good.example.", "7000")
	if _, err := conn.Write([]byte("1")); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	for _, question := range u.questions() {
		if question != "good.example A" && question != "good.example AAAA" {
			t.Errorf("asked %q", question)
		}
	}
	wantReset(t, c.dial("93.184.216.34:7000")) // an address that was only resolved is still not listed
}

// What a name leads to is judged at each connection, over aliases too, and
// answers that live for no time are not asked for twice.
func TestResolvedAddresses(t *testing.T) {
	for name, row := range map[string]struct {
		answers [][]string
		dialled []string // of two connections
		refused string
	}{
		"rebinding":                {[][]string{{"93.184.216.34"}, {"127.0.0.1"}}, []string{"93.184.216.34:7000"}, "loopback"},
		"rebinding the other way":  {[][]string{{"169.254.169.254"}, {"93.184.216.34"}}, []string{"93.184.216.34:7000"}, "metadata"},
		"one of several":           {[][]string{{"10.0.0.1", "93.184.216.34"}, {"93.184.216.34", "10.0.0.1"}}, []string{"93.184.216.34:7000", "93.184.216.34:7000"}, ""},
		"alias to a private one":   {[][]string{{"CNAME inner.example"}}, nil, "private"},
		"alias to a refused name":  {[][]string{{"CNAME cdn.test"}}, []string{"93.184.216.35:7000", "93.184.216.35:7000"}, ""},
		"chain to a blocked range": {[][]string{{"CNAME chain.test"}}, nil, "blocked_ips"},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, map[string][][]string{
				"good.example": row.answers, "inner.example": {{"192.168.1.1"}}, "cdn.test": {{"93.184.216.35"}},
				"chain.test": {{"CNAME end.test"}}, "end.test": {{"142.250.1.1"}},
			})
			server, _ := echo(t)
			c := newCage(t, Options{
				Policy: compiled(t, policy.Network{AllowedDomains: []string{"good.example"}, BlockedIPs: []string{"142.250.0.0/16"}}),
				Lookup: u.lookup,
			}, server)
			reached := 0
			for range 2 {
				conn := c.dialName("good.example.", "7000")
				if _, err := conn.Write([]byte("1")); err != nil {
					continue
				}
				if _, err := conn.Read(make([]byte, 1)); err == nil {
					reached++
				}
			}
			c.wantDialled(row.dialled...)
			if reached != len(row.dialled) {
				t.Errorf("%d of %d connections", reached, len(row.dialled))
			}
			if row.refused != "" {
				c.wantRefusal("good.example:7000", row.refused)
			}
			for _, question := range u.questions() {
				if !strings.HasPrefix(question, "good.example ") {
					t.Errorf("asked %q", question)
				}
			}
		})
	}
}

// A query is answered in the spelling that it was asked in, whatever options it
// carries; one that is too long for any name is not.
func TestOddQueries(t *testing.T) {
	c := newCage(t, Options{Policy: allowing(t, "good.example")}, "")
	if got := c.ask("gOOd.EXAmple.", dnsmessage.TypeA); len(got.Answers) != 1 || got.Questions[0].Name.String() != "gOOd.EXAmple." ||
		got.Answers[0].Header.Name.String() != "gOOd.EXAmple." {
		t.Errorf("got %v", got)
	}
	options := queryFor(t, "good.example.", dnsmessage.TypeA)
	options[11] = 1 // one additional record: EDNS (RFC 6891), with an option of 1,000 bytes
	options = append(options, 0, 0, 41, 0x10, 0, 0, 0, 0, 0)
	options = binary.BigEndian.AppendUint16(options, 1004)
	options = append(append(options, 0, 10, 0x03, 0xe8), make([]byte, 1000)...)
	oversized := append(slices.Clone(options), make([]byte, maxPacket)...)
	for name, row := range map[string]struct {
		message []byte
		answers int
	}{"options": {options, 1}, "oversized": {oversized, 1}, "half a name": {options[:20], 0}} {
		got := ask(t, c.dns, row.message)
		if row.answers == 0 && got != nil || row.answers != 0 && (got == nil || len(got.Answers) != row.answers) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// ask sends a packet, and a query behind it; it returns what the packet got.
func ask(t *testing.T, address string, message []byte) *dnsmessage.Message {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	for _, packet := range [][]byte{message, func() []byte {
		last := queryFor(t, "good.example.", dnsmessage.TypeA)
		last[0] = 0xff
		return last
	}()} {
		if _, err := conn.Write(packet); err != nil {
			t.Fatal(err)
		}
	}
	var first *dnsmessage.Message
	buffer := make([]byte, 4096)
	for {
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		var got dnsmessage.Message
		if err := got.Unpack(buffer[:n]); err != nil {
			t.Fatal(err)
		}
		if got.ID>>8 == 0xff {
			return first
		}
		first = &got
	}
}
