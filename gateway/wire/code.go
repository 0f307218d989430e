package wire

import "time"

// Error codes, the field Code of an Error.
const (
	CodeInvalidRequest = "INVALID_REQUEST"
	CodeForbidden      = "FORBIDDEN"
	CodeNotFound       = "NOT_FOUND"
	CodeNotPaired      = "NOT_PAIRED"
	CodeUnavailable    = "UNAVAILABLE"
	CodeRateLimited    = "RATE_LIMITED"
)

// Detail codes, Details["code"] of an Error. Clients choose their advice by
// them.
const (
	DetailTokenMismatch      = "AUTH_TOKEN_MISMATCH"       //nolint:gosec // a code of the protocol, no credential
	DetailTokenNotConfigured = "AUTH_TOKEN_NOT_CONFIGURED" //nolint:gosec // a code of the protocol, no credential
	DetailUnauthorized       = "AUTH_UNAUTHORIZED"
	DetailAuthRateLimited    = "AUTH_RATE_LIMITED"
	DetailDeviceRequired     = "DEVICE_IDENTITY_REQUIRED"
	DetailTokenMissing       = "AUTH_TOKEN_MISSING" //nolint:gosec // a code of the protocol, no credential
	DetailProtocolMismatch   = "PROTOCOL_MISMATCH"
	DetailMissingScope       = "MISSING_SCOPE"
	DetailNotBuilt           = "NOT_BUILT"
)

// Close codes of the WebSocket.
const (
	CloseNormal       = 1000
	CloseProtocol     = 1002
	CloseUnsupported  = 1003 // a binary frame: the protocol is text
	CloseInvalidText  = 1007 // text that is not UTF-8
	ClosePolicy       = 1008 // refused: authentication, handshake, policy
	CloseTooBig       = 1009
	CloseInternal     = 1011
	CloseRestart      = 1012 // the gateway stops
	CloseTryLater     = 1013
	CloseWatchdog     = 4000 // the client heard nothing for two ticks
	CloseTokenChanged = 4001 // the token that let this socket in is no longer the gateway's
)

// Limits of the protocol.
const (
	MaxHandshakeFrame = 64 << 10 // bytes, before connect succeeded
	MaxFrame          = 25 << 20 // bytes, afterwards; clients accept as much
	MaxBuffered       = 50 << 20 // bytes that may wait for one client
	MaxID             = 256      // bytes of a request's id
	MaxMethod         = 128      // bytes of a method's name

	HandshakeTimeout = 15 * time.Second // both sides give up after it
	TickInterval     = 30 * time.Second // a client that hears nothing for two of them reconnects
)

// Redacted stands where a secret value was. Clients know the word and never
// write it back.
const Redacted = "__OPENCLAW_REDACTED__"

// Events of the standard protocol that the gateway sends.
const (
	EventChallenge = "connect.challenge"
	EventTick      = "tick"
	EventShutdown  = "shutdown"
)

// MethodConnect is the first request of every socket.
const MethodConnect = "connect"
