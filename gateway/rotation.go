package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

const (
	day           = 24 * time.Hour
	rememberTime  = 10 * time.Minute // between two times that the clock is saved, while a token nears its end
	soonestLook   = time.Millisecond
	rotationAgain = 10 * time.Minute // after a rotation that failed
)

// ownedToken is the secret in the store that is the gateway's token; empty where
// it comes from elsewhere and the gateway cannot replace it.
func ownedToken(config *configs.Config) string {
	return storedName(config.Gateway.Token, gatewayTokenName)
}

// tokenEnd is when the gateway's token is too old; zero when it never is.
func (g *Gateway) tokenEnd() time.Time {
	rotation := g.deps.Config.Current().Config.Gateway.TokenRotation
	created := g.tokens.Load().Created()
	if !rotation.Enabled || created.IsZero() {
		return time.Time{}
	}
	return created.Add(time.Duration(rotation.IntervalDays) * day)
}

// presentStanding is what the gateway's present token is worth to a new
// connection.
func (g *Gateway) presentStanding() auth.Standing {
	if !g.deps.Config.Current().Config.Gateway.TokenRotation.Enforce {
		return auth.Good
	}
	end := g.tokenEnd()
	if end.IsZero() || g.tokens.Load().Now().Before(end) {
		return auth.Good
	}
	if ownedToken(g.deps.Config.Current().Config) != "" && !g.stuck.Load() {
		return auth.Good // it is being replaced right now, and the old one has a grace period
	}
	return auth.Expired
}

// ageWatch says how the token's age is, each sentence once a day.
type ageWatch struct {
	said       string
	at         time.Time
	tried      time.Time // of a rotation that failed
	remembered time.Time
	next       time.Time // the next end of a token
}

// watchAge announces the end of the gateway's token, and replaces it then.
func (g *Gateway) watchAge(ctx context.Context, w *ageWatch) {
	tokens := g.tokens.Load()
	now := tokens.Now()
	passed := !w.next.IsZero() && !now.Before(w.next)
	w.next = tokens.Next()
	if passed || !w.next.IsZero() && now.Sub(w.remembered) >= rememberTime {
		w.remembered = now // what has ended stays ended, whatever the clock says at the next start
		if err := tokens.Remember(); err != nil {
			g.log.Error("the time could not be saved", slog.Any("error", err))
		}
	}
	end := g.tokenEnd()
	if end.IsZero() {
		g.stuck.Store(false)
		return
	}
	config := g.deps.Config.Current().Config
	rotation, owned := config.Gateway.TokenRotation, ownedToken(config) != ""
	left := end.Sub(now)
	switch {
	case left > time.Duration(rotation.NotifyBeforeDays)*day:
		return
	case left > 0 && owned:
		g.sayAge(w, now, fmt.Sprintf("the gateway token ends on %s and is then replaced; the old one is taken for %d hours more", end.UTC().Format(time.DateOnly), rotation.GraceHours))
	case left > 0:
		g.sayAge(w, now, fmt.Sprintf("the gateway token ends on %s; replace it where it comes from (%s)", end.UTC().Format(time.DateOnly), config.Gateway.Token))
	case owned:
		if now.Sub(w.tried) < rotationAgain && g.stuck.Load() {
			return
		}
		w.tried = now
		_, err := g.rotate(ctx, "local", time.Duration(rotation.GraceHours)*time.Hour)
		g.stuck.Store(err != nil)
		if err != nil {
			g.log.Error("the gateway token is too old and could not be replaced", slog.Any("error", err))
			g.notice("error", "the gateway token is too old and could not be replaced: "+err.Error())
		}
	default:
		text := fmt.Sprintf("the gateway token is older than %d days; replace it where it comes from (%s)", rotation.IntervalDays, config.Gateway.Token)
		if rotation.Enforce {
			text += "; until then new connections with it are refused"
		}
		g.sayAge(w, now, text)
	}
}

func (g *Gateway) sayAge(w *ageWatch, now time.Time, text string) {
	if w.said == text && now.Sub(w.at) < day {
		return
	}
	w.said, w.at = text, now
	g.log.Warn("the gateway token nears its end", slog.String("reason", text))
	g.notice("warn", text)
}

