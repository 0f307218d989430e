package audit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"time"
)

// Query chooses lines. The zero value of a field chooses all.
type Query struct {
	Event      string
	User       string // the field user
	Agent      string // the field user ("coder" or "agent coder"), or agent of the details
	Connection string // its ID, in the details: of what the record is about, or of who asked for it

	Since   time.Time // not older
	Until   time.Time // not newer
	Limit   int       // at most so many; 0: 1,000
	Reverse bool      // newest first; otherwise oldest first
}

// defaultLimit is the Limit of a Query that has none.
const defaultLimit = 1000

// clockSlack is how far the clock may have gone backwards between two lines:
// a search from the end goes on so far beyond Since.
const clockSlack = 24 * time.Hour

// Search returns the lines of the log at path that q chooses, as they are in
// the file. truncated says that there are more than Limit. It reads what is
// there when it starts, skips a half-written end and lines that are not JSON,
// and needs memory for the lines that it returns and one line more. A log that
// is not there has no lines. If ctx ends, its error is returned.
func Search(ctx context.Context, path string, q Query) (lines []json.RawMessage, truncated bool, err error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, false, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err, Hint: "the audit log must be a regular file"}
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	literals := [][]byte{eventLiteral(q.Event), textLiteral(q.Connection)}
	seen := 0
	take := func(line []byte) (bool, error) {
		if seen++; seen%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		for _, literal := range literals {
			if literal != nil && !bytes.Contains(line, literal) {
				return true, nil
			}
		}
		r, ok := readLine(line)
		if !ok {
			return true, nil
		}
		if q.Reverse && !q.Since.IsZero() && r.Timestamp.Before(q.Since.Add(-clockSlack)) {
			return false, nil
		}
		if !q.chooses(r) {
			return true, nil
		}
		if len(lines) == limit {
			truncated = true
			return false, nil
		}
		lines = append(lines, bytes.Clone(line))
		return true, nil
	}
	if q.Reverse {
		err = linesBackwards(file, info.Size(), func(line []byte, whole bool, _ int64) (bool, error) {
			if !whole {
				return true, nil
			}
			return take(line)
		})
	} else {
		err = linesForwards(io.LimitReader(file, info.Size()), func(line []byte, whole bool) (bool, error) {
			if !whole {
				return true, nil
			}
			return take(line)
		})
	}
	if err != nil && ctx.Err() == nil {
		err = &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	return lines, truncated, err
}

// readLine reads a line without judging its hash: Verify does that.
func readLine(line []byte) (r record, ok bool) {
	err := json.Unmarshal(line, &r)
	return r, err == nil && r.Seq != 0
}

// textLiteral is a text as the writer spells it; nil for none.
func textLiteral(text string) []byte {
	if text == "" {
		return nil
	}
	spelt, err := encodeJSON(text)
	if err != nil {
		return nil
	}
	return spelt
}

// eventLiteral is what every line of event holds, as the writer spells it.
func eventLiteral(event string) []byte {
	if event == "" {
		return nil
	}
	name, err := encodeJSON(event)
	if err != nil {
		return nil
	}
	return append([]byte(`"event_type":`), name...)
}

// names reports whether a record is about a connection, or about what was asked for over
// it. A call to a provider has the ID of its connection.
func (r *record) names(connection string) bool {
	of := []any{r.Details.Connection, r.Details.Caller}
	if r.Event == APICall {
		of = append(of, r.Details.ID)
	}
	return slices.Contains(of, any(connection))
}

func (q Query) chooses(r record) bool {
	if q.Event != "" && r.Event != q.Event || q.User != "" && r.User != q.User {
		return false
	}
	if q.Agent != "" && r.User != q.Agent && r.User != "agent "+q.Agent {
		if agent, _ := r.Details.Agent.(string); agent != q.Agent {
			return false
		}
	}
	if q.Connection != "" && !r.names(q.Connection) {
		return false
	}
	return (q.Since.IsZero() || !r.Timestamp.Before(q.Since)) && (q.Until.IsZero() || !r.Timestamp.After(q.Until))
}

// linesForwards calls each with the lines of r without their newlines. A line
// longer than MaxLine is given without its end. whole is false for text behind
// the last newline.
func linesForwards(r io.Reader, each func(line []byte, whole bool) (bool, error)) error {
	reader := bufio.NewReaderSize(r, MaxLine)
	for {
		line, err := reader.ReadSlice('\n')
		whole := err == nil
		for errors.Is(err, bufio.ErrBufferFull) {
			line = bytes.Clone(line)
			_, err = reader.ReadSlice('\n')
			whole = err == nil
		}
		end := errors.Is(err, io.EOF)
		if err != nil && !end {
			return err
		}
		if len(line) > 0 {
			more, stop := each(bytes.TrimSuffix(line, []byte("\n")), whole)
			if stop != nil || !more {
				return stop
			}
		}
		if end {
			return nil
		}
	}
}
