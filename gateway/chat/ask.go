package chat

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/url"
)

// Caller is for whom a model is asked.
type Caller struct {
	Agent string
	Run   string
	From  string // the address of who wanted it
	Owner any    // handed to Options.Call
}

// ErrCut is a call whose answer broke off.
var ErrCut = errors.New("the answer broke off")

// Answer is what a model said.
type Answer struct {
	Text       string
	Model      string
	StopReason string
	Usage      Usage
}

// Ask asks a model once. text gets each piece of the answer as it comes. With a
// fault the Answer holds what was said before it.
func (e *Engine) Ask(ctx context.Context, caller Caller, model Model, prompt Prompt, text func(string)) (Answer, *Fault) {
	path, body, err := prompt.encode(model)
	if err != nil {
		return Answer{}, &Fault{Kind: FaultUnknown, Message: "the conversation cannot be sent: " + err.Error()}
	}
	address := &url.URL{Scheme: "http", Host: "chat.invalid", Path: "/p/" + model.Provider + path, RawPath: "/p/" + url.PathEscape(model.Provider) + path}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address.String(), bytes.NewReader(body))
	if err != nil {
		return Answer{}, &Fault{Kind: FaultUnknown, Message: "the conversation cannot be sent: " + err.Error()}
	}
	request.RemoteAddr = caller.From
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("User-Agent", "openclaw")
	if model.Kind == KindAnthropic {
		request.Header.Set("Anthropic-Version", "2023-06-01")
	}
	r := &receiver{kind: model.Kind, provider: model.Provider, text: text, header: http.Header{}}
	err = e.options.Call(r, request, caller)
	if !r.events && r.status != 0 && r.status < 300 && err == nil {
		r.readWhole()
	}
	r.usage.add()
	answer := Answer{Text: r.words.String(), Model: r.model, StopReason: stopReason(r.stop), Usage: r.usage}
	if answer.Model == "" {
		answer.Model = model.Name
	}
	fault := r.outcome(ctx, err)
	if fault != nil {
		fault.clean(e.options.Mask)
	}
	return answer, fault
}

// outcome says why it was not a whole answer; nil when it was.
func (r *receiver) outcome(ctx context.Context, err error) *Fault {
	switch {
	case r.whole && r.fault == nil && !r.tooMuch:
		return nil // also when somebody wanted to end it just now
	case ctx.Err() != nil:
		return faultOfEnd(context.Cause(ctx))
	case r.tooMuch:
		return &Fault{Kind: FaultUnknown, Message: errTooMuch.Error(), Status: r.status}
	case r.fault != nil:
		r.fault.Status = r.status
		return r.fault
	case r.status >= 300:
		return faultOf(r.provider, r.status, r.body.Bytes())
	case err != nil && !errors.Is(err, ErrCut):
		return &Fault{Kind: FaultUnknown, Message: err.Error()}
	case err != nil, r.events:
		return &Fault{Kind: FaultUnknown, Message: r.provider + " broke off in the middle of its answer", Status: r.status}
	case r.status == 0:
		return &Fault{Kind: FaultUnknown, Message: r.provider + " gave no answer"}
	default:
		return &Fault{Kind: FaultUnknown, Message: r.provider + " answered with what is no answer of its API: see its base_url and kind in the config", Status: r.status}
	}
}
