package ref

import (
	"context"
	"errors"
	"net/http"
	"time"

	"openclaw/keychain"
)

const resolveOp = "resolve reference"

// Times for which an answer of a store is kept.
const (
	defaultTTL         = time.Minute
	defaultNegativeTTL = 5 * time.Second
	defaultPatience    = 15 * time.Second // a person may have to touch a sensor
)

// Options says what a Resolver may ask. What is nil is refused when asked for.
type Options struct {
	Store  keychain.Store // keychain://openclaw/name: the chosen backend
	Vault  keychain.Store // vault://name
	OSItem func(ctx context.Context, service, account string) (keychain.Secret, error)

	LookupEnv func(name string) (string, bool) // os.LookupEnv
	EnvFile   string                           // the .env file; may be missing
	Now       func() time.Time

	TTL         time.Duration // 1 minute
	NegativeTTL time.Duration // 5 s
	Patience    time.Duration // 15 s: how long a program or a server elsewhere may take

	Transport http.RoundTripper // for hcvault:// and the clouds; nil: one that knows the variables for proxies and authorities
}

// Source says where a value came from, never the value.
type Source struct {
	Scheme    Scheme `json:"scheme"`
	Reference string `json:"reference"`          // as Reference.String
	EnvFile   bool   `json:"env_file,omitempty"` // a variable came from the .env file
	Default   bool   `json:"default,omitempty"`  // a default was used
	Cached    bool   `json:"cached,omitempty"`   // answered without asking
	Warning   string `json:"warning,omitempty"`  // for a person: a literal
}

// Resolver turns references into secrets.
type Resolver struct {
	options Options
	cache   *cache
	queue   queue
}

// New returns a Resolver.
func New(options Options) *Resolver {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.TTL <= 0 {
		options.TTL = defaultTTL
	}
	if options.NegativeTTL <= 0 {
		options.NegativeTTL = defaultNegativeTTL
	}
	if options.Patience <= 0 {
		options.Patience = defaultPatience
	}
	return &Resolver{options: options, cache: newCache(options.Now), queue: queue{turns: map[string]*turn{}}}
}

// Resolve returns the secret that text refers to. The caller owns it. An empty
// reference is KindNotFound.
func (r *Resolver) Resolve(ctx context.Context, text string) (keychain.Secret, Source, error) {
	reference, err := Parse(text)
	if err != nil {
		return keychain.Secret{}, Source{}, err
	}
	return r.ResolveReference(ctx, reference)
}

// ResolveReference is Resolve for a reference that was parsed before.
func (r *Resolver) ResolveReference(ctx context.Context, reference Reference) (keychain.Secret, Source, error) {
	source := Source{Scheme: reference.scheme, Reference: reference.String(), Warning: reference.Warning()}
	var value keychain.Secret
	var err error
	switch reference.scheme {
	case Literal, Variable:
		value, err = r.expand(reference, &source)
	case File:
		value, err = readFile(reference.first)
	default:
		value, source.Cached, err = r.fetch(ctx, reference)
	}
	if err == nil && reference.scheme == Pass && reference.field == "" {
		value = firstLine(value)
	}
	if err == nil && reference.field != "" && reference.scheme != HCVault {
		whole := value
		value, err = pick(whole, reference)
		whole.Wipe()
	}
	if err != nil {
		return keychain.Secret{}, source, named(err, source.Reference)
	}
	return value, source, nil
}

// Forget drops what is cached for a name of a store, or everything for "". To be
// called when the name changed.
func (r *Resolver) Forget(name string) { r.cache.forget(name) }

// named says which reference failed where the store said only the name.
func named(err error, reference string) error {
	if e, ok := errors.AsType[*keychain.Error](err); ok {
		return &keychain.Error{Op: resolveOp, Name: reference, Kind: e.Kind, Err: e.Err, Hint: e.Hint}
	}
	return &keychain.Error{Op: resolveOp, Name: reference, Kind: keychain.KindFailed, Err: err, Hint: "try again"}
}

// fetch asks the cache, then the store.
func (r *Resolver) fetch(ctx context.Context, reference Reference) (value keychain.Secret, cached bool, err error) {
	key := reference.cacheKey()
	name := reference.second
	if reference.scheme == Vault {
		name = reference.first
	}
	if value, err, ok := r.cache.get(key); ok {
		return value, true, err
	}
	if reference.external() {
		leave, err := r.queue.enter(ctx, key)
		if err != nil {
			return keychain.Secret{}, false, err
		}
		defer leave()
		if value, err, ok := r.cache.get(key); ok { // who was before it asked
			return value, true, err
		}
	}
	ticket := r.cache.begin()
	value, err = r.ask(ctx, reference)
	switch {
	case err == nil:
		r.cache.put(ticket, key, name, value.Clone(), nil, r.options.TTL)
	case ctx.Err() == nil:
		r.cache.put(ticket, key, name, keychain.Secret{}, err, r.forgetAfter(err))
	}
	return value, false, err
}

// expand puts variables and text together.
func (r *Resolver) expand(reference Reference, source *Source) (keychain.Secret, error) {
	var out []byte
	var file map[string]string
	read := false
	for _, p := range reference.parts {
		text := p.text.Reveal()
		if p.variable != "" {
			value, ok := "", false
			if r.options.LookupEnv != nil {
				value, ok = r.options.LookupEnv(p.variable)
			}
			if !ok || value == "" {
				if !read {
					var err error
					if file, err = readEnv(r.options.EnvFile); err != nil {
						return keychain.Secret{}, err
					}
					read = true
				}
				if value = file[p.variable]; value != "" {
					source.EnvFile = true
				}
			}
			switch {
			case value != "":
				text = []byte(value)
			case p.fallback:
				source.Default = true
			default:
				return keychain.Secret{}, &keychain.Error{
					Op: resolveOp, Kind: keychain.KindNotFound, Err: errors.New("the variable " + p.variable + " is not set or empty"),
					Hint: "export " + p.variable + " before openclaw starts, or write it to the .env file beside the config (chmod 600)",
				}
			}
		}
		out = append(out, text...)
	}
	if len(out) == 0 {
		return keychain.Secret{}, &keychain.Error{Op: resolveOp, Kind: keychain.KindNotFound, Err: errors.New("the reference is empty"), Hint: "write ${NAME}, keychain://service/account, vault://name or file:///path"}
	}
	return keychain.NewSecret(out), nil
}
