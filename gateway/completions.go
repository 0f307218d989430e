package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/chat"
	"openclaw/gateway/wire"
)

const (
	maxCompletion  = 20 << 20         // bytes of a request to an agent's chat
	completionRead = 30 * time.Second // between two pieces of it
)

// serve answers the HTTP requests that are for an agent's chat, and reports
// whether this one is: others go on to their provider, as they came.
func (c *chats) serve(w http.ResponseWriter, r *http.Request, token auth.Hash) bool {
	switch {
	case r.URL.Path == "/v1/models" || strings.HasPrefix(r.URL.Path, "/v1/models/"):
		return c.serveModels(w, r)
	case r.URL.Path == "/v1/chat/completions" && r.Method == http.MethodPost:
		return c.serveChat(w, r, token, func() chatRequest { return new(completion) })
	case r.URL.Path == "/v1/responses" && r.Method == http.MethodPost:
		return c.serveChat(w, r, token, func() chatRequest { return new(responseRequest) })
	}
	return false
}

// chatRequest is a request to an agent's chat, in the API that it came by.
type chatRequest interface {
	// about is the model's name, and the person for whom the client asks.
	about() (model, user string)

	// prompt is what the model is asked; problem says why that cannot be made of
	// the request: what a chat does not have is refused, never left out.
	prompt() (prompt chat.Prompt, problem string)

	// answer is what gives the answer to w; created is in seconds of Unix time.
	answer(w http.ResponseWriter, created int64) chatAnswer
}

// chatAnswer gives an answer in the shape of its API, as it comes or whole.
type chatAnswer interface {
	id() string // also of the run
	text(piece string)
	end(answer chat.Answer, fault *chat.Fault)
}

// isChatModel reports whether a model's name is that of a chat: openclaw,
// openclaw/AGENT or agent:AGENT.
func isChatModel(model string) bool {
	return model == "openclaw" || strings.HasPrefix(model, "openclaw/") || strings.HasPrefix(model, "agent:")
}

// serveChat reads the body to see whose it is.
func (c *chats) serveChat(w http.ResponseWriter, r *http.Request, token auth.Hash, of func() chatRequest) bool {
	body, err := readPieces(w, r)
	var model string
	switch {
	case err != nil: // also one that is larger than a chat takes
	case !bytes.Contains(body, []byte("openclaw")) && !bytes.Contains(body, []byte("agent:")):
	case json.Unmarshal(body, &struct {
		Model *string `json:"model"`
	}{&model}) != nil || !isChatModel(model):
	default:
		c.complete(w, r, token, body, of())
		return true
	}
	r.Body = &replayed{Reader: io.MultiReader(bytes.NewReader(body), &rest{r.Body, err}), Closer: r.Body}
	return false
}

// readPieces reads a body up to maxCompletion bytes. With an error the bytes
// before it are there.
func readPieces(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	control := http.NewResponseController(w)
	defer func() { _ = control.SetReadDeadline(time.Time{}) }() // a connection without deadlines is read without them
	body := make([]byte, 0, min(max(r.ContentLength, 0), 1<<20)+512)
	for {
		if len(body) == cap(body) {
			body = append(body, 0)[:len(body)]
		}
		_ = control.SetReadDeadline(time.Now().Add(completionRead))
		n, err := r.Body.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > maxCompletion && (err == nil || errors.Is(err, io.EOF)):
			return body, errTooLarge
		case errors.Is(err, io.EOF):
			return body, nil
		case err != nil:
			return body, err
		}
	}
}

var errTooLarge = errors.New("larger than a chat takes")

// replayed is a body of which a part was read already.
type replayed struct {
	io.Reader
	io.Closer
}

// rest goes on with a body where reading it stopped.
type rest struct {
	body io.Reader
	err  error // nil or errTooLarge: there may be more
}

func (f *rest) Read(p []byte) (int, error) {
	if f.err != nil && !errors.Is(f.err, errTooLarge) {
		return 0, f.err
	}
	return f.body.Read(p)
}

const badRequest = "invalid_request_error"

// openAIRefusal is an error in the shape that the clients of this API read.
func openAIRefusal(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(object{"error": object{"message": message, "type": kind, "param": nil, "code": nil}}) // strings always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone needs no answer
}

