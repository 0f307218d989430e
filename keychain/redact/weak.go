package redact

import "bytes"

// Where a name and a value stand side by side, and nothing says that they
// belong together, only a value that looks random is one: ENV API_KEY x, a row
// of a table, a list of words.

// weakSeparator reads what such a place has between a name and a value.
func weakSeparator(text []byte, p int, n name, keyQuote quote) (sepKind, int) {
	after := skipSpace(text, p)
	for stop := min(len(text), p+longestBridge); after > p && after < stop && text[after] == ' '; after++ { // a column
	}
	if after >= len(text) {
		return sepNone, p
	}
	if size := isWord(text, after); size > 0 { // 密码是
		return sepColon, after + size
	}
	if hasPrefix(text, after, "│") || hasPrefix(text, after, "┃") || hasPrefix(text, after, "║") {
		return sepColon, after + len("│")
	}
	if dots := run(text, after, dot); dots-after >= 3 && dots < len(text) && text[dots] == ' ' { // secret ..... x
		return sepColon, dots
	}
	if next := behindTags(text, after); next > after { // <td>token</td><td>x</td>
		return sepColon, next
	}
	if next := changedFrom(text, after); next > after {
		return sepColon, next
	}
	if next := owned(text, after); next > after && after > p {
		return sepColon, next
	}
	switch c := text[after]; {
	case keyQuote.char != 0 && c == ',': // ["x-api-key", "x"]
		return sepColon, after + 1
	case c == ',' && hasPrefix(text, after, ",parametervalue="): // ParameterKey=Password,ParameterValue=x
		return sepEquals, after + len(",parametervalue=")
	case c == ',' && hasPrefix(text, skipSpace(text, after+1), "value:"): // {name: API_KEY, value: x}
		return sepColon, skipSpace(text, after+1) + len("value:")
	case c == '|' && !hasPrefix(text, after, "||"): // | api_key | x |
		return sepColon, after + 1
	case keyQuote.char != 0 && c == '\\': // name=\"password\"\r\n\r\nx
		return formValue(text, after)
	case keyQuote.char != 0 || after == p:
		return sepNone, p
	case c == '(': // password (new): x
		end := after
		for stop := min(len(text), after+24); end < stop && text[end] != ')'; {
			end++
		}
		if end+1 < len(text) && text[end] == ')' && text[end+1] == ':' {
			return sepColon, end + 2
		}
		return sepNone, p
	case is(c, word|padding), c == '"', c == '\'': // ENV API_KEY x, setx API_KEY "x", password x
		return sepColon, after
	}
	return sepNone, p
}

// formValue passes over the empty line before a value of a form, as escapes.
func formValue(text []byte, p int) (sepKind, int) {
	lines := 0
	q := p
	for q+1 < len(text) && text[q] == '\\' && (text[q+1] == 'r' || text[q+1] == 'n') {
		if text[q+1] == 'n' {
			lines++
		}
		q += 2
	}
	if lines == 2 {
		return sepColon, q
	}
	return sepNone, p
}

// random reports whether a value looks as no word, name, version or date does:
// a stretch of ten letters and digits or more, mixed.
func random(t []byte) bool {
	if isMixed(t) {
		return true
	}
	for len(t) > 0 && (t[len(t)-1] == '!' || t[len(t)-1] == '?' || t[len(t)-1] == '#') {
		t = t[:len(t)-1]
	}
	if run(t, 0, wordDash|dot|padding) != len(t) {
		return false
	}
	for i := 0; i < len(t); {
		stop := run(t, i, alphanumeric)
		part := t[i:stop]
		digits := count(part, digit)
		letters := len(part) - digits
		changes := 0
		for j := 1; j < len(part); j++ {
			if classes[part[j-1]]&alphanumeric != classes[part[j]]&alphanumeric {
				changes++
			}
		}
		if len(part) >= 10 && digits >= 2 && letters >= 3 && changes >= 2 {
			return true
		}
		i = stop + 1
	}
	return isSerial(t) || isScattered(t) || isUUID(t)
}

