package main

import (
	"errors"
	"strings"

	"openclaw/configs"
	"openclaw/gateway"
	"openclaw/gateway/audit"
	"openclaw/gateway/certs"
	"openclaw/gateway/client"
	"openclaw/gateway/logs"
	"openclaw/gateway/wire"
	"openclaw/keychain"
	"openclaw/sandbox"
	"openclaw/tui"
)

// hintOf finds the cure that the outermost boundary wrote for a person.
func hintOf(err error) string {
	for ; err != nil; err = errors.Unwrap(err) {
		if hint := ownHint(err); hint != "" {
			return hint
		}
	}
	return ""
}

// ownHint is the cure of this very error, not of one that it wraps.
func ownHint(err error) string {
	switch e := err.(type) { //nolint:errorlint // hintOf walks the chain
	case *failure:
		return e.hint
	case *sandbox.Error:
		return e.Hint
	case *keychain.Error:
		return e.Hint
	case *configs.Error:
		return e.Hint
	case *gateway.Error:
		return e.Hint
	case *client.Error:
		return e.Hint
	case *certs.Error:
		return e.Hint
	case *audit.Error:
		return e.Hint
	case *logs.Error:
		return e.Hint
	case *tui.Error:
		return e.Hint
	case *wire.Error:
		return e.Hint()
	}
	return ""
}

// codeOf is the exit code of an error.
func codeOf(err error) int {
	var own *failure
	if errors.As(err, &own) && own.code != 0 {
		return own.code
	}
	var refused *wire.Error
	if errors.As(err, &refused) && refused.Code == "FORBIDDEN" {
		return exitRefused
	}
	if text := err.Error(); strings.HasPrefix(text, "unknown command") || strings.HasPrefix(text, "required flag") {
		return exitUsage
	}
	return exitFailed
}
