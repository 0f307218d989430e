package wire

import (
	"encoding/json"
	"errors"
	"fmt"
)

// DecodeRequest reads a client's frame. The error is meant for the client and
// holds nothing of the frame. When the frame is JSON but no valid request, the
// returned Request has the id as far as it could be read.
func DecodeRequest(frame []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(frame, &r); err != nil {
		return Request{}, errors.New("the frame is not a JSON request object")
	}
	if len(r.ID) > MaxID {
		return Request{}, fmt.Errorf("id is longer than %d bytes", MaxID)
	}
	switch {
	case r.Type != "req":
		return r, errors.New(`type must be "req"`)
	case r.ID == "":
		return r, errors.New("id must not be empty")
	case r.Method == "":
		return r, errors.New("method must not be empty")
	case len(r.Method) > MaxMethod:
		return r, fmt.Errorf("method is longer than %d bytes", MaxMethod)
	}
	return r, nil
}

// DecodeParams reads params into target. Absent, null and {} are the same.
// The error is an *Error that names the method and never the value.
func DecodeParams(method string, params json.RawMessage, target any) error {
	if len(params) == 0 || string(params) == "null" {
		return nil
	}
	if err := json.Unmarshal(params, target); err != nil {
		return &Error{Code: CodeInvalidRequest, Message: "invalid " + method + " params: " + shape(err)}
	}
	return nil
}

// shape says what is wrong with JSON without repeating any value of it: a
// value may be a secret.
func shape(err error) string {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return "field " + wrong.Field + " must not be " + kindOf(wrong.Value)
	}
	return "not the expected JSON"
}

// kindOf keeps the kind ("number", "string") of encoding/json's description,
// which may go on with the literal itself.
func kindOf(description string) string {
	for _, kind := range []string{"number", "string", "bool", "array", "object"} {
		if len(description) >= len(kind) && description[:len(kind)] == kind {
			return kind
		}
	}
	return "that"
}

// Frame is what a client receives: exactly one field is set.
type Frame struct {
	Response *Response
	Event    *Event
}

// DecodeFrame reads a gateway's frame on the client's side. It refuses what
// other clients drop silently, so that our own tests see it.
func DecodeFrame(frame []byte) (Frame, error) {
	// One look at the bytes, of which the start of a run brings many, for
	// whichever of the two it is. Its fields are those of both.
	var both struct {
		Type    string          `json:"type"`
		ID      json.RawMessage `json:"id"`
		OK      json.RawMessage `json:"ok"`
		Payload json.RawMessage `json:"payload"`
		Error   json.RawMessage `json:"error"`
		Event   json.RawMessage `json:"event"`
		Seq     json.RawMessage `json:"seq"`
	}
	if err := json.Unmarshal(frame, &both); err != nil {
		return Frame{}, errors.New("the frame is not a JSON object")
	}
	switch both.Type {
	case "res":
		r := &Response{Type: both.Type, Payload: both.Payload}
		var ok *bool
		if field(both.ID, &r.ID) != nil || field(both.OK, &ok) != nil || field(both.Error, &r.Error) != nil {
			return Frame{}, errors.New("the response does not have its shape")
		}
		if r.ID == "" || ok == nil {
			return Frame{}, errors.New("the response lacks id or ok")
		}
		r.OK = *ok
		if !r.OK && (r.Error == nil || r.Error.Code == "" || r.Error.Message == "") {
			return Frame{}, errors.New("the refusal lacks code or message")
		}
		return Frame{Response: r}, nil
	case "event":
		e := &Event{Type: both.Type, Payload: both.Payload}
		if field(both.Event, &e.Event) != nil || field(both.Seq, &e.Seq) != nil || e.Event == "" {
			return Frame{}, errors.New("the event does not have its shape")
		}
		return Frame{Event: e}, nil
	default:
		return Frame{}, errors.New("the frame is neither res nor event")
	}
}

// field reads a field that may be absent.
func field(value json.RawMessage, target any) error {
	if len(value) == 0 {
		return nil
	}
	return json.Unmarshal(value, target)
}
