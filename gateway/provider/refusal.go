package provider

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// refusal is an answer of our own.
type refusal struct {
	status  int
	code    string // for programs
	message string // what happened, and what a person can do; never a secret
	again   bool   // the same request may succeed a moment later

	retry time.Duration // until it may; 0 is not told
	kind  string        // OpenAI's type, where it is not by the status
	day   bool          // it may succeed on another day
}

// overspent is the refusal of a budget, in the words by which the clients of the
// APIs tell a moment's limit from a day's.
func overspent(o *Overspent) *refusal {
	switch {
	case o.Model:
		return refused(http.StatusForbidden, "model_not_allowed", o.Message)
	case o.Day:
		out := refused(http.StatusTooManyRequests, "insufficient_quota", o.Message)
		out.retry, out.kind, out.day = o.Retry, "insufficient_quota", true
		return out
	default:
		out := refused(http.StatusTooManyRequests, "rate_limit_exceeded", o.Message)
		out.again, out.retry, out.kind = true, max(o.Retry, time.Second), "requests"
		return out
	}
}

func refused(status int, code, message string) *refusal {
	return &refusal{status: status, code: code, message: message}
}

// errorType is the API's own word for what happened.
func (f *refusal) errorType(kind string) string {
	status := f.status
	if kind != KindAnthropic {
		if f.kind != "" {
			return f.kind
		}
		if status >= http.StatusInternalServerError {
			return "server_error"
		}
		return "invalid_request_error"
	}
	switch status {
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if status >= http.StatusInternalServerError || status == http.StatusFailedDependency {
		return "api_error"
	}
	return "invalid_request_error"
}

type anthropicError struct {
	Type  string             `json:"type"`
	Error anthropicErrorText `json:"error"`
}

type anthropicErrorText struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

type openAIError struct {
	Error openAIErrorText `json:"error"`
}

type openAIErrorText struct {
	Message string  `json:"message"`
	Type    string  `json:"type"`
	Param   *string `json:"param"`
	Code    string  `json:"code"`
}

type geminiError struct {
	Error geminiErrorText `json:"error"`
}

type geminiErrorText struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Status  string `json:"status"`
	Details []any  `json:"details,omitempty"`
}

// geminiRetry and geminiQuota are google.rpc's words for when to come back, and
// for a day's quota, which Google's own client does not wait for.
type geminiRetry struct {
	Type  string `json:"@type"`
	Delay string `json:"retryDelay"`
}

type geminiQuota struct {
	Type       string            `json:"@type"`
	Violations []geminiViolation `json:"violations"`
}

type geminiViolation struct {
	Quota string `json:"quotaId"`
}

func (f *refusal) geminiDetails() []any {
	var out []any
	if f.day {
		out = append(out, geminiQuota{"type.googleapis.com/google.rpc.QuotaFailure", []geminiViolation{{"OpenclawBudgetPerDay"}}})
	}
	if f.retry > 0 {
		out = append(out, geminiRetry{"type.googleapis.com/google.rpc.RetryInfo", strconv.Itoa(f.retrySeconds()) + "s"})
	}
	return out
}

func (f *refusal) retrySeconds() int { return int(math.Ceil(f.retry.Seconds())) }

// geminiStatus is Google's word for a status (google.rpc.Code).
func geminiStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case http.StatusFailedDependency, http.StatusUpgradeRequired:
		return "FAILED_PRECONDITION"
	case http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return "UNIMPLEMENTED"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusInternalServerError:
		return "INTERNAL"
	}
	if status > http.StatusInternalServerError {
		return "UNAVAILABLE"
	}
	return "INVALID_ARGUMENT"
}

// body is the refusal in the shape of an API.
func (f *refusal) body(kind string) []byte {
	var shape any = openAIError{openAIErrorText{Message: f.message, Type: f.errorType(kind), Code: f.code}}
	switch kind {
	case KindAnthropic:
		shape = anthropicError{Type: "error", Error: anthropicErrorText{f.errorType(kind), f.message}}
	case KindGemini:
		shape = geminiError{geminiErrorText{Code: f.status, Message: f.message, Status: geminiStatus(f.status), Details: f.geminiDetails()}}
	}
	text, _ := json.Marshal(shape) // strings always encode
	return text
}

// responsesEvent is the error event of OpenAI's /v1/responses. Its clients read
// the fields of the event or those of error.
type responsesEvent struct {
	Type    string  `json:"type"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
	Param   *string `json:"param"`
	openAIError
}

// event is the refusal as the last event of a stream.
func (f *refusal) event(kind, path string) []byte {
	switch {
	case kind == KindAnthropic:
		return append(append([]byte("event: error\ndata: "), f.body(kind)...), "\n\n"...)
	case hasSegment(path, "/v1/responses"), hasSegment(path, "/responses"):
		text, _ := json.Marshal(responsesEvent{
			Type: "error", Code: f.code, Message: f.message,
			openAIError: openAIError{openAIErrorText{Message: f.message, Type: f.errorType(kind), Code: f.code}},
		}) // strings always encode
		return append(append([]byte("event: error\ndata: "), text...), "\n\n"...)
	default:
		return append(append([]byte("data: "), f.body(kind)...), "\n\n"...)
	}
}

// header is what goes with the refusal's body.
func (f *refusal) header(to http.Header, length int) {
	to.Set("Content-Type", "application/json")
	to.Set("Content-Length", strconv.Itoa(length))
	if !f.again {
		to.Set("X-Should-Retry", "false") // the APIs' clients wait and ask again otherwise
	}
	if f.retry > 0 {
		to.Set("Retry-After", strconv.Itoa(f.retrySeconds()))
	}
	switch f.status {
	case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
		to.Set("Connection", "close") // the rest of the request is not read
	case http.StatusUpgradeRequired:
		to.Set("Upgrade", "HTTP/1.1")
	}
}
