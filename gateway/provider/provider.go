package provider

import (
	"context"
	"sync"
	"time"

	"openclaw/gateway/provider/upstream"
	"openclaw/keychain"
)

// Sizes and times, where Options give none.
const (
	DefaultMaxBody        = 64 << 20         // bytes; clients send 20 MiB of pictures
	DefaultConnectTimeout = 10 * time.Second // for the connection, and again for TLS
	DefaultHeaderTimeout  = 15 * time.Minute // clients wait 10 minutes for an answer that is not streamed
	DefaultIdleTimeout    = 5 * time.Minute  // providers send a ping or a piece at least once a minute or so
	DefaultBodyTimeout    = 30 * time.Second // between two pieces of a request
)

const (
	idleConnections    = 256 // of one provider; net/http's 2 costs twice the CPU under load
	idleConnectionLife = 90 * time.Second
	bufferSize         = 32 << 10
)

// Options is what a Handler is given. Secret and Providers are required.
type Options struct {
	// Secret gives a provider's key; the handler owns and wipes it. What a
	// *keychain.Error says by Kind and Hint is told to the client.
	Secret func(ctx context.Context, provider string) (keychain.Secret, error)
	// Providers gives the providers by name. It is asked for each call, and
	// the map is not changed.
	Providers func() map[string]Target
	// Allowed refuses an agent a provider; the error's text is told to the
	// client. An empty agent is the operator. Nil allows all.
	Allowed func(agent, provider string) error
	// Prefer names the provider that an agent's calls to /v1/ and /v1beta/ go
	// to, for a kind of API; empty is the one that is named like the kind. For
	// an empty kind it names the agent's provider, whatever it speaks.
	Prefer func(agent, kind string) string
	// Budget is asked once for each call, when its request has been read. It lets
	// the call go on, and then settle is called once with what it cost, or
	// refuses it. Nil lets every call go on.
	Budget func(Demand) (settle func(Usage), refused *Overspent)
	// Started and Finished are called once for each call, in this order, on
	// the call's own goroutine: what they take, the call takes longer.
	Started, Finished func(Record)

	MaxBody        int64         // bytes of a request; 0: DefaultMaxBody
	ConnectTimeout time.Duration // until a provider is reached; 0: DefaultConnectTimeout
	HeaderTimeout  time.Duration // until an answer begins; 0: DefaultHeaderTimeout
	IdleTimeout    time.Duration // between two pieces of an answer, and for a client to take one; 0: DefaultIdleTimeout
	BodyTimeout    time.Duration // between two pieces of a request; 0: DefaultBodyTimeout

	Now func() time.Time // for the records; nil: time.Now
}

// Target is one provider.
type Target struct {
	Kind    string   // the API that it speaks: KindAnthropic, KindOpenAI or KindGemini
	BaseURL string   // empty: the own URL of the kind
	Paths   []string // patterns of what is passed on beside the kind's own endpoints: "/v1/files/*", "GET /v1/files/**"
}

// The kinds of API.
const (
	KindAnthropic = "anthropic"
	KindOpenAI    = "openai"
	KindGemini    = "gemini"
)

// Record is what is known of a call. Finished's is complete; Started's has
// nothing of the answer.
type Record struct {
	ID        string
	Provider  string // empty when the request named none that is configured
	Agent     string // empty: the operator
	Run       string
	Client    string // the named client whose token it came with; empty: none
	From      string // the client's address
	Method    string
	Path      string        // without the query; at most 1,024 bytes
	Status    int           // as the client got it; 0: no answer was begun
	BytesIn   int64         // of the request's body
	BytesOut  int64         // of the answer's body, as sent
	Started   time.Time     //
	FirstByte time.Duration // until the answer's first byte; 0: there was none
	Duration  time.Duration //
	Model     string        // that the request names; empty: none was seen. At most 131 bytes
	Usage     Usage         // what the answer cost
	Error     string        // why it did not go well; never holds a secret
}

// Caller is who sends a request. An empty agent is the operator.
type Caller struct {
	Agent  string
	Run    string
	Client string // for the record; empty: no named one
}

type callerKey struct{}

// WithCaller tells a Handler whose request it is.
func WithCaller(ctx context.Context, caller Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// Handler is the pass-through, an http.Handler. It panics with
// http.ErrAbortHandler to break a connection whose answer was cut off.
type Handler struct {
	options   Options
	transport *upstream.Transport
	tables    map[string][]endpoint // by kind
	buffers   sync.Pool             // of *[bufferSize]byte
	matchers  matchers
	bases     bases
	underWay  underWay
}

// New returns a Handler. Nothing is dialled before the first call.
func New(options Options) *Handler {
	if options.Allowed == nil {
		options.Allowed = func(string, string) error { return nil }
	}
	if options.Prefer == nil {
		options.Prefer = func(string, string) string { return "" }
	}
	if options.Budget == nil {
		options.Budget = func(Demand) (func(Usage), *Overspent) { return func(Usage) {}, nil }
	}
	if options.Started == nil {
		options.Started = func(Record) {}
	}
	if options.Finished == nil {
		options.Finished = func(Record) {}
	}
	if options.MaxBody == 0 {
		options.MaxBody = DefaultMaxBody
	}
	if options.ConnectTimeout == 0 {
		options.ConnectTimeout = DefaultConnectTimeout
	}
	if options.HeaderTimeout == 0 {
		options.HeaderTimeout = DefaultHeaderTimeout
	}
	if options.IdleTimeout == 0 {
		options.IdleTimeout = DefaultIdleTimeout
	}
	if options.BodyTimeout == 0 {
		options.BodyTimeout = DefaultBodyTimeout
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Handler{
		options:   options,
		transport: newTransport(options.ConnectTimeout),
		tables:    newTables(),
		buffers:   sync.Pool{New: func() any { return new([bufferSize]byte) }},
	}
}

// newTransport dials providers itself: no proxy of the environment may see the key.
func newTransport(timeout time.Duration) *upstream.Transport {
	return upstream.New(upstream.Options{
		ConnectTimeout: timeout, IdleOfOne: idleConnections, IdleOfAll: 2 * idleConnections, IdleLife: idleConnectionLife, MaxHeader: 256 << 10,
	})
}

// Close closes the idle connections. Calls under way go on; they end with
// their requests.
func (h *Handler) Close() { h.transport.Close() }
