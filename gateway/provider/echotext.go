package provider

import (
	"bytes"
	"hash/maphash"
)

// foundText is a string in an event that is a piece of a longer text: its bytes
// as they stand, escapes and all, and a number that the pieces of one text
// share.
type foundText struct {
	start, end int
	kind       uint64
}

// found is what an event has of texts. ends says that they are whole with it.
type found struct {
	texts []foundText
	ends  bool
}

// finder finds the texts of one event after the other, in the same space. What it
// gives is good until the next one.
type finder struct {
	out  found
	json reader
}

// textsOf finds the pieces of text in an event: of a stream of events, or of
// one that is a line of JSON.
func (f *finder) textsOf(raw []byte, line bool) found {
	f.out = found{texts: f.out.texts[:0]}
	at, data := 0, false
	for at < len(raw) {
		end := at + lineLength(raw[at:])
		from := at
		if rest, is := bytes.CutPrefix(raw[at:end], []byte("data:")); is && !line {
			from, data = end-len(bytes.TrimPrefix(rest, []byte(" "))), true
		}
		if (line || from > at) && from < end {
			f.payload(raw, from, end)
		}
		at = end + 1
	}
	if !data && !line {
		f.out.ends = false // a comment, which keeps a connection open
	}
	return f.out
}

// payload reads one line of data.
func (f *finder) payload(raw []byte, from, end int) {
	switch c := raw[from]; {
	case c == '{', c == '[' && from+1 < end && (raw[from+1] == '{' || raw[from+1] == '[' || raw[from+1] == '"'):
		r := &f.json
		r.begin(raw, from, end)
		r.read()
		f.out.texts = r.appendTexts(f.out.texts)
		f.out.ends = f.out.ends || r.ends || len(f.out.texts) == 0 && !r.ping
	case bytes.Equal(raw[from:end], []byte("[DONE]")):
		f.out.ends = true
	default: // no JSON: its lines are one text
		f.out.texts = append(f.out.texts, foundText{from, end, 1})
	}
}

// reader reads an event's JSON. What is not JSON ends the reading: such an
// event has the texts that were found so far.
type reader struct {
	raw     []byte
	at, end int
	nodes   []node
	strings []piece
	delta   bool // the event's type says that its texts are pieces
	ends    bool
	ping    bool
}

// node is an object or a list, or the place of a member in it.
type node struct {
	parent int
	object bool
	key    []byte // of the member that is read
	index  []byte // its number among its like
}

// piece is a string that may be one of a text.
type piece struct {
	start, end, node int
	key              []byte
	sure             bool // a member named delta is above
}

const deepest = 64

// begin reads another event.
func (r *reader) begin(raw []byte, from, end int) {
	*r = reader{raw: raw, at: from, end: end, nodes: r.nodes[:0], strings: r.strings[:0]}
}

// add makes a node, in the space of an earlier one where there is one.
func (r *reader) add(n node) {
	if len(r.nodes) < cap(r.nodes) {
		n.index = r.nodes[:len(r.nodes)+1][len(r.nodes)].index[:0]
	}
	r.nodes = append(r.nodes, n)
}

func (r *reader) read() {
	r.value(-1, nil, false, 0)
}

// value reads one value, a member of parent.
func (r *reader) value(parent int, key []byte, inDelta bool, depth int) bool {
	r.space()
	if r.at >= r.end || depth > deepest {
		return false
	}
	switch r.raw[r.at] {
	case '{', '[':
		return r.members(parent, key, inDelta, depth)
	case '"':
		start, end, ok := r.text()
		if ok {
			r.noteString(parent, key, start, end, inDelta)
		}
		return ok
	default:
		start := r.at
		for r.at < r.end && bytes.IndexByte([]byte(",]} \t"), r.raw[r.at]) < 0 {
			r.at++
		}
		r.noteOther(parent, key, r.raw[start:r.at])
		return r.at > start
	}
}

// members reads an object or a list.
func (r *reader) members(parent int, key []byte, inDelta bool, depth int) bool {
	own := len(r.nodes)
	object := r.raw[r.at] == '{'
	r.add(node{parent: parent, object: object, key: key})
	closing := byte(']')
	if object {
		closing = '}'
	}
	r.at++
	for {
		r.space()
		if r.at < r.end && r.raw[r.at] == closing {
			r.at++
			return true
		}
		name := key
		if object {
			start, end, ok := r.text()
			if !ok {
				return false
			}
			name = r.raw[start:end]
			if r.space(); r.at >= r.end || r.raw[r.at] != ':' {
				return false
			}
			r.at++
		}
		if !r.value(own, name, inDelta || string(name) == "delta", depth+1) {
			return false
		}
		if r.space(); r.at < r.end && r.raw[r.at] == ',' {
			r.at++
		}
	}
}

func (r *reader) space() {
	for r.at < r.end && (r.raw[r.at] == ' ' || r.raw[r.at] == '\t') {
		r.at++
	}
}

// text reads a string and returns where its inside is.
func (r *reader) text() (start, end int, ok bool) {
	if r.at >= r.end || r.raw[r.at] != '"' {
		return 0, 0, false
	}
	r.at++
	start = r.at
	for r.at < r.end {
		switch r.raw[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			return start, r.at - 1, true
		}
		r.at++
	}
	return 0, 0, false
}

// noteString keeps what may be a piece of text, and reads what kind of event
// it is.
func (r *reader) noteString(parent int, key []byte, start, end int, inDelta bool) {
	text := r.raw[start:end]
	switch string(key) {
	case "type", "event", "object":
		r.delta = r.delta || bytes.HasSuffix(text, []byte("delta")) || bytes.HasSuffix(text, []byte(".chunk"))
		r.ping = r.ping || string(text) == "ping"
	case "finish_reason", "finishReason", "stop_reason", "done_reason":
		r.ends = true
	case "text", "content", "thinking", "partial_json", "arguments", "delta", "reasoning", "reasoning_content", "refusal", "response", "transcript", "input", "output":
		r.strings = append(r.strings, piece{start, end, parent, key, inDelta || r.above(parent, "candidates") || r.above(parent, "message") || string(key) == "response"})
	}
}

// above reports whether a member of this name is on the way to a node.
func (r *reader) above(at int, name string) bool {
	for ; at >= 0; at = r.nodes[at].parent {
		if string(r.nodes[at].key) == name {
			return true
		}
	}
	return false
}

func (r *reader) noteOther(parent int, key, text []byte) {
	switch string(key) {
	case "index", "output_index", "content_index", "summary_index":
		if parent >= 0 {
			r.nodes[parent].index = append(r.nodes[parent].index, text...)
			r.nodes[parent].index = append(r.nodes[parent].index, ' ')
		}
	case "done":
		r.ends = r.ends || string(text) == "true"
	}
}

var kinds = maphash.MakeSeed()

// appendTexts adds the pieces with the numbers of their texts: the names on the way
// to them and the numbers of what they are in.
func (r *reader) appendTexts(out []foundText) []foundText {
	for _, s := range r.strings {
		if !s.sure && !r.delta {
			continue
		}
		var h maphash.Hash
		h.SetSeed(kinds)
		_, _ = h.Write(s.key)
		for at := s.node; at >= 0; at = r.nodes[at].parent {
			_ = h.WriteByte('/')
			_, _ = h.Write(r.nodes[at].key)
			_ = h.WriteByte('#')
			_, _ = h.Write(r.nodes[at].index)
		}
		out = append(out, foundText{s.start, s.end, h.Sum64()})
	}
	return out
}
