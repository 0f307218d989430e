package redact

// boundary reports whether a token may start at i: what stands before it is
// not part of a word. The last byte of an escape is a letter or a digit to the
// eye of a program and the end of a separator to its reader, so an ANSI
// colour, a backslash escape and a percent escape are boundaries too.
func boundary(text []byte, i int) bool {
	if i == 0 || !is(text[i-1], word) {
		return true
	}
	return percentEnds(text, i) || backslashEnds(text, i) || ansiEnds(text, i)
}

// percentEnds: %3D, and escaped again: %253D
func percentEnds(text []byte, i int) bool {
	if i < 3 || !is(text[i-2], hexadecimal) || !is(text[i-1], hexadecimal) {
		return false
	}
	j := i - 3
	for j >= 2 && text[j] == '5' && text[j-1] == '2' {
		j -= 2
	}
	return text[j] == '%'
}

// backslashEnds: \n \" \x1b \033 \u003d
func backslashEnds(text []byte, i int) bool {
	if i >= 2 && text[i-2] == '\\' {
		switch text[i-1] {
		case 'n', 'r', 't', 'b', 'f', 'v', 'a', 'e', '0':
			return true
		}
	}
	if i >= 4 && text[i-4] == '\\' {
		if text[i-3] == 'x' && is(text[i-2], hexadecimal) && is(text[i-1], hexadecimal) {
			return true
		}
		if is(text[i-3], digit) && is(text[i-2], digit) && is(text[i-1], digit) {
			return true
		}
	}
	if i >= 6 && text[i-6] == '\\' && text[i-5] == 'u' {
		return run(text[:i], i-4, hexadecimal) == i
	}
	return false
}

// ansiEnds: ESC [ 0 ; 31 m, with ESC as a byte or as written in Go, JSON or C.
func ansiEnds(text []byte, i int) bool {
	if !is(text[i-1], lower|upper) {
		return false
	}
	j := i - 1
	for stop := max(j-24, 0); j > stop && (is(text[j-1], digit) || text[j-1] == ';' || text[j-1] == ':' || text[j-1] == '?'); {
		j--
	}
	if j == 0 || text[j-1] != '[' {
		return false
	}
	j--
	if j > 0 && text[j-1] == 0x1b {
		return true
	}
	return backslashEnds(text, j)
}
