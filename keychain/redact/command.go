package redact

import "bytes"

// Secrets in the arguments of commands, where a letter is the only name.

// flag is an option of one letter that takes a password in some commands.
type flag struct {
	letter   byte
	glued    bool // -pSECRET, with no space between
	behind   byte // the password stands behind this one in the value; 0: all of it
	commands []string
}

var flags = [...]flag{
	{letter: 'p', glued: true, commands: []string{"mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlcheck", "mariadb", "mariadb-dump", "mycli", "7za", "7zz", "7z", "unrar"}},
	{letter: 'P', glued: true, commands: []string{"bcp"}},
	{letter: 'p', commands: []string{"login", "mongo", "mongosh", "mongodump", "mongorestore", "mongoexport", "mongoimport", "cqlsh", "rabbitmqadmin", "twine"}},
	{letter: 'a', commands: []string{"redis-cli", "valkey-cli", "keydb-cli"}},
	{letter: 'P', commands: []string{"unzip", "zip", "sqlcmd", "isql", "tsql", "ipmitool", "ssh-keygen"}},
	{letter: 'w', commands: []string{"ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldapwhoami", "ldappasswd"}},
	{letter: 'N', commands: []string{"ssh-keygen"}},
	{letter: 'k', commands: []string{"openssl"}},
	{letter: 'U', behind: '%', commands: []string{"smbclient", "rpcclient", "smbget"}},
}

// commandReach is how far behind a command its option is looked for, in bytes.
const commandReach = 160

// commandValue judges the options of a command that ends before p.
func commandValue(text []byte, p int, command string, f *flag) (span, bool) {
	if start := p - len(command) - 1; start > 0 && is(text[start-1], identifier) {
		return span{}, false
	}
	for stop := min(len(text)-2, p+commandReach); p <= stop; p++ {
		switch text[p-1] {
		case ';', '|', '&', '\n':
			return span{}, false
		case ' ':
			if text[p] == '-' && text[p+1] == f.letter {
				if found, ok := flagValue(text, p+2, f); ok {
					return found, true
				}
			}
		}
	}
	return span{}, false
}

// flagValue judges what follows " -x" at p.
func flagValue(text []byte, p int, f *flag) (span, bool) {
	spaced := skipSpace(text, p)
	if f.glued == (spaced > p) {
		return span{}, false
	}
	from := p
	_, p = skipQuote(text, spaced)
	stop := argumentEnd(text, p)
	if f.behind != 0 {
		n := bytes.IndexByte(text[p:stop], f.behind)
		if n < 0 {
			return span{}, false
		}
		p += n + 1
	}
	v := text[p:stop]
	if len(v) < 4 || count(v, digit)+count(v, dot) == len(v) || v[0] == '-' && len(v) < 16 || isPlaceholder(v) || isReference(v) || isPath(v) || isReplaced(v, 0, "[REDACTED]") {
		return span{}, false
	}
	return span{from: from, start: p, end: stop}, true
}

// argumentEnd is where an argument of a command ends.
func argumentEnd(text []byte, p int) int {
	for p < len(text) && text[p] > ' ' && text[p] != '"' && text[p] != '\'' && text[p] != '\\' {
		p++
	}
	return p
}

// assigned reports whether the name at p stands behind a command that sets a
// variable and has no sign between name and value.
func assigned(text []byte, p int) bool {
	if p == 0 || text[p-1] != ' ' {
		return false
	}
	if p == 0 || text[p-1] != ' ' {
		return false
	}
	for _, command := range [...]string{"setenv ", "set -x ", "set -gx ", "set -ux ", "set -ugx ", "setx ", "#define ", "env ", "arg "} {
		if start := p - len(command); start >= 0 && hasPrefix(text, start, command) && boundary(text, start) {
			return true
		}
	}
	return false
}

// registryValue passes over the type of a value of the Windows registry, as reg
// prints it and takes it: REG_SZ x, /t REG_SZ /d x. It returns p if none is there.
func registryValue(text []byte, p int) int {
	if p >= len(text) || text[p] != '/' && fold(text[p]) != 'r' {
		return p
	}
	q := p
	if hasPrefix(text, q, "/t ") {
		q += len("/t ")
	}
	if hasPrefix(text, q, "reg_") {
		q = skipSpace(text, run(text, q, word))
	}
	if hasPrefix(text, q, "/d ") {
		return q + len("/d ")
	}
	if q > p && text[p] != '/' {
		return q
	}
	return p
}

// passArgument reports whether "pass" at [start, end) is an argument's name:
// openssl's -passin pass:x, Windows' /pass:x.
func passArgument(text []byte, start, end int) bool {
	if end+1 >= len(text) || text[end] != ':' || text[end+1] <= ' ' || start == 0 {
		return false
	}
	if text[start-1] == '/' {
		return start < 2 || text[start-2] <= ' '
	}
	for _, option := range [...]string{"-passin ", "-passout ", "-pass ", "-password "} {
		if at := start - len(option); at >= 0 && hasPrefix(text, at, option) {
			return true
		}
	}
	return false
}

