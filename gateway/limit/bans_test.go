package limit

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"
)

func network(t *testing.T, text string) netip.Prefix {
	t.Helper()
	prefix, err := ParseNetwork(text)
	if err != nil {
		t.Fatal(err)
	}
	return prefix
}

type diary struct {
	saved []Ban
	err   error
}

func (d *diary) save(bans []Ban) error {
	if d.err == nil {
		d.saved = bans
	}
	return d.err
}

// A ban shuts out what it names, in every spelling of it, until its end, and
// over a restart; and nothing beside it.
func TestABanShutsOutWhatItNames(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	now := func() time.Time { return clock }
	var kept diary
	b := NewBans(nil, now, kept.save)
	for text, until := range map[string]time.Time{
		"192.0.2.1": clock.Add(time.Hour), "2001:db8:1:2:3::4": {}, "198.51.100.0/24": clock.Add(time.Minute), "::ffff:203.0.113.9": {}, "2001:db8:ff00::/40": {},
	} {
		if err := b.Add(Ban{Network: network(t, text), Until: until, By: "operator"}); err != nil {
			t.Fatal(err)
		}
	}
	check := func(b *Bans, want map[string]bool) {
		t.Helper()
		for text, banned := range want {
			if _, got := b.Banned(netip.MustParseAddr(text)); got != banned {
				t.Errorf("%s: banned %v, want %v", text, got, banned)
			}
		}
	}
	all := map[string]bool{
		"192.0.2.1": true, "::ffff:192.0.2.1": true, "192.0.2.2": false, "2001:db8:1:2::ffff": true, "2001:db8:1:3::1": false, "198.51.100.77": true,
		"198.51.101.1": false, "203.0.113.9": true, "2001:db8:ffab:1::1": true, "2001:db8:fe00::1": false, "127.0.0.1": false, "::1": false,
	}
	check(b, all)
	check(NewBans(kept.saved, now, nil), all)
	clock = clock.Add(2 * time.Minute)
	all["198.51.100.77"] = false
	check(b, all)
	clock = clock.Add(2 * time.Hour)
	all["192.0.2.1"], all["::ffff:192.0.2.1"] = false, false
	check(b, all)
	if n := len(b.List()); n != 3 {
		t.Errorf("%d bans are listed", n)
	}
	if lifted, err := b.Lift(network(t, "2001:db8:1:2::1")); !lifted || err != nil {
		t.Error(lifted, err)
	}
	if lifted, _ := b.Lift(network(t, "2001:db8:1:2::1")); lifted {
		t.Error("lifted twice")
	}
	all["2001:db8:1:2::ffff"] = false
	check(b, all)
}

func TestNobodyShutsThisMachineOut(t *testing.T) {
	b := NewBans(nil, nil, nil)
	for _, text := range []string{"127.0.0.1", "127.1.2.3", "::1", "0.0.0.0/0", "::/0", "126.0.0.0/7", "::ffff:127.0.0.1"} {
		if err := b.Add(Ban{Network: network(t, text)}); !errors.Is(err, ErrLoopback) {
			t.Errorf("%s: %v", text, err)
		}
	}
	for range 10 {
		if b.Strike(netip.MustParseAddr("127.0.0.1"), 1) || b.Strike(netip.MustParseAddr("::1"), 1) {
			t.Fatal("refusals of the loopback address are counted")
		}
	}
	for _, text := range []string{"", "x", "1.2.3.4/33", "1.2.3.4/-1", "1.2.3", "::ffff:1.2.3.4/64", "fe80::1%eth0/64"} {
		if prefix, err := ParseNetwork(text); err == nil {
			t.Errorf("%q is read as %s", text, prefix)
		}
	}
}

// A change that cannot be saved is none: it would be gone after a restart.
func TestAChangeThatCannotBeSaved(t *testing.T) {
	kept := diary{}
	b := NewBans(nil, nil, kept.save)
	first := network(t, "192.0.2.1")
	if err := b.Add(Ban{Network: first}); err != nil {
		t.Fatal(err)
	}
	kept.err = errors.New("disk full")
	if err := b.Add(Ban{Network: network(t, "192.0.2.2")}); !errors.Is(err, kept.err) {
		t.Error(err)
	}
	if _, err := b.Lift(first); !errors.Is(err, kept.err) {
		t.Error(err)
	}
	if list := b.List(); len(list) != 1 || list[0].Network != first {
		t.Error(list)
	}
}

func TestStrikesAreThoseOfAMinute(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	b := NewBans(nil, func() time.Time { return clock }, nil)
	who := netip.MustParseAddr("192.0.2.1")
	strike := func(n int) (bans int) {
		for range n {
			if b.Strike(who, 10) {
				bans++
			}
		}
		return bans
	}
	if strike(9) != 0 {
		t.Fatal("too early")
	}
	clock = clock.Add(time.Minute)
	if strike(9) != 0 {
		t.Fatal("those of another minute count")
	}
	if strike(1) != 1 || strike(9) != 0 || strike(1) != 1 {
		t.Fatal("the tenth of a minute does not count")
	}
	if strike(9); b.Strike(netip.MustParseAddr("192.0.2.2"), 10) {
		t.Fatal("another address pays for it")
	}
	clock = clock.Add(-time.Hour) // a clock that is set back shuts nobody in
	if strike(9) != 0 || strike(1) != 1 {
		t.Fatal("after the clock was set back")
	}
}

// A million addresses cost bounded memory, and a person's own bans never give
// way to automatic ones.
func TestBansAreBounded(t *testing.T) {
	clock := time.Unix(1_700_000_000, 0)
	b := NewBans(nil, func() time.Time { return clock }, nil)
	own := network(t, "192.0.2.1")
	if err := b.put(Ban{Network: own, By: "operator"}); err != nil {
		t.Fatal(err)
	}
	for i := range MaxBans + 5 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		b.Strike(a, 1000)
		if err := b.put(Ban{Network: networkOf(a), Until: clock.Add(time.Hour + time.Duration(i)), By: ByGateway}); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.single) != MaxBans || b.order.Len() > maxStruck || len(b.struck) != b.order.Len() {
		t.Errorf("%d bans, %d and %d counted", len(b.single), b.order.Len(), len(b.struck))
	}
	if _, banned := b.Banned(own.Addr()); !banned {
		t.Error("a person's ban gave way")
	}
	for i := range maxNetworks + 1 {
		err := b.put(Ban{Network: network(t, fmt.Sprintf("172.%d.%d.0/24", 16+i/256, i%256))})
		if (err != nil) != (i == maxNetworks) {
			t.Fatalf("network %d: %v", i, err)
		}
	}
}

func FuzzParseNetwork(f *testing.F) {
	for _, seed := range []string{"1.2.3.4", "1.2.3.4/8", "::1", "2001:db8::/32", "::ffff:1.2.3.4/120", "fe80::1%x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		prefix, err := ParseNetwork(text)
		if err != nil {
			return
		}
		if !prefix.IsValid() || prefix != prefix.Masked() {
			t.Fatalf("%q is read as %v", text, prefix)
		}
		again, err := ParseNetwork(prefix.String())
		if err != nil || again != prefix {
			t.Fatalf("%q: %v is read as %v, %v", text, prefix, again, err)
		}
	})
}
