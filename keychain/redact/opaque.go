package redact

import "bytes"

// Keys of issuers that nobody listed. A request's number, a digest and a key are
// all random; what tells them apart is the word before and the length: what is
// public is short, of one case, or behind a word that says so.

const (
	// issuedBody is how many random characters follow a word that says that it
	// is a key (live_, pat_), or more.
	issuedBody = 16
	// unknownBody is the same behind a word that says nothing. Identifiers of
	// requests, messages and payments have at most 24 (Stripe, Anthropic).
	unknownBody = 28
	longestBody = 256
	longestWord = 16 // bytes of the words before, together
)

// prefixed judges whether the long run line[start:stop] is a word, _ or -, and
// letters and digits as only a random generator makes them.
func prefixed(line []byte, start, stop int) (span, bool) {
	if run(line, start, lower|digit) == stop {
		return span{}, false // the digits of a hash
	}
	if found, ok := standardBody(line, start, stop); ok {
		return found, true
	}
	if n := bytes.LastIndexAny(line[start:stop], "=/+"); n >= 0 {
		// A name and a path may stand before: NAME=word_x, /v1/word_x.
		if tail := bytes.TrimRight(line[start:stop], "="); len(tail) == n || bytes.IndexByte(line[start:start+n], '+') >= 0 {
			return span{}, false
		}
		start += n + 1
	}
	start = behindEscape(line, start, stop)
	end, issued, ok := label(line, start, stop)
	if !ok {
		return span{}, false
	}
	body := line[end+1 : stop]
	least := unknownBody
	if issued {
		least = issuedBody
	}
	if len(body) < least || len(body) > longestBody || isOpenPrefix(line[start:end]) || endsFileName(line, stop) {
		return span{}, false
	}
	if string(line[start:end]) == "key" && len(body) <= 40 && isHash(body) { // of a cache
		return span{}, false
	}
	if !opaque(body, issued) || !boundary(line, start) {
		return span{}, false
	}
	return span{from: start, start: start, end: stop}, true
}

// standardBody judges a body in the alphabet of standard base64, which paths and
// names have too: qstash_x/y+z.
func standardBody(line []byte, start, stop int) (span, bool) {
	start = behindEscape(line, start, stop)
	if n := stop - start; n > 0 && line[start] == 'S' && (n == 56 || n == 58) && run(line, start, base32) == stop && boundary(line, start) { // seeds of Stellar and NATS
		return span{from: start, start: start, end: stop}, true
	}
	if isMailgun(line[start:stop]) && boundary(line, start) {
		return span{from: start, start: start, end: stop}, true
	}
	if start > 1 && line[start-1] == '|' && is(line[start-2], digit) && stop-start >= 27 && opaque(line[start:stop], false) { // 12|x of Laravel, app|x of Facebook
		if from := runBack(line, start-1, 20, digit); boundary(line, from) {
			return span{from: from, start: from, end: stop}, true
		}
	}
	end, issued, ok := label(line, start, stop)
	if !ok || issued || stop-end <= unknownBody || stop-end > longestBody || isOpenPrefix(line[start:end]) || !boundary(line, start) {
		return span{}, false
	}
	body := bytes.TrimRight(line[end+1:stop], "=")
	if bytes.IndexByte(body, '=') >= 0 || !bytes.ContainsAny(body, "+/") || count(body, underscore|dash) > 0 || !isMixed(body) || !isScattered(body) || endsFileName(line, stop) {
		return span{}, false
	}
	return span{from: start, start: start, end: stop}, true
}

// isMailgun: 32, 8 and 8 digits of base 16.
func isMailgun(t []byte) bool {
	return len(t) == 50 && t[32] == '-' && t[41] == '-' && run(t, 0, hexadecimal) == 32 && run(t, 33, hexadecimal) == 41 && run(t, 42, hexadecimal) == 50
}

// label reads the words before a body: of two letters to sixteen, with _ or -
// between them. issued says that one of them names a key.
func label(line []byte, start, stop int) (end int, issued, ok bool) {
	end = run(line, start, lower|digit)
	for parts, from := 0, start; ; parts++ {
		issued = issued || end <= stop && isIssuedWord(line[from:end])
		if end-start < 2 || end-start > longestWord || end >= stop || line[end] != '_' && line[end] != '-' || !is(line[start], lower) {
			return 0, false, false
		}
		next := run(line, end+1, lower|digit)
		if parts < 3 && next < stop && (line[next] == '_' || line[next] == '-') && next-end <= 9 {
			from, end = end+1, next
			continue
		}
		return end, issued, true
	}
}

// opaque reports whether a body is random: digits and letters of both cases in
// both halves, as words that were joined have not. Behind a word that names a key
// also one case will do.
func opaque(body []byte, issued bool) bool {
	digits := count(body, digit)
	if issued && len(body) >= 24 && digits*8 > len(body) &&
		(run(body, 0, lower|digit) == len(body) || run(body, 0, upper|digit) == len(body)) {
		return digits < len(body)
	}
	if isUUID(body) {
		return issued
	}
	for _, half := range [...][]byte{body[:len(body)/2], body[len(body)/2:]} {
		if count(half, lower) < 2 || count(half, upper) < 2 {
			return false
		}
	}
	if hasWord(body) {
		return false
	}
	return digits >= 2 && (isScattered(body) || isMixed(body)) && count(body, underscore|dash)*8 <= len(body)
}

