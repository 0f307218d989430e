package file

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Reasons for which a file is not read.
var (
	ErrLink       = errors.New("it is a symbolic link")
	ErrNotRegular = errors.New("it is not a regular file")
	ErrOwner      = errors.New("it belongs to another user")
	ErrMode       = errors.New("other users may read or change it")
	ErrTooBig     = errors.New("it is too big")
)

// Unsafe reports whether err is a judgement of ReadPrivate on the file itself.
func Unsafe(err error) bool {
	for _, reason := range []error{ErrLink, ErrNotRegular, ErrOwner, ErrMode, ErrWriter, ErrLooseFolder} {
		if errors.Is(err, reason) {
			return true
		}
	}
	return false
}

// ReadPrivate returns the content of a regular file of at most limit bytes that
// belongs to the user of this process and that nobody else may read or write.
// The last element of path must not be a symbolic link. Where the system
// cannot tell who may read a file it returns errors.ErrUnsupported.
func ReadPrivate(path string, limit int64) ([]byte, error) {
	f, err := openPrivate(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAll(f, limit)
}

// Read returns the content of a regular file of at most limit bytes, whoever
// may read it.
func Read(path string, limit int64) ([]byte, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return readAll(f, limit)
}

// readAll reads into one buffer of the right size: growing one would leave
// copies behind.
func readAll(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooBig, info.Size(), limit)
	}
	data := make([]byte, info.Size())
	n, err := io.ReadFull(f, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		clear(data)
		return nil, err
	}
	return data[:n], nil
}
