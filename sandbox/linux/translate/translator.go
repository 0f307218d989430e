package translate

import (
	"errors"
	"net/netip"
	"sync"
	"time"
)

// The addresses of a cage's device. Own4 and Own6 are the cage's; every
// connection that was given another address comes from Peer4 or Peer6. The
// IPv4 ones are the last two of the benchmark range (RFC 2544), whose other
// addresses stand for names; the IPv6 ones are of a unique local range of our
// own (RFC 4193).
const (
	Own4  = "198.19.255.254"
	Peer4 = "198.19.255.255"
	Own6  = "fd6f:70e6:c1a3::1"
	Peer6 = "fd6f:70e6:c1a3::2"
)

// MTU is the device's, in bytes: the largest packet that IP has, since none of
// them leaves the machine.
const MTU = 65535

const dnsPort = 53

// Limits of the table. Package egress carries 1024 connections at once; the
// rest is for those that have ended and are not forgotten yet.
const (
	firstPort  = 1024
	tcpPorts   = 60000
	tcpFlows   = 16384
	udpPorts   = 4096
	vnetHeader = 10 // struct virtio_net_hdr, which precedes each packet
)

// Translator gives the packets of one cage other addresses. Make it with New.
type Translator struct {
	listener    uint16 // port of the listener for connections
	own4, peer4 netip.Addr
	own6, peer6 netip.Addr
	now         func() time.Time
	mu          sync.Mutex
	tcp4, tcp6  *flows
	udp4        *flows
}

// New returns a Translator whose connections arrive at a listener at port,
// which listens at every address of the cage, as do the sockets for DNS.
func New(port uint16) *Translator {
	return &Translator{
		listener: port, now: time.Now,
		own4: netip.MustParseAddr(Own4), peer4: netip.MustParseAddr(Peer4),
		own6: netip.MustParseAddr(Own6), peer6: netip.MustParseAddr(Peer6),
		tcp4: newFlows(firstPort, tcpPorts, tcpFlows, false), tcp6: newFlows(firstPort, tcpPorts, tcpFlows, false),
		udp4: newFlows(firstPort, udpPorts, udpPorts, true),
	}
}

// translate changes a packet in place and returns what goes back into the
// device: data itself, a reset, or nil for nothing. partial is as in rewrite;
// a reset has a whole checksum.
func (t *Translator) translate(data []byte, partial bool) (out []byte, whole bool) {
	p, ok := parse(data)
	if !ok {
		return nil, false
	}
	table, own, peer := t.table(p), t.own4, t.peer4
	if p.ipv6 {
		own, peer = t.own6, t.peer6
	}
	if table == nil || p.src.Addr() != own {
		return nil, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	var e *entry
	answer := p.dst.Addr() == peer
	if answer {
		if e = table.byPort[p.dst.Port()]; e != nil && e.local != p.src.Port() {
			e = nil
		}
	} else {
		e = t.outward(table, p)
	}
	if e == nil {
		if p.protocol == protocolTCP && p.flags()&flagRST == 0 {
			return resetFor(p), true
		}
		return nil, false
	}
	e.seen = t.now()
	if p.protocol == protocolTCP {
		e.follow(p.flags(), answer)
	}
	if answer {
		p.rewrite(e.flow.dst, e.flow.src, partial)
	} else {
		p.rewrite(netip.AddrPortFrom(peer, e.port), netip.AddrPortFrom(own, e.local), partial)
	}
	return data, false
}

func (t *Translator) table(p packet) *flows {
	switch {
	case p.protocol == protocolTCP && p.ipv6:
		return t.tcp6
	case p.protocol == protocolTCP:
		return t.tcp4
	case p.protocol == protocolUDP && !p.ipv6:
		return t.udp4
	}
	return nil
}

// outward finds the entry of a packet from a program, or makes one for what
// opens a connection or asks a name server.
func (t *Translator) outward(table *flows, p packet) *entry {
	wanted := flow{p.src, p.dst}
	e := table.byFlow[wanted]
	if p.protocol == protocolUDP {
		if p.dst.Port() != dnsPort {
			return nil
		}
		if e == nil {
			e = table.add(wanted, dnsPort, t.now())
		}
		return e
	}
	if p.flags()&(flagSYN|flagACK|flagRST) != flagSYN {
		return e
	}
	if e != nil && !e.answered && !e.reset {
		return e // the same opening once more
	}
	if e != nil {
		table.drop(e)
	}
	local := t.listener
	if p.dst.Port() == dnsPort && !p.ipv6 {
		local = dnsPort
	}
	return table.add(wanted, local, t.now())
}

// follow notes what a segment says of the connection.
func (e *entry) follow(flags byte, answer bool) {
	side := 0
	if answer {
		side = 1
		e.answered = true
	}
	e.finished[side] = e.finished[side] || flags&flagFIN != 0
	e.reset = e.reset || flags&flagRST != 0
}

// Destination tells where the connection was going that arrived from remote.
func (t *Translator) Destination(remote netip.AddrPort) (netip.AddrPort, error) {
	found, ok := t.find(remote, false)
	if !ok {
		return netip.AddrPort{}, errors.New("find destination: the connection did not come through the device")
	}
	return found.dst, nil
}

// Source tells the program's own address of a connection, or of a datagram,
// that came from remote. What did not come through the device is as it was.
func (t *Translator) Source(remote netip.AddrPort, udp bool) netip.AddrPort {
	if found, ok := t.find(remote, udp); ok {
		return found.src
	}
	return remote
}

func (t *Translator) find(remote netip.AddrPort, udp bool) (flow, bool) {
	var table *flows
	switch address := remote.Addr().Unmap(); {
	case address == t.peer4 && udp:
		table = t.udp4
	case address == t.peer4:
		table = t.tcp4
	case address == t.peer6 && !udp:
		table = t.tcp6
	default:
		return flow{}, false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	e := table.byPort[remote.Port()]
	if e == nil {
		return flow{}, false
	}
	return e.flow, true
}
