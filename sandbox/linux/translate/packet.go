package translate

import (
	"encoding/binary"
	"net/netip"
)

// The parts of IP, TCP and UDP headers that are looked at (RFC 791, 8200,
// 9293, 768).
const (
	protocolTCP = 6
	protocolUDP = 17

	headerIPv4 = 20 // without options
	headerIPv6 = 40
	headerTCP  = 20
	headerUDP  = 8

	flagFIN = 1
	flagSYN = 2
	flagRST = 4
	flagACK = 16
)

// packet is one IP packet in place. Its slices are parts of the packet.
type packet struct {
	whole     []byte
	ipv6      bool
	protocol  byte
	transport []byte // header and payload
	checksum  []byte // of the transport header
	src, dst  netip.AddrPort
}

// parse reads the headers of data. It takes whole TCP and UDP packets only: no
// fragment, and no IPv6 extension header; the kernel of a cage makes neither
// for what is carried here.
func parse(data []byte) (packet, bool) {
	if len(data) < headerIPv4 {
		return packet{}, false
	}
	p := packet{whole: data}
	var src, dst netip.Addr
	switch data[0] >> 4 {
	case 4:
		header := int(data[0]&15) * 4
		total := int(binary.BigEndian.Uint16(data[2:]))
		fragment := binary.BigEndian.Uint16(data[6:]) & 0x3fff // more to come, or an offset
		if header < headerIPv4 || total != len(data) || header > total || fragment != 0 {
			return packet{}, false
		}
		p.protocol, p.transport = data[9], data[header:]
		src, dst = netip.AddrFrom4([4]byte(data[12:16])), netip.AddrFrom4([4]byte(data[16:20]))
	case 6:
		if len(data) < headerIPv6 || int(binary.BigEndian.Uint16(data[4:]))+headerIPv6 != len(data) {
			return packet{}, false
		}
		p.ipv6, p.protocol, p.transport = true, data[6], data[headerIPv6:]
		src, dst = netip.AddrFrom16([16]byte(data[8:24])), netip.AddrFrom16([16]byte(data[24:40]))
	default:
		return packet{}, false
	}
	switch {
	case p.protocol == protocolTCP && len(p.transport) >= headerTCP:
		if offset := int(p.transport[12]>>4) * 4; offset < headerTCP || offset > len(p.transport) {
			return packet{}, false
		}
		p.checksum = p.transport[16:18]
	case p.protocol == protocolUDP && len(p.transport) >= headerUDP:
		p.checksum = p.transport[6:8]
	default:
		return packet{}, false
	}
	p.src = netip.AddrPortFrom(src, binary.BigEndian.Uint16(p.transport))
	p.dst = netip.AddrPortFrom(dst, binary.BigEndian.Uint16(p.transport[2:]))
	return p, true
}

func (p *packet) flags() byte { return p.transport[13] }

// rewrite gives the packet other addresses of the same family. partial says
// that the sender left the checksum to the device: the field then holds the
// sum of the addresses and lengths alone, not inverted.
func (p *packet) rewrite(src, dst netip.AddrPort, partial bool) {
	addresses := p.whole[12:20]
	if p.ipv6 {
		addresses = p.whole[8:40]
	}
	ports := p.transport[:4]
	before := sum(0, addresses)
	if !partial {
		before = sum(before, ports)
	}
	if p.ipv6 {
		s, d := src.Addr().As16(), dst.Addr().As16()
		copy(addresses, s[:])
		copy(addresses[16:], d[:])
	} else {
		s, d := src.Addr().As4(), dst.Addr().As4()
		copy(addresses, s[:])
		copy(addresses[4:], d[:])
	}
	binary.BigEndian.PutUint16(ports, src.Port())
	binary.BigEndian.PutUint16(ports[2:], dst.Port())
	after := sum(0, addresses)
	if !partial {
		after = sum(after, ports)
	}
	p.src, p.dst = src, dst
	old := binary.BigEndian.Uint16(p.checksum)
	switch {
	case partial:
		binary.BigEndian.PutUint16(p.checksum, fold(uint64(old)+uint64(^fold(before))+after))
	case p.protocol == protocolUDP && old == 0: // sent without one (RFC 768)
	default:
		// RFC 1624: HC' = ~(~HC + ~m + m').
		updated := ^fold(uint64(^old) + uint64(^fold(before)) + after)
		if p.protocol == protocolUDP && updated == 0 {
			updated = 0xffff
		}
		binary.BigEndian.PutUint16(p.checksum, updated)
	}
	if !p.ipv6 {
		p.headerChecksum()
	}
}

// headerChecksum writes the checksum of an IPv4 header.
func (p *packet) headerChecksum() {
	header := p.whole[:len(p.whole)-len(p.transport)]
	header[10], header[11] = 0, 0
	binary.BigEndian.PutUint16(header[10:], ^fold(sum(0, header)))
}

// sum adds data in words of 16 bits (RFC 1071).
func sum(start uint64, data []byte) uint64 {
	for ; len(data) >= 2; data = data[2:] {
		start += uint64(binary.BigEndian.Uint16(data))
	}
	if len(data) == 1 {
		start += uint64(data[0]) << 8
	}
	return start
}

func fold(value uint64) uint16 {
	for value > 0xffff {
		value = value>>16 + value&0xffff
	}
	return uint16(value)
}

// resetFor makes the reset that answers a TCP segment of no connection (RFC
// 9293, section 3.10.7.1), with a whole checksum.
func resetFor(p packet) []byte {
	header := headerIPv4
	if p.ipv6 {
		header = headerIPv6
	}
	out := make([]byte, header+headerTCP)
	s, d := p.dst, p.src
	if p.ipv6 {
		out[0], out[6], out[7] = 0x60, protocolTCP, 64
		binary.BigEndian.PutUint16(out[4:], headerTCP)
		src, dst := s.Addr().As16(), d.Addr().As16()
		copy(out[8:], src[:])
		copy(out[24:], dst[:])
	} else {
		out[0], out[8], out[9] = 0x45, 64, protocolTCP
		binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
		src, dst := s.Addr().As4(), d.Addr().As4()
		copy(out[12:], src[:])
		copy(out[16:], dst[:])
	}
	tcp := out[header:]
	binary.BigEndian.PutUint16(tcp, s.Port())
	binary.BigEndian.PutUint16(tcp[2:], d.Port())
	tcp[12] = headerTCP / 4 << 4
	if flags := p.flags(); flags&flagACK != 0 {
		copy(tcp[4:8], p.transport[8:12]) // its acknowledgment is our sequence number
		tcp[13] = flagRST
	} else {
		length := uint32(len(p.transport) - int(p.transport[12]>>4)*4)
		for _, flag := range []byte{flagSYN, flagFIN} {
			if flags&flag != 0 {
				length++
			}
		}
		binary.BigEndian.PutUint32(tcp[8:], binary.BigEndian.Uint32(p.transport[4:])+length)
		tcp[13] = flagRST | flagACK
	}
	made := packet{whole: out, ipv6: p.ipv6, protocol: protocolTCP, transport: tcp}
	binary.BigEndian.PutUint16(tcp[16:], ^fold(made.pseudoHeader(sum(0, tcp))))
	if !p.ipv6 {
		made.headerChecksum()
	}
	return out
}

// pseudoHeader adds what a checksum covers beside the transport part.
func (p *packet) pseudoHeader(start uint64) uint64 {
	addresses := p.whole[12:20]
	if p.ipv6 {
		addresses = p.whole[8:40]
	}
	return sum(start, addresses) + uint64(p.protocol) + uint64(len(p.transport))
}
