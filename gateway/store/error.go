package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// Kind says what sort of failure an Error is.
type Kind string

// The kinds.
const (
	KindDamaged  Kind = "damaged"   // the file is no database any more
	KindForeign  Kind = "foreign"   // it is somebody else's
	KindNewer    Kind = "newer"     // it is of an openclaw that is newer than this one
	KindFull     Kind = "disk full" // nothing of the write was kept
	KindFailed   Kind = "failed"
	KindClosed   Kind = "closed"
	KindNotFound Kind = "not found"
)

// Error is why the database did not do what it was asked. Its text and its hint
// hold the name of the file without its folder, and nothing of what is stored.
type Error struct {
	Op   string
	Path string
	Kind Kind
	Hint string // what a person can do
	Err  error
}

func (e *Error) Error() string {
	text := e.Op + ": " + string(e.Kind)
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", e.Op, e.Err)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// failure makes err an *Error, with the cure that its cause has.
func (s *Store) failure(op string, err error) error {
	if err == nil {
		return nil
	}
	if known, is := errors.AsType[*Error](err); is {
		return known
	}
	e := &Error{Op: op, Path: s.path, Kind: KindFailed, Err: err}
	switch code := codeOf(err); {
	case code == sqlite3.SQLITE_CORRUPT || code == sqlite3.SQLITE_NOTADB:
		e.Kind, e.Err = KindDamaged, fmt.Errorf("%s is damaged", s.name())
		e.Hint = "nothing was changed in it: restore it from a backup, or move it and its -wal and -shm away to begin with an empty one"
	case code == sqlite3.SQLITE_FULL || errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT):
		e.Kind, e.Err = KindFull, errors.New("the disk is full")
		e.Hint = "make room where " + s.name() + " is; what was kept before is all there"
	case code == sqlite3.SQLITE_IOERR:
		e.Err = fmt.Errorf("the disk did not take it: %w", err)
		e.Hint = "check the disk of " + s.name() + ", its space and its quota; what was kept before is all there"
	case code == sqlite3.SQLITE_BUSY:
		e.Err = fmt.Errorf("another program uses %s", s.name())
		e.Hint = "end the program that has it open"
	case code == sqlite3.SQLITE_CANTOPEN || code == sqlite3.SQLITE_READONLY || code == sqlite3.SQLITE_PERM || errors.Is(err, os.ErrPermission):
		e.Hint = "check the owner and the mode of " + s.name() + " and of its folder"
	}
	return e
}

func (s *Store) name() string { return filepath.Base(s.path) }

// codeOf is SQLite's primary result code; 0 for another error.
func codeOf(err error) int {
	if failure, is := errors.AsType[*sqlite.Error](err); is {
		return failure.Code() & 0xff
	}
	return 0
}
