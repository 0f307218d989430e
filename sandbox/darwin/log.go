package darwin

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Refusal is one line of the system's log about a refused operation.
type Refusal struct {
	Time      time.Time // zero when the line has none that can be read
	PID       int
	Program   string // the name of the program, as the kernel keeps it: at most 32 bytes, cut
	Operation string // "file-read-data"
	Target    string // what the operation was about: a physical path, an address, a service
	Tag       Tag
	Count     int // at least 1
}

// Predicate is the filter of `log stream` for the refusals of one run. The
// kernel alone is listened to: any program may write such words to the log.
func Predicate(run string) (string, error) {
	if err := checkRun(run); err != nil {
		return "", err
	}
	return `process == "kernel" AND eventMessage CONTAINS "` + tagPrefix + run + `:"`, nil
}

// Why a line of the log tells of no refusal.
var (
	ErrNoRefusal = errors.New("the line tells of no refusal")
	ErrLong      = errors.New("the line is too long")
)

// MaxLine bounds a line of the log, in bytes. A path has at most 1,024, a
// record about 1,500 around it; a byte may take six in JSON.
const MaxLine = 64 << 10

// ParseLog reads a line of `log stream --style ndjson`. The message is
//
//	Sandbox: PROGRAM(PID) deny(1) OPERATION TARGET
//	TAG
//
// where the target may hold any byte, line breaks too: the tag is the last
// line. "N duplicate reports for " may stand before it.
func ParseLog(line []byte) (Refusal, error) {
	if len(line) > MaxLine {
		return Refusal{}, ErrLong
	}
	var record struct {
		EventMessage string `json:"eventMessage"`
		Timestamp    string `json:"timestamp"`
		ProcessID    *int   `json:"processID"`
	}
	if err := json.Unmarshal(line, &record); err != nil {
		return Refusal{}, ErrNoRefusal
	}
	if record.ProcessID == nil || *record.ProcessID != 0 {
		return Refusal{}, ErrNoRefusal // not the kernel's word
	}
	r, ok := parseMessage(record.EventMessage)
	if !ok {
		return Refusal{}, ErrNoRefusal
	}
	if at, err := time.Parse("2006-01-02 15:04:05.999999-0700", record.Timestamp); err == nil {
		r.Time = at
	}
	return r, nil
}

func parseMessage(message string) (Refusal, bool) {
	r := Refusal{Count: 1}
	message = strings.TrimRight(message, "\n")
	end := strings.LastIndexByte(message, '\n')
	if end < 0 {
		return r, false
	}
	var ok bool
	if r.Tag, ok = ParseTag(message[end+1:]); !ok {
		return r, false
	}
	message = strings.TrimRight(message[:end], "\n")
	if before, after, found := strings.Cut(message, "Sandbox: "); found && before != "" {
		if r.Count, ok = duplicates(before); !ok {
			return r, false
		}
		message = after
	} else if message, ok = strings.CutPrefix(message, "Sandbox: "); !ok {
		return r, false
	}
	// A program's name may hold anything, and a target too: the first
	// ") deny(" after digits ends the name, as the kernel writes it there.
	who, what, ok := cutDeny(message)
	if !ok {
		return r, false
	}
	open := strings.LastIndexByte(who, '(')
	if open <= 0 {
		return r, false
	}
	pid, err := strconv.Atoi(who[open+1:])
	if err != nil || pid <= 0 {
		return r, false
	}
	r.Program, r.PID = who[:open], pid
	r.Operation, r.Target, _ = strings.Cut(what, " ")
	return r, operationName(r.Operation)
}

// duplicates reads "3 duplicate reports for ".
func duplicates(s string) (int, bool) {
	number, rest, _ := strings.Cut(s, " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > 1<<30 {
		return 0, false
	}
	return n, rest == "duplicate report for " || rest == "duplicate reports for "
}

// cutDeny parts "cat(12) deny(1) file-read-data /x" at the verdict.
func cutDeny(s string) (who, what string, ok bool) {
	const verdict = ") deny("
	before, after, ok := strings.Cut(s, verdict)
	if !ok {
		return "", "", false
	}
	number, what, ok := strings.Cut(after, ") ")
	if _, err := strconv.Atoi(number); err != nil {
		return "", "", false
	}
	return before, what, ok
}

func operationName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		known := 'a' <= c && c <= 'z' || c == '-' || c == '*' || '0' <= c && c <= '9'
		if !known {
			return false
		}
	}
	return true
}
