package provider_test

import (
	"bufio"
	"net"
	"net/http"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
)

// Whatever a client adds to a request, the provider sees the one credential of
// the gateway, at the provider's own host, by the client's own method and path.
func TestNothingIsSmuggled(t *testing.T) {
	const evil = "evil-key-of-somebody-else"
	paths := []string{"/v1/messages", "/v1/responses", "/v1beta/models/m:generateContent", "/p/local/v1/chat/completions"}
	headers := []string{
		"Authorization: Bearer " + evil, "authorization: Basic " + evil, "X-Api-Key: " + evil, "x-api-key: a\r\nx-api-key: " + evil, "X-Goog-Api-Key: " + evil, "Api-Key: " + evil,
		"X_Api_Key: " + evil, "X-Api_Key: " + evil, "x_goog_api_key: " + evil, "Proxy-Authorization: " + evil, "Cookie: key=" + evil, "X-Auth-Token: " + evil,
		"Connection: x-api-key, authorization, x-goog-api-key\r\nX-Other: 1", "Connection: close, X-Other\r\nX-Other: " + evil,
		"X-Forwarded-Host: " + evil, "X-Forwarded: " + evil, "X-Host: " + evil, "X-Original-Host: " + evil, "Forwarded: host=" + evil, "Via: " + evil,
		"X-HTTP-Method-Override: " + evil, "X_HTTP_Method_Override: " + evil, "X-Original-URL: /" + evil, "X-Rewrite-URL: /" + evil, "Upgrade: " + evil + "\r\nConnection: upgrade",
		"TE: trailers, " + evil, "Trailer: " + evil, "Keep-Alive: " + evil, "Proxy-Connection: " + evil,
	}
	queries := []string{
		"key=" + evil, "KEY=" + evil, "%6bey=" + evil, "%256bey=1;key=" + evil, "a=1;key=" + evil, "a=1%3Bkey=" + evil, "a=1%26key=" + evil, "access_token=" + evil,
		"oauth_token=" + evil, "api_key=" + evil, "api-key=" + evil, "apikey=" + evil, "a&key&key=" + evil, "key=&key=" + evil, " key=" + evil, "+key=" + evil,
	}
	h := build(t, standin.New(), nil)
	check := func(t *testing.T, path, query, header string) {
		t.Helper()
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		target := path
		if query != "" {
			target += "?" + strings.ReplaceAll(query, " ", "%20")
		}
		before := len(h.upstream.Requests())
		if _, err := conn.Write([]byte("POST " + target + " HTTP/1.1\r\nHost: gateway\r\nX-Api-Key: " + agentToken + "\r\n" + header + "\r\nContent-Length: 2\r\n\r\n{}")); err != nil {
			t.Fatal(err)
		}
		reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		seen := h.upstream.Requests()
		if reply.StatusCode != http.StatusOK || len(seen) != before+1 {
			t.Fatalf("%s, %d requests", reply.Status, len(seen)-before)
		}
		got := seen[len(seen)-1]
		if got.Method != "POST" || strings.Contains(got.Query, evil) || strings.Contains(got.Path, evil) || got.Host == "gateway" || strings.Contains(got.Host, evil) {
			t.Errorf("%s %s ? %s at %s", got.Method, got.Path, got.Query, got.Host)
		}
		credentials := 0
		for name, values := range got.Header {
			for _, value := range values {
				credentials += strings.Count(value, realKey)
				if strings.Contains(value, evil) || strings.Contains(value, agentToken) {
					t.Errorf("%s: %s", name, value)
				}
			}
		}
		if credentials != 1 {
			t.Errorf("%d credentials", credentials)
		}
	}
	for _, path := range paths {
		for _, header := range headers {
			t.Run(path+" "+header, func(t *testing.T) { check(t, path, "", header) })
		}
		for _, query := range queries {
			t.Run(path+"?"+query, func(t *testing.T) { check(t, path, query, "X-Other: 1") })
		}
	}
}
