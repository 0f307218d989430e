package provider_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/keychain"
)

// Refusals of our own are told in the API's shape with what to do, never as a
// 401, and nothing reaches the provider.
func TestOwnErrors(t *testing.T) {
	refuse := func(o *provider.Options) {
		o.Allowed = func(agent, name string) error { return errors.New("agent " + agent + " may not use " + name) }
	}
	secret := func(err error, value string) func(*provider.Options) {
		return func(o *provider.Options) {
			o.Secret = func(context.Context, string) (keychain.Secret, error) { return keychain.NewSecret([]byte(value)), err }
		}
	}
	base := func(url string) func(*provider.Options) {
		return func(o *provider.Options) {
			o.Providers = func() map[string]provider.Target {
				return map[string]provider.Target{"anthropic": {Kind: provider.KindAnthropic, BaseURL: url}}
			}
		}
	}
	for name, row := range map[string]struct {
		change  func(*provider.Options)
		method  string
		path    string
		headers []string
		status  int
		want    string
	}{
		"provider not allowed": {refuse, "POST", "/v1/messages", nil, 403, `{"type":"error","error":{"type":"permission_error","message":"agent coder may not use anthropic"}}`},
		"the same for OpenAI": {refuse, "POST", "/v1/responses", nil, 403,
			`{"error":{"message":"agent coder may not use openai","type":"invalid_request_error","param":null,"code":"provider_not_allowed"}}`},
		"WebSocket": {nil, "GET", "/v1/responses", []string{"Upgrade", "websocket", "Connection", "Upgrade"}, 426,
			`{"error":{"message":"no WebSocket is served here: send the request over HTTP","type":"invalid_request_error","param":null,"code":"no_websocket"}}`},
		"trace": {nil, "TRACE", "/v1/messages", nil, 405, `not passed on`},
		"the same for Gemini": {refuse, "POST", "/v1beta/models/gemini:generateContent", nil, 403,
			`{"error":{"code":403,"message":"agent coder may not use gemini","status":"PERMISSION_DENIED"}}`},
		"path of nobody":            {nil, "POST", "/v2/messages", nil, 404, `no provider for this path`},
		"batches":                   {nil, "POST", "/v1/messages/batches", nil, 404, `providers.anthropic.paths in the config`},
		"files":                     {nil, "GET", "/v1/files/f_1", nil, 404, `providers.openai.paths in the config`},
		"files of Gemini":           {nil, "POST", "/v1beta/files", nil, 404, `{"error":{"code":404,"message":"this path of gemini is not passed on`},
		"batches of Gemini":         {nil, "POST", "/v1beta/models/m:batchGenerateContent", nil, 405, `with GET, HEAD only`},
		"administration":            {nil, "DELETE", "/p/anthropic/v1/organizations/api_keys/k", nil, 404, `not passed on`},
		"a longer word":             {nil, "POST", "/v1/messagesx", nil, 404, `not passed on`},
		"a slash at the end":        {nil, "POST", "/v1/messages/", nil, 404, `not passed on`},
		"a doubled slash":           {nil, "POST", "/v1//messages", nil, 404, `not passed on`},
		"an escaped letter":         {nil, "POST", "/v1/mess%61ges", nil, 404, `not passed on`},
		"an escaped slash":          {nil, "GET", "/v1/models/x%2Ffiles", nil, 404, `not passed on`},
		"an escaped question mark":  {nil, "GET", "/v1/models/x%3Fy", nil, 404, `not passed on`},
		"another API's path":        {nil, "POST", "/p/openai/v1/messages", nil, 404, `not passed on`},
		"another method":            {nil, "PUT", "/v1/chat/completions", nil, 405, `with POST only`},
		"another method, a pattern": {nil, "DELETE", "/p/local/files/x", nil, 405, `with GET only`},
		"a pattern's own folder":    {nil, "POST", "/p/local/a", nil, 404, `providers.local.paths`},
		"unknown provider":          {nil, "POST", "/p/nobody/v1/x", nil, 404, `see providers in the config`},
		"unknown provider's shape":  {nil, "POST", "/p/nobody/v1/messages", nil, 404, `{"type":"error","error":{"type":"not_found_error"`},
		"no name":                   {nil, "POST", "/p//v1/messages", nil, 404, `/p/NAME/`},
		"kind that is not spoken":   {nil, "POST", "/p/odd/v1/x", nil, 501, `anthropic, openai, gemini`},
		"dots":                      {nil, "POST", "/p/local/%2e%2e/admin", nil, 400, `climbs`},
		"escaped dots and slash":    {nil, "POST", "/p/local/a%2f..%2fadmin", nil, 400, `climbs`},
		"backslashes":               {nil, "POST", "/p/local/a%5c..%5cadmin", nil, 400, `climbs`},
		"twice escaped dots":        {nil, "POST", "/p/local/%252e%252e/admin", nil, 400, `climbs`},
		"dots behind a percent":     {nil, "POST", "/p/local/%25/%2e%252e/admin", nil, 400, `climbs`},
		"dots behind a broken one":  {nil, "POST", "/p/local/%25zz/%252e%252e/admin", nil, 400, `climbs`},
		"escaped too often":         {nil, "POST", "/p/local/%25252525252e/admin", nil, 400, `climbs`},
		"dots in the name":          {nil, "POST", "/p/%2e%2e/v1/admin", nil, 400, `climbs`},
		"no key":                    {secret(&keychain.Error{Kind: keychain.KindNotFound}, ""), "POST", "/v1/messages", nil, 424, `{"type":"error","error":{"type":"api_error","message":"no key for anthropic is stored: openclaw secrets set anthropic"}}`},
		"no key, the store's words": {secret(&keychain.Error{Kind: keychain.KindNotFound, Name: "keychain://openclaw/work", Hint: "store it: openclaw secrets set NAME"}, ""), "POST", "/v1/messages", nil, 424, `stored: openclaw secrets set work"`},
		"no key, a variable's":      {secret(&keychain.Error{Kind: keychain.KindNotFound, Hint: "export KEY"}, ""), "POST", "/v1/responses", nil, 424, `{"error":{"message":"no key for openai is stored: export KEY","type":"invalid_request_error","param":null,"code":"no_key"}}`},
		"locked":                    {secret(&keychain.Error{Kind: keychain.KindLocked, Hint: "unlock the keychain"}, ""), "POST", "/v1/messages", nil, 424, `the key for anthropic cannot be read (locked): unlock the keychain`},
		"a store that hangs":        {secret(&keychain.Error{Kind: keychain.KindTimeout, Hint: "restart it"}, ""), "POST", "/v1/messages", nil, 503, `(timed out): restart it`},
		"an error of another kind":  {secret(errors.New("inner "+realKey), ""), "POST", "/v1/messages", nil, 503, `openclaw secrets test anthropic`},
		"a wrapped one":             {secret(&keychain.Error{Kind: keychain.KindCorrupt, Err: errors.New(realKey)}, realKey), "POST", "/v1/messages", nil, 424, `(corrupt): openclaw secrets test anthropic`},
		"an empty key":              {secret(nil, " \n"), "POST", "/v1/messages", nil, 424, `is empty: openclaw secrets set anthropic`},
		"a key with lines":          {secret(nil, realKey+"\r\nX: y"), "POST", "/v1/messages", nil, 424, `holds a character that no key has`},
		"a key that is a file":      {secret(nil, strings.Repeat(realKey, 500)), "POST", "/v1/messages", nil, 424, `too long`},
		"a subscription's token":    {secret(nil, "sk-ant-oat01-"+realKey), "POST", "/v1/messages", nil, 424, `store an API key`},
		"plain http elsewhere":      {base("http://192.0.2.1"), "POST", "/v1/messages", nil, 424, `in the clear`},
		"a user in the URL":         {base("https://me:x@192.0.2.1"), "POST", "/v1/messages", nil, 424, `base_url`},
		"nobody listens":            {base("http://127.0.0.1:1"), "POST", "/v1/messages", nil, 502, `anthropic (127.0.0.1:1) refuses connections`},
		"no such name":              {base("https://provider.invalid"), "POST", "/v1/messages", nil, 502, `provider.invalid`},
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, standin.New(), row.change)
			reply, body, err := h.do(t, h.request(t, row.method, row.path, "{}", row.headers...))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(body, row.want) || reply.StatusCode != row.status || strings.Contains(body, realKey) {
				t.Errorf("%d %s", reply.StatusCode, body)
			}
			if reply.Header.Get("Content-Type") != "application/json" || (reply.Header.Get("X-Should-Retry") == "false") != (row.status != 502 && row.status != 503) {
				t.Errorf("header %v", reply.Header)
			}
			if (reply.Header.Get("Upgrade") == "HTTP/1.1") != (row.status == http.StatusUpgradeRequired) { // RFC 9110, section 15.5.22
				t.Errorf("%d with the header Upgrade %q", row.status, reply.Header.Get("Upgrade"))
			}
			if n := len(h.upstream.Requests()); n != 0 {
				t.Errorf("%d requests reached the provider", n)
			}
			if record := h.record(t, 1); record.Status != row.status || record.Error == "" || strings.Contains(record.Error, realKey) || len(h.starts()) != 1 {
				t.Errorf("record %+v", record)
			}
		})
	}
}

