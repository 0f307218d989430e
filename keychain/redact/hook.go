package redact

// longestPath bounds how much of a URL is looked at.
const longestPath = 512

// hooked judges the path of a URL behind a segment that says that what follows is
// its key: /hooks/catch/1/x, /webhook/x, /with/key/x. Where an address is all that
// guards a hook, its random segments are the secret.
func hooked(text []byte, p int) (span, bool) {
	if !inURL(text, p) {
		return span{}, false
	}
	start, stop := 0, p
	text = text[:min(len(text), p+longestPath)]
	for i := p; i < len(text); {
		end := run(text, i, wordDash|tilde|dot)
		if end < len(text) && text[end] == '@' { // id@id
			end = run(text, end+1, wordDash)
		}
		segment := text[i:end]
		if start == 0 && (len(segment) >= 16 && random(segment) || chosen(segment) && len(segment) >= 10 && count(segment, dash) == 0 || isUUID(segment)) {
			start = i
		}
		stop = end
		if end >= len(text) || text[end] != '/' {
			break
		}
		i = end + 1
	}
	for stop < len(text) && (text[stop] == '!' || text[stop] == '#') { // of a password that somebody chose
		stop++
	}
	if start == 0 {
		return span{}, false
	}
	return span{from: start, start: start, end: stop}, true
}

// inURL reports whether a URL with a scheme began before p and goes on there.
func inURL(text []byte, p int) bool {
	for stop := max(p-200, 2); p > stop; p-- {
		c := text[p-1]
		if c <= ' ' || c == '"' || c == '\'' || c == '<' || c == '>' || c == '`' {
			return false
		}
		if c == '/' && text[p-2] == '/' && p > 2 && text[p-3] == ':' {
			return true
		}
	}
	return false
}
