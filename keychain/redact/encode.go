package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
)

// Sizes of registered values, in bytes.
const (
	minValue  = 6    // shorter ones are too likely to be part of something else
	wholeSize = 1024 // a longer one is found by its pieces
	pieceSize = 512
	lineSize  = 16 // a line of a value of several lines counts from here
)

// needles returns the byte strings to look for so that value is found in every
// encoding. None is longer than 8 KiB: JSON in JSON takes up to seven bytes for one
// of at most 1 KiB.
func needles(value []byte) []string {
	value = bytes.TrimSpace(value)
	set := map[string]bool{}
	encode(set, value)
	if bytes.IndexByte(value, '\n') >= 0 {
		for line := range bytes.Lines(value) {
			line = bytes.TrimSpace(line)
			if len(line) >= lineSize && !bytes.HasPrefix(line, []byte("-----")) {
				encode(set, line)
			}
		}
	}
	list := make([]string, 0, len(set))
	for n := range set {
		if len(n) >= minValue {
			list = append(list, n)
		}
	}
	return list
}

func encode(set map[string]bool, value []byte) {
	if len(value) <= wholeSize {
		encodePiece(set, value)
		return
	}
	for len(value) > 0 {
		size := min(pieceSize, len(value))
		if len(value)-size < lineSize {
			size = len(value)
		}
		encodePiece(set, value[:size])
		value = value[size:]
	}
}

func encodePiece(set map[string]bool, value []byte) {
	text := string(value)
	add := func(s string) { set[s] = true }
	add(text)

	if run(value, 0, identifier|tilde) != len(value) { // other bytes are the same in text of every kind
		encodeText(add, text)
	}

	// An encoder may escape what need not be: each byte, or all but letters and
	// digits.
	for _, prefix := range [...]string{`\u00`, "%"} {
		for _, base16 := range [...]string{"0123456789abcdef", "0123456789ABCDEF"} {
			add(escapeBytes(value, prefix, base16, 0))
			add(escapeBytes(value, prefix, base16, alphanumeric))
		}
	}
	add(escapeBytes(value, `\x`, "0123456789abcdef", 0))
	list := fmt.Sprintf("%d", value) // a []byte that was printed: [107 81 55]
	add(list[1 : len(list)-1])

	add(hex.EncodeToString(value))
	add(strings.ToUpper(hex.EncodeToString(value)))

	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			add(alignedBase64(encoding, value, shift))
		}
	}
}

// escapeBytes writes the bytes of value as prefix and two digits, except those
// of the classes plain.
func escapeBytes(value []byte, prefix, base16 string, plain uint16) string {
	out := make([]byte, 0, len(value)*(len(prefix)+2))
	for _, c := range value {
		if is(c, plain) {
			out = append(out, c)
		} else {
			out = append(append(out, prefix...), base16[c>>4], base16[c&15])
		}
	}
	return string(out)
}

// encodeText adds the encodings that escape some bytes and leave the others.
func encodeText(add func(string), text string) {
	plain := jsonEscape(text, false)
	for _, escaped := range []string{plain, jsonEscape(text, true)} {
		add(escaped)
		add(strings.ReplaceAll(escaped, "/", `\/`))
		add(jsonEscape(escaped, false)) // JSON in a JSON string
	}
	quoted := strconv.QuoteToASCII(text) // Python's JSON and Go's %+q
	add(quoted[1 : len(quoted)-1])
	quoted = strconv.Quote(text)
	add(quoted[1 : len(quoted)-1])

	query, path := url.QueryEscape(text), url.PathEscape(text)
	component := strings.NewReplacer("+", "%20", "%21", "!", "%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(query)
	for _, escaped := range []string{query, path, component, strings.ReplaceAll(query, "+", "%20")} {
		add(escaped)
		add(lowerPercent(escaped))
		add(url.QueryEscape(escaped))
	}

	add(html.EscapeString(text))
	add(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(text))
	add(strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&#x27;").Replace(text))
}

// alignedBase64 encodes value as it looks behind shift other bytes, without
// the characters that depend on what stands before or after it.
func alignedBase64(encoding *base64.Encoding, value []byte, shift int) string {
	padded := append(make([]byte, shift), value...)
	text := encoding.EncodeToString(padded)
	first := (shift*8 + 5) / 6 // the first character with bits of value only
	last := len(padded) * 8 / 6
	return text[first:last]
}

func jsonEscape(text string, escapeHTML bool) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(escapeHTML)
	if err := e.Encode(text); err != nil {
		return text
	}
	return string(b.Bytes()[1 : b.Len()-2])
}

func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			b[i+1], b[i+2] = fold(b[i+1]), fold(b[i+2])
		}
	}
	return string(b)
}
