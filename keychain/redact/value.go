package redact

import (
	"bytes"
	"strings"
)

// value is what follows a key's name, and what is known of its place.
type value struct {
	text      []byte
	quoted    bool
	qualified bool // the name says whose: access_token
	gate      gate
	sep       sepKind
	after     byte // the byte behind an unquoted value; 0 at the end
}

// longValue is where no further question is asked: prose and code are shorter.
const longValue = 1024

// coveredValue is where what else stands in a value that is replaced is not asked for:
// password=password=password= would be read to its end from each of them.
const coveredValue = 64

// secret reports whether the value can be a secret. It errs towards yes where
// the key's name leaves no doubt, and towards no for "token".
func (v value) secret() bool {
	t := v.text
	if len(t) == 0 || v.gate != gateUser && len(t) <= longValue && (len(t) < 4 || !v.passes()) {
		return false
	}
	if isPlaceholder(t) || isReference(t) || isWordList(t) || v.quoted && isCodeBehind(t) {
		return false
	}
	if v.gate == gateUser || len(t) > longValue {
		return true
	}
	pin := v.gate == gatePassword && len(t) >= 6 && run(t, 0, digit) == len(t)
	return (pin || !isNumber(t)) && !isPath(t) && !v.code() && !isProse(t)
}

// passes reports whether the value looks as its gate asks.
func (v value) passes() bool {
	t := v.text
	digits, letters := 0, 0
	for _, c := range t {
		switch {
		case is(c, digit):
			digits++
		case is(c, lower|upper):
			letters++
		}
	}
	if t[0] >= 0x80 && digits+letters == 0 { // words of another script
		return false
	}
	switch v.gate {
	case gateOpaque:
		return len(t) >= 24 && isScattered(t) && (v.qualified || len(t) >= 40 && run(t, 0, wordDash|padding) == len(t)) || v.qualified && isSerial(t)
	case gateRandom:
		return random(t) || chosen(t)
	case gatePair:
		return isPair(t) || len(t) >= 20 && isScattered(t)
	case gateQuery:
		return len(t) >= 10 && random(t)
	case gateLong:
		if isUUID(t) || isSerial(t) {
			return true
		}
		return len(t) >= 20 && digits >= 2 && letters >= 2
	case gateHeader:
		if hasPrefix(t, 0, "aws4-") {
			return false
		}
		if bytes.IndexByte(t, '=') > 0 && t[len(t)-1] != '=' {
			return false // parameters, whose names say what they are
		}
		return len(t) >= 8 && (digits > 0 || len(t) >= 20)
	case gateToken:
		if v.qualified && (v.quoted || v.sep == sepEquals || v.sep == sepSpace) {
			return len(t) >= 6
		}
		return len(t) >= 6 && digits > 0 || len(t) >= 20 || len(t) >= 12 && count(t, lower) > 2 && count(t, upper) > 2 && !v.wordy()
	case gateSecret, gatePassword, gateUser, gateKey, gatePhrase:
	}
	if !v.quoted && v.gate == gateSecret && digits == 0 && letters == len(t) && len(t) < 12 && v.sep == sepColon {
		return false // "secret: optional", "api key: missing"
	}
	return true
}

// expressions are what a program's expressions begin with, marks of one byte last.
var expressions = prefixesOf("process.env", "os.environ", "os.getenv", "env.", "env[", "self.", "this.", "args.", "config.", "cfg.", "conf.", "req.", "request.",
	"params.", "settings.", "options.", "opts.", "props.", "system.getenv", "std::", "func", "function", "lambda", "secrets.", "vars.",
	"var.", "local.", "data.", "module.", "[]byte", "*string", "&", "*", "!")

// code reports whether the value is an expression of a program.
func (v value) code() bool {
	if v.quoted {
		return false
	}
	t := v.text
	word := run(t, 0, word|dot) == len(t) && !is(t[0], digit)
	if word && (v.after == '(' || v.after == '[' || v.after == '{') {
		return true
	}
	if n := len(t) - 1; v.sep == sepCompare && n > 0 && t[n] == ':' { // Python's if a == b:
		return is(t[0], lower|upper) && count(t, digit)*4 < n
	}
	if v.sep == sepAssign || v.sep == sepCompare {
		return word && count(t, digit)*4 < len(t)
	}
	if end := expressions.at(t, 0); end > 1 || end == 1 && (word || len(t) < 16 && count(t, digit) == 0) {
		return true
	}
	return v.wordy() && bytes.IndexByte(t, '.') > 0 && count(t, digit) == 0
}

