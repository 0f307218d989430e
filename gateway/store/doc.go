// Package store keeps conversations: sessions and their messages, in one SQLite
// database in the state folder.
//
// Nothing is opened before something is read or written: a gateway without a
// chat has no file, no goroutine and no memory for it. A look at a database that
// is not there finds nothing, and makes none.
//
// # Promises
//
// What a call has acknowledged is on the disk (WAL, synchronous=FULL) and
// survives the end of the process at any moment. Writes go through one goroutine
// in the order of their calls; those that wait at the same time share one
// transaction, and one that fails takes none of the others with it. A session's
// messages are numbered from 1 with no gap. Reads see what was acknowledged, and
// wait for no write.
//
// The file and its companions (-wal, -shm) are the person's alone, mode 0600. A
// file that is another program's, of a newer openclaw, damaged, a link or no
// plain file is refused with what to do about it, and not one byte of it is
// changed. A disk that is full refuses the write, keeps all that was
// acknowledged, and takes writes again when there is room.
//
// The texts are the conversation as it was: nothing is taken out of them. They go
// to whoever may read the session, and into no log.
//
// # Concurrency
//
// A Store is safe for concurrent use. Close waits for what is under way.
package store
