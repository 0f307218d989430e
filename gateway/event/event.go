package event

import (
	"time"

	"openclaw/sandbox/policy"
)

// Kind names what an Event is about.
type Kind string

// The kinds. Exactly the field of Event that is named like the kind is set.
const (
	KindDenial     Kind = "denial"
	KindConnection Kind = "connection"
	KindAgent      Kind = "agent"
	KindConfig     Kind = "config"
	KindSecret     Kind = "secret"
	KindLog        Kind = "log"
	KindNotice     Kind = "notice"

	// KindGap says nothing but its number, to one watcher: the event of that number was
	// lost, as was what is missing before it, and nothing came after it that would show
	// that. It is never on the bus.
	KindGap Kind = "gap"
)

// Event is one thing that happened. Seq counts from 1 in the order of the bus;
// a gap is what a slow watcher lost.
type Event struct {
	Seq        uint64        `json:"seq"`
	Time       time.Time     `json:"time"`
	Kind       Kind          `json:"kind"`
	Denial     *Denial       `json:"denial,omitempty"`
	Connection *Connection   `json:"connection,omitempty"`
	Agent      *Agent        `json:"agent,omitempty"`
	Config     *ConfigStatus `json:"config,omitempty"`
	Secret     *Secret       `json:"secret,omitempty"`
	Log        *LogLine      `json:"log,omitempty"`
	Notice     *Notice       `json:"notice,omitempty"`
	Ask        *Ask          `json:"ask,omitempty"`
	Clock      *Clock        `json:"clock,omitempty"`
	Chat       *Chat         `json:"chat,omitempty"` // of a client, never of the bus
}

// Denial is a refusal, merged over repeats of the same agent, operation,
// target and rule. An event about it carries the whole row with its new count.
type Denial struct {
	ID          string        `json:"id"` // stable over repeats
	First       time.Time     `json:"first"`
	Last        time.Time     `json:"last"`
	Count       int           `json:"count"`
	Agent       string        `json:"agent"`
	Run         string        `json:"run"`
	PID         int           `json:"pid"`
	Program     string        `json:"program"`
	CommandLine string        `json:"command_line"`
	Class       policy.Class  `json:"class"`
	Operation   string        `json:"operation"`
	Target      string        `json:"target"`
	Rule        string        `json:"rule"`
	Origin      policy.Origin `json:"origin"`
	Mechanism   string        `json:"mechanism"`

	// Connection is the newest connection on which it was refused, of those that were
	// open already; empty: none was.
	Connection string `json:"connection,omitempty"`

	// Row is its number in the reports of its run, 0 where it is the sum of
	// several, whose numbers are Rows then: "3-9,12". They are the audit log's: see
	// wire.RunReportParams.First.
	Row  uint64 `json:"-"`
	Rows string `json:"-"`
	// Masked: a secret was taken out of the target, which is not its name then.
	Masked bool `json:"-"`
}

// Mechanism is one way of enforcement and whether it was proven.
type Mechanism struct {
	Name     string `json:"name"`
	Enforced bool   `json:"enforced"`
	Detail   string `json:"detail,omitempty"`
	Fix      string `json:"fix,omitempty"`
}

// Agent is one agent of the config and its runs.
type Agent struct {
	Name      string         `json:"name"`
	Role      string         `json:"role,omitempty"`
	Workspace string         `json:"workspace"`
	State     string         `json:"state"` // "running", "stopped", "invalid"
	Problem   string         `json:"problem,omitempty"`
	Runs      []Run          `json:"runs,omitempty"`
	Denied    int            `json:"denied"`           // since the gateway started
	Conns     int            `json:"conns"`            // open now
	Policy    *policy.Policy `json:"policy,omitempty"` // as it will be enforced, for who shows it

	// PolicyMasked: a secret was taken out of a rule of Policy, which therefore does not
	// tell what is decided about that one.
	PolicyMasked bool `json:"policy_masked,omitempty"`
}

// Run is one caged command.
type Run struct {
	ID         string      `json:"id"`
	Agent      string      `json:"agent"`
	PID        int         `json:"pid"` // of the supervisor
	Command    []string    `json:"command"`
	Untold     int         `json:"untold,omitempty"`   // words that the command had after these, which nothing recorded
	Folder     string      `json:"folder,omitempty"`   // where the command began; empty: not known
	Terminal   string      `json:"terminal,omitempty"` // what it is connected to; empty: not known
	Learning   bool        `json:"learning,omitempty"` // what no rule speaks of is let through and recorded
	Started    time.Time   `json:"started"`
	Ended      time.Time   `json:"ended,omitzero"`
	Exit       string      `json:"exit,omitempty"`       // "exit 0", "signal 9", "lost"
	Policy     string      `json:"policy"`               // version in force
	Mechanisms []Mechanism `json:"mechanisms,omitempty"` // from the self-test in this very cage
	Warnings   []string    `json:"warnings,omitempty"`
	NeedsRun   []string    `json:"needs_run,omitempty"`  // policy changes that wait for a new run
	StillOpen  []string    `json:"still_open,omitempty"` // of them: what the policy forbids and the run can still do
}

