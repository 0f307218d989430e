package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/limit"
)

// agentsApart reports whether agents need an endpoint of their own: what runs in
// a cage speaks plain HTTP to an address in 127.0.0.0/8, so the listener itself
// serves only where it is that. Where a proxy is trusted they have one too: a
// program in a cage comes from this machine, as the proxy does, and would else be
// believed about whom it speaks for.
func (g *Gateway) agentsApart(settings configs.Gateway, host netip.Addr) bool {
	return g.certs != nil || !host.Is4() || !host.IsLoopback() || len(settings.TrustedProxies) > 0
}

// AgentsAddress is where agents reach the gateway, over plain HTTP from this
// machine only; the zero value before it listens.
func (g *Gateway) AgentsAddress() netip.AddrPort {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.agentsAddress.IsValid() {
		return g.agentsAddress
	}
	return g.address
}

// listenAgents opens the endpoint at the port that it had the last time, if that
// is free: the cages of a gateway before this one know no other.
func (g *Gateway) listenAgents() (net.Listener, error) {
	path := g.deps.Layout.AgentsPort()
	local := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	listener, bound, err := listenTCP(netip.AddrPortFrom(local, rememberedPort(path)))
	if err != nil {
		if listener, bound, err = listenTCP(netip.AddrPortFrom(local, 0)); err != nil {
			return nil, err
		}
	}
	if err := rememberPort(path, bound.Port()); err != nil {
		g.log.Warn("the port of the agents' endpoint was not kept: agents that run now lose the gateway when it starts again", "error", err.Error())
	}
	g.mu.Lock()
	g.agentsAddress = bound
	g.mu.Unlock()
	return listener, nil
}

// rememberedPort is 0, any port, where none or nothing sensible was kept.
func rememberedPort(path string) uint16 {
	text, err := os.ReadFile(path)
	if err != nil || len(text) > 8 {
		return 0
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16)
	if err != nil || port < 1024 {
		return 0
	}
	return uint16(port)
}

func rememberPort(path string, port uint16) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".agents.port.*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = fmt.Fprintf(f, "%d\n", port)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	return err
}

type endpointKey struct{}

// agentsHandler serves the endpoint: providers to agents' tokens, and /health. No
// other credential opens anything here, because it would cross the machine in the
// clear, and no config makes it open.
func (g *Gateway) agentsHandler() http.Handler {
	return g.recovered(func(w http.ResponseWriter, r *http.Request) {
		hardened(w)
		boundBody(w, r)
		if limit.Over(r.Context()) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "1")
			g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many connections to the agents' endpoint")
			return
		}
		site := auth.Site{Port: g.AgentsAddress().Port()}
		switch path := r.URL.Path; {
		case !site.CheckHost(r.Host):
			g.refuse(w, r, http.StatusMisdirectedRequest, "invalid_request_error", "the agents' endpoint does not answer to that Host")
		case len(r.Header.Values("Origin")) != 0 || !auth.CheckFetchSite(r.Header):
			g.refuse(w, r, http.StatusForbidden, "permission_error", "web pages may not use the agents' endpoint")
		case g.serveHealth(w, r):
		case isProviderRoute(path) && climbs(path):
			g.refuse(w, r, http.StatusBadRequest, "invalid_request_error", "the path climbs out of its provider")
		case isProviderRoute(path):
			g.serveProvider(w, r.WithContext(context.WithValue(r.Context(), endpointKey{}, true)))
		default:
			g.serveNothing(w, r)
		}
	})
}

// onEndpoint reports whether a request came to the agents' endpoint.
func onEndpoint(ctx context.Context) bool { return ctx.Value(endpointKey{}) != nil }

// identifyAgent is identify where only agents may call.
func (g *Gateway) identifyAgent(w http.ResponseWriter, r *http.Request) (caller auth.Caller, credential string, ok bool) {
	candidates := auth.Candidates(r)
	ended := false
	for _, candidate := range candidates {
		if caller, known := g.agents.Lookup(candidate); known {
			return caller, candidate, true
		}
		ended = ended || auth.WellFormed(auth.AgentPrefix, candidate)
	}
	if len(candidates) == 0 {
		if g.withinRate(w, r, "") {
			g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "no token: this endpoint takes an agent's, from 'openclaw agent run'")
		}
		return auth.Caller{}, "", false
	}
	if g.awaited(w, r, candidates) {
		return auth.Caller{}, "", false
	}
	retry, limited := g.guard.Wrong(r.Context(), peerAddress(r), auth.HashOf([]byte(candidates[0])))
	r = withID(r)
	g.auditRefusal(r.Context(), r.RemoteAddr, r.Method+" "+r.URL.Path, "wrong token")
	switch {
	case limited:
		setRetryAfter(w, retry)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many wrong tokens")
	case ended:
		g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "this agent's token is not valid: its run has ended")
	default:
		g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "this endpoint takes agents' tokens only; the gateway's token goes to its TLS port")
	}
	return auth.Caller{}, "", false
}
