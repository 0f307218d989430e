package provider

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// use says what a call of an endpoint costs, as far as it can be known.
type use int

const (
	useReads     use = iota // costs no tokens and names no model in its body
	useCounts               // names a model and costs no tokens
	useGenerates            // names a model, and its answer says what it cost
	useUnknown              // a path of the config: nothing is known of it
)

// endpoint is one row of what is passed on.
type endpoint struct {
	methods []string // nil: every method
	path    []string // below the version, see matches
	use     use
}

func row(use use, path string, methods ...string) endpoint {
	return endpoint{methods: methods, path: strings.Split(path, "/"), use: use}
}

// newTables gives the endpoints of each kind of API: what its clients use for a
// conversation. What is not here (files, batches, fine-tuning, the administration
// of an account) may cost, delete or show anything that the key can, and needs the
// person's word in the config.
func newTables() map[string][]endpoint {
	const get, post = http.MethodGet, http.MethodPost
	return map[string][]endpoint{
		KindAnthropic: {
			row(useGenerates, "messages", post),
			row(useCounts, "messages/count_tokens", post),
			row(useReads, "models", get, http.MethodHead),
			row(useReads, "models/*", get, http.MethodHead),
		},
		KindOpenAI: {
			row(useGenerates, "chat/completions", post),
			row(useGenerates, "responses", post),
			row(useGenerates, "responses/compact", post),
			row(useCounts, "responses/input_tokens", post),
			row(useReads, "responses/*", get, http.MethodDelete),
			row(useReads, "responses/*/cancel", post),
			row(useReads, "responses/*/input_items", get),
			row(useGenerates, "embeddings", post),
			row(useGenerates, "completions", post),
			row(useReads, "models", get, http.MethodHead),
			row(useReads, "models/*", get, http.MethodHead),
			row(useReads, "models/*/*", get, http.MethodHead), // names of the form OWNER/MODEL
		},
		KindGemini: {
			row(useGenerates, "models/*:generateContent", post),
			row(useGenerates, "models/*:streamGenerateContent", post),
			row(useCounts, "models/*:countTokens", post),
			row(useGenerates, "models/*:embedContent", post),
			row(useGenerates, "models/*:batchEmbedContents", post),
			row(useGenerates, "models/*:predict", post),
			row(useReads, "models", get, http.MethodHead),
			row(useReads, "models/*", get, http.MethodHead),
		},
	}
}

// find returns the endpoint that a path at a provider is. Where the path is one
// but not with this method, allowed says with which.
func find(table []endpoint, extra []string, method, path string) (found endpoint, allowed []string) {
	segments := belowVersion(path)
	for _, e := range table {
		if !matches(e.path, segments) {
			continue
		}
		if slices.Contains(e.methods, method) {
			return e, nil
		}
		allowed = append(allowed, e.methods...)
	}
	for _, pattern := range extra {
		methods, pattern := splitPattern(pattern)
		if !matches(belowVersion(pattern), segments) {
			continue
		}
		if len(methods) == 0 || slices.Contains(methods, method) {
			return endpoint{use: useUnknown}, nil
		}
		allowed = append(allowed, methods...)
	}
	return endpoint{}, slices.Compact(slices.Sorted(slices.Values(allowed)))
}

// splitPattern reads a pattern of the config: "/v1/files/*", "GET /v1/files/**".
func splitPattern(text string) (methods []string, pattern string) {
	if method, rest, found := strings.Cut(text, " "); found {
		return []string{method}, rest
	}
	return nil, text
}

// belowVersion splits an escaped path and leaves a version at its start out: base
// URLs are written with and without it.
func belowVersion(path string) []string {
	segments := strings.Split(strings.TrimPrefix(path, "/"), "/")
	if len(segments) > 1 && isVersion(segments[0]) {
		segments = segments[1:]
	}
	return segments
}

// matches compares an escaped path with a pattern, segment by segment. "*" stands
// for one name, "*:word" for a name before a word, and a last "**" for whatever
// follows. A word is compared as it was written: no client escapes a letter.
func matches(pattern, segments []string) bool {
	for i, want := range pattern {
		if want == "**" && i == len(pattern)-1 {
			return true
		}
		if i >= len(segments) {
			return false
		}
		found := want == segments[i]
		if suffix, wild := strings.CutPrefix(want, "*"); wild {
			var name string
			name, found = strings.CutSuffix(segments[i], suffix)
			found = found && isName(name)
		}
		if !found {
			return false
		}
	}
	return len(segments) == len(pattern)
}

// isName allows what names of models and of stored answers are made of. A slash
// in an escape would be another path at a server that reads escapes first.
func isName(escaped string) bool {
	name, err := url.PathUnescape(escaped)
	if err != nil || name == "" {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~:@+", c) >= 0:
		default:
			return false
		}
	}
	return true
}
