package main

import (
	"context"
	"time"

	"openclaw/configs"
	"openclaw/keychain"
	"openclaw/keychain/backend"
	"openclaw/keychain/ref"
)

// storePatience bounds the reading of all that is stored.
const storePatience = 20 * time.Second

// learnStored teaches the redactor every value of the store, so that none is shown before
// something used it for the first time: nothing uses the key from before a rotation. It
// reports whether it came to the end. A keychain may ask a person for each of its
// items; at the first that it does not give it is left, and what is used later is learnt then.
func (h *house) learnStored(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	names, err := h.secrets.List(ctx)
	if err != nil {
		return false // it is locked, or there is none: Status says so
	}
	for _, name := range names {
		secret, err := h.secrets.Get(ctx, name)
		switch {
		case keychain.KindOf(err) == keychain.KindNotFound: // deleted meanwhile
		case err != nil:
			return false
		default:
			h.masker.Add(name, secret.Reveal())
			secret.Wipe()
		}
	}
	return true
}

// learnVault is learnStored for a vault, which asks nobody, where this process has a
// redactor: the moment it is open, and before anything else is written.
func (h *house) learnVault(ctx context.Context) {
	if h.masker != nil && h.secrets.Status().Backend == backend.Vault {
		h.learnStored(ctx)
	}
}

// learnNamed teaches the redactor what a config names and what is at hand: a variable, also
// of the .env file, a file, and a key that stands in the config itself. What a program or
// a server would have to be asked for is learnt when something needs it.
func (h *house) learnNamed(ctx context.Context, config *configs.Config) {
	references := []configs.Reference{config.Gateway.Token}
	for _, p := range config.Providers {
		references = append(references, p.APIKey)
	}
	for _, text := range references {
		reference, err := ref.Parse(string(text))
		if err != nil {
			continue // who needs it says what is wrong with it
		}
		switch reference.Scheme() {
		case ref.Literal, ref.Variable, ref.File:
		default:
			continue
		}
		if secret, source, err := h.resolver.ResolveReference(ctx, reference); err == nil {
			h.masker.Add(source.Reference, secret.Reveal())
			secret.Wipe()
		}
	}
}

// followStore learns what is stored in a keychain that opens after this gateway started, as
// one does that its owner unlocks at the desktop: once more, when the first secret was
// read. Another window for each use is nobody's wish, so that is all. A vault says
// itself when it opens.
func (h *house) followStore(ctx context.Context) {
	if h.learnStored(ctx) {
		return
	}
	select {
	case <-ctx.Done():
	case <-h.used:
		h.learnStored(ctx)
	}
}

// storeUsed tells followStore that the store gave something.
func (h *house) storeUsed() {
	select {
	case h.used <- struct{}{}:
	default: // it was told already, and there is one who listens
	}
}