// sourceName judges what stands before "@tcp(", which begins before p: the
// password of Go's user:password@tcp(host).
func sourceName(text []byte, p int) (span, bool) {
	end := bytes.LastIndexByte(text[:p], '@')
	start := end
	for stop := max(end-128, 0); start > stop && text[start-1] > ' ' && text[start-1] != '"' && text[start-1] != '\'' && text[start-1] != '`'; {
		start--
	}
	colon := bytes.IndexByte(text[start:end], ':')
	if colon < 0 || colon+1 == end-start {
		return span{}, false
	}
	// dsn:user:password, dsn=user:password: what is not of the user stays
	password := text[start+colon+1 : end]
	if isPlaceholder(password) || isReference(password) || bytes.HasPrefix(password, []byte("[REDACTED")) {
		return span{}, false
	}
	if text[p-1] == '/' && !chosen(password) && !random(password) { // root:x@/app has no protocol that says what it is
		return span{}, false
	}
	return span{from: start, start: start + colon + 1, end: end}, true
}

// slashLogin judges user/password@ at p, as Oracle's clients take it.
func slashLogin(text []byte, p int) (span, bool) {
	_, p = skipQuote(text, skipSpace(text, p))
	for hasPrefix(text, p, "-") { // sqlplus -s
		p = skipSpace(text, run(text, p, wordDash))
	}
	user := run(text, p, identifier)
	if user == p || user >= len(text) || text[user] != '/' {
		return span{}, false
	}
	stop := argumentEnd(text, user+1)
	at := bytes.LastIndexByte(text[user+1:stop], '@')
	if at < 0 {
		at = stop - user - 1
	}
	v := text[user+1 : user+1+at]
	if len(v) < 3 || isPlaceholder(v) || isReference(v) || bytes.HasPrefix(v, []byte("[REDACTED")) {
		return span{}, false
	}
	return span{from: p, start: user + 1, end: user + 1 + at}, true
}

// cookies finds the opaque values of a Cookie or Set-Cookie header that begins
// at p. A line is read once, however often the word stands in it.
func cookies(text []byte, p int, past *runs, spans []span) []span {
	if q, next := skipQuote(text, skipSpace(text, p)); q.char != 0 {
		p = next
	}
	for p = max(p, past.cookies); p < len(text); {
		p = skipSpace(text, p)
		nameEnd := run(text, p, identifier)
		if nameEnd == p || nameEnd == len(text) || text[nameEnd] != '=' {
			break
		}
		stop := nameEnd + 1
		for stop < len(text) && text[stop] > ' ' && text[stop] != ';' && text[stop] != '"' && text[stop] != '\'' && text[stop] != '\\' && text[stop] != ',' {
			stop++
		}
		if v := text[nameEnd+1 : stop]; namesSession(text[p:nameEnd]) && len(v) >= 8 && count(v, digit) >= 2 && count(v, lower|upper) >= 2 && v[0] != '[' && !isPlaceholder(v) && !isReference(v) {
			spans = append(spans, span{from: nameEnd + 1, start: nameEnd + 1, end: stop})
		} else if len(v) >= 20 && len(v) < 4096 && count(v, digit) >= 2 && count(v, lower|upper) >= 2 && random(firstOf(v)) && v[0] != '[' && bytes.IndexByte(v, ':') < 0 {
			spans = append(spans, span{from: nameEnd + 1, start: nameEnd + 1, end: stop})
		}
		if stop >= len(text) || text[stop] != ';' {
			p = stop
			break
		}
		p = stop + 1
	}
	past.cookies = p
	return spans
}

// namesSession reports whether a cookie's name says that it is one of a session.
func namesSession(t []byte) bool {
	for _, end := range [...]string{"session", "sessionid", "sess", "sid", ".sid", "auth", "token", "jwt"} {
		if len(t) >= len(end) && hasPrefix(t, len(t)-len(end), end) {
			return true
		}
	}
	return false
}

// firstOf is the part of a cookie's value before its first escape: s%3Ax.y.
func firstOf(v []byte) []byte {
	if n := bytes.IndexByte(v, '%'); n >= 16 {
		return v[:n]
	} else if n >= 0 && n+3 < len(v) {
		rest := v[n+3:]
		if m := bytes.IndexByte(rest, '%'); m > 0 {
			rest = rest[:m]
		}
		if len(rest) > 0 {
			return rest
		}
	}
	return v
}

// keyLog judges what follows a label of a TLS key log (SSLKEYLOGFILE, RFC 9850):
// 32 random bytes and the secret, in base 16.
func keyLog(text []byte, p int) (span, bool) {
	random := run(text, p, hexadecimal)
	if random-p != 64 || random >= len(text) || text[random] != ' ' {
		return span{}, false
	}
	stop := run(text, random+1, hexadecimal)
	if stop-random <= 32 {
		return span{}, false
	}
	return span{from: p, start: random + 1, end: stop}, true
}

