package gateway

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/chat"
	"openclaw/gateway/hub"
	"openclaw/gateway/store"
	"openclaw/gateway/wire"
)

// chatRun begins the run's id in what a chat's calls leave behind (connections,
// the audit log): the id is the client's, and must not pass for a cage's.
const chatRun = "chat:"

// chats are the conversations of the gateway: the store, the runs, and who
// listens to them.
type chats struct {
	g         *Gateway
	store     *store.Store
	engine    *chat.Engine
	listeners listeners
}

func newChats(g *Gateway) *chats {
	c := &chats{g: g, store: store.New(store.Options{Path: g.deps.Layout.Conversations(), Now: g.deps.Now})}
	c.engine = chat.New(chat.Options{Store: c.store, Call: c.call, Model: c.model, Show: c.show, Mask: g.deps.Masker.Text, Log: g.log, Now: g.deps.Now})
	c.listeners.topics = map[string]map[*hub.Conn]struct{}{}
	return c
}

// stop ends the runs and closes the database.
func (c *chats) stop() {
	c.engine.Stop()
	if err := c.store.Close(); err != nil {
		c.g.log.Error("the conversations' database was not closed as it should be", slog.Any("error", err))
	}
}

// errLost is why a call of a chat was ended by the gateway itself.
var errLost = errors.New("the gateway ended the call: what let it in no longer does, or the agent has another provider now")

// call sends a request of a chat the way of every other request to a provider.
func (c *chats) call(w http.ResponseWriter, r *http.Request, caller chat.Caller) (err error) {
	g := c.g
	if g.deps.Provider == nil || g.deps.WithCaller == nil {
		return errors.New("this gateway has no providers")
	}
	call, ok := g.underWay.Enter(caller.Agent, r.ContentLength)
	if !ok {
		return chat.ErrBusy
	}
	defer call.Leave()
	from := netip.Addr{}
	if address, err := netip.ParseAddrPort(caller.From); err == nil {
		from = address.Addr().Unmap()
	}
	token, _ := caller.Owner.(auth.Hash) // zero: the owner of the unix socket
	run := chatRun + caller.Run
	ctx, leave := g.streams.enter(r.Context(), auth.Caller{Agent: caller.Agent, Run: run}, token, from)
	defer leave()
	if !g.holds(token) {
		return errLost
	}
	if !token.Zero() {
		_, client := g.tokens.Load().Standing(token)
		ctx = withClient(ctx, client.Name)
	}
	defer func() {
		if p := recover(); p != nil {
			if failed, is := p.(error); !is || !errors.Is(failed, http.ErrAbortHandler) {
				panic(p)
			}
			if err = chat.ErrCut; ctx.Err() != nil && r.Context().Err() == nil {
				err = errLost
			}
		}
	}()
	r.Body = call.Body(r.Body)
	g.deps.Provider.ServeHTTP(w, r.WithContext(g.deps.WithCaller(ctx, caller.Agent, run)))
	return nil
}

// model is whom an agent asks, by the config as it is now.
func (c *chats) model(agent string) (chat.Model, error) {
	settings, known := c.g.deps.Config.Current().Config.Agents[agent]
	section := configs.NamedKey("agents", agent)
	switch {
	case !known:
		return chat.Model{}, wire.NotFound("there is no agent "+short(agent), "add "+section+" to the config, with its provider and model")
	case settings.Provider == "" || settings.Model == "":
		return chat.Model{}, wire.Unavailable("agent "+agent+" has no model to talk to", "write "+section+".provider and "+section+".model in the config")
	}
	kind := settings.Provider
	if c.g.deps.ProviderKind != nil {
		kind = c.g.deps.ProviderKind(settings.Provider)
	}
	if kind != chat.KindAnthropic && kind != chat.KindOpenAI {
		return chat.Model{}, wire.Unavailable("a chat speaks the APIs anthropic and openai, and provider "+settings.Provider+" of agent "+agent+" has another", "give "+section+" a provider of one of these kinds")
	}
	return chat.Model{Provider: settings.Provider, Kind: kind, Name: settings.Model}, nil
}

