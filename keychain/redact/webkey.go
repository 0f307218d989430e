package redact

// privateMembers are the members of a JSON Web Key (RFC 7517, RFC 7518 section
// 6) that are not public.
var privateMembers = [...]string{"d", "k", "p", "q", "dp", "dq", "qi"}

// webKeyReach is how far around "kty" its members are looked for, in bytes.
const webKeyReach = 8 << 10

// webKey finds the private members of the key whose "kty" ends at p. No part of
// a line is read twice.
func webKey(text []byte, p int, past *runs, spans []span) []span {
	if q, _ := skipQuote(text, p); q.char == 0 {
		return spans
	}
	from, to := max(p-webKeyReach, past.keys, 0), min(p+webKeyReach, len(text))
	for i := from; i < to; i++ {
		if c := text[i]; c != '"' && c != '\'' {
			continue
		}
		q := i + 1
		end := run(text[:min(len(text), q+3)], q, lower)
		if end == q || !isPrivateMember(text[q:end]) {
			continue
		}
		closed, next := skipQuote(text, end)
		if closed.char != text[i] {
			continue
		}
		next = skipSpace(text, next)
		if next >= len(text) || text[next] != ':' {
			continue
		}
		opened, start := skipQuote(text, skipSpace(text, next+1))
		stop := run(text, start, wordDash|padding)
		if opened.char == 0 || stop-start < 16 {
			continue
		}
		if stop == len(text) {
			past.open = min(past.open, start)
		}
		spans = append(spans, span{from: i, start: start, end: stop})
		i = stop
	}
	past.keys = max(past.keys, to)
	return spans
}

func isPrivateMember(name []byte) bool {
	for _, member := range privateMembers {
		if string(name) == member {
			return true
		}
	}
	return false
}

// puttyKey finds the private part of a key file of PuTTY, whose "Private-Lines:"
// ends at p: the lines below, or what follows escaped.
func puttyKey(text []byte, p int, state *carry, past *runs) (span, bool) {
	p = skipSpace(text, p)
	body := run(text, p, digit)
	if body == p {
		return span{}, false
	}
	stop := body
	for stop < len(text) && (is(text[stop], alphanumeric|padding) || text[stop] == '\\' || text[stop] == '\r' || text[stop] == '\n') {
		if hasPrefix(text, stop, "private-") || text[stop] == '\\' && hasPrefix(text, stop+2, "private-") {
			break
		}
		stop++
	}
	if stop == len(text) && text[len(text)-1] == '\n' && stop-body <= 2 {
		if state != nil {
			state.armour = true
		}
		return span{}, false
	}
	if stop-body < 16 {
		return span{}, false
	}
	if stop == len(text) {
		past.open = min(past.open, body)
	}
	return span{from: body, start: body, end: stop}, true
}