// echoed judges what a shell writes into a program that reads a password from
// standard input: echo x | docker login --password-stdin.
func echoed(text []byte, p int, command string, past *runs) (span, bool) {
	if p > len(command) && is(text[p-len(command)-1], word) {
		return span{}, false
	}
	_, start := skipQuote(text, skipSpace(text, p))
	stop := argumentEnd(text, start)
	rest := text[stop:min(len(text), stop+commandReach)]
	if colon := bytes.IndexByte(text[start:stop], ':'); colon > 0 && colon+7 < stop-start && (random(text[start+colon+1:stop]) || chosen(text[start+colon+1:stop])) {
		if bytes.Contains(rest, []byte("chpasswd")) { // user:password
			start += colon + 1
		} else if len(rest) < commandReach && text[len(text)-1] != '\n' {
			past.open = min(past.open, start)
		}
	}
	v := text[start:stop]
	if len(v) < 6 || len(v) > longValue || !random(v) && !chosen(v) || isReference(v) || isPath(v) {
		return span{}, false
	}
	if command == "vault login " {
		return span{from: p, start: start, end: stop}, bytes.IndexByte(v, '=') < 0
	}
	before := text[max(0, p-len(command)-32):p]
	if bytes.Contains(before, []byte("password-command")) {
		return span{from: p, start: start, end: stop}, true
	}
	if len(rest) < commandReach && text[len(text)-1] != '\n' {
		past.open = min(past.open, start) // what reads it may still come
	}
	if !bytes.Contains(rest, []byte("|")) {
		return span{}, false
	}
	for _, reader := range [...]string{"stdin", "sudo -S", "chpasswd", "passwd", "with-token", "kinit", "cryptsetup", "secret", "passphrase-fd", "vault login"} {
		if bytes.Contains(rest, []byte(reader)) {
			return span{from: p, start: start, end: stop}, true
		}
	}
	return span{}, false
}

// boolInt is 1 if text begins with c.
func boolInt(text []byte, c byte) int {
	if len(text) > 0 && text[0] == c {
		return 1
	}
	return 0
}

// verb judges what follows a command of a mail or cache protocol, in capitals:
// AUTH x, AUTH user x, AUTH PLAIN x, LOGIN user "x", -> PASS x.
func verb(text []byte, p int, command string) (span, bool) {
	start := p - len(command)
	if string(text[start:p]) != command || start > 0 && is(text[start-1], wordDash) {
		return span{}, false
	}
	if command == "PASS " && (start < 2 || text[start-1] != ' ' || text[start-2] != '>' && text[start-2] != ':') {
		return span{}, false
	}
	for words := range 2 {
		_, from := skipQuote(text, skipSpace(text, p))
		stop := argumentEnd(text, from)
		v := text[from:stop]
		if len(v) >= 8 && len(v) < longValue && random(v) && !isReference(v) && !isPath(v) && (words > 0 || command != "LOGIN ") {
			return span{from: start, start: from, end: stop}, true
		}
		if len(v) == 0 || command == "PASS " || stop == len(text) || text[stop] != ' ' {
			break
		}
		p = stop
	}
	return span{}, false
}

// thirdArgument judges the third argument of a call whose first begins at p: a
// trace of PHP shows how a database was opened.
func thirdArgument(text []byte, p int) (span, bool) {
	for n := range 3 {
		q, from := skipQuote(text, skipSpace(text, p))
		if q.char == 0 {
			return span{}, false
		}
		stop := closingQuote(text, from, q)
		if n == 2 {
			v := text[from:stop]
			return span{from: p, start: from, end: stop}, len(v) >= 4 && !isPlaceholder(v) && !isReference(v) && !isReplaced(text, from, "[REDACTED]")
		}
		if _, p = skipQuote(text, stop); p >= len(text) || text[p] != ',' {
			return span{}, false
		}
		p++
	}
	return span{}, false
}

// column finds the value of a column that is named at [start, p) in a statement of
// SQL: INSERT INTO t (a, token) VALUES (1, 'x'). It returns p if there is none.
func column(text []byte, start, p int) int {
	if bytes.IndexByte(text[max(start-256, 0):start], '(') < 0 {
		return p
	}
	commas := 0
	i := start
	for stop := max(start-256, 0); i > stop && text[i-1] != '('; i-- {
		switch text[i-1] {
		case ',':
			commas++
		case ')', ';', '{', '=', ':':
			return p
		}
	}
	if i == 0 || text[i-1] != '(' {
		return p
	}
	reach := text[p:min(len(text), p+512)]
	end := bytes.IndexByte(reach, ')')
	if end < 0 {
		return p
	}
	q := skipSpace(text, p+end+1)
	if !hasPrefix(text, q, "values") {
		return p
	}
	if q = skipSpace(text, q+len("values")); q >= len(text) || text[q] != '(' {
		return p
	}
	for q++; commas > 0; commas-- {
		quoted, from := skipQuote(text, skipSpace(text, q))
		if quoted.char != 0 {
			_, q = skipQuote(text, closingQuote(text, from, quoted))
		}
		n := bytes.IndexByte(text[min(q, len(text)):min(len(text), q+512)], ',')
		if n < 0 {
			return p
		}
		q += n + 1
	}
	return q
}
