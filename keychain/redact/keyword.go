package redact

import (
	"bytes"
	"encoding/base64"
)

// What a name that ends with "key", "phrase" or "code" means is said by the
// words before.

// isSecretKey reports whether text is one of the words before "key" that make it a secret.
func isSecretKey(text []byte) bool {
	switch string(text) {
	case "app", "application", "admin", "auth", "client", "cipher", "crypto", "decryption", "decrypt", "data", "deploy", "encrypt", "enc", "hmac",
		"identity", "jwt", "kek", "dek", "storage", "shared", "sharedaccess", "shared_access", "sign", "sas", "ssh", "root", "recovery", "validation",
		"vault", "webhook", "wrapping", "preshared", "pre_shared", "symmetric", "unseal", "unlock", "backup", "integration", "ingest", "ingestion",
		"server", "admin_api", "host_master", "function", "primary_access", "write", "seed", "functions":
		return true
	}
	return false
}

// isOpenKey reports whether text is a word before "key" that makes it none, however its value
// looks.
func isOpenKey(text []byte) bool {
	switch string(text) {
	case "public", "pub", "host", "cache", "primary", "foreign", "sort", "partition", "object", "s3", "idempotency", "routing", "trace", "group", "row",
		"websocket", "sec_websocket", "hash", "range", "index", "message", "dedup", "publishable", "verify", "verifying", "verification", "map", "hot",
		"lookup", "session_cache", "etag", "file", "i18n", "translation", "site", "anon", "known_host", "ssh_host", "ssh_public":
		return true
	}
	return false
}

// gateOf is how much a value under a name must look like a secret, where the
// word alone does not say it; ok is false for a name of something else.
func gateOf(text []byte, start int, n name, k key) (gate, bool) {
	switch k.gate {
	case gateKey:
		var folded [24]byte
		qualifier := bytes.TrimRight(text[n.start:start], "-_. ")
		spaced := len(qualifier) == 0 && start > 1 && text[start-1] == ' '
		if spaced { // recovery key: x
			qualifier = text[runBack(text, start-1, 16, lower|upper) : start-1]
		}
		if len(qualifier) == 0 || len(qualifier) > len(folded) || !spaced && boundaryInName(text, n.start, start) {
			return 0, false
		}
		for i, c := range qualifier {
			if folded[i] = fold(c); c == '-' || c == '.' {
				folded[i] = '_'
			}
		}
		whole := bytes.TrimLeft(folded[:len(qualifier)], "_")
		last := whole[bytes.LastIndexByte(whole, '_')+1:]
		divided := start > n.start && !is(text[start-1], alphanumeric) || is(text[start], upper) && is(text[start-1], lower|digit)
		switch {
		case isOpenKey(whole) || isOpenKey(last):
			return 0, false
		case spaced:
			return gateSecret, isSecretKey(whole) || whole[0] == 'm' && string(whole) == "master"
		case isSecretKey(whole), divided && isSecretKey(last), divided && camelEnds(qualifier):
			return gateSecret, true
		case divided:
			return gateOpaque, true
		}
		return 0, false
	case gateQuery:
		return gateQuery, n.query && start == n.start
	case gatePhrase:
		return gatePhrase, true
	case gateSecret, gatePassword, gateToken, gateLong, gateHeader, gateOpaque, gatePair, gateUser:
	}
	return k.gate, true
}

// camelEnds reports whether a qualifier ends with a secret word of its own:
// mySharedAccess, in mySharedAccessKey.
func camelEnds(qualifier []byte) bool {
	for i := 1; i < len(qualifier); i++ {
		if is(qualifier[i], upper) && is(qualifier[i-1], lower|digit) {
			var folded [24]byte
			for j, c := range qualifier[i:] {
				folded[j] = fold(c)
			}
			if isSecretKey(folded[:len(qualifier)-i]) {
				return true
			}
		}
	}
	return false
}

