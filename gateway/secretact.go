package gateway

import (
	"context"
	"log/slog"

	"openclaw/keychain"
)

// secretAct is something that is done to secrets. It is on record before it is tried, as
// allowed; that it failed is on record as well, so that no record says more than
// happened, and who tries passphrases is seen.
type secretAct struct {
	g     *Gateway
	from  string
	entry AuditEntry
}

// beginSecretAct records what is about to be tried. Without a record nothing is: what was
// not done is told by otherwise.
func (g *Gateway) beginSecretAct(ctx context.Context, from string, entry AuditEntry, otherwise string) (*secretAct, error) {
	entry.Event, entry.Result = "secret_access", "allowed"
	if err := g.auditAct(ctx, from, entry); err != nil {
		return nil, notAudited(otherwise)
	}
	return &secretAct{g, from, entry}, nil
}

// failed records that the act failed and gives the error for the client. The act is over,
// so a record that cannot be written changes nothing any more, and is told.
func (a *secretAct) failed(ctx context.Context, err error) error {
	refusal := secretRefusal(err)
	entry := a.entry
	entry.Result, entry.Reason = "failure", refusal.Error()
	if keychain.KindOf(err) == keychain.KindRolledBack {
		entry.Result = "denied" // a restored backup, or an attack
		a.g.notice("error", "the vault file is refused: "+err.Error())
	}
	if err := a.g.auditAct(context.WithoutCancel(ctx), a.from, entry); err != nil {
		a.g.log.Error("a failed act on secrets could not be audited", slog.Any("error", err))
		a.g.notice("error", "the audit log cannot be written: "+err.Error())
	}
	return refusal
}
