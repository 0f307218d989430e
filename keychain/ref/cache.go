package ref

import (
	"sync"
	"time"

	"openclaw/keychain"
)

// maxCached bounds the cache; a config has far fewer references.
const maxCached = 1000

// cache keeps answers of stores. It owns its copies and wipes them.
type cache struct {
	now func() time.Time

	mu      sync.Mutex // guards what follows
	answers map[string]answer
	epoch   uint64 // one more at every forget
}

type answer struct {
	name  string
	value keychain.Secret
	err   error
	until time.Time
}

func newCache(now func() time.Time) *cache { return &cache{now: now, answers: map[string]answer{}} }

// get returns a copy of what is kept under key.
func (c *cache) get(key string) (keychain.Secret, error, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.answers[key]
	if !ok {
		return keychain.Secret{}, nil, false
	}
	if !c.now().Before(a.until) {
		c.drop(key, a)
		return keychain.Secret{}, nil, false
	}
	if a.err != nil {
		return keychain.Secret{}, a.err, true
	}
	return a.value.Clone(), nil, true
}

// begin is called before a store is asked: an answer that was under way while
// its name changed is not kept.
func (c *cache) begin() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

func (c *cache) put(epoch uint64, key, name string, value keychain.Secret, err error, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		value.Wipe()
		return
	}
	now := c.now()
	for old, a := range c.answers {
		if old == key || !now.Before(a.until) || len(c.answers) >= maxCached {
			c.drop(old, a)
		}
	}
	c.answers[key] = answer{name, value, err, now.Add(ttl)}
}

func (c *cache) forget(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	for key, a := range c.answers {
		if name == "" || a.name == name {
			c.drop(key, a)
		}
	}
}

// drop is called with mu held.
func (c *cache) drop(key string, a answer) {
	a.value.Wipe()
	delete(c.answers, key)
}

// forgetKey drops one answer.
func (c *cache) forgetKey(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if a, ok := c.answers[key]; ok {
		c.drop(key, a)
	}
}
