package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// ConfigStore is the live config; *configs.Store is one.
type ConfigStore interface {
	Current() *configs.Snapshot
	Status() configs.Status
	SubscribeSince(known *configs.Snapshot, subscriber configs.Subscriber) (cancel func(), err error)
	Reload(by string) error
	Try() configs.Trial
	Rollback(version int, dry bool) (configs.Rollback, error)
	Preview(change func(*configs.Document) error) (*configs.Snapshot, error)
	Edit(change func(*configs.Document) error) error
}

// Vault makes and opens the encrypted file where no keychain runs. A nil
// passphrase makes a key file. Both may take a second.
type Vault interface {
	CreateVault(ctx context.Context, passphrase []byte) error
	Unlock(ctx context.Context, passphrase []byte) error
	UnlockByCode(ctx context.Context, code []byte) error
	UnlockByAge(ctx context.Context, key []byte) error
	// UnlockUnattended is by what needs no person, or by one kind of that alone.
	UnlockUnattended(ctx context.Context, kind string) error
	// Lock forgets the vault's key until the next unlock.
	Lock()
	Slots(ctx context.Context) ([]keychain.VaultSlot, error)
	// What changes how the vault opens wants the passphrase that opens it now.
	AddRecoveryCode(ctx context.Context, current []byte) (keychain.Secret, error)
	AddSlot(ctx context.Context, current []byte, slot keychain.NewVaultSlot) error
	RemoveSlot(ctx context.Context, id string, current []byte) error
	Rekey(ctx context.Context, current, passphrase []byte, recovery, approved bool) (keychain.Secret, error)
	// A vault file that is older than one that was seen is refused until it is
	// accepted. Both open it by passphrase, code, or neither.
	LookAtRollback(ctx context.Context, by keychain.VaultOpening) (keychain.VaultRollback, error)
	AcceptRollback(ctx context.Context, by keychain.VaultOpening, fingerprint string) error
}

// Masker takes secrets out of text, and learns exact values that nothing may
// show.
type Masker interface {
	Add(name string, value []byte) bool
	Remove(name string)
	Text(text string) string
	// Open masks a text that goes on, without what may still become a secret.
	Open(text string) string
}

// AuditEntry is one line of the audit log, in the specification's words.
type AuditEntry struct {
	Event   string // "authentication", "api_call", "run_start"…
	User    string // "operator", or an agent's name
	IP      string // of the client; "unix" for the socket
	Action  string
	Path    string
	Target  string
	Result  string // "success", "denied", "failure", or "allowed": about to be tried
	Reason  string
	Details map[string]any
}

// LogChunk is a piece of the log from a byte offset.
type LogChunk struct {
	Cursor    int64 // where the next piece starts
	Size      int64 // of the file
	Lines     []string
	Truncated bool // lines were left out
	Reset     bool // the file is another one than the cursor was for
}

