package tui

import (
	"context"
	"encoding/json"
	"time"

	"openclaw/gateway/event"
)

// Backend is what the screen needs of a gateway. Calls block on the network
// and are made only from commands, never from Update or View.
type Backend interface {
	// Events sends every event until ctx ends or the connection breaks, then
	// closes the channel. Those that came together are one batch, which is the
	// reader's own. The backend never blocks on it: a watcher that is too slow
	// loses events, which shows as a gap in Event.Seq.
	Events(ctx context.Context) (<-chan []event.Event, error)
	Overview(ctx context.Context) (event.Overview, error)
	Denials(ctx context.Context) ([]event.Denial, error)
	// Asks are those that wait, and those that are over, each oldest first.
	Asks(ctx context.Context) ([]event.Ask, error)
	// AnswerAsk answers one. counts is false when somebody else answered first;
	// the row says who. scope and match are the gateway's words, or empty.
	AnswerAsk(ctx context.Context, id string, allow bool, scope, match, note string) (row event.Ask, counts bool, err error)
	// PauseAsk says that a person is at an ask, whose clock then stands still for a few
	// seconds; paused is false when it does not.
	PauseAsk(ctx context.Context, id string) (paused bool, err error)
	// PreviewAsk says what an allow for always would write, in Lines, List and Where.
	PreviewAsk(ctx context.Context, id, match string) (event.Ask, error)
	// Undo takes back what the answer to an ask allowed; no id: the newest.
	Undo(ctx context.Context, id string) (event.Ask, error)
	Connections(ctx context.Context) ([]event.Connection, error)
	// Sockets are the open ones of the gateway's clients, whose bytes no event tells.
	Sockets(ctx context.Context) ([]event.Connection, error)
	// Connection is what happened on one of them; with records also what the audit log
	// holds of it.
	Connection(ctx context.Context, id string, records bool) (event.ConnectionTrail, error)
	Agents(ctx context.Context) ([]event.Agent, error)
	Agent(ctx context.Context, name string) (event.Agent, error) // with its policy
	// CreateAgent adds an agent to the config; with dry it only says what that would
	// write.
	CreateAgent(ctx context.Context, name string, paths, domains []string, dry bool) (event.AgentAdded, error)
	Logs(ctx context.Context, limit int) ([]event.LogLine, error)
	Audit(ctx context.Context, since time.Duration, limit int) ([]json.RawMessage, error)
	// VerifyAudit has every line of the audit log looked at, and their chain.
	VerifyAudit(ctx context.Context) (event.AuditChain, error)
	Config(ctx context.Context) (event.ConfigStatus, error)
	// RollbackConfig brings an earlier config back; with dry it only says what that
	// would change.
	RollbackConfig(ctx context.Context, version int, dry bool) (event.Rollback, error)
	// ValidateConfig says what reading the config again would come to.
	ValidateConfig(ctx context.Context) (event.ConfigTrial, error)
	ReloadConfig(ctx context.Context) (event.ConfigStatus, error)
	Secrets(ctx context.Context) (event.SecretStore, []event.Secret, error)
	// StoreSecret takes ownership of value and wipes it.
	StoreSecret(ctx context.Context, name string, value []byte) error
	DeleteSecret(ctx context.Context, name string) error
	// TestSecret resolves a secret and asks the providers that use it.
	TestSecret(ctx context.Context, reference string) (event.SecretTest, error)
	// ClientTokens are the tokens of clients, never the text of one.
	ClientTokens(ctx context.Context) ([]event.ClientToken, error)
	// RevokeToken takes a client's token back.
	RevokeToken(ctx context.Context, name string) error
	// CreateVault makes the encrypted vault where no keychain runs. A nil
	// passphrase makes a key file instead. It wipes passphrase.
	CreateVault(ctx context.Context, passphrase []byte) (event.SecretStore, error)
	UnlockVault(ctx context.Context, passphrase []byte) (event.SecretStore, error)
	// Disconnect closes a connection: a client of the gateway, a model call, or one out of a cage.
	Disconnect(ctx context.Context, id string) error
	// Ban shuts an address out for a time such as "1h".
	Ban(ctx context.Context, network, during string) error
	// StopRun has a run end: asked to, and killed five seconds later; with kill
	// at once.
	StopRun(ctx context.Context, run string, kill bool) error
	// RestartRun has a run end and its command started again, where it was started.
	RestartRun(ctx context.Context, run string) error
	// RunOutput is what a run without a terminal said since cursor, at most lines
	// of it; 0: its newest lines.
	RunOutput(ctx context.Context, run string, cursor int64, lines int) (event.Output, error)
	// ChatHistory is what was said in the agent's main session, oldest first.
	ChatHistory(ctx context.Context, agent string) ([]event.ChatMessage, error)
	// ChatSend says something there; the answer comes as events. run is new for
	// each message.
	ChatSend(ctx context.Context, agent, message, run string) error
	// ChatAbort ends the answer that is being given.
	ChatAbort(ctx context.Context, agent string) error
	StopGateway(ctx context.Context) error
	// Reconnect dials again after the connection broke.
	Reconnect(ctx context.Context) error
	Close() error
}
