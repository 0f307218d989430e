package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"time"
)

// mostBack is how much of a log Refused reads: a gateway waits for it when it starts.
const mostBack = 64 << 20

// Refused calls each with the lines since a time that say that something was refused to
// somebody, newest first, until each returns false. It keeps none of them. whole is false
// when it stopped before the time, because each said so or there is too much of the log.
// If ctx ends, its error is returned.
func Refused(ctx context.Context, path string, since time.Time, each func(line []byte) bool) (whole bool, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	if err != nil {
		return false, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return false, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err, Hint: "the audit log must be a regular file"}
	}
	whole = true
	seen, read := 0, int64(0)
	err = linesBackwards(file, info.Size(), func(line []byte, complete bool, length int64) (bool, error) {
		seen++
		if read += length; read > mostBack {
			whole = false
			return false, nil
		}
		if seen%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		refused := complete && bytes.Contains(line, []byte(`"result":"denied"`))
		if !refused && seen%256 != 0 { // of the others only some tell the time
			return true, nil
		}
		var r struct {
			Timestamp time.Time `json:"timestamp"`
			Result    string    `json:"result"`
		}
		readable := complete && json.Unmarshal(line, &r) == nil && !r.Timestamp.IsZero() // Verify judges what is not
		if !readable {
			return true, nil
		}
		if r.Timestamp.Before(since.Add(-clockSlack)) {
			return false, nil
		}
		if r.Result != "denied" || r.Timestamp.Before(since) {
			return true, nil
		}
		whole = each(line)
		return whole, nil
	})
	if err != nil && ctx.Err() == nil {
		err = &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	return whole && err == nil, err
}