// isPair: base64 of user:password, as text.
func isPair(t []byte) bool {
	t = bytes.TrimRight(t, "=")
	if len(t) < 8 || len(t) > 1024 {
		return false
	}
	var decoded [768]byte
	n, err := base64.RawStdEncoding.Decode(decoded[:], t)
	if err != nil || bytes.IndexByte(decoded[:n], ':') <= 0 {
		return false
	}
	for _, c := range decoded[:n] {
		if c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isUUID: 8-4-4-4-12 digits of base 16.
func isUUID(t []byte) bool {
	if len(t) != 36 {
		return false
	}
	for i, c := range t {
		if dashed := i == 8 || i == 13 || i == 18 || i == 23; dashed != (c == '-') || !dashed && !is(c, hexadecimal) {
			return false
		}
	}
	return true
}

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

// skipMark passes over a quotation mark of another script than ASCII, and over a
// tag or an anchor of YAML.
func skipMark(text []byte, p int) int {
	if p < len(text) && text[p] >= 0x80 {
		return p + markSize(text, p)
	}
	for range 2 {
		if !hasPrefix(text, p, "!!str ") && (p+1 >= len(text) || text[p] != '&' || !is(text[p+1], lower|upper)) {
			return p
		}
		end := run(text, p+1, identifier)
		if text[p] == '!' {
			end = p + len("!!str")
		}
		if next := skipSpace(text, end); next > end && next < len(text) && text[next] > ' ' {
			p = next
			continue
		}
		return p
	}
	return p
}

// markSize is the size of a punctuation mark of another script that is at p: the
// block of CJK symbols, fullwidth forms of ASCII's marks, and quotation marks. 0 if
// none is.
func markSize(text []byte, p int) int {
	if p+1 < len(text) && text[p] == 0xc2 && (text[p+1] == 0xab || text[p+1] == 0xbb) { // « »
		return 2
	}
	if p+2 >= len(text) {
		return 0
	}
	b, c := text[p+1], text[p+2]
	switch text[p] {
	case 0xe2: // ‘ ’ “ ” „ ‹ ›
		if b == 0x80 && (c >= 0x98 && c <= 0x9f || c == 0xb9 || c == 0xba) {
			return 3
		}
	case 0xe3: // U+3000 to U+301F
		if b == 0x80 && c <= 0x9f {
			return 3
		}
	case 0xef: // U+FF01 to U+FF0F, U+FF1A to U+FF20, U+FF3B, U+FF3D, U+FF5B, U+FF5D
		if b == 0xbc && (c >= 0x81 && c <= 0x8f || c >= 0x9a && c <= 0xa0 || c == 0xbb || c == 0xbd) || b == 0xbd && (c == 0x9b || c == 0x9d) {
			return 3
		}
	}
	return 0
}

// bracedValue returns the end of a value of an ODBC string in braces that begins
// at p; 0 if it is none.
func bracedValue(text []byte, p int) int {
	if p >= len(text) || text[p] != '{' {
		return 0
	}
	for i := p + 1; i < len(text) && text[i] > ' ' && text[i] != '{' && text[i] != '"'; i++ {
		if text[i] == '}' {
			if i-p > 4 && (i+1 == len(text) || text[i+1] == ';' || text[i+1] == '"' || text[i+1] == '\'' || text[i+1] == '\\' || text[i+1] <= ' ') &&
				!bytes.ContainsAny(text[p:i], ":,=") && count(text[p:i], lower|upper) != i-p-1 {
				return i
			}
			return 0
		}
	}
	return 0
}

// framed passes over the bytes that MessagePack puts before a short text, as
// languages print them: \xa8, \xd9\x20. It returns p if there are none.
func framed(text []byte, p int) int {
	if !hasPrefix(text, p, `\x`) || p+4 > len(text) || !is(text[p+2], hexadecimal) || !is(text[p+3], hexadecimal) {
		return p
	}
	switch text[p+2] {
	case 'a', 'b', 'A', 'B', '0':
		return p + 4
	case 'd', 'D', 'c', 'C':
		for p+4 <= len(text) && hasPrefix(text, p, `\x`) && is(text[p+2], hexadecimal) && is(text[p+3], hexadecimal) {
			p += 4
		}
		if p < len(text) && text[p] == ' ' { // \xd9 and a length that is a space
			p++
		}
	}
	return p
}

// suffixes are what names go on with behind the word that says what they are.
var suffixes = [...]string{
	"value", "string", "text", "plaintext", "plain", "raw", "str", "data", "b64", "base64", "confirmation", "confirm", "again", "repeat", "old", "new", "current",
	"prod", "production", "staging", "dev", "test", "live", "main", "default", "primary", "secondary", "backup", "v1", "v2", "v3", "a", "b",
}

// suffixed returns the end of a name that goes on behind its word at end with a
// suffix or a number: password2, api_key_prod, secretString. It returns end if
// it goes on with anything else.
func suffixed(text []byte, end int) int {
	if is(text[end], lower) {
		return end // tokens
	}
	start := end
	if start < len(text) && (text[start] == '_' || text[start] == '-' || text[start] == '.') {
		start++
	}
	if stop := run(text, start, digit); stop > start && stop-start <= 2 && (stop == len(text) || !is(text[stop], identifier)) {
		return stop
	}
	for _, suffix := range suffixes {
		if hasPrefix(text, start, suffix) && (start > end || is(text[start], upper)) {
			if stop := start + len(suffix); stop == len(text) || !is(text[stop], identifier) {
				return stop
			}
		}
	}
	return end
}

// isPassWord reports whether text is what a word of a language that ends with "pass" begins with.
func isPassWord(text []byte) bool {
	switch string(text) {
	case "by", "com", "encom", "tres", "sur", "over", "under", "low", "high", "band", "all", "render", "sub", "multi", "first", "single", "im", "re",
		"mono", "compute", "shadow":
		return true
	}
	return false
}

func passWord(text []byte, from, to int) bool {
	var folded [10]byte
	from = max(from, to-len(folded), runBack(text, to, len(folded), lower|upper))
	for i, c := range text[from:to] {
		folded[i] = fold(c)
	}
	return to == from || isPassWord(folded[:to-from])
}

// skipEmphasis passes over what closes around a name: ** and __ of Markdown, * of
// Lisp, a quotation mark of another script.
func skipEmphasis(text []byte, start, p int) int {
	if p < len(text) && text[p] >= 0x80 && start > 0 && text[start-1] >= 0x80 {
		switch {
		case hasPrefix(text, p, "：") || hasPrefix(text, p, "＝"):
		default:
			return p + markSize(text, p)
		}
	}
	if hasPrefix(text, p, "**:") {
		return p + len("**")
	}
	if p >= len(text) || text[p] != '*' || start == 0 || text[start-1] != '*' {
		return p
	}
	for q := p; q < len(text) && q < p+3; q++ {
		if text[q] != '*' {
			return q
		}
	}
	return p
}

// skipVisibility passes over what PHP says of a member: "name":protected,
// "name":"Class":private.
func skipVisibility(text []byte, p int) int {
	q := p
	if hasPrefix(text, q, ":\"") {
		if end := bytes.IndexByte(text[q+2:min(len(text), q+80)], '"'); end >= 0 {
			q += 2 + end + 1
		}
	}
	for _, word := range [...]string{":protected", ":private", ":public"} {
		if hasPrefix(text, q, word) {
			return q + len(word)
		}
	}
	return p
}

// numbered passes over a number and a colon behind a name: Unseal Key 1: x.
func numbered(text []byte, p int) int {
	if p+3 >= len(text) || text[p] != ' ' && text[p] != '#' || !is(text[p+1], digit) {
		return p
	}
	if end := run(text, p+1, digit); end-p <= 3 && end+1 < len(text) && text[end] == ':' && text[end+1] == ' ' {
		return end + 1
	}
	return p
}

// behindTags passes over up to three tags of HTML or XML that begin at p, the first of
// which closes what the name stands in.
func behindTags(text []byte, p int) int {
	if !hasPrefix(text, p, "</") {
		return p
	}
	q := p
	for range 3 {
		q = skipSpace(text, q)
		if q >= len(text) || text[q] != '<' {
			break
		}
		end := bytes.IndexByte(text[q:min(len(text), q+80)], '>')
		if end < 0 {
			return p
		}
		q += end + 1
	}
	if q = skipSpace(text, q); q < len(text) && text[q] == ':' {
		q = skipSpace(text, q+1)
	}
	return q
}

// isWord is the size of the word "is" of other languages at p, behind which a
// value may stand.
func isWord(text []byte, p int) int {
	if p >= len(text) || text[p] < 0x80 {
		return 0
	}
	for _, is := range [...]string{"是", "为", "為", "は", "が", "은", "는"} {
		if hasPrefix(text, p, is) {
			return len(is)
		}
	}
	return 0
}

// owned passes over whose a secret is: password for bob: x, token of the bot = x.
func owned(text []byte, p int) int {
	if !hasPrefix(text, p, "for ") && !hasPrefix(text, p, "of ") {
		return p
	}
	for q, words := p, 0; q < min(len(text), p+longestBridge) && words < 5; q++ {
		switch c := text[q]; {
		case c == ' ':
			words++
		case c == ':' || c == '=':
			return q + 1
		case !is(c, identifier) && c != '@' && c != '\'' && c != '"':
			return p
		}
	}
	return p
}

// changedFrom passes over "changed from x to" behind a name.
func changedFrom(text []byte, p int) int {
	q := p
	for _, word := range [...]string{"was ", "changed ", "updated ", "from "} {
		if hasPrefix(text, q, word) {
			q += len(word)
		}
	}
	if q == p || !hasPrefix(text, q-len("from "), "from ") {
		return p
	}
	if n := bytes.Index(text[q:min(len(text), q+80)], []byte(" to ")); n > 0 {
		return q + n + len(" to ")
	}
	return p
}

// skipCasts passes over types in parentheses before a value in quotes, as Go's
// dumpers print them: (string) (len=5) "x".
func skipCasts(text []byte, p int) int {
	q := skipSpace(text, p)
	for range 2 {
		if q >= len(text) || text[q] != '(' {
			return p
		}
		end := bytes.IndexByte(text[q:min(len(text), q+24)], ')')
		if end < 0 {
			return p
		}
		if q = skipSpace(text, q+end+1); q < len(text) && text[q] == '"' {
			return q
		}
	}
	return p
}
