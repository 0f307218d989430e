package audit

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strconv"
	"strings"
)

// maxSpan bounds the rows of one span: no report of a run has more of them.
const maxSpan = 1 << 20

// RunRecord is what a log holds of one run.
type RunRecord struct {
	Rows  map[uint64]bool // numbers of the refusals that are on record
	Ended bool
}

// FindRun reads the log at path backwards to the start of a run. It needs as
// much memory as the run has rows on record. If ctx ends, its error is returned.
func FindRun(ctx context.Context, path, run string) (RunRecord, error) {
	found := RunRecord{Rows: map[uint64]bool{}}
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return found, nil
	}
	if err != nil {
		return found, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return found, &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	seen := 0
	err = linesBackwards(file, info.Size(), func(line []byte, whole bool, _ int64) (bool, error) {
		if seen++; seen%256 == 0 && ctx.Err() != nil {
			return false, ctx.Err()
		}
		var entry struct {
			Event   string `json:"event_type"`
			Action  string `json:"action"`
			Details struct {
				Run  string `json:"run"`
				Row  uint64 `json:"row"`
				Rows string `json:"rows"`
			} `json:"details"`
		}
		readable := whole && json.Unmarshal(line, &entry) == nil // Verify judges what is not
		if !readable || entry.Details.Run != run {
			return true, nil
		}
		if entry.Details.Row > 0 {
			found.Rows[entry.Details.Row] = true
		}
		found.add(entry.Details.Rows)
		found.Ended = found.Ended || entry.Event == RunEnd
		return entry.Event != RunStart || entry.Action != "run", nil
	})
	if err != nil && ctx.Err() == nil {
		err = &Error{Op: "read audit log", Path: path, Kind: KindFile, Err: err}
	}
	return found, err
}

// add notes the rows that one record counts, such as "3-9,12", and leaves out what is
// none.
func (r RunRecord) add(rows string) {
	if rows == "" {
		return
	}
	for span := range strings.SplitSeq(rows, ",") {
		text, end, several := strings.Cut(span, "-")
		if !several {
			end = text
		}
		first, err1 := strconv.ParseUint(text, 10, 63)
		last, err2 := strconv.ParseUint(end, 10, 63)
		if err1 != nil || err2 != nil || first == 0 || last < first || last-first >= maxSpan {
			continue
		}
		for row := first; row <= last; row++ {
			r.Rows[row] = true
		}
	}
}