// Deps is what the gateway is given. Config, Bus, Token, Secrets, Vault and
// Audit are required.
type Deps struct {
	Version string
	Layout  configs.Layout
	Config  ConfigStore
	Bus     *event.Bus
	Log     *slog.Logger
	Lock    *Lock // held by the caller since before it opened the state folder's files; nil: Run takes it

	// Token gives the gateway's token; it may be asked at any time and may
	// give another one than before.
	Token func(context.Context) (keychain.Secret, error)

	Secrets keychain.Store
	Vault   Vault
	// SecretStatus and SecretInfo say what may be known of the store and of
	// what is in it. Resolve follows a reference; source says where it led.
	SecretStatus func() event.SecretStore
	SecretInfo   func(context.Context) ([]event.Secret, error)
	Resolve      func(ctx context.Context, reference string) (value keychain.Secret, source string, err error)

	// Audit returns when the entry is on disk. AuditLater queues one of what is
	// over already and calls failed if it is not recorded in the end; every Audit
	// after it comes after it in the log. nil: Audit itself. AuditOver is AuditLater
	// that returns when the entry can be read in the log. nil: AuditLater. AuditSearch gives the
	// newest entries that match, oldest first; AuditVerify looks at every line.
	Audit       func(context.Context, AuditEntry) error
	AuditLater  func(e AuditEntry, failed func(error))
	AuditOver   func(ctx context.Context, e AuditEntry, failed func(error))
	AuditVerify func(ctx context.Context) (event.AuditChain, error)
	AuditSearch func(ctx context.Context, params wire.AuditSearchParams) (entries []json.RawMessage, truncated bool, err error)

	// AuditRefused calls each with the entries since a time that say that something was
	// refused, newest first; whole is false where it left out the older ones.
	AuditRefused func(ctx context.Context, since time.Time, each func(line []byte) bool) (whole bool, err error)

	// AuditRun reads what the audit log holds of one run.
	AuditRun func(ctx context.Context, run string) (RunRecord, error)

	LogTail func(limit int) ([]event.LogLine, error)
	// ScrubLogs puts the log that is on the disk through the rules of now.
	ScrubLogs func(ctx context.Context, dry bool) (wire.LogsScrubbed, error)
	// Support adds the files of who keeps them to those of a support bundle, and takes
	// the secrets out of all.
	Support func(ctx context.Context, files []wire.SupportFile, lines int) (wire.SupportResult, error)
	LogFrom func(cursor int64, limit, maxBytes int) (LogChunk, error)

	// Provider serves the routes of model providers; WithCaller tells it who
	// calls. An empty agent is the operator; ClientOf(ctx) names its client.
	Provider   http.Handler
	WithCaller func(ctx context.Context, agent, run string) context.Context
	// CutCall ends a call that is under way, by its Call's ID, and has its client and its
	// record say why; false: there is none.
	CutCall func(id string, why error) bool
	// TryKey asks a provider with a key; refused: it does not take it, as err says.
	// Another err leaves that unknown. nil: keys cannot be tried here.
	TryKey func(ctx context.Context, provider string, key keychain.Secret) (refused bool, err error)
	// ProviderKind is the API that a provider of the config speaks; nil: the one
	// that it is named like.
	ProviderKind func(provider string) string

	Masker  Masker
	Machine func() []event.Mechanism // what this machine can enforce

	// Listener is the config's port where somebody opened it already, such as a
	// service manager; nil: Run opens it. It must be at the config's address.
	Listener net.Listener

	Grace  time.Duration // for streams at the end; default 10 s
	Now    func() time.Time
	Limits hub.Limits // zero fields are the protocol's own

	CertificateLook time.Duration // between two looks at the files of gateway.tls; 0: 2 s
}

func (d Deps) complete() (Deps, error) {
	if d.Config == nil || d.Bus == nil || d.Token == nil || d.Secrets == nil || d.Vault == nil || d.Audit == nil {
		return d, errors.New("make gateway: a required part is missing")
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Grace == 0 {
		d.Grace = 10 * time.Second
	}
	if d.AuditLater == nil {
		record := d.Audit
		d.AuditLater = func(e AuditEntry, failed func(error)) {
			if err := record(context.Background(), e); err != nil {
				failed(err)
			}
		}
	}
	if d.AuditOver == nil {
		later := d.AuditLater
		d.AuditOver = func(_ context.Context, e AuditEntry, failed func(error)) { later(e, failed) }
	}
	if d.Machine == nil {
		d.Machine = func() []event.Mechanism { return nil }
	}
	if d.AuditRun == nil {
		d.AuditRun = func(context.Context, string) (RunRecord, error) { return RunRecord{}, nil }
	}
	if d.Masker == nil {
		d.Masker = noMasker{}
	}
	if d.SecretStatus == nil {
		d.SecretStatus = func() event.SecretStore { return event.SecretStore{State: "none"} }
	}
	if d.SecretInfo == nil {
		d.SecretInfo = func(context.Context) ([]event.Secret, error) { return nil, nil }
	}
	return d, nil
}

type noMasker struct{}

func (noMasker) Add(string, []byte) bool { return true }
func (noMasker) Remove(string)           {}
func (noMasker) Text(text string) string { return text }
func (noMasker) Open(text string) string { return text }
