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
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(frame, &head); err != nil {
		return Frame{}, errors.New("the frame is not a JSON object")
	}
	switch head.Type {
	case "res":
		var r struct {
			Response
			OK *bool `json:"ok"`
		}
		if err := json.Unmarshal(frame, &r); err != nil {
			return Frame{}, errors.New("the response does not have its shape")
		}
		if r.ID == "" || r.OK == nil {
			return Frame{}, errors.New("the response lacks id or ok")
		}
		r.Response.OK = *r.OK
		if !r.Response.OK && (r.Error == nil || r.Error.Code == "" || r.Error.Message == "") {
			return Frame{}, errors.New("the refusal lacks code or message")
		}
		return Frame{Response: &r.Response}, nil
	case "event":
		var e Event
		if err := json.Unmarshal(frame, &e); err != nil || e.Event == "" {
			return Frame{}, errors.New("the event does not have its shape")
		}
		return Frame{Event: &e}, nil
	default:
		return Frame{}, errors.New("the frame is neither res nor event")
	}
}
