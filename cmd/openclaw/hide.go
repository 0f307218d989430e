package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"openclaw/keychain"
)

// hide keeps the memory of a process that will hold a secret from other programs
// of its user and out of core files, before it holds one.
//
// Commands that start a cage hide when it has started (caged), and a command that
// only prints has nothing to hide.
func (t *terminal) hide(cmd *cobra.Command) error {
	if !holdsSecret(cmd) {
		return nil
	}
	err := keychain.HideMemory()
	if refused, ok := errors.AsType[*keychain.MemoryError](err); ok {
		t.warn("other programs of this user can read what this process holds (%v): %s", err, refused.Hint)
	}
	return nil
}

// holdsSecret reports whether a command is given secrets or resolves them.
func holdsSecret(cmd *cobra.Command) bool {
	path := strings.Fields(cmd.CommandPath())
	if len(path) < 2 {
		return false
	}
	switch path[1] {
	case "gateway", "vault", "secrets", "tui", "config", "client", "redact", "logs", "audit", "cert":
		return true
	}
	return false
}
