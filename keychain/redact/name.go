package redact

type name struct {
	start, end  int
	flag        bool // --name
	environment bool // NAME
	qualified   bool // access_token, not token
	query       bool // ?name= or &name=
	weak        bool // what follows may have another meaning
}

func keyName(text []byte, start, end int, k key) (n name, next int, ok bool) {
	next = end
	if hasPrefix(text, end, ".value") { // password.value=x
		next = end + len(".value")
	}
	if next < len(text) && is(text[next], identifier) {
		if next = suffixed(text, end); next == end {
			return n, 0, false
		}
		n.weak = true
	}
	n.start, n.end = runBack(text, start, 64, identifier), end
	n.flag = text[n.start] == '-' && n.start+1 < start
	n.query = n.start > 0 && (text[n.start-1] == '?' || text[n.start-1] == '&')
	n.environment = !n.query && count(text[n.start:end], lower) == 0
	n.qualified = start > n.start && !boundaryInName(text, n.start, start)
	if k.bounded && start > n.start && is(text[start-1], alphanumeric) && (!is(text[start], upper) || !is(text[start-1], lower|digit)) &&
		!boundary(text, start) {
		if k.word != "pass" || passWord(text, n.start, start) {
			return n, 0, false
		}
		n.weak = true // dbpass=x, and no word of a language
	}
	if end-n.start <= 24 {
		var folded [24]byte
		for i, c := range text[n.start:end] {
			folded[i] = fold(c)
		}
		full := folded[:end-n.start]
		if isOrdinary(full) && (k.word != "pass" || !passArgument(text, n.start, end)) && (k.gate != gatePassword || n.environment || len(full) <= 2 || k.word == "pass") {
			if full[0] == '-' || k.word != "pass" && k.word != "pw" || n.environment {
				return n, 0, false
			}
			n.weak = true // pass: "x"
		}
	}
	return n, next, true
}

// boundaryInName: what runBack took before the word is only an escape's last
// letter or a flag's dashes.
func boundaryInName(text []byte, start, wordStart int) bool {
	for i := start; i < wordStart; i++ {
		if is(text[i], alphanumeric) {
			return backslashEnds(text, wordStart) || ansiEnds(text, wordStart) || percentEnds(text, wordStart)
		}
	}
	return true
}
