package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/sandbox/policy"
)

// Limits of one Egress. Past them a connection is reset and a query gets no
// answer; the limits are far above what programs need and keep a hostile one
// from filling the host's memory or descriptors.
const (
	maxConnections = 1024 // of the cage, through TCP
	maxGateway     = 256  // of the cage, to the gateway's endpoint
	maxDNSStreams  = 64
	maxRefusals    = 64 // refused queries being told at once
)

// Times of one Egress.
const (
	openingTimeout = 10 * time.Second // from the first byte to a whole ClientHello or request head
	wordTimeout    = time.Second      // the same for a word on a port that is not the web's
	lookupTimeout  = 10 * time.Second
	dialTimeout    = 10 * time.Second // of one address
	idleTimeout    = 2 * time.Hour    // without a byte either way
	reportEvery    = time.Second
)

// Options is what an Egress works with.
type Options struct {
	// Policy is the policy in force; SetPolicy replaces it. It must be set.
	Policy *policy.Policy

	// Dial opens a connection to an address that was judged. Nil: the
	// machine's own network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Lookup returns the addresses of a name without a trailing dot. Nil: the
	// machine's own resolver, without its search domains.
	Lookup func(ctx context.Context, host string) ([]netip.Addr, error)

	// HostAddresses returns the addresses of this machine. Nil: those of its
	// interfaces.
	HostAddresses func() ([]netip.Addr, error)

	// Gateway opens a connection to the gateway's agent endpoint. Nil: the
	// endpoint's connections are reset.
	Gateway func(ctx context.Context) (net.Conn, error)

	// Destination tells where a redirected connection was going. Nil: the
	// kernel's own record (SO_ORIGINAL_DST), which only Linux has.
	Destination func(conn net.Conn) (netip.AddrPort, error)

	// Refused is told of every refusal. Queries for the same name by the same
	// process within a second are one refusal: resolvers ask several times.
	Refused func(Refusal)

	// Connected is told of every connection that was allowed.
	Connected func(Connection)

	// Identify finds the process that owns a socket of the cage, by its local
	// address inside. Zero values: not known.
	Identify func(local netip.AddrPort, udp bool) (pid int, program, commandLine string)

	// Ask answers for a connection that the policy wants asked; the refusal
	// says what happens if not allowed. It returns when it is answered or ctx
	// ends. Nil: what would be asked is refused. A look-up is never asked:
	// the name gets its address, and the connection is held.
	Ask func(ctx context.Context, asked Refusal) (allow bool, err error)

	// Now is the clock of the events. Nil: time.Now.
	Now func() time.Time
}

// Egress serves one cage. Make it with New. Its methods are safe for
// concurrent use; Serve may be called once.
type Egress struct {
	o       Options
	policy  atomic.Pointer[policy.Policy]
	names   *names
	repeats *repeats
	serial  atomic.Int64
	buffers sync.Pool     // of *[bufferSize]byte
	bulk    chan struct{} // places for directions that the kernel moves

	openingTimeout time.Duration // a constant, but for tests

	mu      sync.Mutex
	streams map[*stream]struct{}
}

// New returns an Egress that works with o.
func New(o Options) *Egress {
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	if o.Lookup == nil {
		o.Lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
		}
	}
	if o.HostAddresses == nil {
		o.HostAddresses = interfaceAddresses
	}
	if o.Destination == nil {
		o.Destination = OriginalDestination
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	e := &Egress{
		o: o, names: newNames(maxNames), repeats: newRepeats(o.Now), streams: make(map[*stream]struct{}),
		buffers: sync.Pool{New: func() any { return new([bufferSize]byte) }}, bulk: make(chan struct{}, maxBulk),
		openingTimeout: openingTimeout,
	}
	e.policy.Store(o.Policy)
	return e
}

// SetPolicy puts p in force. When it returns, every connection that p does not
// allow is being reset.
func (e *Egress) SetPolicy(p *policy.Policy) {
	e.policy.Store(p)
	e.mu.Lock()
	open := make([]*stream, 0, len(e.streams))
	for s := range e.streams {
		open = append(open, s)
	}
	e.mu.Unlock()
	for _, s := range open {
		e.rejudge(s)
	}
}

// Serve serves the sockets of one cage until ctx ends or one of them breaks.
// It takes ownership of them and closes them; any may be nil. It returns nil
// when ctx ended, after every connection was cut and every goroutine is gone.
func (e *Egress) Serve(ctx context.Context, tcp net.Listener, dns net.PacketConn, dnsStream, gateway net.Listener) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(ctx, func() {
		for _, listener := range []net.Listener{tcp, dnsStream, gateway} {
			if listener != nil {
				_ = listener.Close()
			}
		}
		if dns != nil {
			_ = dns.Close()
		}
	})
	defer stop()

	var parts sync.WaitGroup
	run := func(serve func() error) {
		parts.Go(func() {
			if err := serve(); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	if tcp != nil {
		run(func() error { return serveListener(ctx, tcp, maxConnections, e.handle, e.tooMany) })
	}
	if dnsStream != nil {
		run(func() error { return serveListener(ctx, dnsStream, maxDNSStreams, e.serveDNSStream, reset) })
	}
	if gateway != nil {
		run(func() error { return serveListener(ctx, gateway, maxGateway, e.serveGateway, reset) })
	}
	if dns != nil {
		run(func() error { return e.servePackets(ctx, dns) })
	}
	run(func() error { <-ctx.Done(); return nil })
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return nil
}

func interfaceAddresses() ([]netip.Addr, error) {
	found, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var addresses []netip.Addr
	for _, address := range found {
		if prefix, err := netip.ParsePrefix(address.String()); err == nil {
			addresses = append(addresses, prefix.Addr().Unmap())
		}
	}
	return addresses, nil
}
