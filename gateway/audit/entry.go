package audit

import (
	"slices"
	"strings"
)

// The event types of the specification. Each is recorded if the config's
// `audit.events` names it.
const (
	Authentication   = "authentication"
	Authorization    = "authorization"
	ConfigChange     = "config_change"
	AgentCreate      = "agent_create"
	AgentDelete      = "agent_delete"
	FileAccess       = "file_access"
	CommandExecution = "command_execution"
	APICall          = "api_call"
)

// The event types that are always recorded.
const (
	SecretAccess = "secret_access"
	Approval     = "approval"
	GatewayStart = "gateway_start"
	GatewayStop  = "gateway_stop"
	RunStart     = "run_start"
	RunEnd       = "run_end"
	Learn        = "learn" // what a run that learns was let through to

	// VaultGeneration is the newest writing of the vault: an older file is refused.
	VaultGeneration = "vault_generation"
)

// The log's own event types: what happened to the file itself.
const (
	LogRecovered = "log.recovered" // a half-written end was cut off or completed at opening
	LogAltered   = "log.altered"   // somebody else deleted, replaced, cut or extended the file
	LogResumed   = "log.resumed"   // lines could not be written, and now they can
)

// Results in the words of the specification.
const (
	Success = "success"
	Failure = "failure"
	Allowed = "allowed"
	Denied  = "denied"
)

// Events returns the event types that a config may choose from.
func Events() []string {
	return []string{Authentication, Authorization, ConfigChange, AgentCreate, AgentDelete, FileAccess, CommandExecution, APICall}
}

// Entry is one event. Empty fields are left out of the line. Text that is not
// UTF-8 is stored with the replacement character.
type Entry struct {
	Event   string // one of the constants
	User    string // client, agent or "user"
	IP      string // address of the client, if there is one
	Action  string // "read", "write", "exec", "connect", "set"…
	Path    string // the file or program concerned
	Target  string // what else is concerned: host:port, name of a secret, route
	Result  string // one of the constants, or a word of the event's own
	Reason  string // why: the rule, the error
	Details map[string]any
}

// filter is the set of event types that are switched off.
type filter map[string]bool

// newFilter reads the config's list. nil chooses every event type.
func newFilter(chosen []string) (filter, error) {
	if chosen == nil {
		return nil, nil
	}
	known := Events()
	for _, name := range chosen {
		if !slices.Contains(known, name) {
			return nil, &Error{Op: "choose audit event " + name, Kind: KindUnknown, Hint: "the events are " + strings.Join(known, ", ")}
		}
	}
	off := filter{}
	for _, name := range known {
		if !slices.Contains(chosen, name) {
			off[name] = true
		}
	}
	return off, nil
}
