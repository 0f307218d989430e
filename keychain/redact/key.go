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
	// gateKey: the word is only "key", so what stands before it must say that
	// it is a secret one (keyword.go), or the value must be opaque.
	gateKey
	// gateOpaque: only values as a random generator makes them.
	gateOpaque
	// gateRandom: what looks random, or as people choose a password.
	gateRandom
	// gatePair: only user:password in base64.
	gatePair
	// gatePhrase: twelve words or more, as wallets have them.
	gatePhrase
	// gateQuery: as gateLong, and only in the query of a URL.
	gateQuery
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
	{word: "cookie", gate: gateLong}, {word: "sessionid", gate: gateToken}, {word: "webhook", gate: gateLong},
	{word: "authorization", gate: gateHeader},
	{word: "key", gate: gateKey}, {word: "secret_key_base"}, {word: "key-data"}, {word: "key_data"}, {word: "keydata"},
	{word: "psk", gate: gateToken, bounded: true}, {word: "securestring", gate: gatePassword},
	{word: "auth", gate: gatePair, bounded: true}, {word: "code", gate: gateQuery, bounded: true},
	{word: "sessid", gate: gateToken}, {word: "hmac", gate: gateLong, bounded: true},
	{word: "ticket", gate: gateQuery, bounded: true}, {word: "_pat", gate: gateOpaque}, {word: "creds"}, {word: "cred", bounded: true},
	{word: "_sk", gate: gateOpaque}, {word: "session", gate: gateOpaque, bounded: true}, {word: "secretid", gate: gateRandom}, {word: "secret_id", gate: gateRandom},
	{word: "routing_key", gate: gateRandom}, {word: "password_hash", gate: gateLong}, {word: "passwordhash", gate: gateLong}, {word: "encrypted_password", gate: gateLong},
	{word: "_salt", gate: gateRandom}, {word: "encrypt", gate: gateOpaque, bounded: true}, {word: "backup codes", gate: gateRandom}, {word: "recovery codes", gate: gateRandom},
	{word: "backup code", gate: gateRandom}, {word: "recovery code", gate: gateRandom}, {word: "signing", gate: gateOpaque, bounded: true}, {word: "appid", gate: gateQuery}, {word: "authident", gate: gatePair},
	{word: "authtok", gate: gatePassword}, {word: "bindpw", gate: gatePassword}, {word: "rootpw", gate: gatePassword}, {word: "dbpw", gate: gatePassword},
	{word: "sonar.login"}, {word: "oauth", gate: gateToken, bounded: true},
	{word: "basic_auth"}, {word: "basic-auth"}, {word: "basicauth"}, {word: "passkey", gate: gatePassword},
	{word: "key_content", gate: gateRandom}, {word: "keycontent", gate: gateRandom}, {word: "secure", gate: gateRandom, bounded: true},
	{word: "mnemonic", gate: gatePhrase}, {word: "phrase", gate: gatePhrase},

	// "Password", "key" and "token" in other languages.
	{word: "passwort", gate: gatePassword}, {word: "kennwort", gate: gatePassword}, {word: "mot de passe", gate: gatePassword},
	{word: "mot_de_passe", gate: gatePassword}, {word: "contraseña", gate: gatePassword}, {word: "contrasena", gate: gatePassword},
	{word: "senha", gate: gatePassword, bounded: true}, {word: "wachtwoord", gate: gatePassword}, {word: "пароль", gate: gatePassword}, {word: "Пароль", gate: gatePassword},
	{word: "密码", gate: gatePassword}, {word: "密碼", gate: gatePassword}, {word: "口令", gate: gatePassword}, {word: "密钥"}, {word: "密鑰"},
	{word: "令牌", gate: gateToken}, {word: "パスワード", gate: gatePassword}, {word: "トークン", gate: gateToken}, {word: "비밀번호", gate: gatePassword},
}

// isOrdinary reports whether text is a name that ends with a key word and holds no secret.
func isOrdinary(text []byte) bool {
	switch string(text) {
	case "next_token", "nexttoken", "prev_token", "previous_token", "current_token", "currenttoken", "cur_token", "last_token", "lasttoken",
		"first_token", "eof_token", "eos_token", "bos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token", "stop_token", "end_token",
		"start_token", "per_token", "cost_per_token", "price_per_token", "special_token", "page_token", "next_page_token", "nextpagetoken",
		"continuation_token", "continuationtoken", "existingsecret", "existing_secret", "pwd", "oldpwd", "--pass", "pass", "pw":
		return true
	}
	return false
}

