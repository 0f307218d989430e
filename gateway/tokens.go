package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// maxTokensFile is more than the tokens that are remembered.
const maxTokensFile = 4 << 20

// openTokens reads what is kept of tokens. A file that cannot be read is an
// error: a gateway that forgot what it took back would say nothing of it.
func (g *Gateway) openTokens() error {
	path := g.deps.Layout.Tokens()
	var saved auth.Saved
	if _, err := (stateFile{path, "tokens", maxTokensFile, "mend the file, or remove it: every named client then needs a new token"}).read(&saved); err != nil {
		return err
	}
	g.tokens.Store(auth.NewTokens(saved, auth.NewClock(g.deps.Now, nil, saved.Seen), func(saved auth.Saved) error {
		text, err := json.MarshalIndent(saved, "", "  ")
		if err != nil {
			return err
		}
		return configs.ReplaceFile(path, append(text, '\n'))
	}))
	return nil
}

// judgement is what a presented token is worth.
type judgement struct {
	standing auth.Standing
	hash     auth.Hash
	client   auth.ClientToken // of a named token, good or not
	mistyped bool
}

// judge finds out what a token is worth. A good one is not made to wait for
// anything; for one that is not the source of the gateway's token may be asked.
func (g *Gateway) judge(ctx context.Context, token string) judgement {
	if len(token) > auth.MaxToken {
		return judgement{hash: auth.HashOf([]byte(token[:auth.MaxToken]))}
	}
	j := judgement{hash: auth.HashOf([]byte(token))}
	if g.token.Current().Equal(j.hash) {
		j.standing = g.presentStanding()
		return j
	}
	tokens := g.tokens.Load()
	j.standing, j.client = tokens.Standing(j.hash)
	if j.standing == auth.Good || j.client.Name != "" {
		return j
	}
	right := g.token.Check(ctx, j.hash)
	if g.observe() {
		g.lookSoon() // what the token before let in is cut beside this
	}
	if right {
		j.standing = g.presentStanding()
		return j
	}
	j.mistyped = j.standing == auth.Unknown && auth.Mistyped(token)
	return j
}

// observe lets the tokens know which one the gateway has now.
func (g *Gateway) observe() bool {
	g.observing.Lock() // what was read first must not be told last
	defer g.observing.Unlock()
	changed, err := g.tokens.Load().Observe(g.token.Formed())
	if err != nil {
		g.log.Error("the age of the gateway token could not be kept", slog.Any("error", err))
		g.notice("error", "the age of the gateway token could not be kept: "+err.Error())
	}
	return changed
}

// holds reports whether what a token let in may go on; the zero hash is of what
// needed none.
func (g *Gateway) holds(hash auth.Hash) bool {
	if hash.Zero() || g.token.Current().Equal(hash) {
		return true
	}
	standing, _ := g.tokens.Load().Standing(hash)
	return standing == auth.Good
}

// cutTokens ends the sockets and calls whose token is not good any more.
func (g *Gateway) cutTokens() int {
	cut := g.hub.CloseWhere(func(c *hub.Conn) bool { return !g.holds(c.Admission.Token) }, wire.CloseTokenChanged, "gateway auth changed")
	cut += g.streams.cutWhere(func(one *stream) bool { return !g.holds(one.token) })
	if cut > 0 {
		g.log.Warn("what a token let in that is over was cut", slog.Int("count", cut))
		g.notice("warn", fmt.Sprintf("a token is over: %d sockets and calls were ended", cut))
	}
	return cut
}

// words says why a token is refused, what a program may match, and the cure.
func (j judgement) words() (text, reason, hint string) {
	whose := "the gateway's token"
	cure := "read the present one from where the gateway keeps it, such as OPENCLAW_GATEWAY_TOKEN=keychain://openclaw/token/gateway"
	if j.client.Name != "" {
		whose, cure = "the token of client "+j.client.Name, "the operator makes a new one with 'openclaw client add'"
	}
	switch j.standing {
	case auth.Expired:
		if j.client.Name == "" {
			cure = "replace it: gateway.token_rotation.enforce refuses one of that age"
		}
		return whose + " has expired", wire.ReasonTokenExpired, cure
	case auth.Revoked:
		return whose + " was revoked", wire.ReasonTokenRevoked, cure
	case auth.GraceOver:
		return whose + " was replaced, and the grace period of the old one is over", wire.ReasonTokenGraceOver, cure
	case auth.Unknown, auth.Good:
	}
	if j.mistyped {
		return "wrong token: it is mistyped or cut short (its checksum does not fit)", wire.ReasonTokenMismatch, "copy it again, whole"
	}
	return "wrong token", wire.ReasonTokenMismatch, ""
}

// refuseToken answers a request whose token is not good, once it may be.
func (g *Gateway) refuseToken(w http.ResponseWriter, r *http.Request, j judgement) {
	text, reason, hint := j.words()
	if reason != wire.ReasonTokenMismatch {
		w.Header().Set("WWW-Authenticate", `Bearer realm="openclaw", error="invalid_token", error_description="`+reason+`"`) // RFC 6750, section 3
	}
	if hint != "" {
		text += "; " + hint
	}
	g.refuse(w, r, http.StatusUnauthorized, "authentication_error", text)
}
