package provider

import (
	"net/http"
	"net/textproto"
	"slices"
	"strings"
)

// shortestToken is the shortest credential that is looked for in other headers:
// a shorter one may be any word.
const shortestToken = 16

// isCredential reports a header in which clients put credentials.
func isCredential(name string) bool {
	switch name {
	case "Authorization", "Proxy-Authorization", "X-Api-Key", "X-Goog-Api-Key", "Api-Key", "Cookie", "Cookie2",
		"X-Auth-Token", "X-Access-Token", "X-Goog-Iam-Authorization-Token", "Ocp-Apim-Subscription-Key":
		return true
	default:
		return false
	}
}

// isMisleading reports a header by which servers let a client say that its
// request is another one: another method, path, host or address.
func isMisleading(name string) bool {
	switch name {
	case "Forwarded", "Via", "X-Real-Ip", "X-Client-Ip", "Client-Ip", "True-Client-Ip", "X-Cluster-Client-Ip", "X-Host", "X-Http-Method", "X-Http-Method-Override",
		"X-Method-Override", "X-Rewrite-Url", "X-Envoy-Original-Path":
		return true
	default:
		return strings.HasPrefix(name, "X-Forwarded") || strings.HasPrefix(name, "X-Original") || strings.HasPrefix(name, "X-Proxyuser")
	}
}

// isHop reports a header that is about one connection only.
func isHop(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Http2-Settings":
		return true
	default:
		return false
	}
}

// connectionNames are the headers that a message's Connection makes hop-by-hop.
func connectionNames(header http.Header) []string {
	var names []string
	for _, value := range header["Connection"] {
		for name := range strings.SplitSeq(value, ",") {
			if name = textproto.TrimString(name); name != "" {
				names = append(names, http.CanonicalHeaderKey(name))
			}
		}
	}
	return names
}

// outgoing is what of a client's header goes to the provider.
func outgoing(r *http.Request, tokens []string) http.Header {
	named := connectionNames(r.Header)
	out := make(http.Header, len(r.Header)+3)
	for name, values := range r.Header {
		// Servers behind CGI and its kin read an underscore as a dash.
		read := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
		switch { // the first cases are what stays here
		case isCredential(read), isHop(read), isMisleading(read), slices.Contains(named, name):
		case name == "Accept-Encoding", name == "Content-Length", name == "Expect":
		case slices.ContainsFunc(values, func(value string) bool { return holdsAny(value, tokens) }):
		default:
			out[name] = values
		}
	}
	if _, has := out["User-Agent"]; !has {
		out["User-Agent"] = []string{""} // net/http would put its own
	}
	out["Accept-Encoding"] = []string{"identity"}
	return out
}

// presented are the credentials of a request.
func presented(r *http.Request) []string {
	var tokens []string
	add := func(token string) {
		if len(token) >= shortestToken {
			tokens = append(tokens, token)
		}
	}
	for _, name := range []string{"Authorization", "Proxy-Authorization", "X-Api-Key", "X-Goog-Api-Key", "Api-Key"} {
		for _, value := range r.Header[name] {
			if _, token, found := strings.Cut(value, " "); found {
				add(strings.TrimSpace(token))
			} else {
				add(value)
			}
		}
	}
	if strings.Contains(r.URL.RawQuery, "key=") {
		for _, value := range r.URL.Query()["key"] {
			add(value)
		}
	}
	return tokens
}

func holdsAny(text string, tokens []string) bool {
	return slices.ContainsFunc(tokens, func(token string) bool { return strings.Contains(text, token) })
}

// aboutOrigin reports a header by which a server tells a browser what to do
// with its origin. Here the origin is the gateway's, and a provider has no say.
func aboutOrigin(name string) bool {
	switch name {
	case "Set-Cookie", "Set-Cookie2", "Strict-Transport-Security", "Alt-Svc", "Clear-Site-Data", "Public-Key-Pins",
		"Service-Worker-Allowed", "Nel", "Report-To", "Reporting-Endpoints", "Refresh":
		return true
	default:
		return strings.HasPrefix(name, "Access-Control-")
	}
}

// giveBack copies an answer's header to the client's. What the gateway has set
// for its own safety stays, but Cache-Control is the provider's where it gives one.
func giveBack(to, from http.Header, mask *mask) {
	named := connectionNames(from)
	for name, values := range from {
		if isHop(name) || aboutOrigin(name) || slices.Contains(named, name) || mask.names(name) {
			continue
		}
		if _, ours := to[name]; ours && name != "Cache-Control" {
			continue
		}
		to[name] = mask.values(values)
	}
	if _, has := to["Content-Type"]; !has {
		to["Content-Type"] = nil // net/http would guess one
	}
}
