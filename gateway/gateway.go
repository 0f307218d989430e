package gateway

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/budget"
	"openclaw/gateway/certs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/limit"
	"openclaw/gateway/registry"
	"openclaw/gateway/trail"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

const (
	tokenLook = 10 * time.Second       // between two looks at the token's source
	runLook   = 250 * time.Millisecond // between two looks at runs that lost their supervisor, while there are any
	spoolLook = 2 * time.Second        // between two looks at the spool
	lastWord  = 50 * time.Millisecond  // for the answer to "stop"
)

// Gateway is one gateway of one state folder. Make it with New, run it once.
type Gateway struct {
	deps     Deps
	log      *slog.Logger
	boot     string
	started  time.Time
	ready    chan struct{}
	stopping chan struct{}
	stopOnce sync.Once

	token        *auth.GatewayToken
	tokens       atomic.Pointer[auth.Tokens] // those of before from Run on
	observing    sync.Mutex                  // held while tokens is told of token
	rotating     sync.Mutex                  // held while the gateway's token is replaced
	keysRotating sync.Mutex                  // held while a provider's key is replaced
	stuck        atomic.Bool                 // the gateway's token is too old, and could not be replaced
	agents       *auth.AgentTokens
	guard        *auth.Guard
	limiter      *limit.Limiter
	visits       *limit.Visits
	apart        bool                       // agents have an endpoint of their own; set before the first connection
	bans         atomic.Pointer[limit.Bans] // those of before from Run on
	underWay     *limit.Calls
	budgets      atomic.Pointer[budget.Budgets] // those of before from Run on
	overspent    *overspent
	streams      *streams
	shown        *traces // in the log and on the screen
	recorded     *traces // in the audit log
	carried      *traces // of connections out of cages, in the audit log
	trails       *trail.Trails
	registry     *registry.Registry
	hub          *hub.Hub
	upgrader     *websocket.Upgrader
	runs         *runs
	asks         *asks
	vaultTime    *vaultTime
	chats        *chats
	watchers     watchers
	tokenDue     chan struct{} // one slot: look at the token's source now
	endDue       chan struct{} // one slot: look at the ends of tokens now
	certs        *certs.Server // set by Run before it listens; nil: no TLS

	mu            sync.Mutex // guards the fields below
	running       bool
	address       netip.AddrPort
	agentsAddress netip.AddrPort // zero: agents use address
	chain         chainLook
}

// New composes a gateway. It opens nothing.
func New(deps Deps) (*Gateway, error) {
	deps, err := deps.complete()
	if err != nil {
		return nil, err
	}
	boot, err := newID()
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		deps: deps, log: deps.Log.With(slog.String("source", "gateway")), boot: boot, started: deps.Now(),
		ready: make(chan struct{}), stopping: make(chan struct{}),
		token: auth.NewGatewayToken(deps.Token, deps.Now), agents: auth.NewAgentTokens(), guard: auth.NewGuard(deps.Now, nil),
		watchers: watchers{cancel: map[string]context.CancelFunc{}}, tokenDue: make(chan struct{}, 1), endDue: make(chan struct{}, 1),
	}
	g.limiter, g.underWay = limit.New(g.limits, deps.Now), limit.NewCalls()
	g.visits = limit.NewVisits(g.limits)
	g.bans.Store(limit.NewBans(nil, deps.Now, nil))
	g.tokens.Store(auth.NewTokens(auth.Saved{}, auth.NewClock(deps.Now, nil, time.Time{}), nil))
	g.budgets.Store(budget.New(budget.State{}, deps.Now, nil))
	g.overspent = newOverspent()
	g.streams = newStreams()
	g.shown, g.recorded, g.carried = newTraces(deps.Now), newTraces(deps.Now), newTraces(deps.Now)
	g.trails = trail.New(deps.Now)
	g.registry = registry.New(registry.Options{Publish: deps.Bus.Publish, Audit: g.auditDenial, Agent: g.agentRow, Mask: deps.Masker.Text, Now: deps.Now})
	g.runs = newRuns(g)
	g.asks = newAsks(g)
	g.vaultTime = newVaultTime(deps.Now)
	g.chats = newChats(g)
	g.chain = newChainLook()
	g.upgrader = newUpgrader()
	table, err := hub.NewTable(g.methods()...)
	if err != nil {
		return nil, err
	}
	g.hub = hub.New(hub.Options{
		Table: table, Admit: g.admit, Room: g.socketRoom, Snapshot: g.snapshot, Opened: g.opened, Closed: g.closed, Refused: g.refusedSocket, Served: g.served,
		Version: deps.Version, BootID: boot, Log: g.log, Now: deps.Now, Limits: deps.Limits, Mask: deps.Masker.Text,
		Events: []string{wire.EventChallenge, wire.EventTick, wire.EventShutdown, wire.EventName, wire.EventPolicy, wire.EventRunStop, wire.EventRunCut, wire.EventAskVerdict, wire.EventAskTakenBack,
			wire.EventChat, wire.EventAgent, wire.EventSessionsChanged, wire.EventSessionMessage},
	})
	return g, nil
}