// complete answers a request to an agent's chat.
func (c *chats) complete(w http.ResponseWriter, r *http.Request, token auth.Hash, body []byte, request chatRequest) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/json" {
		openAIRefusal(w, http.StatusUnsupportedMediaType, badRequest, "the request's Content-Type must be application/json")
		return
	}
	if err := json.Unmarshal(body, request); err != nil {
		openAIRefusal(w, http.StatusBadRequest, badRequest, "the request is not one of "+r.URL.Path)
		return
	}
	name, user := request.about()
	agent, err := c.agentOfModel(r, name)
	var model chat.Model
	if err == nil {
		model, err = c.model(agent)
	}
	if err == nil {
		if other := r.Header.Get("X-Openclaw-Model"); other != "" && other != model.Name {
			err = wire.Forbidden("a chat asks the model that its agent has: "+model.Name, "")
		}
	}
	if err != nil {
		refuseHTTP(w, err)
		return
	}
	prompt, problem := request.prompt()
	if problem != "" {
		openAIRefusal(w, http.StatusBadRequest, badRequest, problem)
		return
	}
	out := request.answer(w, c.g.deps.Now().Unix())
	from := visitorOf(r).from
	var answer chat.Answer
	var fault *chat.Fault
	if session := sessionOfRequest(r, user); session != "" {
		answer, fault, err = c.completeIn(r.Context(), session, agent, prompt, out, from, token)
		if err != nil {
			refuseHTTP(w, err)
			return
		}
	} else {
		answer, fault = c.engine.Ask(r.Context(), chat.Caller{Agent: agent, Run: out.id(), From: from, Owner: token}, model, prompt, out.text)
	}
	out.end(answer, fault)
}

// agentOfModel is the agent that a model's name means.
func (c *chats) agentOfModel(r *http.Request, model string) (string, error) {
	name, found := strings.CutPrefix(model, "openclaw/")
	if !found {
		name, found = strings.CutPrefix(model, "agent:")
	}
	if !found || name == "default" && model == "openclaw/default" {
		if name = r.Header.Get("X-Openclaw-Agent-Id"); name == "" {
			return c.g.defaultAgent(), nil
		}
	}
	if name == "" {
		return "", wire.Invalid("Invalid `model`. Use `openclaw` or `openclaw/<agentId>`.")
	}
	return c.agentNamed(name), nil
}

// sessionOfRequest is the session that a request names; without one, it is by
// itself and nothing of it is kept.
func sessionOfRequest(r *http.Request, user string) string {
	if key := r.Header.Get("X-Openclaw-Session-Key"); key != "" {
		return key
	}
	if user != "" {
		return "openai-user:" + user
	}
	return ""
}

// completeIn says the last words of the request in a session, which remembers
// what was said before.
func (c *chats) completeIn(ctx context.Context, session, agent string, prompt chat.Prompt, out chatAnswer, from string, token auth.Hash) (chat.Answer, *chat.Fault, error) {
	last := prompt.Turns[len(prompt.Turns)-1]
	if last.Role != chat.RoleUser {
		return chat.Answer{}, nil, wire.Invalid("in a session, the last message is the user's")
	}
	key, of, err := c.sessionOf("chat", session, agent)
	if err != nil {
		return chat.Answer{}, nil, err
	}
	if len(last.Text) > chat.MaxMessage {
		return chat.Answer{}, nil, wire.Invalid("the last message is longer than 4 MiB")
	}
	said := make(chan string, 1) // of the run's goroutine to this one
	gone := make(chan struct{})
	defer close(gone)
	run, _, err := c.engine.Send(ctx, chat.Request{
		Run: out.id(), Session: key, Agent: of, Message: last.Text, System: prompt.System, From: from, Owner: token,
		Watch: func(e chat.Event) {
			if e.State == chat.StateDelta {
				select {
				case said <- e.Delta:
				case <-gone:
				}
			}
		},
	})
	if err != nil {
		return chat.Answer{}, nil, c.refusal(err)
	}
	tell, left := out.text, ctx.Done()
	for {
		select {
		case text := <-said:
			tell(text)
		case <-run.Done():
			select {
			case text := <-said:
				tell(text)
			default:
			}
			result := run.Result()
			return result.Answer, result.Fault, nil
		case <-left:
			// What is still said is taken until the run has ended: it would wait
			// for that for ever, and this for it.
			c.engine.Abort(key, run.ID)
			tell, left = func(string) {}, nil
		}
	}
}

// refuseHTTP puts a refusal of the protocol into the shape of this API.
func refuseHTTP(w http.ResponseWriter, err error) {
	refusal, is := errors.AsType[*wire.Error](err)
	if !is {
		openAIRefusal(w, http.StatusInternalServerError, "api_error", "internal error: the gateway's log has the details")
		return
	}
	status, kind := http.StatusBadRequest, badRequest
	switch refusal.Code {
	case wire.CodeNotFound:
		status = http.StatusNotFound
	case wire.CodeForbidden:
		status, kind = http.StatusForbidden, "permission_error"
	case wire.CodeUnavailable:
		if status, kind = http.StatusFailedDependency, "api_error"; refusal.Retryable {
			status, kind = http.StatusTooManyRequests, "rate_limit_error"
			w.Header().Set("Retry-After", "1")
		}
	}
	message := refusal.Message
	if hint := refusal.Hint(); hint != "" {
		message += ": " + hint
	}
	openAIRefusal(w, status, kind, message)
}
