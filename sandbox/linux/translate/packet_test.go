package translate

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
)

// made is a packet as a kernel makes it, with whole checksums.
func made(protocol byte, src, dst string, flags byte, payload []byte, partial bool) []byte {
	from, to := netip.MustParseAddrPort(src), netip.MustParseAddrPort(dst)
	size := headerTCP
	if protocol == protocolUDP {
		size = headerUDP
	}
	header := headerIPv4
	if from.Addr().Is6() {
		header = headerIPv6
	}
	out := make([]byte, header+size, header+size+len(payload))
	out = append(out, payload...)
	transport := out[header:]
	if header == headerIPv6 {
		out[0], out[6], out[7] = 0x60, protocol, 64
		binary.BigEndian.PutUint16(out[4:], uint16(len(transport)))
		copy(out[8:], from.Addr().AsSlice())
		copy(out[24:], to.Addr().AsSlice())
	} else {
		out[0], out[8], out[9] = 0x45, 64, protocol
		binary.BigEndian.PutUint16(out[2:], uint16(len(out)))
		copy(out[12:], from.Addr().AsSlice())
		copy(out[16:], to.Addr().AsSlice())
	}
	binary.BigEndian.PutUint16(transport, from.Port())
	binary.BigEndian.PutUint16(transport[2:], to.Port())
	field := transport[6:8]
	if protocol == protocolUDP {
		binary.BigEndian.PutUint16(transport[4:], uint16(len(transport)))
	} else {
		transport[12], transport[13] = headerTCP/4<<4, flags
		field = transport[16:18]
	}
	p := packet{whole: out, ipv6: header == headerIPv6, protocol: protocol, transport: transport}
	if partial {
		binary.BigEndian.PutUint16(field, fold(p.pseudoHeader(0)))
	} else {
		binary.BigEndian.PutUint16(field, ^fold(p.pseudoHeader(sum(0, transport))))
	}
	if !p.ipv6 {
		p.headerChecksum()
	}
	return out
}

// wantSound expects what a receiver checks: every checksum adds up.
func wantSound(t *testing.T, data []byte, partial bool) packet {
	t.Helper()
	p, ok := parse(data)
	if !ok {
		t.Fatalf("our own packet cannot be read: %x", data)
	}
	if partial {
		if got, want := binary.BigEndian.Uint16(p.checksum), fold(p.pseudoHeader(0)); got != want && got+want != 0xffff {
			t.Errorf("the sum left to the device is %04x, want %04x", got, want)
		}
	} else if total := fold(p.pseudoHeader(sum(0, p.transport))); total != 0xffff {
		t.Errorf("transport checksum adds up to %04x", total)
	}
	if !p.ipv6 {
		if total := fold(sum(0, data[:len(data)-len(p.transport)])); total != 0xffff {
			t.Errorf("header checksum adds up to %04x", total)
		}
	}
	return p
}

// A rewritten packet has the new addresses, its bytes and checksums that add
// up, whatever the payload, the family and who makes the checksum.
func TestRewrite(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, family := range [][2]string{{"198.19.255.254:40000", "93.184.216.34:443"}, {"[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:443"}} {
		for _, protocol := range []byte{protocolTCP, protocolUDP} {
			for _, partial := range []bool{false, true} {
				for range 500 {
					payload := make([]byte, random.IntN(80))
					for i := range payload {
						payload[i] = byte(random.Uint32())
					}
					data := made(protocol, family[0], family[1], flagACK, payload, partial)
					p := wantSound(t, data, partial)
					to := netip.AddrPortFrom(randomAddress(random, p.ipv6), uint16(random.Uint32()))
					from := netip.AddrPortFrom(randomAddress(random, p.ipv6), uint16(random.Uint32()))
					p.rewrite(from, to, partial)
					got := wantSound(t, data, partial)
					if got.src != from || got.dst != to || !slices.Equal(payload, data[len(data)-len(payload):]) {
						t.Fatalf("rewritten to %v %v", got.src, got.dst)
					}
				}
			}
		}
	}
}

func randomAddress(random *rand.Rand, ipv6 bool) netip.Addr {
	var bytes [16]byte
	for i := range bytes {
		bytes[i] = byte(random.Uint32())
	}
	if ipv6 {
		bytes[0] = 0x20
		return netip.AddrFrom16(bytes)
	}
	return netip.AddrFrom4([4]byte(bytes[:4]))
}

// A datagram without a checksum stays without one.
func TestNoChecksumStaysNone(t *testing.T) {
	data := made(protocolUDP, "198.19.255.254:40000", "9.9.9.9:53", 0, []byte("query"), false)
	p, _ := parse(data)
	p.checksum[0], p.checksum[1] = 0, 0
	p.rewrite(netip.MustParseAddrPort("198.19.255.255:1024"), netip.MustParseAddrPort("198.19.255.254:53"), false)
	if p.checksum[0] != 0 || p.checksum[1] != 0 {
		t.Error("a checksum appeared")
	}
}

// What is not a whole TCP or UDP packet is not taken.
func TestParseRefuses(t *testing.T) {
	tcp := made(protocolTCP, "198.19.255.254:40000", "9.9.9.9:80", flagSYN, nil, false)
	six := made(protocolTCP, "[fd6f:70e6:c1a3::1]:40000", "[2606:4700::1111]:443", flagSYN, nil, false)
	change := func(data []byte, at int, value byte) []byte {
		data = slices.Clone(data)
		data[at] = value
		return data
	}
	for name, data := range map[string][]byte{
		"nothing":                 nil,
		"too short":               tcp[:19],
		"cut":                     tcp[:len(tcp)-1],
		"longer than it says":     append(slices.Clone(tcp), 0),
		"another version":         change(tcp, 0, 0x55),
		"short header":            change(tcp, 0, 0x44),
		"header past the end":     change(tcp, 0, 0x4f),
		"more fragments":          change(tcp, 6, 0x20),
		"a fragment's offset":     change(tcp, 7, 1),
		"ICMP":                    change(tcp, 9, 1),
		"TCP offset too small":    change(tcp, headerIPv4+12, 4<<4),
		"TCP offset past the end": change(tcp, headerIPv4+12, 15<<4),
		"short IPv6":              six[:39],
		"cut IPv6":                six[:len(six)-1],
		"IPv6 extension":          change(six, 6, 43),
		"UDP without its header":  change(made(protocolUDP, "198.19.255.254:40000", "9.9.9.9:53", 0, nil, false)[:headerIPv4+7], 3, headerIPv4+7),
	} {
		if _, ok := parse(data); ok {
			t.Errorf("%s was taken", name)
		}
	}
}
