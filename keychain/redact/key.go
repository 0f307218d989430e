package redact

import "bytes"

// key is a word that a key's name ends with.
type key struct {
	word    string // lower case
	gate    gate
	bounded bool // must be a whole part of the name: db_pass, not bypass
}

// gate is how much a value must look like a secret.
type gate uint8

const (
	// gateSecret: anything that is not plainly something else.
	gateSecret gate = iota
	// gatePassword: as gateSecret, and six or more digits are a value too.
	gatePassword
	// gateToken: the word has other meanings (a parser's token), so a value
	// must have digits or be long.
	gateToken
	// gateLong: only long values with digits: signatures, cookies.
	gateLong
	// gateHeader: a scheme may stand before the value.
	gateHeader
	// gateUser: a person's own pattern; numbers and words are values.
	gateUser
)

var keys = []key{
	{word: "api_key"}, {word: "apikey"}, {word: "api-key"}, {word: "api key"}, {word: "apikeys"},
	{word: "access_key"}, {word: "accesskey"}, {word: "access-key"}, {word: "access key"},
	{word: "secret_key"}, {word: "secretkey"}, {word: "secret-key"}, {word: "secret key"},
	{word: "private_key"}, {word: "privatekey"}, {word: "private-key"}, {word: "private key"},
	{word: "account_key"}, {word: "accountkey"}, {word: "account-key"},
	{word: "signing_key"}, {word: "signingkey"}, {word: "signing-key"},
	{word: "encryption_key"}, {word: "encryptionkey"}, {word: "encryption-key"},
	{word: "master_key"}, {word: "masterkey"}, {word: "master-key"},
	{word: "auth_key"}, {word: "authkey"}, {word: "auth-key"},
	{word: "license_key"}, {word: "licensekey"}, {word: "service_key"}, {word: "subscription-key"},
	{word: "secret"}, {word: "credential"}, {word: "credentials"},
	{word: "passphrase", gate: gatePassword}, {word: "password", gate: gatePassword},
	{word: "passwd", gate: gatePassword}, {word: "passcode", gate: gatePassword},
	{word: "requirepass", gate: gatePassword}, {word: "masterauth", gate: gatePassword},
	{word: "pwd", gate: gatePassword, bounded: true}, {word: "pass", gate: gatePassword, bounded: true},
	{word: "pw", gate: gatePassword, bounded: true},
	{word: "token", gate: gateToken}, {word: "jwt", gate: gateToken, bounded: true}, {word: "bearer", gate: gateToken, bounded: true},
	{word: "signature", gate: gateLong}, {word: "sig", gate: gateLong, bounded: true}, {word: "session_id", gate: gateLong},
	{word: "cookie", gate: gateLong}, {word: "sessionid", gate: gateLong}, {word: "webhook", gate: gateLong},
	{word: "authorization", gate: gateHeader},
}

// ordinary are names that end with a key word and hold no secret.
var ordinary = map[string]bool{
	"next_token": true, "nexttoken": true, "prev_token": true, "previous_token": true, "current_token": true, "currenttoken": true,
	"cur_token": true, "last_token": true, "lasttoken": true, "first_token": true, "eof_token": true, "eos_token": true,
	"bos_token": true, "pad_token": true, "unk_token": true, "sep_token": true, "cls_token": true, "mask_token": true,
	"stop_token": true, "end_token": true, "start_token": true, "per_token": true, "cost_per_token": true, "price_per_token": true,
	"special_token": true, "page_token": true, "next_page_token": true, "nextpagetoken": true, "continuation_token": true,
	"continuationtoken": true, "pwd": true, "oldpwd": true, "--pass": true, "pass": true, "pw": true,
}

// keyValue judges a hit of a key word at [start, end): the name must end
// there, a separator must follow, and what comes then must be a value that
// can be a secret. Only the value is the span.
func keyValue(text []byte, start, end int, k key, replacement string, past *runs) (span, bool) {
	name, p, ok := keyName(text, start, end, k)
	if !ok {
		return span{}, false
	}
	keyQuote, p := skipQuote(text, skipColour(text, p))
	if p < len(text) && text[p] == ']' && keyQuote.char != 0 { // config["token"]
		p++
	}
	if p < len(text) && text[p] == '?' && !hasPrefix(text, p, "??") { // password?: string
		p++
	}
	if hasPrefix(text, p, "]=") && name.start > 0 && text[name.start-1] == '[' { // user[password]=x
		p++
	}
	p = skipColour(text, p)
	sep, next := sepNone, p
	if keyQuote.char != 0 || name.start > 0 && text[name.start-1] == '<' || hasPrefix(text, p, "</key>") {
		sep, next = pairValue(text, p)
	}
	if sep == sepNone {
		sep, next = separator(text, p, name, keyQuote.char != 0)
	}
	if sep == sepColon && inARN(text, name.start) {
		return span{}, false
	}
	place := place{name: name, key: k, quote: keyQuote, sep: sep}
	if sep != sepNone {
		if opensObject(text, next) {
			found, ok := place.behindBridge(text, next, ':', replacement, past)
			if from, bridged := bridge(text, next, ':'); ok || bridged && isMasked(text, from, replacement) {
				return found, ok
			}
		}
		return place.value(text, next, replacement, past)
	}
	if place.sep, next = weakSeparator(text, p, name, keyQuote); place.sep != sepNone && (place.sep != sepColon || !inARN(text, name.start)) {
		place.weak = true
		if found, ok := place.value(text, next, replacement, past); ok {
			return found, true
		}
	}
	return place.behindBridge(text, p, 0, replacement, past)
}

