package provider

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"

	"openclaw/keychain"
)

// longestKey bounds a key, in bytes; what is longer is a file by mistake.
const longestKey = 8 << 10

// subscriptionPrefix begins the OAuth tokens of Anthropic's subscriptions. They
// are another kind of credential with headers of their own, and not a key.
const subscriptionPrefix = "sk-ant-oat"

// fetchKey gives the key that a header can carry. The caller wipes it.
func (h *Handler) fetchKey(ctx context.Context, name, kind string) (keychain.Secret, *refusal) {
	whole, err := h.options.Secret(ctx, name)
	if err != nil {
		whole.Wipe()
		return keychain.Secret{}, noKey(name, err)
	}
	key := keychain.NewSecret(bytes.TrimSpace(whole.Reveal())) // a line end of a file or a pipe
	cure := ": openclaw secrets set " + name
	var problem string
	switch {
	case key.Empty():
		problem = "the key for " + name + " is empty" + cure
	case key.Len() > longestKey:
		problem = "what is stored as the key for " + name + " is too long to be one" + cure
	case !printable(key.Reveal()):
		problem = "the key for " + name + " holds a character that no key has" + cure
	case kind == KindAnthropic && bytes.HasPrefix(key.Reveal(), []byte(subscriptionPrefix)):
		problem = "what is stored as the key for " + name + " is a subscription's token, which only Claude Code itself may use; store an API key" + cure
	default:
		return key, nil
	}
	whole.Wipe()
	return keychain.Secret{}, refused(http.StatusFailedDependency, "bad_key", problem)
}

// printable allows what a header carries unchanged.
func printable(key []byte) bool {
	for _, c := range key {
		if c <= ' ' || c > '~' {
			return false
		}
	}
	return true
}

// inject puts the one credential in, in the form of the provider's own API.
func inject(header http.Header, kind string, key keychain.Secret) {
	switch kind {
	case KindAnthropic:
		header["X-Api-Key"] = []string{string(key.Reveal())}
	case KindGemini:
		header["X-Goog-Api-Key"] = []string{string(key.Reveal())}
	default:
		header["Authorization"] = []string{"Bearer " + string(key.Reveal())}
	}
}

// noKey says why a provider's key cannot be had. Only the kind and the hint of
// the error are told: they are written for people and hold no value.
func noKey(name string, err error) *refusal {
	failure, known := errors.AsType[*keychain.Error](err)
	if !known {
		out := refused(http.StatusServiceUnavailable, "no_key", "the key for "+name+" cannot be read: openclaw secrets test "+name)
		out.again = true
		return out
	}
	out := refused(http.StatusFailedDependency, "no_key", "the key for "+name+" cannot be read ("+string(failure.Kind)+")")
	hint := failure.Hint
	switch failure.Kind {
	case keychain.KindNotFound:
		out.message = "no key for " + name + " is stored"
		if hint == "" || strings.HasSuffix(hint, "openclaw secrets set NAME") {
			hint = "openclaw secrets set " + storedName(failure.Name, name)
		}
	case keychain.KindTimeout, keychain.KindFailed:
		// What passes by itself. The rest waits for a person, and a client
		// that asks again and again only hides the reason.
		out.status, out.again = http.StatusServiceUnavailable, true
	default:
	}
	if hint == "" {
		hint = "openclaw secrets test " + name
	}
	out.message += ": " + hint
	return out
}

// storedName is the name under which the secret of a reference is stored.
func storedName(reference, name string) string {
	for _, scheme := range []string{"keychain://openclaw/", "vault://"} {
		if rest, found := strings.CutPrefix(reference, scheme); found && rest != "" && !strings.Contains(rest, "#") {
			return rest
		}
	}
	return name
}
