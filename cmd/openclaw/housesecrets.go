package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/keychain"
	"openclaw/keychain/backend"
	"openclaw/keychain/ref"
)

// openSecrets finds the store and the resolver of references.
func (t *terminal) openSecrets(ctx context.Context, h *house) (err error) {
	system := keychain.NewOS(keychain.OSOptions{})
	h.secrets, err = backend.Open(ctx, backend.Options{
		StateDir: h.layout.State(), KeysDir: h.layout.Keys(), VaultPath: h.layout.Vault(), OS: system,
		CredentialsDir: t.getenv("CREDENTIALS_DIRECTORY"), Now: time.Now,
		Anchor: t.vaultAnchor(h),
		Changed: func(name string) {
			if h.resolver == nil {
				return // the store is being opened
			}
			h.resolver.Forget(name)
			if name == "" {
				h.learnVault(ctx)
			}
		},
	})
	if err != nil {
		return err
	}
	h.resolver = ref.New(ref.Options{
		Store: h.secrets, Vault: currentVault{h.secrets}, OSItem: system.GetItem,
		LookupEnv: t.lookupEnv, EnvFile: h.layout.Env(), Now: time.Now,
	})
	h.uses = &uses{last: map[string]time.Time{}}
	return nil
}

func (t *terminal) lookupEnv(name string) (string, bool) {
	value := t.getenv(name)
	return value, value != ""
}

// currentVault is the vault as soon as there is one.
type currentVault struct{ backend *backend.Backend }

func (v currentVault) store() (keychain.Store, error) {
	if store := v.backend.VaultStore(); store != nil {
		return store, nil
	}
	return nil, &keychain.Error{
		Op: "open vault", Kind: keychain.KindNoService,
		Hint: "there is no vault: secrets are kept in the keychain; write keychain://openclaw/NAME",
	}
}

func (v currentVault) Get(ctx context.Context, name string) (keychain.Secret, error) {
	store, err := v.store()
	if err != nil {
		return keychain.Secret{}, err
	}
	return store.Get(ctx, name)
}

func (v currentVault) Set(ctx context.Context, name string, value keychain.Secret) error {
	store, err := v.store()
	if err != nil {
		return err
	}
	return store.Set(ctx, name, value)
}

func (v currentVault) Delete(ctx context.Context, name string) error {
	store, err := v.store()
	if err != nil {
		return err
	}
	return store.Delete(ctx, name)
}

func (v currentVault) List(ctx context.Context) ([]string, error) {
	store, err := v.store()
	if err != nil {
		return nil, err
	}
	return store.List(ctx)
}

// resolve follows a reference, or a bare name in the store, and teaches the
// log what it must not show.
func (h *house) resolve(ctx context.Context, reference string) (keychain.Secret, string, error) {
	if keychain.IsName(reference) {
		reference = "keychain://openclaw/" + reference
	}
	secret, source, err := h.resolver.Resolve(ctx, reference)
	if err != nil {
		return secret, "", err
	}
	h.masker.Add(source.Reference, secret.Reveal())
	h.storeUsed()
	where := source.Reference
	if source.EnvFile {
		where += " in " + h.layout.Env()
	}
	return secret, where, nil
}

// providerKey is the key of a provider: its reference, or the secret that is
// named like it.
func (h *house) providerKey(ctx context.Context, name string) (keychain.Secret, error) {
	reference := string(h.config.Current().Config.Providers[name].APIKey)
	if reference == "" {
		reference = name
	}
	secret, _, err := h.resolve(ctx, reference)
	if err == nil {
		h.uses.note(name)
	}
	return secret, err
}

// uses remembers when a provider's key was last used.
type uses struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func (u *uses) note(name string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last[name] = time.Now()
}

func (u *uses) of(name string) time.Time {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.last[name]
}

// secretStatus is the store's state in the words of the screen.
func (h *house) secretStatus() event.SecretStore {
	s := h.secrets.Status()
	state := string(s.State)
	if s.State == backend.Ready {
		state = "unlocked"
	}
	return event.SecretStore{Backend: s.Backend, State: state, Detail: s.Detail, Hint: s.Hint}
}

// secretInfo lists what is stored.
func (h *house) secretInfo(ctx context.Context) ([]event.Secret, error) {
	store := h.secretStatus().Backend
	list, err := h.secrets.Info(ctx)
	if err != nil && store != "" {
		return nil, err
	}
	out := make([]event.Secret, 0, len(list))
	for _, info := range list {
		out = append(out, event.Secret{
			Name: info.Name, Store: store, Created: info.Created, Changed: info.Changed, LastUsed: h.uses.of(info.Name),
		})
	}
	return out, nil
}

// tokenSource gives the gateway's token. Where the config names none it is
// generated once and kept in the store; without a store it lives as long as
// this gateway.
type tokenSource struct {
	house *house

	creating sync.Mutex // held while a token is looked for and stored

	mu        sync.Mutex // guards temporary
	temporary keychain.Secret
}

// Token returns a copy of the token.
func (s *tokenSource) Token(ctx context.Context) (keychain.Secret, error) {
	config := s.house.config.Current().Config.Gateway
	if config.Token != "" {
		secret, _, err := s.house.resolve(ctx, string(config.Token))
		return secret, err
	}
	secret, _, err := s.house.resolve(ctx, gatewayTokenName)
	switch keychain.KindOf(err) {
	case "":
		return secret, nil
	case keychain.KindNotFound:
		return s.create(ctx)
	default:
		if s.house.secrets.Status().Backend == "" {
			return s.kept(), nil
		}
		return keychain.Secret{}, err
	}
}

// create makes the token and stores it, unless somebody stored one just now. One that
// is deleted from the store does not come back: the next one is another.
func (s *tokenSource) create(ctx context.Context) (keychain.Secret, error) {
	s.creating.Lock()
	defer s.creating.Unlock()
	stored, err := s.house.secrets.Get(ctx, gatewayTokenName)
	if keychain.KindOf(err) != keychain.KindNotFound {
		s.house.masker.Add(gatewayTokenName, stored.Reveal())
		return stored, err
	}
	secret := s.kept()
	if err := s.house.secrets.Set(ctx, gatewayTokenName, secret); err != nil {
		s.house.log.Logger().Warn("the gateway's token could not be stored: it lives as long as this gateway", slog.Any("error", err))
		return secret, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.temporary.Wipe()
	s.temporary = keychain.Secret{}
	return secret, nil
}

// kept is the token that is not stored, made at the first call.
func (s *tokenSource) kept() keychain.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.temporary.Empty() {
		s.temporary = keychain.NewSecret([]byte(auth.GenerateToken()))
		s.house.masker.Add(gatewayTokenName, s.temporary.Reveal())
	}
	return s.temporary.Clone()
}
