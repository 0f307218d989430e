package translate

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

const testListener = 45678

// tester is a Translator with a clock of its own.
type tester struct {
	*Translator
	t     *testing.T
	clock time.Time
}

func newTester(t *testing.T) *tester {
	t.Helper()
	c := &tester{Translator: New(testListener), t: t, clock: time.Unix(1_700_000_000, 0)}
	c.now = func() time.Time { return c.clock }
	return c
}

// pass gives a packet to the Translator and returns what goes back.
func (c *tester) pass(data []byte) (packet, bool) {
	c.t.Helper()
	out, _ := c.translate(data, false)
	if out == nil {
		return packet{}, false
	}
	return wantSound(c.t, out, false), true
}

func (c *tester) tcp(src, dst string, flags byte) (packet, bool) {
	c.t.Helper()
	return c.pass(made(protocolTCP, src, dst, flags, nil, false))
}

func (c *tester) wantPassed(src, dst string, flags byte) packet {
	c.t.Helper()
	p, ok := c.tcp(src, dst, flags)
	if !ok || p.flags() != flags {
		c.t.Fatalf("%s to %s was not passed: %v %v", src, dst, ok, p.flags())
	}
	return p
}

func (c *tester) wantReset(src, dst string, flags byte) {
	c.t.Helper()
	p, ok := c.tcp(src, dst, flags)
	if !ok || p.flags()&flagRST == 0 || p.src.String() != dst || p.dst.String() != src {
		c.t.Errorf("%s to %s was not reset: %v %v to %v", src, dst, ok, p.src, p.dst)
	}
}

const (
	program = "198.19.255.254:40000"
	server  = "93.184.216.34:443"
)

// A connection arrives at the listener from an address that stands for it,
// and its answers reach the program as the server's.
func TestConnectionThereAndBack(t *testing.T) {
	for _, row := range [][3]string{
		{program, server, "198.19.255.254:45678"},
		{program, "9.9.9.9:53", "198.19.255.254:53"},
		{"[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:443", "[fd6f:70e6:c1a3::1]:45678"},
		{"[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:53", "[fd6f:70e6:c1a3::1]:45678"},
	} {
		c := newTester(t)
		opening := c.wantPassed(row[0], row[1], flagSYN)
		if opening.dst.String() != row[2] {
			t.Errorf("%s arrived at %s", row[1], opening.dst)
		}
		destination, err := c.Destination(opening.src)
		if err != nil || destination.String() != row[1] {
			t.Errorf("destination %v, %v", destination, err)
		}
		if source := c.Source(opening.src, false); source.String() != row[0] {
			t.Errorf("source %v", source)
		}
		answer := c.wantPassed(opening.dst.String(), opening.src.String(), flagSYN|flagACK)
		if answer.src.String() != row[1] || answer.dst.String() != row[0] {
			t.Errorf("the answer went from %s to %s", answer.src, answer.dst)
		}
		if again := c.wantPassed(row[0], row[1], flagACK); again.src != opening.src {
			t.Errorf("one connection has two addresses: %v, %v", again.src, opening.src)
		}
	}
}

// Queries to any server reach the resolver, and its answers come from the
// server that was asked; no other datagram goes anywhere.
func TestDatagrams(t *testing.T) {
	c := newTester(t)
	query, ok := c.pass(made(protocolUDP, program, "8.8.8.8:53", 0, []byte("query"), false))
	if !ok || query.dst.String() != "198.19.255.254:53" || c.Source(query.src, true).String() != program {
		t.Fatalf("query %v to %v", query.src, query.dst)
	}
	answer, ok := c.pass(made(protocolUDP, "198.19.255.254:53", query.src.String(), 0, []byte("answer"), false))
	if !ok || answer.src.String() != "8.8.8.8:53" || answer.dst.String() != program {
		t.Errorf("answer %v to %v", answer.src, answer.dst)
	}
	for _, refused := range [][2]string{
		{program, "8.8.8.8:443"}, {program, "198.19.255.255:53000"}, {"198.19.255.254:5353", query.src.String()},
		{"198.19.255.253:40000", "8.8.8.8:53"}, {"[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:53"},
	} {
		if p, ok := c.pass(made(protocolUDP, refused[0], refused[1], 0, nil, false)); ok {
			t.Errorf("%s to %s went from %v to %v", refused[0], refused[1], p.src, p.dst)
		}
	}
}

// A segment of no connection is reset, one that claims to be the listener's
// too; a reset never is, or two ends would go on for ever.
func TestStraySegments(t *testing.T) {
	c := newTester(t)
	opening := c.wantPassed(program, server, flagSYN)
	c.wantReset(program, "93.184.216.34:444", flagACK)
	c.wantReset("198.19.255.254:40001", server, flagACK)
	c.wantReset("198.19.255.254:45678", "198.19.255.255:9999", flagACK)
	c.wantReset("198.19.255.254:40002", opening.src.String(), flagSYN)
	for _, stray := range []string{"93.184.216.34:444", "198.19.255.255:9999"} {
		if _, ok := c.tcp(program, stray, flagRST); ok {
			t.Error("a reset was answered")
		}
	}
	if _, ok := c.tcp("10.0.0.1:40000", server, flagSYN); ok {
		t.Error("a packet of another address was taken")
	}
}

