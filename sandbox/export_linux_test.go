package sandbox

import (
	"context"
	"net/netip"
)

// LookUpWith answers look-ups instead of the machine's resolver.
func (c *Cage) LookUpWith(lookup func(ctx context.Context, host string) ([]netip.Addr, error)) {
	c.lookup = lookup
}
