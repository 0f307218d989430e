package limit

import (
	"net/netip"
	"sync"
)

// Visits counts what is open of each client behind a proxy: sockets, and
// requests under way. A connection of the proxy itself says nothing about that.
// It is safe for concurrent use.
type Visits struct {
	limit func() Settings

	mu   sync.Mutex // guards open
	open map[netip.Addr]int
}

// NewVisits returns a Visits with nothing open; settings is asked at each Enter.
func NewVisits(settings func() Settings) *Visits {
	return &Visits{limit: settings, open: map[netip.Addr]int{}}
}

// Enter counts one visit of a client; false says that it has as many open as it
// may. leave may be called more than once.
func (v *Visits) Enter(client netip.Addr) (leave func(), ok bool) {
	settings, group := v.limit(), Group(client)
	v.mu.Lock()
	defer v.mu.Unlock()
	if settings.Enabled && settings.Connections > 0 && v.open[group] >= settings.Connections {
		return func() {}, false
	}
	v.open[group]++
	return sync.OnceFunc(func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		if v.open[group]--; v.open[group] <= 0 {
			delete(v.open, group)
		}
	}), true
}
