package limit

import (
	"container/list"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Bounds of the bans.
const (
	MaxBans     = 65_536 // of single addresses; the automatic one that ends first gives way
	maxNetworks = 256    // bans of more than one address; each is looked at for every connection
	maxStruck   = 65_536 // addresses whose refusals are counted; the one quiet longest goes first
	strikeTime  = time.Minute
)

// Ban shuts a network out: no connection, and no request that a trusted proxy
// brings from there.
type Ban struct {
	Network netip.Prefix `json:"network"` // a single address, or for IPv6 its /64, where the gateway made it
	Since   time.Time    `json:"since"`
	Until   time.Time    `json:"until,omitzero"` // zero: until it is lifted
	Reason  string       `json:"reason"`
	By      string       `json:"by"` // "gateway", or who added it
}

// ended reports whether a ban is over.
func (b Ban) ended(now time.Time) bool { return !b.Until.IsZero() && !now.Before(b.Until) }

// ErrLoopback is why a ban is refused: whoever bans this machine shuts the
// person and every agent out.
var ErrLoopback = errors.New("the loopback address cannot be banned: every program of this machine has it")

// Bans knows who is shut out. It is safe for concurrent use.
type Bans struct {
	now  func() time.Time
	save func([]Ban) error

	mu       sync.Mutex // guards the fields below
	single   map[netip.Addr]Ban
	networks []Ban
	struck   map[netip.Addr]*list.Element
	order    *list.List // of *strikes, longest quiet first
}

type strikes struct {
	address netip.Addr
	count   int
	begun   time.Time
}

// NewBans returns bans that were saved before; what has ended is left out. save
// is called with all of them after each change, one call at a time; it may be
// nil. A nil now is time.Now.
func NewBans(saved []Ban, now func() time.Time, save func([]Ban) error) *Bans {
	if now == nil {
		now = time.Now
	}
	if save == nil {
		save = func([]Ban) error { return nil }
	}
	b := &Bans{now: now, save: save, single: map[netip.Addr]Ban{}, struck: map[netip.Addr]*list.Element{}, order: list.New()}
	for _, ban := range saved {
		if ban.Network.IsValid() && !ban.ended(now()) {
			_ = b.put(ban) // more than there is room for were never saved
		}
	}
	return b
}

// ParseNetwork reads an address or a CIDR as the network that a ban of it shuts
// out: an IPv6 address is its /64, as everywhere in this package.
func ParseNetwork(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return netip.Prefix{}, err
		}
		if prefix.Addr().Is4In6() {
			if prefix.Bits() < 96 {
				return netip.Prefix{}, fmt.Errorf("%s holds IPv4 and other addresses; write an IPv4 network", text)
			}
			prefix = netip.PrefixFrom(prefix.Addr().Unmap(), prefix.Bits()-96)
		}
		return prefix.Masked(), nil
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return networkOf(Group(address)), nil
}

func networkOf(group netip.Addr) netip.Prefix {
	if group.Is6() && !group.IsLoopback() {
		return netip.PrefixFrom(group, 64)
	}
	return netip.PrefixFrom(group, group.BitLen())
}

// Banned returns the ban that shuts an address out.
func (b *Bans) Banned(address netip.Addr) (Ban, bool) {
	group, now := Group(address), b.now()
	b.mu.Lock()
	defer b.mu.Unlock()
	if ban, known := b.single[group]; known {
		if !ban.ended(now) {
			return ban, true
		}
		delete(b.single, group)
	}
	plain := address.Unmap().WithZone("")
	for _, ban := range b.networks {
		if ban.Network.Contains(plain) && !ban.ended(now) {
			return ban, true
		}
	}
	return Ban{}, false
}

