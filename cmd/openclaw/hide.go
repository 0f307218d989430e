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

// showMemory tries on this process what a gateway does with its memory. It comes
// after the cage was probed, which a hidden process cannot do.
func (t *terminal) showMemory() {
	err := keychain.HideMemory()
	switch refused, ok := errors.AsType[*keychain.MemoryError](err); {
	case ok:
		t.print("✗ %-22s %s", "hidden memory", printable(err.Error()))
		t.print("    without it: programs of this user can read the keys in a gateway's memory")
		t.print("    get it:     %s", printable(refused.Hint))
	case keychain.MemoryHidden():
		t.print("✓ %-22s %s", "hidden memory", "a gateway's memory is not read by other programs of this user, and leaves no core")
	default:
		t.print("✗ %-22s %s", "hidden memory", "this system keeps a program of the same user from nothing; a gateway leaves no core")
	}
}
