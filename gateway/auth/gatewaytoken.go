package auth

import (
	"context"
	"errors"
	"sync"
	"time"

	"openclaw/keychain"
)

// reread is the least time between two looks at the source of the token that
// wrong tokens cause: a new token works within it, and a guesser cannot make
// the keychain work for it.
const reread = time.Second

// GatewayToken is the one token that makes a caller the operator. It is safe
// for concurrent use.
type GatewayToken struct {
	source func(context.Context) (keychain.Secret, error)
	now    func() time.Time

	reading chan struct{} // of one slot, taken while the source is asked, so that it is asked once

	mu      sync.Mutex // guards the fields below
	hash    Hash
	formed  bool
	read    time.Time
	problem error
}

// NewGatewayToken returns a checker of the token that source gives. The source
// is asked by Refresh, and again when a wrong token comes, at most once a
// second: a rotated token takes effect without a restart. A source that fails
// leaves the last token in force; one that says "not found" takes it away.
func NewGatewayToken(source func(context.Context) (keychain.Secret, error), now func() time.Time) *GatewayToken {
	if now == nil {
		now = time.Now
	}
	return &GatewayToken{source: source, now: now, reading: make(chan struct{}, 1)}
}

// Refresh asks the source. changed says that the token is another one than
// before, or gone; err is why there is no token or an old one.
func (g *GatewayToken) Refresh(ctx context.Context) (changed bool, err error) {
	select {
	case g.reading <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-g.reading }()
	return g.refresh(ctx)
}

// refresh asks the source; g.reading is taken.
func (g *GatewayToken) refresh(ctx context.Context) (changed bool, err error) {
	secret, err := g.source(ctx)
	hash, formed := Hash{}, false
	if err == nil {
		if secret.Empty() {
			err = errors.New("read gateway token: it is empty")
		} else {
			hash, formed = HashOf(secret.Reveal()), WellFormed(GatewayPrefix, string(secret.Reveal()))
			secret.Wipe()
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read, g.problem = g.now(), err
	if err != nil && !errors.Is(err, &keychain.Error{Kind: keychain.KindNotFound}) {
		return false, err
	}
	changed = !g.hash.Zero() && g.hash != hash
	g.hash, g.formed = hash, formed
	return changed, err
}

// Current returns the hash in force; zero when there is no token.
func (g *GatewayToken) Current() Hash {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hash
}

// Formed returns the hash in force, and whether its token has the form of
// GenerateToken.
func (g *GatewayToken) Formed() (Hash, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.hash, g.formed
}

// Problem says why the last look at the source failed; nil if it did not.
func (g *GatewayToken) Problem() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.problem
}

// Check reports whether hash is the token's. For a hash that is not, it waits
// for a look at the source that is under way, and asks again itself if the last
// look is old enough; with the end of ctx it is not the token's.
func (g *GatewayToken) Check(ctx context.Context, hash Hash) bool {
	if g.Current().Equal(hash) {
		return true
	}
	select {
	case g.reading <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	defer func() { <-g.reading }()
	g.mu.Lock()
	right, old := g.hash.Equal(hash), g.now().Sub(g.read) >= reread
	g.mu.Unlock()
	if right || !old {
		return right
	}
	if _, err := g.refresh(ctx); err != nil {
		return false
	}
	return g.Current().Equal(hash)
}
