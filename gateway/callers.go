package gateway

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/limit"
)

// serveProvider passes a request on once it is known whose it is.
func (g *Gateway) serveProvider(w http.ResponseWriter, r *http.Request) {
	identify := g.identify
	if onEndpoint(r.Context()) {
		identify = g.identifyAgent
	}
	caller, credential, ok := identify(w, r)
	if caller.Run != "" {
		r = byItself(r) // a cage is on this machine, whatever address it claims to forward
	}
	if !ok || !g.withinRate(w, r, credential) {
		return
	}
	if g.deps.Provider == nil || g.deps.WithCaller == nil {
		writeErrorFor(w, r, http.StatusServiceUnavailable, "api_error", "this gateway has no providers")
		return
	}
	leaveVisit, ok := g.visit(w, r)
	if !ok {
		return
	}
	defer leaveVisit()
	call, ok := g.underWay.Enter(caller.Agent, r.ContentLength)
	if !ok {
		setRetryAfter(w, time.Second)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many calls are under way, or their bodies are too large together; try again when one has ended")
		return
	}
	defer call.Leave()
	if credential != "" {
		defer limit.Hold(r.Context())()
	}
	ctx, leave := g.streams.enter(r.Context(), caller, visitorOf(r).address)
	defer leave()
	if _, known := g.agents.Lookup(credential); caller.Run != "" && !known {
		leave() // the token died between the look-up and the entry
	}
	r.Body = call.Body(http.MaxBytesReader(w, r.Body, limit.MaxBody))
	g.deps.Provider.ServeHTTP(w, r.WithContext(g.deps.WithCaller(ctx, caller.Agent, caller.Run)))
}

// withinRate counts a request for the credential that was found good, whatever
// else it shows: a caller does not get more by adding a new word to each.
func (g *Gateway) withinRate(w http.ResponseWriter, r *http.Request, credential string) bool {
	retry, ok := g.limiter.Allow(g.limiter.ClientOf(visitorOf(r).address, credential))
	if !ok {
		setRetryAfter(w, retry)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many requests; gateway.rate_limiting.max_requests_per_minute sets how many")
	}
	return ok
}

// identify finds out whose request it is and by which credential, or answers it.
func (g *Gateway) identify(w http.ResponseWriter, r *http.Request) (caller auth.Caller, credential string, ok bool) {
	candidates := auth.Candidates(r)
	deadAgent := false
	for _, candidate := range candidates {
		if caller, known := g.agents.Lookup(candidate); known && peerAddress(r).IsLoopback() {
			return caller, candidate, true // cages are on this machine: from elsewhere, the token got out of one
		}
		deadAgent = deadAgent || auth.WellFormed(auth.AgentPrefix, candidate)
		if len(candidate) <= auth.MaxToken && g.token.Check(r.Context(), auth.HashOf([]byte(candidate))) {
			return auth.Caller{}, candidate, true
		}
	}
	config := g.deps.Config.Current().Config
	if open := !config.Gateway.RequireAuth; open && !deadAgent {
		if len(config.Agents) == 0 && g.registry.Running() == 0 {
			return auth.Caller{}, "", true
		}
		// A cage reaches this port too, and its agent would be taken for the
		// operator, whose calls no agent's provider limits.
		if g.withinRate(w, r, "") {
			g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "a call needs a token where the config has agents, also with require_auth: false")
		}
		return auth.Caller{}, "", false
	}
	if len(candidates) == 0 {
		if g.withinRate(w, r, "") {
			g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "no token: give the gateway's, or an agent's from 'openclaw agent run'")
		}
		return auth.Caller{}, "", false
	}
	retry, limited := g.guard.Wrong(r.Context(), visitorOf(r).address, auth.HashOf([]byte(candidates[0])))
	g.auditRefusal(r.Context(), visitorOf(r).from, r.Method+" "+r.URL.Path, "wrong token")
	switch {
	case limited:
		setRetryAfter(w, retry)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many wrong tokens")
	case deadAgent:
		g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "this agent's token is not valid: its run has ended")
	default:
		g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "wrong token")
	}
	return auth.Caller{}, "", false
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}