// isMixed: letters of both cases, in neither of which words are written so, and a
// digit.
func isMixed(t []byte) bool {
	if len(t) < 20 {
		return false
	}
	capitals, small := count(t, upper), count(t, lower)
	return run(t, 0, wordDash|padding) == len(t) && count(t, digit) > 0 && capitals*3 > small && small*3 > capitals && capitals >= 5
}

// isScattered: digits in three places or more among letters of both cases, also
// where - and _ cut them into short stretches.
func isScattered(t []byte) bool {
	if len(t) < 16 || count(t, lower) < 3 || count(t, upper) < 3 {
		return false
	}
	places := 0
	for i, c := range t {
		if is(c, digit) && i > 0 && is(t[i-1], lower|upper) {
			places++
		}
	}
	return places >= 3
}

// isResourceName: web-7d9f8b6c5d-x2k4z, as clusters name what they start: a word before
// what is random.
func isResourceName(t []byte) bool {
	first := run(t, 0, lower)
	return first >= 3 && first < len(t) && t[first] == '-' && run(t, 0, lower|digit|dash) == len(t) && !isUUID(t)
}

// isSerial: AB3CD-E5FGH-1JKLM, groups as of a licence.
func isSerial(t []byte) bool {
	groups := 0
	for i := 0; i <= len(t); groups++ {
		stop := run(t, i, upper|digit)
		if stop-i < 4 || stop < len(t) && t[stop] != '-' {
			return false
		}
		i = stop + 1
	}
	return groups >= 3 && count(t, digit) >= 1 && count(t, upper) >= 4
}

// skipType passes over a type between a name and its value: key: string = "x".
func skipType(text []byte, p int) int {
	if bytes.IndexByte(text[min(p, len(text)):min(len(text), p+longestBridge+2)], '=') < 0 {
		return p
	}
	for q, end := p, min(len(text), p+longestBridge); q < end && (is(text[q], word) || bytes.IndexByte([]byte(" <>[]&'*?|"), text[q]) >= 0); q++ {
		if q > p && hasPrefix(text, q, " = \"") { // token: Option<String> = "x"
			return q + len(" =")
		}
	}
	start := skipSpace(text, p)
	stop := run(text, start, word)
	if stop == start || !isWordList(text[start:stop]) {
		return p
	}
	if q := skipSpace(text, stop); q+1 < len(text) && text[q] == '=' && text[q+1] != '=' && text[q+1] != '>' {
		return q + 1
	}
	return p
}

// inARN: arn:aws:secretsmanager:region:account:secret:name says where a secret
// is.
func inARN(text []byte, i int) bool {
	if i == 0 || text[i-1] != ':' {
		return false
	}
	for stop := max(i-128, 0); i > stop && text[i-1] > ' '; {
		i--
		if hasPrefix(text, i, "arn:") {
			return true
		}
	}
	return false
}

// login judges what follows curl's --user and -u: the password of
// user:password.
func login(text []byte, start int) (span, bool) {
	p := skipSpace(text, start)
	q, p := skipQuote(text, p)
	stop := p
	for stop < len(text) && text[stop] > ' ' && text[stop] != '"' && text[stop] != '\'' && text[stop] != '\\' {
		stop++
	}
	colon := bytes.IndexByte(text[p:stop], ':')
	if colon <= 0 || q.entity {
		return span{}, false
	}
	password := text[p+colon+1 : stop]
	digits := count(password, digit)
	if len(password) < 6 || digits == 0 || digits == len(password) || isPlaceholder(password) || isReference(password) {
		return span{}, false
	}
	return span{from: p, start: p + colon + 1, end: stop}, true
}

// argument judges what follows a flag that takes nothing but a password.
func argument(text []byte, start int) (span, bool) {
	at := skipSpace(text, start)
	for flagged := true; flagged && at < len(text) && text[at] == '-'; { // -AsPlainText "x"
		end := run(text, at, wordDash)
		next := skipSpace(text, end)
		if flagged = next > end; !flagged || next == len(text) || text[next] != '"' && text[next] != '\'' && text[next] != '-' {
			return span{}, false
		}
		at = next
	}
	_, p := skipQuote(text, at)
	stop := argumentEnd(text, p)
	if v := text[p:stop]; len(v) < 4 || isPlaceholder(v) || isReference(v) {
		return span{}, false
	}
	return span{from: start, start: p, end: stop}, true
}
