package redact

import (
	"bytes"
	"encoding/base64"
	"slices"
)

// bearer judges what follows "Bearer ".
func bearer(line []byte, start int, replacement string) (span, bool) {
	stop := run(line, start, identifier|padding|tilde)
	v := line[start:stop]
	if n := bytes.IndexByte(bytes.TrimRight(v, "="), '='); n >= 0 { // token_type=Bearer expires_in=3600
		return span{}, false
	}
	if isReplaced(line, start, replacement) || len(v) < 8 || count(v, digit) == 0 && len(v) < 24 || isPlaceholder(v) {
		return span{}, false
	}
	return span{from: start - len("bearer "), start: start, end: stop}, true
}

// basic judges what follows "Basic ": base64 of user:password.
func basic(line []byte, start int) (span, bool) {
	stop := run(line, start, wordDash|padding)
	v := bytes.TrimRight(line[start:stop], "=")
	if len(v) < 6 || pairColon(v, 0xff) < 0 {
		return span{}, false
	}
	return span{from: start - len("basic "), start: start, end: stop}, true
}

// isPair: base64 of user:password, as text.
func isPair(t []byte) bool {
	t = bytes.TrimRight(t, "=")
	return len(t) >= 8 && pairColon(t, 0x7e) > 0
}

// pairColon is where the colon stands in what t holds in base64, without padding;
// -1 where it holds none, is no base64, or has bytes below a space or above last.
func pairColon(t []byte, last byte) int {
	var decoded [768]byte
	if len(t) > base64.RawStdEncoding.EncodedLen(len(decoded)) {
		return -1
	}
	n, err := base64.RawStdEncoding.Decode(decoded[:], t)
	if err != nil || slices.ContainsFunc(decoded[:n], func(c byte) bool { return c < ' ' || c > last }) {
		return -1
	}
	return bytes.IndexByte(decoded[:n], ':')
}

// userInfo judges what follows "://": the password of user:password@, or a
// token that stands for a user.
func userInfo(line []byte, start int) (span, bool) {
	colon, at := -1, -1
	i := start
loop:
	for ; i < len(line); i++ {
		switch c := line[i]; {
		case c == '@':
			at = i
		case c == ':' && colon < 0:
			colon = i
		case (c == '?' || c == '#') && colon >= 0 && i > colon+1 && count(line[colon+1:i], digit) < i-colon-1:
			// A password that nobody escaped; a port has digits and nothing else.
		case c == '/', c == '?', c == '#', c <= ' ', c == '"', c == '<', c == '>', c == '`', c == '\\':
			break loop
		}
	}
	if at < 0 {
		return span{}, false
	}
	if colon < 0 || colon > at {
		user := line[start:at]
		if len(user) < 16 || count(user, digit) == 0 || isReference(user) || run(user, 0, wordDash) != len(user) {
			return span{}, false
		}
		return span{from: start, start: start, end: at}, true
	}
	password := line[colon+1 : at]
	if len(password) == 0 || isPlaceholder(password) || password[0] == '$' || password[0] == '{' || password[0] == '%' && len(password) > 1 && password[1] == '(' || bytes.HasPrefix(password, []byte("[REDACTED")) {
		return span{}, false
	}
	return span{from: start, start: colon + 1, end: at}, true
}