// What a run is connected to.
const (
	OnTerminal = "terminal" // a person's own terminal
	OnPipe     = "pipe"     // its input is a pipe or a file: what was read of it is gone
	Kept       = "kept"     // no terminal: what it says is kept, and can be shown
	InPane     = "pane"     // one of its own, which screens show in a pane
)

// Restartable reports whether the run's supervisor can start the same command
// again, in the same place.
func (r *Run) Restartable() bool {
	return r.Ended.IsZero() && !r.Learning && (r.Terminal == OnTerminal || r.Terminal == Kept || r.Terminal == InPane)
}

// Reduced reports whether the run is in the reduced mode of a machine that
// refuses namespaces.
func (r *Run) Reduced() bool {
	for i := range r.Mechanisms {
		if r.Mechanisms[i].Name == "full cage" && !r.Mechanisms[i].Enforced {
			return true
		}
	}
	return false
}

// Output is a piece of what a run without a terminal said. It does not come from
// the bus: whoever looks at it fetches it.
type Output struct {
	Run       string
	Cursor    int64 // where the next piece starts
	Lines     []string
	Open      string // a line that is not ended, after them
	Truncated bool   // older lines were left out
	Reset     bool   // they do not follow those of the piece before
}

// ConfigStatus is the active config and the last attempt to replace it.
type ConfigStatus struct {
	Path     string    `json:"path"`
	Version  int       `json:"version"` // of the active snapshot, counted from 1
	Active   time.Time `json:"active"`
	Rejected bool      `json:"rejected"`           // what is on disk is not what is active
	Problems []Problem `json:"problems,omitempty"` // errors of the rejected file, or warnings of the active one
	Changes  []string  `json:"changes,omitempty"`  // of the last applied change: "agents.coder.permissions.allowed_paths +1"
	Diff     []string  `json:"diff,omitempty"`     // lines of a unified diff, active against the file on disk or the snapshot before
	History  []Applied `json:"history,omitempty"`  // newest first
	Screen   *Screen   `json:"screen,omitempty"`   // of the active snapshot; nil from a gateway that does not know of it
}

// Screen is what a config says about the terminal screen.
type Screen struct {
	Theme         string       `json:"theme,omitempty"`
	Glyphs        string       `json:"glyphs,omitempty"`
	Filters       []Filter     `json:"filters,omitempty"` // by name
	Keys          []KeyBinding `json:"keys,omitempty"`    // that differ from the screen's own, by action
	Mouse         bool         `json:"mouse"`
	Bell          bool         `json:"bell"`
	Notifications bool         `json:"notifications"`
	Confirm       string       `json:"confirm,omitempty"` // approve.confirm: "always", "never", "on-widen"; empty: not known
}

// Filter is a line of the screen's filter that has a name.
type Filter struct {
	Name string `json:"name"`
	Line string `json:"line"`
}

// KeyBinding are the keys of one action of the screen.
type KeyBinding struct {
	Action string   `json:"action"`
	Keys   []string `json:"keys"`
}

// Problem is one error or warning of a config file.
type Problem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Key     string `json:"key"`
	Message string `json:"message"`
	Warning bool   `json:"warning,omitempty"`
}

// Applied is one config that became active.
type Applied struct {
	Version int       `json:"version"`
	Time    time.Time `json:"time"`
	By      string    `json:"by"` // "start", "file watch", "reload", "rollback to #12"
	Changes []string  `json:"changes,omitempty"`
	Kept    bool      `json:"kept,omitempty"` // a roll back can bring it back
	Lost    string    `json:"lost,omitempty"` // why it cannot, where it was to be kept
}

// Rollback is what going back to an earlier config changes, or has changed.
type Rollback struct {
	Changes []string     `json:"changes,omitempty"`
	Diff    []string     `json:"diff,omitempty"`  // lines of a unified diff, what is in force against that version
	Saved   string       `json:"saved,omitempty"` // where a file is kept that was on disk and never in force
	Config  ConfigStatus `json:"config"`          // as it is now
}

// AgentAdded is what adding an agent writes into the config, or has written.
type AgentAdded struct {
	File    string       `json:"file"`
	Line    int          `json:"line"`              // of the agent's name in it
	Diff    []string     `json:"diff,omitempty"`    // lines of a unified diff against what is in force
	Missing []string     `json:"missing,omitempty"` // allowed paths that are not there
	Guarded []string     `json:"guarded,omitempty"` // what git runs outside the cage, and the agent may therefore only read
	Config  ConfigStatus `json:"config"`            // as it is now
}

