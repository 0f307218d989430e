package redact

import "bytes"

// columnOf returns how many commas stand before the name at p in a line that is the
// header of a table: names of columns with commas between them, in quotes or not. 0 if it is
// none.
func columnOf(text []byte, p int) int {
	head := bytes.TrimRight(text[:p], "\"")
	if len(head) == 0 || len(head) > longestWordList || head[len(head)-1] != ',' || run(head, 0, wordDash|dollar) == 0 && head[0] != '"' {
		return 0
	}
	for _, c := range head {
		if !is(c, wordDash) && c != ',' && c != '"' && c != ' ' {
			return 0
		}
	}
	return bytes.Count(head, []byte(","))
}

// longestWordList is how long the header of a table can be, in bytes.
const longestWordList = 240

// field returns where the field behind so many commas of a row stands, without its
// quotes; start == stop if there is none.
func field(line []byte, commas int) (start, stop int) {
	end := len(bytes.TrimRight(line, "\r\n"))
	for p := 0; p < end; commas-- {
		quoted := line[p] == '"'
		start = p
		if quoted {
			start++
			n := bytes.IndexByte(line[start:end], '"')
			if n < 0 {
				return 0, 0
			}
			stop = start + n
			p = stop + 1
		} else if n := bytes.IndexByte(line[p:end], ','); n >= 0 {
			stop, p = p+n, p+n
		} else {
			stop, p = end, end
		}
		if commas == 0 {
			return start, stop
		}
		if p >= end || line[p] != ',' {
			return 0, 0
		}
		p++
	}
	return 0, 0
}
