package wire

import (
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Own methods, beside the standard ones of the protocol. The prefix keeps them
// from colliding with any name of the published method table.
const (
	MethodOverview     = "openclaw.overview"              // → event.Overview
	MethodSubscribe    = "openclaw.events.subscribe"      // SubscribeParams → Subscribed; then EventName events
	MethodDenials      = "openclaw.denials.list"          // DenialsParams → DenialsResult
	MethodConnections  = "openclaw.connections.list"      // ConnectionsParams → ConnectionsResult
	MethodConnection   = "openclaw.connections.show"      // ConnectionParams → event.ConnectionTrail
	MethodAgents       = "openclaw.agents.list"           // → AgentsResult (without policies)
	MethodAgent        = "openclaw.agents.show"           // AgentParams → event.Agent (with policy)
	MethodRunStart     = "openclaw.runs.start"            // RunStartParams → RunStarted
	MethodAgentCreate  = "openclaw.agents.create"         // AgentCreateParams → event.AgentAdded
	MethodRunRecorded  = "openclaw.runs.recorded"         // RunRecordedParams → {}, when the start is on record
	MethodRunResume    = "openclaw.runs.resume"           // RunResumeParams → RunStarted (token empty)
	MethodRunReport    = "openclaw.runs.report"           // RunReportParams → {}
	MethodRunEnd       = "openclaw.runs.end"              // RunEndParams → {}
	MethodSecrets      = "openclaw.secrets.list"          // → SecretsResult
	MethodSecretSet    = "openclaw.secrets.set"           // SecretSetParams → event.Secret
	MethodSecretDelete = "openclaw.secrets.delete"        // SecretParams → {}
	MethodSecretTest   = "openclaw.secrets.test"          // SecretTestParams → SecretTested
	MethodSecretRotate = "openclaw.secrets.rotate"        // SecretRotateParams → SecretRotated
	MethodSecretUndo   = "openclaw.secrets.undo"          // SecretParams → SecretRotated: the value from before a rotation
	MethodStoreCreate  = "openclaw.secrets.store.create"  // StoreCreateParams → event.SecretStore
	MethodStoreUnlock  = "openclaw.secrets.store.unlock"  // StoreUnlockParams → event.SecretStore
	MethodStoreLock    = "openclaw.secrets.store.lock"    // → event.SecretStore
	MethodStoreSlots   = "openclaw.secrets.store.slots"   // → StoreSlotsResult
	MethodStoreRecover = "openclaw.secrets.store.recover" // StoreSlotParams → StoreCode: adds a recovery code
	MethodStoreAdd     = "openclaw.secrets.store.add"     // StoreAddParams → StoreSlotsResult: adds a way to unlock
	MethodStoreRemove  = "openclaw.secrets.store.remove"  // StoreSlotParams → StoreSlotsResult: takes a way to unlock away
	MethodStoreRekey   = "openclaw.secrets.store.rekey"   // StoreRekeyParams → StoreCode
	MethodStoreRolled  = "openclaw.secrets.store.rolled"  // StoreUnlockParams → StoreRolled: why the vault file is refused
	MethodStoreAccept  = "openclaw.secrets.store.accept"  // StoreAcceptParams → event.SecretStore: takes that file for the newest
	MethodConfigStatus = "openclaw.config.status"         // → event.ConfigStatus
	MethodConfigReload = "openclaw.config.reload"         // → event.ConfigStatus
	MethodConfigTry    = "openclaw.config.validate"       // → event.ConfigTrial
	MethodConfigBack   = "openclaw.config.rollback"       // ConfigRollbackParams → event.Rollback
	MethodAuditSearch  = "openclaw.audit.search"          // AuditSearchParams → AuditSearchResult
	MethodAuditVerify  = "openclaw.audit.verify"          // → event.AuditChain
	MethodLogs         = "openclaw.logs.list"             // LogsParams → LogsResult
	MethodGatewayStop  = "openclaw.gateway.stop"          // → {}; the gateway then ends
	EventName          = "openclaw.event"                 // payload: event.Event
	EventPacked        = "openclaw.events.packed"         // of a Client, never of a socket: a binary frame, for ReadPacked
	EventPolicy        = "openclaw.run.policy"            // payload: RunPolicy; only to the run's supervisor
)

// SubscribeParams chooses events. No kinds: all.
type SubscribeParams struct {
	Kinds []event.Kind `json:"kinds,omitempty"`
	// Packed asks for many events in one binary frame: see AppendPacked. They are not
	// numbered as the socket's other events are.
	Packed bool `json:"packed,omitempty"`
}

// Subscribed answers a subscription.
type Subscribed struct {
	Seq uint64 `json:"seq"` // of the last event before the subscription
}

// DenialsParams filters denials; the zero value asks for the newest 1,000.
type DenialsParams struct {
	Agent string `json:"agent,omitempty"`
	Limit int    `json:"limit,omitempty"`
}

// DenialsResult is newest last.
type DenialsResult struct {
	Denials []event.Denial `json:"denials"`
}

// ConnectionParams names a connection. With Records the audit log is searched for it,
// too.
type ConnectionParams struct {
	ID      string `json:"id"`
	Records bool   `json:"records,omitempty"`
}

// ConnectionsParams chooses. With Sockets only the open connections of clients are
// listed, whose bytes no event tells.
type ConnectionsParams struct {
	Sockets bool `json:"sockets,omitempty"`
}

// ConnectionsResult is the open connections and the newest closed ones.
type ConnectionsResult struct {
	Connections []event.Connection `json:"connections"`
}

// AgentsResult is every agent of the config, by name.
type AgentsResult struct {
	Agents []event.Agent `json:"agents"`
}

// AgentParams names an agent.
type AgentParams struct {
	Name string `json:"name"`
}

// RunStartParams asks for a run. Only the unix socket may ask.
type RunStartParams struct {
	Agent   string   `json:"agent"`
	Command []string `json:"command,omitempty"` // empty: the agent's own command
	Dir     string   `json:"dir"`
	PID     int      `json:"pid"` // of the supervisor
	Learn   *Learn   `json:"learn,omitempty"`
	// Terminal is what the run is connected to, as event.Run has it.
	Terminal string `json:"terminal,omitempty"`
	// Shape is that of policies which this client reads packed; empty: of none.
	Shape string `json:"policy_shape,omitempty"`
	// Early asks for the answer before the start is on record. The command must not
	// begin before MethodRunRecorded was answered.
	Early bool `json:"early,omitempty"`
}

// RunRecordedParams asks whether the start of a run is on record. An error says that it
// is not, and that the run's token is dead.
type RunRecordedParams struct {
	Run string `json:"run"`
}

// RunStarted is what a supervisor needs to build the cage.
type RunStarted struct {
	Run         string         `json:"run"`
	Policy      *policy.Policy `json:"policy,omitempty"`
	Packed      []byte         `json:"packed_policy,omitempty"` // in place of Policy, where the client has its shape
	Command     []string       `json:"command"`
	Token       string         `json:"token"`                 // the agent's token: dead when the run ends
	Gateway     string         `json:"gateway"`               // 127.0.0.1:18789
	Env         []string       `json:"env"`                   // NAME=value: base URLs and the token for the clients
	Unsupported []string       `json:"unsupported,omitempty"` // sentences: what the config asks for and is not built, or that it is not in force
	// Pending says that the start is not on record yet: see RunStartParams.Early, which
	// an older gateway does not know. What it answers is on record.
	Pending bool `json:"pending,omitempty"`
}

// RunResumeParams registers a run again after the gateway was started anew.
type RunResumeParams struct {
	Run     string   `json:"run"`
	Agent   string   `json:"agent"`
	Command []string `json:"command"`
	Token   string   `json:"token"`
	PID     int      `json:"pid"`
	Learn   *Learn   `json:"learn,omitempty"` // as the run was started

	Terminal string    `json:"terminal,omitempty"` // as above
	Started  time.Time `json:"started,omitzero"`   // when it was; zero, or yet to come: not known
}

// RunReportParams carries what happened in a cage since the last report.
// Denials are already merged over repeats; Count is what to add.
type RunReportParams struct {
	Run         string             `json:"run"`
	First       uint64             `json:"first,omitempty"` // number of the first denial in its run, from 1; the others follow
	Denials     []event.Denial     `json:"denials,omitempty"`
	Connections []event.Connection `json:"connections,omitempty"` // by id, newest state
	Mechanisms  []event.Mechanism  `json:"mechanisms,omitempty"`  // once, after the self-test
	Warnings    []string           `json:"warnings,omitempty"`
	Folder      string             `json:"folder,omitempty"`     // where the command began; once
	Policy      string             `json:"policy,omitempty"`     // version now in force
	NeedsRun    []string           `json:"needs_run,omitempty"`  // what waits for a new run
	StillOpen   []string           `json:"still_open,omitempty"` // of it: what the policy forbids and the run can still do
}

// RunEndParams ends a run and its token.
type RunEndParams struct {
	Run  string `json:"run"`
	Exit string `json:"exit"`
}

// RunPolicy tells a supervisor that its agent's policy changed.
type RunPolicy struct {
	Run    string         `json:"run"`
	Policy *policy.Policy `json:"policy"`
}

// SecretsResult is what may be known of the secrets.
type SecretsResult struct {
	Store   event.SecretStore `json:"store"`
	Secrets []event.Secret    `json:"secrets"`
}

// SecretParams names a secret.
type SecretParams struct {
	Name string `json:"name"`
}

// SecretSetParams stores a secret. Value is base64 (Go's []byte in JSON), so
// that any byte passes; it is never logged or audited.
type SecretSetParams struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

// SecretTestParams resolves a name or a reference and says whether it worked.
// With Value, base64, it must also be that value: who knows it already can check
// that it reads back. Live has the providers that use it asked, too.
type SecretTestParams struct {
	Reference string `json:"reference"`
	Value     []byte `json:"value,omitempty"`
	Live      bool   `json:"live,omitempty"`
}

// SecretRotateParams puts another value in the place of a provider's key.
type SecretRotateParams struct {
	Name     string `json:"name"`
	Value    []byte `json:"value"`
	Untested bool   `json:"untested,omitempty"` // store it though no provider took it
}

// SecretRotated is the outcome, never a value.
type SecretRotated struct {
	Name     string   `json:"name"`
	Previous string   `json:"previous"`        // the secret that keeps the value of before
	Tried    []string `json:"tried,omitempty"` // the providers that took the new one
}

// SecretTested is the outcome, never the value.
type SecretTested struct {
	OK     bool   `json:"ok"`
	Length int    `json:"length"`          // bytes
	Equal  bool   `json:"equal,omitempty"` // it is the value of the params
	Source string `json:"source"`          // where it was found
	Detail string `json:"detail,omitempty"`
	Hint   string `json:"hint,omitempty"`

	// Of a live test, each provider in one of them.
	Taken   []string `json:"taken,omitempty"`   // those that take it
	Refused []string `json:"refused,omitempty"` // those that do not, with what they say
	Unknown []string `json:"unknown,omitempty"` // those that could not be asked, and why
}

// StoreCreateParams makes the encrypted vault file where no keychain runs.
// Exactly one of Passphrase and KeyFile is set; a key file is made when it is
// not there.
type StoreCreateParams struct {
	Passphrase []byte `json:"passphrase,omitempty"`
	KeyFile    bool   `json:"key_file,omitempty"`
}

// StoreUnlockParams opens the vault for this gateway's life, or until it is
// locked. Exactly one of Passphrase, Code, Age and KeyFile is set.
type StoreUnlockParams struct {
	Passphrase []byte `json:"passphrase,omitempty"`
	Code       []byte `json:"code,omitempty"`    // a recovery code
	Age        []byte `json:"age,omitempty"`     // the key of an age slot, which a recipient's secret key decrypted
	KeyFile    bool   `json:"keyFile,omitempty"` // by what needs nobody; over the unix socket only
	Kind       string `json:"kind,omitempty"`    // with KeyFile: by that alone: "key-file", "credential" or "keychain"
	Seconds    int64  `json:"seconds,omitempty"` // then the gateway forgets it; 0: it does not
}

// StoreSlotsResult are the ways to unlock the vault.
type StoreSlotsResult struct {
	Slots []StoreSlot `json:"slots"`
}

// StoreSlot is one of them.
type StoreSlot struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind"`                 // "passphrase", "key-file", "recovery-code", "keychain", "credential" or "age"
	Name       string   `json:"name,omitempty"`       // of a credential
	Recipients []string `json:"recipients,omitempty"` // age's public keys
}

