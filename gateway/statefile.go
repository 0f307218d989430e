package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// stateFile is a file of what the gateway remembers from one start to the next.
type stateFile struct {
	path  string
	what  string // in the plural, as in "read bans"
	limit int64  // bytes; more than there is room for
	cure  string
}

// fail is why it cannot be read. That ends the start: a gateway that forgot whom it
// shut out, or what it took back, would say nothing of it.
func (f stateFile) fail(err error) error {
	return &Error{Op: "read " + f.what, Kind: KindFailed, Err: fmt.Errorf("%s: %w", f.path, err), Hint: f.cure}
}

// read decodes the file; saved stays as it is where there is none, and then there
// is no error.
func (f stateFile) read(saved any) (there bool, err error) {
	info, err := os.Lstat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, f.fail(err)
	case !info.Mode().IsRegular() || info.Size() > f.limit:
		return false, f.fail(errors.New("it is no file of " + f.what))
	}
	text, err := os.ReadFile(f.path)
	if err == nil {
		err = json.Unmarshal(text, saved)
	}
	if err != nil {
		return false, f.fail(err)
	}
	return true, nil
}