// nextLook is how long nothing about tokens happens by itself.
func (g *Gateway) nextLook() time.Duration {
	tokens := g.tokens.Load()
	wait, now := tokenLook, tokens.Now()
	for _, at := range []time.Time{tokens.Next(), g.tokenEnd()} {
		if d := at.Sub(now); !at.IsZero() && d > 0 && d < wait {
			wait = d
		}
	}
	return max(wait, soonestLook)
}

// rotate replaces the gateway's token: recorded, the end of the old one saved,
// and then stored. In whatever moment the gateway dies, the token that is stored
// opens it again.
func (g *Gateway) rotate(ctx context.Context, from string, grace time.Duration) (wire.TokenRotated, error) {
	config := g.deps.Config.Current().Config
	name := ownedToken(config)
	if name == "" {
		return wire.TokenRotated{}, wire.Unavailable("the gateway's token comes from "+config.Gateway.Token.String()+", which the gateway cannot write",
			"put a new one there ('openclaw gateway --generate-token' prints one), or write gateway_token: keychain://openclaw/"+gatewayTokenName)
	}
	g.rotating.Lock()
	defer g.rotating.Unlock()
	_, err := g.token.Refresh(ctx)
	if err != nil && !errors.Is(err, &keychain.Error{Kind: keychain.KindNotFound}) {
		return wire.TokenRotated{}, secretRefusal(err)
	}
	g.observe()
	act, err := g.beginSecretAct(ctx, from, AuditEntry{Action: "rotate", Target: name, Details: map[string]any{"grace_hours": int(grace / time.Hour)}}, "the token was not replaced")
	if err != nil {
		return wire.TokenRotated{}, err
	}
	next := keychain.NewSecret([]byte(auth.GenerateToken()))
	defer next.Wipe()
	hash := auth.HashOf(next.Reveal())
	g.deps.Masker.Add(name, next.Reveal())
	until, lasts, undo, err := g.tokens.Load().BeginRotation(grace)
	if err != nil {
		return wire.TokenRotated{}, act.failed(ctx, wire.Unavailable("the end of the old token could not be saved: nothing was changed", "check the disk and "+g.deps.Layout.State()))
	}
	if err := g.deps.Secrets.Set(ctx, name, next); err != nil {
		undo()
		return wire.TokenRotated{}, act.failed(ctx, err)
	}
	cut, err := g.renewToken(ctx)
	if err != nil {
		return wire.TokenRotated{}, act.failed(ctx, err)
	}
	if !g.token.Current().Equal(hash) {
		undo()
		return wire.TokenRotated{}, act.failed(ctx, wire.Unavailable("the new token was stored as "+name+", and another one came back from there", "see whether two programs write it: openclaw audit search --event secret_access"))
	}
	g.stuck.Store(false)
	done := wire.TokenRotated{Name: name, Lasts: lasts || grace <= 0, Cut: cut}
	if grace > 0 {
		done.Until = until
	}
	g.log.Info("the gateway token was replaced", slog.Duration("grace", grace), slog.Int("count", cut))
	g.notice("info", "the gateway token was replaced")
	g.deps.Bus.Publish(event.Event{Kind: event.KindSecret, Secret: &event.Secret{Name: name, Changed: g.deps.Now(), UsedBy: []string{"gateway"}}})
	g.lookSoon() // a new end is due
	return done, nil
}

func (g *Gateway) rotateMethod(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.TokenRotateParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	grace := time.Duration(g.deps.Config.Current().Config.Gateway.TokenRotation.GraceHours) * time.Hour
	if params.Now {
		grace = 0
	}
	done, err := g.rotate(ctx, call.Conn.Peer.From, grace)
	if err != nil {
		return nil, err
	}
	return done, nil
}

// tokenStatus is what may be known of the gateway's token.
func (g *Gateway) tokenStatus() *event.TokenStatus {
	tokens := g.tokens.Load()
	created := tokens.Created()
	if created.IsZero() {
		return nil
	}
	config := g.deps.Config.Current().Config
	status := &event.TokenStatus{Created: created, AgeDays: int(tokens.Now().Sub(created) / day), Ends: g.tokenEnd(), Grace: tokens.Grace(), Owned: ownedToken(config) != ""}
	if g.presentStanding() == auth.Expired {
		status.Problem = auth.Expired.String()
	}
	return status
}
