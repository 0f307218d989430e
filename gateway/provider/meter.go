package provider

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// How tokens are estimated where an answer does not say them: one for four bytes
// of text, OpenAI's own rule of thumb for English, and at least one for each event
// of a stream that holds text.
const bytesPerToken = 4

// mostTokens bounds what is believed of one answer.
const mostTokens = 1 << 40

// longestUsage bounds what is kept of an answer to read its usage, in bytes.
const longestUsage = 16 << 10

// longestUnpacked bounds what a compressed answer is unpacked to for its usage, in
// bytes. No answer of a model is as long: a thousand times the bytes that come is a
// provider's attack on this machine's processor.
const longestUnpacked = 64 << 20

// meter reads what an answer costs as it passes, in any pieces. It keeps nothing
// of it but the usage itself.
type meter struct {
	text  textReader
	lines *eventReader // of a stream of events

	packed   *io.PipeWriter // of a compressed answer
	unpacked chan struct{}  // closed when the last of it was read
	broken   bool           // it was none; of unpack until unpacked is closed
	opaque   bool           // the answer is packed in a way that is not known
	json     bool           // it is JSON
	stopped  bool
	bytes    int64
}

// newMeter returns a meter of an answer with this header. stop must be called on
// it in the end.
func newMeter(header http.Header) *meter {
	m := &meter{}
	media := mediaOf(header)
	m.json = strings.Contains(media, "json")
	if media == "text/event-stream" {
		m.lines = &eventReader{to: &m.text}
	}
	switch strings.ToLower(header.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		var from *io.PipeReader
		from, m.packed = io.Pipe()
		m.unpacked = make(chan struct{})
		go m.unpack(from)
	default:
		m.opaque = true
	}
	return m
}

// add takes the next piece of the answer.
func (m *meter) add(b []byte) {
	m.bytes += int64(len(b))
	switch {
	case m.opaque:
	case m.packed != nil:
		_, _ = m.packed.Write(b) // fails when what came is no gzip: see unpack
	default:
		m.read(b)
	}
}

func (m *meter) read(b []byte) {
	if m.lines != nil {
		m.lines.read(b)
		return
	}
	m.text.read(b)
}

// unpack reads a compressed answer beside its way to the client. It keeps no more
// than a window of it, however much it grows to.
func (m *meter) unpack(from *io.PipeReader) {
	defer close(m.unpacked)
	defer func() { _ = from.Close() }() // it never fails
	plain, err := gzip.NewReader(from)
	if err != nil {
		m.broken = true
		return
	}
	space := make([]byte, bufferSize)
	for left := longestUnpacked; ; {
		n, err := plain.Read(space)
		if left -= n; left < 0 {
			m.broken = true // what came is counted
			return
		}
		m.read(space[:n])
		if err != nil {
			m.broken = !errors.Is(err, io.EOF)
			return
		}
	}
}

// stop ends the reading. After it the other fields are still.
func (m *meter) stop() {
	if m.stopped {
		return
	}
	m.stopped = true
	if m.packed != nil {
		_ = m.packed.Close() // as from's
		<-m.unpacked
	}
}

// cut reports whether the answer is surely not whole, by its own form: a JSON text
// that is open, or a stream without the event that ends it. stop comes first.
func (m *meter) cut() bool {
	switch {
	case m.opaque:
		return false
	case m.broken:
		return true
	case m.lines != nil:
		return !m.text.ended || m.lines.inside()
	default:
		return m.json && (m.text.depth > 0 || m.text.inString || m.text.opened == 0)
	}
}

// failed reports whether a stream ended with an error. stop comes first.
func (m *meter) failed() bool { return m.lines != nil && m.text.failed }

// usage is what the answer cost. whole says that it came to its end; body is the
// size of the request. A stream that ends with an error, or without the event that
// ends it, told of its usage when it began, if at all.
func (m *meter) usage(whole bool, body int64) Usage {
	told := m.text.told
	out := Usage{In: told.in, Cached: told.cached, Out: told.out}
	if !told.input {
		out.In, out.Estimated = estimate(body), true
	}
	if !told.any || !whole || m.failed() || m.lines != nil && !m.text.ended {
		seen := max(m.text.textBytes/bytesPerToken, m.text.textEvents)
		if m.opaque || m.broken {
			seen = max(seen, m.bytes)
		}
		if seen > out.Out || !told.any {
			out.Out, out.Estimated = max(out.Out, seen), true
		}
	}
	return out
}

