package provider

import (
	"net/http"
	"net/url"
	"strings"
)

// route is where a request wants to go.
type route struct {
	kind  string // of the API that the client speaks, as far as the request shows
	named string // the provider of /p/NAME/…; empty: by kind
	path  string // at the provider, escaped as the client wrote it
}

// routeOf reads the request's path and, where that says nothing, its headers.
func routeOf(r *http.Request) (route, *refusal) {
	escaped := r.URL.EscapedPath()
	to := route{kind: kindOf(r, r.URL.Path), path: escaped}
	if strings.HasPrefix(escaped, "/p/") {
		name, rest, _ := strings.Cut(escaped[len("/p/"):], "/")
		to.path = "/" + rest
		plain, err := url.PathUnescape(name)
		if err != nil || plain == "" {
			return to, refused(http.StatusNotFound, "unknown_provider", "the path names no provider: /p/NAME/…")
		}
		to.named = plain
		if decoded, err := url.PathUnescape(to.path); err == nil {
			to.kind = kindOf(r, decoded)
		}
	}
	switch {
	case climbs(r.URL.Path):
		return to, refused(http.StatusBadRequest, "bad_path", "the path climbs out of its provider")
	case to.named == "" && !strings.HasPrefix(escaped, "/v1/"):
		return to, refused(http.StatusNotFound, "unknown_path", "there is no provider for this path; /v1/… and /p/NAME/… are served")
	}
	return to, nil
}

// kindOf says which API a request speaks. Unknown paths under /v1/ pass too.
func kindOf(r *http.Request, path string) string {
	switch {
	case hasSegment(path, "/v1/messages"):
		return KindAnthropic
	case hasSegment(path, "/v1/chat"), hasSegment(path, "/v1/responses"), hasSegment(path, "/v1/embeddings"):
		return KindOpenAI
	case r.Header.Get("Anthropic-Version") != "", r.Header.Get("X-Api-Key") != "":
		return KindAnthropic
	default:
		return KindOpenAI
	}
}

func hasSegment(path, prefix string) bool {
	rest, found := strings.CutPrefix(path, prefix)
	return found && (rest == "" || rest[0] == '/')
}

// climbs reports whether a decoded path has a segment that leads upwards: what
// it reaches at the provider is not what it says.
func climbs(path string) bool {
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, `\`, "/"), "/") {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return false
}

// ownURL is the API of a kind; nil for a kind that is not known.
func ownURL(kind string) *url.URL {
	switch kind {
	case KindAnthropic:
		return &url.URL{Scheme: "https", Host: "api.anthropic.com"}
	case KindOpenAI:
		return &url.URL{Scheme: "https", Host: "api.openai.com"}
	default:
		return nil
	}
}

// upstreamURL is a target's URL for a route. Base URLs are written with and
// without the version at their end; it is not doubled.
func upstreamURL(target Target, path, query string, forceQuery bool) (*url.URL, *refusal) {
	base := ownURL(target.Kind)
	if base == nil {
		return nil, refused(http.StatusNotImplemented, "unknown_kind", "the provider's kind is not one that this gateway speaks: anthropic, openai")
	}
	if target.BaseURL != "" {
		parsed, err := url.Parse(target.BaseURL)
		if err != nil || parsed.Host == "" || parsed.Scheme != "https" && parsed.Scheme != "http" {
			return nil, refused(http.StatusFailedDependency, "bad_base_url", "the provider's base_url is not an https URL: see its entry under providers in the config")
		}
		base = parsed
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
	return &url.URL{
		Scheme: base.Scheme, Host: base.Host, Path: decoded, RawPath: raw, RawQuery: withoutKey(query), ForceQuery: forceQuery,
	}, nil
}

// isVersion knows v1, v4, v1beta.
func isVersion(segment string) bool {
	return len(segment) >= 2 && segment[0] == 'v' && segment[1] >= '0' && segment[1] <= '9'
}

// withoutKey takes the parameter key, a place of credentials, out of a query
// and leaves every other byte.
func withoutKey(query string) string {
	if !strings.Contains(query, "=") && !strings.Contains(query, "key") {
		return query
	}
	var kept []string
	dropped := false
	for parameter := range strings.SplitSeq(query, "&") {
		name, _, _ := strings.Cut(parameter, "=")
		if plain, err := url.QueryUnescape(name); err == nil && plain == "key" {
			dropped = true
			continue
		}
		kept = append(kept, parameter)
	}
	if !dropped {
		return query
	}
	return strings.Join(kept, "&")
}
