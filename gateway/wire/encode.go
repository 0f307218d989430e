package wire

import (
	"encoding/json"
	"strconv"
)

// EncodeResult returns the response frame that answers id with payload. nil
// becomes {}: a response without a payload looks to some clients like none.
func EncodeResult(id string, payload any) ([]byte, error) {
	if payload == nil {
		payload = struct{}{}
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, err
	}
	frame := make([]byte, 0, len(body)+len(id)+48)
	frame = append(frame, `{"type":"res","id":`...)
	frame = appendString(frame, id)
	frame = append(frame, `,"ok":true,"payload":`...)
	frame = append(frame, body...)
	return append(frame, '}'), nil
}

// EncodeRefusal returns the response frame that answers id with refusal. An
// empty code or message is filled in, for clients drop a refusal without them.
func EncodeRefusal(id string, refusal *Error) []byte {
	out := *refusal
	if out.Code == "" {
		out.Code = CodeUnavailable
	}
	if out.Message == "" {
		out.Message = "the request failed"
	}
	frame, err := json.Marshal(Response{Type: "res", ID: id, Error: &out})
	if err != nil { // Details that cannot be encoded: the refusal itself must still arrive
		out.Details = nil
		frame, _ = json.Marshal(Response{Type: "res", ID: id, Error: &out})
	}
	return frame
}

// EncodeEvent returns an event frame. payload is JSON already. seq 0 leaves
// the number out, which only the challenge may.
func EncodeEvent(name string, payload json.RawMessage, seq uint64) []byte {
	frame := make([]byte, 0, len(payload)+len(name)+64)
	frame = append(frame, `{"type":"event","event":`...)
	frame = appendString(frame, name)
	if len(payload) != 0 {
		frame = append(frame, `,"payload":`...)
		frame = append(frame, payload...)
	}
	if seq != 0 {
		frame = append(frame, `,"seq":`...)
		frame = strconv.AppendUint(frame, seq, 10)
	}
	return append(frame, '}')
}

// appendString appends s as a JSON string. Clients make ids of plain ASCII, so
// the slow way is rare.
func appendString(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c >= 0x7f || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always encodes
			return append(to, quoted...)
		}
	}
	to = append(to, '"')
	to = append(to, s...)
	return append(to, '"')
}
