package redact

import "bytes"

// hint is a text behind which a password stands as an argument: of a command, a
// directive of a configuration, a table of accounts. No name belongs to it.
type hint struct {
	text   string // lower case
	skip   int    // words between the text and the value
	behind byte   // in the word, the value stands behind the last of these; 0: all of it
	until  byte   // and before this one; 0: to its end
	first  bool   // a quote opens the line
}

var hints = [...]hint{
	// Commands.
	{text: "cargo login "}, {text: "snyk auth "}, {text: "codecov -t "},
	{text: "htpasswd -b ", skip: 2}, {text: "htpasswd -bc ", skip: 2}, {text: "htpasswd -nb ", skip: 1}, {text: "htpasswd -bnbc ", skip: 1},
	{text: "useradd -p "}, {text: "usermod -p "}, {text: "lftp -u ", behind: ','}, {text: "send \""}, {text: "send -- \""},
	{text: "/user:", skip: 1}, {text: "/administrator:", until: '@'}, {text: "add-authtoken "}, {text: "config set token "}, {text: "op_session_", behind: '='}, {text: "login is ", skip: 2}, {text: "option key "}, {text: "uci set ", behind: '='}, {text: "admin / "}, {text: "root / "}, {text: "add_user ", skip: 1}, {text: "net user ", skip: 1}, {text: " /rp "}, {text: "rootpw --plaintext "}, {text: "tf_token_", behind: '='}, {text: "change_password ", skip: 1},
	{text: " /p:"}, {text: " -p "}, {text: "<<< "}, {text: " --value "}, {text: "wpa_passphrase ", skip: 1}, {text: "--encrypt "},

	// Directives.
	{text: "createuser ", skip: 2}, {text: "rocommunity "}, {text: "rwcommunity "}, {text: "community "}, {text: " secret 0 "}, {text: " secret 5 "}, {text: " password 0 "}, {text: " password 7 "},
	{text: "response=\""}, {text: " on >"}, {text: "psk \""}, {text: "eap \""}, {text: "xauth \""}, {text: "\"auth\" \""}, {text: "\" \"", first: true}, {text: "\" * \"", first: true}, {text: "server key "}, {text: "server key 7 "}, {text: "key-string "},

	// Tables: .pgpass, maps of Postfix.
	{text: ":5432:", behind: ':'}, {text: ":3306:", behind: ':'}, {text: "*:*:", behind: ':'}, {text: ":*:*:", behind: ':'},
	{text: "]:587 ", skip: 0, behind: ':'}, {text: "]:465 ", behind: ':'}, {text: "]:25 ", behind: ':'}, {text: ":587 ", behind: ':'},
	{text: "__com: \"", behind: ':'}, {text: "__com=", behind: ':'}, {text: "__io: \"", behind: ':'}, {text: "__io=", behind: ':'}, {text: "__org=", behind: ':'}, {text: "__dev=", behind: ':'},
}

// match judges what stands behind the text, which ends at p.
func (h *hint) match(text []byte, p int) (span, bool) {
	from := p
	if h.first && text[0] != '"' {
		return span{}, false
	}
	text = text[:min(len(text), p+commandReach)]
	for range h.skip {
		_, p = skipQuote(text, skipSpace(text, p))
		end := argumentEnd(text, p)
		if _, next := skipQuote(text, end); end == p || end == len(text) || text[end] == '\\' && next == end {
			return span{}, false
		} else {
			p = next
		}
		if skipSpace(text, p) == p {
			return span{}, false
		}
	}
	_, p = skipQuote(text, skipSpace(text, p))
	stop := argumentEnd(text, p)
	if h.until != 0 {
		n := bytes.LastIndexByte(text[p:stop], h.until)
		if n < 0 {
			return span{}, false
		}
		stop = p + n
	}
	if h.behind != 0 {
		n := bytes.LastIndexByte(text[p:stop], h.behind)
		if n <= 0 {
			return span{}, false
		}
		if p += n + 1; p == stop {
			_, p = skipQuote(text, p)
			stop = argumentEnd(text, p)
		}
	}
	v := text[p:stop]
	if len(v) > 0 && (v[0] == '/' || v[0] == '~' || v[0] == '.') || len(v) < 6 || isPlaceholder(v) || isReference(v) || isPath(v) || !random(v) && !chosen(v) {
		return span{}, false
	}
	return span{from: from, start: p, end: stop}, true
}

// chosen reports whether t looks as people choose a password when they are told
// how: letters of both cases and digits, or a sign that names have not.
func chosen(t []byte) bool {
	if len(t) < 8 || len(t) > 64 {
		return false
	}
	digits, capitals, small, signs := 0, 0, 0, 0
	for _, c := range t {
		switch {
		case c <= ' ' || c >= 0x7f:
			return false
		case is(c, digit):
			digits++
		case is(c, upper):
			capitals++
		case is(c, lower):
			small++
		case c == '/' || c == ':' || c == '(' || c == ')' || c == '=' || c == '[' || c == '{' || c == '"' || c == '<' || c == '>' || c == '\\':
			return false // code, a time, a path
		case c != '.' && c != '-' && c != '_' && c != ',' && c != ';':
			signs++
		}
	}
	if digits < 2 || small < 2 || is(t[0], digit) && (bytes.IndexByte(t, '.') > 0 || bytes.IndexByte(t, '-') > 0) { // too few, or a version

		return false
	}
	return capitals > 0 && len(t) >= 10 || capitals+signs > 1 && (signs > 0 || digits > 2)
}
