// Package sealed opens and encrypts the config: a text file that is encrypted where it
// stands (format "openclaw-config/1" of package vault), and remembers that it is.
//
// # Promises
//
//   - Open asks for a passphrase at most once for a file: the key is kept, in a locked
//     page, until Close. Afterwards the same file opens, and is written anew, without
//     anybody.
//   - The service manager's credential openclaw-config-passphrase comes before a
//     question to a person.
//   - Downgrade and rollback: beside the state, a mark says that the file is encrypted
//     and which writing of it is the newest that was seen. A plain file in its place, an
//     older one, or another, is refused until a person accepts it by `config encrypt` or
//     `config decrypt`. Within a process the mark cannot be taken away.
//   - Plain text is in memory only. The package writes the mark and nothing else.
//
// # Not promised
//
// The mark is a file beside the config. Whoever can write both takes it away between
// two starts, and puts an older or a plain file in place unnoticed. It is for the
// restored backup, the synchronised folder, the editor that writes what it once read;
// no boundary against somebody with the rights of this user.
package sealed
