package redact

// A sentence that gives a secret has words between its name and the value: the password
// for user admin is x, API key has been created: x.

// longestSentence bounds how far behind a name its value may stand, in bytes.
const longestSentence = 72

// sentence returns where a value may begin behind words in small letters, the last of
// which is "is" or has a colon behind it. It returns p if there is none. sure says that
// the last word tells of a secret that is given.
func sentence(text []byte, p int) (next int, sure bool) {
	if p >= len(text) || text[p] != ' ' {
		return p, false
	}
	for q, words := p, 0; q < min(len(text), p+longestSentence) && text[q] == ' ' && words < 9; words++ {
		from := q + 1
		end := run(text, from, lower|dash)
		if end == from && end < len(text) && text[end] == 'I' { // the token I got was x
			end++
		}
		for end < len(text) && words > 0 && (text[end] == '@' || text[end] == '.' || text[end] == '_') && end > from { // root@localhost
			end = run(text, end+1, lower|dash)
		}
		if end == from {
			return p, false
		}
		word := text[from:end]
		if end+1 < len(text) && text[end] == ':' && text[end+1] == ' ' {
			return end + 2, gives(word)
		}
		if isVerb(word) && end < len(text) && text[end] == ' ' {
			return end + 1, true
		}
		if words > 0 && (string(word) == "is" || string(word) == "was") && end < len(text) && text[end] == ' ' {
			return end + 1, false
		}
		q = end
	}
	return p, false
}

// gives reports whether a word before a colon says that the name's own value comes.
func gives(word []byte) bool {
	switch string(word) {
	case "created", "successfully", "provided", "generated", "issued", "lautet":
		return true
	}
	return false
}

// isVerb reports whether a word is "is" in a language of Europe.
func isVerb(word []byte) bool {
	switch string(word) {
	case "est", "es", "ist", "lautet":
		return true
	}
	return false
}

// given judges the value of a sentence, which begins at p: it must look as no identifier
// does that logs tell of, and end the sentence.
func given(text []byte, from, p int, sure bool) (span, bool) {
	_, p = skipQuote(text, p)
	stop := argumentEnd(text, p)
	for stop > p && (text[stop-1] == '.' || text[stop-1] == ',' || text[stop-1] == ')') {
		stop--
	}
	v := text[p:stop]
	if sure && len(v) >= 12 && random(v) {
		return span{from: from, start: p, end: stop}, true
	}
	if len(v) < 8 || len(v) > longValue || isPlaceholder(v) || isReference(v) || isPath(v) || run(v, 0, wordDash|padding) == len(v) && !isScattered(v) && !isMixed(v) && !chosen(v) {
		return span{}, false
	}
	if run(v, 0, wordDash|padding) != len(v) && !chosen(v) {
		return span{}, false
	}
	return span{from: from, start: p, end: stop}, true
}