// isCodeBehind reports whether the quote before t closed a program's string and
// t is the program: "API_KEY=" + token, HasPrefix(line, "password: ").
func isCodeBehind(t []byte) bool {
	i := 0
	for i < len(t) && t[i] == ' ' {
		i++
	}
	if i == len(t) {
		return false
	}
	switch t[i] {
	case '+', ')', ',', ';', '}', ']':
		return i+1 == len(t) || t[i+1] == ' ' || t[i] != '+' && (t[i+1] == ')' || t[i+1] == ',' || t[i+1] == ';' || t[i+1] == '\r' || t[i+1] == '\n')
	}
	return false
}

// wordy reports whether the value is made of readable words: camelCase,
// snake_case, dotted.names without the changes of a random string.
func (v value) wordy() bool {
	t := v.text
	if run(t, 0, wordDash|dot) != len(t) {
		return false
	}
	switches := 0
	for i := 1; i < len(t); i++ {
		if classes[t[i-1]]&alphanumeric != classes[t[i]]&alphanumeric && is(t[i-1], lower) && is(t[i], upper|digit) {
			switches++
		}
	}
	return switches*5 < len(t)
}

func isNumber(t []byte) bool {
	i := 0
	if t[0] == '-' || t[0] == '+' {
		i++
	}
	if hasPrefix(t, i, "0x") {
		return run(t, i+2, hexadecimal) == len(t) && len(t) <= 18
	}
	seen := i
	for i < len(t) && (is(t[i], digit) || t[i] == '.' || t[i] == ',' || t[i] == ':' || t[i] == '_' || t[i] == '/' || t[i] == '-' && len(t) <= 10) {
		i++
	}
	if i == seen {
		return false
	}
	for unit := 0; i < len(t) && unit < 4 && (is(t[i], lower|upper) || t[i] == '%'); unit++ {
		i++
	}
	return i == len(t) && (len(t) < 12 || count(t, digit|dot) == len(t))
}

// isPath: every part of an absolute or relative path reads like a name.
func isPath(t []byte) bool {
	if !hasPrefix(t, 0, "/") && !hasPrefix(t, 0, "./") && !hasPrefix(t, 0, "../") && !hasPrefix(t, 0, "~/") {
		return false
	}
	home := hasPrefix(t, 0, "/users/") || hasPrefix(t, 0, "/home/")
	for rest, more := bytes.TrimPrefix(t, []byte("~")), true; more; {
		var part []byte
		if part, rest, more = bytes.Cut(rest, []byte("/")); len(part) > 40 || run(part, 0, lower|digit|underscore|dash|dot) != len(part) && !home {
			return false
		}
	}
	return true
}

var references = prefixesOf("vault://", "keychain://", "file://", "op://", "pass://", "aws-secrets://", "gcp-secrets://", "azure-keyvault://",
	"hcvault://", "exec:", "env:", "arn:aws:", "projects/", "secretref:", "ssm:", "bw://")

// isReference: the value says where the secret is, not what it is.
func isReference(t []byte) bool {
	switch t[0] {
	case '$', '<', '%':
		return len(t) < 2 || is(t[1], lower|upper|underscore) || t[1] == '{' || t[1] == '(' || t[1] == '<'
	case '{':
		return true
	}
	if references.at(t, 0) > 0 {
		return true
	}
	// A URL: its own rules find what is secret in it.
	i := run(t, 0, identifier)
	return i > 0 && hasPrefix(t, i, "://")
}

var examples = prefixesOf("your", "<", "example", "changeme", "change-me", "change_me", "replace", "placeholder", "redacted", "dummy", "insert", "enter", "to-be-", "fixme")