// keyValue judges a hit of a key word at [start, end): the name must end
// there, a separator must follow, and what comes then must be a value that
// can be a secret. Only the value is the span.
func keyValue(text []byte, start, end int, k key, replacement string, past *runs) (span, bool) {
	if k.gate == gateKey && endsSecret(text, start) {
		return span{}, false // asked as api_key, whose values are all that it has
	}
	if k.gate == gateKey && endsSecret(text, start) {
		return span{}, false // asked as api_key, which takes whatever key does
	}
	name, p, ok := keyName(text, start, end, k)
	if ok {
		k.gate, ok = gateOf(text, start, name, k)
	}
	if !ok {
		return span{}, false
	}
	past.noteName(text, name, p, k)
	p = skipEmphasis(text, name.start, skipColour(text, p))
	keyQuote, p := skipQuote(text, p)
	if keyQuote.char != 0 {
		p = skipVisibility(text, p)
	}
	if p < len(text) && text[p] == ']' && keyQuote.char != 0 { // config["token"]
		p++
	}
	if keyQuote.char != 0 && hasPrefix(text, p, ">>") { // <<"token">>
		p += len(">>")
	}
	if p < len(text) && text[p] == '?' && !hasPrefix(text, p, "??") { // password?: string
		p++
	}
	if hasPrefix(text, p, "]=") && name.start > 0 && text[name.start-1] == '[' { // user[password]=x
		p++
	}
	p = skipColour(text, p)
	sep, next := sepNone, p
	if keyQuote.char != 0 || name.start > 0 && text[name.start-1] == '<' || hasPrefix(text, p, "</key>") || hasPrefix(text, p, "</param-name>") {
		sep, next = pairValue(text, p)
	}
	if sep == sepNone {
		sep, next = separator(text, p, name, keyQuote.char != 0)
	}
	if sep == sepColon && inARN(text, name.start) {
		return span{}, false
	}
	place := place{name: name, key: k, quote: keyQuote, sep: sep, weak: name.weak}
	if sep != sepNone {
		if opensObject(text, next) && (sep != sepEquals || bracedValue(text, skipSpace(text, next)) == 0) {
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
	if p < len(text) && (text[p] == ',' || text[p] == ')' || text[p] == '`') {
		if next := column(text, name.start, p); next > p {
			place.sep, place.weak = sepColon, true
			return place.value(text, next, replacement, past)
		}
	}
	if found, ok := place.behindBridge(text, p, 0, replacement, past); ok {
		return found, true
	}
	if next, sure := sentence(text, p); next > p && keyQuote.char == 0 && k.gate <= gateToken && !isReplaced(text, next, replacement) {
		if argumentEnd(text, next) == len(text) {
			past.open = min(past.open, next) // the value may go on
		}
		return given(text, name.start, next, sure && k.gate != gateToken)
	}
	return span{}, false
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
	for stop := min(len(text), p+longestBridge); p < stop && text[p] == ' '; p++ { // a column
		w.weak = true
	}
	if hasPrefix(text, p, "** ") { // **Password:** x
		p += len("** ")
	}
	if isReplaced(text, p, replacement) {
		return span{}, false
	}
	if p < len(text) && text[p] == '[' {
		p = skipSpace(text, p+1)
	}
	if w.key.word == "cookie" && bytes.IndexByte(text[p:argumentEnd(text, p)], '=') >= 0 {
		return span{}, false // names and values: cookies looks at each
	}
	if w.key.gate == gatePhrase {
		return phrase(text, p, w.name.start, past)
	}
	if w.sep == sepEquals && p < len(text) && text[p] == '{' {
		if end := bracedValue(text, p); end > 0 { // Pwd={x};
			return span{from: w.name.start, start: p + 1, end: end}, true
		}
	}
	opened, p := openValue(text, p)
	if w.key.gate == gateHeader {
		if wordEnd := run(text, p, wordDash); argumentEnd(text, min(wordEnd+1, len(text))) == len(text) {
			past.open = min(past.open, p) // what follows says whether the first word is a scheme
		}
		p = skipScheme(text, p)
	}
	if w.key.gate == gateLong {
		p = skipDigestName(text, p)
	}
	stop := valueEnd(text, p, opened, w.name.environment && w.sep == sepEquals && p == w.name.end+1, w.key.gate == gateHeader)
	if stop == len(text) || opened.char != 0 && !opened.entity && text[stop] != opened.char && text[stop] != '\\' {
		past.open = min(past.open, p) // more of the line may end it elsewhere
	}
	for _, form := range [...]string{"base64:", "pass:"} { // APP_KEY=base64:x, -password pass:x
		if hasPrefix(text[:stop], p, form) {
			p += len(form)
		}
	}
	if opened.char == '`' && w.name.environment && w.sep == sepEquals && p == w.name.end+len("=`") {
		return span{}, false // a shell's PASSWORD=`command`
	}
	if opened.char == '"' && len(text)-stop < len(arrow) && string(text[stop:]) == arrow[:len(text)-stop] {
		past.open = min(past.open, p) // what it changes to may follow
	}
	if opened.char == 0 && w.sep == sepColon {
		failed, more := failure(text[p:])
		if more {
			past.open = min(past.open, p)
		}
		if failed {
			return span{}, false
		}
	}
	v := value{text: text[p:stop], quoted: opened.char != 0, gate: w.key.gate, qualified: w.name.qualified || w.key.gate == gateOpaque && w.key.word != "key", sep: w.sep}
	if stop < len(text) {
		if v.after = text[stop]; hasPrefix(text, stop, `[\`) { // X-Api-Key: x[\r][\n]
			v.after = 0
		}
	}
	if isReplaced(text, p, replacement) || w.weak && (!random(v.text) || isResourceName(v.text)) && !w.chosenAtEnd(text, v.text, stop) || !v.secret() {
		if end := changedTo(text, stop, opened); end > stop && !w.weak { // "x" -> "y", of which only y can be one
			v.text, p, stop = text[stop+len(arrow):end], stop+len(arrow), end
			if v.secret() {
				return span{from: w.name.start, start: p, end: stop}, true
			}
		}
		return span{}, false
	}
	found := span{from: w.name.start, start: p, end: changedTo(text, stop, opened)}
	if w.quote.char == '"' && opened.char == 0 && w.sep == sepColon {
		// A JSON number: its place must be taken by a JSON string.
		found.quote, found.level = true, uint8(min(w.quote.level, 3))
	}
	return found, true
}

// chosenAtEnd: a directive of a configuration, whose value is the last of the line.
func (w *place) chosenAtEnd(text, v []byte, stop int) bool {
	return (w.key.gate == gatePassword || w.key.gate == gateSecret) && chosen(v) &&
		(w.sep == sepEquals || w.sep == sepColon && (stop < len(text) && (text[stop] == '"' || text[stop] == '\'') || len(bytes.TrimLeft(text[stop:min(len(text), stop+4)], "\r\n")) == 0))
}

// arrow stands between a value and what it becomes, in plans of Terraform.
const arrow = `" -> "`

// changedTo returns the end of a value's new value behind it: password = "x" -> "y".
func changedTo(text []byte, stop int, opened quote) int {
	if opened.char != '"' || opened.level > 0 || !hasPrefix(text, stop, arrow) {
		return stop
	}
	return closingQuote(text, stop+len(arrow), opened)
}

// opensObject: the value is an object, a call or a default, and what is secret
// stands in it.
func opensObject(text []byte, p int) bool {
	p = skipSpace(text, p)
	if p == len(text) {
		return false
	}
	if text[p] == '{' || text[p] == '?' || text[p] == '|' || hasPrefix(text, p, "[]") {
		return true
	}
	end := run(text, p, word)
	if end > p && end < len(text) && (text[end] == '=' || text[end] == ':') && bridgeWord(text[p:end]) {
		return true
	}
	if end > p && is(text[p], upper) && hasPrefix(text, end, " { ") {
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
	if hasPrefix(text, p, "<<\"") { // Erlang
		p += len("<<")
	}
	if p+1 < len(text) && (text[p+1] == '"' || text[p+1] == '\'') {
		switch text[p] {
		case '@', 'b', 'r', 'u':
			p++
		}
	}
	p = skipMark(text, p)
	q, next := skipQuote(text, p)
	if q.char != 0 && q.level == 0 && next+1 < len(text) && text[next] == q.char && text[next+1] == q.char {
		next += 2
	}
	return q, next
}