// A key with the line end of a file is the key.
func TestKeyWithLineEnd(t *testing.T) {
	var given keychain.Secret
	h := build(t, standin.New(), func(o *provider.Options) {
		o.Secret = func(context.Context, string) (keychain.Secret, error) {
			given = keychain.NewSecret([]byte(realKey + "\r\n"))
			return given, nil
		}
	})
	if reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}")); err != nil || reply.StatusCode != http.StatusOK {
		t.Fatal(reply, body, err)
	}
	if got := h.upstream.Requests()[0].Header["X-Api-Key"]; len(got) != 1 || got[0] != realKey {
		t.Errorf("sent %q", got)
	}
	h.record(t, 1)
	if strings.Trim(string(given.Reveal()), "\x00\r\n") != "" {
		t.Error("the key is still in memory when its call has ended")
	}
}

// A redirect is neither followed nor passed on: the key and the client's token
// go nowhere else.
func TestRedirectLeadsNowhere(t *testing.T) {
	upstream := standin.New()
	upstream.SetMode(standin.Redirect)
	h := build(t, upstream, nil)
	reply, body, err := h.do(t, h.request(t, "GET", "/v1/models", ""))
	if err != nil || reply.StatusCode != http.StatusBadGateway || reply.Header.Get("Location") != "" || !strings.Contains(body, "redirect (307)") || len(h.upstream.Requests()) != 1 {
		t.Errorf("%v %s %v", reply, body, err)
	}
}

