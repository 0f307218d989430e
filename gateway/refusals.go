package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// How many refusals are logged, shown and audited one by one, and how many connections
// out of cages are audited so: a stranger, or an agent, may ask thousands of times a
// second and must not fill the disk, nor push everything else out of the log. Those past
// it are counted, and the next line says how many they were.
const (
	refusalsAtOnce    = 200
	refusalsPerSecond = 5
)

// traces bounds the trace that what others do leaves. It is safe for concurrent use.
type traces struct {
	now func() time.Time

	mu      sync.Mutex // guards the fields below
	room    *rate.Limiter
	counted int // since the last one that left a trace
}

func newTraces(now func() time.Time) *traces {
	return &traces{now: now, room: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)}
}

// take reports whether one more may leave a trace, and how many did not before
// it.
func (r *traces) take() (before int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.room.AllowN(r.now(), 1) {
		r.counted++
		return 0, false
	}
	before, r.counted = r.counted, 0
	return before, true
}

// left returns how many left no trace and were not told yet.
func (r *traces) left() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := r.counted
	r.counted = 0
	return n
}

// refuse answers, and shows the refusal.
func (g *Gateway) refuse(w http.ResponseWriter, r *http.Request, status int, kind, message string) {
	v := visitorOf(r)
	g.strike(v.address)
	g.showRefusal(event.Connection{
		ID: hub.IDOf(r.Context()), Kind: event.ConnectionHTTP, From: v.from, Route: short(g.deps.Masker.Text(r.Method + " " + r.URL.Path)), Status: status, Detail: message,
	}, v.address, "a request was refused", slog.Int("status", status), slog.String("path", short(g.deps.Masker.Text(r.URL.Path))))
	writeErrorFor(w, r, status, kind, message)
}

// withID names a request that will be refused, so that its record and what is shown of
// it are found by one id.
func withID(r *http.Request) *http.Request {
	id, err := newID()
	if err != nil {
		return r // they are shown apart
	}
	return r.WithContext(hub.WithID(r.Context(), id))
}

// refusedSocket shows a socket that did not get in.
func (g *Gateway) refusedSocket(id string, peer hub.Peer, client wire.ClientInfo, reason string) {
	g.strike(peer.Address)
	g.showRefusal(event.Connection{
		ID: id, Kind: peer.Kind, From: peer.From, PID: peer.PID, Client: clientName(client), Route: "protocol 4", Detail: reason,
	}, peer.Address, "a socket was refused", slog.String("client", client.ID))
}

// showRefusal logs and shows a refusal, while there is room. The address stands in
// the log under its own key: fail2ban reads it there.
func (g *Gateway) showRefusal(row event.Connection, address netip.Addr, message string, attributes ...any) {
	before, ok := g.shown.take()
	if !ok {
		return
	}
	if before > 0 {
		g.log.Warn("refusals were not shown one by one", slog.Int("count", before))
	}
	g.log.With(attributes...).Warn(message, slog.String("ip", address.String()), slog.String("from", row.From), slog.String("reason", row.Detail)) //nolint:sloglint // the two callers' messages are constants
	if row.ID == "" {
		var err error
		if row.ID, err = newID(); err != nil {
			return
		}
	}
	row.State = "refused"
	g.registry.Connection(row)
}

// auditRefusal records that somebody was not let in, while there is room.
func (g *Gateway) auditRefusal(ctx context.Context, from, action, reason string) {
	before, ok := g.recorded.take()
	if !ok {
		return
	}
	g.auditAccess(ctx, from, action, "denied", reason, before, nil)
}

// tellRefusals puts those that left no trace so far on record.
func (g *Gateway) tellRefusals(ctx context.Context) {
	if n := g.shown.left(); n > 0 {
		g.log.Warn("refusals were not shown one by one", slog.Int("count", n))
	}
	if n := g.carried.left(); n > 0 {
		if err := g.auditAct(ctx, "local", AuditEntry{
			Event: "authorization", Action: "several", Reason: "too many connections to be recorded one by one", Details: map[string]any{"others": n},
		}); err != nil {
			g.log.Error("connections could not be audited", slog.Any("error", err))
		}
	}
	if n := g.recorded.left(); n > 0 {
		g.auditAccess(ctx, "local", "several", "denied", "too many to be recorded one by one", n, nil)
	}
}
