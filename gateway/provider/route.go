package provider

import (
	"encoding/hex"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// route is where a request wants to go.
type route struct {
	kind  string // of the API that the client speaks, as far as the request shows
	guess bool   // nothing in the request shows the kind
	named string // the provider of /p/NAME/…; empty: by kind
	path  string // at the provider, escaped as the client wrote it
}

// routeOf reads the request's path and, where that says nothing, its headers.
func routeOf(r *http.Request) (route, *refusal) {
	escaped := r.URL.EscapedPath()
	to := route{path: escaped}
	to.kind, to.guess = kindOf(r, r.URL.Path)
	if strings.HasPrefix(escaped, "/p/") {
		name, rest, _ := strings.Cut(escaped[len("/p/"):], "/")
		to.path = "/" + rest
		plain, err := url.PathUnescape(name)
		if err != nil || plain == "" {
			return to, refused(http.StatusNotFound, "unknown_provider", "the path names no provider: /p/NAME/…")
		}
		to.named = plain
		if decoded, err := url.PathUnescape(to.path); err == nil {
			to.kind, to.guess = kindOf(r, decoded)
		}
	}
	switch {
	case climbs(escaped):
		return to, refused(http.StatusBadRequest, "bad_path", "the path climbs out of its provider")
	case to.named == "" && !strings.HasPrefix(escaped, "/v1/") && !strings.HasPrefix(escaped, "/v1beta/"):
		return to, refused(http.StatusNotFound, "unknown_path", "there is no provider for this path; /v1/…, /v1beta/… and /p/NAME/… are served")
	}
	return to, nil
}

// kindOf says which API a request speaks; guess is true where nothing shows it.
func kindOf(r *http.Request, path string) (kind string, guess bool) {
	_, method, _ := strings.Cut(path[strings.LastIndexByte(path, '/')+1:], ":")
	switch {
	case hasSegment(path, "/v1/messages"):
		return KindAnthropic, false
	case hasSegment(path, "/v1/chat"), hasSegment(path, "/v1/responses"), hasSegment(path, "/v1/embeddings"), hasSegment(path, "/v1/completions"):
		return KindOpenAI, false
	case hasSegment(path, "/v1beta"), strings.HasSuffix(method, "Content"), method == "countTokens":
		return KindGemini, false
	case r.Header.Get("Anthropic-Version") != "", r.Header.Get("X-Api-Key") != "":
		return KindAnthropic, false
	case r.Header.Get("X-Goog-Api-Key") != "", r.Header.Get("X-Goog-Api-Client") != "":
		return KindGemini, false
	default:
		return KindOpenAI, true
	}
}

func hasSegment(path, prefix string) bool {
	rest, found := strings.CutPrefix(path, prefix)
	return found && (rest == "" || rest[0] == '/')
}

// deepestEscape is how often a path may be escaped within itself.
const deepestEscape = 5

// climbs reports whether a path has a segment that leads upwards, however often
// a server on the way decodes it: what it reaches at the provider is not what it
// says.
func climbs(path string) bool {
	for range deepestEscape {
		for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
			if segment == ".." || segment == "." {
				return true
			}
		}
		decoded := unescaped(path)
		if decoded == path {
			return false
		}
		path = decoded
	}
	return true // nobody writes so who has nothing to hide
}

// unescaped decodes what is an escape and leaves what is none, as lenient servers
// do: a percent sign that stands for itself hides nothing of what follows it.
func unescaped(path string) string {
	out := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if b, err := hex.DecodeString(path[i+1 : i+3]); err == nil {
				out = append(out, b[0])
				i += 2
				continue
			}
		}
		out = append(out, path[i])
	}
	return string(out)
}

// ownURL is the API of a kind; nil for a kind that is not known.
func ownURL(kind string) *url.URL {
	switch kind {
	case KindAnthropic:
		return &url.URL{Scheme: "https", Host: "api.anthropic.com"}
	case KindOpenAI:
		return &url.URL{Scheme: "https", Host: "api.openai.com"}
	case KindGemini:
		return &url.URL{Scheme: "https", Host: "generativelanguage.googleapis.com"}
	default:
		return nil
	}
}

// bases are the base URLs of the config as they were read: every call asks for one,
// and they change when a person edits them. It is safe for concurrent use.
type bases struct{ read sync.Map } // text → *url.URL

// parse reads a base URL; nil is one that a key does not go to.
func (b *bases) parse(text string) *url.URL {
	if kept, is := b.read.Load(text); is {
		base, _ := kept.(*url.URL) // nothing else is kept
		return base
	}
	base, err := url.Parse(text)
	if err != nil || base.Hostname() == "" || base.User != nil || base.Scheme != "https" && (base.Scheme != "http" || !isLoopback(base.Hostname())) {
		return nil
	}
	b.read.Store(text, base)
	return base
}

// upstreamURL is a target's URL for a route. Base URLs are written with and
// without the version at their end; it is not doubled.
func (b *bases) upstreamURL(target Target, path string) (*url.URL, *refusal) {
	base := ownURL(target.Kind)
	if base == nil {
		return nil, refused(http.StatusNotImplemented, "unknown_kind", "the provider's kind is not one that this gateway speaks: anthropic, openai, gemini")
	}
	if target.BaseURL != "" {
		if base = b.parse(target.BaseURL); base == nil {
			return nil, refused(http.StatusFailedDependency, "bad_base_url", "the provider's base_url is not an https URL, and a key goes to no other machine in the clear: see its entry under providers in the config")
		}
	}
	root := strings.TrimRight(base.EscapedPath(), "/")
	if version := root[strings.LastIndexByte(root, '/')+1:]; isVersion(version) && hasSegment(path, "/"+version) {
		path = path[len(version)+1:]
	}
	raw := root + path
	decoded, err := url.PathUnescape(raw)
	if err != nil {
		return nil, refused(http.StatusBadRequest, "bad_path", "the path holds a broken escape")
	}
	return &url.URL{Scheme: base.Scheme, Host: base.Host, Path: decoded, RawPath: raw}, nil
}

// isVersion knows v1, v4, v1beta.
func isVersion(segment string) bool {
	return len(segment) >= 2 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9'
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.Unmap().IsLoopback()
}

// isCredentialParameter reports a place of credentials in a query: Gemini's key,
// and what Google's and other APIs take beside it.
func isCredentialParameter(name string) bool {
	switch strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name)) {
	case "key", "apikey", "accesstoken", "oauthtoken", "authtoken", "bearertoken":
		return true
	default:
		return false
	}
}

// withoutTokens takes the places of credentials out of a query, and whatever
// repeats a credential of the request, and leaves every other byte. Some servers
// part parameters at a semicolon too.
func withoutTokens(query string, tokens []string) string {
	if query == "" {
		return query
	}
	var kept []string
	for parameter := range strings.SplitSeq(query, "&") {
		plain, err := url.QueryUnescape(parameter)
		if err != nil {
			plain = parameter
		}
		if holdsAny(plain, tokens) || slices.ContainsFunc(strings.FieldsFunc(parameter+";"+plain, func(r rune) bool { return r == ';' || r == '&' }), namesCredential) {
			continue
		}
		kept = append(kept, parameter)
	}
	return strings.Join(kept, "&")
}

func namesCredential(parameter string) bool {
	name, _, _ := strings.Cut(parameter, "=")
	if plain, err := url.QueryUnescape(name); err == nil {
		name = plain
	}
	return isCredentialParameter(strings.TrimSpace(name))
}
