package provider

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"

	"openclaw/keychain"
)

// through sends text through a mask in pieces, as an answer does.
func through(key string, pieces ...string) string {
	m := newMask(keychain.NewSecret([]byte(key)))
	var out, waiting []byte
	for _, piece := range pieces {
		waiting = append(waiting, piece...)
		wait := m.cover(waiting)
		out = append(out, waiting[:len(waiting)-wait]...)
		waiting = append([]byte(nil), waiting[len(waiting)-wait:]...)
	}
	m.rest(waiting)
	return string(append(out, waiting...))
}

// Nothing waits that cannot be the beginning of the key.
func TestMaskHoldsBackOnlyABeginning(t *testing.T) {
	m := newMask(keychain.NewSecret([]byte("sk-secret-key-of-some-length")))
	for text, wait := range map[string]int{
		"": 0, "hello ": 0, "s": 1, "so it goes\n\n": 0, "x sk-sec": 6, "sk-second sk": 2, "sk-second sk-": 3, "sssk-s": 4, "sk-sk-sk": 2,
	} {
		if got := m.cover([]byte(text)); got != wait {
			t.Errorf("%q: %d bytes wait, not %d", text, got, wait)
		}
	}
}

func TestMaskLeavesPlaceholdersAlone(t *testing.T) {
	if got := through("ollama", "ollama is an ollama"); got != "ollama is an ollama" {
		t.Errorf("got %q", got)
	}
}

// Whatever surrounds it and wherever it is cut: the key never comes out, the
// length stays, and a text without the key stays as it is.
func FuzzMask(f *testing.F) {
	f.Add("sk-secret-key-of-length", "before sk-secret-key-of-length after", 9, 14)
	f.Add("aaaaaaaaaaaaaaaab", "aaaaaaaaaaaaaaaaaaaaaaaaab", 3, 9)
	f.Add("abababababababab", "abababababababababababababab", 1, 5)
	f.Add("1234567812345678", strings.Repeat("12345678", 5), 8, 16)
	f.Add("sk-secret-key-of-length", "nothing of the kind", 3, 4)
	f.Fuzz(func(t *testing.T, key, text string, one, two int) {
		if len(key) < shortestMasked || len(key) > 200 || strings.ContainsAny(key, "•*") || !printable([]byte(key)) {
			return
		}
		one, two = max(0, min(one, len(text))), max(0, min(two, len(text)))
		if one > two {
			one, two = two, one
		}
		got := through(key, text[:one], text[one:two], text[two:])
		if strings.Contains(got, key) {
			t.Fatalf("%q cut at %d and %d: the key came through: %q", text, one, two, got)
		}
		if len(got) != len(text) {
			t.Fatalf("%d bytes became %d", len(text), len(got))
		}
		if whole := through(key, text); got != whole {
			t.Fatalf("cut at %d and %d gives %q, whole gives %q", one, two, got, whole)
		}
		if half := len(key) / 2; !strings.Contains(text, key[:half]) && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

// No path leaves the provider's host and root, and none is changed on its way.
func FuzzRoute(f *testing.F) {
	for _, path := range []string{"/v1/messages", "/p/x/../y", "/p/x/%2e%2e/y", "/p//", "/v1/models/%zz", "/p/a/%252e%252e%2f", "/p/x//evil.example/", "/p/x/a?key=1", "/v1/x y"} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, target string) {
		u, err := url.ParseRequestURI(target)
		if err != nil || u.Host != "" {
			return
		}
		to, problem := routeOf(&http.Request{Method: http.MethodPost, URL: u, Header: http.Header{}})
		if problem != nil {
			return
		}
		address, problem := new(bases).upstreamURL(Target{Kind: KindOpenAI, BaseURL: "https://provider.example/base"}, to.path)
		if problem != nil {
			return
		}
		if address.Host != "provider.example" || !strings.HasPrefix(address.EscapedPath(), "/base/") || !strings.HasSuffix(u.EscapedPath(), to.path) && to.path != "/" {
			t.Fatalf("%q leads to %s", target, address)
		}
		for range 3 {
			for segment := range strings.SplitSeq(address.Path, "/") {
				if segment == ".." {
					t.Fatalf("%q climbs to %s", target, address.Path)
				}
			}
			segments := strings.Split(address.Path, "/")
			for i, segment := range segments { // each alone: what is no escape in one hides nothing in another
				if plain, err := url.PathUnescape(segment); err == nil {
					segments[i] = plain
				}
			}
			address.Path = strings.Join(segments, "/")
		}
	})
}

// A query without a credential is not changed by a byte; one with a credential
// loses it however it is written.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{"beta=true", "", "&&", "a=%20&b=1+2;c", "key=x", "%6bey=oca_0123456789abcdef", "x=oca%5F0123456789abcdef&y", "ke_Y"} {
		f.Add(query)
	}
	const token = "oca_0123456789abcdef"
	f.Fuzz(func(t *testing.T, query string) {
		got := withoutTokens(query, []string{token})
		values, err := url.ParseQuery(got)
		if err == nil && values.Has("key") || strings.Contains(got, token) {
			t.Fatalf("%q became %q", query, got)
		}
		for name, all := range values {
			for _, value := range append(all, name) {
				if strings.Contains(value, token) {
					t.Fatalf("%q became %q", query, got)
				}
			}
		}
		// A name is one however it is spelled: ke_Y. What has none of their letters in a row is left alone.
		letters := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return unicode.ToLower(r)
			}
			return -1
		}, query)
		names := slices.ContainsFunc([]string{"oca", "key", "token"}, func(word string) bool { return strings.Contains(letters, word) })
		if !names && !strings.Contains(query, "%") && got != query {
			t.Fatalf("%q became %q", query, got)
		}
	})
}