// StoreAddParams adds a way to unlock the vault; as keychain.NewVaultSlot. Current is the
// passphrase that opens it now, where one does.
type StoreAddParams struct {
	Current    []byte   `json:"current,omitempty"`
	Kind       string   `json:"kind"`
	Name       string   `json:"name,omitempty"`
	Recipients []string `json:"recipients,omitempty"`
	Sealed     []byte   `json:"sealed,omitempty"`
	Key        []byte   `json:"key,omitempty"`
}

// StoreSlotParams changes one way to unlock the vault. Current is the passphrase
// that opens it now, where one does.
type StoreSlotParams struct {
	ID      string `json:"id,omitempty"`
	Current []byte `json:"current,omitempty"`
}

// StoreRekeyParams encrypts the vault anew, to be opened by Passphrase, or by a new
// key file with KeyFile, and by a recovery code if one is wanted; by nothing else.
type StoreRekeyParams struct {
	Current    []byte `json:"current,omitempty"`
	Passphrase []byte `json:"passphrase,omitempty"`
	KeyFile    bool   `json:"key_file,omitempty"`
	Recovery   bool   `json:"recovery,omitempty"`
	Approved   bool   `json:"approved,omitempty"` // with primitives that FIPS mode takes
}

// StoreCode is a recovery code, which is told once; empty: none was wanted.
type StoreCode struct {
	Code []byte `json:"code,omitempty"`
}

