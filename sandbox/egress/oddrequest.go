package egress

import (
	"bytes"
	"slices"
)

// others carries what was taken for another protocol than TLS and HTTP. It may be a
// request all the same to a server that reads more than what is written as one, or
// one whose first word came slowly; so its first line is watched while it goes out,
// and the end of a line that is a request's does not.
func (e *Egress) others(s *stream, w *window) error {
	var line []byte
	w.fresh = len(w.data)
	for {
		fresh := w.data[len(w.data)-w.fresh:]
		line = append(line, fresh...)
		line = line[len(line)-len(trimSpace(line)):] // before it a server may wait for ever
		if len(line) < largeHead || bytes.IndexByte(fresh, '\n') >= 0 {
			switch looseRequest(line) {
			case looseOther:
				return e.forward(s.server, s.client, w.data, &s.sent)
			case looseIs:
				return e.wrongStart(s, "an HTTP request that is not written as one")
			case looseUnknown:
			}
		}
		if len(line) >= maxOpening {
			return e.forward(s.server, s.client, w.data, &s.sent)
		}
		if err := w.send(s, len(w.data)); err != nil {
			return err
		}
		if err := w.more(); isEnd(err) {
			return e.finish(s, w)
		} else if err != nil {
			return plain(err)
		}
	}
}

// loose says what a first line is to a lenient server.
type loose int

const (
	looseUnknown loose = iota // the line has not ended
	looseOther
	looseIs
)

// looseRequest judges a line whose first byte is no white space. A request is words
// of which a later one is a version of HTTP, or the two of HTTP/0.9, behind which
// there are servers that read headers.
func looseRequest(line []byte) loose {
	method := 0
	for method < len(line) && inMethod(line[method]) {
		method++
	}
	switch {
	case method == len(line):
		return looseUnknown
	case method == 0 || !isSpace(line[method]):
		return looseOther
	}
	whole, _, ended := bytes.Cut(line, []byte("\n"))
	if !ended {
		return looseUnknown
	}
	words := slices.DeleteFunc(bytes.Split(spaced(whole), []byte(" ")), func(word []byte) bool { return len(word) == 0 })
	for _, word := range words[1:] {
		if bytes.HasPrefix(bytes.ToUpper(word), []byte("HTTP/")) {
			return looseIs
		}
	}
	if len(words) == 2 && string(words[0]) == "GET" && (words[1][0] == '/' || bytes.Contains(words[1], []byte("://"))) {
		return looseIs
	}
	return looseOther
}

// isSpace reports whether c is white space to somebody: in ASCII, with its
// separators, or in Latin 1.
func isSpace(c byte) bool {
	return c == ' ' || c >= '\t' && c <= '\r' || c >= 0x1c && c <= 0x1f || c == 0x85 || c == 0xa0
}

// spaced is a line with blanks for all of its white space.
func spaced(line []byte) []byte {
	out := bytes.Clone(line)
	for i, c := range out {
		if isSpace(c) {
			out[i] = ' '
		}
	}
	return out
}

// trimSpace takes white space off the start.
func trimSpace(data []byte) []byte {
	for len(data) > 0 && isSpace(data[0]) {
		data = data[1:]
	}
	return data
}
