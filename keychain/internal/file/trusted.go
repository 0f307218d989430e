package file

import (
	"errors"
	"path/filepath"
)

// ErrWriter is a file that somebody else may have written.
var ErrWriter = errors.New("other users may change it")

// ReadTrusted returns the content of a regular file of at most limit bytes that
// nobody but the user of this process and root may write. Others may read it. Links
// are followed, and what they lead to is judged: a container's tokens are links.
// Where the system cannot tell who may write a file it returns errors.ErrUnsupported.
func ReadTrusted(path string, limit int64) ([]byte, error) {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := judgeWriters(info); err != nil {
		return nil, err
	}
	return readAll(f, limit)
}