func newID() (string, error) {
	var b [8]byte
	_, err := rand.Read(b[:])
	return hex.EncodeToString(b[:]), err
}

// Ready is closed when both listeners serve.
func (g *Gateway) Ready() <-chan struct{} { return g.ready }

// Address is where the gateway listens for TCP; the zero value before it does.
func (g *Gateway) Address() netip.AddrPort {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.address
}

// Stopping is closed by Stop.
func (g *Gateway) Stopping() <-chan struct{} { return g.stopping }

// Stop asks Run to end, as the end of its context does.
func (g *Gateway) Stop() { g.stopOnce.Do(func() { close(g.stopping) }) }

func (g *Gateway) site() auth.Site {
	s := g.deps.Config.Current().Config.Gateway
	return auth.Site{Port: g.Address().Port(), Secure: g.certs != nil, Hosts: append(g.ownHosts(), s.AllowedHosts...), Origins: s.AllowedOrigins}
}

// Run serves until ctx ends or a client asks it to stop, and returns nil then.
// A start that fails is an *Error with a Hint. It may be called once.
func (g *Gateway) Run(ctx context.Context) (err error) {
	g.mu.Lock()
	if g.running {
		g.mu.Unlock()
		return errors.New("run gateway: it ran already")
	}
	g.running = true
	g.mu.Unlock()

	snapshot := g.deps.Config.Current()
	if err := startable(snapshot); err != nil {
		return err
	}
	if err := keychain.WriteNoCore(); err != nil {
		g.log.Warn("core files of this process cannot be switched off", slog.Any("error", err))
	}
	if err := g.deps.Layout.Make(); err != nil {
		return &Error{Op: "make state folder", Kind: KindFailed, Err: err, Hint: "check who owns " + g.deps.Layout.Root + " and that the disk is not full"}
	}
	if g.deps.Lock == nil {
		lock, err := TakeLock(g.deps.Layout.Lock())
		if err != nil {
			return err
		}
		defer lock.Release()
	}
	if err := g.openBans(); err != nil {
		return err
	}
	if err := g.openTokens(); err != nil {
		return err
	}
	if err := g.openBudgets(); err != nil {
		return err
	}
	if err := g.openCertificates(snapshot.Config.Gateway.TLS); err != nil {
		return err
	}
	g.recall(ctx)
	servers, err := g.listen(snapshot)
	if err != nil {
		return err
	}
	defer servers.close()
	if err := g.deps.Audit(ctx, AuditEntry{Event: "gateway_start", User: "operator", IP: "unix", Action: "start", Result: "success",
		Details: map[string]any{"version": g.deps.Version, "address": g.Address().String()}}); err != nil {
		return &Error{Op: "write audit log", Kind: KindFailed, Err: err, Hint: "the gateway does not run without its audit log: check the disk and audit.log_path"}
	}
	cancelConfig, err := g.deps.Config.SubscribeSince(snapshot, configs.Subscriber{Name: "gateway", Check: g.checkConfig, Apply: g.applyConfig, Changed: g.configChanged})
	if err != nil {
		return &Error{Op: "start gateway", Kind: KindRefused, Err: err, Hint: "the config changed while the gateway started: openclaw config validate"}
	}
	defer cancelConfig()

	// The parts live until everything that uses them has ended: they have a
	// context of their own.
	parts, endParts := context.WithCancel(context.WithoutCancel(ctx))
	defer endParts()
	var group sync.WaitGroup
	group.Go(func() { _ = g.registry.Run(parts) })
	group.Go(func() { g.recallRuns(parts) })
	group.Go(func() { g.lookAtToken(parts) })
	group.Go(func() { g.cutAtEnds(parts) })
	group.Go(func() { g.runs.watch(parts) })
	group.Go(func() { g.watchCertificates(parts) })
	group.Go(func() { g.saveBudgets(parts) })
	group.Go(func() { g.watchVault(parts) })
	group.Go(func() { _ = g.asks.inbox.Run(parts) })
	sockets, endSockets := context.WithCancel(parts)
	defer endSockets()
	var hubGone sync.WaitGroup
	hubGone.Go(func() { _ = g.hub.Run(sockets) })
	failed := servers.serve()
	close(g.ready)
	g.log.Info("the gateway is ready", slog.String("address", g.Address().String()))

	select {
	case <-ctx.Done():
	case <-g.stopping:
		pause(lastWord)
	case err = <-failed:
		err = &Error{Op: "serve", Kind: KindFailed, Err: err}
	}
	g.log.Info("the gateway stops")
	endSockets()
	servers.shutdown(g.deps.Grace)
	hubGone.Wait()
	g.watchers.wait()
	g.asks.waiting.Wait()
	g.chats.stop()
	g.tellRefusals(parts)
	if !g.tokens.Load().Next().IsZero() {
		if rememberErr := g.tokens.Load().Remember(); rememberErr != nil {
			g.log.Error("the time could not be saved", slog.Any("error", rememberErr))
		}
	}
	g.overspent.tell(g)
	// What stays of a stop must be written even though its context has ended.
	if auditErr := g.deps.Audit(parts, AuditEntry{Event: "gateway_stop", User: "operator", IP: "unix", Action: "stop", Result: "success"}); auditErr != nil {
		g.log.Error("the stop could not be audited", slog.Any("error", auditErr))
	}
	endParts()
	group.Wait()
	if owed := g.registry.Owed(); owed > 0 {
		g.log.Error("refusals are on no record: the audit log could not be written", slog.Int("count", owed))
	}
	return err
}

