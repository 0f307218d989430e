package auth

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Bounds of what is remembered. The oldest goes first.
const (
	MaxClients = 1024 // client tokens in force
	maxFormer  = 64   // tokens that the gateway had
	maxRevoked = 256  // client tokens that are over
)

// Tokens knows every token of clients by its hash: how old the gateway's is,
// which ones it had and until when the last is still taken, and the named
// tokens of clients. The gateway's present token itself is GatewayToken's. It is
// safe for concurrent use. A token ends at its time and not after it.
type Tokens struct {
	clock *Clock
	save  func(Saved) error

	mu      sync.RWMutex // guards the fields below
	current Hash
	formed  bool // the current one has our own form
	saved   *SavedGateway
	former  []former // oldest first
	clients map[Hash]*ClientToken
	live    map[string]Hash // by name, those that are not revoked
}

type former struct {
	SavedFormer
	formed bool // false: it is kept in memory only
}

// ErrNotSaved is wrapped by the error of a change that holds now and is lost at
// the next start.
var ErrNotSaved = errors.New("it could not be saved: it holds until the gateway starts again")

// NewTokens returns what was saved before. save is called with all of it after
// each change, one call at a time; it may be nil. clock is not before
// saved.Seen.
func NewTokens(saved Saved, clock *Clock, save func(Saved) error) *Tokens {
	if save == nil {
		save = func(Saved) error { return nil }
	}
	t := &Tokens{clock: clock, save: save, saved: saved.Gateway, clients: map[Hash]*ClientToken{}, live: map[string]Hash{}}
	for _, f := range saved.Former {
		t.former = append(t.former, former{f, true})
	}
	for _, c := range saved.Clients {
		t.clients[c.Hash] = &c
		if c.Revoked.IsZero() {
			t.live[c.Name] = c.Hash
		}
	}
	return t
}

// Observe is told which token the gateway has now; the zero Hash is none. formed
// says that it has our own form. A token that took the place of another one
// without BeginRotation ends that one at once. It returns whether the token is
// another one than before.
func (t *Tokens) Observe(hash Hash, formed bool) (changed bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == hash {
		return false, nil
	}
	now := t.clock.Now()
	first := t.current.Zero() && t.saved != nil // since this process began
	before := t.current
	t.current, t.formed = hash, formed
	if hash.Zero() {
		t.retire(before, now, true)
		return true, t.keep(now)
	}
	t.former = slices.DeleteFunc(t.former, func(f former) bool { return f.Hash == hash })
	if first && t.saved.is(hash, formed) {
		return false, nil
	}
	switch {
	case !before.Zero():
		t.retire(before, now, true)
	case t.saved != nil: // it was replaced while no gateway ran
		t.retire(t.saved.Hash, now, true)
	}
	if t.saved, err = saveGateway(hash, formed, now); err != nil {
		return true, err
	}
	return true, t.keep(now)
}

// retire remembers a token that the gateway had, unless it does already; t.mu is
// held.
func (t *Tokens) retire(hash Hash, until time.Time, revoked bool) {
	if hash.Zero() || slices.ContainsFunc(t.former, func(f former) bool { return f.Hash == hash }) {
		return
	}
	formed := t.saved != nil && t.saved.Hash == hash
	t.former = append(t.former, former{SavedFormer{Hash: hash, Until: until, Revoked: revoked}, formed})
	if over := len(t.former) - maxFormer; over > 0 {
		t.former = slices.Delete(t.former, 0, over)
	}
}

// BeginRotation says that the gateway's token is about to be replaced, and that
// the old one is taken for grace after now. With no grace it ends at once, and so
// does every one before it. undo takes that back, for a new token that could not
// be stored. lasts is false for an old token that is not of our form: it is taken
// until then by this process only.
func (t *Tokens) BeginRotation(grace time.Duration) (until time.Time, lasts bool, undo func(), err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	before := slices.Clone(t.former)
	undo = func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.former = before
		_ = t.keep(t.clock.Now()) // what is saved then ends tokens that are current, and Observe mends that
	}
	if grace <= 0 {
		for i := range t.former {
			if now.Before(t.former[i].Until) {
				t.former[i].Until, t.former[i].Revoked = now, true
			}
		}
	}
	t.retire(t.current, now.Add(max(grace, 0)), grace <= 0)
	if err := t.keep(now); err != nil {
		t.former = before
		return time.Time{}, false, nil, err
	}
	return now.Add(max(grace, 0)), t.formed, undo, nil
}

// Created returns when the gateway's present token was first seen; zero when
// there is none.
func (t *Tokens) Created() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if t.current.Zero() || t.saved == nil {
		return time.Time{}
	}
	return t.saved.Created
}

// Now is the clock by which tokens end.
func (t *Tokens) Now() time.Time { return t.clock.Now() }

// Grace returns until when a former token is still taken; zero when none is.
func (t *Tokens) Grace() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	now, last := t.clock.Now(), time.Time{}
	for _, f := range t.former {
		if now.Before(f.Until) && f.Until.After(last) {
			last = f.Until
		}
	}
	return last
}

// Standing says what a token other than the gateway's present one is worth, and
// whose it is: of a client token its name and scopes, of a former token of the
// gateway nothing.
func (t *Tokens) Standing(hash Hash) (Standing, ClientToken) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	now := t.clock.Now()
	if c, known := t.clients[hash]; known {
		return c.standing(now), *c
	}
	for _, f := range t.former {
		switch {
		case f.Hash != hash:
		case now.Before(f.Until):
			return Good, ClientToken{}
		case f.Revoked:
			return Revoked, ClientToken{}
		default:
			return GraceOver, ClientToken{}
		}
	}
	return Unknown, ClientToken{}
}

// Next returns the next time at which a token that is good now ends; zero when
// none does.
func (t *Tokens) Next() time.Time {
	t.mu.RLock()
	defer t.mu.RUnlock()
	now, next := t.clock.Now(), time.Time{}
	sooner := func(at time.Time) {
		if now.Before(at) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, f := range t.former {
		sooner(f.Until)
	}
	for _, c := range t.clients {
		if c.Revoked.IsZero() {
			sooner(c.Expires)
		}
	}
	return next
}

// Remember saves the time, so that a clock that is set back while no gateway runs
// gives no token more time than the distance to the last call.
func (t *Tokens) Remember() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.keep(t.clock.Now())
}

// keep saves; t.mu is held.
func (t *Tokens) keep(now time.Time) error {
	saved := Saved{Seen: now, Gateway: t.saved}
	for _, f := range t.former {
		if f.formed {
			saved.Former = append(saved.Former, f.SavedFormer)
		}
	}
	saved.Clients = t.list()
	if err := t.save(saved); err != nil {
		return fmt.Errorf("save tokens: %w: %w", ErrNotSaved, err)
	}
	return nil
}
