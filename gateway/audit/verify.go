package audit

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// Status is what Verify found.
type Status string

// The states of a log, the first one that holds.
const (
	StatusOK     Status = "ok"
	StatusEdited Status = "edited" // a line is not as it was written
	StatusGap    Status = "gap"    // lines are missing, repeated or in another order
	StatusTorn   Status = "torn"   // the end is half a line: a crash; opening the log repairs it
	StatusEmpty  Status = "empty"  // no lines, or no file
)

// Report is the outcome of Verify.
type Report struct {
	Status    Status `json:"status"`
	Line      int    `json:"line,omitempty"`   // of the first problem, counted from 1
	Detail    string `json:"detail,omitempty"` // a sentence about it
	Problems  int    `json:"problems"`         // how many lines have one
	Records   uint64 `json:"records"`          // good lines
	FirstSeq  uint64 `json:"first_seq"`
	LastSeq   uint64 `json:"last_seq"`
	Head      string `json:"head,omitempty"`       // hash of the last good line: what a witness outside should keep
	ClockBack int    `json:"clock_back,omitempty"` // lines that are older than the one before; a warning only
}

// Verify checks every line of the log at path and the chain between them. It
// may run while a Recorder writes: it reads what is there when it starts. It
// cannot see that lines at the end were removed; compare Head and LastSeq with
// what was kept elsewhere.
func Verify(path string) (Report, error) {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return Report{Status: StatusEmpty, Detail: "there is no such file"}, nil
	}
	if err != nil {
		return Report{}, &Error{Op: "verify audit log", Path: path, Kind: KindFile, Err: err}
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return Report{}, &Error{Op: "verify audit log", Path: path, Kind: KindFile, Err: err, Hint: "the audit log must be a regular file"}
	}
	v := verifier{report: Report{Status: StatusOK}}
	if err := linesForwards(io.LimitReader(file, info.Size()), v.line); err != nil {
		return v.report, &Error{Op: "verify audit log", Path: path, Kind: KindFile, Err: err}
	}
	if v.number == 0 {
		v.report.Status, v.report.Detail = StatusEmpty, "the file has no lines"
	}
	return v.report, nil
}

type verifier struct {
	report Report
	number int
	last   chain
	time   time.Time
}

func (v *verifier) problem(status Status, format string, args ...any) {
	v.report.Problems++
	if v.report.Status == StatusOK || v.report.Status == StatusTorn {
		v.report.Status, v.report.Line, v.report.Detail = status, v.number, fmt.Sprintf(format, args...)
	}
}

func (v *verifier) line(line []byte, whole bool) (bool, error) {
	v.number++
	if !whole {
		v.problem(StatusTorn, "the last %d bytes are not a whole line", len(line))
		return true, nil
	}
	r, err := parseLine(line)
	if err != nil {
		v.problem(StatusEdited, "%v", err)
		return true, nil
	}
	switch {
	case v.last.seq == 0 && r.Seq != 1:
		v.problem(StatusGap, "the log starts with record %d; those before it are gone", r.Seq)
	case v.last.seq == 0 && r.Prev != noHash:
		v.problem(StatusGap, "record 1 follows another record")
	case v.last.seq != 0 && r.Seq != v.last.seq+1:
		v.problem(StatusGap, "record %d follows record %d", r.Seq, v.last.seq)
	case v.last.seq != 0 && r.Prev != v.last.hash:
		v.problem(StatusGap, "record %d does not follow this record %d, but another", r.Seq, v.last.seq)
	}
	if r.Timestamp.Before(v.time) {
		v.report.ClockBack++
	}
	if v.report.Records == 0 {
		v.report.FirstSeq = r.Seq
	}
	v.report.Records++
	v.report.LastSeq, v.report.Head = r.Seq, r.Hash
	v.last, v.time = chain{seq: r.Seq, hash: r.Hash}, r.Timestamp
	return true, nil
}
