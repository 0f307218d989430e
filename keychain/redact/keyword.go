package redact

import (
	"bytes"
)

// What a name that ends with "key", "phrase" or "code" means is said by the
// words before.

// isSecretKey reports whether text is one of the words before "key" that make it a secret.
func isSecretKey(text []byte) bool {
	switch string(text) {
	case "app", "application", "admin", "auth", "client", "cipher", "crypto", "decryption", "decrypt", "data", "deploy", "encrypt", "enc", "hmac",
		"identity", "jwt", "kek", "dek", "storage", "shared", "sharedaccess", "shared_access", "sign", "sas", "ssh", "root", "recovery", "validation",
		"vault", "webhook", "wrapping", "preshared", "pre_shared", "symmetric", "unseal", "unlock", "backup", "integration", "ingest", "ingestion",
		"server", "service_role", "anonymous", "certificate", "sec", "aws_sec", "maps", "google", "openai", "anthropic", "claude", "gemini", "openrouter", "groq", "mistral", "cohere", "deepseek", "huggingface", "hf", "tavily",
		"serpapi", "llm", "provider", "stripe", "sendgrid", "mailgun", "twilio", "azure", "firebase", "algolia", "datadog", "cloudflare", "github", "gitlab", "slack",
		"mapbox", "pinecone", "supabase", "replicate", "weather", "rapidapi", "admin_api", "host_master", "function", "primary_access", "write", "seed", "functions":
		return true
	}
	return false
}

// endsSecret reports whether "key" at p ends a longer word of keys that takes any value:
// api_key, signing-key.
func endsSecret(text []byte, p int) bool {
	end := p
	if p > 0 && (text[p-1] == '_' || text[p-1] == '-' || text[p-1] == ' ') {
		end--
	}
	for i, word := range [...]string{"api", "access", "secret", "private", "account", "signing", "encryption", "master", "auth"} {
		if hasPrefix(text, end-len(word), word) {
			return i < 4 || end == p || text[end] != ' '
		}
	}
	return false
}

// isOpenKey reports whether text is a word before "key" that makes it none, however its value
// looks.
func isOpenKey(text []byte) bool {
	switch string(text) {
	case "public", "pub", "host", "cache", "primary", "foreign", "sort", "partition", "object", "s3", "idempotency", "trace", "group", "row",
		"websocket", "sec_websocket", "hash", "range", "index", "message", "dedup", "publishable", "verify", "verifying", "verification", "map", "hot",
		"lookup", "session_cache", "etag", "file", "i18n", "translation", "site", "anon", "known_host", "ssh_host", "ssh_public":
		return true
	}
	return false
}

// inSecretObject reports whether the member at p is the first of an object whose name
// says what its key is: "openai":{"key":"x"}, api: {key: x}.
func inSecretObject(text []byte, p int) bool {
	opened := false
	for stop := max(p-16, 0); p > stop && bytes.IndexByte([]byte(" \"'\\:={>"), text[p-1]) >= 0; p-- {
		opened = opened || text[p-1] == '{'
	}
	if !opened {
		return false
	}
	object := text[runBack(text, p, 24, word):p]
	var folded [24]byte
	for i, c := range object {
		folded[i] = fold(c)
	}
	name := folded[:len(object)]
	return len(name) > 1 && (isSecretKey(name) || string(name) == "api" || string(name) == "credential" || string(name) == "credentials" || string(name) == "secret")
}

// isPointer reports whether text is a word before "key" in a sentence that gives one.
func isPointer(text []byte) bool {
	switch string(text) {
	case "this", "my", "your", "new", "following":
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
		if len(qualifier) == 0 && inSecretObject(text, n.start) {
			return gateRandom, true
		}
		if len(qualifier) == 0 && n.end == start+len(k.word) && n.start > 0 && n.end < len(text) && text[n.start-1] == text[n.end] && (text[n.end] == '"' || text[n.end] == '\'') {
			return gateOpaque, true // "key": "x"
		}
		if len(qualifier) == 0 && n.query {
			return gateRandom, true
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
		case isOpenKey(whole) || isOpenKey(last) || bytes.HasSuffix(whole, []byte("public")):
			return 0, false
		case spaced && isPointer(whole):
			return gateRandom, true
		case spaced:
			return gateSecret, isSecretKey(whole) || whole[0] == 'm' && string(whole) == "master"
		case isSecretKey(whole), divided && isSecretKey(last), divided && camelEnds(qualifier):
			return gateSecret, true
		case divided && (n.environment || n.query || n.flag):
			return gateRandom, true
		case divided:
			return gateOpaque, true
		}
		return 0, false
	case gateOpaque:
		if n.environment || n.query {
			return gateRandom, true
		}
		return gateOpaque, true
	case gateQuery:
		return gateQuery, n.query && start == n.start
	case gatePhrase:
		return gatePhrase, true
	case gateSecret, gatePassword, gateToken, gateLong, gateHeader, gateRandom, gatePair, gateUser:
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
	if stop := run(text, start, digit); stop > start && stop-start <= 3 && (stop == len(text) || !is(text[stop], identifier)) {
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