func pause(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}

// startable refuses a config whose protections this program cannot give.
func startable(snapshot *configs.Snapshot) error {
	for _, p := range snapshot.Refusals() {
		return &Error{Op: "start gateway", Kind: KindRefused, Err: errors.New(p.String()), Hint: p.Hint}
	}
	settings := snapshot.Config.Gateway
	address, err := hostAddress(settings.Host)
	switch {
	case err != nil:
		return &Error{Op: "start gateway", Kind: KindRefused, Err: err, Hint: "write an address of this machine, such as 127.0.0.1"}
	case address.IsLoopback():
		return nil
	case !settings.RequireAuth:
		return &Error{Op: "start gateway", Kind: KindRefused, Err: fmt.Errorf("gateway.host %s can be reached from elsewhere, and require_auth is false", settings.Host), Hint: "write require_auth: true, or host: 127.0.0.1"}
	case !settings.TLS.Enabled && (!settings.BehindProxy || len(settings.TrustedProxies) == 0):
		return &Error{Op: "start gateway", Kind: KindRefused, Err: fmt.Errorf("gateway.host %s can be reached from elsewhere, and TLS is off", settings.Host),
			Hint: "turn gateway.tls on ('openclaw cert issue server HOST' makes a certificate), or write behind_proxy: true with the proxy's address in trusted_proxies, or host: 127.0.0.1"}
	}
	return nil
}

// hostAddress is the address of gateway.host.
func hostAddress(host string) (netip.Addr, error) {
	if host == "localhost" || host == "" {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	address, err := netip.ParseAddr(host)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("gateway.host %s is not an address", host)
	}
	return address.Unmap(), nil
}

// lookAtToken keeps up with the token's source and its age, and tells of refusals
// that wait to be told. It asks the keychain, which may hang.
func (g *Gateway) lookAtToken(ctx context.Context) {
	var age ageWatch
	for said := ""; ; {
		problem := ""
		if err := g.refreshToken(ctx); err != nil {
			problem = err.Error()
		}
		if problem != "" && problem != said && ctx.Err() == nil {
			g.log.Warn("the gateway token could not be read: TCP clients are refused, the unix socket works", slog.String("error", problem))
		}
		said = problem
		g.watchAge(ctx, &age)
		g.tellRefusals(ctx)
		timer := time.NewTimer(g.nextLook())
		g.overspent.tell(g)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-g.tokenDue:
		}
		timer.Stop()
	}
}

// cutAtEnds cuts what a token let in that is over, at its end and not at the next
// look. It asks nobody but the clock: a keychain that hangs holds no socket open.
func (g *Gateway) cutAtEnds(ctx context.Context) {
	for {
		g.cutTokens()
		wait, tokens := tokenLook, g.tokens.Load()
		if next := tokens.Next(); !next.IsZero() {
			wait = min(wait, max(next.Sub(tokens.Now()), soonestLook))
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		case <-g.endDue:
		}
		timer.Stop()
	}
}

// lookSoon makes lookAtToken and cutAtEnds look now, and does not wait for them.
func (g *Gateway) lookSoon() {
	for _, due := range []chan struct{}{g.tokenDue, g.endDue} {
		select {
		case due <- struct{}{}:
		default:
		}
	}
}

func (g *Gateway) refreshToken(ctx context.Context) error {
	_, err := g.renewToken(ctx)
	return err
}

// renewToken asks the token's source, and ends what is not let in any more.
func (g *Gateway) renewToken(ctx context.Context) (cut int, err error) {
	_, err = g.token.Refresh(ctx)
	g.observe()
	return g.cutTokens(), err
}

func (g *Gateway) notice(level, text string) {
	g.deps.Bus.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{Level: level, Text: g.deps.Masker.Text(text)}})
}
