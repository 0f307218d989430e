package gateway

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/hub"
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
	payer := caller.Agent
	if caller.Client != "" {
		payer = "client " + caller.Client
	}
	call, ok := g.underWay.Enter(payer, r.ContentLength)
	if !ok {
		setRetryAfter(w, time.Second)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many calls are under way, or their bodies are too large together; try again when one has ended")
		return
	}
	defer call.Leave()
	if credential != "" {
		defer limit.Hold(r.Context())()
	}
	var token auth.Hash
	if caller.Run == "" && credential != "" {
		token = auth.HashOf([]byte(credential))
	}
	ctx, leave := g.streams.enter(r.Context(), caller, token, visitorOf(r).address)
	defer leave()
	ctx = g.deps.WithCaller(withClient(ctx, caller.Client), caller.Agent, caller.Run)
	_, banned := g.bans.Load().Banned(visitorOf(r).address)
	if banned || caller.Run != "" && !g.agents.Knows(credential) || !g.holds(token) || credential == "" && g.deps.Config.Current().Config.Gateway.RequireAuth {
		leave() // the right to it died between the look-up and the entry
	}
	r.Body = call.Body(http.MaxBytesReader(w, r.Body, limit.MaxBody))
	g.whole(w, r.WithContext(ctx), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if caller.Run == "" && g.chats.serve(w, r, token) {
			return
		}
		g.deps.Provider.ServeHTTP(w, r)
	}))
}

type clientKey struct{}

func withClient(ctx context.Context, name string) context.Context {
	if name == "" {
		return ctx
	}
	return context.WithValue(ctx, clientKey{}, name)
}

// ClientOf is the named client whose token let a call in, for Deps.WithCaller;
// empty: it was none's.
func ClientOf(ctx context.Context) string {
	name, _ := ctx.Value(clientKey{}).(string)
	return name
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

// socketRoom counts a request over a socket: for its token, apart from the calls over
// HTTP, and of an address elsewhere with them. The unix socket is not limited.
func (g *Gateway) socketRoom(c *hub.Conn) (retryAfter time.Duration, ok bool) {
	if c.Peer.Kind == hub.KindUnix {
		return 0, true
	}
	return g.limiter.Allow(g.limiter.ClientOf(c.Peer.Address, "socket "+string(c.Admission.Token[:])))
}

// identify finds out whose request it is and by which credential, or answers it.
func (g *Gateway) identify(w http.ResponseWriter, r *http.Request) (caller auth.Caller, credential string, ok bool) {
	candidates := auth.Candidates(r)
	deadAgent := false
	var wrong judgement // the first one that was something once, or else the first
	for _, candidate := range candidates {
		if caller, known := g.agents.Lookup(candidate); known && peerAddress(r).IsLoopback() {
			return caller, candidate, true // cages are on this machine: from elsewhere, the token got out of one
		}
		deadAgent = deadAgent || auth.WellFormed(auth.AgentPrefix, candidate)
		judged := g.judge(r.Context(), candidate)
		switch {
		case judged.standing == auth.Good && judged.client.Name == "":
			return auth.Caller{}, candidate, true
		case judged.standing == auth.Good && !judged.client.Scopes.Has(auth.ScopeWrite):
			g.refuse(w, r, http.StatusForbidden, "permission_error", "the token of client "+judged.client.Name+" lacks the scope operator.write, which a model call needs")
			return auth.Caller{}, "", false
		case judged.standing == auth.Good:
			return auth.Caller{Client: judged.client.Name}, candidate, true
		case wrong.hash.Zero() || wrong.standing == auth.Unknown && judged.standing != auth.Unknown:
			wrong = judged
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
	if g.awaited(w, r, candidates) {
		return auth.Caller{}, "", false
	}
	retry, limited := g.guard.Wrong(r.Context(), visitorOf(r).address, wrong.hash)
	text, _, _ := wrong.words()
	r = withID(r)
	g.auditRefusal(r.Context(), visitorOf(r).from, r.Method+" "+r.URL.Path, text)
	switch {
	case limited:
		setRetryAfter(w, retry)
		g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", "too many wrong tokens")
	case deadAgent:
		g.refuse(w, r, http.StatusUnauthorized, "authentication_error", "this agent's token is not valid: its run has ended")
	default:
		g.refuseToken(w, r, wrong)
	}
	return auth.Caller{}, "", false
}

// comeBack is how long after a start the runs of the gateway before it may take to be
// taken back. Their supervisors try once a second.
const comeBack = 15 * time.Second

// awaited answers a request that may be of such a run: it is to be sent again. A 401
// would be the end of the client's login, and of the agent's work with it. Nothing but
// agents' tokens may be shown, so that nobody guesses others meanwhile.
func (g *Gateway) awaited(w http.ResponseWriter, r *http.Request, candidates []string) bool {
	if g.uptime() >= comeBack || !peerAddress(r).IsLoopback() {
		return false
	}
	for _, candidate := range candidates {
		if !g.agents.MayComeBack(candidate) {
			return false
		}
	}
	if g.withinRate(w, r, "") {
		setRetryAfter(w, time.Second)
		writeErrorFor(w, r, http.StatusServiceUnavailable, "api_error", "the gateway has just started, and this agent's run is not back at it yet; try again")
	}
	return true
}

func setRetryAfter(w http.ResponseWriter, d time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(d.Seconds()))))
}
