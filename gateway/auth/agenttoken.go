package auth

import (
	"errors"
	"strings"
	"sync"
)

// Caller is whom a token stands for: an agent's run, a named client, or, where
// all is empty, the operator.
type Caller struct {
	Agent  string
	Run    string
	Client string
}

// AgentTokens are the tokens of the runs that live now, kept as hashes in
// memory only: a gateway that starts anew knows none. It is safe for
// concurrent use.
type AgentTokens struct {
	mu     sync.RWMutex // guards the fields below
	byHash map[Hash]Caller
	byRun  map[string]Hash
	ended  map[Hash]struct{} // of those that were revoked or replaced
}

// mostEnded is how many tokens of ended runs are remembered.
const mostEnded = 10_000

// NewAgentTokens returns an empty set.
func NewAgentTokens() *AgentTokens {
	return &AgentTokens{byHash: map[Hash]Caller{}, byRun: map[string]Hash{}, ended: map[Hash]struct{}{}}
}

// Mint returns a new token for a run and revokes the one that the run had.
func (a *AgentTokens) Mint(agent, run string) string {
	token := generate(AgentPrefix)
	a.put(HashOf([]byte(token)), Caller{Agent: agent, Run: run})
	return token
}

// Adopt takes a token that an earlier gateway minted, when its run's
// supervisor brings it back. The caller has made sure of the supervisor.
func (a *AgentTokens) Adopt(agent, run, token string) error {
	if !WellFormed(AgentPrefix, token) {
		return errors.New("adopt token: it does not have the form of an agent token")
	}
	hash := HashOf([]byte(token))
	if caller, known := a.lookupHash(hash); known && caller != (Caller{Agent: agent, Run: run}) {
		return errors.New("adopt token: it belongs to another run")
	}
	a.put(hash, Caller{Agent: agent, Run: run})
	return nil
}

func (a *AgentTokens) put(hash Hash, caller Caller) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if old, had := a.byRun[caller.Run]; had {
		a.end(old)
	}
	delete(a.ended, hash)
	a.byHash[hash], a.byRun[caller.Run] = caller, hash
}

// Lookup returns whom token stands for. The table is keyed by hash, so how
// long a look-up takes says nothing about a token.
func (a *AgentTokens) Lookup(token string) (Caller, bool) {
	if len(token) != tokenLength || !strings.HasPrefix(token, AgentPrefix) {
		return Caller{}, false
	}
	return a.lookupHash(HashOf([]byte(token)))
}

// Knows reports whether token stands for somebody.
func (a *AgentTokens) Knows(token string) bool {
	_, known := a.Lookup(token)
	return known
}

func (a *AgentTokens) lookupHash(hash Hash) (Caller, bool) {
	a.mu.RLock()
	defer a.mu.RUnlock()
	caller, known := a.byHash[hash]
	return caller, known
}

// Revoke ends a run's token. It takes effect before Revoke returns.
func (a *AgentTokens) Revoke(run string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if hash, had := a.byRun[run]; had {
		a.end(hash)
		delete(a.byRun, run)
	}
}

// end takes a token out; a.mu is held.
func (a *AgentTokens) end(hash Hash) {
	delete(a.byHash, hash)
	if len(a.ended) == mostEnded {
		clear(a.ended)
	}
	a.ended[hash] = struct{}{}
}

// MayComeBack reports whether a token may be that of a run which an earlier gateway
// began: it has the form, stands for nobody, and did not end here, as far as that is
// remembered.
func (a *AgentTokens) MayComeBack(token string) bool {
	if !WellFormed(AgentPrefix, token) {
		return false
	}
	hash := HashOf([]byte(token))
	a.mu.RLock()
	defer a.mu.RUnlock()
	_, known := a.byHash[hash]
	_, ended := a.ended[hash]
	return !known && !ended
}
