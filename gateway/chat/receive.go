package chat

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"strings"
)

const (
	maxLine   = 1 << 20 // bytes of one line of a stream
	maxError  = 64 << 10
	maxAnswer = 4 << 20 // bytes of an answer's text
)

var errTooMuch = errors.New("the answer is larger than a chat keeps")

// receiver takes a provider's answer from the pass-through as an HTTP client
// would get it: it is the ResponseWriter.
type receiver struct {
	kind     string
	provider string
	text     func(string) // called with each piece of the answer

	header http.Header
	status int
	events bool         // the body is an event stream
	body   bytes.Buffer // of what is not
	line   []byte       // the beginning of one that has not ended

	words   strings.Builder
	model   string // as the answer names it
	stop    string
	usage   Usage
	whole   bool // the stream said its end
	fault   *Fault
	tooMuch bool
}

// Header is http.ResponseWriter's.
func (r *receiver) Header() http.Header { return r.header }

// WriteHeader is http.ResponseWriter's.
func (r *receiver) WriteHeader(status int) {
	if r.status != 0 {
		return
	}
	r.status = status
	media, _, _ := mime.ParseMediaType(r.header.Get("Content-Type")) // what has no name is read whole
	r.events = status < 300 && media == "text/event-stream"
}

// Flush lets the pass-through hand on each piece at once.
func (r *receiver) Flush() {}

// Write is http.ResponseWriter's. Its error ends the request.
func (r *receiver) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.WriteHeader(http.StatusOK)
	}
	if !r.events {
		most := maxAnswer
		if r.status >= 300 {
			most = maxError
		}
		if r.body.Len()+len(b) <= most {
			r.body.Write(b)
		} else if r.status < 300 {
			r.tooMuch = true
			return 0, errTooMuch
		}
		return len(b), nil
	}
	for rest := b; len(rest) > 0; {
		piece, after, ended := bytes.Cut(rest, []byte("\n"))
		if len(r.line)+len(piece) > maxLine {
			r.tooMuch = true
			return 0, errTooMuch
		}
		if !ended {
			r.line = append(r.line, piece...)
			break
		}
		line := piece
		if len(r.line) > 0 {
			line = append(r.line, piece...)
		}
		r.take(bytes.TrimSuffix(line, []byte("\r")))
		r.line, rest = r.line[:0], after
		if r.words.Len() > maxAnswer {
			r.tooMuch = true
			return 0, errTooMuch
		}
	}
	return len(b), nil
}

// take reads a line of the stream. Both APIs write an event's data in one line
// that names its own type.
func (r *receiver) take(line []byte) {
	data, is := bytes.CutPrefix(line, []byte("data:"))
	if !is {
		return
	}
	data = bytes.TrimPrefix(data, []byte(" "))
	if r.kind == KindAnthropic {
		r.anthropic(data)
	} else {
		r.openAI(data)
	}
}

func (r *receiver) say(text string) {
	if text == "" {
		return
	}
	r.words.WriteString(text)
	r.text(text)
}

type anthropicUsage struct {
	Input      int64 `json:"input_tokens"`
	Output     int64 `json:"output_tokens"`
	CacheRead  int64 `json:"cache_read_input_tokens"`
	CacheWrite int64 `json:"cache_creation_input_tokens"`
}

func (r *receiver) count(u *anthropicUsage) {
	if u == nil {
		return
	}
	set := func(to *int64, n int64) { // later events leave out what they do not change
		if n > 0 {
			*to = n
		}
	}
	set(&r.usage.Input, u.Input)
	set(&r.usage.Output, u.Output)
	set(&r.usage.CacheRead, u.CacheRead)
	set(&r.usage.CacheWrite, u.CacheWrite)
}

type anthropicMessage struct {
	Model   string `json:"model"`
	Content []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	} `json:"content"`
	StopReason string          `json:"stop_reason"`
	Usage      *anthropicUsage `json:"usage"`
}

func (r *receiver) anthropic(data []byte) {
	var e struct {
		Type    string           `json:"type"`
		Message anthropicMessage `json:"message"`
		Delta   struct {
			Type       string `json:"type"`
			Text       string `json:"text"`
			StopReason string `json:"stop_reason"`
		} `json:"delta"`
		Block struct {
			Text string `json:"text"`
		} `json:"content_block"`
		Usage *anthropicUsage `json:"usage"`
	}
	if json.Unmarshal(data, &e) != nil {
		return // not an event of the API
	}
	switch e.Type {
	case "message_start":
		r.model = e.Message.Model
		r.count(e.Message.Usage)
	case "content_block_start":
		r.say(e.Block.Text)
	case "content_block_delta":
		if e.Delta.Type == "text_delta" {
			r.say(e.Delta.Text)
		}
	case "message_delta":
		if e.Delta.StopReason != "" {
			r.stop = e.Delta.StopReason
		}
		r.count(e.Usage)
	case "message_stop":
		r.whole = true
	case "error":
		r.fault = faultOf(r.provider, 0, data)
	}
}

type openAIUsage struct {
	Input   int64 `json:"prompt_tokens"`
	Output  int64 `json:"completion_tokens"`
	Details struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func (r *receiver) countOpenAI(u *openAIUsage) {
	if u != nil {
		r.usage = Usage{Input: u.Input - u.Details.Cached, Output: u.Output, CacheRead: u.Details.Cached}
	}
}

func (r *receiver) openAI(data []byte) {
	if string(data) == "[DONE]" {
		r.whole = true
		return
	}
	var e struct {
		Model   string `json:"model"`
		Choices []struct {
			Index int `json:"index"`
			Delta struct {
				Content string `json:"content"`
				Refusal string `json:"refusal"`
			} `json:"delta"`
			FinishReason string `json:"finish_reason"`
		} `json:"choices"`
		Usage *openAIUsage    `json:"usage"`
		Error json.RawMessage `json:"error"`
	}
	if json.Unmarshal(data, &e) != nil {
		return
	}
	if len(e.Error) > 0 && string(e.Error) != "null" {
		r.fault = faultOf(r.provider, 0, data)
		return
	}
	if r.model == "" {
		r.model = e.Model
	}
	for _, choice := range e.Choices {
		if choice.Index != 0 {
			continue
		}
		r.say(choice.Delta.Content)
		r.say(choice.Delta.Refusal)
		if choice.FinishReason != "" {
			r.stop, r.whole = choice.FinishReason, true
		}
	}
	r.countOpenAI(e.Usage)
}

// readWhole reads an answer of a server that does not stream.
func (r *receiver) readWhole() {
	if r.kind == KindAnthropic {
		var m anthropicMessage
		if json.Unmarshal(r.body.Bytes(), &m) != nil || m.StopReason == "" {
			return
		}
		r.model, r.stop, r.whole = m.Model, m.StopReason, true
		r.count(m.Usage)
		for _, block := range m.Content {
			r.say(block.Text)
		}
		return
	}
	var m struct {
		Model   string `json:"model"`
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
			FinishReason string `json:"finish_reason"`
		} `json:"choices"`
		Usage *openAIUsage `json:"usage"`
	}
	if json.Unmarshal(r.body.Bytes(), &m) != nil || len(m.Choices) == 0 {
		return
	}
	r.model, r.stop, r.whole = m.Model, m.Choices[0].FinishReason, true
	r.countOpenAI(m.Usage)
	r.say(m.Choices[0].Message.Content)
}

// stopReason is the protocol's word for why an answer ended.
func stopReason(theirs string) string {
	switch theirs {
	case "", "end_turn", "stop", "stop_sequence":
		return "stop"
	case "max_tokens", "length":
		return "length"
	default:
		return theirs
	}
}