// StoreRolled is a vault file that is refused because a newer one was seen.
type StoreRolled struct {
	Detail string     `json:"detail"`
	File   StoreMark  `json:"file"`
	Newest *StoreMark `json:"newest,omitempty"` // none: that cannot be read
}

// StoreMark is one writing of a vault.
type StoreMark struct {
	Vault       string    `json:"vault"`
	Generation  uint64    `json:"generation"`
	Fingerprint string    `json:"fingerprint"`
	Written     time.Time `json:"written"`
}

// StoreAcceptParams opens the vault as StoreUnlockParams do, or by neither where it
// opens unattended. Fingerprint is of the file that was looked at.
type StoreAcceptParams struct {
	StoreUnlockParams

	Fingerprint string `json:"fingerprint"`
}

// AuditSearchParams filters the audit log. Since is a duration such as "1h".
type AuditSearchParams struct {
	Event string `json:"event,omitempty"`
	Agent string `json:"agent,omitempty"`

	Connection string `json:"connection,omitempty"` // only records that name it: what it did, and what was done to it

	Since string `json:"since,omitempty"`
	Limit int    `json:"limit,omitempty"`
}

// AuditSearchResult holds lines of the audit log as they are in the file.
type AuditSearchResult struct {
	Entries   []RawObject `json:"entries"`
	Truncated bool        `json:"truncated,omitempty"`
}

// LogsParams asks for the newest lines of the gateway's log.
type LogsParams struct {
	Limit int `json:"limit,omitempty"`
}

// LogsResult is newest last.
type LogsResult struct {
	Lines []event.LogLine `json:"lines"`
}
