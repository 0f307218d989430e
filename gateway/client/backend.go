package client

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// feedRoom is how many batches of events, each of one frame, wait for a screen before
// it loses some.
const feedRoom = 64

// Backend is a gateway as the screen sees it. It is safe for concurrent use.
type Backend struct {
	dial func(context.Context) (*Client, error)

	// Mask takes secrets out of what is shown of a conversation, and Open out of an
	// answer that goes on, without what may still become one: the gateway keeps
	// messages as they were said. nil: they are shown so. To be set before the first use.
	Mask, Open func(string) string

	mu     sync.Mutex // guards client
	client *Client
}

// NewBackend returns a backend over client; dial makes the next connection
// when this one broke.
func NewBackend(client *Client, dial func(context.Context) (*Client, error)) *Backend {
	return &Backend{client: client, dial: dial}
}

func (b *Backend) current() *Client {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.client
}

func (b *Backend) call(ctx context.Context, method string, params, result any) error {
	return b.current().Call(ctx, method, params, result)
}

// ask calls a method whose whole answer is a T.
func ask[T any](ctx context.Context, b *Backend, method string, params any) (T, error) {
	var out T
	err := b.call(ctx, method, params, &out)
	return out, err
}

// Events subscribes to every event; those that came together are one batch, which is
// the reader's own. The channel is closed when ctx ends or the connection breaks. One watcher at a time: a second one shares the events of
// the same connection with the first.
func (b *Backend) Events(ctx context.Context) (<-chan []event.Event, error) {
	client := b.current()
	if err := client.Call(ctx, wire.MethodSubscribe, wire.SubscribeParams{Packed: true}, nil); err != nil {
		return nil, err
	}
	out := make(chan []event.Event, feedRoom)
	go func() {
		defer close(out)
		for {
			select {
			case <-ctx.Done():
				return
			case pushed, open := <-client.Events():
				if !open || !b.deliver(ctx, client, &pushed, out) {
					return
				}
			}
		}
	}()
	return out, nil
}

// deliver hands on what the gateway pushed, and reports whether more may come. An event
// that has no room is left out, and the gap in Seq shows it.
func (b *Backend) deliver(ctx context.Context, from *Client, pushed *wire.Event, out chan<- []event.Event) bool {
	var e event.Event
	switch pushed.Event {
	case wire.EventPacked:
		events, _ := wire.ReadPacked(pushed.Payload) // what cannot be read is left out, too
		from.reuse(pushed.Payload)
		offer(out, events...)
	case wire.EventName: // of a gateway that does not pack
		if json.Unmarshal(pushed.Payload, &e) == nil {
			offer(out, e)
		}
	case wire.EventChat:
		said, is := b.chatEvent(pushed.Payload)
		if !is {
			return true
		}
		select {
		case out <- []event.Event{said}:
		case <-ctx.Done(): // words are not left out: nobody would say them again
			return false
		}
	}
	return true
}

func offer(out chan<- []event.Event, events ...event.Event) {
	if len(events) == 0 {
		return
	}
	select {
	case out <- events:
	default:
	}
}

// Overview is the gateway at a glance.
func (b *Backend) Overview(ctx context.Context) (event.Overview, error) {
	return ask[event.Overview](ctx, b, wire.MethodOverview, nil)
}

// Denials are the newest 1,000 rows, newest last.
func (b *Backend) Denials(ctx context.Context) ([]event.Denial, error) {
	var out wire.DenialsResult
	err := b.call(ctx, wire.MethodDenials, wire.DenialsParams{}, &out)
	return out.Denials, err
}

// Connections are the open ones and the newest closed ones.
func (b *Backend) Connections(ctx context.Context) ([]event.Connection, error) {
	var out wire.ConnectionsResult
	err := b.call(ctx, wire.MethodConnections, nil, &out)
	return out.Connections, err
}

// Sockets are the open connections of clients, with their bytes so far.
func (b *Backend) Sockets(ctx context.Context) ([]event.Connection, error) {
	var out wire.ConnectionsResult
	err := b.call(ctx, wire.MethodConnections, wire.ConnectionsParams{Sockets: true}, &out)
	return out.Connections, err
}

// Connection is what happened on one connection; with records also what the audit log
// holds of it.
func (b *Backend) Connection(ctx context.Context, id string, records bool) (event.ConnectionTrail, error) {
	return ask[event.ConnectionTrail](ctx, b, wire.MethodConnection, wire.ConnectionParams{ID: id, Records: records})
}

// Agents are all agents of the config, without policies.
func (b *Backend) Agents(ctx context.Context) ([]event.Agent, error) {
	var out wire.AgentsResult
	err := b.call(ctx, wire.MethodAgents, nil, &out)
	return out.Agents, err
}

// Agent is one agent with its policy.
func (b *Backend) Agent(ctx context.Context, name string) (event.Agent, error) {
	return ask[event.Agent](ctx, b, wire.MethodAgent, wire.AgentParams{Name: name})
}

// Logs are the newest lines of the gateway's log, newest last.
func (b *Backend) Logs(ctx context.Context, limit int) ([]event.LogLine, error) {
	var out wire.LogsResult
	err := b.call(ctx, wire.MethodLogs, wire.LogsParams{Limit: limit}, &out)
	return out.Lines, err
}

