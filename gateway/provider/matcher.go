package provider

import (
	"crypto/sha256"
	"sync"

	"openclaw/keychain"
	"openclaw/keychain/redact"
)

// matchers keep what finds each provider's key, which takes longer to make than a
// short answer to pass on. A provider has one, of the key that it was called with
// last. It is safe for concurrent use.
type matchers struct {
	mu sync.RWMutex // guards of
	of map[string]matcher
}

type matcher struct {
	sum   [sha256.Size]byte // of the key
	exact *redact.Exact
}

// exact finds a provider's key. known says which providers there are: those of
// others are forgotten when a new one is made.
func (m *matchers) exact(provider string, key keychain.Secret, known func() map[string]Target) *redact.Exact {
	sum := sha256.Sum256(key.Reveal())
	m.mu.RLock()
	kept := m.of[provider]
	m.mu.RUnlock()
	if kept.exact != nil && kept.sum == sum {
		return kept.exact
	}
	made := matcher{sum, redact.NewExact(key.Reveal())}
	targets := known()
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.of {
		if _, is := targets[name]; !is {
			delete(m.of, name)
		}
	}
	if m.of == nil {
		m.of = map[string]matcher{}
	}
	m.of[provider] = made
	return made.exact
}
