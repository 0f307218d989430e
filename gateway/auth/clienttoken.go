package auth

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ClientToken is a token with a name: for one program or person, with scopes of
// its own, taken back without touching the others. The token itself is shown
// once, when it is made, and kept nowhere.
type ClientToken struct {
	Name    string    `json:"name"`
	Hash    Hash      `json:"hash"`
	Scopes  Scopes    `json:"scopes"`
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires,omitzero"` // zero: until it is revoked
	Revoked time.Time `json:"revoked,omitzero"`
}

// Errors of client tokens.
var (
	ErrNameTaken      = errors.New("there is a client of that name")
	ErrNoClient       = errors.New("there is no client of that name")
	ErrTooManyClients = fmt.Errorf("there are %d clients already; revoke some", MaxClients)
)

func (c *ClientToken) standing(now time.Time) Standing {
	switch {
	case !c.Revoked.IsZero():
		return Revoked
	case !c.Expires.IsZero() && !now.Before(c.Expires):
		return Expired
	}
	return Good
}

// AddClient makes a token for a client. A life of zero has no end. It is in force
// once it is saved.
func (t *Tokens) AddClient(name string, scopes Scopes, life time.Duration) (token string, client ClientToken, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.clock.Now()
	before, had := t.live[name]
	if had && t.clients[before].standing(now) == Good {
		return "", ClientToken{}, ErrNameTaken
	}
	if len(t.live) >= MaxClients && !had {
		return "", ClientToken{}, ErrTooManyClients
	}
	token = generate(ClientPrefix)
	client = ClientToken{Name: name, Hash: HashOf([]byte(token)), Scopes: scopes, Created: now}
	if life > 0 {
		client.Expires = now.Add(life)
	}
	t.clients[client.Hash], t.live[name] = &client, client.Hash
	if err := t.keep(now); err != nil {
		delete(t.clients, client.Hash)
		delete(t.live, name)
		if had {
			t.live[name] = before
		}
		return "", ClientToken{}, err
	}
	t.forgetClients()
	return token, client, nil
}

// RevokeClient takes a client's token back. It takes effect before it returns,
// also where the error wraps ErrNotSaved.
func (t *Tokens) RevokeClient(name string) (ClientToken, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	hash, known := t.live[name]
	if !known {
		return ClientToken{}, ErrNoClient
	}
	now, client := t.clock.Now(), t.clients[hash]
	client.Revoked = now
	delete(t.live, name)
	t.forgetClients()
	return *client, t.keep(now)
}

// forgetClients lets those go that have been over longest; t.mu is held.
func (t *Tokens) forgetClients() {
	over := slices.DeleteFunc(t.list(), func(c ClientToken) bool { return t.live[c.Name] == c.Hash })
	slices.SortStableFunc(over, func(a, b ClientToken) int { return a.ended().Compare(b.ended()) })
	for _, c := range over[:max(len(over)-maxRevoked, 0)] {
		delete(t.clients, c.Hash)
	}
}

// ended is when a token ended that is not in force.
func (c *ClientToken) ended() time.Time {
	if !c.Revoked.IsZero() {
		return c.Revoked
	}
	return c.Expires
}

// Clients returns the client tokens that are remembered, oldest first.
func (t *Tokens) Clients() []ClientToken {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.list()
}

func (t *Tokens) list() []ClientToken {
	out := make([]ClientToken, 0, len(t.clients))
	for _, c := range t.clients {
		out = append(out, *c)
	}
	slices.SortFunc(out, func(a, b ClientToken) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.Name, b.Name))
	})
	return out
}
