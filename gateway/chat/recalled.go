package chat

import (
	"context"

	"openclaw/gateway/store"
)

// recalled is what a run came to that ended before the gateway's last start, or so long
// ago that only the store knows of it. One that left no answer did not come to its end:
// it failed before its first word, or the gateway ended under it.
func (e *Engine) recalled(ctx context.Context, session, run string) (Result, error) {
	messages, err := e.options.Store.OfRun(ctx, session, run)
	if err != nil {
		return Result{}, err
	}
	out := Result{Status: StatusError}
	var said *store.Message
	for i := range messages {
		if messages[i].Role == RoleAssistant {
			said = &messages[i]
		}
		if out.Started.IsZero() {
			out.Started = messages[i].Created
		}
		out.Ended = messages[i].Created
	}
	if said == nil {
		out.Fault = &Fault{Kind: FaultUnknown, Message: "the run left no answer: it failed, or the gateway ended, before the first word"}
		return out, nil
	}
	about := AboutOf(*said)
	out.Message, out.Answer = said, Answer{Text: Plain(*said), Model: about.Model, StopReason: about.StopReason}
	if about.Usage != nil {
		out.Answer.Usage = *about.Usage
	}
	switch about.StopReason {
	case "aborted":
		out.Status, out.Fault = StatusAborted, &Fault{Kind: FaultUnknown, Message: about.ErrorMessage, Aborted: true}
	case "error":
		out.Fault = &Fault{Kind: FaultUnknown, Message: about.ErrorMessage}
		if about.ErrorMessage == errTooLong.Error() {
			out.Status, out.Fault.Kind = StatusTimeout, FaultTimeout
		}
	default:
		out.Status = StatusOK
	}
	return out, nil
}
