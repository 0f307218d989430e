package auth

import (
	"net/http"
	"slices"
	"strings"
)

// maxCandidates bounds how many different credentials one request may present.
const maxCandidates = 5

// Candidates returns the different credentials that a request carries, in the
// places where clients of model providers put theirs: Authorization, x-api-key,
// x-goog-api-key, api-key, and ?key=. Clients that hold both a key of their own
// and ours send both; whichever is ours counts.
func Candidates(r *http.Request) []string {
	var found []string
	add := func(token string) {
		token = strings.TrimSpace(token)
		if token == "" || len(found) == maxCandidates || slices.Contains(found, token) {
			return
		}
		found = append(found, token)
	}
	for _, value := range r.Header.Values("Authorization") {
		if scheme, token, ok := strings.Cut(value, " "); ok && strings.EqualFold(scheme, "Bearer") {
			add(token)
		}
	}
	for _, name := range []string{"X-Api-Key", "X-Goog-Api-Key", "Api-Key"} {
		for _, value := range r.Header.Values(name) {
			add(value)
		}
	}
	if strings.Contains(r.URL.RawQuery, "key=") {
		for _, value := range r.URL.Query()["key"] {
			add(value)
		}
	}
	return found
}
