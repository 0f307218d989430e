package gateway

import (
	"context"
	"net/http"
	"net/netip"
	"strings"

	"openclaw/gateway/limit"
)

// visitor is whom a request over TCP is counted for.
type visitor struct {
	address netip.Addr // of the client; of the peer where no proxy is trusted
	from    string     // for people: "203.0.113.7:51234", or "203.0.113.7 by 127.0.0.1:443"
	proxied bool       // a trusted proxy brought it
}

type visitorKey struct{}

// visitorOf returns what arrived noted; where no proxy brought the request, its peer
// as it is.
func visitorOf(r *http.Request) visitor {
	if v, is := r.Context().Value(visitorKey{}).(visitor); is {
		return v
	}
	return visitor{address: peerAddress(r), from: r.RemoteAddr}
}

// arrived finds out whom a request is counted for, once. A request is copied only
// where that is another than its peer: most are not.
func (g *Gateway) arrived(r *http.Request) *http.Request {
	if !g.trusted(peerAddress(r)) {
		return r
	}
	client := forwardedFor(r.Header.Values("X-Forwarded-For"), g.trusted)
	if !client.IsValid() {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, visitor{address: client, from: client.String() + " by " + r.RemoteAddr, proxied: true}))
}

// byItself counts a request for its peer after all.
func byItself(r *http.Request) *http.Request {
	if !visitorOf(r).proxied {
		return r
	}
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, visitor{address: peerAddress(r), from: r.RemoteAddr}))
}

// trusted reports whether an address is that of a proxy whose word about its
// clients is taken. Where cages come to the same listener nobody's is.
func (g *Gateway) trusted(address netip.Addr) bool {
	return g.apart && g.isProxy(address)
}

// stranger reports whether an address may not even connect: on a listener without
// TLS that others can reach, whoever is neither this machine nor a proxy.
func (g *Gateway) stranger(address netip.Addr) bool {
	return g.certs == nil && !g.Address().Addr().IsLoopback() && !address.IsLoopback() && !g.isProxy(address)
}

func (g *Gateway) isProxy(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	for _, proxy := range g.deps.Config.Current().Config.Gateway.TrustedProxies {
		if prefix, err := netip.ParsePrefix(proxy); err == nil {
			if prefix.Contains(address) {
				return true
			}
		} else if one, err := netip.ParseAddr(proxy); err == nil && one.Unmap() == address {
			return true
		}
	}
	return false
}

// maxForwarded bounds how many entries of X-Forwarded-For are looked at.
const maxForwarded = 32

// forwardedFor returns the right-most address that no trusted proxy has: each
// proxy appends whom it saw, so whatever stands left of it is the client's own
// claim. The zero address means that nothing can be believed: an entry that is no
// address ends the walk, since whoever wrote what is left of it is unknown.
func forwardedFor(headers []string, trusted func(netip.Addr) bool) netip.Addr {
	entries := strings.Split(strings.Join(headers, ","), ",")
	var client netip.Addr
	for i := len(entries) - 1; i >= 0 && i >= len(entries)-maxForwarded; i-- {
		address, ok := forwardedAddress(strings.TrimSpace(entries[i]))
		if !ok {
			return client
		}
		client = address
		if !trusted(address) {
			return client
		}
	}
	return client
}

// forwardedAddress reads an address, with or without a port and brackets.
func forwardedAddress(text string) (netip.Addr, bool) {
	if address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")); err == nil {
		return address.Unmap().WithZone(""), true
	}
	if withPort, err := netip.ParseAddrPort(text); err == nil {
		return withPort.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

// visit counts what a client behind a proxy has open; leave is called when it has
// ended. A client that came by itself has its connection counted.
func (g *Gateway) visit(w http.ResponseWriter, r *http.Request) (leave func(), ok bool) {
	v := visitorOf(r)
	if !v.proxied {
		return func() {}, true
	}
	leave, ok = g.visits.Enter(v.address)
	if !ok {
		w.Header().Set("Retry-After", "1")
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", tooManyConnections)
	}
	return leave, ok
}

const tooManyConnections = "too many connections from this address"

// limits are the settings in force for who is counted.
func (g *Gateway) limits() limit.Settings {
	s := g.deps.Config.Current().Config.Gateway.RateLimiting
	return limit.Settings{Enabled: s.Enabled, Connections: s.MaxConnectionsPerIP, PerMinute: s.MaxRequestsPerMinute, Proxy: g.trusted}
}
