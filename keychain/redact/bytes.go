package redact

import "unsafe"

// Classes of bytes, as bits, so that a rule's alphabet is one mask.
const (
	lower uint16 = 1 << iota
	upper
	digit
	underscore
	dash
	dot
	padding // + / =
	tilde
	hexadecimal
	base32
	slash
	dollar  // $ and the comma, in hashes of passwords
	closing // a closing brace
	opening // what a quote may begin with: a quote, a backslash, an entity
	outside // what ends an attribute's place: < > { } , ;

	alphanumeric = lower | upper | digit
	word         = alphanumeric | underscore
	wordDash     = word | dash
	identifier   = wordDash | dot
)

var classes = func() (table [256]uint16) {
	for b := range 256 {
		c := byte(b)
		switch {
		case c >= 'a' && c <= 'z':
			table[b] = lower
		case c >= 'A' && c <= 'Z':
			table[b] = upper | base32
		case c >= '0' && c <= '9':
			table[b] = digit
		}
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
			table[b] |= hexadecimal
		}
		if c >= '2' && c <= '7' {
			table[b] |= base32
		}
	}
	table['_'], table['-'], table['.'], table['~'] = underscore, dash, dot, tilde
	table['+'], table['='], table['/'] = padding, padding, padding|slash
	table['$'], table[','], table['}'] = dollar, dollar, closing
	for _, c := range []byte("\"'`\\&%") {
		table[c] |= opening
	}
	for _, c := range []byte("<>{},;") {
		table[c] |= outside
	}
	return table
}()

func is(c byte, mask uint16) bool { return classes[c]&mask != 0 }

// run returns the end of the bytes of mask that start at i.
func run(text []byte, i int, mask uint16) int {
	for i < len(text) && classes[text[i]]&mask != 0 {
		i++
	}
	return i
}

// runEscaped goes on behind a run that stopped at i: over percent escapes of
// bytes of mask, escaped once or again (%2F, %252F).
func runEscaped(text []byte, i int, mask uint16) int {
	for i < len(text) && text[i] == '%' {
		p := i + 1
		for hasPrefix(text, p, "25") {
			p += 2
		}
		switch {
		case hasPrefix(text, p, "2b"), hasPrefix(text, p, "3d"):
			if mask&padding == 0 {
				return i
			}
		case hasPrefix(text, p, "2f"):
			if mask&(padding|slash) == 0 {
				return i
			}
		default:
			return i
		}
		i = run(text, p+2, mask)
	}
	return i
}

// runs is what is known of a line while it is scanned. It remembers where long runs ended, so that a text of nothing but
// prefixes (sk-sk-sk-…) is not read to its end from each of them.
type runs struct {
	list [4]struct {
		mask     uint16
		from, to int
	}
	next    int
	wanted  [(maxPatterns + 63) / 64]uint64 // the value patterns whose texts are there
	open    int                             // where a value begins whose end is not in the line
	began   int                             // where the body of a private key begins
	name    pending                         // a key's name at the end of the line
	keys    int                             // how far JSON keys were looked for
	cookies int                             // how far cookies were
	covered int                             // the end of a long value behind a key's name
}

func (r *runs) run(text []byte, i int, mask uint16) int {
	for _, p := range r.list {
		if p.mask == mask && p.from <= i && i < p.to {
			return p.to
		}
	}
	stop := run(text, i, mask)
	if stop-i > 64 {
		r.list[r.next%len(r.list)] = struct {
			mask     uint16
			from, to int
		}{mask, i, stop}
		r.next++
	}
	return stop
}

// runBack returns the start of the bytes of mask that end at i, at most limit
// of them.
func runBack(text []byte, i, limit int, mask uint16) int {
	for stop := max(i-limit, 0); i > stop && classes[text[i-1]]&mask != 0; {
		i--
	}
	return i
}

func count(text []byte, mask uint16) (n int) {
	for _, c := range text {
		if classes[c]&mask != 0 {
			n++
		}
	}
	return n
}

func fold(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// hasPrefix reports whether text goes on at i with prefix, in any case.
// prefix is lower case.
func hasPrefix(text []byte, i int, prefix string) bool {
	if i < 0 || len(text)-i < len(prefix) {
		return false
	}
	for j := range len(prefix) {
		if fold(text[i+j]) != prefix[j] {
			return false
		}
	}
	return true
}

// view looks at a string's bytes without a copy. Nothing in this package
// writes to the text that it searches.
func view(s string) []byte {
	return unsafe.Slice(unsafe.StringData(s), len(s)) //nolint:gosec // read only, see above
}
