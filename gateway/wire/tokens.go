package wire

import (
	"time"

	"openclaw/gateway/event"
)

// Methods of tokens.
const (
	// TokenRotateParams → TokenRotated
	MethodTokenRotate  = "openclaw.token.rotate"   //nolint:gosec // a name, no credential
	MethodClientAdd    = "openclaw.clients.add"    // ClientAddParams → ClientAdded; over the unix socket only
	MethodClientRevoke = "openclaw.clients.revoke" // ClientRevokeParams → ClientRevoked
	MethodClientTokens = "openclaw.clients.list"   // → ClientTokensResult
)

// Reasons of a refusal of a token, Details["authReason"] beside the code
// AUTH_TOKEN_MISMATCH.
const (
	ReasonTokenMismatch  = "token_mismatch"
	ReasonTokenExpired   = "token_expired"
	ReasonTokenRevoked   = "token_revoked"
	ReasonTokenGraceOver = "token_grace_over"
)

// TokenRotateParams replaces the gateway's token. Now leaves the old one no grace.
type TokenRotateParams struct {
	Now bool `json:"now,omitempty"`
}

// TokenRotated says what a rotation did; the token itself is in the store.
type TokenRotated struct {
	Name  string    `json:"name"`           // of the secret that holds the new one
	Until time.Time `json:"until,omitzero"` // the old one is taken before this time; absent: it is not taken any more
	Lasts bool      `json:"lasts"`          // false: a restart of the gateway ends the old one sooner
	Cut   int       `json:"cut"`            // sockets and calls that were ended
}

// ClientAddParams makes a named token. For is a duration such as "720h"; empty
// has no end.
type ClientAddParams struct {
	Name   string   `json:"name"`
	Scopes []string `json:"scopes"`
	For    string   `json:"for,omitempty"`
}

// ClientAdded holds the token, which is shown this once and kept nowhere.
type ClientAdded struct {
	Client event.ClientToken `json:"client"`
	Token  string            `json:"token"`
}

// ClientRevokeParams takes a client's token back.
type ClientRevokeParams struct {
	Name string `json:"name"`
}

// ClientRevoked names the secret that held the token and was deleted with it.
type ClientRevoked struct {
	Deleted string `json:"deleted,omitempty"`
}

// ClientTokensResult is the named tokens, oldest first, those that are over too
// while they are remembered.
type ClientTokensResult struct {
	Clients []event.ClientToken `json:"clients"`
}
