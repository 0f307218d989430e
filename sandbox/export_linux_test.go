package sandbox

import (
	"context"
	"net/netip"

	"openclaw/sandbox/linux/network"
)

// LookUpWith answers look-ups instead of the machine's resolver.
func (c *Cage) LookUpWith(lookup func(ctx context.Context, host string) ([]netip.Addr, error)) {
	c.lookup = lookup
}

// UseWay forces one of the two kinds of network.
func (c *Cage) UseWay(way string) { c.way = network.Way(way) }

// ProbeBy is Probe with one of the two kinds of network.
func ProbeBy(ctx context.Context, way string) Capabilities {
	return (&Cage{way: network.Way(way)}).probe(ctx)
}
