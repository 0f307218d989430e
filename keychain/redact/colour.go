package redact

import "bytes"

// A terminal's colours may begin or end in the middle of a secret: grep marks
// what it found in one. A line with escapes is read once more without them, and
// what is found there and has an escape in it is replaced with it. This is so
// for escapes of the form CSI (ECMA-48, 5.4) as bytes.

// plainLine is how long a line may be that is read without memory, in bytes.
const plainLine = 1024

// uncoloured appends the spans of line[skip:] that have an escape in them.
func (e *engine) uncoloured(line []byte, skip, offset int, spans []span) []span {
	var textStore [plainLine]byte
	var atStore [plainLine + 1]int32
	text, at := textStore[:0], atStore[:0] // at[i] is where text[i] stands in line
	if len(line) > plainLine {
		text, at = make([]byte, 0, len(line)), make([]int32, 0, len(line)+1)
	}
	for i := skip; i < len(line); {
		if next := controlSequence(line, i); next > i {
			i = next
			continue
		}
		text, at = append(text, line[i]), append(at, int32(i)) // a line held in memory is shorter than 2 GiB
		i++
	}
	if len(text) == len(line)-skip || len(text) == 0 {
		return spans
	}
	first := len(spans)
	var past runs
	past.open = len(text)
	spans = e.scan(text, 0, nil, &past, spans)
	spans = e.known().find(text, 0, spans)
	kept := first
	for _, s := range spans[first:] {
		start, end := int(at[s.start]), int(at[s.end-1])+1
		if end-start == s.end-s.start || bytes.IndexByte(line[start:end], 0x1b) < 0 {
			continue // found as it stands
		}
		spans[kept] = span{from: offset + min(start, int(at[s.from])), start: offset + start, end: offset + end, quote: s.quote, level: s.level}
		kept++
	}
	return spans[:kept]
}

// controlSequence returns the end of a sequence ESC [ … that begins at i; i if
// none does.
func controlSequence(line []byte, i int) int {
	if line[i] != 0x1b || i+1 >= len(line) || line[i+1] != '[' {
		return i
	}
	for p := i + 2; p < len(line); p++ {
		switch c := line[p]; {
		case c >= 0x40 && c <= 0x7e:
			return p + 1
		case c < 0x20 || c > 0x3f:
			return i
		}
	}
	return i
}