// behindBridge judges the value that stands behind a bridge, which begins at p.
func (w place) behindBridge(text []byte, p int, before byte, replacement string, past *runs) (span, bool) {
	p, ok := bridge(text, p, before)
	if !ok {
		return span{}, false
	}
	w.sep, w.weak, w.quote = sepColon, true, quote{}
	found, ok := w.value(text, p, replacement, past)
	if ok && bytes.IndexByte(bytes.TrimRight(text[found.start:found.end], "="), '=') >= 0 {
		return span{}, false // token -> token=x: another name, with a value of its own
	}
	return found, ok
}

// isMasked reports whether the value at p was replaced before.
func isMasked(text []byte, p int, replacement string) bool {
	_, p = openValue(text, skipSpace(text, p))
	return isReplaced(text, p, replacement)
}

// place is what is known of where a value stands.
type place struct {
	name  name
	key   key
	quote quote // around the name
	sep   sepKind
	weak  bool // nothing says that the value belongs to the name
}

// value judges the value that begins at p.
func (w *place) value(text []byte, p int, replacement string, past *runs) (span, bool) {
	p = skipColour(text, skipSpace(text, p))
	if isReplaced(text, p, replacement) {
		return span{}, false
	}
	if p < len(text) && text[p] == '[' {
		p = skipSpace(text, p+1)
	}
	opened, p := openValue(text, p)
	if w.key.gate == gateHeader {
		p = skipScheme(text, p)
	}
	stop := valueEnd(text, p, opened, w.name.environment && w.sep == sepEquals && p == w.name.end+1, w.key.gate == gateHeader)
	if stop == len(text) || opened.char != 0 && !opened.entity && text[stop] != opened.char && text[stop] != '\\' {
		past.open = min(past.open, p) // more of the line may end it elsewhere
	}
	v := value{text: text[p:stop], quoted: opened.char != 0, gate: w.key.gate, qualified: w.name.qualified, sep: w.sep}
	if stop < len(text) {
		v.after = text[stop]
	}
	if isReplaced(text, p, replacement) || !v.secret() || w.weak && !random(v.text) {
		return span{}, false
	}
	found := span{from: w.name.start, start: p, end: changedTo(text, stop, opened)}
	if w.quote.char == '"' && opened.char == 0 && w.sep == sepColon {
		// A JSON number: its place must be taken by a JSON string.
		found.quote, found.level = true, uint8(min(w.quote.level, 3))
	}
	return found, true
}

// changedTo returns the end of a value's new value behind it: password = "x" -> "y".
func changedTo(text []byte, stop int, opened quote) int {
	if opened.char != '"' || opened.level > 0 || !hasPrefix(text, stop, `" -> "`) {
		return stop
	}
	return closingQuote(text, stop+len(`" -> "`), opened)
}

// opensObject: the value is an object, a call or a default, and what is secret
// stands in it.
func opensObject(text []byte, p int) bool {
	p = skipSpace(text, p)
	if p == len(text) {
		return false
	}
	if text[p] == '{' || text[p] == '?' || text[p] == '|' {
		return true
	}
	end := run(text, p, word)
	if end > p && end < len(text) && (text[end] == '=' || text[end] == ':') && bridgeWord(text[p:end]) {
		return true
	}
	for stop := min(len(text), p+longestBridge); end < stop && (is(text[end], word) || text[end] == ':'); {
		end++
	}
	return end > p && end < len(text) && text[end] == '('
}

// openValue passes over the quote before a value, and over what languages put
// around it: @"x", b"x", """x""".
func openValue(text []byte, p int) (quote, int) {
	if p+1 < len(text) && (text[p+1] == '"' || text[p+1] == '\'') {
		switch text[p] {
		case '@', 'b', 'r', 'u':
			p++
		}
	}
	q, next := skipQuote(text, p)
	if q.char != 0 && q.level == 0 && next+1 < len(text) && text[next] == q.char && text[next+1] == q.char {
		next += 2
	}
	return q, next
}

