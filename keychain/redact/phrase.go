package redact

// Words of a wallet's phrase, BIP-39: 12 to 24 of three to eight letters.
const (
	phraseWords  = 12
	longestWords = 24
)

// isSentenceWord reports whether text is a word that is in sentences and not in BIP-39's English list.
func isSentenceWord(text []byte) bool {
	switch string(text) {
	case "the", "and", "for", "are", "not", "but", "with", "from", "you", "your":
		return true
	}
	return false
}

// phrase judges whether a wallet's words begin at p.
func phrase(text []byte, p, from int, past *runs) (span, bool) {
	_, p = openValue(text, p)
	stop, words := p, 0
	for words < longestWords {
		end := run(text, stop, lower)
		if end == len(text) {
			past.open = min(past.open, p)
		}
		if end-stop < 3 || end-stop > 8 || isSentenceWord(text[stop:end]) {
			break
		}
		words++
		if stop = end; stop+1 >= len(text) || text[stop] != ' ' || !is(text[stop+1], lower) {
			if stop+1 == len(text) && text[stop] == ' ' {
				past.open = min(past.open, p)
			}
			break
		}
		stop++
	}
	if words < phraseWords {
		return span{}, false
	}
	if text[stop-1] == ' ' {
		stop--
	}
	return span{from: from, start: p, end: stop}, true
}
