package egress

import (
	"time"

	"openclaw/sandbox/policy"
)

// Mechanism says which part refused.
const (
	MechanismDNS    = "dns"
	MechanismEgress = "egress"
)

// Refusal is one look-up or connection that was refused.
type Refusal struct {
	Time        time.Time
	Class       policy.Class // always policy.ClassNet
	Operation   string       // "resolve" or "connect"
	Target      string       // a name for resolve, host:port for connect; printable
	Rule        string
	Origin      policy.Origin
	Mechanism   string // MechanismDNS or MechanismEgress
	PID         int    // 0 when it is not known
	Program     string
	CommandLine string // the agent's own words: never trust it
	Connection  string // ID of the Connection that it is about; empty where none was opened
}

// Connection is one connection out of the cage. It is told when it opens, at
// most once a second while its counts change, and when it closes.
type Connection struct {
	ID          string // unique for one Egress
	Target      string // host:port as the program named it
	Address     string // as dialled; empty while there is none
	Rule        string // that allowed it
	Origin      policy.Origin
	PID         int
	Program     string
	CommandLine string
	Opened      time.Time
	Held        time.Duration // how long Options.Ask took to allow it; 0: it was not asked
	Closed      time.Time     // zero while it is open
	Sent        int64         // bytes out of the cage
	Recv        int64         // bytes into the cage
	Error       string        // why it ended, unless both sides just closed
}
