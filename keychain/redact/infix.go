package redact

import "bytes"

// infix is a text in the middle of an issuer's keys, and what they have on both
// sides of it.
type infix struct {
	text     string // as it stands
	back     uint16 // alphabet before
	min, max int    // bytes before
	forward  uint16 // alphabet behind
	least    int    // bytes behind
	most     int
}

var infixes = [...]infix{
	{text: ".atlasv1.", back: alphanumeric, min: 14, max: 14, forward: wordDash, least: 40, most: 90},                   // HCP Terraform
	{text: ":APA91b", back: wordDash, min: 11, max: 160, forward: wordDash, least: 100, most: 200},                      // Firebase
	{text: "%3AAPA91b", back: wordDash, min: 11, max: 160, forward: wordDash, least: 100, most: 200},                    // in a query
	{text: "JQQJ99", back: alphanumeric, min: 52, max: 52, forward: alphanumeric, least: 26, most: 26},                  // Azure, since 2024
	{text: "AZDO", back: alphanumeric, min: 76, max: 76, forward: alphanumeric, least: 4, most: 4},                      // Azure DevOps
	{text: "+ASt", back: alphanumeric | padding, min: 76, max: 76, forward: alphanumeric | padding, least: 6, most: 10}, // Azure Storage
	{text: "AzFu", back: wordDash, min: 44, max: 44, forward: wordDash | padding, least: 6, most: 10},                   // Azure Functions
	{text: "AzSe", back: alphanumeric, min: 42, max: 42, forward: alphanumeric, least: 6, most: 6},                      // Azure AI Search
	{text: "ACDb", back: alphanumeric | padding, min: 76, max: 76, forward: alphanumeric | padding, least: 6, most: 10}, // Cosmos DB
	{text: "-us", back: hexadecimal, min: 32, max: 32, forward: digit, least: 1, most: 2},                               // Mailchimp
}

// match judges a hit of the text at [start, end).
func (f *infix) match(text []byte, start, end int, past *runs) (span, bool) {
	if string(text[start:end]) != f.text {
		return span{}, false
	}
	from := runBack(text, start, f.max, f.back)
	if start-from < f.min || from > 0 && start-from == f.max && f.min == f.max && !boundary(text, from) {
		return span{}, false
	}
	stop := past.run(text, end, f.forward)
	if stop-end < f.least || stop-end > f.most || stop < len(text) && is(text[stop], word) {
		return span{}, false
	}
	if f.text == "-us" && count(text[from:start], digit) < 4 {
		return span{}, false
	}
	return span{from: from, start: from, end: stop}, true
}

// prefixed judges whether the long run line[start:stop] is a key of an issuer
// that nobody listed: a short word, _ or -, and at least 32 letters and digits
// as only a random generator makes them. Identifiers of requests and messages are
// shorter or of one case, and the words before hashes are known.
func prefixed(line []byte, start, stop int) (span, bool) {
	if run(line, start, lower|digit) == stop {
		return span{}, false // the digits of a hash
	}
	if n := bytes.LastIndexAny(line[start:stop], "=/+"); n >= 0 {
		// A name and a path may stand before: NAME=word_x, /v1/word_x.
		if tail := bytes.TrimRight(line[start:stop], "="); len(tail) == n || bytes.IndexByte(line[start:start+n], '+') >= 0 {
			return span{}, false
		}
		start += n + 1
	}
	start = behindEscape(line, start, stop)
	end := run(line, start, lower|digit)
	issued := false // one of the words before says that it is a key
	for parts, from := 0, start; ; parts++ {
		issued = issued || end <= stop && isIssuedWord(line[from:end])
		if end-start < 2 || end-start > 16 || end >= stop || line[end] != '_' && line[end] != '-' || !is(line[start], lower) {
			return span{}, false
		}
		next := run(line, end+1, lower|digit)
		if parts < 3 && next < stop && (line[next] == '_' || line[next] == '-') && next-end <= 9 {
			from, end = end+1, next
			continue
		}
		break
	}
	body := line[end+1 : stop]
	if len(body) < 32 || len(body) > 256 || isOpenPrefix(line[start:end]) {
		return span{}, false
	}
	if stop < len(line) && line[stop] == '.' {
		if end := run(line, stop+1, lower|digit); end-stop > 1 && end-stop <= 6 {
			return span{}, false // a file's name
		}
	}
	if issued && run(body, 0, lower|digit) == len(body) && count(body, digit)*8 > len(body) {
		return span{from: start, start: start, end: stop}, boundary(line, start)
	}
	// Digits and letters of both cases in both halves; words
	// that were joined have none or few digits.
	for _, half := range [...][]byte{body[:len(body)/2], body[len(body)/2:]} {
		if count(half, lower) < 2 || count(half, upper) < 2 {
			return span{}, false
		}
	}
	if count(body, digit) < 2 || !isScattered(body) && !isMixed(body) || count(body, underscore|dash)*8 > len(body) {
		return span{}, false
	}
	if !boundary(line, start) {
		return span{}, false
	}
	return span{from: start, start: start, end: stop}, true
}

// isIssuedWord reports whether text is a word before a key that says that it is one.
func isIssuedWord(text []byte) bool {
	switch string(text) {
	case "live", "prod", "secret", "key", "token", "api", "pat", "sk", "auth", "oauth", "private", "access", "refresh", "admin", "apikey":
		return true
	}
	return false
}

// behindEscape is where a run begins that an escape ends in: the letter of \n, the
// digits of %3D, the numbers of a colour.
func behindEscape(line []byte, start, stop int) int {
	if start > 0 && line[start-1] == '\\' {
		return start + 1
	}
	for i := start + 1; i <= min(start+4, stop); i++ {
		if is(line[start], digit) && ansiEnds(line, i) || i == start+2 && percentEnds(line, i) {
			return i
		}
	}
	return start
}

// isOpenPrefix reports whether text stands before what is long, random and no secret: digests, public
// identifiers.
func isOpenPrefix(text []byte) bool {
	switch string(text) {
	case "sha1", "sha256", "sha384", "sha512", "md5", "h1", "pk", "pub", "public", "nonce", "pk_live", "pk_test", "id", "etag", "hash", "digest",
		"cs_live", "cs_test", "chunk", "build", "trace", "span", "req", "request", "msg", "resp", "call", "run", "job", "sb_publishable":
		return true
	}
	return false
}

// baseToken finds a personal token of Airtable, patXXXXXXXXXXXXXX.(64 digits of
// base 16), of which line[start:stop] is the part behind the dot.
func baseToken(line []byte, start, stop int) (span, bool) {
	from := start - len("pat.") - 14
	if stop-start < 64 || from < 0 || line[start-1] != '.' || string(line[from:from+3]) != "pat" || !boundary(line, from) ||
		run(line, from, alphanumeric) != start-1 || run(line, start, hexadecimal) < start+64 {
		return span{}, false
	}
	return span{from: from, start: from, end: start + 64}, true
}