// Without a base URL the key goes to the kind's own host, over TLS, past every
// proxy of the environment.
func TestOwnHosts(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	for kind, host := range map[string]string{KindAnthropic: "api.anthropic.com:443", KindOpenAI: "api.openai.com:443", KindGemini: "generativelanguage.googleapis.com:443"} {
		h := New(Options{
			Secret: func(context.Context, string) (keychain.Secret, error) {
				return keychain.NewSecret([]byte("sk-0123456789abcdef")), nil
			},
			Providers: func() map[string]Target { return map[string]Target{kind: {Kind: kind}} },
		})
		var dialled string
		var first []byte
		h.transport.Dial(func(_ context.Context, _, address string) (net.Conn, error) {
			dialled = address
			near, far := net.Pipe()
			go func() {
				first = make([]byte, 1)
				_, _ = io.ReadFull(far, first)
				far.Close()
			}()
			return near, nil
		})
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/p/"+kind+"/v1/models", nil))
		h.Close()
		if dialled != host || !bytes.Equal(first, []byte{22}) || w.Code != http.StatusBadGateway { // 22: a TLS handshake
			t.Errorf("%s: dialled %q, began with %v, %d %s", kind, dialled, first, w.Code, w.Body)
		}
	}
}

// A certificate that nobody vouches for gets no key, and the words say what is
// wrong.
func TestUntrustedCertificate(t *testing.T) {
	asked := false
	far := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	far.Config.ErrorLog = log.New(io.Discard, "", 0)
	far.StartTLS()
	defer far.Close()
	h := New(Options{
		Secret: func(context.Context, string) (keychain.Secret, error) {
			return keychain.NewSecret([]byte("sk-0123456789abcdef")), nil
		},
		Providers: func() map[string]Target { return map[string]Target{"a": {Kind: KindAnthropic, BaseURL: far.URL}} },
	})
	defer h.Close()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/p/a/v1/messages", strings.NewReader("{}")))
	if w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "signed by nobody") || asked {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// What net/http says may quote the provider; what we say never does.
func TestFailureWordsAreOurOwn(t *testing.T) {
	const canary = "sk-canary"
	for _, err := range []error{
		errors.New(canary), &net.OpError{Op: "dial", Err: errors.New(canary)}, &net.OpError{Op: "read", Err: errors.New(canary)},
		&net.DNSError{Err: canary, Name: canary}, errors.Join(errSilent, errors.New(canary)),
	} {
		if f := upstreamRefusal("anthropic", "host", err); strings.Contains(f.message, canary) || !strings.Contains(f.message, "anthropic (host)") {
			t.Errorf("%v became %q", err, f.message)
		}
	}
}

// What finds a key is not made again for each call.
func TestMatcherIsKept(t *testing.T) {
	h := New(Options{
		Providers: func() map[string]Target { return map[string]Target{"one": {}, "two": {}} },
		Secret:    func(context.Context, string) (keychain.Secret, error) { return keychain.Secret{}, nil },
	})
	one, two := keychain.NewSecret([]byte("sk-secret-key-of-some-length")), keychain.NewSecret([]byte("sk-other-key-of-some-length"))
	if h.maskOf("one", one).exact == h.maskOf("two", two).exact {
		t.Fatal("two keys have one matcher")
	}
	if n := testing.AllocsPerRun(100, func() { h.maskOf("one", one); h.maskOf("two", two) }); n > 4 {
		t.Errorf("%.0f allocations for two calls", n)
	}
}

// An event that waits is in no buffer but the echo's own, which wipes it: it may hold
// half a key.
func TestWhatWaitsIsNotLeftBehind(t *testing.T) {
	key := keychain.NewSecret([]byte("sk-0123456789abcdef"))
	event := "data: {\"delta\":{\"text\":\"sk-0123456789\"}}\n\n"
	response := &http.Response{Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: io.NopCloser(io.MultiReader(strings.NewReader(event), strings.NewReader("data: {\"delta\":{\"text\":\"!\"}}\n\n")))}
	withoutEcho(response, newMask(key))
	space := make([]byte, 1<<10)
	n, err := response.Body.Read(space)
	if n != 0 || err != nil || bytes.Contains(space, []byte("0123")) {
		t.Errorf("%d %v, left behind: %q", n, err, bytes.Trim(space, "\x00"))
	}
	if rest, err := io.ReadAll(response.Body); err != nil || !strings.HasPrefix(string(rest), event) {
		t.Errorf("%q %v", rest, err)
	}
}
