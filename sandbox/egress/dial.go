package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// otherFamilyAfter is how long the addresses of one family have for themselves
// (RFC 8305, section 5). A machine whose IPv6 leads nowhere is a common one; programs
// there do without, and here they see no second family that they could try.
const otherFamilyAfter = 250 * time.Millisecond

// dialled is a connection to a server, or why there is none.
type dialled struct {
	server  net.Conn
	address netip.Addr
	err     error
}

// dialFirst opens a connection to one of addresses, all of which were judged: in their
// order, and from when the first family is slow or has failed, also to those of the
// other one. At most two are tried at once.
func (e *Egress) dialFirst(ctx context.Context, addresses []netip.Addr, port uint16) dialled {
	first, other := families(addresses)
	if len(other) == 0 {
		return e.dialEach(ctx, first, port)
	}
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialled)
	dial := func(list []netip.Addr) { results <- e.dialEach(ctx, list, port) }
	waiting := 1
	go dial(first)
	late := func() {
		if other != nil {
			waiting++
			go dial(other)
			other = nil
		}
	}
	timer := time.NewTimer(otherFamilyAfter)
	defer timer.Stop()
	var found dialled
	for found.server == nil && waiting > 0 {
		select {
		case <-timer.C:
			late()
		case result := <-results:
			waiting--
			if found.err == nil || result.server != nil {
				found = result
			}
			if found.server == nil {
				late()
			}
		}
	}
	cancel()
	for ; waiting > 0; waiting-- {
		if loser := <-results; loser.server != nil {
			reset(loser.server)
		}
	}
	return found
}

// families parts addresses: those of the first one's family, and the others.
func families(addresses []netip.Addr) (first, other []netip.Addr) {
	for _, address := range addresses {
		if address.Is4() == addresses[0].Is4() {
			first = append(first, address)
		} else {
			other = append(other, address)
		}
	}
	return first, other
}

// dialEach tries one address after the other.
func (e *Egress) dialEach(ctx context.Context, addresses []netip.Addr, port uint16) dialled {
	var last error
	for _, address := range addresses {
		server, err := e.dial(ctx, address, port)
		if err == nil {
			return dialled{server: server, address: address}
		}
		if last = err; ctx.Err() != nil {
			break
		}
	}
	return dialled{err: errors.New("dial: " + last.Error())}
}

func (e *Egress) dial(ctx context.Context, address netip.Addr, port uint16) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	network := "tcp4"
	if address.Is6() {
		network = "tcp6"
	}
	return e.o.Dial(ctx, network, netip.AddrPortFrom(address, port).String())
}
