package event

import (
	"encoding/json"
	"time"

	"openclaw/sandbox/policy"
)

// The kinds of a Connection.
const (
	ConnectionWS   = "ws"   // a client of the gateway, over the network
	ConnectionUnix = "unix" // a client, over the socket of this machine
	ConnectionHTTP = "http" // a call to a provider, or a request that was refused
	ConnectionNet  = "net"  // out of a cage
	ConnectionTLS  = "tls"  // a handshake that was refused
)

// Connection is a client of the gateway, a request through it, or a connection
// out of a cage.
type Connection struct {
	ID          string        `json:"id"`
	Kind        string        `json:"kind"` // ConnectionWS and those beside it
	From        string        `json:"from"` // peer address, "unix", or "cage coder"
	Agent       string        `json:"agent,omitempty"`
	Run         string        `json:"run,omitempty"`
	PID         int           `json:"pid,omitempty"`
	Program     string        `json:"program,omitempty"`
	Client      string        `json:"client,omitempty"`      // client id and version as it said
	Route       string        `json:"route"`                 // "POST /v1/messages → anthropic", "api.example.com:443"
	State       string        `json:"state"`                 // "open", "stream", "closed", "refused"
	Status      int           `json:"status,omitempty"`      // HTTP status
	Detail      string        `json:"detail,omitempty"`      // reason of a refusal or an error
	Certificate string        `json:"certificate,omitempty"` // name of the client certificate
	Auth        string        `json:"auth,omitempty"`        // "token", "agent token", "peer credentials", rule for net
	Origin      policy.Origin `json:"origin,omitzero"`
	Opened      time.Time     `json:"opened"`
	Closed      time.Time     `json:"closed,omitzero"`
	BytesIn     int64         `json:"bytes_in"`  // from the client or agent
	BytesOut    int64         `json:"bytes_out"` // to it
	FirstMS     int64         `json:"first_byte_ms,omitempty"`
	HeldMS      int64         `json:"held_ms,omitempty"` // how long it was held until it was allowed
}

// Client reports whether a kind of connection is a client of the gateway.
func Client(kind string) bool { return kind == ConnectionWS || kind == ConnectionUnix }

// The kinds of a Step.
const (
	StepOpened  = "opened"  // Text: what let it in
	StepHeld    = "held"    // it was held until a person or a rule of theirs allowed it; Text: how long
	StepRequest = "request" // Text: the method that a client called
	StepRefused = "refused" // Text: what was refused, and why
	StepAnswer  = "answer"  // the first byte of a provider's answer
	StepCut     = "cut"     // closed by an operator; Text: over which connection
	StepClosed  = "closed"  // Text: why, where somebody said it
)

// Step is one thing that happened on a connection. Alike ones are one Step.
type Step struct {
	Kind  string    `json:"kind"` // StepOpened and those beside it
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
	Count int       `json:"count"`
	Text  string    `json:"text,omitempty"`
}

// ConnectionTrail is all that is known of one connection.
type ConnectionTrail struct {
	Connection Connection        `json:"connection"`        // of one that is no longer listed its ID alone
	Steps      []Step            `json:"steps,omitempty"`   // in the order in which they began
	More       int               `json:"more,omitempty"`    // steps that there was no room for
	Records    []json.RawMessage `json:"records,omitempty"` // of the audit log that name it, oldest first
	Truncated  bool              `json:"truncated,omitempty"`
	Problem    string            `json:"problem,omitempty"` // why the audit log was not searched
}