// isPlaceholder: what stands where a secret would, in examples and masks.
func isPlaceholder(t []byte) bool {
	same := 1
	for same < len(t) && t[same] == t[0] {
		same++
	}
	if same == len(t) && (len(t) > 2 || !is(t[0], alphanumeric)) {
		return true
	}
	mask := 0
	for mask < len(t) {
		switch c := t[mask]; {
		case c == '*', c == '.', c == '-', c == 'x', c == 'X':
			mask++
			continue
		case c == 0xe2 && (hasPrefix(t, mask, "•") || hasPrefix(t, mask, "…")):
			mask += len("•")
			continue
		}
		break
	}
	if mask >= len(t) || len(t) < 64 && examples.at(t, 0) > 0 {
		return true
	}
	switch t[len(t)-1] {
	case 'e', 'E':
		if len(t) >= 5 && len(t) < 64 && (t[len(t)-5] == '-' || t[len(t)-5] == '_') && hasPrefix(t, len(t)-4, "here") {
			return true
		}
	case '.':
		if bytes.HasSuffix(t, []byte("...")) {
			return true
		}
	case 0xa6:
		if bytes.HasSuffix(t, []byte("…")) {
			return true
		}
	}
	return bytes.Contains(t, []byte("***")) || bytes.Contains(t, []byte("••")) || bytes.Contains(t, []byte("__OPENCLAW_REDACTED__"))
}

// states are words that stand behind a key's name and tell of it.
var states = func() map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(`true false null nil none undefined nan yes no on off enabled disabled default unknown unset set empty missing same-origin
		required optional invalid valid expired revoked rotated rejected accepted refused denied allowed ok failed incorrect wrong changed
		hidden redacted masked encrypted plain plaintext literal generated stored found not is was are be must should may can will the a an this that
		for from with without in of to and or if when where which has have had any all each per new old same different your my our their
		string str text int integer int32 int64 uint64 float float64 double number bool boolean byte bytes object array list map dict any void
		secretstr secretstring keychain.secret optional[str] string|null password passwords passphrase passwd passcode secret secrets token tokens key keys apikey
		type name value field header auth authentication authorization bearer basic scheme credentials credential identifier keyword punctuator
		unexpected expected eof end start begin next previous current error warning see use used using provided given absent present pending
		active inactive loaded read write only see env environment keychain vault file prompt stdin none. n/a na tbd see: ready
		successful success successfully works working checked verified length age count limit usage
		learn based level admin locked unlocked corrupt`) {
		set[w] = true
	}
	return set
}()

// isWordList: the value is one such word.
func isWordList(t []byte) bool {
	var folded [24]byte
	for len(t) > 0 && (t[len(t)-1] == '.' || t[len(t)-1] == '!' || t[len(t)-1] == '?' || t[len(t)-1] == ':') {
		t = t[:len(t)-1]
	}
	if len(t) > len(folded) {
		return false
	}
	for i, c := range t {
		folded[i] = fold(c)
	}
	return len(t) == 0 || states[string(folded[:len(t)])]
}

// isProse: three words or more, one of which only sentences have.
func isProse(t []byte) bool {
	first, rest, two := bytes.Cut(t, []byte(" "))
	if !two {
		return false
	}
	if bytes.IndexByte(rest, ' ') < 0 {
		return isWordList(first) && count(rest, digit) == 0
	}
	for start, i := 0, 0; i <= len(t); i++ {
		if i < len(t) && t[i] > ' ' {
			continue
		}
		if isFunctionWord(t[start:i]) {
			return true
		}
		start = i + 1
	}
	return false
}

func isFunctionWord(w []byte) bool {
	var folded [len("cannot")]byte
	if len(w) > len(folded) {
		return false
	}
	for i, c := range w {
		folded[i] = fold(c)
	}
	switch string(folded[:len(w)]) {
	case "the", "a", "an", "is", "are", "was", "be", "must", "should", "your", "you", "to", "for", "of", "and", "or", "not", "with", "in", "on",
		"please", "enter", "at", "least", "this", "that", "from", "by", "used", "when", "if", "has", "have", "will", "can", "cannot", "no":
		return true
	}
	return false
}
