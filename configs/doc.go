// Package configs owns config.yaml: its struct tree, defaults, strict reading
// with positions, validation, live reload, differences and edits that keep
// comments.
//
// It promises:
//
//   - All problems at once. Load, Parse and a rejected reload report every
//     error and warning that they can find, each with file, line, column and key.
//
//   - Fail closed. What is not understood is an error. A list that is written
//     with no value is an empty list, never "everything". A bad file never
//     replaces a good snapshot.
//
//   - Immutable snapshots. A Snapshot and all that hangs on it never changes
//     after it was returned; read it from any goroutine. Nobody may write to it.
//
//   - Order. The Store loads, asks every subscriber's Check, swaps, and calls
//     every Apply, one change at a time, in the order of subscription. No lock
//     that guards data is held meanwhile; a callback may read the Store and must
//     not call Reload or Edit.
//
//   - A way back. A Store with KeepHistory keeps the texts that were in force, the
//     newest 50 and 16 MiB, in the state folder, mode 0600, and counts versions over
//     starts. Rollback judges a text as a start would before it writes it, and keeps
//     what was on disk and is no version. A text that holds a literal secret is not
//     written a second time. What cannot be kept is a warning; the config is in force.
//
//   - Secrets stay out. Problems, differences, Show and every printed Reference
//     hold references as written and bullets for literal values. Edits refuse to
//     write a literal secret.
//
//   - An encrypted file, which Options.Open opens, is loaded, followed and edited as
//     any other; what is written in its place is encrypted before it is, and a plain
//     text where an encrypted one is expected is the Opener's to refuse.
//
// Reading is bounded: 1 MiB of text, 100,000 nodes after aliases, 200 problems.
//
// It never resolves a secret, never opens a certificate or key, never writes to
// the process's environment, and knows nothing of the gateway.
package configs
