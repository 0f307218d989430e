package provider

import (
	"bytes"
	"io"
	"net/http"

	"openclaw/keychain/redact"
)

// A provider that repeats the key in a stream may split it over events: a part
// in each one's text. echo searches the texts of a stream as the client's
// program will join them, and covers the key in the events themselves. An event
// is whole before it goes on; one whose text ends like the key begins waits,
// with those behind it, for the next text of its kind, and no longer.

const (
	// longestEvent bounds an event that is searched, in bytes. A longer one, a
	// picture, is passed on in pieces; the key is covered in it where it is whole.
	longestEvent = 4 << 20
	// leastHeld is how many bytes of the key hold an event back. Fewer are passed
	// on: every key of a provider begins with them.
	leastHeld = 3
)

// echo is the body of a stream with the key covered.
type echo struct {
	body  io.ReadCloser
	exact *redact.Exact
	half  int  // bytes of the key that are too much at a stream's end
	lines bool // each line is an event

	in        []byte // of an event that is not whole
	line      int    // where its last line starts
	returned  bool   // what came last was a carriage return
	oversized bool   // it is passed on in pieces
	events    []*eventText
	free      []*eventText // that went on: their space is used again
	find      finder
	joined    map[uint64]*joinedText
	out       []byte
	err       error
}

// eventText is a whole event that waits.
type eventText struct{ raw []byte }

// joinedText is what one kind of text has had since a part of it that is not
// decided.
type joinedText struct {
	text  []byte
	parts []textPart
}

// textPart says where a part of a joined text came from.
type textPart struct {
	event  *eventText // nil: it went on
	offset int        // in the event
	length int
}

// withoutEcho puts an echo before the body of an answer that is a stream of
// events.
func withoutEcho(response *http.Response, mask *mask) {
	media := mediaOf(response.Header)
	if mask.key.Empty() || response.Header.Get("Content-Encoding") != "" {
		return
	}
	switch media {
	case "text/event-stream", "application/x-ndjson", "application/jsonl", "application/stream+json":
		response.Body = &echo{
			body: response.Body, exact: mask.exact, half: (mask.key.Len() + 1) / 2,
			lines: media != "text/event-stream", joined: map[uint64]*joinedText{},
		}
	}
}

// Read may return nothing and no error: something came that is not whole.
func (e *echo) Read(p []byte) (int, error) {
	came := 0
	if len(e.out) == 0 && e.err == nil {
		var err error
		came, err = e.body.Read(p)
		e.take(p[:came])
		if err != nil {
			e.err = err
			e.decide()
			e.pass(len(e.events))
			e.out = append(e.out, e.in...)
			e.in = e.in[:0]
		}
	}
	n := copy(p, e.out)
	if came > n {
		clear(p[n:came]) // what waits may be the key
	}
	e.out = e.out[:copy(e.out, e.out[n:])]
	if n == 0 && len(e.out) == 0 {
		return 0, e.err
	}
	return n, nil
}

// Close also forgets what was read.
func (e *echo) Close() error {
	clear(e.in[:cap(e.in)])
	clear(e.out[:cap(e.out)])
	return e.body.Close()
}

// take takes what came: what is inside of a line at once.
func (e *echo) take(b []byte) {
	for len(b) > 0 {
		inside := 0
		if !e.returned {
			inside = min(lineLength(b), longestEvent-1-len(e.in))
		}
		if inside > 0 {
			e.in = append(e.in, b[:inside]...)
			b = b[inside:]
			continue
		}
		e.add(b[0])
		b = b[1:]
	}
}

// lineLength is the length of b up to the end of its first line.
func lineLength(b []byte) int {
	if at := bytes.IndexByte(b, '\n'); at >= 0 {
		b = b[:at]
	}
	if at := bytes.IndexByte(b, '\r'); at >= 0 {
		b = b[:at]
	}
	return len(b)
}

// add takes the next byte. A line ends with a line feed, a carriage return or
// both, and an event with an empty line (HTML Standard, 9.2).
func (e *echo) add(c byte) {
	second := c == '\n' && e.returned
	e.returned = c == '\r'
	switch {
	case second && len(e.in) == 0: // of the end of an event that is through
		if len(e.events) == 0 {
			e.out = append(e.out, c)
		} else {
			last := e.events[len(e.events)-1]
			last.raw = append(last.raw, c)
		}
		return
	case second:
		e.in = append(e.in, c)
		e.line = len(e.in)
		return
	}
	e.in = append(e.in, c)
	if c != '\n' && c != '\r' {
		if len(e.in) >= longestEvent {
			e.oversize()
		}
		return
	}
	empty := e.line == len(e.in)-1
	e.line = len(e.in)
	if !empty && !e.lines {
		return
	}
	if e.oversized {
		e.oversize()
		e.oversized = false
		return
	}
	e.whole()
}

