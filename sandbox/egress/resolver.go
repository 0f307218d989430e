package egress

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"openclaw/sandbox/policy"
)

// maxPacket is the largest query that is read from a packet, in bytes; a query
// for one name is at most 271 and its options are not looked at.
const maxPacket = 4096

// dnsStreamIdle is how long a DNS stream may stay silent.
const dnsStreamIdle = 10 * time.Second

// servePackets answers queries from packets. What is not a query is dropped.
func (e *Egress) servePackets(ctx context.Context, conn net.PacketConn) error {
	var refusals sync.WaitGroup
	defer refusals.Wait()
	slots := make(chan struct{}, maxRefusals)
	buffer := make([]byte, maxPacket)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			if errors.Is(err, net.ErrClosed) || ctx.Err() != nil {
				return nil
			}
			if !passing(err) {
				return fmt.Errorf("read query from the cage: %w", err)
			}
			if !pause(ctx) {
				return nil
			}
			continue
		}
		asked, err := parseQuery(buffer[:n])
		if err != nil {
			continue
		}
		found, refusal := e.resolve(asked)
		if refusal == nil {
			e.answerPacket(conn, from, asked, found)
			continue
		}
		// Finding the process takes longer than an answer: not in this loop.
		select {
		case slots <- struct{}{}:
			refusals.Go(func() {
				defer func() { <-slots }()
				e.refuseQuery(*refusal, addressOf(from), true)
				e.answerPacket(conn, from, asked, found)
			})
		default:
			e.refuseQuery(*refusal, netip.AddrPort{}, true)
			e.answerPacket(conn, from, asked, found)
		}
	}
}

func (e *Egress) answerPacket(conn net.PacketConn, to net.Addr, asked query, found reply) {
	if message, err := found.build(asked); err == nil {
		_, _ = conn.WriteTo(message, to)
	}
}

// serveDNSStream answers queries from a stream, each behind its length.
func (e *Egress) serveDNSStream(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	defer func() { _ = conn.Close() }()
	for {
		if err := conn.SetDeadline(time.Now().Add(dnsStreamIdle)); err != nil {
			return
		}
		var length [2]byte
		if _, err := io.ReadFull(conn, length[:]); err != nil {
			return
		}
		size := binary.BigEndian.Uint16(length[:])
		if size > maxPacket {
			return
		}
		message := make([]byte, size)
		if _, err := io.ReadFull(conn, message); err != nil {
			return
		}
		asked, err := parseQuery(message)
		if err != nil {
			return
		}
		found, refusal := e.resolve(asked)
		if refusal != nil {
			e.refuseQuery(*refusal, addressOf(conn.RemoteAddr()), false)
		}
		answer, err := found.build(asked)
		if err != nil {
			return
		}
		framed := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(answer)), uint16(len(answer)))
		if _, err := conn.Write(append(framed, answer...)); err != nil {
			return
		}
	}
}

// resolve judges a query. Nothing leaves this machine for it.
func (e *Egress) resolve(asked query) (reply, *Refusal) {
	if asked.opcode != 0 || asked.question.Class != dnsmessage.ClassINET {
		return reply{code: dnsmessage.RCodeNotImplemented}, nil
	}
	host, ok := hostName(asked.question.Name.String())
	if !ok {
		return refused(), e.refusal("resolve", MechanismDNS, printable(asked.question.Name.String()),
			"not a host name", policy.Origin{BuiltIn: "only host names are looked up"})
	}
	if found, ok := e.names.local(asked, host); ok {
		return found, nil
	}
	decision := e.policy.Load().DecideName(host, 0)
	if decision.Effect == policy.Deny || decision.Effect == policy.Ask && e.o.Ask == nil {
		return refused(), e.refusal("resolve", MechanismDNS, host, decision.Rule, decision.Origin)
	}
	if asked.question.Type != dnsmessage.TypeA {
		return reply{}, nil
	}
	return reply{address: e.names.address(host)}, nil
}

// refused is the answer to a query that policy refuses: there is no such name. The code that
// says so (REFUSED) is one that resolvers do not take for an answer: musl's, of static
// programs, waits until its time is up, and glibc's calls it a temporary failure, which
// programs try again. Without a record of a zone nobody keeps it (RFC 2308, section 5): what
// is allowed later is found by the next query.
func refused() reply { return reply{code: dnsmessage.RCodeNameError} }

// refuseQuery tells of a refused query, unless it was just told.
func (e *Egress) refuseQuery(refusal Refusal, local netip.AddrPort, udp bool) {
	who := e.identify(local, udp)
	if e.repeats.seen(refusal.Target, who.pid) {
		return
	}
	e.tell(refusal, who)
}

// repeats remembers what was told within the last second. A resolver asks for
// two address types and asks again when it is refused: four queries for one
// look-up of a program.
type repeats struct {
	now  func() time.Time
	mu   sync.Mutex
	told map[repeat]time.Time
}

type repeat struct {
	target string
	pid    int
}

const (
	repeatWindow = time.Second
	maxRepeats   = 1024
)

func newRepeats(now func() time.Time) *repeats {
	return &repeats{now: now, told: make(map[repeat]time.Time)}
}

func (r *repeats) seen(target string, pid int) bool {
	key := repeat{target, pid}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if last, ok := r.told[key]; ok && now.Sub(last) < repeatWindow {
		return true
	}
	if len(r.told) >= maxRepeats {
		clear(r.told)
	}
	r.told[key] = now
	return false
}