// hasWord reports whether _ or - cut a word out of t: six small letters or more.
func hasWord(t []byte) bool {
	for i := 0; i < len(t); {
		stop := run(t, i, alphanumeric)
		if stop-i >= 6 && stop-i < len(t) && run(t, i+1, lower) == stop {
			return true
		}
		i = stop + 1
	}
	return false
}

// endsFileName: what stands at stop is a file's extension.
func endsFileName(line []byte, stop int) bool {
	if stop >= len(line) || line[stop] != '.' {
		return false
	}
	end := run(line, stop+1, lower|digit)
	return end-stop > 1 && end-stop <= 6
}

// dottedToken judges whether the run line[start:stop] is a token of parts with
// dots between them: two random ones, or a random one behind short words of which
// one names a key, such as st.prod.x. What has a file's extension or is a host's name is none.
func dottedToken(line []byte, start, stop int) (span, bool) {
	if n := bytes.LastIndexAny(line[start:stop], "=/+"); n >= 0 && n < stop-start-1 {
		start += n + 1
	}
	start = behindEscape(line, start, stop)
	if stop-start < unknownBody || !boundary(line, start) {
		return span{}, false
	}
	randoms, size, issued, named, words := 0, 0, false, false, 0
	last := stop
	if stop < len(line) && line[stop] == ':' { // id.secret:key
		if end := run(line, stop+1, alphanumeric|padding); end-stop > 22 && line[end-1] == '=' {
			randoms, size, last = 1, end-stop, end
		}
	}
	tail := last > stop
	for i := start; i < stop; {
		end := stop
		if n := bytes.IndexByte(line[i:stop], '.'); n >= 0 {
			end = i + n
		}
		part := line[i:end]
		switch {
		case len(part) >= 20 && len(part) <= longestBody && (opaque(part, false) || isHash(part) && randoms+words > 0):
			randoms, size = randoms+1, size+len(part)
			if !tail {
				last = end
			}
		case isUUID(part):
			words++
		case len(part) >= 1 && len(part) <= 10 && run(part, 0, lower|digit|dash) == len(part):
			if randoms > 0 && !tail {
				named = true // a file, a host
			}
			issued = issued || isIssuedWord(part)
			words++
		case len(part) < 6 || run(part, 0, wordDash) != len(part):
			return span{}, false
		}
		i = end + 1
	}
	if named && (randoms < 3 || size < 60) {
		return span{}, false
	}
	if randoms >= 2 && size >= 50 || randoms == 1 && (issued && size >= 32 || words >= 1 && words <= 2 && size >= 40 && last-start <= size+words*6) {
		return span{from: start, start: start, end: last}, true
	}
	return span{}, false
}

// accountToken finds a token of Asana, 2/account/account:x, of which line[start:stop]
// is what stands before the colon.
func accountToken(line []byte, start, stop int) (span, bool) {
	end := run(line, stop+1, hexadecimal)
	if start = max(start, runBack(line, stop, 64, digit|slash)); stop-start < 24 || bytes.Count(line[start:stop], []byte("/")) != 2 || end-stop != 33 {
		return span{}, false
	}
	return span{from: start, start: start, end: end}, true
}

// isHash: 20 digits of base 16 or more.
func isHash(t []byte) bool {
	return len(t) >= 20 && run(t, 0, hexadecimal) == len(t) && count(t, digit) > 2 && count(t, lower|upper) > 2
}

// isIssuedWord reports whether text is a word before a key that says that it is one.
func isIssuedWord(text []byte) bool {
	switch string(text) {
	case "live", "prod", "production", "secret", "sec", "key", "token", "tok", "api", "pat", "pats", "sk", "auth", "oauth", "private", "priv", "access", "refresh", "admin",
		"apikey", "sat", "aat", "sandbox", "test", "pw", "cred", "creds", "sess", "service", "webhook":
		return true
	}
	return bytes.HasSuffix(text, []byte("key")) && len(text) > 5 || bytes.HasSuffix(text, []byte("token")) || bytes.HasSuffix(text, []byte("secret"))
}

// isOpenPrefix reports whether text stands before what is long, random and no secret: digests, public
// identifiers.
func isOpenPrefix(text []byte) bool {
	switch string(text) {
	case "sha1", "sha256", "sha384", "sha512", "md5", "h1", "pk", "pub", "public", "nonce", "pk_live", "pk_test", "id", "etag", "hash", "digest",
		"cs_live", "cs_test", "chunk", "build", "trace", "span", "req", "request", "msg", "resp", "call", "run", "job", "sb_publishable",
		"toolu", "chatcmpl", "file", "thread", "asst", "step", "batch", "vs", "org", "proj", "project", "user", "cus", "pi", "ch", "sub", "evt", "acct", "seti",
		"phc", "client", "commit", "index", "main", "app", "page", "asset", "image", "img", "layer", "blob", "rs", "fp", "rec", "cursor", "upload", "session_cache", "ws", "wamid", "boundary":
		return true
	}
	return bytes.HasPrefix(text, []byte("pk_")) || bytes.HasPrefix(text, []byte("pub_")) || bytes.HasPrefix(text, []byte("public"))
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
