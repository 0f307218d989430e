package egress

import (
	"container/list"
	"net/netip"
	"strings"
	"sync"
)

// maxNames bounds the table of names. A name that was not used for longest
// goes first; its address is given out again only after the whole range was.
const maxNames = 8192

// The range that stands for names: 198.18.0.0/15, the benchmark range of
// RFC 2544, without its first address and its last two (one is the cage's own).
const (
	firstAddress = 198<<24 | 18<<16 | 1
	addressCount = 1<<17 - 3
)

// names gives each name an address and finds the name again.
type names struct {
	mu     sync.Mutex
	byName map[string]*list.Element // of *entry
	byAddr map[netip.Addr]*list.Element
	recent *list.List // most recently used first
	next   uint32     // offset of the next address to try
	limit  int
}

type entry struct {
	name    string
	address netip.Addr
}

func newNames(limit int) *names {
	return &names{
		byName: make(map[string]*list.Element), byAddr: make(map[netip.Addr]*list.Element),
		recent: list.New(), limit: limit,
	}
}

// address returns the address that stands for name.
func (n *names) address(name string) netip.Addr {
	n.mu.Lock()
	defer n.mu.Unlock()
	if element, ok := n.byName[name]; ok {
		n.recent.MoveToFront(element)
		return element.Value.(*entry).address
	}
	if len(n.byName) >= n.limit {
		oldest := n.recent.Back()
		gone := n.recent.Remove(oldest).(*entry)
		delete(n.byName, gone.name)
		delete(n.byAddr, gone.address)
	}
	for {
		candidate := offsetAddress(n.next)
		n.next = (n.next + 1) % addressCount
		if _, used := n.byAddr[candidate]; used {
			continue
		}
		element := n.recent.PushFront(&entry{name: name, address: candidate})
		n.byName[name], n.byAddr[candidate] = element, element
		return candidate
	}
}

// name returns the name that address stands for.
func (n *names) name(address netip.Addr) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	element, ok := n.byAddr[address]
	if !ok {
		return "", false
	}
	n.recent.MoveToFront(element)
	return element.Value.(*entry).name, true
}

func offsetAddress(offset uint32) netip.Addr {
	value := firstAddress + offset
	return netip.AddrFrom4([4]byte{byte(value >> 24), byte(value >> 16), byte(value >> 8), byte(value)})
}

// standsForName reports whether address is one that this package gives out.
func standsForName(address netip.Addr) bool {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 18}), 15).Contains(address)
}

// hostName returns name in lower case and without its trailing dot. It is not
// ok for anything that is not a host name in ASCII: internationalised names
// arrive as xn-- labels.
func hostName(name string) (string, bool) {
	name = strings.TrimSuffix(name, ".")
	if name == "" || len(name) > 253 {
		return "", false
	}
	label := 0
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.':
			if label == 0 {
				return "", false
			}
			label = 0
			continue
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return "", false
		}
		if label++; label > 63 {
			return "", false
		}
	}
	return strings.ToLower(name), label > 0
}
