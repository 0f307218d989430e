package limit

import (
	"encoding/binary"
	"net/netip"
	"runtime"
	"testing"
	"time"
)

// A million addresses, each a /64 of its own, with a request and a refusal each,
// take no more memory than the sixteenth part of them that there is room for; the
// address that matters is counted all the while.
func TestAMillionAddressesTakeBoundedMemory(t *testing.T) {
	addresses := 1 << 20
	if withRace {
		addresses >>= 3 // both tables are full all the same
	}
	const most = 64 << 20 // bytes; both tables are full after 65,536, with some 300 bytes each
	clock := time.Unix(1_700_000_000, 0)
	now := func() time.Time { return clock }
	l, bans := New(fixed(Settings{Enabled: true, PerMinute: 60}), now), NewBans(nil, now, nil)
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, peak := heap(), int64(0)
	attacker := Client{Address: netip.MustParseAddr("203.0.113.7")}
	refused := 0
	for i := range addresses {
		var b [16]byte
		b[0] = 0x20
		binary.BigEndian.PutUint32(b[4:], uint32(i)) // within the first 64 bits
		binary.BigEndian.PutUint32(b[12:], uint32(i)*2654435761)
		address := netip.AddrFrom16(b)
		if _, ok := l.Allow(l.ClientOf(address, "")); !ok {
			t.Fatal("a stranger is refused for the others")
		}
		if bans.Strike(address, 3) {
			t.Fatal("a stranger is banned for the others")
		}
		if i%1000 == 0 {
			if _, ok := l.Allow(attacker); !ok {
				refused++
			}
			clock = clock.Add(time.Millisecond)
		}
		if i%(addresses/8) == addresses/8-1 {
			peak = max(peak, heap()-before)
		}
	}
	if peak > most {
		t.Errorf("a million addresses took %d MiB", peak>>20)
	}
	if refused == 0 {
		t.Error("an address that asks all the time was forgotten in the flood")
	}
	runtime.KeepAlive(l)
	runtime.KeepAlive(bans)
	t.Logf("%d MiB", peak>>20)
}