// Audit are the entries of the audit log since then, as they are in the file.
func (b *Backend) Audit(ctx context.Context, since time.Duration, limit int) ([]json.RawMessage, error) {
	var out wire.AuditSearchResult
	err := b.call(ctx, wire.MethodAuditSearch, wire.AuditSearchParams{Since: since.String(), Limit: limit}, &out)
	return out.Entries, err
}

// VerifyAudit has every line of the audit log looked at.
func (b *Backend) VerifyAudit(ctx context.Context) (event.AuditChain, error) {
	return ask[event.AuditChain](ctx, b, wire.MethodAuditVerify, nil)
}

// Config is the active config and the last attempt to replace it.
func (b *Backend) Config(ctx context.Context) (event.ConfigStatus, error) {
	return ask[event.ConfigStatus](ctx, b, wire.MethodConfigStatus, nil)
}

// ValidateConfig says what reading the config again would come to.
func (b *Backend) ValidateConfig(ctx context.Context) (event.ConfigTrial, error) {
	return ask[event.ConfigTrial](ctx, b, wire.MethodConfigTry, nil)
}

// ReloadConfig reads the config again.
func (b *Backend) ReloadConfig(ctx context.Context) (event.ConfigStatus, error) {
	return ask[event.ConfigStatus](ctx, b, wire.MethodConfigReload, nil)
}

// RollbackConfig brings an earlier config back; with dry it only says what that
// would change.
func (b *Backend) RollbackConfig(ctx context.Context, version int, dry bool) (event.Rollback, error) {
	return ask[event.Rollback](ctx, b, wire.MethodConfigBack, wire.ConfigRollbackParams{Version: version, Dry: dry})
}

// CreateAgent adds an agent to the config, that may read and write the paths and
// reach the domains; with dry it only says what that would write.
func (b *Backend) CreateAgent(ctx context.Context, name string, paths, domains []string, dry bool) (event.AgentAdded, error) {
	return ask[event.AgentAdded](ctx, b, wire.MethodAgentCreate, wire.AgentCreateParams{Name: name, Paths: paths, Domains: domains, Dry: dry})
}

// Secrets is what may be known of the secrets and of their store.
func (b *Backend) Secrets(ctx context.Context) (event.SecretStore, []event.Secret, error) {
	var out wire.SecretsResult
	err := b.call(ctx, wire.MethodSecrets, nil, &out)
	return out.Store, out.Secrets, err
}

// StoreSecret stores value under name and wipes it.
func (b *Backend) StoreSecret(ctx context.Context, name string, value []byte) error {
	defer clear(value)
	return b.call(ctx, wire.MethodSecretSet, wire.SecretSetParams{Name: name, Value: value}, nil)
}

// DeleteSecret removes a secret.
func (b *Backend) DeleteSecret(ctx context.Context, name string) error {
	return b.call(ctx, wire.MethodSecretDelete, wire.SecretParams{Name: name}, nil)
}

// TestSecret resolves a name or a reference and asks the providers that use it.
func (b *Backend) TestSecret(ctx context.Context, reference string) (event.SecretTest, error) {
	var out wire.SecretTested
	if err := b.call(ctx, wire.MethodSecretTest, wire.SecretTestParams{Reference: reference, Live: true}, &out); err != nil {
		return event.SecretTest{}, err
	}
	test := event.SecretTest{OK: out.OK, Source: out.Source, Taken: out.Taken, Unknown: out.Unknown, Problem: out.Detail}
	if out.Hint != "" {
		test.Problem += ". " + out.Hint
	}
	return test, nil
}

// ClientTokens are the named tokens, oldest first, those that are over too while they
// are remembered.
func (b *Backend) ClientTokens(ctx context.Context) ([]event.ClientToken, error) {
	var out wire.ClientTokensResult
	err := b.call(ctx, wire.MethodClientTokens, nil, &out)
	return out.Clients, err
}

// RevokeToken takes a client's token back, and cuts what it has open.
func (b *Backend) RevokeToken(ctx context.Context, name string) error {
	return b.call(ctx, wire.MethodClientRevoke, wire.ClientRevokeParams{Name: name}, nil)
}

// CreateVault makes the vault with a passphrase, which it wipes, or with a key
// file when the passphrase is nil.
func (b *Backend) CreateVault(ctx context.Context, passphrase []byte) (event.SecretStore, error) {
	defer clear(passphrase)
	return ask[event.SecretStore](ctx, b, wire.MethodStoreCreate, wire.StoreCreateParams{Passphrase: passphrase, KeyFile: passphrase == nil})
}

// UnlockVault opens the vault for the gateway's life and wipes passphrase.
func (b *Backend) UnlockVault(ctx context.Context, passphrase []byte) (event.SecretStore, error) {
	defer clear(passphrase)
	return ask[event.SecretStore](ctx, b, wire.MethodStoreUnlock, wire.StoreUnlockParams{Passphrase: passphrase})
}

// StopGateway ends the gateway. That it goes away before the answer arrives is
// success too.
func (b *Backend) StopGateway(ctx context.Context) error {
	err := b.call(ctx, wire.MethodGatewayStop, nil, nil)
	var gone *Error
	if errors.As(err, &gone) && gone.Kind == KindBroken {
		return nil
	}
	return err
}

// Reconnect makes a new connection in place of the old one.
func (b *Backend) Reconnect(ctx context.Context) error {
	next, err := b.dial(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	old := b.client
	b.client = next
	b.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	return nil
}

// Close ends the connection.
func (b *Backend) Close() error { return b.current().Close() }
