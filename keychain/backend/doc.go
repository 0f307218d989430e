// Package backend owns the choice of where openclaw keeps its secrets: the
// system's keychain or the encrypted vault. It is the keychain.Store that the
// rest of the program uses.
//
// # The choice
//
// The choice is made once and stands in state/secret-store.json. While there
// is none, Open and Refresh probe the keychain by storing, reading and deleting
// an item; if that works the keychain is chosen. If not, nothing is chosen, and
// CreateVault chooses the vault when a person asks for it. A choice is never
// changed silently: a keychain that is locked, gone or hung makes every call
// fail with that kind, and the vault is not tried instead. A state folder that
// has lost the marker takes the choice from what lies there: a vault file, or
// the index of a keychain.
//
// # State
//
// Status tells the state: "ready", "none" (nothing chosen), "locked",
// "unreachable" (no service, no answer in time) or "failed" (a damaged or
// unsafe file). Every call and Refresh bring it up to date, so that a keyring
// or a vault that is unlocked later works without a restart.
//
// # The index
//
// The keychain's library cannot list. state/index.json holds the names of what
// was stored and when, never a value, and is written under a lock between
// processes. Where the system can list, the list is the truth and the index
// only adds the times.
//
// # An older vault file
//
// Which writing of the vault is the newest (its id, generation and checksum) is
// noted outside of the file after each change and each unlock: with Options.Anchor,
// which is the audit log, and in the system's keychain where one answers. A file
// that is not newer than every mark and not the very file of one, or that belongs to
// another vault than the one of the audit log, is refused as KindRolledBack before
// anything of it is used. AcceptRollback is the way out for who restored a backup: it
// writes that file once more with a generation above every mark, so that no file of
// before, the refused newer one neither, can take its place.
//
// No mark at all is no proof of anything, and the file is used. A mark that cannot
// be read is no leave to use it. This does not notice: a file from before a change
// whose note was prevented by a crash; and whoever puts back the audit log as well
// where there is no keychain, such as a snapshot of the whole disk.
//
// # Locking and blocking
//
// A Backend may be used from several goroutines. Open, Refresh, Get and List
// take up to 4.5 s when a keychain hangs, Set up to 7.5 s (package keychain's times
// and half as long again), an unlock of the vault with a passphrase about half a second. Options.Changed is called after a
// change, and after the vault was opened or locked, in the caller's goroutine, with no lock held.
package backend
