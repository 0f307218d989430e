package translate

import (
	"net/netip"
	"time"
)

// flow is a connection or an exchange of datagrams, as the program sees it.
type flow struct{ src, dst netip.AddrPort }

// entry is a flow that has a port.
type entry struct {
	flow     flow
	port     uint16 // of the peer's address; it stands for the flow
	local    uint16 // where it arrives
	seen     time.Time
	answered bool
	finished [2]bool // a FIN from the program, and from the listener
	reset    bool
}

// Times after which an entry is forgotten. The kernel gives up an unanswered
// connection after 127 s (tcp_syn_retries 6) and a closed one after 60 s; a
// silent one is cut by package egress after two hours.
const (
	forgetOpening = 150 * time.Second
	forgetSilent  = 150 * time.Minute
	forgetClosed  = 70 * time.Second
	forgetReset   = 10 * time.Second
	sweepEvery    = 10 * time.Second
)

func (e *entry) over(now time.Time) bool {
	limit := forgetOpening
	switch {
	case e.reset:
		limit = forgetReset
	case e.finished[0] && e.finished[1]:
		limit = forgetClosed
	case e.answered:
		limit = forgetSilent
	}
	return now.Sub(e.seen) > limit
}

// flows is the table of one protocol. Ports are given out one after the other,
// so that one is not soon another's.
type flows struct {
	byFlow map[flow]*entry
	byPort map[uint16]*entry
	first  uint16
	count  int // of ports
	next   int
	limit  int  // of entries
	forget bool // the oldest makes room for the newest
	swept  time.Time
}

func newFlows(first uint16, count, limit int, forget bool) *flows {
	return &flows{
		byFlow: make(map[flow]*entry), byPort: make(map[uint16]*entry),
		first: first, count: count, limit: limit, forget: forget,
	}
}

func (f *flows) drop(e *entry) {
	delete(f.byFlow, e.flow)
	delete(f.byPort, e.port)
}

// add makes an entry for a flow that has none, or nil when there is no room.
func (f *flows) add(wanted flow, local uint16, now time.Time) *entry {
	if now.Sub(f.swept) > sweepEvery {
		f.swept = now
		for _, e := range f.byFlow {
			if e.over(now) {
				f.drop(e)
			}
		}
	}
	if len(f.byFlow) >= f.limit && !f.forget {
		return nil
	}
	for range f.count {
		port := f.first + uint16(f.next)
		f.next = (f.next + 1) % f.count
		if old, used := f.byPort[port]; used {
			if !f.forget {
				continue
			}
			f.drop(old)
		}
		e := &entry{flow: wanted, port: port, local: local, seen: now}
		f.byFlow[wanted], f.byPort[port] = e, e
		return e
	}
	return nil
}