// Secret is what may be known of a stored secret.
type Secret struct {
	Name     string    `json:"name"`
	Store    string    `json:"store"` // "keychain" or "vault"
	Created  time.Time `json:"created,omitzero"`
	Changed  time.Time `json:"changed,omitzero"`
	LastUsed time.Time `json:"last_used,omitzero"`
	UsedBy   []string  `json:"used_by,omitempty"` // "provider anthropic", "gateway"
	Missing  bool      `json:"missing,omitempty"` // the config needs it and it is not there
	Deleted  bool      `json:"deleted,omitempty"`
}

// ConfigTrial is what reading the config file now would come to.
type ConfigTrial struct {
	Path     string    `json:"path"`
	Refused  bool      `json:"refused,omitempty"`
	Problems []Problem `json:"problems,omitempty"` // why, or warnings
	Changes  []string  `json:"changes,omitempty"`  // that would come into force; none: the file says what is active
}

// SecretTest is what a test of a secret found, never its value.
type SecretTest struct {
	OK      bool
	Source  string   // where it was found
	Taken   []string // the providers that take it: "provider anthropic"
	Unknown []string // those that could not be asked, and why
	Problem string   // why it is not OK, and what to do
}

// ClientToken is what may be known of a client's own token.
type ClientToken struct {
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes"`
	Created   time.Time `json:"created"`
	Expires   time.Time `json:"expires,omitzero"` // absent: until it is revoked
	Revoked   time.Time `json:"revoked,omitzero"`
	State     string    `json:"state"`     // TokenGood and those beside it
	Connected int       `json:"connected"` // sockets open now
}

// TokenSecret is the name that a client's token is stored under, where it is.
func TokenSecret(client string) string { return "client/" + client }

// The states of a client's token.
const (
	TokenGood    = "good"
	TokenExpired = "expired"
	TokenRevoked = "revoked"
)

// SecretStore is the state of the place where secrets are kept.
type SecretStore struct {
	Backend string `json:"backend"` // "keychain", "vault", "" (none chosen yet)
	State   string `json:"state"`   // "unlocked", "locked", "none", "unreachable"
	Detail  string `json:"detail,omitempty"`
	Hint    string `json:"hint,omitempty"`

	Until time.Time `json:"until,omitzero"` // when the gateway forgets the vault's key; zero: it does not
}

// LogLine is one redacted line of the gateway's log.
type LogLine struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Source  string    `json:"source"`
	Message string    `json:"message"`
	Text    string    `json:"text"` // key=value of the rest
	Raw     string    `json:"raw"`  // the line as it is in the file
}

// Notice is a sentence for the person at the screen.
type Notice struct {
	Level string `json:"level"` // "info", "warn", "error"
	Text  string `json:"text"`
}

// Overview is the gateway at a glance.
type Overview struct {
	Version        string       `json:"version"`
	PID            int          `json:"pid"`
	Home           string       `json:"home,omitempty"` // the folder that ~ stands for where the gateway runs
	Listeners      []string     `json:"listeners"`
	Started        time.Time    `json:"started"`
	Connections    int          `json:"connections"`
	DeniedHour     int          `json:"denied_hour"`
	Asks           int          `json:"asks"` // wait for an answer
	Agents         int          `json:"agents"`
	Running        int          `json:"running"` // agents that have a run now
	Config         ConfigStatus `json:"config"`
	Store          SecretStore  `json:"store"`
	Machine        []Mechanism  `json:"machine"` // what this machine can enforce
	TokenSet       bool         `json:"token_set"`
	Dropped        uint64       `json:"dropped"` // events that slow watchers lost
	Goroutines     int          `json:"goroutines"`
	TLS            *TLSStatus   `json:"tls,omitempty"`
	Token          *TokenStatus `json:"token,omitempty"`
	Caller         string       `json:"caller,omitempty"`          // the connection that asked for this
	AgentsEndpoint string       `json:"agents_endpoint,omitempty"` // where agents reach the gateway; empty: at the first listener
}

// TokenStatus is what may be known of the gateway's token.
type TokenStatus struct {
	Created time.Time `json:"created"`           // when the gateway first saw it
	AgeDays int       `json:"age_days"`          // since then
	Ends    time.Time `json:"ends,omitzero"`     // by gateway.token_rotation; absent: never
	Grace   time.Time `json:"grace,omitzero"`    // a token before it is taken until then
	Owned   bool      `json:"owned"`             // the gateway can replace it by itself
	Problem string    `json:"problem,omitempty"` // why new connections with it are refused
}

// TLSStatus is what the TCP listener shows of itself.
type TLSStatus struct {
	MinVersion string    `json:"min_tls_version"`
	ClientAuth string    `json:"client_auth"`
	Subject    string    `json:"subject"`
	Issuer     string    `json:"issuer"`
	Serial     string    `json:"serial"`
	NotAfter   time.Time `json:"not_after"`
	Days       int       `json:"days"`              // left
	State      string    `json:"state"`             // "good", "ends within 30 days"…
	Problem    string    `json:"problem,omitempty"` // why what is on disk is not in use
	Ends       []string  `json:"ends,omitempty"`    // sentences: what else ends soon
}
