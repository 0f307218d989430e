package proxy

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

// Limits of one Proxy.
const (
	maxConnections = 1024             // at once; egress has the same bound
	maxHead        = 64 << 10         // bytes of a request's head
	headTimeout    = 10 * time.Second // for the whole head
	answerTimeout  = 10 * time.Second // for writing an answer of ours
	minToken       = 16               // bytes
)

// user is the name that goes with the token.
const user = "openclaw"

// Options is what a Proxy works with.
type Options struct {
	// Egress carries what is allowed. Policy must be set; Destination and
	// Gateway are the proxy's and must not be.
	Egress egress.Options

	// Token is the run's own secret, at least 16 bytes of what a URL can hold.
	Token string
}

// Proxy serves one cage. Make it with New. Its methods are safe for concurrent
// use; Serve may be called once.
type Proxy struct {
	o         egress.Options
	authority string // what Proxy-Authorization must say
	policy    atomic.Pointer[policy.Policy]
	egress    *egress.Egress
	tunnels   *queue // requests on their way to egress
	questions *queue // names on their way to egress
}

// New returns a Proxy.
func New(o Options) (*Proxy, error) {
	if o.Egress.Policy == nil {
		return nil, errors.New("make proxy: there is no policy")
	}
	if o.Egress.Destination != nil || o.Egress.Gateway != nil {
		return nil, errors.New("make proxy: the destination is the request's")
	}
	if len(o.Token) < minToken {
		return nil, fmt.Errorf("make proxy: a token has at least %d bytes", minToken)
	}
	if o.Egress.Now == nil {
		o.Egress.Now = time.Now
	}
	p := &Proxy{
		o: o.Egress, authority: "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+o.Token)),
		tunnels: newQueue(), questions: newQueue(),
	}
	p.policy.Store(o.Egress.Policy)
	carried := o.Egress
	carried.Destination = destination
	p.egress = egress.New(carried)
	return p, nil
}

// SetPolicy puts next in force, as egress does: connections that it does not
// allow are cut.
func (p *Proxy) SetPolicy(next *policy.Policy) {
	p.policy.Store(next)
	p.egress.SetPolicy(next)
}

// Cut ends one connection, as egress does.
func (p *Proxy) Cut(id, why string) bool { return p.egress.Cut(id, why) }

// Serve serves listener until ctx ends or the listener breaks, and closes it.
// It returns nil when ctx ended, after every connection was cut.
func (p *Proxy) Serve(ctx context.Context, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listener.Close() })
	defer stop()

	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	parts.Go(func() { _ = p.egress.Serve(ctx, p.tunnels, nil, p.questions, nil) })
	slots := make(chan struct{}, maxConnections)
	for {
		conn, err := listener.Accept()
		if err != nil {
			switch {
			case ctx.Err() != nil:
				return nil
			case errors.Is(err, net.ErrClosed):
				return fmt.Errorf("accept from the cage: %w", err)
			}
			select { // no free descriptor, or a connection that is gone: it passes
			case <-ctx.Done():
				return nil
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		select {
		case slots <- struct{}{}:
		default:
			_ = conn.Close()
			continue
		}
		parts.Go(func() {
			defer func() { <-slots }()
			p.handle(ctx, conn)
		})
	}
}

// handle reads one request, judges it, and gives its connection to egress.
func (p *Proxy) handle(ctx context.Context, conn net.Conn) {
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	asked, err := readRequest(conn)
	if !stop() || err != nil {
		if err != nil {
			answer(conn, err)
		}
		_ = conn.Close()
		return
	}
	if from, ok := conn.RemoteAddr().(*net.TCPAddr); ok {
		asked.from = from.AddrPort()
	}
	if err := p.admit(ctx, asked); err != nil {
		answer(conn, err)
		_ = conn.Close()
		return
	}
	t := newTunnel(conn, asked)
	if !p.tunnels.put(ctx, t) {
		_ = t.Close()
		return
	}
	<-t.done
}

// Carry carries a connection that is not a request, as if conn had been opened
// to destination, and closes it. It returns at its end. Serve must be running.
func (p *Proxy) Carry(ctx context.Context, conn net.Conn, destination netip.AddrPort) {
	t := &tunnel{Conn: conn, destination: destination, plain: true, done: make(chan struct{})}
	if !p.tunnels.put(ctx, t) {
		_ = t.Close()
		return
	}
	<-t.done
}

// admit judges a request by its name, before anything is looked up, and finds
// the address that stands for it at egress.
func (p *Proxy) admit(ctx context.Context, asked *request) error {
	if subtle.ConstantTimeCompare([]byte(asked.authority), []byte(p.authority)) != 1 {
		return errToken
	}
	decision := p.policy.Load().DecideName(asked.host, asked.port)
	if decision.Effect == policy.Deny || decision.Effect == policy.Ask && p.o.Ask == nil {
		p.refuse(asked, decision)
		return &status{code: 403, text: "openclaw: " + asked.target() + " is refused: " + decision.Rule}
	}
	if addr, err := netip.ParseAddr(asked.host); err == nil {
		asked.destination = netip.AddrPortFrom(addr.Unmap(), asked.port)
		return nil
	}
	addr, err := p.standIn(ctx, asked.host)
	if err != nil {
		return &status{code: 403, text: "openclaw: " + asked.target() + " is refused: " + err.Error()}
	}
	asked.destination = netip.AddrPortFrom(addr, asked.port)
	return nil
}

func (p *Proxy) refuse(asked *request, decision policy.Decision) {
	if p.o.Refused == nil {
		return
	}
	refusal := egress.Refusal{
		Time: p.o.Now(), Class: policy.ClassNet, Operation: "connect", Target: asked.target(),
		Rule: decision.Rule, Origin: decision.Origin, Mechanism: egress.MechanismEgress,
	}
	if p.o.Identify != nil {
		refusal.PID, refusal.Program, refusal.CommandLine = p.o.Identify(asked.from, false)
	}
	p.o.Refused(refusal)
}

// Environment is what tells programs of the proxy at address: each variable in
// both of its spellings. The loopback is reached without it.
func Environment(address netip.AddrPort, token string) []string {
	at := "http://" + user + ":" + token + "@" + net.JoinHostPort(address.Addr().String(), strconv.Itoa(int(address.Port())))
	const direct = "localhost,127.0.0.1,::1"
	return []string{
		"HTTP_PROXY=" + at, "http_proxy=" + at, "HTTPS_PROXY=" + at, "https_proxy=" + at, "ALL_PROXY=" + at, "all_proxy=" + at,
		"NO_PROXY=" + direct, "no_proxy=" + direct,
	}
}
