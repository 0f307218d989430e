package main

import (
	"context"
	"time"

	"openclaw/configs"
	"openclaw/keychain"
	"openclaw/keychain/backend"
	"openclaw/keychain/ref"
)

// storePatience bounds the reading of all that is stored; the pauses are between two tries.
const (
	storePatience = 20 * time.Second
	storePause    = 5 * time.Second
	maxStorePause = 5 * time.Minute
)

// learnStored teaches the redactor every value of the store, so that none is shown before
// something used it for the first time: nothing uses the key from before a rotation. A
// keychain may ask a person for each of its items; at the first that it does not give it
// is left, with the error that says why, and what is used later is learnt then.
func (h *house) learnStored(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	names, err := h.secrets.List(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		secret, err := h.secrets.Get(ctx, name)
		switch {
		case keychain.KindOf(err) == keychain.KindNotFound: // deleted meanwhile
		case err != nil:
			return err
		default:
			h.masker.Add(name, secret.Reveal())
			secret.Wipe()
		}
	}
	return nil
}

// learnVault is learnStored for a vault, which asks nobody, where this process has a
// redactor: the moment it is open, and before anything else is written.
func (h *house) learnVault(ctx context.Context) {
	if h.masker != nil && h.secrets.Status().Backend == backend.Vault {
		_ = h.learnStored(ctx) // a locked one is learnt when it opens, and Status says what is wrong with others
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

// followStore learns what is stored in a keychain that does not answer when this gateway
// starts, or opens later, as one does that its owner unlocks at the desktop. A vault says
// itself when it opens.
func (h *house) followStore(ctx context.Context) {
	if h.secrets.Status().Backend == backend.Keychain {
		learnAgain(ctx, h.learnStored, h.used)
	}
}

// learnAgain has a store learnt until it is. A silent one is asked again, at longer and
// longer pauses. One that is locked opened a window at most; when something was read of it
// it is asked once more, and then left, as another window for each use is nobody's wish.
func learnAgain(ctx context.Context, learn func(context.Context) error, used <-chan struct{}) {
	asked := false
	for pause := storePause; ; pause = min(2*pause, maxStorePause) {
		err := learn(ctx)
		locked := keychain.KindOf(err) == keychain.KindLocked
		if err == nil || locked && asked {
			return
		}
		var later <-chan time.Time
		if !locked {
			later = time.After(pause)
		}
		asked = asked || locked
		select {
		case <-ctx.Done():
			return
		case <-used:
		case <-later:
		}
	}
}

// storeUsed tells followStore that the store gave something.
func (h *house) storeUsed() {
	select {
	case h.used <- struct{}{}:
	default: // it was told already, and there is one who listens
	}
}