// A body past the limit is refused in the API's shape, announced or not; one
// of 20 MiB passes.
func TestBodyLimit(t *testing.T) {
	h := build(t, standin.New(), nil)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: "+strconv.Itoa(provider.DefaultMaxBody+1)+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	refused, err := io.ReadAll(conn) // without a byte of the body
	if err != nil || !strings.HasPrefix(string(refused), "HTTP/1.1 413 ") || !strings.Contains(string(refused), `"type":"request_too_large"`) {
		t.Errorf("%q %v", refused, err)
	}
	small := build(t, standin.New(), func(o *provider.Options) { o.MaxBody = 10_000 })
	chunked := small.request(t, "POST", "/v1/responses", "{}")
	chunked.Body, chunked.ContentLength = io.NopCloser(io.LimitReader(spaces{}, 10_001)), -1
	reply, body, err := small.do(t, chunked)
	if err != nil || reply.StatusCode != 413 || !strings.Contains(body, "larger than 10000 bytes") || len(small.upstream.Requests()) != 0 {
		t.Errorf("%v %s %v", reply, body, err)
	}
	large := h.request(t, "POST", "/v1/messages", "{}")
	large.Body, large.ContentLength = io.NopCloser(io.LimitReader(spaces{}, 20<<20)), 20<<20
	if reply, body, err = h.do(t, large); err != nil || reply.StatusCode != 200 || len(h.upstream.Requests()[0].Body) != 20<<20 {
		t.Errorf("%v %s %v", reply, body, err)
	}
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

// A client that stops in the middle of its body is told and let go; one that
// leaves there is no call of a provider.
func TestBodyThatStops(t *testing.T) {
	flat(t)
	h := build(t, standin.New(), func(o *provider.Options) { o.BodyTimeout = time.Second })
	for number, leaves := range []bool{false, true} {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		want := 408
		if leaves {
			want = 0
			conn.Close()
		} else if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
			t.Errorf("%q %v", answer, err)
		}
		if record := h.record(t, number+1); record.Status != want || record.Error == "" || record.BytesIn != 1 {
			t.Errorf("record %+v", record)
		}
	}
	if n := len(h.upstream.Requests()); n != 0 {
		t.Errorf("%d requests reached the provider", n)
	}
}

// A refused request whose body never comes holds no connection.
func TestRefusedBodyThatNeverComes(t *testing.T) {
	flat(t)
	h := build(t, standin.New(), func(o *provider.Options) { o.BodyTimeout = 100 * time.Millisecond })
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /p/nobody HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 404 ") {
		t.Errorf("%q %v", answer, err)
	}
}
