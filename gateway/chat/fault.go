package chat

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode"
)

// FaultKind is the protocol's word for why a run did not come to its end.
type FaultKind string

// The kinds.
const (
	FaultRefusal FaultKind = "refusal"
	FaultTimeout FaultKind = "timeout"
	FaultRate    FaultKind = "rate_limit"
	FaultContext FaultKind = "context_length"
	FaultUnknown FaultKind = "unknown"
)

// longestFault bounds the text of a fault, in bytes.
const longestFault = 2000

// Fault is why a run did not come to its end. Message is masked and printable.
type Fault struct {
	Kind    FaultKind
	Message string
	Status  int    // of the provider's answer; 0: it gave none
	Type    string // the provider's own word for it
	Aborted bool   // somebody wanted it so
}

func (f *Fault) Error() string { return f.Message }

// Why a run's context ended.
var (
	errAborted = errors.New("aborted")
	errTooLong = errors.New("the run took longer than its timeout")
	errStopped = errors.New("the gateway stopped")
)

func faultOfEnd(cause error) *Fault {
	switch {
	case errors.Is(cause, errTooLong):
		return &Fault{Kind: FaultTimeout, Message: cause.Error()}
	case errors.Is(cause, errStopped):
		return &Fault{Kind: FaultUnknown, Message: cause.Error(), Aborted: true}
	default:
		return &Fault{Kind: FaultUnknown, Message: errAborted.Error(), Aborted: true}
	}
}

// providerError is an error in the shapes of both APIs. Code may be a number.
type providerError struct {
	Error struct {
		Type    string `json:"type"`
		Code    any    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// faultOf reads an error answer, or an error event of a stream (status 0).
func faultOf(provider string, status int, body []byte) *Fault {
	var told providerError
	_ = json.Unmarshal(body, &told) // what is no JSON tells nothing
	code, _ := told.Error.Code.(string)
	f := &Fault{Kind: FaultUnknown, Message: told.Error.Message, Status: status, Type: told.Error.Type}
	if f.Type == "" {
		f.Type = code
	}
	if strings.TrimSpace(f.Message) == "" {
		f.Message = provider + " gives no reason"
		if status != 0 {
			f.Message = provider + " answered " + http.StatusText(status) + " and gives no reason"
		}
	}
	words := strings.ToLower(f.Type + " " + code + " " + told.Error.Message)
	has := func(any ...string) bool {
		for _, word := range any {
			if strings.Contains(words, word) {
				return true
			}
		}
		return false
	}
	switch {
	case has("context_length", "prompt is too long", "maximum context", "context window"):
		f.Kind = FaultContext
	case status == http.StatusTooManyRequests || status == 529 || has("rate_limit", "overloaded"):
		f.Kind = FaultRate
	case status == http.StatusGatewayTimeout || status == http.StatusRequestTimeout || has("timeout_error", "provider_silent"):
		f.Kind = FaultTimeout
	case status == http.StatusForbidden || has("permission_error", "content_filter"):
		f.Kind = FaultRefusal
	}
	return f
}

// clean masks what a provider said, and keeps it short and printable.
func (f *Fault) clean(mask func(string) string) {
	tidy := func(text string, most int) string {
		text = strings.Map(func(r rune) rune {
			if unicode.IsPrint(r) || r == '\n' {
				return r
			}
			return ' '
		}, mask(strings.ToValidUTF8(text, "�")))
		if len(text) > most {
			text = strings.ToValidUTF8(text[:most], "") + "…"
		}
		return text
	}
	f.Message, f.Type = tidy(f.Message, longestFault), tidy(f.Type, 200)
}
