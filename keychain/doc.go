// Package keychain owns the secret itself (Secret), the interface of every
// place that keeps secrets (Store) and the first such place: the operating
// system's keychain (OS).
//
// # Promises
//
//   - A Secret prints bullets under every verb, encoder and logger, also as an
//     unexported field of a larger value, where fmt cannot call its methods.
//   - Every call to the system's keychain ends: it has a deadline of its own
//     (3 s to read, 5 s to write) beside the caller's context. The service's
//     library has none, so a call that the service never answers goes on in the
//     background; at most OSOptions.Outstanding of those exist, and while that
//     many are overdue every further call is refused at once.
//   - What Set reports as stored was read back and compared.
//   - Errors are *Error. Not found, locked, no service, timed out and too big
//     are told apart by types, D-Bus error names, exit statuses and the
//     keychain's own properties, and each has its own Hint.
//   - OS may be used from several goroutines. No lock is held during a call.
//
// # Never
//
// The package never falls back to another place, never starts a session bus
// (the underlying library would run dbus-launch, so a missing bus is noticed
// before), never writes a file and never puts a value in an error.
//
// # Copies that cannot be wiped
//
// The keychain's library takes and returns Go strings, and D-Bus messages and
// the pipe to /usr/bin/security hold copies as well. Secret.Wipe clears the one
// copy that the Secret holds and no other. A process that can read this one's
// memory can read its secrets; that is prevented elsewhere (no core dumps, not
// dumpable), not here.
//
// Of the vault's own keys no copy stays: package vault derives, uses and wipes them
// within one call, and after Close a search of all that the process may write finds
// none, nor the passphrase or a value that was wiped. Two things are beyond that. While
// a vault is open its root key is in the one locked page. And a gateway's redactor
// knows the values that it has to take out of logs for as long as the process lives,
// also while the vault is locked.
package keychain
