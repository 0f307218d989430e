package scan

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// maxDepth is how deep a JSON value may be.
const maxDepth = 64

// jsonReader reads JSON with comments and commas at the end, as settings have
// them, and keeps where each text stands.
type jsonReader struct {
	data []byte
	at   int
	list []assignment
}

func parseJSON(data []byte) ([]assignment, error) {
	r := &jsonReader{data: data}
	if bytes.HasPrefix(data, []byte("\xef\xbb\xbf")) {
		r.at = 3
	}
	r.space()
	if r.at == len(data) {
		return nil, nil
	}
	if !r.value("", 0) {
		return nil, syntax(lineAt(data, min(r.at, len(data))))
	}
	if r.space(); r.at != len(data) {
		return nil, syntax(lineAt(data, r.at))
	}
	return r.list, nil
}

// space passes over blanks and comments.
func (r *jsonReader) space() {
	for r.at < len(r.data) {
		switch c := r.data[r.at]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			r.at++
		case bytes.HasPrefix(r.data[r.at:], []byte("//")):
			r.at = lineEnd(r.data, r.at)
		case bytes.HasPrefix(r.data[r.at:], []byte("/*")):
			i := bytes.Index(r.data[r.at+2:], []byte("*/"))
			if i < 0 {
				r.at = len(r.data)
				return
			}
			r.at += i + 4
		default:
			return
		}
	}
}

func (r *jsonReader) peek() byte {
	if r.at < len(r.data) {
		return r.data[r.at]
	}
	return 0
}

func (r *jsonReader) value(key string, depth int) bool {
	if depth > maxDepth {
		return false
	}
	switch c := r.peek(); c {
	case '{':
		return r.items('}', func(int) bool {
			name, ok := r.text()
			if !ok {
				return false
			}
			if r.space(); r.peek() != ':' {
				return false
			}
			r.at++
			r.space()
			return r.value(child(key, name), depth+1)
		})
	case '[':
		return r.items(']', func(i int) bool { return r.value(child(key, strconv.Itoa(i)), depth+1) })
	case '"':
		start := r.at
		text, ok := r.text()
		if ok {
			r.list = append(r.list, assignment{key: key, value: []byte(text), line: lineAt(r.data, start), start: start, end: r.at})
		}
		return ok
	default:
		start := r.at
		for r.at < len(r.data) && bytes.IndexByte([]byte(" \t\r\n,]}/"), r.data[r.at]) < 0 {
			r.at++
		}
		return json.Valid(r.data[start:r.at])
	}
}

func child(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}

// items reads the items of an object or a list up to its end.
func (r *jsonReader) items(end byte, item func(int) bool) bool {
	r.at++
	for i := 0; ; i++ {
		if r.space(); r.peek() == end {
			r.at++
			return true
		}
		if !item(i) {
			return false
		}
		switch r.space(); r.peek() {
		case ',':
			r.at++
		case end:
		default:
			return false
		}
	}
}

// text reads a quoted text.
func (r *jsonReader) text() (string, bool) {
	start := r.at
	if r.peek() != '"' {
		return "", false
	}
	for r.at++; r.at < len(r.data); r.at++ {
		switch r.data[r.at] {
		case '\\':
			r.at++
		case '"':
			r.at++
			var text string
			err := json.Unmarshal(r.data[start:r.at], &text)
			return text, err == nil
		}
	}
	return "", false
}