// told is what an answer says of its usage; numbers of later events are of all
// before, so the largest counts.
type told struct {
	in, cached, out int64
	any, input      bool
}

// usageObject has the words of all three APIs.
type usageObject struct {
	InputTokens         int64  `json:"input_tokens"`                // Anthropic, OpenAI's responses
	CacheCreationTokens int64  `json:"cache_creation_input_tokens"` // Anthropic: beside input_tokens
	CacheReadTokens     int64  `json:"cache_read_input_tokens"`     // Anthropic: beside input_tokens
	OutputTokens        int64  `json:"output_tokens"`
	PromptTokens        int64  `json:"prompt_tokens"` // OpenAI's chat and embeddings
	CompletionTokens    int64  `json:"completion_tokens"`
	InputDetails        cached `json:"input_tokens_details"`
	PromptDetails       cached `json:"prompt_tokens_details"`
	PromptTokenCount    int64  `json:"promptTokenCount"` // Gemini
	ToolPromptCount     int64  `json:"toolUsePromptTokenCount"`
	CandidatesCount     int64  `json:"candidatesTokenCount"`
	ThoughtsCount       int64  `json:"thoughtsTokenCount"`
	CachedContentCount  int64  `json:"cachedContentTokenCount"`
}

type cached struct {
	CachedTokens int64 `json:"cached_tokens"`
}

func (t *told) add(text []byte) {
	var u usageObject
	if json.Unmarshal(text, &u) != nil {
		return
	}
	bounded := func(n ...int64) (sum int64) {
		for _, one := range n {
			sum += min(max(one, 0), mostTokens)
		}
		return min(sum, mostTokens)
	}
	in := bounded(u.InputTokens, u.CacheCreationTokens, u.CacheReadTokens, u.PromptTokens, u.PromptTokenCount, u.ToolPromptCount)
	out := bounded(u.OutputTokens, u.CompletionTokens, u.CandidatesCount, u.ThoughtsCount)
	t.in, t.out = max(t.in, in), max(t.out, out)
	t.cached = max(t.cached, bounded(u.CacheReadTokens, u.InputDetails.CachedTokens, u.PromptDetails.CachedTokens, u.CachedContentCount))
	t.any = true
	t.input = t.input || in > 0
}

// eventReader takes the data out of a stream of events (HTML Standard, 9.2).
type eventReader struct {
	to       *textReader
	matched  int                 // of "data:" at the line's start
	skip     bool                // the rest of the line
	inData   bool                //
	returned bool                // the last byte was a carriage return
	open     bool                // lines of an event came
	before   int64               // bytes of text when the event began
	first    [len(doneData)]byte // of the line's data
	length   int                 // of first
}

const (
	dataField = "data:"
	doneData  = "[DONE]" // the last event of OpenAI's chat
)

func (e *eventReader) read(b []byte) {
	for len(b) > 0 {
		c := b[0]
		if c == '\n' || c == '\r' {
			if c == '\n' && e.returned {
				e.returned, b = false, b[1:]
				continue
			}
			e.endOfLine()
			e.returned, b = c == '\r', b[1:]
			continue
		}
		e.returned = false
		if !e.inData && !e.skip {
			if c == dataField[e.matched] {
				if e.matched++; e.matched == len(dataField) {
					e.inData = true
				}
			} else {
				e.skip = true
			}
			b = b[1:]
			continue
		}
		end := 0
		for end < len(b) && b[end] != '\n' && b[end] != '\r' {
			end++
		}
		if e.inData {
			for _, c := range b[:min(end, len(e.first)+1)] {
				if e.length < len(e.first) && c != ' ' {
					e.first[e.length] = c
					e.length++
				}
			}
			e.to.read(b[:end])
		}
		b = b[end:]
	}
}

// inside reports whether an event has begun that did not end.
func (e *eventReader) inside() bool { return e.inData || e.skip || e.matched > 0 || e.open }

func (e *eventReader) endOfLine() {
	if !e.inData && !e.skip && e.matched == 0 { // an empty line ends the event
		e.open = false
		if e.to.textBytes > e.before {
			e.to.textEvents++
		}
		e.before = e.to.textBytes
		e.to.begin()
	} else {
		e.open = true
	}
	if e.inData && string(e.first[:]) == doneData {
		e.to.ended = true
	}
	e.length, e.first = 0, [len(doneData)]byte{}
	e.matched, e.skip, e.inData = 0, false, false
}