// sessionOf reads a session's key: "agent:NAME:REST", or a name of one of the
// agent's, or of the first agent's.
func (c *chats) sessionOf(method, key, agent string) (canonical, of string, err error) {
	printable := func(r rune) bool { return unicode.IsPrint(r) }
	if key == "" || len(key) > maxSessionKey || !utf8.ValidString(key) || strings.IndexFunc(key, func(r rune) bool { return !printable(r) }) >= 0 {
		return "", "", wire.Invalid("invalid " + method + " params: a session's key is 1 to 512 printable characters")
	}
	of = agent
	if rest, is := strings.CutPrefix(key, "agent:"); is {
		name, own, found := strings.Cut(rest, ":")
		if !found || name == "" || own == "" {
			return "", "", wire.Invalid("invalid " + method + " params: a session's key is agent:NAME:SESSION")
		}
		if agent != "" && !strings.EqualFold(agent, name) {
			return "", "", wire.Invalid("invalid " + method + " params: the session is not that agent's")
		}
		canonical, of = key, name
	}
	if of == "" {
		of = c.g.defaultAgent()
	}
	if canonical == "" {
		canonical = "agent:" + of + ":" + key
	}
	return canonical, c.agentNamed(of), nil
}

const maxSessionKey = 512

// agentNamed finds an agent whose name a client wrote in small letters.
func (c *chats) agentNamed(name string) string {
	agents := c.g.deps.Config.Current().Agents()
	if slices.Contains(agents, name) {
		return name
	}
	for _, agent := range agents {
		if strings.EqualFold(agent, name) {
			return agent
		}
	}
	return name
}

// refusalOf puts an error of the store or of the engine into the protocol's shape.
func (c *chats) refusal(err error) error {
	if err == nil {
		return nil
	}
	if failure, is := errors.AsType[*store.Error](err); is {
		if failure.Kind == store.KindNotFound {
			return wire.NotFound("there is no such session", "")
		}
		c.g.log.Error("conversations cannot be read or kept", slog.String("path", failure.Path), slog.Any("error", failure))
		return wire.Unavailable(failure.Error(), failure.Hint)
	}
	switch {
	case errors.Is(err, chat.ErrBusy):
		return &wire.Error{Code: wire.CodeUnavailable, Message: err.Error(), Retryable: true, RetryAfterMS: time.Second.Milliseconds()}
	case errors.Is(err, chat.ErrOtherSession):
		return wire.Invalid(err.Error())
	case errors.Is(err, chat.ErrStopped):
		return wire.Unavailable("the gateway stops", "")
	}
	return err
}

// listeners are the sockets that get the events of chats, by topic: all of them,
// those of a session, or those of a run.
type listeners struct {
	mu     sync.Mutex // guards topics
	topics map[string]map[*hub.Conn]struct{}
}

const topicAll = "all"

func topicSession(key string) string { return "session " + key }
func topicRun(id string) string      { return "run " + id }

func (l *listeners) join(conn *hub.Conn, topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if conn.Context().Err() != nil {
		return // forget has been or will not be called for it again
	}
	if l.topics[topic] == nil {
		l.topics[topic] = map[*hub.Conn]struct{}{}
	}
	l.topics[topic][conn] = struct{}{}
}

func (l *listeners) leave(conn *hub.Conn, topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.topics[topic], conn)
	if len(l.topics[topic]) == 0 {
		delete(l.topics, topic)
	}
}

// forget takes a socket that has closed out of everything.
func (l *listeners) forget(conn *hub.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for topic, conns := range l.topics {
		if delete(conns, conn); len(conns) == 0 {
			delete(l.topics, topic)
		}
	}
}

func (l *listeners) end(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.topics, topic)
}

// of are the sockets of any of the topics, each once.
func (l *listeners) of(topics ...string) []*hub.Conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []*hub.Conn
	seen := map[*hub.Conn]struct{}{}
	for _, topic := range topics {
		for conn := range l.topics[topic] {
			if _, twice := seen[conn]; !twice {
				seen[conn] = struct{}{}
				out = append(out, conn)
			}
		}
	}
	return out
}
