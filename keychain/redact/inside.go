package redact

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// A secret that was wrapped in base64 (a basic header, a Kubernetes secret, a
// JWT's neighbour) is found by decoding what reads like text.
const (
	minWrapped   = 40   // characters
	wrappedChunk = 2048 // characters decoded at once
	wrappedStep  = wrappedChunk - 512
)

// wrapped are the bytes of base64 in both alphabets; dotted has the dot of a
// bot token too, so that both are found in one look.
const (
	wrapped = wordDash | padding
	dotted  = wrapped | dot
)

// inside appends spans of base64 groups in line that decode to a secret, and
// of Discord's bot tokens, which have no literal in them.
func (e *engine) inside(line []byte, offset int, spans []span) []span {
	for i := minWrapped - 1; i < len(line); {
		// A run of the minimum covers one of these positions; one look at
		// every fortieth byte passes over text.
		if classes[line[i]]&dotted == 0 {
			i += minWrapped
			continue
		}
		start := runBack(line, i, minWrapped-1, dotted)
		stop := run(line, i, dotted)
		if stop-start >= minWrapped {
			spans = e.parts(line, start, stop, offset, spans)
		}
		i = stop + minWrapped
	}
	return spans
}

// parts looks at what the dots of the run line[start:stop] divide.
func (e *engine) parts(line []byte, start, stop, offset int, spans []span) []span {
	for i := start; i < stop; {
		end := run(line, i, wrapped)
		if end-i >= minWrapped {
			spans = e.unwrap(line, i, end, offset, spans)
		} else if found, ok := botToken(line, i, end, stop); ok {
			spans = append(spans, found.moved(offset))
			end = found.end
		}
		i = end + 1
	}
	return spans
}

// botToken judges whether a bot token of Discord goes on over the dot at end:
// an account's number in base64, a time in six characters, and a signature.
func botToken(line []byte, start, end, stop int) (span, bool) {
	if end-start < 23 || end == stop || line[end] != '.' {
		return span{}, false
	}
	time := run(line, end+1, wordDash)
	if time-end-1 != 6 || time >= stop || line[time] != '.' {
		return span{}, false
	}
	last := run(line, time+1, wordDash)
	if n := last - time - 1; n < 27 || n > 42 {
		return span{}, false
	}
	var number [21]byte
	for size := 28; size >= 23; size-- {
		from := end - size
		if from < start || !boundary(line, from) {
			continue
		}
		n, err := base64.RawStdEncoding.Decode(number[:], line[from:end])
		if err == nil && count(number[:n], digit) == n {
			return span{from: from, start: from, end: last}, true
		}
	}
	return span{}, false
}

// unwrap looks into the run line[start:stop].
func (e *engine) unwrap(line []byte, start, stop, offset int, spans []span) []span {
	// A name and = may stand directly before: NAME=base64.
	for i := start; i < stop-minWrapped; i++ {
		if line[i] == '=' {
			start = i + 1
		}
	}
	for at := start; at < stop; at += wrappedStep {
		chunk := bytes.TrimRight(line[at:min(at+wrappedChunk, stop)], "=")
		if len(chunk)%4 == 1 {
			chunk = chunk[:len(chunk)-1]
		}
		encoding := base64.RawStdEncoding
		if count(chunk, underscore|dash) > 0 {
			encoding = base64.RawURLEncoding
		}
		if len(chunk) < minWrapped || !printable(encoding, chunk) {
			if at == start {
				return spans // not text; a picture is not looked at to its end
			}
			continue
		}
		spans = e.decode(encoding, chunk, offset+at, offset+stop, spans)
	}
	return spans
}

// decode scans what chunk decodes to. Spans are widened to whole groups.
func (e *engine) decode(encoding *base64.Encoding, chunk []byte, offset, stop int, spans []span) []span {
	var decoded [wrappedChunk * 3 / 4]byte
	n, err := encoding.Decode(decoded[:], chunk)
	if err != nil {
		return spans
	}
	var past runs
	for _, s := range e.scan(decoded[:n], 0, nil, &past, nil) {
		spans = append(spans, span{
			from:  offset,
			start: offset + s.start/3*4,
			end:   min(offset+(s.end+2)/3*4, stop),
		})
	}
	return spans
}

// printable reports whether the first groups decode to text. Digits in base 16,
// such as hashes have, do not.
func printable(encoding *base64.Encoding, chunk []byte) bool {
	var decoded [12]byte
	n, err := encoding.Decode(decoded[:], chunk[:16])
	if err != nil {
		return false
	}
	for text := decoded[:n]; len(text) > 0; {
		c := text[0]
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && utf8.FullRune(text) {
			return false
		}
		text = text[size:]
	}
	return n > 0
}
