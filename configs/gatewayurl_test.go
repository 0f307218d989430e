package configs

import (
	"errors"
	"net/url"
	"strings"
	"testing"
)

func TestGatewayURLs(t *testing.T) {
	for text, want := range map[string]GatewayURL{
		"wss://gateway.example.com:18789":   {URL: "wss://gateway.example.com:18789/", Host: "gateway.example.com", Secure: true},
		"wss://gateway.example.com/":        {URL: "wss://gateway.example.com/", Host: "gateway.example.com", Secure: true},
		"ws://127.0.0.1:1":                  {URL: "ws://127.0.0.1:1/", Host: "127.0.0.1", Loopback: true},
		"wss://[::1]:18789":                 {URL: "wss://[::1]:18789/", Host: "::1", Secure: true, Loopback: true},
		"ws://localhost:18789":              {URL: "ws://localhost:18789/", Host: "localhost", Loopback: true},
		"unix:///run/openclaw/gateway.sock": {Socket: "/run/openclaw/gateway.sock", Loopback: true},
	} {
		if got, err := ParseGatewayURL(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"ws://example.com:18789": "in the clear", "ws://127.0.0.1.evil.example:1": "in the clear", "ws://2130706433:1": "in the clear",
		"http://localhost:1": "not ws, wss or unix", "wss://": "names no host", "wss://:18789": "names no host", "wss://h:99999": "port", "wss://h:0": "port", "wss://h:": "port",
		"wss://me:secret@h:1": "no user", "wss://h:1/?token=secret": "no user", "wss://h:1/#secret": "no user", "wss://h:1/path": "no path",
		"unix://host/run/x": "absolute path", "unix:run/x": "is not a URL", "": "not ws, wss or unix", "h:18789": "", "://": "is not a URL", "wss://h\x00:1": "is not a URL",
	} {
		got, err := ParseGatewayURL(text)
		bad, is := errors.AsType[*URLError](err)
		if !is || !strings.Contains(bad.Message, want) || bad.Hint == "" || strings.Contains(bad.Message+bad.Hint, "secret") {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

// Whatever is taken leads to a socket, or to a host without a user or a query, and
// in the clear to this machine only.
func FuzzParseGatewayURL(f *testing.F) {
	for _, seed := range []string{"wss://h:1", "ws://[::1]:1", "unix:///x", "ws://localhost@evil:1", "WSS://H", "wss://h:1?x", "ws://127.0.0.1\\@evil/"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := ParseGatewayURL(text)
		if err != nil {
			if _, is := errors.AsType[*URLError](err); !is {
				t.Fatal(err)
			}
			return
		}
		if at.Socket != "" {
			if at.URL != "" || !strings.HasPrefix(at.Socket, "/") {
				t.Fatalf("%+v", at)
			}
			return
		}
		u, err := url.Parse(at.URL)
		if err != nil || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Hostname() != at.Host || u.Path != "/" {
			t.Fatalf("%q: %+v, %v", text, at, err)
		}
		if !at.Secure && !loopbackHost(u.Hostname()) {
			t.Fatalf("%q goes in the clear to %s", text, u.Hostname())
		}
		if again, err := ParseGatewayURL(at.URL); err != nil || again != at {
			t.Fatalf("%q: %+v, again %+v %v", text, at, again, err)
		}
	})
}
