package gateway

import (
	"strings"
	"testing"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
)

// whoMayCall is who may call what: a change here is a change of somebody's rights.
func whoMayCall() map[auth.Scope]string {
	return map[auth.Scope]string{
		"": "health",
		auth.ScopeRead: `agents.list chat.history commands.list config.get logs.tail models.list openclaw.agents.list openclaw.agents.show
			openclaw.audit.search openclaw.audit.verify openclaw.bans.list openclaw.clients.list openclaw.config.status openclaw.config.validate
			openclaw.connections.list openclaw.connections.show openclaw.denials.list openclaw.events.subscribe openclaw.logs.list openclaw.overview openclaw.runs.output
			openclaw.secrets.list sessions.describe sessions.get sessions.list sessions.messages.subscribe sessions.messages.unsubscribe
			sessions.preview sessions.resolve sessions.subscribe status system-presence`,
		auth.ScopeWrite:     "agent agent.wait chat.abort chat.send sessions.abort sessions.create sessions.patch sessions.send",
		auth.ScopeApprovals: "openclaw.asks.decide openclaw.asks.list openclaw.asks.pause openclaw.asks.undo plugin.approval.list",
		auth.ScopePairing:   "device.pair.list",
		auth.ScopeQuestions: "question.list",
		auth.ScopeAdmin: `exec.approvals.get openclaw.agents.create openclaw.bans.add openclaw.bans.lift openclaw.clients.disconnect
			openclaw.clients.revoke openclaw.config.reload openclaw.config.rollback openclaw.gateway.stop openclaw.runs.stop
			openclaw.secrets.delete openclaw.secrets.rotate openclaw.secrets.set openclaw.secrets.store.create openclaw.secrets.store.lock
			openclaw.secrets.store.unlock openclaw.secrets.test openclaw.secrets.undo openclaw.token.rotate sessions.delete sessions.reset
			` + byTheOwnerOnly,
	}
}

// byTheOwnerOnly is what no token opens over TCP: runs, the vault's slots, and what
// hands out tokens.
const byTheOwnerOnly = `openclaw.asks.alike openclaw.asks.ask openclaw.asks.cancel openclaw.clients.add openclaw.logs.scrub openclaw.runs.end openclaw.runs.learned openclaw.texts.mask
	openclaw.runs.recorded openclaw.runs.report openclaw.runs.resume openclaw.runs.start openclaw.secrets.store.accept openclaw.secrets.store.add
	openclaw.secrets.store.recover openclaw.secrets.store.rekey openclaw.secrets.store.remove openclaw.secrets.store.rolled
	openclaw.secrets.store.slots openclaw.support`

// Each method is refused to a socket of every scope that does not include its own, and
// the owner's methods also to an administrator who comes over TCP.
func TestEveryMethodHasTheLeastScope(t *testing.T) {
	h := start(t, "  rate_limiting: {enabled: false}\n")
	needed, owners := map[string]auth.Scope{}, map[string]bool{}
	for scope, names := range whoMayCall() {
		for name := range strings.FieldsSeq(names) {
			needed[name] = scope
		}
	}
	for name := range strings.FieldsSeq(byTheOwnerOnly) {
		owners[name] = true
	}
	for _, m := range h.methods() {
		if scope, listed := needed[m.Name]; !listed || scope != m.Scope || owners[m.Name] != m.Local {
			t.Errorf("%s may be called with %q, by its owner only: %v", m.Name, m.Scope, m.Local)
		}
	}
	if n := len(h.methods()); n != len(needed) {
		t.Errorf("%d methods, %d of them listed", n, len(needed))
	}
	for _, has := range append(auth.AllScopes(), "operator.root") {
		if has == auth.ScopeAdmin {
			continue
		}
		c := h.remote(string(has))
		for name, scope := range needed {
			included := scope == "" || scope == has || has == auth.ScopeWrite && scope == auth.ScopeRead
			if included {
				continue
			}
			refusal := refusalOf(t, c.Call(t.Context(), name, map[string]any{}, nil))
			if refusal.Code != wire.CodeForbidden || refusal.Details["missingScope"] != string(scope) {
				t.Errorf("%s with %s: %+v", name, has, refusal)
			}
		}
	}
	admin := h.remote("operator.admin")
	for name := range owners {
		refusal := refusalOf(t, admin.Call(t.Context(), name, map[string]any{}, nil))
		if refusal.Code != wire.CodeForbidden || !strings.Contains(refusal.Message, "unix socket only") {
			t.Errorf("%s by an administrator over TCP: %+v", name, refusal)
		}
	}
}
