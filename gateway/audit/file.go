package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// logFile is the open audit log and how far it is ours.
type logFile struct {
	path string
	file *os.File
	size int64 // bytes that are in the file as we wrote or found them
}

// openFile opens or makes the log, mode 0600.
func openFile(path string) (*logFile, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|noFollow, 0o600)
	if errors.Is(err, os.ErrNotExist) {
		file, err = os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE|os.O_EXCL|noFollow, 0o600)
		if err == nil {
			err = syncDir(filepath.Dir(path))
		}
	}
	if err != nil {
		if file != nil {
			file.Close()
		}
		return nil, fileError(path, err)
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = file.Chmod(0o600)
	}
	if err != nil {
		file.Close()
		return nil, fileError(path, err)
	}
	return &logFile{path: path, file: file, size: info.Size()}, nil
}

func fileError(path string, err error) error {
	return &Error{
		Op: "open audit log", Path: path, Kind: KindFile, Err: err,
		Hint: "the audit log must be a regular file that the user who runs the gateway owns; set audit.log_path or mend the file",
	}
}

// ending is what stands at the end of a log.
type ending struct {
	last    chain  // of the last good line
	torn    []byte // behind the last newline; at most MaxLine
	cut     int64  // how many bytes torn really has
	invalid int    // whole lines behind the last good one
}

// readEnding reads the log from its end to the last good line.
func (l *logFile) readEnding() (ending, error) {
	var e ending
	first := true
	err := linesBackwards(l.file, l.size, func(line []byte, whole bool, length int64) (bool, error) {
		if first && !whole {
			e.torn, e.cut, first = bytes.Clone(line), length, false
			return true, nil
		}
		first = false
		r, err := parseLine(line)
		if err != nil {
			e.invalid++
			return true, nil //nolint:nilerr // a bad line is counted, and Verify names it
		}
		e.last = chain{seq: r.Seq, hash: r.Hash}
		return false, nil
	})
	return e, err
}

// append writes text at the end, all of it or none. The error says which
// step failed; after it the file is as before.
func (l *logFile) append(text []byte) error {
	n, err := l.file.Write(text)
	if err == nil && n < len(text) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return errors.Join(err, l.cutBack())
	}
	l.size += int64(len(text))
	return nil
}

// cutBack removes what a short write left.
func (l *logFile) cutBack() error {
	if err := l.file.Truncate(l.size); err != nil {
		return fmt.Errorf("cut back: %w", err)
	}
	return nil
}

// endsWhole reports whether the file is empty or ends with a newline.
func (l *logFile) endsWhole() (bool, error) {
	if l.size == 0 {
		return true, nil
	}
	var last [1]byte
	if _, err := l.file.ReadAt(last[:], l.size-1); err != nil {
		return false, fmt.Errorf("read end: %w", err)
	}
	return last[0] == '\n', nil
}

// alteration compares the file with what we know of it. It returns a sentence
// for the log, empty if nothing is wrong.
func (l *logFile) alteration() (what string, found int64, err error) {
	mine, err := l.file.Stat()
	if err != nil {
		return "", 0, err
	}
	named, err := os.Lstat(l.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "deleted", 0, nil
	case err != nil:
		return "", 0, err
	case !os.SameFile(mine, named):
		return "replaced", named.Size(), nil
	case mine.Size() < l.size:
		return "shortened", mine.Size(), nil
	case mine.Size() > l.size:
		return "extended", mine.Size(), nil
	}
	return "", mine.Size(), nil
}
