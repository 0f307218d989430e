package ref

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"openclaw/keychain"
)

// Scheme is the kind of a reference.
type Scheme string

// The schemes.
const (
	Literal  Scheme = "literal"
	Variable Scheme = "variable"
	Keychain Scheme = "keychain"
	Vault    Scheme = "vault"
	File     Scheme = "file"
	AWS      Scheme = "aws-secrets"    // AWS Secrets Manager
	GCP      Scheme = "gcp-secrets"    // Google Cloud Secret Manager
	Azure    Scheme = "azure-keyvault" // Azure Key Vault
	Exec     Scheme = "exec"
	Pass     Scheme = "pass"    // the password store of pass(1)
	OP       Scheme = "op"      // 1Password
	HCVault  Scheme = "hcvault" // HashiCorp Vault and OpenBao
)

// maxReference is the length of the longest reference in bytes.
const maxReference = 64 << 10

// bullets stand for text that may be secret.
const bullets = "••••"

// Reference is a parsed reference. It prints as it was written, with bullets
// for a literal, a default and any text around variables.
type Reference struct {
	scheme Scheme
	parts  []part // Literal and Variable; the command line of Exec
	first  string // service, entry or path
	second string // account
	field  string

	version string // of HCVault, AWS, GCP and Azure; "" is the newest
}

// part is a piece of text, or a variable with its default.
type part struct {
	variable string          // "" for text
	text     keychain.Secret // the text, or the default
	fallback bool            // a default was written
}

// Scheme returns the kind.
func (r Reference) Scheme() Scheme { return r.scheme }

// Variables returns the names of the variables in it.
func (r Reference) Variables() []string {
	var names []string
	for _, p := range r.parts {
		if p.variable != "" {
			names = append(names, p.variable)
		}
	}
	return names
}

// Warning returns why a person should not write it so, or "".
func (r Reference) Warning() string {
	if r.scheme == Literal && len(r.parts) > 0 {
		return "the value itself stands in the config: move it with openclaw secrets import"
	}
	return ""
}

// String returns the reference without what may be secret in it.
func (r Reference) String() string {
	switch r.scheme {
	case Keychain:
		return "keychain://" + escape(r.first) + "/" + escape(r.second) + r.fragment()
	case Vault:
		return "vault://" + r.first + r.fragment()
	case File:
		return "file://" + escape(r.first) + r.fragment()
	case Pass, OP, HCVault, AWS, GCP, Azure:
		text := string(r.scheme) + "://" + escape(r.first)
		switch {
		case r.version != "" && r.scheme == GCP:
			text += "/versions/" + r.version // as Google writes it
		case r.version != "":
			text += "?version=" + r.version
		}
		return text + r.fragment()
	case Exec:
		return "exec:" + bullets
	case Literal, Variable:
	}
	var out strings.Builder
	for _, p := range r.parts {
		switch {
		case p.variable == "":
			out.WriteString(bullets)
		case p.fallback:
			out.WriteString("${" + p.variable + ":-" + bullets + "}")
		default:
			out.WriteString("${" + p.variable + "}")
		}
	}
	return out.String()
}

// external reports whether a program or a server elsewhere answers.
func (r Reference) external() bool {
	switch r.scheme {
	case Exec, Pass, OP, HCVault, AWS, GCP, Azure:
		return true
	default:
		return false
	}
}

// cacheKey tells apart what String does not: two commands look the same.
func (r Reference) cacheKey() string {
	if r.scheme != HCVault { // there the member is picked from the answer
		r.field = ""
	}
	if r.scheme == Exec {
		return "exec:" + string(r.parts[0].text.Reveal())
	}
	return r.String()
}

// GoString is String: %#v must not print the parts.
func (r Reference) GoString() string { return r.String() }

// MarshalText is String.
func (r Reference) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

func (r Reference) fragment() string {
	if r.field == "" {
		return ""
	}
	return "#" + escape(r.field)
}

// escape writes what Parse reads back: the few bytes with a meaning, and what
// a terminal would not print.
func escape(text string) string { return escapeOnly("%#?", text) }

func escapeOnly(meaning, text string) string {
	var out strings.Builder
	for text != "" {
		r, size := utf8.DecodeRuneInString(text)
		broken := r == utf8.RuneError && size == 1
		if broken || strings.ContainsRune(meaning, r) || !unicode.IsPrint(r) {
			out.WriteString(url.PathEscape(text[:size]))
		} else {
			out.WriteString(text[:size])
		}
		text = text[size:]
	}
	return out.String()
}
