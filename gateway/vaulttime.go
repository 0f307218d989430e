package gateway

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

const (
	vaultLook    = time.Second          // between two looks at the clock, which may jump
	longestVault = 365 * 24 * time.Hour // of an unlock with a time limit
)

// vaultTime is when the gateway forgets the vault's key. Its clock follows the wall
// clock ahead, so that a machine that slept or whose clock was set right has lost
// the key, and never goes back, so that nobody gains time by setting it.
type vaultTime struct {
	clock *auth.Clock
	armed chan struct{} // one slot: until was set

	changing sync.Mutex // held while the vault is unlocked or locked, and until is set with it

	mu    sync.Mutex // guards until
	until time.Time  // zero: no limit
}

func newVaultTime(now func() time.Time) *vaultTime {
	return &vaultTime{clock: auth.NewClock(now, nil, time.Time{}), armed: make(chan struct{}, 1)}
}

// limit ends an unlock after so long; 0 is never.
func (v *vaultTime) limit(length time.Duration) {
	v.mu.Lock()
	v.until = time.Time{}
	if length > 0 {
		v.until = v.clock.Now().Add(length)
	}
	v.mu.Unlock()
	select {
	case v.armed <- struct{}{}:
	default:
	}
}

// left is how long the unlock lasts still; limited is false for one without end.
func (v *vaultTime) left() (left time.Duration, limited bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.until.IsZero() {
		return 0, false
	}
	return v.until.Sub(v.clock.Now()), true
}

func (v *vaultTime) end() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.until
}

// storeStatus is the store's state, with when it is forgotten.
func (g *Gateway) storeStatus() event.SecretStore {
	status := g.deps.SecretStatus()
	if status.State == "unlocked" {
		status.Until = g.vaultTime.end()
	}
	return status
}

// watchVault locks the vault at the end of its time.
func (g *Gateway) watchVault(ctx context.Context) {
	v := g.vaultTime
	for {
		wait := time.Duration(-1)
		if left, limited := v.left(); limited {
			if left <= 0 {
				g.endVaultTime(ctx)
				continue
			}
			wait = min(left, vaultLook)
		}
		var due <-chan time.Time
		var timer *time.Timer
		if wait > 0 {
			timer = time.NewTimer(wait)
			due = timer.C
		}
		select {
		case <-ctx.Done():
		case <-due:
		case <-v.armed:
		}
		if timer != nil {
			timer.Stop()
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// endVaultTime locks the vault, unless somebody unlocked it anew meanwhile. It is
// forgotten also when that cannot be recorded.
func (g *Gateway) endVaultTime(ctx context.Context) {
	v := g.vaultTime
	v.changing.Lock()
	defer v.changing.Unlock()
	if left, limited := v.left(); !limited || left > 0 {
		return
	}
	g.deps.Vault.Lock()
	v.limit(0)
	g.log.Info("the vault is locked: its time is over")
	g.notice("info", "the vault is locked, its time is over: what needs a secret is refused until it is unlocked")
	entry := AuditEntry{Event: "secret_access", User: "gateway", IP: "local", Action: "lock vault", Result: "success", Reason: "its time is over"}
	if err := g.deps.Audit(ctx, entry); err != nil {
		g.log.Error("the end of an unlock could not be audited", slog.Any("error", err))
	}
}

// vaultLength reads the length of an unlock.
func vaultLength(params wire.StoreUnlockParams) (time.Duration, error) {
	if params.Seconds < 0 || params.Seconds > int64(longestVault/time.Second) {
		return 0, wire.Invalid("seconds must be 0, which is as long as the gateway runs, to 31,536,000, which is a year")
	}
	return time.Duration(params.Seconds) * time.Second, nil
}