type name struct {
	start, end  int
	flag        bool // --name
	environment bool // NAME
	qualified   bool // access_token, not token
	query       bool // ?name= or &name=
}

func keyName(text []byte, start, end int, k key) (n name, next int, ok bool) {
	next = end
	if hasPrefix(text, end, ".value") { // password.value=x
		next = end + len(".value")
	}
	if next < len(text) && is(text[next], identifier) {
		return n, 0, false
	}
	n.start, n.end = runBack(text, start, 64, identifier), end
	n.flag = text[n.start] == '-' && n.start+1 < start
	n.query = n.start > 0 && (text[n.start-1] == '?' || text[n.start-1] == '&')
	n.environment = !n.query && count(text[n.start:end], lower) == 0
	n.qualified = start > n.start && !boundaryInName(text, n.start, start)
	if k.bounded && start > n.start && is(text[start-1], alphanumeric) && (!is(text[start], upper) || !is(text[start-1], lower|digit)) &&
		!boundary(text, start) {
		return n, 0, false
	}
	if end-n.start <= 24 {
		var folded [24]byte
		for i, c := range text[n.start:end] {
			folded[i] = fold(c)
		}
		full := folded[:end-n.start]
		if ordinary[string(full)] && (k.gate != gatePassword || n.environment || len(full) <= 2 || k.word == "pass") {
			return n, 0, false
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

type sepKind uint8

const (
	sepNone sepKind = iota
	sepEquals
	sepColon
	sepAssign  // :=
	sepCompare // == !=
	sepSpace   // --flag value
)

// separator reads what stands between a name and its value.
func separator(text []byte, p int, n name, quoted bool) (sepKind, int) {
	after := skipSpace(text, p)
	rest := text[after:]
	switch {
	case len(rest) == 0:
		return sepNone, p
	case hasPrefix(rest, 0, "%3d"), hasPrefix(rest, 0, "%3a"):
		return sepEquals, after + 3
	case hasPrefix(rest, 0, "%253d"), hasPrefix(rest, 0, "%253a"):
		return sepEquals, after + 5
	case hasPrefix(rest, 0, `\u003d`), hasPrefix(rest, 0, `\u003a`):
		return sepEquals, after + 6
	case hasPrefix(rest, 0, ":="):
		return sepAssign, after + 2
	case hasPrefix(rest, 0, "::"):
		return sepNone, p
	case hasPrefix(rest, 0, "==="), hasPrefix(rest, 0, "!=="):
		return sepCompare, after + 3
	case hasPrefix(rest, 0, "=="), hasPrefix(rest, 0, "!="):
		return sepCompare, after + 2
	case hasPrefix(rest, 0, "=>"):
		return sepColon, after + 2
	case rest[0] == '=':
		return sepEquals, after + 1
	case (hasPrefix(rest, 0, ":?") || hasPrefix(rest, 0, ":+")) && n.start > 0 && text[n.start-1] == '{': // ${PASSWORD:?missing}
		return sepNone, p
	case rest[0] == ':':
		return sepColon, skipType(text, after+1)
	case after > p && n.start > 0 && text[n.start-1] == '<': // <password type="s">x</password>
		if end := bytes.IndexAny(rest[:min(len(rest), 80)], "<>"); end >= 0 && rest[end] == '>' && end > 0 && rest[end-1] != '/' {
			return sepEquals, after + end + 1
		}
	case rest[0] == '>' && n.start > 0 && text[n.start-1] == '<': // <password>x</password>
		return sepEquals, after + 1
	case rest[0] == ',' && quoted && (n.flag || n.environment): // ["--token", "x"], Setenv("TOKEN", "x")
		return sepColon, after + 1
	case after > p && n.flag && !quoted && rest[0] != '-': // --token x
		return sepSpace, after
	}
	return sepNone, p
}

// pairValue reads on behind a name that is itself the value of another one:
// {"name":"api_key","value":"x"}, <add key="api_key" value="x"/>, name = "api_key", value = "x".
func pairValue(text []byte, p int) (sepKind, int) {
	for _, markup := range [...]string{"><value>", "</key><string>", "</name><value>"} {
		if hasPrefix(text, p, markup) {
			return sepColon, p + len(markup)
		}
	}
	q := skipSpace(text, p)
	if q < len(text) && text[q] == ',' {
		q = skipSpace(text, q+1)
	} else if q == p {
		return sepNone, p
	}
	opened, q := skipQuote(text, q)
	if !hasPrefix(text, q, "value") {
		return sepNone, p
	}
	closed, q := skipQuote(text, q+len("value"))
	if opened.char != closed.char {
		return sepNone, p
	}
	if q = skipSpace(text, q); q < len(text) && (text[q] == ':' || text[q] == '=') {
		return sepColon, q + 1
	}
	return sepNone, p
}
