package wire

import (
	"encoding/json"
	"fmt"
	"io"
)

// Challenge is the server's first word. Nonce and TS are both needed: clients
// with a device identity sign them.
type Challenge struct {
	Nonce string `json:"nonce"`
	TS    int64  `json:"ts"` // Unix milliseconds
}

// Connect is the params of the request "connect". Unknown fields are ignored.
type Connect struct {
	MinProtocol int         `json:"minProtocol"`
	MaxProtocol int         `json:"maxProtocol"`
	Client      ClientInfo  `json:"client"`
	Caps        []string    `json:"caps,omitempty"`
	Role        string      `json:"role,omitempty"`
	Scopes      []string    `json:"scopes,omitempty"`
	Auth        Credentials `json:"auth,omitzero"`
	Device      *Device     `json:"device,omitempty"`
}

// ClientInfo is what a client says of itself: shown, never trusted.
type ClientInfo struct {
	ID           string `json:"id"`
	DisplayName  string `json:"displayName,omitempty"`
	Version      string `json:"version"`
	Platform     string `json:"platform"`
	DeviceFamily string `json:"deviceFamily,omitempty"`
	Mode         string `json:"mode"`
	InstanceID   string `json:"instanceId,omitempty"`
}

// Credentials is what a client proves itself with. It prints as bullets.
type Credentials struct {
	Token          string `json:"token,omitempty"`
	Password       string `json:"password,omitempty"`
	DeviceToken    string `json:"deviceToken,omitempty"`
	BootstrapToken string `json:"bootstrapToken,omitempty"`
}

// Shared returns the secret that the client presents as the gateway's: it may
// arrive in either field.
func (c Credentials) Shared() string {
	if c.Token != "" {
		return c.Token
	}
	return c.Password
}

// Signed returns the value that takes part in a device signature.
func (c Credentials) Signed() string {
	switch {
	case c.Token != "":
		return c.Token
	case c.DeviceToken != "":
		return c.DeviceToken
	default:
		return c.BootstrapToken
	}
}

// Format writes bullets for every verb.
func (Credentials) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "••••") }

// Device is a client's key pair and its signature over the challenge.
type Device struct {
	ID        string `json:"id"`
	PublicKey string `json:"publicKey"` // base64url without padding, 32 bytes
	Signature string `json:"signature"` // base64url without padding, 64 bytes
	SignedAt  int64  `json:"signedAt"`  // Unix milliseconds
	Nonce     string `json:"nonce"`
}

// HelloOK is the type of a Hello.
const HelloOK = "hello-ok"

// Hello answers a connect that succeeded.
type Hello struct {
	Type     string   `json:"type"` // HelloOK
	Protocol int      `json:"protocol"`
	Server   Server   `json:"server"`
	Features Features `json:"features"`
	Snapshot Snapshot `json:"snapshot"`
	Auth     Granted  `json:"auth"`
	Policy   Policy   `json:"policy"`
}

// Server names the gateway and the connection.
type Server struct {
	Version string `json:"version"`
	BootID  string `json:"bootId,omitempty"`
	ConnID  string `json:"connId"`
}

// Features lists exactly what is there.
type Features struct {
	Methods []string `json:"methods"`
	Events  []string `json:"events"`
}

// Snapshot is the state at the time of the hello. The paths are set for an
// administrator only.
type Snapshot struct {
	Presence        []Presence       `json:"presence"`
	Health          json.RawMessage  `json:"health"`
	StateVersion    StateVersion     `json:"stateVersion"`
	UptimeMS        int64            `json:"uptimeMs"`
	SessionDefaults *SessionDefaults `json:"sessionDefaults,omitempty"`
	ConfigPath      string           `json:"configPath,omitempty"`
	StateDir        string           `json:"stateDir,omitempty"`
	AuthMode        string           `json:"authMode,omitempty"`
}

// StateVersion counts the changes of parts of the snapshot.
type StateVersion struct {
	Presence int64 `json:"presence"`
	Health   int64 `json:"health"`
}

// SessionDefaults is how a client names its first session.
type SessionDefaults struct {
	DefaultAgentID string `json:"defaultAgentId"`
	MainKey        string `json:"mainKey"`
	MainSessionKey string `json:"mainSessionKey"`
	Scope          string `json:"scope"`
}

// Presence is one party that is connected, or the gateway itself.
type Presence struct {
	Host       string   `json:"host,omitempty"`
	IP         string   `json:"ip,omitempty"`
	Version    string   `json:"version,omitempty"`
	Platform   string   `json:"platform,omitempty"`
	Mode       string   `json:"mode,omitempty"`
	Reason     string   `json:"reason,omitempty"`
	Text       string   `json:"text,omitempty"`
	InstanceID string   `json:"instanceId,omitempty"`
	Scopes     []string `json:"scopes,omitempty"`
	TS         int64    `json:"ts"` // Unix milliseconds
}

// Granted is what the socket may really do.
type Granted struct {
	Role   string   `json:"role"`
	Scopes []string `json:"scopes"`
}

// Policy tells a client the limits that it should keep.
type Policy struct {
	MaxPayload       int   `json:"maxPayload"`
	MaxBufferedBytes int   `json:"maxBufferedBytes"`
	TickIntervalMS   int64 `json:"tickIntervalMs"`
}

// Shutdown is the payload of the last event before the gateway closes.
type Shutdown struct {
	Reason string `json:"reason"`
}

// Tick is the payload of the event that says "still here".
type Tick struct {
	TS int64 `json:"ts"` // Unix milliseconds
}
