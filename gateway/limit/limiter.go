package limit

import (
	"container/list"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// The numbers that no config changes.
const (
	LoopbackConnections = 1024     // least number allowed from loopback; one cage reaches at most 256
	StrangerConnections = 4096     // most connections from elsewhere over which no good credential has come, of all addresses; less where the system gives few descriptors
	MaxHeader           = 32 << 10 // bytes of a request's header
	MaxBody             = 64 << 20 // bytes of a request's body; clients send 20 MiB

	shards   = 16
	perShard = 4096 // clients that are remembered; the one that was quiet longest goes first
	quiet    = 2 * time.Minute
)

// Settings are the limits in force. Zero or less is no limit.
type Settings struct {
	Enabled     bool
	Connections int // open, of one address
	PerMinute   int // requests of one client; also the burst

	// Proxy says whose connections are those of many clients; nil: nobody's. They
	// have the room of the loopback address, and Visit counts for each client.
	Proxy func(netip.Addr) bool
}

// Client is who is counted.
type Client struct {
	Address    netip.Addr
	Credential uint64 // tells local programs apart; 0: none shown
}

// Limiter counts. It is safe for concurrent use.
type Limiter struct {
	settings func() Settings
	now      func() time.Time
	seed     maphash.Seed
	shards   [shards]shard

	mu   sync.Mutex // guards open and what is in it
	open map[netip.Addr]*group

	strangers     *list.List // of *conn: those loose ones that are bounded together, longest first
	mostStrangers int

	// Set by Shut, before the first connection.
	shut    func(netip.Addr) bool
	refused func(netip.Addr)
}

// group is the open connections of one address.
type group struct {
	count int
	conns map[*conn]struct{}
	loose *list.List // of *conn that nobody has vouched for now, longest first
}

type shard struct {
	mu      sync.Mutex // guards the fields below
	clients map[Client]*list.Element
	order   *list.List // of *bucket, longest quiet first
}

type bucket struct {
	client    Client
	perMinute int
	limiter   *rate.Limiter
	last      time.Time
}

// New returns a limiter that asks settings at every question. A nil now is
// time.Now.
func New(settings func() Settings, now func() time.Time) *Limiter {
	if now == nil {
		now = time.Now
	}
	l := &Limiter{
		settings: settings, now: now, seed: maphash.MakeSeed(), open: map[netip.Addr]*group{},
		strangers: list.New(), mostStrangers: min(StrangerConnections, max(descriptors()/4, 64)),
	}
	l.Shut(func(netip.Addr) bool { return false }, func(netip.Addr) {})
	for i := range l.shards {
		l.shards[i].clients, l.shards[i].order = map[Client]*list.Element{}, list.New()
	}
	return l
}

// Shut sets who gets no connection at all, and who is told of one that was
// closed because there was no room for it. It is called before the first one.
func (l *Limiter) Shut(shut func(netip.Addr) bool, refused func(netip.Addr)) {
	l.shut, l.refused = shut, refused
}

// CloseFrom closes the open connections whose address matches and returns how
// many they were. match is called with a lock held.
func (l *Limiter) CloseFrom(match func(netip.Addr) bool) int {
	var found []*conn
	l.mu.Lock()
	for _, of := range l.open {
		for c := range of.conns {
			if match(c.address) {
				found = append(found, c)
			}
		}
	}
	l.mu.Unlock()
	for _, c := range found {
		c.Conn.Close() // its server ends by that, and gives its place back
	}
	return len(found)
}

// ClientOf returns who is counted for a request from address that carries
// credential, which may be empty.
func (l *Limiter) ClientOf(address netip.Addr, credential string) Client {
	c := Client{Address: Group(address)}
	if c.Address.IsLoopback() && credential != "" {
		c.Credential = maphash.String(l.seed, credential) | 1
	}
	return c
}

// Group returns the address that is counted: IPv4 as it is, IPv6 by its /64, and this
// machine as one, though each of its programs may come from any of 16 million
// loopback addresses.
func Group(address netip.Addr) netip.Addr {
	address = address.Unmap().WithZone("")
	switch {
	case address.Is4() && address.IsLoopback():
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	case address.IsLoopback() || !address.Is6():
		return address
	}
	prefix, err := address.Prefix(64)
	if err != nil {
		return address
	}
	return prefix.Addr()
}

// Allow counts one request. When it is one too many it says when the next may
// come.
func (l *Limiter) Allow(client Client) (retryAfter time.Duration, ok bool) {
	settings := l.settings()
	if !settings.Enabled || settings.PerMinute <= 0 {
		return 0, true
	}
	now := l.now()
	s := &l.shards[maphash.Comparable(l.seed, client)%shards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.bucket(client, settings.PerMinute, now)
	reservation := b.limiter.ReserveN(now, 1)
	if delay := reservation.DelayFrom(now); delay > 0 {
		reservation.CancelAt(now)
		return delay, false
	}
	return 0, true
}

// bucket finds or makes a client's; s.mu is held.
func (s *shard) bucket(client Client, perMinute int, now time.Time) *bucket {
	for front := s.order.Front(); front != nil; front = s.order.Front() {
		b := front.Value.(*bucket)
		if s.order.Len() < perShard && now.Sub(b.last) < quiet {
			break
		}
		if b.client == client {
			break
		}
		s.order.Remove(front)
		delete(s.clients, b.client)
	}
	each := rate.Limit(float64(perMinute) / 60)
	if element, known := s.clients[client]; known {
		b := element.Value.(*bucket)
		if b.perMinute != perMinute {
			b.limiter.SetLimitAt(now, each)
			b.limiter.SetBurstAt(now, perMinute)
			b.perMinute = perMinute
		}
		b.last = now
		s.order.MoveToBack(element)
		return b
	}
	b := &bucket{client: client, perMinute: perMinute, limiter: rate.NewLimiter(each, perMinute), last: now}
	s.clients[client] = s.order.PushBack(b)
	return b
}

// acquire counts a connection. When there is no room, the one that has been
// without a good credential longest is to be closed for it: whoever holds
// connections open shuts nobody out. over says that c is one too many all the
// same and must be told so; refused that there is not even room to tell.
func (l *Limiter) acquire(c *conn) (evicted *conn, refused bool) {
	settings := l.settings()
	l.mu.Lock()
	defer l.mu.Unlock()
	of := l.open[c.group]
	if of == nil {
		of = &group{loose: list.New(), conns: map[*conn]struct{}{}}
		l.open[c.group] = of
	}
	known := c.group.IsLoopback() || settings.Proxy != nil && settings.Proxy(c.address)
	if settings.Enabled && settings.Connections > 0 {
		limit := settings.Connections
		if known {
			limit = max(limit, LoopbackConnections)
		}
		if front := of.loose.Front(); of.count >= limit && front != nil {
			evicted = front.Value.(*conn)
			l.forget(evicted)
		}
		c.over = of.count >= limit
		if of.count >= 2*limit {
			return evicted, true
		}
	}
	of.count++
	l.open[c.group] = of // the one that gave way may have been its last
	of.conns[c] = struct{}{}
	c.counted = true
	c.stranger = settings.Enabled && !known
	if !c.over {
		l.loosen(c)
	}
	// Many addresses with a few connections each take no more than their share of
	// the descriptors either. The youngest stays: it is c.
	if evicted == nil && l.strangers.Len() > l.mostStrangers {
		evicted = l.strangers.Front().Value.(*conn)
		l.forget(evicted)
	}
	return evicted, false
}

// loosen lets a connection give way; l.mu is held.
func (l *Limiter) loosen(c *conn) {
	c.loose = l.open[c.group].loose.PushBack(c)
	if c.stranger {
		c.among = l.strangers.PushBack(c)
	}
}

// tighten takes a connection from those that give way; l.mu is held.
func (l *Limiter) tighten(c *conn) {
	if c.loose != nil {
		l.open[c.group].loose.Remove(c.loose)
		c.loose = nil
	}
	if c.among != nil {
		l.strangers.Remove(c.among)
		c.among = nil
	}
}

// forget gives a connection's place back, once; l.mu is held.
func (l *Limiter) forget(c *conn) {
	if !c.counted {
		return
	}
	c.counted = false
	of := l.open[c.group]
	delete(of.conns, c)
	l.tighten(c)
	if of.count--; of.count == 0 {
		delete(l.open, c.group)
	}
}

func (l *Limiter) release(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(c)
}

// hold keeps a connection from giving way, until it is let loose.
func (l *Limiter) hold(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tighten(c)
}

func (l *Limiter) letLoose(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c.counted && c.loose == nil {
		l.loosen(c)
	}
}