// A reset to a segment without an acknowledgment acknowledges all of it.
func TestResetAcknowledges(t *testing.T) {
	c := newTester(t)
	data := made(protocolTCP, program, server, flagFIN, []byte("data"), false)
	binary.BigEndian.PutUint32(data[headerIPv4+4:], 1000)
	out, whole := c.translate(data, true)
	if !whole {
		t.Fatal("no reset")
	}
	p := wantSound(t, out, false)
	if got := binary.BigEndian.Uint32(p.transport[8:]); p.flags() != flagRST|flagACK || got != 1005 {
		t.Errorf("flags %v, acknowledged %d", p.flags(), got)
	}
}

// A port that is used again for the same server is a new connection with a new
// address; the same opening sent twice is one.
func TestSamePortsAgain(t *testing.T) {
	c := newTester(t)
	first := c.wantPassed(program, server, flagSYN)
	if twice := c.wantPassed(program, server, flagSYN); twice.src != first.src {
		t.Errorf("an opening that was sent twice is two connections")
	}
	c.wantPassed("198.19.255.254:45678", first.src.String(), flagSYN|flagACK)
	second := c.wantPassed(program, server, flagSYN)
	if second.src == first.src {
		t.Error("a new connection has the old one's address")
	}
	c.wantReset("198.19.255.254:45678", first.src.String(), flagACK)
}

// Connections are forgotten when they are over, each in its time; those that
// are not stay.
func TestForgetting(t *testing.T) {
	c := newTester(t)
	open := func(port int) packet {
		return c.wantPassed(fmt.Sprintf("198.19.255.254:%d", port), server, flagSYN)
	}
	answer := func(p packet, flags byte) {
		c.wantPassed("198.19.255.254:45678", p.src.String(), flags)
	}
	waiting, silent, ended, cut := open(1), open(2), open(3), open(4)
	for _, p := range []packet{silent, ended, cut} {
		answer(p, flagSYN|flagACK)
	}
	answer(ended, flagFIN|flagACK)
	c.wantPassed("198.19.255.254:3", server, flagFIN|flagACK)
	answer(cut, flagRST)
	known := func(p packet) bool { _, err := c.Destination(p.src); return err == nil }
	for _, step := range []struct {
		after                          time.Duration
		waiting, silent, ended, cutOff bool
	}{
		{forgetReset + time.Second, true, true, true, false},
		{forgetClosed, true, true, false, false},
		{forgetOpening, false, true, false, false},
		{forgetSilent, false, false, false, false},
	} {
		c.clock = c.clock.Add(step.after)
		open(1000 + int(step.after.Seconds())) // a new one sweeps
		if known(waiting) != step.waiting || known(silent) != step.silent || known(ended) != step.ended || known(cut) != step.cutOff {
			t.Errorf("after %v: %v %v %v %v", step.after, known(waiting), known(silent), known(ended), known(cut))
		}
	}
}

// The tables are bounded: a connection past the limit is reset and those
// before it stay; the oldest query makes room.
func TestTablesAreBounded(t *testing.T) {
	c := newTester(t)
	first := c.wantPassed(program, server, flagSYN)
	address := func(i int) string { return fmt.Sprintf("93.184.%d.%d:443", i/250, i%250) }
	for i := range tcpFlows - 1 {
		c.wantPassed("198.19.255.254:40001", address(i), flagSYN)
	}
	c.wantReset("198.19.255.254:40001", address(tcpFlows), flagSYN)
	if _, err := c.Destination(first.src); err != nil {
		t.Error(err)
	}
	var oldest packet
	for i := range udpPorts + 1 {
		query, ok := c.pass(made(protocolUDP, fmt.Sprintf("198.19.255.254:%d", 1024+i), "8.8.8.8:53", 0, nil, false))
		if !ok {
			t.Fatal("a query was dropped")
		}
		if i == 0 {
			oldest = query
		}
	}
	if len(c.udp4.byFlow) != udpPorts || len(c.udp4.byPort) != udpPorts || len(c.tcp4.byFlow) != tcpFlows || len(c.tcp4.byPort) != tcpFlows {
		t.Errorf("%d queries, %d connections", len(c.udp4.byFlow), len(c.tcp4.byFlow))
	}
	if got := c.Source(oldest.src, true); got.Port() == 1024 {
		t.Errorf("the oldest query is still known as %v", got)
	}
	if other := netip.MustParseAddrPort("127.0.0.1:9"); c.Source(other, false) != other {
		t.Error("an address that the device did not make was changed")
	}
}

// Nothing that a program sends gets past the listeners: whatever comes out is
// for the cage itself, and sound.
func FuzzTranslate(f *testing.F) {
	f.Add(made(protocolTCP, program, server, flagSYN, nil, false), false)
	f.Add(made(protocolUDP, program, "8.8.8.8:53", 0, []byte("query"), true), true)
	f.Add(made(protocolTCP, "198.19.255.254:45678", "198.19.255.255:1024", flagACK, []byte("data"), false), false)
	f.Add(made(protocolTCP, "[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:443", flagSYN, nil, false), false)
	f.Add([]byte{0x45}, false)
	f.Fuzz(func(t *testing.T, data []byte, partial bool) {
		c := New(testListener)
		c.translate(made(protocolTCP, program, server, flagSYN, nil, false), false)
		c.translate(made(protocolUDP, program, "8.8.8.8:53", 0, nil, false), false)
		out, whole := c.translate(data, partial)
		if out == nil {
			return
		}
		p, ok := parse(out)
		if !ok {
			t.Fatalf("%x became %x", data, out)
		}
		if own := p.dst.Addr(); own != c.own4 && own != c.own6 {
			t.Fatalf("a packet goes to %v", own)
		}
		if whole {
			wantSound(t, out, false)
		}
	})
}
