package wire

import (
	"strings"
	"time"
)

// Invalid is the refusal of a request that can never succeed as it stands.
func Invalid(message string) *Error { return &Error{Code: CodeInvalidRequest, Message: message} }

// NotFound is the refusal of a request for a thing that is not there.
func NotFound(message, hint string) *Error {
	return &Error{Code: CodeNotFound, Message: message, Details: hinted(hint)}
}

// TooMany is a request past the rate; it may be made again after a while.
func TooMany(retryAfter time.Duration) *Error {
	return &Error{
		Code: CodeRateLimited, Message: "too many requests; gateway.rate_limiting.max_requests_per_minute sets how many",
		Retryable: true, RetryAfterMS: max(retryAfter.Milliseconds(), 1),
	}
}

// Unavailable is the refusal of a request that could succeed at another time
// or on another machine.
func Unavailable(message, hint string) *Error {
	return &Error{Code: CodeUnavailable, Message: message, Details: hinted(hint)}
}

// Forbidden is the refusal of a request that this client may not make.
func Forbidden(message, hint string) *Error {
	return &Error{Code: CodeForbidden, Message: message, Details: hinted(hint)}
}

// NotBuilt is the refusal of a method that the protocol has and this gateway
// does not.
func NotBuilt(what string) *Error {
	return &Error{Code: CodeUnavailable, Message: what + " is not built yet", Details: map[string]any{"code": DetailNotBuilt}}
}

// UnknownMethod is the refusal that clients match to fall back to older
// methods; its text is part of the protocol.
func UnknownMethod(name string) *Error {
	return &Error{Code: CodeInvalidRequest, Message: "unknown method: " + name}
}

// MissingScope is the refusal of a method that needs more than the socket may.
func MissingScope(scope string) *Error {
	return &Error{Code: CodeForbidden, Message: "missing scope: " + scope, Details: map[string]any{
		"code": DetailMissingScope, "missingScope": scope, "requiredScopes": []string{scope},
	}}
}

func hinted(hint string) map[string]any {
	if strings.TrimSpace(hint) == "" {
		return nil
	}
	return map[string]any{"hint": hint}
}
