package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"openclaw/gateway/printable"
)

// MaxLine is the most bytes of a line. An entry's details are replaced by
// their size when they would make it longer.
const MaxLine = 256 << 10

// maxText is the most bytes of one text field.
const maxText = 16 << 10

// body is the part of a line that the caller brings, in the specification's
// order. encoding/json keeps it.
type body struct {
	Event   string `json:"event_type"`
	User    string `json:"user,omitempty"`
	IP      string `json:"ip,omitempty"`
	Action  string `json:"action,omitempty"`
	Path    string `json:"path,omitempty"`
	Target  string `json:"target,omitempty"`
	Result  string `json:"result,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Details any    `json:"details,omitempty"`
}

// encodeBody returns the JSON object of e with its secrets removed. It always
// returns a valid object: an event is recorded even if its details are not
// worth it. It may stand behind the end of space.
func encodeBody(space []byte, e Entry, redact func([]byte) []byte) []byte {
	b := body{
		Event: clip(e.Event), User: clip(e.User), IP: clip(e.IP), Action: clip(e.Action), Path: clip(e.Path),
		Target: clip(e.Target), Result: clip(e.Result), Reason: clip(e.Reason),
	}
	if len(e.Details) > 0 {
		b.Details = e.Details
	}
	text, ok := appendPlain(space, b)
	var err error
	if !ok {
		text, err = encodeJSON(b)
	}
	if err != nil {
		b.Details = map[string]any{"details_error": "cannot be encoded as JSON"}
		text, _ = encodeJSON(b) // strings only: cannot fail
	}
	if len(text) > MaxLine-1024 {
		b.Details = map[string]any{"details_bytes": len(text)}
		text, _ = encodeJSON(b)
	}
	if redact == nil {
		return text
	}
	masked := redact(text)
	if len(masked) == len(text) && &masked[0] == &text[0] {
		return text // there was nothing
	}
	if json.Valid(masked) && masked[0] == '{' && masked[len(masked)-1] == '}' && len(masked) <= MaxLine-1024 {
		return masked
	}
	// The mask cut through the JSON itself. Mask the texts one by one.
	each := func(s string) string { return string(redact([]byte(s))) }
	b = body{
		Event: each(b.Event), User: each(b.User), IP: each(b.IP), Action: each(b.Action), Path: each(b.Path),
		Target: each(b.Target), Result: each(b.Result), Reason: each(b.Reason), Details: maskTexts(b.Details, each),
	}
	if text, err = encodeJSON(b); err != nil || len(text) > MaxLine-1024 {
		b.Details = map[string]any{"details_error": "cannot be masked"}
		text, _ = encodeJSON(b)
	}
	return text
}

func clip(s string) string {
	if len(s) <= maxText {
		return s
	}
	return s[:maxText] + "…"
}

// maskTexts applies mask to every string of a JSON value.
func maskTexts(v any, mask func(string) string) any {
	if v == nil {
		return nil
	}
	text, err := encodeJSON(v)
	if err != nil {
		return nil
	}
	var plain any
	if json.Unmarshal(text, &plain) != nil {
		return nil
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case string:
			return mask(v)
		case []any:
			for i := range v {
				v[i] = walk(v[i])
			}
		case map[string]any:
			masked := make(map[string]any, len(v))
			for k, item := range v {
				masked[mask(k)] = walk(item)
			}
			return masked
		}
		return v
	}
	return walk(plain)
}

func encodeJSON(v any) (text []byte, err error) {
	defer func() {
		if recover() != nil { // a value's own MarshalJSON
			err = errors.New("encode details: panic")
		}
	}()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return printable.JSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// chain is where the next line joins on.
type chain struct {
	seq  uint64 // of the last line; 0 before the first
	hash string // of the last line, in hexadecimal
}

const (
	hashMark   = `,"hash":"`
	tailLength = len(hashMark) + 2*sha256.Size + len(`"}`)
)

var noHash = hex.EncodeToString(make([]byte, sha256.Size))

// appendLine appends the line of object, a JSON object, and moves the chain on.
func (c *chain) appendLine(out, object []byte, now time.Time) []byte {
	start := len(out)
	c.seq++
	out = append(out, `{"timestamp":"`...)
	out = now.UTC().AppendFormat(out, time.RFC3339Nano)
	out = append(out, `",`...)
	out = append(out, object[1:len(object)-1]...)
	out = append(out, `,"seq":`...)
	out = strconv.AppendUint(out, c.seq, 10)
	out = append(out, `,"prev":"`...)
	if c.hash == "" {
		c.hash = noHash
	}
	out = append(out, c.hash...)
	out = append(out, '"')
	sum := sha256.Sum256(out[start:])
	c.hash = hex.EncodeToString(sum[:])
	out = append(out, hashMark...)
	out = append(out, c.hash...)
	return append(out, "\"}\n"...)
}

// record is what is read back of a line.
type record struct {
	Timestamp time.Time `json:"timestamp"`
	Event     string    `json:"event_type"`
	User      string    `json:"user"`
	Seq       uint64    `json:"seq"`
	Prev      string    `json:"prev"`
	Hash      string    `json:"hash"`
	Details   struct {
		Agent      any `json:"agent"`
		Connection any `json:"connection"`
		Caller     any `json:"caller"`
		ID         any `json:"id"`
	} `json:"details"`
}

// parseLine reads a line without its newline and checks its own hash.
func parseLine(line []byte) (record, error) {
	var r record
	if err := json.Unmarshal(line, &r); err != nil {
		// Details of another shape than an object are somebody else's, but
		// everything of ours must be there.
		if _, mismatch := errors.AsType[*json.UnmarshalTypeError](err); !mismatch {
			return record{}, fmt.Errorf("read line: %w", err)
		}
	}
	if len(line) <= tailLength || !bytes.HasPrefix(line[len(line)-tailLength:], []byte(hashMark)) {
		return r, errors.New("read line: no hash at its end")
	}
	sum := sha256.Sum256(line[:len(line)-tailLength])
	if hex.EncodeToString(sum[:]) != r.Hash || string(line[len(line)-tailLength+len(hashMark):len(line)-2]) != r.Hash {
		return r, errors.New("read line: its hash is another")
	}
	return r, nil
}
