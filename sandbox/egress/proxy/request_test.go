package proxy

import (
	"bufio"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

func TestOddRequests(t *testing.T) {
	w := start(t, "good.test")
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: good.test\r\n", "CONNECT good.test HTTP/1.1\r\n", "CONNECT good.test:0 HTTP/1.1\r\n", "CONNECT good.test:99999 HTTP/1.1\r\n",
		"CONNECT good.test:+80 HTTP/1.1\r\n", "CONNECT a\x1bb:80 HTTP/1.1\r\n", "GET ftp://good.test/ HTTP/1.1\r\nHost: x\r\n", "GET https://good.test/ HTTP/1.1\r\nHost: x\r\n",
		"GET http://user@good.test/ HTTP/1.1\r\nHost: x\r\n", "CONNECT good.test:80 HTTP/1.1\r\nContent-Length: 5\r\n", "\x16\x03\x01\r\n",
		"GET http://good.test/ HTTP/1.1\r\nX: " + strings.Repeat("x", 70_000) + "\r\n",
	} {
		got := w.raw(head + authorized() + "\r\n")
		if got != "" && !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("%.40q: %.80q", head, got)
		}
	}
	got := w.raw("GET http://good.test/ HTTP/1.1\r\nHost: x\r\nConnection: X-Hop\r\nX-Hop: secret\r\n" + authorized() + "\r\n")
	if !strings.Contains(got, `auth="" hop=""`) {
		t.Errorf("what was meant for the proxy went on: %q", got)
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		"CONNECT a.test:443 HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://a.test/x?y HTTP/1.1\r\nHost: b\r\nConnection: close, x\r\n\r\nbody",
		"POST http://[::1]:80/ HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "GET http:// HTTP/1.1\r\n\r\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		asked, err := parseRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		if asked.port == 0 || !plainHost(asked.host) {
			t.Fatalf("%+v", asked)
		}
		if len(asked.head) == 0 {
			return
		}
		again, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(asked.head))))
		if err != nil {
			t.Fatalf("the head that goes on cannot be read: %v\n%s", err, asked.head)
		}
		host, _, err := hostPort(again.Host, 80)
		if err != nil || host != asked.host || again.URL.Host != "" || again.Header.Get("Proxy-Authorization") != "" {
			t.Fatalf("%q became %q for %q", text, asked.head, asked.host)
		}
	})
}

func TestEnvironment(t *testing.T) {
	for _, v := range Environment(netip.MustParseAddrPort("127.0.0.1:4711"), token) {
		if name, value, _ := strings.Cut(v, "="); !strings.EqualFold(name, "no_proxy") && value != "http://openclaw:"+token+"@127.0.0.1:4711" {
			t.Error(v)
		}
	}
}
