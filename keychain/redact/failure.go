package redact

import "bytes"

var failures = prefixesOf("command not found", "connection refused", "connection timed out", "exec format error", "input/output error", "invalid argument",
	"is a directory", "no such file or directory", "not a directory", "not found", "operation not permitted", "permission denied",
	"timed out", "too big", "rolled back", "unsafe file", "bad name", "bad reference")

// failure reports whether a text begins with why a program could not do something:
// "passwd: command not found" and "/bin/pwd: permission denied" name programs, and
// no password. more: what follows the text may decide otherwise. The words are those
// of shells and of strerror(3), and of our own stores: "get secret db_password: timed out".
func failure(text []byte) (failed, more bool) {
	if len(text) == 0 || !failures.first[text[0]] {
		return false, false
	}
	for _, words := range failures.list {
		n := min(len(text), len(words))
		if !bytes.EqualFold(text[:n], []byte(words[:n])) {
			continue
		}
		switch {
		case n < len(words):
			more = true
		case n == len(text):
			return true, true
		case !is(text[n], word):
			return true, more
		}
	}
	return false, more
}
