// Package keychain owns the secret itself (Secret), the interface of every
// place that keeps secrets (Store) and the first such place: the operating
// system's keychain (OS).
//
// # Promises
//
//   - A Secret prints bullets under every verb, encoder and logger, also as an
//     unexported field of a larger value, where fmt cannot call its methods.
//   - Every call to the system's keychain ends: it has a deadline of its own
//     (3 s to read, 5 s to write) beside the caller's context, and a call of several
//     steps may take half as long again. The libraries of
//     macOS and Windows have none, nor has the connecting to a bus, so a call that
//     is never answered goes on in the background; at most OSOptions.Outstanding of
//     those exist, and while that many are overdue every further call is refused at
//     once.
//   - A Secret Service may open a window and ask a person: gnome-keyring to unlock,
//     KeePassXC by default before it gives an item out. There is never a second
//     window for the same thing; one stays for 2 minutes, also when the call that
//     needed it has ended, which is then KindLocked with a hint that names the
//     window. A later call does not wait for it again.
//   - gnome-keyring is tested for real, and KeePassXC where OPENCLAW_TEST_KEEPASSXC is
//     1, as in CI: its version 2.7.4 crashes now and then when a client comes or goes,
//     which is told as a service that is gone; such a test begins again. Its collection is the open
//     database's exposed group; what is deleted goes to its recycle bin. KWallet has
//     the same interface and was not run.
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
// before), never makes a keyring, never writes a file and never puts a value in an error.
//
// # Copies that cannot be wiped
//
// The keychain's library takes and returns Go strings, and D-Bus messages and
// the pipe to /usr/bin/security hold copies as well. Secret.Wipe clears the one
// copy that the Secret holds and no other. A process that can read this one's
// memory can read its secrets: HideMemory keeps others of the same user from it and
// core files from being written, in the gateway, the screen, the supervisor of a run
// (once its cage has started) and every command that is given a secret. It does so on
// Linux; elsewhere only core files are off.
//
// Of the vault's own keys no copy stays: package vault derives, uses and wipes them
// within one call, and after Close a search of all that the process may write finds
// none, nor the passphrase or a value that was wiped. Two things are beyond that. While
// a vault is open its root key is in the one locked page. And a gateway's redactor
// knows the values that it has to take out of logs, all that are stored and what variables
// and files the config names, from the moment it can read them for as long as the process
// lives, also while the vault is locked. In FIPS mode the module's copies are overwritten and not
// wiped; package vault says more.
//
// # Who gets what
//
// What each of them can do who should not have a secret, by what it is kept from more,
// and what it gets all the same. "Open" is a keychain or a vault that is unlocked now.
//
//	another user of the machine
//	    gets: nothing. File modes 0600 and 0700, of folders and sockets too; a key file, a
//	    credential or a .env of another owner, of a looser mode or behind a link is refused
//	    when it is read. A vault file, which proves by itself what it is, only behind a link.
//	an agent in its cage
//	    gets: the use of a provider through the gateway, within its limits. The kernel
//	    keeps it from the state folder, the keyring, D-Bus and other processes; keys
//	    are put into a request outside of the cage.
//	a stolen disk, or a copied state folder
//	    a keychain: as safe as its own passphrase. A vault by passphrase: guesses at the
//	    price of argon2id (PBKDF2 in FIPS mode), the header (ways to open, names of
//	    recipients and credentials, times, generation) and the size to a kilobyte. A vault
//	    by key file: all, if the key file is on it. By credential: all, if systemd's host
//	    key is on it and no TPM. By age: as safe as the file of the secret key.
//	a stolen backup or an older copy
//	    the same as of the disk; a way that was removed since still opens the older copy,
//	    and with its root key what was written until the next rekey. Put in the place of
//	    the newest it is refused where a mark is kept (package backend says where).
//	a program of the same user, outside of a cage
//	    locked vault: what a copied state folder gives. Open keychain, a keychain slot, a
//	    key file: all, as the system asks no program who it is. Open vault: no value from
//	    the gateway, which gives none; it may change and delete secrets and use providers.
//	    The gateway's memory it cannot read, nor trace it (PR_SET_DUMPABLE 0), on Linux; but
//	    it may put another program in the place of openclaw's before the next start.
//	    Whoever needs more than that needs another user for agents.
//	root, the kernel, whoever types along
//	    all, at the next unlock at the latest.
//	a core dump, the swap
//	    gets: nothing of the gateway, which writes none (not dumpable, RLIMIT_CORE; pipes too), and of a
//	    vault's root key nothing by another program's dump or the swap where the page could
//	    be locked (8 MiB are allowed by default; where it could not, it may be swapped).
//	    Values on their way through the gateway may be swapped: encrypt the swap.
package keychain