// Add shuts a network out until a time; the zero time is until it is lifted. It
// takes the place of a ban of the same network.
func (b *Bans) Add(ban Ban) error {
	if !ban.Network.IsValid() {
		return errors.New("no network to ban")
	}
	for _, loopback := range []string{"127.0.0.0/8", "::1/128"} {
		if ban.Network.Overlaps(netip.MustParsePrefix(loopback)) {
			return ErrLoopback
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.all()
	ban.Since = b.now()
	if err := b.put(ban); err != nil {
		return err
	}
	if err := b.save(b.all()); err != nil {
		b.reset(before)
		return fmt.Errorf("save bans: %w", err)
	}
	return nil
}

// put adds without saving; b.mu is held, or nobody else has b yet.
func (b *Bans) put(ban Ban) error {
	single := ban.Network == networkOf(Group(ban.Network.Addr()))
	if single {
		group := Group(ban.Network.Addr())
		if _, known := b.single[group]; !known && len(b.single) >= MaxBans && !b.makeRoom() {
			return fmt.Errorf("%d addresses are banned already; ban their networks instead", MaxBans)
		}
		b.single[group] = ban
		return nil
	}
	now := b.now()
	b.networks = slices.DeleteFunc(b.networks, func(old Ban) bool { return old.Network == ban.Network || old.ended(now) })
	if len(b.networks) >= maxNetworks {
		return fmt.Errorf("%d networks are banned already; lift some", maxNetworks)
	}
	b.networks = append(b.networks, ban)
	return nil
}

// makeRoom lets the automatic ban go that ends first; b.mu is held.
func (b *Bans) makeRoom() bool {
	var first netip.Addr
	for address, ban := range b.single {
		if ban.Until.IsZero() || ban.By != ByGateway {
			continue
		}
		if !first.IsValid() || ban.Until.Before(b.single[first].Until) {
			first = address
		}
	}
	delete(b.single, first)
	return first.IsValid()
}

// ByGateway is who made a ban by counting.
const ByGateway = "gateway"

// Lift ends a ban; false says that there was none of that network.
func (b *Bans) Lift(network netip.Prefix) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.all()
	lifted := false
	if group := Group(network.Addr()); networkOf(group) == network {
		ban, known := b.single[group]
		lifted = known && !ban.ended(b.now())
		delete(b.single, group)
		if element, known := b.struck[group]; known { // it begins anew
			b.order.Remove(element)
			delete(b.struck, group)
		}
	}
	b.networks = slices.DeleteFunc(b.networks, func(ban Ban) bool {
		lifted = lifted || ban.Network == network
		return ban.Network == network
	})
	if err := b.save(b.all()); err != nil {
		b.reset(before)
		return false, fmt.Errorf("save bans: %w", err)
	}
	return lifted, nil
}

// List returns the bans in force, oldest first.
func (b *Bans) List() []Ban {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all()
}

func (b *Bans) all() []Ban {
	now := b.now()
	out := make([]Ban, 0, len(b.single)+len(b.networks))
	for _, ban := range b.single {
		out = append(out, ban)
	}
	out = append(out, b.networks...)
	out = slices.DeleteFunc(out, func(ban Ban) bool { return ban.ended(now) })
	slices.SortFunc(out, func(a, b Ban) int {
		if c := a.Since.Compare(b.Since); c != 0 {
			return c
		}
		return strings.Compare(a.Network.String(), b.Network.String())
	})
	return out
}

// reset puts back what was before a change that could not be saved.
func (b *Bans) reset(bans []Ban) {
	clear(b.single)
	b.networks = nil
	for _, ban := range bans {
		_ = b.put(ban) // they had room before
	}
}

// Strike counts one refusal of an address. Past threshold within a minute it
// says that the address is to be banned, and begins anew. The loopback address
// is never counted.
func (b *Bans) Strike(address netip.Addr, threshold int) (ban bool) {
	group, now := Group(address), b.now()
	if threshold <= 0 || !group.IsValid() || group.IsLoopback() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	element, known := b.struck[group]
	if !known {
		if b.order.Len() >= maxStruck {
			oldest := b.order.Front()
			delete(b.struck, oldest.Value.(*strikes).address)
			b.order.Remove(oldest)
		}
		element = b.order.PushBack(&strikes{address: group, begun: now})
		b.struck[group] = element
	}
	b.order.MoveToBack(element)
	of := element.Value.(*strikes)
	if since := now.Sub(of.begun); since >= strikeTime || since < 0 {
		of.count, of.begun = 0, now
	}
	if of.count++; of.count < threshold {
		return false
	}
	of.count, of.begun = 0, now
	return true
}
