package scan

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"openclaw/keychain/redact"
)

// rules know the forms of the providers' keys.
var rules = sync.OnceValues(func() (*redact.Masker, error) { return redact.New(redact.Options{}) })

const (
	minSecret = 8  // bytes; of a value under a name that leaves no doubt
	minKey    = 20 // of one under a name such as "key"
	maxSecret = 64 << 10
)

// isSecret judges a name with its value.
func isSecret(key string, value []byte) bool {
	if len(value) < minSecret || len(value) > maxSecret || !utf8.Valid(value) || isReference(value) || isExample(value) {
		return false
	}
	kind := kindOfName(key)
	if kind == renewed || bytes.ContainsFunc(value, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' }) {
		return false
	}
	if masker, err := rules(); err == nil && !bytes.ContainsAny(value, " \t") && isKey(masker, value) {
		return true
	}
	if bytes.ContainsFunc(value, unicode.IsSpace) || bytes.HasPrefix(value, []byte("/")) || bytes.HasPrefix(value, []byte("~/")) || bytes.HasPrefix(value, []byte("./")) || bytes.Contains(value, []byte("://")) {
		return false
	}
	digits, letters := 0, 0
	for _, c := range value {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'a' <= c|0x20 && c|0x20 <= 'z':
			letters++
		}
	}
	switch kind {
	case certain:
		return digits < len(value) && (digits > 0 || len(value) >= minKey)
	case likely:
		return len(value) >= minKey && digits >= 2 && letters >= 2
	default:
		return false
	}
}

type nameKind int

const (
	ordinary nameKind = iota
	likely            // "key", "token"
	certain           // "api_key", "password"
	renewed           // a log-in that the program renews by itself
)

// kindOfName judges the last part of a key.
func kindOfName(key string) nameKind {
	last := key[strings.LastIndexByte(key, '.')+1:]
	words := words(last)
	if len(words) == 0 {
		return ordinary
	}
	tail := words[len(words)-1]
	before := ""
	if len(words) > 1 {
		before = words[len(words)-2]
	}
	switch {
	case tail == "token" && (before == "access" || before == "refresh" || before == "id") && !upper(last), last == "access", last == "refresh":
		return renewed
	case before == "public" || before == "publishable":
		return ordinary
	case tail == "apikey", tail == "password", tail == "passwd", tail == "secret",
		tail == "key" && (before == "api" || before == "secret" || before == "access" || before == "auth" || before == "private" || before == "encryption" || before == "master"),
		tail == "token" && before != "", tail == "pat" && before != "":
		return certain
	case tail == "key", tail == "token", tail == "credential", tail == "bearer":
		return likely
	}
	return ordinary
}

func upper(text string) bool { return text == strings.ToUpper(text) }

// words splits OPENAI_API_KEY, openai-api-key and openaiApiKey, in lower case.
func words(name string) []string {
	var out []string
	word := ""
	flush := func() {
		if word != "" {
			out = append(out, strings.ToLower(word))
			word = ""
		}
	}
	lower := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
		case unicode.IsUpper(r) && lower:
			flush()
			word = string(r)
		default:
			word += string(r)
		}
		lower = unicode.IsLower(r) || unicode.IsDigit(r)
	}
	flush()
	return out
}

// isReference reports whether the value only says where the secret is.
func isReference(value []byte) bool {
	text := string(value)
	for _, prefix := range []string{"$", "{env:", "{file:", "%", "op://", "pass://", "vault://", "keychain://", "secret://", "ref+", "exec:", "!"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return strings.Contains(text, "${")
}

// isExample reports whether the value only holds a place for one.
func isExample(value []byte) bool {
	text := strings.ToLower(string(value))
	for _, word := range []string{"your", "xxxx", "example", "changeme", "change_me", "change-me", "placeholder", "replace", "insert", "dummy", "<", "…", "...", "****", "••", "todo"} {
		if strings.Contains(text, word) {
			return true
		}
	}
	return false
}

// variableOf is the environment variable that a key is taken from.
func variableOf(program, key string, value []byte) string {
	last := key[strings.LastIndexByte(key, '.')+1:]
	if isVariable(last) && upper(last) {
		return last
	}
	if name := strings.ToUpper(strings.ReplaceAll(last, "-", "_")); strings.HasSuffix(name, "_API_KEY") && isVariable(name) {
		return name // aider's openai-api-key
	}
	for _, form := range []struct{ prefix, provider string }{
		{"sk-ant-", "ANTHROPIC"}, {"sk-or-", "OPENROUTER"}, {"sk-proj-", "OPENAI"}, {"AIza", "GEMINI"}, {"gsk_", "GROQ"}, {"xai-", "XAI"}, {"hf_", "HUGGINGFACE"},
	} {
		if bytes.HasPrefix(value, []byte(form.prefix)) {
			return form.provider + "_API_KEY"
		}
	}
	parts := strings.Split(key, ".")
	for i := len(parts) - 2; i >= 0; i-- {
		part := strings.ToLower(parts[i])
		switch {
		case part == "" || part[0] >= '0' && part[0] <= '9':
		case part == "options" || part == "provider" || part == "providers" || part == "models" || part == "env" || part == "headers" || part == "auth":
		default:
			return asVariable(parts[i]) + "_API_KEY"
		}
	}
	return asVariable(program) + "_" + asVariable(key)
}

func asVariable(text string) string {
	out := strings.ToUpper(strings.Join(words(text), "_"))
	out = strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf {
			return r
		}
		return -1
	}, out)
	if out == "" || out[0] >= '0' && out[0] <= '9' {
		out = "KEY_" + out
	}
	return out
}

func isVariable(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c|0x20 < 'a' || 'z' < c|0x20) && (i == 0 || c < '0' || '9' < c) {
			return false
		}
	}
	return name != ""
}
