package redact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// encodings are the ways in which a value travels, written independently of
// the package.
func encodings(value string) map[string]string {
	js := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	noHTML := func(s string) string {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		_ = e.Encode(s)
		return strings.TrimSpace(b.String())
	}
	each := func(form string) string {
		var b strings.Builder
		for _, c := range []byte(value) {
			fmt.Fprintf(&b, form, c)
		}
		return b.String()
	}
	return map[string]string{
		"each as JSON":     each(`\u%04x`),
		"each as %":        each("%%%02X"),
		"each as \\x":      each(`\x%02x`),
		"numbers":          strings.Trim(fmt.Sprintf("%d", []byte(value)), "[]"),
		"raw":              value,
		"JSON":             js(value),
		"JSON, no HTML":    noHTML(value),
		"JSON in JSON":     js(js(map[string]string{"k": value}["k"])),
		"query":            "k=" + url.QueryEscape(value) + "&b=1",
		"path":             "/a/" + url.PathEscape(value) + "/b",
		"HTML":             html.EscapeString(value),
		"hex":              hex.EncodeToString([]byte(value)),
		"HEX":              strings.ToUpper(hex.EncodeToString([]byte(value))),
		"base64":           base64.StdEncoding.EncodeToString([]byte(value)),
		"base64 url":       base64.URLEncoding.EncodeToString([]byte(value)),
		"base64, behind 1": base64.StdEncoding.EncodeToString([]byte("x" + value + "yz")),
		"base64, behind 2": base64.StdEncoding.EncodeToString([]byte("xx" + value + "y")),
		"base64 user:pass": base64.RawURLEncoding.EncodeToString([]byte("user:" + value)),
	}
}

func TestKnownValuesAreFoundInEveryEncoding(t *testing.T) {
	for _, value := range []string{
		"tr0ub4", "correct horse <battery> & \"staple\"", `back\slash/and'quote`, "pässwörd-日本", "a+b=c/d?e%f", "line one is long enough\nline two is long enough",
		strings.Repeat("Long0123456789abcdef", 200),
	} {
		m := newMasker(t)
		if !m.Add("x", []byte(value)) {
			t.Fatalf("%q was not registered", value)
		}
		for name, text := range encodings(value) {
			got := m.Text("before " + text + " after")
			for _, piece := range pieces(text, len(text)*3/4) {
				if strings.Contains(got, piece) {
					t.Fatalf("%q as %s: most of it survives: %s", value, name, got)
				}
			}
			if !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Errorf("%q as %s: the text around is gone: %s", value, name, got)
			}
		}
		m.Remove("x")
		if got := m.Text("k " + value); strings.Contains(got, "[REDACTED]") {
			t.Errorf("a removed value is still replaced: %s", got)
		}
	}
}

// A colour that begins or ends in the middle of a secret hides it from no rule.
func TestColoursInsideSecrets(t *testing.T) {
	m := newMasker(t)
	m.Add("k", []byte("kQ7-vault_Zx81mmPq4Lt"))
	m.Add("words", []byte("correct horse battery staple"))
	for _, secret := range []string{"kQ7-vault_Zx81mmPq4Lt", "correct horse battery staple", fake("ghp_", 36), fake("sk-ant-api03-", 95)} {
		for cut := 1; cut < len(secret); cut++ {
			for _, form := range []string{"\x1b[01;31m\x1b[K%s\x1b[m\x1b[K%s after\n", "at %s\x1b[38;5;12m%s\x1b[0m after\n"} {
				text := fmt.Sprintf(form, secret[:cut], secret[cut:])
				got := m.Text(text)
				if strings.Count(got, "[REDACTED]") != 1 || len(secret)-cut > 4 && strings.Contains(got, secret[cut:]) || !strings.HasSuffix(got, " after\n") {
					t.Fatalf("%q: %q", text, got)
				}
				if streamed := through(t, m, text, func(int) int { return 5 }); streamed != got {
					t.Fatalf("%q: a writer gives %q, the whole %q", text, streamed, got)
				}
				if strings.Contains(secret, " ") {
					continue // see Stream
				}
				if streamed := pushed(m.Stream(), text, func(int) int { return 5 }); streamed != got {
					t.Fatalf("%q: a stream gives %q, the whole %q", text, streamed, got)
				}
			}
		}
	}
	for _, text := range []string{"\x1b[32mpassword\x1b[0m: \x1b[1mrequired\x1b[0m", "sk-\x1b[1mlearn\x1b[0m", "\x1b[", "\x1b[31mtok\x1b[0men of thanks"} {
		if got := m.Text(text); got != text {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func pieces(text string, n int) (list []string) {
	for i := 0; n > 0 && i+n <= len(text); i++ {
		list = append(list, text[i:i+n])
	}
	return list
}

func TestOnlyTheLongerOfTwoValuesIsNotEnough(t *testing.T) {
	m := newMasker(t)
	m.Add("a", []byte("prefix-123"))
	m.Add("b", []byte("prefix-123-and-more"))
	m.Add("c", []byte("23-and"))
	for in, want := range map[string]string{
		"prefix-123-and-more.": "[REDACTED].", "prefix-123-and": "[REDACTED]", "prefix-123x": "[REDACTED]x", "prefix-12": "prefix-12",
	} {
		if got := m.Text(in); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
	m.Remove("b")
	if got := m.Text("prefix-123-and-more"); got != "[REDACTED]-more" {
		t.Errorf("after Remove: %s", got)
	}
}

func TestWhatWouldDestroyTextIsNotRegistered(t *testing.T) {
	m := newMasker(t)
	for _, value := range []string{"", "short", "  abcd  ", "password", "Gateway", "aaaaaaaa", "ababababab", "123456", "REDACTED", "127.0.0.1"} {
		if m.Add("x", []byte(value)) {
			t.Errorf("%q was registered", value)
		}
	}
	if got := m.Text("gateway password 123456"); got != "gateway password 123456" {
		t.Errorf("got %s", got)
	}
}

func TestANameKeepsItsOldValueUntilRemoved(t *testing.T) {
	m := newMasker(t)
	m.Add("anthropic", []byte("old-value-1"))
	m.Add("anthropic", []byte("new-value-2"))
	if got := m.Text("old-value-1 new-value-2"); got != "[REDACTED] [REDACTED]" {
		t.Errorf("got %s", got)
	}
}

func TestChangesWhileInUse(t *testing.T) {
	m := newMasker(t)
	m.Add("fixed", []byte("always-here-77"))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if got := m.Text("x always-here-77 y"); got != "x [REDACTED] y" {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	wg.Go(func() {
		for range 50 {
			m.Add("other", []byte("comes-and-goes-1"))
			_ = m.Configure([]string{"emp-[0-9]+"}, "")
			m.Remove("other")
		}
	})
	wg.Wait()
}
