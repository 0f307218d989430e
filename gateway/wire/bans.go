package wire

import "time"

// Methods of bans and clients.
const (
	MethodBans       = "openclaw.bans.list"          // → BansResult
	MethodBanAdd     = "openclaw.bans.add"           // BanAddParams → Ban
	MethodBanLift    = "openclaw.bans.lift"          // BanLiftParams → {}
	MethodDisconnect = "openclaw.clients.disconnect" // DisconnectParams → {}

	EventRunCut = "openclaw.run.cut" // payload: RunCut; only to the run's supervisor
)

// Ban is a network that is shut out.
type Ban struct {
	Network string    `json:"network"` // CIDR
	Since   time.Time `json:"since,omitzero"`
	Until   time.Time `json:"until,omitzero"` // absent: until it is lifted
	Reason  string    `json:"reason"`
	By      string    `json:"by"` // "gateway" or "operator"
}

// BansResult holds the bans in force, oldest first.
type BansResult struct {
	Bans []Ban `json:"bans"`
}

// BanAddParams shuts an address or a CIDR out, for a duration such as "1h" or,
// without one, until it is lifted.
type BanAddParams struct {
	Network string `json:"network"`
	For     string `json:"for,omitempty"`
	Reason  string `json:"reason,omitempty"`
}

// BanLiftParams ends a ban of exactly this network.
type BanLiftParams struct {
	Network string `json:"network"`
}

// DisconnectParams closes a connection, by its id: a client's socket, a call to a model
// provider, or a connection out of a cage.
type DisconnectParams struct {
	ID string `json:"id"`
}

// RunCut names a connection of a run, as its supervisor knows it, that a person closed.
type RunCut struct {
	Run        string `json:"run"`
	Connection string `json:"connection"`
}
