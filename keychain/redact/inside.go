package redact

import (
	"bytes"
	"encoding/base64"
	"unicode/utf8"
)

// A secret that was wrapped in base64 (a basic header, a Kubernetes secret, a
// JWT's neighbour) is found by decoding what reads like text.
const (
	minOpaque    = 24   // characters of a run that is looked at
	minWrapped   = 40   // characters of one that is decoded
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
	for start, stop := longRun(line, 0); start < len(line); start, stop = longRun(line, stop) {
		spans = e.parts(line, start, stop, offset, spans)
	}
	return spans
}

// longRun returns the first run of dotted in line[from:] that has the minimum;
// len(line) twice if there is none. No run of dotted goes on over from.
func longRun(line []byte, from int) (start, stop int) {
	for from+minOpaque <= len(line) {
		// Read backwards, what ends a run before it is long enough is met first:
		// of words only the last bytes are looked at.
		i := from + minOpaque - 1
		for i >= from && classes[line[i]]&dotted != 0 {
			i--
		}
		if i < from {
			return from, run(line, from+minOpaque, dotted)
		}
		from = i + 1
	}
	return len(line), len(line)
}

// parts looks at what the dots of the run line[start:stop] divide.
func (e *engine) parts(line []byte, start, stop, offset int, spans []span) []span {
	divided := false // in parts
	for i := start; i < stop; {
		end := stop
		if n := bytes.IndexByte(line[i:stop], '.'); n >= 0 {
			divided, end = true, i+n
		}
		if end-i >= minOpaque {
			found, ok := prefixed(line, i, end)
			if !ok {
				found, ok = baseToken(line, i, end)
			}
			if !ok {
				found, ok = botToken(line, i, end, stop)
			}
			if ok {
				spans = append(spans, found.moved(offset))
			}
			if end-i >= minWrapped {
				spans = e.unwrap(line, i, end, offset, spans)
			}
			if ok {
				end = max(end, found.end)
			}
		} else if found, ok := botToken(line, i, end, stop); ok {
			spans = append(spans, found.moved(offset))
			end = found.end
		}
		i = end + 1
	}
	if stop < len(line) && line[stop] == ':' {
		if found, ok := accountToken(line, start, stop); ok {
			return append(spans, found.moved(offset))
		}
	}
	if !divided {
		return spans
	}
	if found, ok := dottedToken(line, start, stop); ok {
		spans = append(spans, found.moved(offset))
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
	if n := bytes.LastIndexByte(line[start:max(stop-minWrapped, start)], '='); n >= 0 {
		start += n + 1
	}
	for at := start; at < stop; at += wrappedStep {
		chunk := bytes.TrimRight(line[at:min(at+wrappedChunk, stop)], "=")
		if len(chunk)%4 == 1 {
			chunk = chunk[:len(chunk)-1]
		}
		if len(chunk) < minWrapped || !printable((*[16]byte)(chunk)) {
			if at == start {
				return spans // not text; a picture is not looked at to its end
			}
			continue
		}
		encoding := base64.RawStdEncoding
		if count(chunk, underscore|dash) > 0 {
			encoding = base64.RawURLEncoding
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

// sixBits are the values of base64's characters in both alphabets; 255 is none.
var sixBits = func() (table [256]uint8) {
	for i := range table {
		table[i] = 255
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		table[c] = uint8(i) // 0 to 63
	}
	table['-'], table['_'] = 62, 63
	return table
}()

// printable reports whether the first groups of a run decode to text. Digits in
// base 16, such as hashes have, do not.
func printable(groups *[16]byte) bool {
	var decoded [12]byte
	for i := range 4 {
		a, b, c, d := sixBits[groups[4*i]], sixBits[groups[4*i+1]], sixBits[groups[4*i+2]], sixBits[groups[4*i+3]]
		if a|b|c|d == 255 {
			return false
		}
		decoded[3*i], decoded[3*i+1], decoded[3*i+2] = a<<2|b>>4, b<<4|c>>2, c<<6|d
	}
	for text := decoded[:]; len(text) > 0; {
		c := text[0]
		if c < ' ' && c != '\n' && c != '\t' && c != '\r' || c == 0x7f {
			return false
		}
		if c < utf8.RuneSelf {
			text = text[1:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && utf8.FullRune(text) {
			return false
		}
		text = text[size:]
	}
	return true
}
