package provider

// textReader follows a JSON text in pieces. It finds the usage where the APIs put
// it: in the object itself, in its message or response, or in the objects of a
// list; never deeper, where a model's own words may stand. And it counts the text.
type textReader struct {
	told       told
	textBytes  int64
	textEvents int64
	ended      bool // the event that ends a stream came
	failed     bool // it is one that says that the answer broke off
	opened     int  // objects and lists

	depth    int
	objects  uint64 // bit n: what is open at depth n is an object
	wantKey  bool
	inString bool
	escaped  bool
	isKey    bool
	word     [24]byte // the beginning of the string that is read
	length   int      // of that string
	key      [24]byte
	keyLen   int
	outer    bool   // the object at depth 2 is the message, the response, or in a list
	usage    []byte // what was kept of the usage
	from     int    // the depth at which the usage began; 0: none is read
}

// begin forgets all but what was counted: another text follows.
func (t *textReader) begin() {
	*t = textReader{told: t.told, textBytes: t.textBytes, textEvents: t.textEvents, ended: t.ended, failed: t.failed, opened: t.opened, usage: t.usage[:0]}
}

func (t *textReader) read(b []byte) {
	for i := 0; i < len(b); {
		from := i
		switch {
		case t.inString:
			i = t.inside(b, i)
		case !isStructure(b[i]):
			for i++; i < len(b) && !isStructure(b[i]); i++ {
			}
		default:
			t.outside(b[i])
			i++
		}
		if t.from > 0 && len(t.usage) < longestUsage {
			t.usage = append(t.usage, b[from:i]...)
			if t.depth < t.from {
				t.told.add(t.usage)
				t.from, t.usage = 0, t.usage[:0]
			}
		} else if t.from > 0 && t.depth < t.from {
			t.from, t.usage = 0, t.usage[:0] // too long to be one
		}
	}
}

// inside reads on in a string.
func (t *textReader) inside(b []byte, i int) int {
	start := i
	if t.escaped {
		t.escaped = false
		i++
	}
	for ; i < len(b); i++ {
		if c := b[i]; c == '"' {
			t.take(b[start:i])
			t.inString = false
			t.endString()
			return i + 1
		} else if c == '\\' {
			i++
			t.escaped = i == len(b)
		}
	}
	i = min(i, len(b))
	t.take(b[start:i])
	return i
}

func (t *textReader) take(b []byte) {
	if t.length < len(t.word) {
		copy(t.word[t.length:], b)
	}
	t.length += len(b)
}

func (t *textReader) endString() {
	if t.isKey {
		t.key, t.keyLen = t.word, t.length
		return
	}
	if t.keyLen > len(t.key) {
		return
	}
	switch string(t.key[:t.keyLen]) {
	case "finish_reason", "finishReason":
		t.ended = t.ended || t.length > 0
	case "type":
		if t.depth == 1 && t.length <= len(t.word) {
			switch string(t.word[:t.length]) {
			case "message_stop", "response.completed", "response.incomplete":
				t.ended = true
			case "error", "response.failed":
				t.ended, t.failed = true, true
			}
		}
	case "text", "content", "delta", "arguments", "partial_json", "thinking", "reasoning", "reasoning_content", "refusal":
		t.textBytes += int64(t.length)
	}
}

func isStructure(c byte) bool {
	switch c {
	case '"', '{', '}', '[', ']', ',', ':':
		return true
	default:
		return false
	}
}

func (t *textReader) outside(c byte) {
	switch c {
	case '"':
		t.inString, t.isKey, t.length = true, t.wantKey, 0
	case '{', '[':
		t.open(c == '{')
	case '}', ']':
		t.depth = max(t.depth-1, 0)
		t.wantKey = false
	case ',':
		t.wantKey = t.depth < 64 && t.objects>>t.depth&1 == 1
	case ':':
		t.wantKey = false
	}
}

func (t *textReader) open(object bool) {
	key := ""
	if t.keyLen <= len(t.key) {
		key = string(t.key[:t.keyLen])
	}
	inObject := t.depth < 64 && t.objects>>t.depth&1 == 1
	if object && t.from == 0 && (t.depth == 1 && inObject || t.depth == 2 && t.outer && inObject) && (key == "usage" || key == "usageMetadata") {
		t.from, t.usage = t.depth+1, t.usage[:0]
	}
	t.opened++
	if object && t.depth == 1 && key == "error" {
		t.ended, t.failed = true, true
	}
	if t.depth == 1 {
		t.outer = !inObject || key == "message" || key == "response"
	}
	t.depth++
	if t.depth < 64 {
		t.objects &^= 1 << t.depth
		if object {
			t.objects |= 1 << t.depth
		}
	}
	t.wantKey = object
	t.keyLen = 0
}