// oversize passes on the beginning of an event that is too long to be held.
func (e *echo) oversize() {
	e.decide()
	e.pass(len(e.events))
	e.out = append(e.out, e.in...)
	e.in, e.line, e.oversized = e.in[:0], 0, true
}

// whole takes the event that is whole now.
func (e *echo) whole() {
	event := e.spare()
	if cap(e.in) > longestSpare { // which is kept for the next of its size
		event.raw = append(event.raw, e.in...)
		e.in = e.in[:0]
	} else {
		event.raw, e.in = e.in, event.raw
	}
	e.line = 0
	found := e.find.textsOf(event.raw, e.lines)
	if found.ends && len(found.texts) == 0 {
		e.decide() // what the texts had so far is all
	}
	e.events = append(e.events, event)
	for _, t := range found.texts {
		e.join(event, t)
	}
	if found.ends {
		e.decide()
	}
	e.pass(e.decided())
}

// join puts a text behind what its kind has, and covers the key in them.
func (e *echo) join(event *eventText, t foundText) {
	joined := e.joined[t.kind]
	if joined == nil {
		joined = &joinedText{}
		e.joined[t.kind] = joined
	}
	joined.text = append(joined.text, event.raw[t.start:t.end]...)
	joined.parts = append(joined.parts, textPart{event, t.start, t.end - t.start})
	done := 0
	e.exact.Find(joined.text, func(start, end int) {
		joined.cover(start, end)
		done = end
	})
	joined.drop(max(done, e.exact.Open(joined.text)))
}

// cover puts bullets over text[start:end] in the events that it came from.
func (j *joinedText) cover(start, end int) {
	at := 0
	for _, p := range j.parts {
		from, to := max(start, at), min(end, at+p.length)
		if from < to && p.event != nil {
			bullets(p.event.raw[p.offset+from-at : p.offset+to-at])
		}
		at += p.length
	}
}

// drop forgets the first n bytes, and where the rest came from if it holds
// nothing back.
func (j *joinedText) drop(n int) {
	j.text = j.text[:copy(j.text, j.text[n:])]
	kept := j.parts[:0]
	for _, p := range j.parts {
		cut := min(n, p.length)
		n -= cut
		if p.offset, p.length = p.offset+cut, p.length-cut; p.length > 0 {
			kept = append(kept, p)
		}
	}
	j.parts = kept
	if len(j.text) < leastHeld {
		for i := range j.parts {
			j.parts[i].event = nil
		}
	}
}

// decide takes what the texts have for all they will have: half a key is
// already too much.
func (e *echo) decide() {
	for _, joined := range e.joined {
		if len(joined.text) >= e.half {
			joined.cover(0, len(joined.text))
		}
	}
	clear(e.joined)
}

// decided is how many of the events wait for nothing.
func (e *echo) decided() int {
	n := len(e.events)
	for _, joined := range e.joined {
		for _, p := range joined.parts {
			for i, event := range e.events[:n] {
				if event == p.event {
					n = i
					break
				}
			}
		}
	}
	return n
}

// mostSpare is how many events' spaces are kept, and longestSpare the bytes of the
// largest: what most events need.
const (
	mostSpare    = 8
	longestSpare = 4 << 10
)

// spare is the space of an event.
func (e *echo) spare() *eventText {
	last := len(e.free) - 1
	if last < 0 {
		return &eventText{}
	}
	event := e.free[last]
	e.free = e.free[:last]
	return event
}

// pass sends the first n events on. Nothing points to them any more.
func (e *echo) pass(n int) {
	for _, event := range e.events[:n] {
		e.out = append(e.out, event.raw...)
		clear(event.raw)
		if event.raw = event.raw[:0]; len(e.free) < mostSpare && cap(event.raw) <= longestSpare {
			e.free = append(e.free, event)
		}
	}
	e.events = e.events[:copy(e.events, e.events[n:])]
}
