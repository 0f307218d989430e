package ref

import (
	"errors"
	"fmt"
	"net/url"
	"path"
	"strings"
	"unicode"

	"openclaw/keychain"
)

const parseOp = "read reference"

func bad(hint, format string, args ...any) error {
	return &keychain.Error{Op: parseOp, Kind: keychain.KindBadReference, Err: fmt.Errorf(format, args...), Hint: hint}
}

// Parse reads a reference. It looks nothing up.
func Parse(text string) (Reference, error) {
	switch {
	case text == "":
		return Reference{scheme: Literal}, nil
	case len(text) > maxReference:
		return Reference{}, bad("put the value in a file and write file:///path", "it has %d bytes, at most %d", len(text), maxReference)
	case strings.ContainsFunc(text, unicode.IsControl):
		return Reference{}, bad("write it on one line; keep a value with line ends in a file", "it has a line end or another control character")
	case strings.HasPrefix(text, "exec:"):
		return parseExec(text[len("exec:"):])
	}
	scheme, rest, ok := cutScheme(text)
	if !ok {
		return parseTemplate(text)
	}
	switch Scheme(scheme) {
	case Keychain, Vault, File:
		return parsePlace(Scheme(scheme), rest)
	case Pass, OP, HCVault:
		return parseExternal(Scheme(scheme), rest)
	case AWS, GCP, Azure:
		return parseCloud(Scheme(scheme), rest)
	default:
		hint := "write one of keychain://, vault://, file://, pass://, op://, hcvault://, aws-secrets://, gcp-secrets://, azure-keyvault://, exec:, or ${NAME}"
		if known := Scheme(strings.ToLower(scheme)); known != Scheme(scheme) {
			hint = "schemes are written in lower case; " + hint
		}
		if len(scheme) > longestScheme { // it may be a secret in the wrong place
			return Reference{}, bad(hint, "no such scheme")
		}
		return Reference{}, bad(hint, "no such scheme: %s://", scheme)
	}
}

// longestScheme is the longest word that an error repeats, in bytes.
const longestScheme = 16

// cutScheme splits "scheme://rest".
func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, "://")
	if !ok || scheme == "" || len(scheme) > 32 {
		return "", "", false
	}
	for i := range len(scheme) {
		c := scheme[i]
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || !strings.ContainsRune("0123456789+.-", rune(c))) {
			return "", "", false
		}
	}
	return scheme, rest, true
}

// parsePlace reads keychain://, vault:// and file://.
func parsePlace(scheme Scheme, rest string) (Reference, error) {
	r := Reference{scheme: scheme}
	rest, field, hasField := strings.Cut(rest, "#")
	if strings.Contains(rest, "?") {
		return Reference{}, bad("leave it out (write %3F for a question mark in a name)", "only hcvault:// and the clouds take ?version=")
	}
	var err error
	if r.field, err = unescape(field); err != nil || (hasField && r.field == "") {
		return Reference{}, bad("write #member", "the part behind # is empty or not well formed")
	}
	switch scheme {
	case Vault:
		r.first = rest
		if keychain.CheckName(parseOp, rest) != nil {
			return Reference{}, bad("write vault://name with letters, digits and . _ - /", "the name is not possible")
		}
	case File:
		r.first, err = unescape(rest)
		if err != nil || !strings.HasPrefix(r.first, "/") || strings.ContainsRune(r.first, 0) || path.Clean(r.first) != r.first || r.first == "/" {
			return Reference{}, bad("write file:///whole/path, with three slashes and no ..", "the path is not whole and plain")
		}
	default:
		service, account, _ := strings.Cut(rest, "/")
		if r.first, err = unescape(service); err == nil {
			r.second, err = unescape(account)
		}
		if err != nil || r.first == "" || r.second == "" || strings.ContainsRune(r.first+r.second, 0) || strings.Contains(r.first, "/") {
			return Reference{}, bad("write keychain://service/account", "service or account is missing or not well formed")
		}
		if r.first == keychain.Service && keychain.CheckName(parseOp, r.second) != nil {
			return Reference{}, bad("write keychain://openclaw/name with letters, digits and . _ - /", "the name is not possible")
		}
	}
	return r, nil
}

func unescape(text string) (string, error) {
	out, err := url.PathUnescape(text)
	if err != nil {
		return "", errors.New("a % is not followed by two hexadecimal digits")
	}
	return out, nil
}

// parseTemplate reads text with ${NAME}, ${NAME:-default} and $$ in it.
func parseTemplate(text string) (Reference, error) {
	r := Reference{scheme: Literal}
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			r.parts = append(r.parts, part{text: keychain.NewSecret([]byte(plain.String()))})
			plain.Reset()
		}
	}
	for text != "" {
		before, after, found := strings.Cut(text, "$")
		plain.WriteString(before)
		if !found {
			break
		}
		if rest, ok := strings.CutPrefix(after, "$"); ok {
			plain.WriteByte('$')
			text = rest
			continue
		}
		inner, ok := strings.CutPrefix(after, "{")
		if !ok {
			return Reference{}, bad("write ${NAME} for a variable, or $$ for a dollar sign", "a $ stands alone")
		}
		inner, rest, closed := strings.Cut(inner, "}")
		name, fallback, hasFallback := strings.Cut(inner, ":-")
		if !closed || !variableName(name) {
			return Reference{}, bad("write ${NAME} or ${NAME:-default}; a default has no }", "a ${ begins no variable")
		}
		flush()
		r.scheme = Variable
		r.parts = append(r.parts, part{variable: name, text: keychain.NewSecret([]byte(fallback)), fallback: hasFallback})
		text = rest
	}
	flush()
	return r, nil
}

func variableName(name string) bool {
	for i := range len(name) {
		c := name[i]
		if c != '_' && (c|0x20 < 'a' || 'z' < c|0x20) && (i == 0 || c < '0' || '9' < c) {
			return false
		}
	}
	return name != ""
}
